"""What the user sees while a job runs, and the report at its end. Only looks at a job, never waits for it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import trio
from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from fdlocal.access import Watch
from fdlocal.outcome import Outcome

REFRESH: Final = 0.1
"""Seconds between two looks at the job."""

_RATE_WEIGHT: Final = 0.15
"""How much the newest look counts in the shown rate: about one second of memory."""

_PROBLEMS: Final = {
    1: "abort",
    3: "fatal",
    4: "error",
    5: "warning",
    8: "not saved",
    11: "fatal",
    14: "security",
}
"""Message types worth showing, with their word (core/src/lib/message_severity.h)."""

MOST_PROBLEMS: Final = 20
"""Problems shown in a report; the catalog has all of them."""

_GOOD: Final = {"T": "OK", "W": "OK, with warnings"}
_BAD: Final = {
    "A": "canceled",
    "E": "ended with errors",
    "f": "failed",
    "D": "differences found",
    "I": "incomplete",
}


def shown_path(path: bytes) -> str:
    """A file name for the screen: undecodable bytes and control characters are escaped."""
    text = path.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def current_file(record: bytes) -> str:
    """The name in an attributes record, or nothing."""
    parts = record.split(b"\0", 1)[0].split(b" ", 2)
    return shown_path(parts[2]) if len(parts) == 3 else ""


class Rate:
    """Bytes a second, smoothed."""

    def __init__(self) -> None:
        self.value = 0.0
        self._size = 0

    def look(self, size: int, seconds: float) -> None:
        """`size` bytes in all, `seconds` since the last look."""
        now = max(0, size - self._size) / seconds
        self.value += _RATE_WEIGHT * (now - self.value) if self.value else now
        self._size = size


@asynccontextmanager
async def live(watch: Watch, console: Console) -> AsyncIterator[None]:
    """Show the job in one moving line while the block runs; nothing when the console is no terminal."""
    if not console.is_terminal:
        yield
        return
    columns = (
        SpinnerColumn(),
        TextColumn("[bold]{task.description}"),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[files]} files"),
        TextColumn("{task.fields[size]}"),
        TextColumn("[cyan]{task.fields[rate]}/s"),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[current]}", markup=True),
    )
    with Progress(*columns, console=console, transient=True, auto_refresh=False) as progress:
        task = progress.add_task(
            watch.title, total=None, files="0", size="0 bytes", rate="0 bytes", current=""
        )
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_follow, watch, progress, task)
            try:
                yield
            finally:
                nursery.cancel_scope.cancel()


async def _follow(watch: Watch, progress: Progress, task: TaskID) -> None:
    rate = Rate()
    while True:
        if watch.run is not None:
            figures = watch.run.figures
            rate.look(figures.size, REFRESH)
            files = f"{figures.files:,}" + (f" of {watch.total_files:,}" if watch.total_files else "")
            current = current_file(figures.current)
            progress.update(
                task,
                description="canceling" if watch.canceled.is_set() else watch.title,
                total=watch.total_bytes,
                completed=min(figures.size, watch.total_bytes) if watch.total_bytes else 0,
                files=files,
                size=decimal(figures.size),
                rate=decimal(int(rate.value)),
                current=_escape(current[-60:]),
            )
        progress.refresh()
        await trio.sleep(REFRESH)


def _escape(text: str) -> str:
    return text.replace("[", r"\[")


def report(outcome: Outcome, console: Console, *, states: bool = False) -> None:
    """The figures of a finished job, its problems, and with `states` the paths through the daemon's charts."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    word = _GOOD.get(outcome.status) or _BAD.get(outcome.status, outcome.status)
    style = "green" if outcome.status == "T" else "yellow" if outcome.status == "W" else "red"
    table.add_row(
        outcome.kind, Text(word, style=style) + Text(f"  (job {outcome.job_id}, {outcome.name})", "dim")
    )
    if outcome.reason:
        table.add_row("Reason", Text(outcome.reason, style="red"))
    table.add_row("Files", f"{outcome.files:,}")
    saved = f" (stored {decimal(outcome.job_bytes)})" if outcome.job_bytes != outcome.read_bytes else ""
    table.add_row("Data", f"{decimal(outcome.read_bytes)}{saved}")
    seconds = max(outcome.seconds, 1e-6)
    table.add_row(
        "Time",
        f"{seconds:.2f} s, {outcome.files / seconds:,.0f} files/s, {decimal(int(outcome.read_bytes / seconds))}/s",
    )
    if outcome.chain:
        builds = "Builds on jobs" if outcome.kind.endswith("backup") else "From jobs"
        table.add_row(builds, ", ".join(map(str, outcome.chain)))
    if outcome.where:
        table.add_row("To" if outcome.kind == "Restore" else "Volume", Text(outcome.where))
    table.add_row("Encryption", f"{outcome.cipher} between the daemons")
    if states:
        for chart, path in outcome.states:
            table.add_row(f"Chart {chart}", Text(path, style="dim"))
    if outcome.errors:
        table.add_row("Errors", Text(f"{outcome.errors:,}", style="red"))
    console.print(table)
    problems = [message for message in outcome.messages if message.type in _PROBLEMS]
    for message in problems[:MOST_PROBLEMS]:
        style = "yellow" if message.type in (5, 8) else "red"
        text = shown_path(message.text.partition(b": ")[2].strip() or message.text.strip())
        console.print(Text(f"  {_PROBLEMS[message.type]}: ", style=style) + Text(text))
    for difference in outcome.differences[:MOST_PROBLEMS]:
        console.print(Text("  differs: ", style="red") + Text(shown_path(difference.encode())))
    if len(outcome.differences) > MOST_PROBLEMS:
        console.print(f"  … and {len(outcome.differences) - MOST_PROBLEMS:,} more differences")
    if len(problems) > MOST_PROBLEMS:
        console.print(f"  … and {len(problems) - MOST_PROBLEMS:,} more in the catalog")

"""The screen as lines: exactly as many as the terminal has, each no wider than it. Everything that colour says is
also said by a sign, so it reads the same without colour.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from rich.text import Text

from fdmon import words
from fdmon.detail import detail_lines, step_lines
from fdmon.model import Model
from fdmon.state import Choice, Page, Row, rows, selected
from fdmon.track import progress_line, track, where_line

HELP: Final = (
    "",
    "  up down j k      choose a job                 enter right      open it",
    "  home end g G     first, last                  esc left         back; clear the filter",
    "  s                sort: start, name, rate, time left, errors",
    "  / f              filter by words of job, director, number; `errors` finds trouble",
    "  t                the last transitions of all jobs",
    "  n N              in a job: the next, the one before",
    "  p space          hold the picture             ? h              this page",
    "  q                leave",
    "",
    "  The track shows the job's chart with the present state in [BRACKETS]; behind it stand the states",
    "  of its conversations with the Director and the Storage daemon. `waits on` names what the job's",
    "  worker spends most of its time with: the Storage daemon, the CPU or the disk. An estimate names",
    "  its source: `history` (earlier runs of the job), `tree` (the place that the walk has reached) or",
    "  `session` (a restore: the sizes of the backups that it reads).",
)


@dataclass(frozen=True, slots=True)
class Link:
    """How the feed is: empty when it is there, else what happened to it."""

    trouble: str = ""
    where: str = ""
    recording: bool = False


def screen(model: Model, choice: Choice, link: Link, width: int, height: int, now: float) -> list[Text]:
    """`height` lines of at most `width` columns; `now` in the daemon's Unix seconds."""
    top = [_title(model, choice, link, width, now), Text("─" * width, "dim")]
    foot = [Text("─" * width, "dim"), _footer(choice, width)]
    room = max(1, height - len(top) - len(foot))
    if model.is_empty:
        body = [Text(""), Text(f"  waiting for {link.where}: {link.trouble or 'calling'}"[:width])]
    else:
        body = _body(model, choice, width, room, now)
    body = body[:room] + [Text("")] * (room - len(body))
    lines = [*top, *body, *foot][-height:] if height < 5 else [*top, *body, *foot]
    for line in lines:
        line.truncate(width)
        line.no_wrap = True
    return lines


def _body(model: Model, choice: Choice, width: int, room: int, now: float) -> list[Text]:
    match choice.page:
        case Page.JOBS:
            return _jobs(model, choice, width, room, now)
        case Page.DETAIL:
            job = model.job(choice.selected)
            if job is None:
                return [Text(""), Text("  this job is gone from the daemon's memory")]
            rates = [pair[0] for pair in model.rates.get(job["key"], ())]
            return _scrolled(detail_lines(job, rates, width, now), choice.scroll, room)
        case Page.STEPS:
            return _scrolled(step_lines(model.transitions(), width), choice.scroll, room)
        case Page.HELP:
            return [Text(line) for line in HELP]


def _scrolled(lines: list[Text], scroll: int, room: int) -> list[Text]:
    start = min(scroll, max(0, len(lines) - room))
    shown = lines[start : start + room]
    if start + room < len(lines):
        shown[-1] = Text(f"  ↓ {len(lines) - start - room + 1} more lines", "dim")
    return shown


def _title(model: Model, choice: Choice, link: Link, width: int, now: float) -> Text:
    line = Text("fdmon ", "bold")
    if not model.is_empty:
        daemon = model.daemon
        running = len(model.jobs)
        line.append(f" {words.safe(daemon['name'])} ", "bold cyan")
        line.append(f" {daemon['release']}  up {words.duration(now - daemon['started'])}  ")
        line.append(f"{running} running, {daemon['finished_jobs']} finished")
        if width >= 110:
            rate = sum(job["rate"]["bytes_now"] for job in model.jobs.values())
            line.append(
                f"  {words.size(rate)}/s  {daemon['viewers']} watching  {words.safe(daemon['system'])}", "dim"
            )
    state, style = "LIVE", "green"
    if link.recording:
        state, style = "REPLAY", "magenta"
    if link.trouble:
        state, style = f"LOST: {link.trouble}", "bold red"
    if choice.paused:
        state, style = "HELD", "bold yellow"
    gap = width - line.cell_len - len(state)
    if gap < 2:
        line.truncate(max(0, width - len(state) - 2))
        gap = width - line.cell_len - len(state)
    line.append(" " * max(1, gap))
    line.append(state, style)
    return line


def _footer(choice: Choice, width: int) -> Text:
    if choice.typing:
        return Text(f"filter: {choice.filter}▏  (enter keeps it, esc drops it)"[:width], "bold")
    match choice.page:
        case Page.JOBS:
            wanted = f": {choice.filter}" if choice.filter else ""
            text = f"↑↓ choose  enter open  s sort: {choice.order.value}  / filter{wanted}"
            text += "  t steps  p hold  ? help  q quit"
        case Page.DETAIL:
            text = "↑↓ scroll  n N next job  esc back  p hold  ? help  q quit"
        case _:
            text = "↑↓ scroll  esc back  p hold  q quit"
    return Text(words.head(text, width), "dim")


def _jobs(model: Model, choice: Choice, width: int, room: int, now: float) -> list[Text]:
    running, over = rows(model, choice)
    chosen = selected(choice, model)
    key = chosen["key"] if chosen is not None else None
    lines: list[Text] = []
    if running:
        spare = min(len(over), 4) + 1 if over else 0
        tall = next((lines for lines in (5, 4, 2) if len(running) * lines <= room - spare), 1)
        places = [_running(job, model, job["key"] == key, width, tall, now) for job in running]
        fit = max(1, (room - spare) // tall)
        first = _first_shown([job["key"] for job in running], key, fit)
        for place in places[first : first + fit]:
            lines += place
        if len(places) > fit:
            hidden = len(places) - fit
            lines.append(Text(f"  {hidden} more running: ↑ {first}, ↓ {hidden - first}", "dim"))
    else:
        lines.append(
            Text("  no job is running" if not choice.filter else "  no running job fits the filter", "dim")
        )
    if over and room - len(lines) >= 2:
        lines.append(Text("─ finished " + "─" * (width - 11), "dim"))
        fit = room - len(lines)
        first = _first_shown([job["key"] for job in over], key, fit)
        lines += [_finished(job, job["key"] == key, width) for job in over[first : first + fit]]
    return lines


def _first_shown(keys: list[int], key: int | None, fit: int) -> int:
    place = keys.index(key) if key in keys else 0
    return max(0, min(place - fit + 1, len(keys) - fit)) if place >= fit else 0


def _running(job: Row, model: Model, marked: bool, width: int, tall: int, now: float) -> list[Text]:
    rates = [pair[0] for pair in model.rates.get(job["key"], ())]
    first = _head(job, marked, now)
    if tall == 1:
        first.append("  ")
        first.append_text(progress_line(job, rates, max(0, width - first.cell_len), short=True))
        return [first]
    if tall == 2:
        return [first, Text("    ").append_text(progress_line(job, rates, width - 4))]
    lines = [
        first,
        Text("    ").append_text(track(job, width - 4)),
        Text("    ").append_text(progress_line(job, rates, width - 4)),
        Text("    ").append_text(where_line(job, width - 4)),
    ]
    return [*lines, Text("")] if tall == 5 else lines


def _head(job: Row, marked: bool, now: float) -> Text:
    line = Text("▶ " if marked else "  ", "bold")
    line.append(f"{job['job_id']} ", "dim")
    line.append(
        words.head(words.safe(words.base_name(job["name"])), 30), "bold reverse" if marked else "bold"
    )
    line.append(
        f"  {words.TYPES.get(job['type'], job['type'])} {words.LEVELS.get(job['level'], job['level'])}".rstrip()
    )
    line.append(f"  {words.safe(job['director'])}", "dim")
    line.append(f"  {words.duration(now - job['started'])}")
    status = job["status"]
    line.append(f"  {words.STATUSES.get(status, status)}", "bold red" if status in words.BAD else "green")
    _troubles(line, job)
    return line


def _troubles(line: Text, job: Row) -> None:
    for name, style in (("errors", "bold red"), ("warnings", "yellow")):
        if job[name]:
            line.append(f"  !{words.counted(job[name], name[:-1])}", style)


def _finished(job: Row, marked: bool, width: int) -> Text:
    bad = job["status"] in words.BAD
    line = Text("▶ " if marked else "  ", "bold")
    line.append("✗ " if bad else "✓ ", "bold red" if bad else "yellow" if job["status"] == "W" else "green")
    line.append(time.strftime("%H:%M:%S", time.localtime(job["ended"] or job["started"])), "dim")
    line.append(f" {job['job_id']} ", "dim")
    line.append(words.head(words.safe(words.base_name(job["name"])), 24), "reverse" if marked else "")
    kind = words.TYPES.get(job["type"], job["type"])
    line.append(f"  {kind} {words.LEVELS.get(job['level'], '')}".rstrip())
    line.append(f"  {words.STATUSES.get(job['status'], job['status'])}", "bold red" if bad else "")
    _troubles(line, job)
    line.append(f"  {job['files']:,} files  {words.size(job['read_bytes'])}")
    line.append(f"  {words.duration((job['ended'] or job['started']) - job['started'])}")
    if width >= 100:
        line.append(f"  {words.size(job['rate']['bytes_average'])}/s", "dim")
    return line


def plain(lines: Iterable[Text]) -> str:
    """The lines as text without style, without blanks at their ends."""
    return "\n".join(line.plain.rstrip() for line in lines) + "\n"

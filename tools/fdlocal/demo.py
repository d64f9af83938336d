"""`fdlocal demo`: back a directory up, restore it elsewhere, compare the two, and show what the daemon went
through.
"""

import tempfile
import time
from contextlib import AbstractAsyncContextManager
from fnmatch import fnmatchcase
from pathlib import Path

import trio
from rich.console import Console

from fdlocal.access import Access, Watch
from fdlocal.backup import back_up
from fdlocal.compare import compare
from fdlocal.daemon import file_daemon
from fdlocal.display import live, report, shown_path
from fdlocal.options import BackupOptions
from fdlocal.outcome import ExitCode
from fdlocal.repository import open_repository
from fdlocal.restore import restore
from fdmon.embedded import shown
from fdpeers.volume_reader import read_records

NOT_SOURCE = (b"__pycache__", b".venv", b".git", b".hypothesis", b".*_cache", b"node_modules")
"""Names in a source tree that are not source; kept out so that the demo shows the project and not its
tools.
"""


async def demo(path: Path, console: Console, *, tls: bool) -> ExitCode:
    """Run it on the absolute `path`; differences and failed jobs show in the exit code."""
    with tempfile.TemporaryDirectory(prefix="fdlocal-demo-") as scratch:
        root, target = Path(scratch, "repository"), Path(scratch, "restored")
        source = bytes(path)
        with open_repository(root, create=True) as repository:
            async with file_daemon(tls=tls) as access:
                options = BackupOptions((source,), excludes=tuple(b"*/" + name for name in NOT_SOURCE))
                watch = Watch("backing up")
                async with _monitor(access, watch, console):
                    saved = await back_up(access, repository, options, watch, base="demo", level="full")
                report(saved, console, states=True)
                if saved.status not in ("T", "W"):
                    return saved.exit_code
                console.print()
                watch = Watch("restoring")
                async with _monitor(access, watch, console):
                    restored = await restore(access, repository, watch, target=target)
                report(restored, console, states=True)
                if restored.status not in ("T", "W"):
                    return restored.exit_code
            started = time.monotonic()
            volume = repository.volume(saved.job_id)
            records = await trio.to_thread.run_sync(_count_records, volume)
        result = await trio.to_thread.run_sync(
            lambda: compare(source, bytes(target) + source, skip=_is_no_source)
        )
        console.print()
        console.print(
            f"[bold]Compared[/]  {result.entries:,} entries, {result.size:,} bytes and the {records:,} records of the"
            f" volume in {time.monotonic() - started:.2f} s: "
            + (
                "[green]no difference[/]"
                if not result.differences
                else f"[red]{len(result.differences)} differences[/]"
            )
        )
        for difference in result.differences[:20]:
            console.print(f"  {shown_path(difference.path)}: {difference.what}", markup=False)
        return ExitCode.DIFFERENT if result.differences else max(saved.exit_code, restored.exit_code)


def _monitor(access: Access, watch: Watch, console: Console) -> AbstractAsyncContextManager[None]:
    """The live monitor, or one line about the job where the daemon cannot be looked at."""
    return live(watch, console) if access.look is None else shown(access.look, console)


def _count_records(volume: Path) -> int:
    """Read the whole volume back, checksums and all."""
    with volume.open("rb", buffering=0) as file:
        return sum(1 for record in read_records(file) if record.file_index > 0)


def _is_no_source(name: bytes) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in NOT_SOURCE)

"""Tables of what a repository holds: jobs, one job with its messages, files. Reads the catalog only."""

import time

from rich.console import Console
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from fdaemon.wire.attributes import FileType
from fdaemon.wire.stat import decode_stat
from fdlocal.display import shown_path
from fdlocal.errors import UsageError
from fdlocal.repository import DEVICE, TOOLS, Repository
from fdlocal.restore import chain_of
from fdpeers.catalog import JobRow
from fdpeers.catalog_files import merged_files
from fdpeers.errors import CatalogError

_LEVELS = {"F": "Full", "D": "Differential", "I": "Incremental", " ": ""}
_TYPES = {"B": "Backup", "R": "Restore", "V": "Verify"}


def jobs(repository: Repository, console: Console) -> None:
    """All jobs, oldest first."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title, justify in (("Job", "right"), ("Started", "left"), ("Type", "left"), ("Level", "left")):
        table.add_column(title, justify="right" if justify == "right" else "left")
    table.add_column("Name")
    for title in ("Files", "Data", "Stored", "Errors"):
        table.add_column(title, justify="right")
    table.add_column("Status")
    for row in repository.catalog.jobs():
        table.add_row(
            str(row.job_id),
            _when(row.started),
            _TYPES.get(row.type, row.type),
            _LEVELS.get(row.level, row.level),
            row.base,
            f"{row.files:,}",
            decimal(row.read_bytes),
            decimal(row.job_bytes),
            str(row.errors),
            row.status,
        )
    console.print(table)


def job(repository: Repository, console: Console, job_id: int) -> None:
    """One job: figures, volumes, how the real tools read them, messages."""
    try:
        row = repository.catalog.job(job_id)
    except CatalogError as error:
        raise UsageError(str(error)) from error
    console.print(
        f"job {row.job_id}  {row.name}  {_TYPES.get(row.type, row.type)} {_LEVELS.get(row.level, '')}"
    )
    console.print(f"{_when(row.started)} to {_when(row.ended)}, status {row.status}, {_figures(row)}")
    for volume in dict.fromkeys(media.volume for media in repository.catalog.media(job_id)):
        console.print(f"volume {repository.volumes / volume}", soft_wrap=True)
        console.print(f"  bls -c {repository.root / TOOLS} -V {volume} {DEVICE}", soft_wrap=True)
    for when, _, text in repository.catalog.messages(job_id):
        console.print(Text(f"{_when(when)}  {shown_path(text.rstrip())}"), soft_wrap=True)


def files(repository: Repository, console: Console, job_id: int | None) -> None:
    """The files as they were after a job, one a line: type and mode, owner, size, time, name."""
    for file in merged_files(repository.catalog, chain_of(repository, job_id)):
        stat = decode_stat(file.lstat)
        size = "" if file.type == FileType.DIREND else f"{stat.size:,}"
        line = f"{stat.mode & 0o7777:04o} {stat.uid:>5}:{stat.gid:<5} {size:>15} {_when(stat.mtime)}  "
        console.print(Text(line + shown_path(file.name)), soft_wrap=True)


def _figures(row: JobRow) -> str:
    return f"{row.files:,} files, {decimal(row.read_bytes)} read, {decimal(row.job_bytes)} stored, {row.errors} errors"


def _when(seconds: int | None) -> str:
    return "-" if seconds is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))

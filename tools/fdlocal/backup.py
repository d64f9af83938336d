"""One backup into a repository: level and base jobs from the catalog, volume and file records written as
they arrive.
"""

import socket
import time
from dataclasses import replace
from functools import partial
from typing import Final

import trio

from fdlocal.access import Access, Told, Watch, converse, finish, new_job, note, settle, storage_for
from fdlocal.errors import JobError, UsageError
from fdlocal.options import BackupOptions, fileset, identity
from fdlocal.outcome import Outcome
from fdlocal.repository import Repository
from fdpeers import dialogues
from fdpeers.catalog import JobRow, MediaRow
from fdpeers.catalog_files import AttributeWriter, accurate_entries
from fdpeers.dialogues import BackupPlan, Level, Since, StorageAddress
from fdpeers.director import DirectorSession, JobEnd
from fdpeers.errors import CatalogError
from fdpeers.labels import SessionLabel, VolumeLabel
from fdpeers.names import Job
from fdpeers.sinks import VolumeSink
from fdpeers.storage_session import JobRun, JobTicket

CLIENT: Final = "fdlocal-fd"
LEVELS: Final = {"full": "F", "differential": "D", "incremental": "I"}
"""Words of the command line -> level letters; `auto` is incremental where that is possible."""


async def back_up(
    access: Access, repository: Repository, options: BackupOptions, watch: Watch, *, base: str, level: str
) -> Outcome:
    """Run one backup and note it in the catalog. Raises UsageError; a failed job is an Outcome."""
    lines = fileset(options, never=[bytes(repository.root)])
    catalog = repository.catalog
    chain = await trio.to_thread.run_sync(catalog.chain, base, CLIENT, identity(lines))
    letter = _level(level, chain)
    if letter == "D":
        chain = chain[:1]
    if letter == "F":
        chain = []
    job = new_job(await trio.to_thread.run_sync(catalog.next_job_id), base)
    row = JobRow(
        job_id=job.job_id,
        name=job.name.decode(),
        base=base,
        client=CLIENT,
        fileset=identity(lines),
        type="B",
        level=letter,
        started=int(time.time()),
        ended=None,
        status="C",
        session_id=job.session_id,
        session_time=job.session_time,
    )
    files = AttributeWriter(catalog, job.job_id)
    sink = await trio.to_thread.run_sync(_sink, repository, row, job, files)
    await trio.to_thread.run_sync(catalog.keep_fileset, row.fileset, lines)
    await trio.to_thread.run_sync(catalog.add_job, row)
    accurate: list[bytes] | None = None
    if chain:
        entries = partial(accurate_entries, catalog, chain, digests=False)
        accurate = await trio.to_thread.run_sync(entries)
    ticket = JobTicket(job.name, job.key, job.session_id, job.session_time, sink=sink)
    async with storage_for(ticket) as (port, run):
        watch.run = run
        plan = BackupPlan(
            lines,
            StorageAddress("127.0.0.1", port, access.tls),
            level=Level(letter),
            since=Since(chain[-1].started, chain[-1].name.encode()) if chain else None,
            accurate=accurate,
        )

        async def talk(session: DirectorSession) -> JobEnd:
            return await dialogues.backup(session, job, plan, tls=access.tls)

        told = await converse(access, job, watch, talk)
        await settle(run)
        if not run.taken:
            await trio.to_thread.run_sync(sink.finish, "f")
    conclude = partial(_conclude, repository, row, told, run, sink, files, tuple(j.job_id for j in chain))
    return replace(await trio.to_thread.run_sync(conclude), states=await access.states())


def _level(word: str, chain: list[JobRow]) -> str:
    if word == "auto":
        return "I" if chain else "F"
    if word not in LEVELS:
        raise UsageError(f"unknown level {word!r}")
    if word != "full" and not chain:
        raise UsageError(f"a {word} backup needs a full one of the same paths and options first")
    return LEVELS[word]


def _sink(repository: Repository, row: JobRow, job: Job, files: AttributeWriter) -> VolumeSink:
    now = int(time.time() * 1_000_000)
    path = repository.volume(row.job_id)
    volume = repository.volume_name(row.job_id).encode()
    label = SessionLabel(
        job_id=row.job_id,
        written=now,
        job=job.name,
        job_base=row.base.encode(),
        client=CLIENT.encode(),
        fileset=row.fileset.encode(),
        level=row.level,
    )
    try:
        return VolumeSink(
            str(path),
            session_id=job.session_id,
            session_time=job.session_time,
            label=label,
            volume_label=VolumeLabel(volume, now, now, socket.gethostname().encode()),
            attributes=files.add,
        )
    except OSError as error:
        path.unlink(missing_ok=True)
        raise JobError(f"cannot write {path}: {error.strerror}") from error


def _conclude(
    repository: Repository,
    row: JobRow,
    told: Told,
    run: JobRun,
    sink: VolumeSink,
    files: AttributeWriter,
    chain: tuple[int, ...],
) -> Outcome:
    status, reason = _status(told, run)
    problems = "; ".join(files.problems)
    if problems and status in ("T", "W"):
        status, reason = "W", problems
    if status in ("T", "W"):
        try:
            files.close()
        except CatalogError as error:
            status, reason = "f", str(error)
    is_kept = status in ("T", "W")
    row, outcome = finish(
        row,
        told,
        run,
        status=status,
        kind={"F": "Full", "D": "Differential", "I": "Incremental"}[row.level] + " backup",
        reason=reason,
        chain=chain,
        where=str(repository.volume(row.job_id)) if is_kept else "",
    )
    volume = repository.volume_name(row.job_id)
    note(repository.catalog, row, told, [MediaRow(volume, span) for span in sink.spans] if is_kept else [])
    if not is_kept:
        # Nothing of a failed job can be restored through the catalog: neither its records nor its rows are kept.
        repository.volume(row.job_id).unlink(missing_ok=True)
        repository.catalog.forget_files(row.job_id)
    return outcome


def _status(told: Told, run: JobRun) -> tuple[str, str]:
    """The job's status out of both daemons' views, and the reason when it is not good."""
    if told.end is None:
        return ("A" if told.reason == "canceled" else "f"), told.reason or run.error
    if told.end.status not in ("T", "W"):
        return told.end.status, told.reason or run.error
    if run.status != "T":
        return "f", run.error or "the File Daemon never came to the storage peer"
    return ("W" if told.end.errors else told.end.status), ""

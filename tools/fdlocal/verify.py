"""One verify job: the volume, or the disk as it is now, against the catalog. The daemon reports, the
embedded Director compares.
"""

import time
from typing import Final

import trio

from fdlocal.access import Access, Watch, converse, finish, new_job, note, settle, storage_for
from fdlocal.errors import UsageError
from fdlocal.outcome import Outcome
from fdlocal.repository import Repository
from fdlocal.restore import chain_of
from fdpeers import dialogues
from fdpeers.catalog import JobRow
from fdpeers.catalog_files import choose, merged_files
from fdpeers.dialogues import StorageAddress, VerifyLevel, VerifyPlan
from fdpeers.director import DirectorSession, JobEnd
from fdpeers.errors import CatalogError
from fdpeers.sources import MemorySource, Source, VolumeSource
from fdpeers.storage_session import JobTicket
from fdpeers.verify import Comparer

AGAINST: Final = {"volume": VerifyLevel.VOLUME, "disk": VerifyLevel.DISK_TO_CATALOG}
"""Words of the command line -> verify levels."""

_DISK_OPTIONS: Final = b"Vpinsugm5:"
"""Compared on the disk: mode, inode, links, size, owner, group, modification time, digest."""


async def verify(
    access: Access,
    repository: Repository,
    watch: Watch,
    *,
    job_id: int | None = None,
    against: str = "volume",
) -> Outcome:
    """Verify a backup job against its volume, or the state after it against the disk. Raises UsageError."""
    level = AGAINST[against]
    is_volume = level is VerifyLevel.VOLUME
    catalog = repository.catalog
    chain = await trio.to_thread.run_sync(chain_of, repository, job_id)
    reference = chain[-1:] if is_volume else chain
    try:
        lines = await trio.to_thread.run_sync(catalog.fileset, chain[-1].fileset)
    except CatalogError as error:
        raise UsageError(str(error)) from error
    files = await trio.to_thread.run_sync(lambda: list(merged_files(catalog, reference)))
    comparer = Comparer(files, by_index=is_volume)
    watch.total_files = len(files)
    job = new_job(await trio.to_thread.run_sync(catalog.next_job_id), "verify")
    row = JobRow(
        job_id=job.job_id,
        name=job.name.decode(),
        base="verify",
        client=chain[-1].client,
        fileset=chain[-1].fileset,
        type="V",
        level="O" if is_volume else "d",
        started=int(time.time()),
        ended=None,
        status="C",
        session_id=job.session_id,
        session_time=job.session_time,
    )
    await trio.to_thread.run_sync(catalog.add_job, row)
    source: Source = MemorySource((), session_id=1, session_time=1)
    if is_volume and files:
        chosen = await trio.to_thread.run_sync(choose, catalog, reference, lambda _name: True)
        source = VolumeSource(repository.volumes, chosen.pieces)
    ticket = JobTicket(job.name, job.key, job.session_id, job.session_time, source=source)
    async with storage_for(ticket) as (port, run):
        watch.run = run
        storage = StorageAddress("127.0.0.1", port, access.tls) if is_volume else None
        plan = VerifyPlan([_with_options(line) for line in lines], level, storage)

        async def talk(session: DirectorSession) -> JobEnd:
            return await dialogues.verify(session, job, plan, comparer.feed, tls=access.tls)

        told = await converse(access, job, watch, talk)
        await settle(run)
    differences = tuple(comparer.finish()) if told.end else ()
    status = told.end.status if told.end else ("A" if told.reason == "canceled" else "f")
    reason = told.reason
    if status in ("T", "W") and is_volume and run.status != "T":
        status, reason = "f", run.error
    if status in ("T", "W") and differences:
        status = "D"
    row, outcome = finish(
        row,
        told,
        run,
        status=status,
        kind=f"Verify of job {reference[-1].job_id} against {against}",
        reason=reason,
        chain=() if is_volume else tuple(link.job_id for link in chain),
        states=await access.states(),
        differences=differences,
    )
    await trio.to_thread.run_sync(note, catalog, row, told)
    return outcome


def _with_options(line: bytes) -> bytes:
    """A file set packet, its Options line told what to compare."""
    return b"O " + _DISK_OPTIONS + line[2:] if line.startswith(b"O ") else line

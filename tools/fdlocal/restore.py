"""One restore out of a repository: which records, from the catalog; what they become, is the daemon's work."""

import time
from collections.abc import Sequence
from pathlib import Path

import trio

from fdlocal.access import Access, Watch, converse, finish, new_job, note, settle, storage_for
from fdlocal.errors import UsageError
from fdlocal.outcome import Outcome
from fdlocal.repository import Repository
from fdpeers import dialogues
from fdpeers.catalog import JobRow
from fdpeers.catalog_files import RestoreSet, choose
from fdpeers.dialogues import RestorePlan, StorageAddress
from fdpeers.director import DirectorSession, JobEnd
from fdpeers.errors import CatalogError
from fdpeers.sources import VolumeSource
from fdpeers.storage_session import JobTicket

REPLACE = {"always": "a", "if-newer": "w", "if-older": "o", "never": "n"}
"""Words of the command line -> the replace letters of protocol/04 §8.3."""


def chain_of(repository: Repository, job_id: int | None) -> list[JobRow]:
    """The jobs that make up the state after job `job_id` (None: after the newest good backup). Raises
    UsageError.
    """
    catalog = repository.catalog
    good = [job for job in catalog.jobs(type="B") if job.status in ("T", "W")]
    if not good:
        raise UsageError("there is no good backup in the repository")
    last = next((job for job in good if job.job_id == job_id), None) if job_id is not None else good[-1]
    if last is None:
        raise UsageError(f"job {job_id} is no good backup of this repository")
    chain = catalog.chain(last.base, last.client, last.fileset, before=last.job_id)
    if not chain or chain[-1].job_id != last.job_id:
        raise UsageError(f"the jobs that job {last.job_id} builds on are gone")
    return chain


def select(repository: Repository, chain: Sequence[JobRow], names: Sequence[bytes]) -> RestoreSet:
    """The files `names` (all without names) and what lies below them. Raises UsageError when a name matches
    nothing.
    """
    tops = [name.rstrip(b"/") or b"/" for name in names]
    seen: set[bytes] = set()

    def is_wanted(path: bytes) -> bool:
        if not tops:
            return True
        for top in tops:
            if top == b"/" or path.rstrip(b"/") == top or path.startswith(top + b"/"):
                seen.add(top)
                return True
        return False

    reason = ""
    try:
        chosen = choose(repository.catalog, chain, is_wanted)
    except CatalogError as error:
        chosen, reason = None, str(error)
    if missing := [top for top in tops if top not in seen]:
        raise UsageError(f"not in the backup: {b', '.join(missing).decode(errors='backslashreplace')}")
    if chosen is None:
        raise UsageError(reason)
    return chosen


async def restore(
    access: Access,
    repository: Repository,
    watch: Watch,
    *,
    target: Path,
    names: Sequence[bytes] = (),
    job_id: int | None = None,
    replace_files: str = "always",
) -> Outcome:
    """Run one restore below `target` and note it in the catalog. Raises UsageError; a failed job is an
    Outcome.
    """
    catalog = repository.catalog
    chain = await trio.to_thread.run_sync(chain_of, repository, job_id)
    chosen = await trio.to_thread.run_sync(select, repository, chain, names)
    watch.total_files, watch.total_bytes = chosen.files, chosen.size
    job = new_job(await trio.to_thread.run_sync(catalog.next_job_id), "restore")
    row = JobRow(
        job_id=job.job_id,
        name=job.name.decode(),
        base="restore",
        client=chain[-1].client,
        fileset=chain[-1].fileset,
        type="R",
        level=" ",
        started=int(time.time()),
        ended=None,
        status="C",
        session_id=job.session_id,
        session_time=job.session_time,
    )
    await trio.to_thread.run_sync(catalog.add_job, row)
    source = VolumeSource(repository.volumes, chosen.pieces)
    ticket = JobTicket(job.name, job.key, job.session_id, job.session_time, source=source)
    async with storage_for(ticket) as (port, run):
        watch.run = run
        plan = RestorePlan(
            StorageAddress("127.0.0.1", port, access.tls), where=bytes(target), replace=REPLACE[replace_files]
        )

        async def talk(session: DirectorSession) -> JobEnd:
            return await dialogues.restore(session, job, plan, tls=access.tls)

        told = await converse(access, job, watch, talk)
        await settle(run)
    status, reason = told.end.status if told.end else "f", told.reason
    if told.end is None and told.reason == "canceled":
        status = "A"
    if status in ("T", "W") and run.status != "T":
        status, reason = "f", run.error
    row, outcome = finish(
        row,
        told,
        run,
        status=status,
        kind="Restore",
        reason=reason,
        chain=tuple(link.job_id for link in chain),
        where=str(target),
        states=await access.states(),
    )
    await trio.to_thread.run_sync(note, catalog, row, told)
    return outcome

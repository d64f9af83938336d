"""What the jobs of fdlocal share: how to reach the File Daemon, what there is to watch, and how a job is
cut short.
"""

import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Final

import trio

from fdaemon.views import DaemonView
from fdlocal.errors import JobError
from fdlocal.outcome import Outcome
from fdpeers import dialogues
from fdpeers.catalog import Catalog, JobRow, MediaRow
from fdpeers.cram import session_key
from fdpeers.director import DirectorPeer, DirectorSession, JobEnd, JobMessage
from fdpeers.errors import PeersError
from fdpeers.names import Job, unique_job_name
from fdpeers.storage import StoragePeer
from fdpeers.storage_session import JobRun, JobTicket

CANCEL_LIMIT: Final = 20
"""Seconds a canceled job gets to end by itself."""

_ASK_AGAIN: Final = 0.2
"""Seconds between two tries to cancel a job that is only just being announced."""

SETTLE_LIMIT: Final = 120
"""Seconds the Storage peer gets to write what it has after the File Daemon is done."""

States = Callable[[], Awaitable[tuple[tuple[str, str], ...]]]
"""(chart, path of states) pairs of the job that ended last, as far as the daemon tells."""


async def _untold() -> tuple[tuple[str, str], ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Access:
    """A File Daemon to work with. `tls` is used on both its connections; `look` shows it, where it can be seen."""

    director: DirectorPeer
    tls: bool = True
    states: States = _untold
    look: Callable[[], DaemonView] | None = None


@dataclass(slots=True)
class Watch:
    """What a display may look at while a job runs, and how it can ask for an early end."""

    title: str = ""
    run: JobRun | None = None
    total_files: int | None = None
    total_bytes: int | None = None
    canceled: trio.Event = field(default_factory=trio.Event)


@dataclass(frozen=True, slots=True)
class Told:
    """What the File Daemon told the Director: figures (None when it never ended in order), messages, and
    what went wrong.
    """

    end: JobEnd | None
    messages: tuple[JobMessage, ...]
    reason: str
    seconds: float


def finish(
    row: JobRow,
    told: Told,
    run: JobRun,
    *,
    status: str,
    kind: str,
    reason: str = "",
    chain: tuple[int, ...] = (),
    where: str = "",
    states: tuple[tuple[str, str], ...] = (),
    differences: tuple[str, ...] = (),
) -> tuple[JobRow, Outcome]:
    """What is to be noted of a job that has ended with `status`, and what is to be reported."""
    end = told.end or JobEnd(status, 0, 0, 0, 0, 0, 0)
    row = replace(
        row,
        ended=int(time.time()),
        status=status,
        files=end.files,
        read_bytes=end.read_bytes,
        job_bytes=end.job_bytes,
        errors=end.errors,
    )
    outcome = Outcome(
        job_id=row.job_id,
        name=row.name,
        kind=kind,
        status=status,
        files=end.files,
        read_bytes=end.read_bytes,
        job_bytes=end.job_bytes,
        wire_bytes=run.figures.size,
        errors=end.errors,
        seconds=told.seconds,
        cipher=run.cipher,
        messages=told.messages,
        reason=reason,
        chain=chain,
        where=where,
        states=states,
        differences=differences,
    )
    return row, outcome


def note(catalog: Catalog, row: JobRow, told: Told, media: Sequence[MediaRow] = ()) -> None:
    """Write a finished job and its messages into the catalog."""
    catalog.finish_job(row, media)
    catalog.add_messages(
        row.job_id, [(message.when, message.type, message.text) for message in told.messages]
    )


def new_job(job_id: int, base: str) -> Job:
    """Names and a fresh key for a job that starts now. The JobId is the session id: every job has its own
    volume.
    """
    name = unique_job_name(base, time.localtime(), job_id)
    return Job(job_id, name, job_id, int(time.time()), session_key(secrets.token_bytes(16)))


@asynccontextmanager
async def storage_for(ticket: JobTicket) -> AsyncIterator[tuple[int, JobRun]]:
    """A Storage peer on the loopback that knows one job; gives its port and the run."""
    storage = StoragePeer("fdlocal-sd")
    async with trio.open_nursery() as nursery:
        port: int = await nursery.start(storage.serve)
        run = storage.announce(ticket)
        try:
            yield port, run
        finally:
            storage.forget(run)
            nursery.cancel_scope.cancel()


async def settle(run: JobRun) -> None:
    """Wait until the Storage peer is done with a connection that was made. Raises JobError when it never
    is.
    """
    if run.taken:
        with trio.move_on_after(SETTLE_LIMIT) as limit:
            await run.done.wait()
        if limit.cancelled_caught:
            raise JobError("the storage peer did not finish its volume")


async def converse(
    access: Access, job: Job, watch: Watch, talk: Callable[[DirectorSession], Awaitable[JobEnd]]
) -> Told:
    """Hold the job's dialogue `talk`. When `watch` is canceled, the daemon is told so on a second
    connection.
    """
    started = time.monotonic()
    messages: list[JobMessage] = []
    end: JobEnd | None = None
    reason = ""
    try:
        async with access.director.connect() as session, trio.open_nursery() as nursery:
            session.on_message = messages.append
            nursery.start_soon(_cancel_on_demand, access, job, watch, nursery.cancel_scope)
            end = await talk(session)
            nursery.cancel_scope.cancel()
    except* PeersError as group:
        reason = "; ".join(_texts(group))
    if watch.canceled.is_set():
        reason = reason or "canceled"
    return Told(end, tuple(messages), reason, time.monotonic() - started)


async def _cancel_on_demand(access: Access, job: Job, watch: Watch, scope: trio.CancelScope) -> None:
    await watch.canceled.wait()
    scope.deadline = trio.current_time() + CANCEL_LIMIT
    while True:
        async with access.director.connect() as session:
            reply = await dialogues.cancel(session, job.name)
        if reply.startswith(b"2001 "):
            return
        # The daemon has not heard of the job yet; the deadline above ends the asking.
        await trio.sleep(_ASK_AGAIN)


def _texts(group: BaseExceptionGroup[PeersError]) -> list[str]:
    texts: list[str] = []
    for error in group.exceptions:
        texts += _texts(error) if isinstance(error, BaseExceptionGroup) else [str(error)]
    return texts

"""The commands that move data: backup, restore, estimate, verify. Each checks, answers, and hands over to the jobs.

The session waits here while its job runs; what ends the job early comes through the job's data scope.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import trio

from fdaemon.channels.verify import VerifyExchange
from fdaemon.fileset.compare import AccurateComparison
from fdaemon.fileset.entry import Entry
from fdaemon.fileset.walk import Report, walk
from fdaemon.jobs.backup import BackupReader
from fdaemon.jobs.checksum import FileChecksum
from fdaemon.jobs.driver import Surroundings, run_backup, run_restore
from fdaemon.jobs.erase import Eraser
from fdaemon.jobs.estimate import Estimate
from fdaemon.jobs.hangup import HangUp
from fdaemon.jobs.job import VERIFY_TYPE
from fdaemon.jobs.restore import Restorer
from fdaemon.jobs.restore_names import OutputNames, WhereError, parse_regexwhere
from fdaemon.jobs.verify import DiskVerifier, digest_threads
from fdaemon.jobs.verify_driver import verify_disk, verify_volume
from fdaemon.jobs.verify_volume import VolumeVerifier
from fdaemon.outcome import Status
from fdaemon.protocol import commands as c
from fdaemon.protocol import replies
from fdaemon.protocol.commands import CommandError
from fdaemon.protocol.messages import MessageType
from fdaemon.protocol.storage import NO_CONNECTION_BACKUP
from fdaemon.session.keys import seal_for
from fdaemon.wire.framing import Signal
from statecharts.director import DirectorEvent
from statecharts.job import JobEvent
from statecharts.tracker import Tracker
from statecharts.verify import VERIFY

if TYPE_CHECKING:
    from fdaemon.session.control import DirectorSession

PASSIVE_WAIT = 10.0
"""Seconds to wait for a Storage daemon that has called but is not authenticated yet (passive client)."""


def walk_of(
    session: "DirectorSession", *, estimating: bool = False, report: Report | None = None
) -> Iterator[Entry]:
    """The entries that the job is about, for one worker thread; nothing without a FileSet or after a fatal error.

    `report` takes the messages instead of the session's reporter.
    Accurate mode without a list takes every entry as changed (core/src/filed/accurate.cc: AccurateCheckFile).
    """
    job, reporter, client = session.job, session.reporter, session.services.configuration.client
    spec, counters = job.spec, job.standing.counters
    if spec.fileset is None or job.standing.status.is_canceled:
        return iter(())
    report = report if report is not None else reporter.report
    comparison = None
    if spec.accurate is not None:
        checksum = FileChecksum(
            report=report,
            counters=counters,
            check_cancelled=trio.from_thread.check_cancelled,
            block=client.network_buffer,
            workers=client.maximum_workers_per_job,
        )
        comparison = AccurateComparison(
            spec.accurate,
            checksum=checksum,
            report=report,
            full=spec.level is c.JobLevel.FULL,
            rerunning=spec.rerunning,
            check_cancelled=trio.from_thread.check_cancelled,
        )
    return walk(
        spec.fileset,
        since=spec.since if spec.incremental and not spec.accurate_mode else None,
        accurate=comparison,
        want_skipped=reporter.wants(MessageType.SKIPPED),
        counters=counters,
        report=report,
        check_cancelled=trio.from_thread.check_cancelled,
        estimating=estimating,
    )


def _surroundings(session: "DirectorSession") -> Surroundings:
    client = session.services.configuration.client

    async def heartbeat() -> None:
        await session.packets.send_signal(Signal.HEARTBEAT)

    return Surroundings(
        reporter=session.reporter,
        heartbeat=heartbeat,
        interval=0 if session.services.options.no_signals else client.heartbeat_interval,
        version=session.services.release.line,
    )


async def backup(session: "DirectorSession", command: c.Backup) -> bool:
    """`backup …`: the session always ends after it."""
    job, services, reporter = session.job, session.services, session.reporter
    if services.options.restore_only:
        raise CommandError(fatal=b"Filed in restore only mode, backups are not allowed, aborting...\n")
    job.type = "B"
    fileset = job.spec.fileset
    acl = fileset is not None and fileset.wants_acl
    xattr = fileset is not None and fileset.wants_xattr
    await reporter.send(
        MessageType.INFO, b"Extended attribute support is %s\n" % (b"enabled" if xattr else b"disabled")
    )
    await reporter.send(MessageType.INFO, b"ACL support is %s\n" % (b"enabled" if acl else b"disabled"))
    client = services.configuration.client
    seal = seal_for(client, services.keys, fileset)
    job.encrypts = seal is not None and seal.encrypts
    job.standing.announce(Status.BLOCKED)
    await _wait_for_passive_storage(session)
    if job.storage is None:
        raise CommandError(reply=replies.BAD_BACKUP, fatal=NO_CONNECTION_BACKUP)
    await session.reply(replies.OK_BACKUP)
    session.tracker.fire(DirectorEvent.JOB_STARTED)
    hang_up = HangUp(lambda: services.debug.hangup, lambda: _hung_up(session))
    reader = BackupReader(
        hang_up.entries(walk_of(session)),
        report=reporter.report,
        counters=job.standing.counters,
        check_cancelled=trio.from_thread.check_cancelled,
        first_index=command.file_index or 0,
        block=client.network_buffer,
        workers=client.maximum_workers_per_job,
        seal=seal,
    )
    await run_backup(job, hang_up.source(reader), _surroundings(session))
    session.tracker.fire(DirectorEvent.JOB_ENDED)
    return False


def _hung_up(session: "DirectorSession") -> None:
    """The job is broken off as `setdebug` asked; the next one is not."""
    session.services.debug.hangup = 0
    session.job.standing.announce(Status.INCOMPLETE)


async def _wait_for_passive_storage(session: "DirectorSession") -> None:
    """A passive client's Storage daemon may still be proving who it is when the Director goes on."""
    job = session.job
    if job.storage is None and job.storage_calling:
        with trio.move_on_after(PASSIVE_WAIT):
            await job.storage_arrived.wait()
    if job.storage_problem:
        await session.reporter.send(MessageType.FATAL, job.storage_problem)


async def restore(session: "DirectorSession", command: c.Restore) -> bool:
    """`restore …`: one storage of it. Loops on when the Director will name another."""
    job, services, reporter = session.job, session.services, session.reporter
    if services.options.backup_only:
        raise CommandError(fatal=b"Filed in backup only mode, restores are not allowed, aborting...\n")
    try:
        names = OutputNames(
            command.where,
            prefix_links=command.prefix_links,
            replacements=() if command.regex_where is None else parse_regexwhere(command.regex_where),
        )
    except WhereError:
        raise CommandError(fatal=b"Bad where regexp. where=%b\n" % (command.regex_where or b"")) from None
    client = services.configuration.client
    sink = Restorer(
        names,
        replace=command.replace,
        report=reporter.report,
        counters=job.standing.counters,
        check_cancelled=trio.from_thread.check_cancelled,
        want_restored=reporter.wants(MessageType.RESTORED),
        keys=None if services.keys is None else services.keys.keys(),
        check_signatures=client.pki_signatures,
        erase=_eraser(session) if client.secure_erase_command else None,
        earlier=job.traces,
    )
    await session.reply(replies.OK_RESTORE)
    session.tracker.fire(DirectorEvent.RESTORE_STARTED)
    job.type = "R"
    job.standing.announce(Status.BLOCKED)
    await _wait_for_passive_storage(session)
    if job.storage is None:
        await reporter.send(MessageType.FATAL, b"Improper calling sequence.\n")
        job.standing.announce(Status.ERROR)
        job.tracker.fire(JobEvent.FAILED)
    else:
        await run_restore(job, sink, _surroundings(session))
        await job.storage.close()
    if not job.spec.multi_storage:
        session.tracker.fire(DirectorEvent.JOB_ENDED)
        return False
    if job.stop_reason:
        # With the report in place of the answer the Director fails the job at once. After the answer it waits for the
        # Storage daemon, which it has not told to stop and which may be waiting for a volume
        # (core/src/dird/restore.cc).
        session.tracker.fire(DirectorEvent.JOB_ENDED)
        return False
    await session.reply(replies.OK_STORAGE_END)
    if job.standing.status.is_canceled:
        session.tracker.fire(DirectorEvent.JOB_ENDED)
        return False
    session.tracker.fire(DirectorEvent.STORAGE_ENDED)
    job.tracker.fire(JobEvent.STORAGE_ENDED)
    return True


def _eraser(session: "DirectorSession") -> Eraser:
    command = session.services.configuration.client.secure_erase_command.encode("utf-8", "surrogateescape")
    return Eraser(command, session.reporter.report, trio.from_thread.check_cancelled)


async def estimate(session: "DirectorSession", command: c.Estimate) -> bool:
    """`estimate …`: the walk of a backup, counted and perhaps listed; the session goes on."""
    job = session.job
    session.tracker.fire(DirectorEvent.ESTIMATE_STARTED)
    job.tracker.fire(JobEvent.WALK_STARTED)
    job.standing.announce(Status.RUNNING)

    def report(kind: MessageType, text: bytes, errors: int) -> None:
        """Messages of the walk come behind the names that it found before."""
        if lines := counting.pending():
            trio.from_thread.run(_list, session, lines)
        session.reporter.report(kind, text, errors)

    entries = walk_of(session, estimating=True, report=report)
    counting = Estimate(entries, listing=command.listing, counters=job.standing.counters)

    def work() -> None:
        for lines in counting.batches():
            trio.from_thread.run(_list, session, lines)

    with job.data_scope() as scope:
        await trio.to_thread.run_sync(work, limiter=trio.CapacityLimiter(1))
    if scope.cancelled_caught:
        job.tracker.fire(JobEvent.CANCELED)
        raise CommandError(reply=replies.BAD_ESTIMATE)
    job.tracker.fire(JobEvent.WALK_ENDED)
    job.spec = replace(job.spec, accurate=None)
    await session.reply(replies.ok_estimate(counting.files, counting.size))
    await session.packets.send_signal(Signal.EOD)
    session.tracker.fire(DirectorEvent.ESTIMATED)
    job.tracker.fire(JobEvent.ESTIMATED)
    return True


async def _list(session: "DirectorSession", lines: list[bytes]) -> None:
    for line in lines:
        await session.reporter.send(MessageType.RESTORED, line)


async def verify(session: "DirectorSession", command: c.Verify) -> bool:
    """`verify …`: the session always ends after it."""
    job, client = session.job, session.services.configuration.client
    job.type = VERIFY_TYPE
    job.spec = replace(job.spec, level=command.level)
    await session.reply(replies.OK_VERIFY)
    if command.level is c.JobLevel.VERIFY_DATA:
        raise CommandError(reply=replies.bad_verify_level(b"verify level=data"))
    volume = command.level is c.JobLevel.VERIFY_VOLUME
    if volume:
        await _wait_for_passive_storage(session)
        if job.storage is None:
            raise CommandError(fatal=b"Improper calling sequence.\n")
    session.tracker.fire(DirectorEvent.JOB_STARTED)
    job.standing.announce(Status.RUNNING)
    exchange = VerifyExchange(
        session.packets,
        Tracker(VERIFY, job.spec.name, (*session.services.observers, job.trail.observe_round)),
        deliver=session.reporter.send,
        counters=job.standing.counters,
        interval=_surroundings(session).interval,
    )
    if volume:
        await verify_volume(job, exchange, VolumeVerifier(), session.reporter)
    else:
        source = DiskVerifier(
            lambda report: walk_of(session, report=report),
            counters=job.standing.counters,
            check_cancelled=trio.from_thread.check_cancelled,
            threads=digest_threads(client.maximum_workers_per_job),
        )
        await verify_disk(job, exchange, source)
    session.tracker.fire(DirectorEvent.JOB_ENDED)
    return False

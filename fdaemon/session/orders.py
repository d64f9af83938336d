"""The commands that build up a job: who, since when, what, where to. Each makes a new spec; none moves file data."""

import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import trio

from fdaemon.channels.storage_dial import StorageCall, call_storage
from fdaemon.errors import JobFailed, RemoteProtocolError
from fdaemon.fileset.accurate import AccurateList
from fdaemon.fileset.model import FileSet, Shadow
from fdaemon.fileset.parse import FileSetBuilder, ProblemKind
from fdaemon.fileset.shadowing import check_shadowing
from fdaemon.jobs.codes import job_codes
from fdaemon.jobs.scripts import BEFORE
from fdaemon.jobs.spec import RunScript
from fdaemon.protocol import commands as c
from fdaemon.protocol import replies
from fdaemon.protocol.clock import ClockSync
from fdaemon.protocol.commands import CommandError
from fdaemon.protocol.messages import MessageType
from fdaemon.session.services import tls_policy, tls_settings
from fdaemon.wire.framing import OversizedPacket, PacketReader, Signal, signal
from statecharts.director import DirectorEvent
from statecharts.storage import STORAGE
from statecharts.tracker import Tracker

if TYPE_CHECKING:
    from fdaemon.session.control import DirectorSession


async def take_job(session: "DirectorSession", command: c.JobInfo) -> None:
    """`JobId=`: the session becomes a job (protocol/02 section 1.3)."""
    job, services = session.job, session.services
    take_key(session, command.authorization)
    job.spec = replace(
        job.spec,
        job_id=command.job_id,
        name=command.job,
        session_id=command.session_id,
        session_time=command.session_time,
        storage_policy=command.tls_policy or 0,
    )
    job.tracker.label = session.tracker.label = command.job
    session.reporter.job_id, session.reporter.job_name = command.job_id, command.job
    if command.job_id:
        services.limit_waits(session.packets)
    release = services.release
    await session.reply(
        replies.ok_job(
            release.version.encode(),
            release.short_date.encode(),
            release.system.encode(),
            release.platform.encode(),
        )
    )
    session.tracker.fire(DirectorEvent.COMMAND_ANSWERED)


def take_key(session: "DirectorSession", key: bytes) -> None:
    """A session key for the Storage daemon. A second one means that more storages follow; empty changes nothing."""
    if not key:
        return
    job = session.job
    if job.had_key:
        job.spec = replace(job.spec, multi_storage=True)
    job.had_key = True
    job.storage_key = key


async def take_level(session: "DirectorSession", command: c.Level) -> None:
    """`level = …`: only full and base are answered at once."""
    job = session.job
    job.spec = replace(
        job.spec,
        level=command.level,
        accurate_mode=job.spec.accurate_mode or command.accurate,
        rerunning=job.spec.rerunning or command.rerunning,
    )
    if command.answered:
        await session.reply(replies.OK_LEVEL)
    session.tracker.fire(DirectorEvent.COMMAND_ANSWERED)


async def take_since(session: "DirectorSession", command: c.SinceLevel) -> None:
    """`level = since_utime …`: compare the clocks, then the level is complete."""
    job = session.job
    session.tracker.fire(DirectorEvent.SINCE_RECEIVED)
    sync = ClockSync(command)
    while not sync.done:
        sync.poll(_microseconds())
        await session.packets.send_signal(Signal.BTIME)
        packet = await session.receive_item()
        sync.feed(_microseconds(), packet if packet is not None else Signal.EOD)
    if sync.message is not None:
        await session.reporter.send(*sync.message)
    await session.packets.send_signal(Signal.EOD)
    job.spec = replace(
        job.spec,
        level=c.JobLevel.SINCE if job.spec.level is c.JobLevel.NONE else job.spec.level,
        since=sync.since,
        incremental=True,
        mtime_only=bool(command.mtime_only),
        previous_job=command.previous_job,
    )
    session.tracker.fire(DirectorEvent.CLOCK_SYNCED)
    await session.reply(replies.OK_LEVEL)


def _microseconds() -> int:
    return time.time_ns() // 1000


async def take_fileset(session: "DirectorSession") -> None:
    """`fileset` and its lines. A second FileSet ends the session without a reply, as an error in one does."""
    job, services = session.job, session.services
    if job.spec.fileset is not None:
        raise CommandError()
    session.tracker.fire(DirectorEvent.FILESET_STARTED)
    builder = FileSetBuilder(
        codes=job_codes(job, services.name),
        plugins_allowed=bool(services.configuration.client.plugin_directory),
        check_cancelled=trio.from_thread.check_cancelled,
    )
    while (line := await session.receive_item()) is not None:
        builder.add(line)
    with job.data_scope() as scope:
        parsed = await trio.to_thread.run_sync(builder.finish, limiter=trio.CapacityLimiter(1))
    if scope.cancelled_caught:
        raise CommandError()
    for problem in parsed.problems:
        if problem.kind is ProblemKind.FATAL:
            await session.reporter.send(MessageType.FATAL, problem.text)
        else:
            services.log(MessageType.ERROR, problem.text.decode("utf-8", "backslashreplace"))
    if parsed.fileset is None:
        raise CommandError()
    session.tracker.fire(DirectorEvent.LIST_ENDED)
    await session.reply(replies.OK_FILESET)
    job.spec = replace(job.spec, fileset=await _without_shadowed(session, parsed.fileset))


async def _without_shadowed(session: "DirectorSession", fileset: FileSet) -> FileSet:
    """The names as the shadowing check leaves them; its warnings come after the reply (protocol/03 section 5)."""
    if not any(include.last.shadow is not Shadow.NONE for include in fileset.includes):
        return fileset
    check = partial(
        check_shadowing, fileset, session.reporter.report, check_cancelled=trio.from_thread.check_cancelled
    )
    with session.job.data_scope():
        return await trio.to_thread.run_sync(check, limiter=trio.CapacityLimiter(1))
    return fileset


async def take_accurate(session: "DirectorSession", command: c.AccurateStart) -> None:
    """`accurate files=N` and its entries; there is no reply."""
    job = session.job
    if job.canceled:
        session.tracker.fire(DirectorEvent.COMMAND_ANSWERED)
        return
    session.tracker.fire(DirectorEvent.ACCURATE_STARTED)
    listed = AccurateList(command.files)
    await _read_entries(session, listed)
    for complaint in listed.complaints():
        await session.reporter.send(MessageType.ERROR, complaint)
    job.spec = replace(job.spec, accurate=listed, accurate_mode=True)
    session.tracker.fire(DirectorEvent.LIST_ENDED)


async def _read_entries(session: "DirectorSession", listed: AccurateList) -> None:
    """The list up to the signal that ends it, or to the end of the connection; entries are cut out of what has arrived,
    some thousands at a time, for one call a packet would cost more than the comparison of its file."""
    packets, cut = session.packets, PacketReader()
    try:
        while True:
            cut.receive_data(await packets.receive_wire())
            while isinstance(packet := cut.next_packet(), bytes):
                listed.add_packet(packet)
                packets.packets_received += 1
            if packet is not None:
                packets.unread_wire(signal(packet) + cut.take_pending())
                break
    except OversizedPacket:
        packets.unread_wire(cut.take_pending())
    except RemoteProtocolError:
        return
    await session.receive_item()


async def take_script(session: "DirectorSession", command: c.RunScript) -> None:
    """`Run …`: keep a client script."""
    script = RunScript(
        command.command, command.on_success, command.on_failure, command.abort_on_error, command.when
    )
    session.job.spec = replace(session.job.spec, scripts=(*session.job.spec.scripts, script))
    await session.reply(replies.OK_RUN_SCRIPT)
    session.tracker.fire(DirectorEvent.COMMAND_ANSWERED)


async def run_before_scripts(session: "DirectorSession") -> None:
    """`RunBeforeNow`: the Before scripts, now. A cancel kills the one that runs."""
    session.tracker.fire(DirectorEvent.SCRIPTS_STARTED)
    with session.job.data_scope():
        await session.scripts.run(BEFORE, session.job.spec.scripts)
    if session.job.standing.status.is_canceled:
        raise CommandError(reply=replies.FAILED_RUN_SCRIPT)
    session.tracker.fire(DirectorEvent.SCRIPTS_ENDED)
    await session.reply(replies.OK_RUN_BEFORE_NOW)


async def take_plugin_options(session: "DirectorSession", command: c.PluginOptions) -> None:
    """`pluginoptions …`: kept; there is no plugin that could object."""
    spec = session.job.spec
    session.job.spec = replace(spec, plugin_options=(*spec.plugin_options, command.options))
    await session.reply(replies.OK_PLUGIN_OPTIONS)
    session.tracker.fire(DirectorEvent.COMMAND_ANSWERED)


async def take_restore_object(session: "DirectorSession", command: c.RestoreObjectHeader) -> None:
    """`restoreobject …` with its name and bytes: read and dropped, for only a plugin could use it."""
    session.tracker.fire(DirectorEvent.OBJECT_STARTED)
    for event in (DirectorEvent.OBJECT_NAMED, DirectorEvent.OBJECT_RECEIVED):
        if await session.receive_item() is None:
            raise CommandError(reply=replies.BAD_RESTORE_OBJECT)
        session.tracker.fire(event)


async def end_restore_objects(session: "DirectorSession") -> None:
    """`restoreobject end`."""
    await session.reply(replies.OK_RESTORE_OBJECT)
    session.tracker.fire(DirectorEvent.COMMAND_ANSWERED)


async def take_bootstrap(session: "DirectorSession") -> None:
    """`bootstrap` and its lines, which releases since 22 never send: read and dropped, the Director tells the SD."""
    session.tracker.fire(DirectorEvent.BOOTSTRAP_STARTED)
    while await session.receive_item() is not None:
        pass
    session.tracker.fire(DirectorEvent.LIST_ENDED)
    await session.reply(replies.OK_BOOTSTRAP)


async def take_session(session: "DirectorSession", command: c.SessionCommand) -> None:
    """`session …`: which volume session a later read opens."""
    spec = session.job.spec
    session.job.spec = replace(spec, session_id=command.session_id, session_time=command.session_time)
    await session.reply(replies.OK_SESSION)
    session.tracker.fire(DirectorEvent.COMMAND_ANSWERED)


async def take_authorization(session: "DirectorSession", command: c.SetAuthorization) -> None:
    """`setauthorization …`: the key of the next storage (passive client)."""
    if command.authorization:
        await drop_storage(session)
    take_key(session, command.authorization)
    await session.reply(replies.OK_AUTHORIZATION)
    session.tracker.fire(DirectorEvent.COMMAND_ANSWERED)


async def drop_storage(session: "DirectorSession") -> None:
    """Another storage is coming: the connection to the one before is closed."""
    job = session.job
    if job.storage is not None:
        await job.storage.close()
        job.storage = None
        job.storage_arrived = trio.Event()


async def call_storage_daemon(session: "DirectorSession", command: c.Storage) -> None:
    """`storage …`: call the Storage daemon, prove who we are, answer."""
    job, services, client = session.job, session.services, session.services.configuration.client
    await drop_storage(session)
    if command.authorization:
        take_key(session, command.authorization)
        job.spec = replace(job.spec, storage_policy=command.tls_policy)
    job.throttle.limit = job.throttle.limit or services.bandwidth(session.director)
    session.tracker.fire(DirectorEvent.STORAGE_DIALED)
    call = StorageCall(
        address=command.address,
        port=command.port,
        tls_policy=command.tls_policy,
        job=job.spec.name,
        key=job.storage_key,
        client=services.name,
        own_policy=tls_policy(client.tls),
        tls=tls_settings(client.tls),
        source=client.source_address or None,
        keepalive=client.heartbeat_interval,
        limit=client.sd_connect_timeout,
    )
    job.storage_key = b""
    tracker = Tracker(STORAGE, job.spec.name, (*services.observers, job.trail.observe))
    reporter = session.reporter

    async def tell(text: bytes) -> None:
        await reporter.send(MessageType.FATAL, text)

    async def inform(text: bytes) -> None:
        if job.spec.job_id:
            await reporter.send(MessageType.INFO, text)

    try:
        with job.data_scope() as scope:
            job.storage = await call_storage(
                call, tracker, issue=reporter.queue, tell=tell, inform=inform, throttle=job.throttle
            )
    except JobFailed as failure:
        raise CommandError(reply=replies.BAD_STORAGE, fatal=failure.text) from None
    except RemoteProtocolError as error:
        raise CommandError(reply=replies.BAD_STORAGE, fatal=str(error).encode() + b"\n") from None
    if scope.cancelled_caught:
        raise CommandError(reply=replies.BAD_STORAGE)
    services.limit_waits(job.storage.packets)
    session.tracker.fire(DirectorEvent.STORAGE_CONNECTED)
    await session.reply(replies.OK_STORAGE)

"""The control channel of one authenticated Director: commands in, replies and job messages out, and the end.

Commands are carried out one at a time in their own rooms; the loop only decides whether it goes on.
"""

from typing import assert_never

from fdaemon.config import DirectorResource
from fdaemon.errors import JobFailed, RemoteProtocolError
from fdaemon.jobs.codes import job_codes
from fdaemon.jobs.job import Job
from fdaemon.jobs.scripts import AFTER, ScriptRunner
from fdaemon.net.packets import PacketStream
from fdaemon.protocol import commands as c
from fdaemon.protocol import replies
from fdaemon.protocol.commands import Command, CommandError
from fdaemon.protocol.dispatch import parse_command, select_command
from fdaemon.protocol.messages import MessageType
from fdaemon.session import console, orders, work
from fdaemon.session.services import Services
from fdaemon.wire.framing import Signal
from statecharts.director import DirectorEvent, DirectorState
from statecharts.job import JobEvent
from statecharts.tracker import Tracker

UNREAD_LIMIT = 1800.0
"""Seconds that one packet of the report may wait for room at the Director; the next one has as many again. Nobody can
cancel a job that reports, so one whose Director has stopped without a word would keep its place for ever."""

_REFUSALS = (
    DirectorEvent.COMMAND_REFUSED,
    DirectorEvent.LIST_REFUSED,
    DirectorEvent.SCRIPTS_REFUSED,
    DirectorEvent.FAILED,
)
"""How a session leaves for its end, by where it stands."""


class DirectorSession:
    """One Director, one job at most. `tracker` stands in Command when the session is made."""

    def __init__(
        self,
        services: Services,
        director: DirectorResource,
        packets: PacketStream,
        job: Job,
        tracker: Tracker[DirectorState, DirectorEvent],
    ) -> None:
        self.services = services
        self.director = director
        self.packets = packets
        self.job = job
        self.tracker = tracker
        self.reporter = services.reporter(job.standing, packets.send)
        client = services.configuration.client
        self.scripts = ScriptRunner(
            self.reporter,
            job_codes(job, services.name),
            director.allowed_script_dir or client.allowed_script_dir,
        )

    async def run(self) -> None:
        """Serve the Director until the session is over, and report."""
        try:
            while await self._next():
                pass
        finally:
            self.job.close()
        await self._end()

    async def receive_item(self) -> bytes | None:
        """One packet of a list from the Director; None when a signal or the end of the connection ends it."""
        try:
            packet = await self.packets.receive()
        except RemoteProtocolError:
            return None
        return packet if isinstance(packet, bytes) else None

    async def reply(self, text: bytes) -> None:
        """Answer the Director."""
        await self.packets.send(text)

    async def _next(self) -> bool:
        packet = await self.receive_item()
        if packet is None:
            self.tracker.fire(DirectorEvent.DIRECTOR_LEFT)
            return False
        try:
            self._check_allowed(packet)
            return await self._carry_out(parse_command(packet, monitor=self.director.monitor))
        except CommandError as error:
            return await self._refuse(error)
        except JobFailed as failure:
            return await self._refuse(CommandError(fatal=failure.text))

    def _check_allowed(self, packet: bytes) -> None:
        name = select_command(packet)
        word = None if name is None else name.job_word
        allowed = self.director.allowed_job_command or self.services.configuration.client.allowed_job_command
        if name is None or word is None or self.director.monitor or not allowed:
            return
        if word.decode() not in {entry.lower() for entry in allowed}:
            raise CommandError(reply=name.refusal(packet), fatal=replies.illegal_command(word))

    async def _refuse(self, error: CommandError) -> bool:
        if error.fatal is not None:
            await self.reporter.send(MessageType.FATAL, error.fatal)
        if error.reply is not None:
            await self.reply(error.reply)
        if error.end_of_data:
            await self.packets.send_signal(Signal.EOD)
        if error.goes_on:
            self.tracker.fire(DirectorEvent.COMMAND_ANSWERED)
            return True
        self.tracker.fire(next(event for event in _REFUSALS if self.tracker.can(event)))
        return False

    async def _carry_out(self, command: Command) -> bool:
        """Do what `command` asks. True when the loop goes on."""
        match command:
            case c.JobInfo():
                await orders.take_job(self, command)
            case c.Level():
                await orders.take_level(self, command)
            case c.SinceLevel():
                await orders.take_since(self, command)
            case c.FilesetStart():
                await orders.take_fileset(self)
            case c.AccurateStart():
                await orders.take_accurate(self, command)
            case c.Storage():
                await orders.call_storage_daemon(self, command)
            case c.SetAuthorization():
                await orders.take_authorization(self, command)
            case c.RunScript():
                await orders.take_script(self, command)
            case c.RunBeforeNow():
                await orders.run_before_scripts(self)
            case c.PluginOptions():
                await orders.take_plugin_options(self, command)
            case c.RestoreObjectHeader():
                await orders.take_restore_object(self, command)
            case c.RestoreObjectEnd():
                await orders.end_restore_objects(self)
            case c.Bootstrap():
                await orders.take_bootstrap(self)
            case c.SessionCommand():
                await orders.take_session(self, command)
            case c.Backup():
                return await work.backup(self, command)
            case c.Restore():
                return await work.restore(self, command)
            case c.Estimate():
                return await work.estimate(self, command)
            case c.Verify():
                return await work.verify(self, command)
            case c.EndRestore():
                self.tracker.fire(DirectorEvent.JOB_ENDED)
                return False
            case (
                c.Status()
                | c.DotStatus()
                | c.Cancel()
                | c.SetDebug()
                | c.SetBandwidth()
                | c.Resolve()
                | c.GetSecureErase()
            ):
                await console.answer(self, command)
                self.tracker.fire(DirectorEvent.COMMAND_ANSWERED)
            case _:
                assert_never(command)
        return True

    async def _end(self) -> None:
        """The end of every authenticated session, in the order of protocol/02 section 4.1."""
        job, standing = self.job, self.job.standing
        self.packets.write_patience = min(self.packets.write_patience, UNREAD_LIMIT)
        if job.stop_reason and job.spec.job_id:
            await self.reporter.send(MessageType.FATAL, job.stop_reason)
        if job.tracker.can(JobEvent.COMMANDS_ENDED):
            job.tracker.fire(JobEvent.COMMANDS_ENDED)
        if job.storage is not None:
            await job.storage.close()
        self.tracker.fire(DirectorEvent.STORAGE_RELEASED)
        await self.scripts.run(AFTER, job.spec.scripts)
        self.tracker.fire(DirectorEvent.SCRIPTS_ENDED)
        counters = standing.counters
        sent = job.spec.job_id != 0 and await self.packets.send(
            replies.end_job(
                standing.status,
                counters.files,
                counters.read_bytes,
                counters.job_bytes,
                counters.errors,
                encrypt=job.encrypts,
            )
        )
        self.tracker.fire(DirectorEvent.END_JOB_SENT if sent else DirectorEvent.SKIPPED)
        await self.reporter.flush()
        self.tracker.fire(DirectorEvent.MESSAGES_FLUSHED)
        sent = await self.packets.send_signal(Signal.TERMINATE)
        self.tracker.fire(DirectorEvent.TERMINATE_SENT if sent else DirectorEvent.SKIPPED)
        job.tracker.fire(JobEvent.REPORTED)

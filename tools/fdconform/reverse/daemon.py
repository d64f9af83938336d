"""The File daemon that the tester plays: it lets Directors in, and does what its plan says and else what is right."""

import re
from collections.abc import Awaitable, Callable
from typing import Final

import trio
from trio.abc import Stream

from fdconform.reverse.case import FAILED_END, GRANTED, Answer, DataLogin, Login, Plan, SdSay, SdSignal
from fdconform.reverse.data import DataConnection
from fdconform.reverse.notes import Notes
from fdconform.verdicts import Verdict
from fdpeers import cram
from fdpeers.errors import AuthenticationFailed, LinkClosed, PeersError
from fdpeers.link import TERMINATE, Link, challenge, respond
from fdpeers.tls import CHUNK, TlsStream, server_context

LIMIT: Final = 60.0
_HELLO: Final = re.compile(rb"Hello Director (\S+) calling")
_JOB: Final = re.compile(rb"JobId=(\d+) Job=(\S+) SDid=(\d+) SDtime=(\d+) Authorization=(\S*)")
_STORAGE: Final = re.compile(rb"storage address=(\S+) port=(\d+) ssl=(\d+)(?: Authorization=(\S*))?")
_HEADER: Final = re.compile(rb"(\d+) (\d+) 0")
_VERSION: Final = b"25.1.0 (03Aug26) fdconform,conform"
_FILE_DATA: Final = 2
_FAREWELL: Final = 5.0
"""Seconds for a Director to hang up after the end of a session."""


class PlayedDaemon:
    """Serves connections by `plan`, and notes what came in `notes`. Both are exchanged between cases.

    `device` lets one case at a time move data: how a device is shared is not what the cases try.
    """

    def __init__(self, name: str, key: bytes, device: trio.Semaphore) -> None:
        self.device = device
        self.client = name
        self.name = name.encode()
        self.key = key
        self.plan = Plan()
        self.notes = Notes()

    def begin(self, plan: Plan) -> Notes:
        """The next case; gives its notes."""
        self.plan, self.notes = plan, Notes(names={"client": self.name, "files": b"0", "bytes": b"0"})
        return self.notes

    async def serve(self, transport: trio.SocketStream) -> None:
        """One connection of a Director. What it does wrong is noted; errors of the network end it."""
        notes, plan = self.notes, self.plan
        async with transport:
            try:
                with trio.move_on_after(LIMIT):
                    await self._serve(transport, notes, plan)
            except (PeersError, OSError, trio.BrokenResourceError, trio.ClosedResourceError) as error:
                notes.names["ended"] = str(error).encode() or repr(error).encode()

    async def _serve(self, transport: trio.SocketStream, notes: Notes, plan: Plan) -> None:
        early = await transport.receive_some(CHUNK)
        stream: Stream = transport
        if early[:1] == b"\x16":
            if plan.login is Login.CLEAR_ONLY:
                return
            wrapped = TlsStream(transport, server_context(lambda _: self.key), server=True, early=early)
            await wrapped.handshake()
            stream, early = wrapped, b""
            notes.names["tls"] = wrapped.cipher.encode()
        link = Link(stream, notes.transcript.open("dir-fd", "fd", "dir"), early)
        if await self._let_in(link, notes, plan):
            await Session(self, link, notes, plan).run()

    async def _let_in(self, link: Link, notes: Notes, plan: Plan) -> bool:
        hello = await link.receive()
        found = _HELLO.match(hello) if isinstance(hello, bytes) else None
        if found is None:
            notes.note(Verdict.FAIL, f"no Hello of a Director: {hello!r}")
            return False
        notes.names["director"] = found[1]
        if plan.login is Login.SILENT_CLOSE:
            return False
        policy = 4 if "tls" in notes.names else 0
        own = b"R_CLIENT::" + self.name
        if plan.login is Login.SUSPICIOUS:
            await link.send(cram.challenge_packet(cram.challenge(7, 7, own), policy))
            await link.receive()
            await link.send(cram.REFUSED)
        else:
            await challenge(link, own, self.key, policy=policy, compatible=True)
        if plan.login is Login.REFLECTED:
            await self._reflect(link, notes)
            return False
        await respond(link, b"0" * 32 if plan.login is Login.WRONG_ANSWER else self.key)
        await link.send(plan.greeting)
        return True

    async def _reflect(self, link: Link, notes: Notes) -> None:
        """Send the Director's challenge back to it: it must not answer its own."""
        asked = await link.receive()
        if isinstance(asked, int):
            raise LinkClosed(f"signal {asked} instead of a challenge")
        await link.send(asked)
        got = await link.receive()
        if isinstance(got, bytes) and got != cram.REFUSED:
            notes.note(Verdict.FAIL, "the Director answered its own challenge")


class Session:
    """One Director in session."""

    def __init__(self, daemon: PlayedDaemon, link: Link, notes: Notes, plan: Plan) -> None:
        self._daemon = daemon
        self._link = link
        self._notes = notes
        self._plan = plan
        self._data: DataConnection | None = None
        self._level_asked = False
        self._orders: tuple[tuple[bytes, Callable[[bytes], Awaitable[bool]]], ...] = (
            (b"JobId=", self._job),
            (b"level = ", self._level),
            (b"fileset", self._fileset),
            (b"accurate", self._accurate),
            (b"storage ", self._storage),
            (b"backup", self._backup),
            (b"restore ", self._restore),
            (b"verify", self._verify),
            (b"endrestore", self._end_restore),
            (b"estimate", self._estimate),
            (b"status", self._status),
            (b".status", self._status),
            (b"cancel", self._cancel),
        )

    async def run(self) -> None:
        """Serve orders until someone ends the session."""
        try:
            while isinstance(order := await self._link.receive(), bytes):
                self._notes.orders.append(order)
                if not await self._serve(order):
                    break
        finally:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + 2):
                if self._data is not None:
                    await self._data.close()
                await self._link.aclose()

    async def _serve(self, order: bytes) -> bool:
        if order.startswith(_TOLD):
            return True
        for begin, act in self._orders:
            if order.startswith(begin):
                return await act(order)
        usual = next((reply for begin, reply in _REPLIES if order.startswith(begin)), None)
        if usual is None:
            self._notes.note(Verdict.FAIL, f"an order that no File daemon knows: {order!r}")
            return await self._answer(order, b"2999 Invalid command\n") and False
        return await self._answer(order, usual)

    async def _answer(self, order: bytes, *usual: bytes | int) -> bool:
        """Say what is planned for this order, or what is usual. False when the session is over by that."""
        planned = next((item for item in self._plan.answers if order.startswith(item.to)), Answer(b""))
        for what in (*planned.first, *(usual if planned.say is None else planned.say)):
            await self._say(what)
        return not planned.close

    async def _say(self, what: bytes | int) -> None:
        if isinstance(what, int):
            await self._link.send_signal(what)
        else:
            await self._link.send(self._notes.fill(what))

    async def _job(self, order: bytes) -> bool:
        found = _JOB.match(order)
        if found is None:
            self._notes.note(Verdict.FAIL, f"a JobId order of the wrong form: {order!r}")
            return False
        if found[1] != b"0":
            keys = ("job_id", "job", "session_id", "session_time", "key")
            self._notes.names |= dict(zip(keys, found.groups(), strict=True))
        return await self._answer(order, b"2000 OK Job %b" % _VERSION)

    async def _level(self, order: bytes) -> bool:
        if not order.startswith(b"level = since_utime"):
            quiet = any(word in order for word in (b"incremental", b"differential"))
            return await self._answer(order, *(() if quiet else (b"2000 OK level\n",)))
        for _ in range(10):
            await self._link.send_signal(-9)
            told = await self._link.receive()
            if not isinstance(told, bytes) or not re.fullmatch(rb"btime \d+\n", told):
                self._notes.note(Verdict.FAIL, f"no time from the Director: {told!r}")
                return False
        return await self._answer(order, -1, b"2000 OK level\n")

    async def _lines(self) -> int:
        count = 0
        while isinstance(await self._link.receive(), bytes):
            count += 1
        return count

    async def _fileset(self, order: bytes) -> bool:
        await self._lines()
        return await self._answer(order, b"2000 OK include\n")

    async def _accurate(self, order: bytes) -> bool:
        listed = await self._lines()
        self._notes.names["listed"] = b"%d" % listed
        return await self._answer(order)

    async def _storage(self, order: bytes) -> bool:
        found = _STORAGE.match(order)
        if found is None:
            self._notes.note(Verdict.FAIL, f"a storage order of the wrong form: {order!r}")
            return False
        self._notes.names |= {"sd_host": found[1], "sd_port": found[2]}
        if found[4]:
            self._notes.names["key"] = found[4]
        if any(item.to.startswith(b"storage ") for item in self._plan.answers):
            return await self._answer(order, b"2000 OK storage\n")
        try:
            with trio.fail_after(LIMIT):
                self._data = await DataConnection.dial(
                    self._notes, self._plan.data_login, tls=found[3] == b"4"
                )
        except (AuthenticationFailed, LinkClosed, OSError) as error:
            if self._plan.data_login is DataLogin.GOOD:
                self._notes.note(Verdict.FAIL, f"the Storage daemon does not let us in: {error}")
            await self._say(b"Jmsg Job={job} type=3 level=1 Failed to authenticate Storage daemon.\n")
            await self._say(b"2902 Bad storage\n")
            await self._finish((FAILED_END,))
            return False
        if self._plan.data_login is not DataLogin.GOOD:
            self._notes.note(Verdict.FAIL, "the Storage daemon let us in")
        return await self._answer(order, b"2000 OK storage\n")

    async def _backup(self, order: bytes) -> bool:
        self._count()
        if await self._answer(order, b"2000 OK backup\n"):
            await self._move_data()
            await self._finish(self._plan.end)
        return False

    async def _move_data(self) -> bool:
        """The dialogue with the Storage daemon and what the Director is told meanwhile."""
        if not self._notes.holds:
            await self._daemon.device.acquire()
            self._notes.holds = True
        for what in self._plan.during:
            await self._say(what)
        if self._data is None:
            self._notes.note(Verdict.FAIL, "the Director named no Storage daemon")
            return False
        if self._plan.awaits_cancel:
            await self._data.converse(GRANTED)
            self._notes.running.set()
            await self._notes.canceled.wait()
            return True
        self._notes.running.set()
        return await self._data.converse(self._plan.data)

    def _count(self) -> None:
        """Figures for the end of the job, of what the plan sends."""
        files = size = stream = 0
        for move in self._plan.data:
            if isinstance(move, SdSay) and stream:
                size += len(move.text) if stream == _FILE_DATA else 0
            elif isinstance(move, SdSay) and (found := _HEADER.fullmatch(move.text)):
                files, stream = max(files, int(found[1])), int(found[2])
            elif isinstance(move, SdSignal):
                stream = 0
        self._notes.names |= {"files": b"%d" % files, "bytes": b"%d" % size}

    async def _restore(self, order: bytes) -> bool:
        if not await self._answer(order, b"2000 OK restore\n"):
            return False
        await self._move_data()
        self._notes.names |= {"files": b"3", "bytes": b"24"}
        return await self._answer(b"end of storage", b"2000 OK storage end\n")

    async def _end_restore(self, order: bytes) -> bool:
        await self._finish(self._plan.end)
        return False

    async def _verify(self, order: bytes) -> bool:
        if not await self._answer(order, b"2000 OK verify\n"):
            return False
        if b"level=volume" in order:
            await self._move_data()
        for packet in self._plan.reports:
            await self._say(packet)
        await self._link.send_signal(-1)
        self._notes.names |= {"files": b"%d" % sum(b" 1 " in item[:6] for item in self._plan.reports)}
        await self._finish(self._plan.end)
        return False

    async def _estimate(self, order: bytes) -> bool:
        return await self._answer(order, b"2000 OK estimate files=3 bytes=24\n", -1)

    async def _status(self, order: bytes) -> bool:
        text = b"conform-fd Version: 25.1.0 (03 August 2026) fdconform\n\0"
        return await self._answer(order, text, b"No Jobs running.\n====\n\0", -1)

    async def _cancel(self, order: bytes) -> bool:
        _, _, job = order.strip().partition(b"Job=")
        done = await self._answer(order, b"2001 Job %b marked to be canceled.\n" % job, -1)
        self._notes.canceled.set()
        return done

    async def _finish(self, end: tuple[bytes | int, ...]) -> None:
        for what in end:
            await self._say(what)
        if self._plan.leaves:
            return
        await self._link.send_signal(TERMINATE)
        with trio.move_on_after(_FAREWELL):
            try:
                while await self._link.receive() != TERMINATE:
                    pass
            except LinkClosed:
                return


_TOLD: Final = (b"1000 OK", b"btime ", b"Status OK")
"""What a Director says when signals ask for it."""
_REPLIES: Final[tuple[tuple[bytes, bytes], ...]] = (
    (b"pluginoptions", b"2000 OK PluginOptions\n"),
    (b"Run OnSuccess", b"2000 OK RunScript\n"),
    (b"RunBeforeNow", b"2000 OK RunBeforeNow\n"),
    (b"restoreobject end", b"2000 OK ObjectRestored\n"),
    (b"getSecureEraseCmd", b"2000 OK FDSecureEraseCmd *None*\n"),
    (b"setauthorization", b"2000 OK Authorization\n"),
    (b"setbandwidth=", b"2000 OK Bandwidth\n"),
    (b"setdebug=", b"2000 OK setdebug=0 trace=0 hangup=0 timestamp=0 tracefile=none\n"),
    (b"resolve ", b"conform-fd resolves\n"),
)

"""The Director peer's connections: hello, authentication, and the filter that a real Director puts on
everything a File Daemon says
(protocol/07 §2.4). What is said in which order is the business of `dialogues` or of a test."""

import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import trio
from trio.abc import Stream

from fdpeers.cram import password_key
from fdpeers.errors import AuthenticationFailed, LinkClosed, PeersError, Unexpected
from fdpeers.link import EOD, TERMINATE, Link, challenge, respond
from fdpeers.tls import CHUNK, TlsStream, client_context, server_context
from fdpeers.transcript import Transcript

_GREETING: Final = re.compile(rb"2000 OK Hello (\d+)\n$")
_MESSAGE: Final = re.compile(rb"Jmsg Job=(\S*) type=(\d+) level=(-?\d+) (.*)", re.DOTALL)
_CLIENT_HELLO: Final = re.compile(rb"Hello Client (\S+) FdProtocolVersion=(\d+) calling")
_END: Final = re.compile(
    rb"2800 End Job TermCode=(\d+) JobFiles=(\d+) ReadBytes=(\d+) JobBytes=(\d+) Errors=(\d+)"
    rb" VSS=(\d+) Encrypt=(\d+)\n"
)
_CONNECT_LIMIT: Final = 60
"""Seconds for TCP, TLS, hello and both challenges. A real Director waits longer; a test must not."""

EOD_POLL: Final = -2
STATUS: Final = -3
POLL: Final = -5
HEARTBEAT: Final = -6
HEARTBEAT_RESPONSE: Final = -7
BTIME: Final = -9


@dataclass(frozen=True, slots=True)
class JobMessage:
    """One job message. `type` is the number of core/src/include/message_severity.h, `when` seconds since
    1970.
    """

    job: bytes
    type: int
    when: int
    text: bytes


@dataclass(frozen=True, slots=True)
class JobEnd:
    """What `2800 End Job` said. `status` is the letter of TermCode."""

    status: str
    files: int
    read_bytes: int
    job_bytes: int
    errors: int
    vss: int
    encrypt: int


class DirectorSession:
    """One authenticated control connection. `messages`, `heartbeats` and `malformed` collect what the
    filter took out.
    """

    def __init__(self, link: Link, version: int, clock: Callable[[], float], clock_offset: float) -> None:
        self.link = link
        self.version = version
        self.messages: list[JobMessage] = []
        self.malformed: list[bytes] = []
        self.heartbeats = 0
        self.on_message: Callable[[JobMessage], object] | None = None
        self._clock = clock
        self._offset = clock_offset

    async def send(self, payload: bytes) -> None:
        """Send one packet as it is. Raises LinkClosed."""
        await self.link.send(payload)

    async def send_signal(self, number: int) -> None:
        """Send a bare signal. Raises LinkClosed."""
        await self.link.send_signal(number)

    async def receive(self) -> bytes | int:
        """The next packet or signal, unfiltered. Raises LinkClosed."""
        return await self.link.receive()

    async def expect(self, wanted: bytes) -> None:
        """The next reply must be exactly `wanted`, newline included. Raises Unexpected."""
        await self._next(repr(wanted), lambda got: got == wanted)

    async def expect_prefix(self, wanted: bytes) -> bytes:
        """The next reply must begin with `wanted`; gives the rest. Raises Unexpected."""
        got = await self._next(f"{wanted!r}…", lambda got: got.startswith(wanted))
        return got[len(wanted) :]

    async def expect_signal(self, wanted: int) -> None:
        """The next thing that passes the filter must be this signal. Raises Unexpected."""
        got = await self.reply()
        if got != wanted:
            raise Unexpected(f"signal {wanted}", got)

    async def _next(self, wanted: str, is_right: Callable[[bytes], bool]) -> bytes:
        try:
            got = await self.reply()
        except LinkClosed as error:
            raise Unexpected(wanted, None) from error
        if isinstance(got, int) or not is_right(got):
            raise Unexpected(wanted, got)
        return got

    async def reply(self) -> bytes | int:
        """The next reply (a packet that starts with a digit) or signal that a real Director would hand to
        its caller.
        """
        while True:
            got = await self.link.receive()
            if isinstance(got, int):
                if await self._is_for_the_caller(got):
                    return got
            elif got[:1].isdigit():
                return got
            elif match := _MESSAGE.match(got):
                self._collect(JobMessage(match[1], int(match[2]), int(match[3]), match[4]))
            else:
                self.malformed.append(got)

    async def _is_for_the_caller(self, number: int) -> bool:
        match number:
            case n if n in (HEARTBEAT, HEARTBEAT_RESPONSE):
                self.heartbeats += 1
            case n if n == POLL:
                await self.link.send(b"1000 OK\n")
            case n if n == STATUS:
                await self.link.send(b"Status OK\n")
                await self.link.send_signal(EOD)
            case n if n == BTIME:
                now = int((self._clock() + self._offset) * 1_000_000)
                await self.link.send(b"btime %d\n" % now)
            case n if n == EOD_POLL:
                await self.link.send(b"1000 OK\n")
                return True
            case _:
                return True
        return False

    async def text(self) -> bytes:
        """Free text until a signal, as for `status` and `estimate`; trailing NULs of packets are dropped.
        Raises LinkClosed.
        """
        parts: list[bytes] = []
        while True:
            got = await self.link.receive()
            if isinstance(got, int):
                if await self._is_for_the_caller(got):
                    return b"".join(parts)
            elif match := _MESSAGE.match(got):
                self._collect(JobMessage(match[1], int(match[2]), int(match[3]), match[4]))
            else:
                parts.append(got.rstrip(b"\0"))

    async def job_end(self) -> JobEnd:
        """Everything up to the end of the session; the figures of the first `2800 End Job`. Raises
        Unexpected without one.
        """
        end: JobEnd | None = None
        while True:
            try:
                got = await self.reply()
            except LinkClosed as error:
                if end is None:
                    raise Unexpected("2800 End Job", None) from error
                return end
            if isinstance(got, int):
                break
            if end is None and (match := _END.fullmatch(got)):
                code, *figures = (int(number) for number in match.groups())
                end = JobEnd(chr(code), *figures)
            else:
                self.malformed.append(got)
        if end is None:
            raise Unexpected("2800 End Job", got)
        return end

    async def aclose(self) -> None:
        """Say TERMINATE, as a Director does at the end of every session, and close."""
        try:
            with trio.move_on_after(5):
                await self.link.send_signal(TERMINATE)
        except LinkClosed:
            pass
        finally:
            await self.link.aclose()

    def _collect(self, message: JobMessage) -> None:
        self.messages.append(message)
        if self.on_message is not None:
            self.on_message(message)


class DirectorPeer:
    """A Director with one File Daemon. With `tls` it dials TLS-PSK first, as Directors since 18.2 do, else
    in the clear.

    `clock_offset` (seconds) is added to the clock that the File Daemon asks for before an incremental job.
    """

    def __init__(
        self,
        name: str = "bareos-dir",
        *,
        password: str,
        port: int,
        host: str = "127.0.0.1",
        tls: bool = True,
        transcript: Transcript | None = None,
        clock: Callable[[], float] = time.time,
        clock_offset: float = 0.0,
    ) -> None:
        self.name = name
        self.tls = tls
        self._key = password_key(password)
        self._host = host
        self._port = port
        self._transcript = transcript
        self._clock = clock
        self._offset = clock_offset

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[DirectorSession]:
        """An authenticated session, closed with TERMINATE at the end of the block.

        Raises AuthenticationFailed, LinkClosed, or Unexpected for a wrong greeting.
        """
        session = await self.dial()
        try:
            yield session
        finally:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + 10):
                await session.aclose()

    async def dial(self) -> DirectorSession:
        """Like `connect`, for callers that close the session themselves."""
        with trio.fail_after(_CONNECT_LIMIT):
            try:
                stream: Stream = await trio.open_tcp_stream(self._host, self._port)
            except OSError as error:
                raise LinkClosed(f"no File Daemon at {self._host}:{self._port}: {error}") from error
            try:
                if self.tls:
                    context = client_context(b"R_DIRECTOR\x1e" + self.name.encode(), self._key)
                    tls = TlsStream(stream, context, server=False)
                    stream = tls
                    await tls.handshake()
                return await self._introduce(self._link(stream, "dir-fd"))
            except BaseException:
                await trio.aclose_forcefully(stream)
                raise

    async def _introduce(self, link: Link) -> DirectorSession:
        await link.send(b"Hello Director %s calling\n" % self.name.replace(" ", "\x01").encode())
        await respond(link, self._key)
        await challenge(link, self._qualified, self._key, policy=self._policy, compatible=False)
        greeting = await link.receive()
        match = _GREETING.match(greeting) if isinstance(greeting, bytes) else None
        if match is None:
            raise Unexpected("2000 OK Hello 54", greeting)
        return DirectorSession(link, int(match[1]), self._clock, self._offset)

    async def adopt(self, transport: trio.SocketStream) -> DirectorSession:
        """Authenticate a client that dialled us (protocol/07 §3.10); the session then waits, parked, for
        its first command.
        """
        early = await transport.receive_some(CHUNK)
        stream: Stream = transport
        if early[:1] == b"\x16":
            tls = TlsStream(transport, server_context(self._key_of_client), server=True, early=early)
            await tls.handshake()
            stream, early = tls, b""
        link = self._link(stream, "fd-dir", early)
        hello = await link.receive()
        match = _CLIENT_HELLO.match(hello) if isinstance(hello, bytes) else None
        if match is None:
            await link.aclose()
            raise Unexpected("Hello Client … FdProtocolVersion=… calling", hello)
        try:
            await challenge(link, self._qualified, self._key, policy=self._policy, compatible=True)
            await respond(link, self._key)
        except PeersError as error:
            await link.aclose()
            raise AuthenticationFailed(str(error)) from error
        await link.send(b"1000 OK: %s Version: 25.1.0 (03 August 2026)\n" % self.name.encode())
        return DirectorSession(link, int(match[2]), self._clock, self._offset)

    def _key_of_client(self, identity: str) -> bytes:
        return self._key if identity.startswith("R_CLIENT\x1e") else b""

    @property
    def _qualified(self) -> bytes:
        return b"R_DIRECTOR::" + self.name.encode()

    @property
    def _policy(self) -> int:
        return 4 if self.tls else 0

    def _link(self, stream: Stream, kind: str, early: bytes = b"") -> Link:
        recording = self._transcript.open(kind, "dir", "fd") if self._transcript else None
        return Link(stream, recording, early)

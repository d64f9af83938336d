"""Plays the Director's and the Storage daemon's side of a recorded session to our daemon, and keeps what it says.

What they say is recorded, except for what only a live peer can know: answers to our challenges, the port of the
Storage daemon, the time, and where the tree lies on this machine. Nothing is compared here.
"""

import hashlib
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import trio

from fdaemon.errors import PeerGone
from fdaemon.wire.framing import PacketReader, Signal, frame, signal
from fdpeers.cram import answer, password_key
from tests.support.sessions import (
    DIRECTOR_PASSWORD,
    Closed,
    Event,
    Opened,
    Packet,
    Session,
    Signalled,
)

PATIENCE = 15.0
"""Seconds of a real clock in which the daemon must have said what the C++ one said."""
RECORDED_PORT = 19213
"""Where the recorded Storage daemon listened."""
WHOLE = 6000
"""Payloads above this size are recorded by their digest only; they hold file data and never a path."""
_RESPONSE = re.compile(rb"[A-Za-z0-9+/]{22}\0")
_SINCE = re.compile(rb"(?<=since_utime )\d+")

type Connect = Callable[[], Awaitable[trio.abc.Stream]]


@dataclass(frozen=True, slots=True)
class Staging:
    """What is not as it was when the session was recorded.

    `paths` are pairs of a recorded path and ours; `since` replaces the time of the last backup; `entry` makes an
    entry of the accurate list anew (path as in ours); `blocks` gives big packets by their SHA-256.
    """

    paths: tuple[tuple[bytes, bytes], ...] = ()
    since: int | None = None
    entry: Callable[[bytes], bytes] | None = None
    blocks: Callable[[], Mapping[str, bytes]] = dict
    password: bytes = DIRECTOR_PASSWORD

    def there(self, payload: bytes) -> bytes:
        """Recorded text as our daemon must hear it."""
        for recorded, ours in self.paths:
            payload = payload.replace(recorded, ours)
        return payload

    def back(self, payload: bytes) -> bytes:
        """Our daemon's text as it would have been at the recording."""
        for recorded, ours in self.paths:
            payload = payload.replace(ours, recorded)
        return payload


class Line:
    """Our end of one connection with the daemon; a task of its own reads all that comes."""

    def __init__(self, opened: Opened, stream: trio.abc.Stream, note: Callable[[Event], None]) -> None:
        self.opened = opened
        self.stream = stream
        self.heard: list[bytes | int] = []
        self.ended = False
        self._note = note
        self._next = 0
        self._stirred = trio.Event()
        self._sending = trio.Lock()

    async def send(self, wire: bytes) -> None:
        """Send packets; nothing when the daemon has hung up, for the recorded peers also speak to one that has."""
        async with self._sending:
            with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                await self.stream.send_all(wire)

    async def listen(self, back: Callable[[bytes], bytes]) -> None:
        """Keep what the daemon says until it closes."""
        reader = PacketReader()
        try:
            while data := await self.stream.receive_some(1 << 20):
                reader.receive_data(data)
                while (packet := reader.next_packet()) is not None:
                    self._keep(packet, back)
                    if packet == Signal.TERMINATE and self.opened.link == "dir-fd":
                        await self._hang_up()
        except (trio.BrokenResourceError, PeerGone):
            pass
        self.ended = True
        self._note(Closed(self.opened.connection, self.opened.link, "fd", time.time(), ""))
        self._stir()

    async def _hang_up(self) -> None:
        """A Director that is told that a session is over has nothing more to say in it."""
        assert isinstance(self.stream, trio.abc.HalfCloseableStream)
        async with self._sending:
            with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                await self.stream.send_eof()

    def _keep(self, packet: bytes | int, back: Callable[[bytes], bytes]) -> None:
        number, link = self.opened.connection, self.opened.link
        self.heard.append(packet)
        if isinstance(packet, int):
            self._note(Signalled(number, link, "fd", time.time(), packet))
        else:
            said = back(packet) if len(packet) <= WHOLE else packet
            digest = hashlib.sha256(said).hexdigest()
            self._note(Packet(number, link, "fd", time.time(), len(said), said, digest, said[:64]))
        self._stir()

    def _stir(self) -> None:
        self._stirred.set()
        self._stirred = trio.Event()

    async def until(self, wanted: Callable[[list[bytes | int], int], bool], what: str) -> None:
        """Wait for a packet, after the last one waited for, that is `wanted`. AssertionError if none comes."""
        with trio.move_on_after(PATIENCE):
            while True:
                while self._next < len(self.heard):
                    self._next += 1
                    if wanted(self.heard, self._next - 1):
                        return
                if self.ended:
                    break
                await self._stirred.wait()
        raise AssertionError(f"{self.opened.link} {self.opened.connection}: no {what}; heard {self.tail}")

    async def closed(self) -> None:
        """Wait for the daemon to close. AssertionError if it does not."""
        with trio.move_on_after(PATIENCE):
            while not self.ended:
                await self._stirred.wait()
        if not self.ended:
            raise AssertionError(f"{self.opened.link} {self.opened.connection} stays open; heard {self.tail}")

    @property
    def tail(self) -> list[bytes | int]:
        """The last packets heard, shortened."""
        return [part if isinstance(part, int) else part[:160] for part in self.heard[-6:]]

    def challenge(self) -> bytes:
        """The last challenge heard."""
        return next(
            part for part in reversed(self.heard) if isinstance(part, bytes) and part.startswith(b"auth cram")
        )


@dataclass(slots=True)
class Replay:
    """One session being played. `said` fills with what our daemon says, in the form of a recording."""

    session: Session
    staging: Staging
    connect: Connect
    said: list[Event] = field(default_factory=list)
    _lines: dict[int, Line] = field(default_factory=dict)
    _awaited: dict[int, tuple[Event, Event | None]] = field(default_factory=dict)
    _key: bytes = b""

    async def play(self) -> Session:
        """Play to the end, every connection closed by the daemon; what it said as a session."""
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        try:
            async with listener, trio.open_nursery() as nursery:
                await self._play(listener, nursery)
                nursery.cancel_scope.cancel()
        finally:
            for line in self._lines.values():
                await trio.aclose_forcefully(line.stream)
        return Session(self.session.name, tuple(self.said), self.session.release)

    async def _play(self, listener: trio.SocketListener, nursery: trio.Nursery) -> None:
        port = listener.socket.getsockname()[1]
        for event in self.session.events:
            if event.link == "dir-sd":
                continue
            match event:
                case Opened():
                    await self._open(event, listener, nursery)
                case Packet(sender="fd", payload=payload) if (payload or b"").startswith(b"Jmsg "):
                    pass  # when a job message comes is the daemon's affair, in what order is compared
                case Packet(sender="fd") | Signalled(sender="fd"):
                    before = self._awaited.get(event.connection, (None, None))[0]
                    self._awaited[event.connection] = (event, before)
                case Packet() | Signalled():
                    await self._reach(event.connection)
                    await self._send(event, port)
                case Closed():
                    pass
        for line in self._lines.values():
            await line.closed()

    async def _open(self, event: Opened, listener: trio.SocketListener, nursery: trio.Nursery) -> None:
        if event.link == "fd-sd":
            with trio.fail_after(PATIENCE):
                stream: trio.abc.Stream = await listener.accept()
        else:
            for connection in self._lines:
                await self._reach(connection)
            stream = await self.connect()
        line = Line(event, stream, self.said.append)
        self.said.append(event)
        self._lines[event.connection] = line
        port = listener.socket.getsockname()[1]
        nursery.start_soon(line.listen, lambda text: self._back(text, port))

    def _back(self, text: bytes, port: int) -> bytes:
        ours, recorded = (b"127.0.0.1:%d" % number for number in (port, RECORDED_PORT))
        return self.staging.back(text.replace(ours, recorded))

    async def _reach(self, connection: int) -> None:
        """Wait until our daemon has said what the C++ one had said on this connection by now."""
        if connection not in self._awaited:
            return
        event, before = self._awaited.pop(connection)
        ending = isinstance(event, Signalled) and isinstance(before, Signalled) and event.number == Signal.EOD

        def wanted(heard: list[bytes | int], at: int) -> bool:
            if ending:
                return at > 0 and heard[at - 1 : at + 1] == [Signal.EOD, Signal.EOD]
            return _alike(event, heard[at])

        await self._lines[connection].until(wanted, str(event)[:300])

    async def _send(self, event: Packet | Signalled, port: int) -> None:
        line = self._lines[event.connection]
        if isinstance(event, Signalled):
            wire = signal(event.number) if event.number else frame(b"")
        elif event.payload is None:
            wire = frame(self.staging.blocks()[event.digest])
        else:
            wire = frame(self._fresh(line, event.payload, port))
        await line.send(wire)

    def _fresh(self, line: Line, payload: bytes, port: int) -> bytes:
        """A recorded payload with what a live peer says instead."""
        director = line.opened.link == "dir-fd"
        if _RESPONSE.fullmatch(payload):
            return answer(
                line.challenge(), password_key(self.staging.password.decode()) if director else self._key
            )
        if not director:
            return payload
        found = re.search(rb" Authorization=(\S+)", payload)
        if found and found[1]:
            self._key = found[1]
        if payload.startswith(b"btime "):
            return b"btime %d\n" % (time.time_ns() // 1000)
        if payload.startswith(b"storage address="):
            return payload.replace(b"port=%d" % RECORDED_PORT, b"port=%d" % port)
        if self.staging.since is not None:
            payload = _SINCE.sub(b"%d" % self.staging.since, payload)
        payload = self.staging.there(payload)
        if self.staging.entry is not None and payload.count(b"\0") == 3:
            return self.staging.entry(payload)
        return payload


def _alike(event: Event, heard: bytes | int) -> bool:
    """True when `heard` does for the Director or Storage daemon what the recorded packet did."""
    if isinstance(event, Signalled):
        return heard == event.number
    assert isinstance(event, Packet)
    if isinstance(heard, int):
        return False
    if event.payload is None:
        return len(heard) > WHOLE
    if _RESPONSE.fullmatch(event.payload):
        return _RESPONSE.fullmatch(heard) is not None
    return heard[:4] == event.payload[:4]

"""A relay between real daemons that records what they say, in the clear or under TLS with the passwords given.

It ends TLS on both sides. The keys of the File daemon's connections to the Storage daemon it learns from the orders
that pass, and it rewrites the address in `storage address=` so that the File daemon dials the relay.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import trio
from trio.abc import Stream

from fdpeers.cram import password_key
from fdpeers.errors import LinkClosed, PeersError
from fdpeers.link import MAX_PACKET, packet
from fdpeers.tls import CHUNK, TlsStream, client_context, server_context
from fdpeers.transcript import Transcript

_JOB: Final = re.compile(rb"JobId=\d+ Job=(\S+) .*Authorization=(\S+)", re.DOTALL)
_STORAGE: Final = re.compile(rb"storage address=(\S+) port=(\d+)( .*)", re.DOTALL)
_AUTHORIZATION: Final = re.compile(rb"Authorization=(\S+)")
_PASSIVE_JOB: Final = re.compile(rb"JobId=\d+ job=(\S+) ")
_GONE: Final = (trio.BrokenResourceError, trio.ClosedResourceError, LinkClosed)
FIRST_LIMIT: Final = 60.0
"""Seconds for the first bytes of a connection."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen or to dial."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """`HOST:PORT`. Raises ValueError."""
        host, _, port = text.rpartition(":")
        if not host or not port.isdigit():
            raise ValueError(f"{text!r} is not HOST:PORT")
        return cls(host.strip("[]"), int(port))


@dataclass(slots=True)
class Route:
    """One way through the relay: what listens there is called `name` (`fd` or `sd`) and is dialled at `target`;
    `key` is what Directors prove themselves with to it."""

    name: str
    target: Address | None
    key: bytes


@dataclass(slots=True)
class Relay:
    """`storage` is where the File daemon is told to find the Storage daemon (None: orders pass as they are)."""

    transcript: Transcript
    storage: Address | None = None
    keys: dict[bytes, bytes] = field(default_factory=dict)
    targets: dict[bytes, Address] = field(default_factory=dict)

    async def serve(self, route: Route, transport: trio.SocketStream) -> None:
        """One connection. Ends with either side."""
        async with transport:
            try:
                await _Passage(self, route).run(transport)
            except (PeersError, OSError, trio.BrokenResourceError, trio.ClosedResourceError):
                return

    def learn(self, job: bytes, key: bytes) -> None:
        """The session key of a job."""
        if key and key != b"dummy":
            self.keys[job] = key


class _Passage:
    """One connection through the relay."""

    def __init__(self, relay: Relay, route: Route) -> None:
        self._relay = relay
        self._route = route
        self._identity = ""
        self._job = b""

    async def run(self, transport: trio.SocketStream) -> None:
        with trio.fail_after(FIRST_LIMIT):
            early = await transport.receive_some(CHUNK)
            near: Stream = transport
            if early[:1] == b"\x16":
                wrapped = TlsStream(transport, server_context(self._key), server=True, early=early)
                await wrapped.handshake()
                near, early = wrapped, b""
            while not early or len(early) < 4 + int.from_bytes(early[:4]):
                data = await near.receive_some(CHUNK)
                if not data:
                    return
                early += data
            far = await self._dial(early[4 : 4 + int.from_bytes(early[:4])])
        async with far:
            await self._both(near, far, early)

    def _key(self, identity: str) -> bytes:
        self._identity = identity
        kind, _, name = identity.partition("\x1e")
        if kind == "R_JOB":
            return self._relay.keys.get(name.encode(), b"")
        return self._route.key

    async def _dial(self, hello: bytes) -> Stream:
        name = self._route.name
        near = "dir" if hello.startswith(b"Hello Director") else ("sd" if name == "fd" else "fd")
        if near != "dir":
            self._job = hello.split()[-1] if hello.split() else b""
        target = self._relay.targets.get(self._job, self._route.target)
        if target is None:
            raise LinkClosed("nobody has said where this Storage daemon is")
        stream: Stream = await trio.open_tcp_stream(target.host, target.port)
        if self._identity:
            try:
                identity = self._identity.encode()
                wrapped = TlsStream(stream, client_context(identity, self._key(self._identity)), server=False)
                await wrapped.handshake()
            except BaseException:
                await trio.aclose_forcefully(stream)
                raise
            stream = wrapped
        self._ends = near, name
        self._recording = self._relay.transcript.open(f"{near}-{name}", near, name)
        return stream

    async def _both(self, near: Stream, far: Stream, early: bytes) -> None:
        recording = self._recording
        orders = _Packets(recording.sent, self._order) if self._ends == ("dir", "fd") else None
        answers = _Packets(recording.received, self._answer) if self._ends == ("dir", "sd") else None
        said = _Packets(recording.sent, self._order) if self._ends == ("dir", "sd") else orders
        async with trio.open_nursery() as nursery:

            async def one(
                source: Stream, sink: Stream, cut: "_Packets | None", *, by_far: bool, first: bytes
            ) -> None:
                note = recording.received if by_far else recording.sent
                try:
                    data = first or await source.receive_some(CHUNK)
                    while data:
                        if cut is None:
                            note(data)
                        await sink.send_all(data if cut is None else cut.pass_on(bytes(data)))
                        data = await source.receive_some(CHUNK)
                except _GONE:
                    pass
                recording.closed(by_far)
                nursery.cancel_scope.cancel()

            nursery.start_soon(partial(one, far, near, answers, by_far=True, first=b""))
            nursery.start_soon(partial(one, near, far, said, by_far=False, first=early))

    def _order(self, order: bytes) -> bytes:
        """What a Director says: learn from it, and send the File daemon to the relay."""
        if found := _JOB.match(order):
            self._job = found[1]
            self._relay.learn(*found.groups())
        elif found := _PASSIVE_JOB.match(order):
            self._job = found[1]
        elif found := _STORAGE.match(order):
            if key := _AUTHORIZATION.search(found[3]):
                self._relay.learn(self._job, key[1])
            self._relay.targets.setdefault(self._job, Address(found[1].decode(), int(found[2])))
            if self._relay.storage is not None:
                place = self._relay.storage
                return b"storage address=%b port=%d%b" % (place.host.encode(), place.port, found[3])
        elif order.startswith(b"setauthorization") and (key := _AUTHORIZATION.search(order)):
            self._relay.learn(self._job, key[1])
        return order

    def _answer(self, answer: bytes) -> bytes:
        """What a Storage daemon tells its Director: the key that it made for a job."""
        if answer.startswith(b"3000 OK Job") and (key := _AUTHORIZATION.search(answer)):
            self._relay.learn(self._job, key[1])
        return answer


class _Packets:
    """Cuts one direction into packets, so that `change` can look at each before it goes on."""

    def __init__(self, note: Callable[[bytes], object], change: Callable[[bytes], bytes]) -> None:
        self._note = note
        self._change = change
        self._held = bytearray()

    def pass_on(self, data: bytes) -> bytes:
        """What to send on of what has come so far. What was said is recorded, not what is passed on."""
        self._note(data)
        self._held += data
        out = bytearray()
        while len(self._held) >= 4:
            length = int.from_bytes(self._held[:4], signed=True)
            if length > MAX_PACKET:
                out += self._held
                self._held.clear()
                break
            end = 4 + max(length, 0)
            if len(self._held) < end:
                break
            whole = bytes(self._held[:end])
            out += packet(self._change(whole[4:])) if length > 0 else whole
            del self._held[:end]
        return bytes(out)


def routes(
    fd: Address | None, sd: Address | None, password: str, storage_password: str
) -> tuple[Route, Route]:
    """The way to the File daemon and the way to the Storage daemon."""
    return (
        Route("fd", fd, password_key(password)),
        Route("sd", sd, password_key(storage_password)),
    )

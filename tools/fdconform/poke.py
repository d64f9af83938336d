"""Steps of callers that are no Directors: bytes on a bare connection, and how they are turned away."""

import socket
import struct
from dataclasses import dataclass
from typing import Final

import trio

from fdconform.expect import CLOSED, QUIET, Wanted, meets, shown
from fdconform.stage import DIAL_LIMIT, Stage
from fdconform.talk import PATIENCE
from fdconform.verdicts import Verdict

TERMINATED: Final = b"\xff\xff\xff\xfc"
_ALERT: Final = 0x15
_RECORD_HEAD: Final = 5


@dataclass(frozen=True, slots=True)
class Poke:
    """Connect and send `data`, in pieces of `cut` bytes, then end our direction; the daemon must turn us away within
    `within` seconds: nothing but TLS alerts and TERMINATE in the clear, then the end. `open`: our direction stays
    open."""

    data: bytes
    cut: int = 0
    open: bool = False
    within: float = PATIENCE

    async def play(self, stage: Stage) -> None:
        stream = await _connect(stage)
        said, was_reset = b"", False
        try:
            with trio.move_on_after(self.within) as scope:
                try:
                    size = self.cut or max(1, len(self.data))
                    for at in range(0, len(self.data), size):
                        await stream.send_all(self.data[at : at + size])
                        if self.cut:
                            await trio.sleep(0.002)
                    if not self.open:
                        await stream.send_eof()
                    while more := await stream.receive_some():
                        said += more
                except trio.BrokenResourceError:
                    was_reset = True
            if scope.cancelled_caught:
                raise stage.fail(f"the connection is still open after {self.within:g} s")
        finally:
            await trio.aclose_forcefully(stream)
        rest = _without_alerts(said)
        if rest not in (b"", TERMINATED):
            raise stage.fail(f"the daemon said {shown(rest)}")
        if not rest and not was_reset:
            stage.note(Verdict.NON_STRICT, "the connection ended without TERMINATE")


def _without_alerts(said: bytes) -> bytes:
    while len(said) > _RECORD_HEAD and said[0] == _ALERT:
        said = said[_RECORD_HEAD + int.from_bytes(said[3:5], "big") :]
    return said


@dataclass(frozen=True, slots=True)
class Leave:
    """Connect, send `data` and go at once, `times` times: in order, or with a reset."""

    data: bytes = b""
    reset: bool = False
    times: int = 1

    async def play(self, stage: Stage) -> None:
        for _ in range(self.times):
            stream = await _connect(stage)
            if self.data:
                await stream.send_all(self.data)
            if self.reset:
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            await trio.aclose_forcefully(stream)


async def _connect(stage: Stage) -> trio.SocketStream:
    with trio.fail_after(DIAL_LIMIT):
        return await trio.open_tcp_stream(stage.subject.host, stage.subject.port)


@dataclass(frozen=True, slots=True)
class HearOneOf:
    """The next thing on a connection must be one of these; all of them are right."""

    wanted: tuple[Wanted, ...]
    on: str = "dir"
    within: float = PATIENCE

    async def play(self, stage: Stage) -> None:
        got = await stage.hear(self.on, self.within, raw=True)
        if isinstance(got, bytes):
            stage.heard.append(got)
        if not any(meets(got, stage.filled(item)) for item in self.wanted):
            raise stage.fail(f"wanted {' or '.join(shown(item) for item in self.wanted)}, got {shown(got)}")


@dataclass(frozen=True, slots=True)
class Unserved:
    """The daemon must not let this connection in: no challenge, no consent, no reply. It may end it or leave it open
    (what it does within `within` seconds), and may say why in free text."""

    on: str = "dir"
    within: float = 7.0

    async def play(self, stage: Stage) -> None:
        deadline = trio.current_time() + self.within
        while True:
            got = await stage.hear(self.on, deadline - trio.current_time(), raw=True)
            if got is CLOSED or got is QUIET:
                return
            if isinstance(got, bytes) and got.startswith((b"1000 ", b"2000 ", b"auth ")):
                raise stage.fail(f"the daemon goes on with {shown(got)}")

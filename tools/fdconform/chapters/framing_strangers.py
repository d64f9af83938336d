"""Chapter 1, section 6: callers that speak something else, and those that say nothing."""

from dataclasses import dataclass

import trio

from fdconform.case import Case
from fdconform.expect import CLOSED, Like, Signal, meets, shown
from fdconform.poke import Leave, Poke, Unserved
from fdconform.stage import Stage
from fdconform.talk import PATIENCE, Alive, Dial, Hear, Login, Say, SayRaw, SaySignal
from fdpeers.errors import LinkClosed

_DECISION = "01 §4.2, §4.4; core/src/lib/try_tls_handshake_as_a_server.cc: GetHandshakeMode"


@dataclass(frozen=True, slots=True)
class Open:
    """A connection in the clear on which nothing is said yet."""

    async def play(self, stage: Stage) -> None:
        await Dial("clear").play(stage)


@dataclass(frozen=True, slots=True)
class TrySaying:
    """Send these pieces one after the other; the daemon may hang up meanwhile."""

    pieces: tuple[bytes, ...]

    async def play(self, stage: Stage) -> None:
        try:
            for piece in self.pieces:
                await stage.line("dir").link.send_wire(piece)
                await trio.sleep(0.1)
        except LinkClosed:
            return


@dataclass(frozen=True, slots=True)
class ChallengedOrRefused:
    """The daemon either goes on with a challenge or ends the connection."""

    async def play(self, stage: Stage) -> None:
        got = await stage.hear("dir", PATIENCE, raw=True)
        if got is CLOSED or got == -4 or meets(got, Like(rb"auth cram-md5 .*")):
            return
        raise stage.fail(f"wanted a challenge or a refusal, got {shown(got)}")


_CLIENT_HELLO = bytes.fromhex("16030100c8010000c40303") + bytes(range(32)) + b"\x20" + bytes(range(32))

_TURNED_AWAY = tuple(
    Case(
        id=f"1.6.{number}",
        title=title,
        rule="What is neither a hello nor a TLS handshake is refused: TLS alerts, TERMINATE in the clear, the end.",
        source=_DECISION,
        play=(Poke(data), Alive()),
    )
    for number, title, data in (
        (1, "a connection that says nothing and goes", b""),
        (2, "one byte", b"\0"),
        (3, "a header and a little more", b"\0\0\0\x22Hello"),
        (4, "a HTTP request", b"GET / HTTP/1.0\r\n\r\n"),
        (5, "a HTTP request with a long body", b"POST / HTTP/1.1\r\nHost: fd\r\n\r\n" + b"x" * 100_000),
        (6, "an SSH banner", b"SSH-2.0-OpenSSH_9.2\r\n"),
        (7, "a TLS record of rubbish", b"\x16\x03\x01\x00\x10" + b"rubbish rubbish "),
        (8, "half a ClientHello", _CLIENT_HELLO),
        (9, "a TLS alert", b"\x15\x03\x01\x00\x02\x02\x28" + b"\x15\x03\x01\x00\x02\x01\x00"),
        (10, "a TLS record with an impossible length", b"\x16\x03\x01\xff\xff" + b"x" * 300),
        (11, "all bytes there are", bytes(range(256)) * 4),
        (12, "a kilobyte of zeros", b"\0" * 1024),
        (13, "a kilobyte of ones", b"\xff" * 1024),
        (14, "a hello with small letters", b"\0\0\0\x1chello Director conform-clear calling\n"),
        (15, "a hello without a header", b"Hello Director conform-clear calling\n"),
        (16, "TERMINATE and nothing else", b"\xff\xff\xff\xfc"),
        (17, "five heartbeats", b"\xff\xff\xff\xfa" * 5),
    )
)

_NO_HELLO = tuple(
    Case(
        id=f"1.6.{number}",
        title=title,
        rule="A first packet that is not data is refused: after about 5 s TERMINATE (unless the connection is "
        "terminated already) and the end.",
        source="01 §4.5; core/src/filed/socket_server.cc: HandleConnectionRequest",
        play=(Dial("tls"), step, Hear(Signal(-4), (CLOSED,), raw=True, within=12), Alive()),
    )
    for number, title, step in (
        (20, "an empty packet as hello", Say(b"")),
        (21, "a heartbeat as hello", SaySignal(-6)),
        (22, "EOD as hello", SaySignal(-1)),
    )
)

CASES = (
    *_TURNED_AWAY,
    *_NO_HELLO,
    Case(
        id="1.6.23",
        title="TERMINATE as hello, inside TLS",
        rule="After a received TERMINATE the connection ends and nothing is sent.",
        source="01 §1.2, §4.5",
        play=(Dial("tls"), SaySignal(-4), Hear(CLOSED, raw=True, within=12), Alive()),
    ),
    Case(
        id="1.6.24",
        title="a header above the limit as hello, inside TLS",
        rule="A header above 1,000,000 ends the connection also before the hello.",
        source="01 §1.3, §4.5",
        play=(Dial("tls"), SayRaw(b"\x01" * 20), Hear(CLOSED, raw=True, within=12), Alive()),
    ),
    Case(
        id="1.6.25",
        title="rubbish inside TLS",
        rule="A first packet that is no hello is not served; the connection is ended after 5 s or left open.",
        source="01 §4.5 (3), §13",
        play=(Dial("tls"), Say(b"How do you do? I am a Director.\n"), Unserved(), Alive()),
    ),
    Case(
        id="1.6.26",
        title="a signal where the length of a hello belongs",
        rule="The decision for clear text does not look at the length; the packet that is then read is no hello, "
        "and is refused after about 5 s.",
        source="01 §4.2 (2), §4.5 (1)",
        play=(
            Open(),
            SayRaw(b"\xff\xff\xff\xfaHello Director conform-clear calling\n"),
            Hear(Signal(-4), (CLOSED,), raw=True, within=12),
            Alive(),
        ),
    ),
    Case(
        id="1.6.27",
        title="comes and goes a hundred times",
        rule="Connections that end at once cost nothing.",
        source="01 §4.2",
        play=(Leave(times=100), Alive()),
    ),
    Case(
        id="1.6.28",
        title="resets fifty connections",
        rule="Connections that are reset cost nothing.",
        source="01 §4.2",
        play=(Leave(b"\0\0\0\x26Hello Di", reset=True, times=50), Alive(), Alive("tls")),
    ),
    Case(
        id="1.6.29",
        title="says nothing after the TLS handshake",
        rule="A caller that says nothing inside TLS does not keep others from being served.",
        source="01 §4.5",
        play=(Dial("tls", "silent"), Alive(), Alive("tls")),
    ),
    Case(
        id="1.6.30",
        title="says nothing after the hello",
        rule="A Director that does not answer the challenge does not keep others from being served.",
        source="01 §6.5",
        play=(
            Dial("tls", "silent"),
            Say(b"Hello Director conform-dir calling\n", on="silent"),
            Hear(Like(rb"auth cram-md5 .*"), on="silent", raw=True),
            Alive(),
            Alive("tls"),
        ),
    ),
    Case(
        id="1.6.31",
        title="says nothing at all",
        rule="A caller that says nothing does not keep others from being served.",
        source="01 §4.2",
        play=(Dial("clear", "silent"), Login("clear"), Alive("tls")),
    ),
)

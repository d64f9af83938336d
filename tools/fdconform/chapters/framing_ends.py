"""Chapter 1, section 5: how connections end after the login."""

from fdconform.case import Case
from fdconform.dialogue import introduce
from fdconform.expect import CLOSED, Like, Signal
from fdconform.secured import EndsInOrder, Rubbish
from fdconform.talk import Alive, Ends, HangUp, Hear, HearText, Login, Say, SayRaw, SaySignal

_HEADER = Like(rb".* Version: .*")
_STOP = "01 §1.2, §12.1; core/src/lib/bsock_tcp.cc: recv"

CASES = (
    Case(
        id="1.5.1",
        title="TERMINATE in the clear",
        rule="After a TERMINATE has been received nothing is sent on the connection any more, which then ends.",
        source=_STOP,
        play=(Login("clear"), SaySignal(-4), Hear(CLOSED, raw=True)),
    ),
    Case(
        id="1.5.2",
        title="TERMINATE inside TLS",
        rule="After a TERMINATE has been received nothing is sent on the connection any more, which then ends.",
        source=_STOP,
        play=(Login("tls"), SaySignal(-4), Hear(CLOSED, raw=True)),
    ),
    Case(
        id="1.5.3",
        title="TERMINATE in a session with a job",
        rule="After a received TERMINATE not even 2800 End Job is sent.",
        source=_STOP,
        play=(Login("tls"), *introduce(), SaySignal(-4), Hear(CLOSED, raw=True)),
    ),
    Case(
        id="1.5.4",
        title="a command behind a TERMINATE",
        rule="What follows a TERMINATE is not looked at.",
        source=_STOP,
        play=(
            Login("clear"),
            SayRaw(b"\xff\xff\xff\xfc\0\0\0\x0e.status header"),
            Hear(CLOSED, raw=True),
            Alive(),
        ),
    ),
    Case(
        id="1.5.5",
        title="a command and TERMINATE in one segment",
        rule="A command before a TERMINATE is carried out and answered.",
        source=_STOP,
        play=(
            Login("clear"),
            SayRaw(b"\0\0\0\x0e.status header\xff\xff\xff\xfc"),
            HearText(_HEADER),
            Hear(CLOSED, raw=True),
        ),
    ),
    Case(
        id="1.5.6",
        title="a connection closed in one direction",
        rule="A peer that has sent all still gets the answer; then the connection ends.",
        source=_STOP,
        play=(
            Login("clear"),
            Say(b".status header"),
            HangUp(half=True),
            HearText(_HEADER),
            Ends(within=10),
        ),
    ),
    Case(
        id="1.5.7",
        title="an orderly end inside TLS",
        rule="Every orderly end of a TLS connection has a close_notify.",
        source="01 §5.10; core/src/lib/tls_openssl.cc: TlsBsockShutdown",
        play=(
            Login("tls"),
            Say(b"flood"),
            Hear(b"2999 Invalid command\n"),
            Hear(Signal(-4), raw=True),
            EndsInOrder(),
        ),
    ),
    Case(
        id="1.5.8",
        title="a Director that hangs up without TERMINATE",
        rule="A session whose connection ends is over; the daemon serves others.",
        source="01 §12.1",
        play=(Login("tls"), *introduce(), HangUp(), Alive()),
    ),
    Case(
        id="1.5.9",
        title="a Director that leaves in the middle of a list",
        rule="A session whose connection ends is over; the daemon serves others.",
        source="01 §12.1",
        play=(Login("clear"), *introduce("clear"), Say(b"fileset vss=1\n"), Say(b"I\n"), HangUp(), Alive()),
    ),
    Case(
        id="1.5.10",
        title="rubbish in the place of a TLS record",
        rule="A record that cannot be decrypted ends the connection, and nothing is carried out.",
        source="01 §5.10",
        play=(Login("tls"), Rubbish(b"\0\0\0\x0e.status header" * 3), Ends(within=10), Alive()),
    ),
    Case(
        id="1.5.11",
        title="the transport of a TLS session is cut off",
        rule="The end of the transport without close_notify is the end of the session.",
        source="01 §5.10",
        play=(Login("tls"), Rubbish(b""), Alive("tls")),
    ),
    Case(
        id="1.5.12",
        title="the answer of status ends with EOD, the session with TERMINATE",
        rule="The daemon's own end of a session is TERMINATE and then the end of the connection.",
        source="01 §12.1",
        play=(
            Login("clear"),
            Say(b".status header"),
            HearText(_HEADER),
            SaySignal(-1),
            Ends(terminate=True, within=10),
        ),
    ),
)

"""Chapter 1: packets and signals. Here: lengths, segments, NULs; the signals and the strangers have rooms of their
own."""

from fdconform.case import Case, Chapter
from fdconform.chapters import framing_ends, framing_signals, framing_strangers
from fdconform.dialogue import OK_JOB
from fdconform.expect import CLOSED, QUIET, Like, Signal
from fdconform.repeated import Repeat, SayLong
from fdconform.talk import Alive, Ends, Hear, HearText, Login, Pause, Say, SayRaw, SaySignal

HEADER = Like(rb".* Version: .*")
INVALID = b"2999 Invalid command\n"
_RECV = "01 §1.2, §1.3; core/src/lib/bsock_tcp.cc: recv"


def packet(payload: bytes) -> bytes:
    """The wire form."""
    return len(payload).to_bytes(4, "big") + payload


STATUS = packet(b".status header")

_TOO_LONG = tuple(
    Case(
        id=f"1.1.{number}",
        title=f"header {header:#x}, {role}",
        rule="A header above 1,000,000 ends the connection, and nothing is sent.",
        source=_RECV,
        play=(Login(role), SayRaw(header.to_bytes(4, "big") + b"x" * 16), Hear(CLOSED, raw=True), Alive()),
    )
    for number, (header, role) in enumerate(
        ((1_000_001, "clear"), (1_000_001, "tls"), (0x16030102, "clear"), (0x7FFFFFFF, "clear")), 1
    )
)

_UNKNOWN = tuple(
    Case(
        id=f"1.1.{number}",
        title=title,
        rule="A packet of 0 to 1,000,000 bytes is taken whole; one that is no command is answered with 2999.",
        source=f"{_RECV}; 02 §1.1",
        play=(Login(role), SayLong(b"", size), Hear(INVALID), Ends(terminate=True)),
    )
    for number, title, role, size in (
        (5, "an empty packet", "clear", 0),
        (6, "a packet of one byte", "clear", 1),
        (7, "the longest packet that is sent", "clear", 999_996),
        (8, "the longest packet that is taken", "clear", 1_000_000),
        (9, "the longest packet, inside TLS", "tls", 1_000_000),
    )
)

_LENGTHS = (
    *_TOO_LONG,
    *_UNKNOWN,
    Case(
        id="1.1.10",
        title="a command in a packet above every buffer",
        rule="The receive buffer grows with the packet; what follows the arguments of a command does not matter.",
        source="01 §11.1, §2.2; core/src/lib/bsock_tcp.cc: recv",
        play=(
            Login("clear"),
            SayLong(b".status header", 900_000, b" "),
            HearText(HEADER),
            Say(b".status header"),
            HearText(HEADER),
        ),
    ),
    Case(
        id="1.1.11",
        title="header above the limit inside a list",
        rule="A header above 1,000,000 ends the connection also where a list is read.",
        source=_RECV,
        play=(
            Login("clear"),
            Say(b"fileset vss=1\n"),
            SayRaw(b"\x7f\0\0\0"),
            Hear(CLOSED, raw=True),
            Alive(),
        ),
    ),
    Case(
        id="1.1.12",
        title="a packet that never becomes complete",
        rule="A connection that ends inside a packet is over; the part that came is no command.",
        source=_RECV,
        play=(
            Login("clear", "half"),
            SayRaw((1000).to_bytes(4, "big") + b".status header", on="half"),
            Hear(QUIET, on="half", raw=True, within=0.5),
            Alive(),
        ),
    ),
)

_SEGMENTS = tuple(
    Case(
        id=f"1.2.{number}",
        title=title,
        rule="Packets may come in any TCP or TLS segmentation.",
        source="01 §1.1",
        play=(Login(role), *steps, HearText(HEADER), SaySignal(-4), Hear(CLOSED, raw=True)),
    )
    for number, title, role, steps in (
        (1, "a command in single bytes", "clear", (SayRaw(STATUS, cut=1, pause=0.002),)),
        (2, "a command in single bytes, each a TLS record", "tls", (SayRaw(STATUS, cut=1, pause=0.002),)),
        (3, "the header in two halves", "clear", (SayRaw(STATUS[:2]), Pause(0.2), SayRaw(STATUS[2:]))),
        (4, "header and payload apart", "clear", (SayRaw(STATUS[:4]), Pause(0.2), SayRaw(STATUS[4:]))),
        (5, "header and payload apart, in TLS", "tls", (SayRaw(STATUS[:4]), Pause(0.2), SayRaw(STATUS[4:]))),
        (
            6,
            "a cut inside the next header",
            "clear",
            (SayRaw(STATUS + STATUS[:3]), HearText(HEADER), SayRaw(STATUS[3:])),
        ),
        (7, "two commands in one segment", "clear", (SayRaw(STATUS * 2), HearText(HEADER))),
        (8, "two commands in one TLS record", "tls", (SayRaw(STATUS * 2), HearText(HEADER))),
        (
            9,
            "a hundred commands in one segment",
            "clear",
            (SayRaw(STATUS * 100), Repeat(99, (HearText(HEADER),))),
        ),
    )
)

_HELLO = packet(b"Hello Director conform-clear calling\n")

_HELLO_CUTS = (
    Case(
        id="1.2.10",
        title="a hello whose rest comes later",
        rule="Once the name in a hello in the clear is there, the rest may come in any segmentation.",
        source="01 §4.2, §4.3; core/src/lib/try_tls_handshake_as_a_server.cc: GetHandshakeMode",
        play=(
            framing_strangers.Open(),
            SayRaw(_HELLO[:32]),
            Pause(0.2),
            SayRaw(_HELLO[32:], cut=1, pause=0.002),
            Hear(Like(rb"auth cram-md5 .*"), raw=True),
        ),
    ),
    *(
        Case(
            id=f"1.2.{number}",
            title=title,
            rule="A peer whose first segment does not tell who it is may be waited for, or be refused.",
            source="01 §4.2 (may do better), §4.3",
            play=(
                framing_strangers.Open(),
                framing_strangers.TrySaying((_HELLO[:cut], _HELLO[cut:])),
                framing_strangers.ChallengedOrRefused(),
                Alive(),
            ),
        )
        for number, title, cut in (
            (11, "a hello whose length comes first", 4),
            (12, "a hello that is cut before the name", 10),
            (13, "a hello that is cut inside the name", 24),
        )
    ),
)

_TEXTS = tuple(
    Case(
        id=f"1.3.{number}",
        title=title,
        rule="A payload is a C string: it ends at the first NUL, and a newline at its end is optional.",
        source="01 §2.1, §2.2; core/src/lib/scan.cc: bsscanf",
        play=(Login("clear"), Say(text), HearText(HEADER)),
    )
    for number, title, text in (
        (1, "a NUL at the end", b".status header\0"),
        (2, "bytes after a NUL", b".status header\0garbage \xff\n"),
        (3, "a newline at the end", b".status header\n"),
        (4, "carriage return and newline", b".status header\r\n"),
        (5, "several blanks before the argument", b".status   header"),
        (6, "a tabulator before the argument", b".status\theader"),
        (7, "more words", b".status header and more"),
    )
)

_MORE_TEXTS = (
    Case(
        id="1.3.8",
        title="a NUL at the beginning",
        rule="A payload that begins with a NUL is an empty one, which is no command.",
        source="01 §2.1",
        play=(Login("clear"), Say(b"\0status"), Hear(INVALID), Ends(terminate=True)),
    ),
    Case(
        id="1.3.9",
        title="bytes above 127",
        rule="Any bytes that are no command are answered with 2999.",
        source="02 §1.1",
        play=(Login("clear"), Say(bytes(range(128, 256))), Hear(INVALID), Ends(terminate=True)),
    ),
    *(
        Case(
            id=f"1.3.{number}",
            title=title,
            rule="The newline at the end of a command is optional, and bytes after a NUL do not count.",
            source="01 §2.2",
            play=(
                Login("tls"),
                Say(b"JobId={job_id} Job={job} SDid=1 SDtime=2 Authorization={key} ssl=4" + end),
                Hear(OK_JOB),
            ),
        )
        for number, title, end in (
            (10, "a JobId command without newline", b""),
            (11, "a JobId command with a NUL", b"\0 rubbish\n"),
            (12, "a JobId command with more words", b" more=1\n"),
        )
    ),
    Case(
        id="1.3.13",
        title="replies end without NUL",
        rule="A reply is exactly its text: no NUL is counted in its length.",
        source="01 §2.1",
        play=(
            Login("tls"),
            Say(b"getSecureEraseCmd\n"),
            Hear(Like(rb"2000 OK FDSecureEraseCmd [^\n\0]*\n")),
            Say(b"cancel Job=nobody\n"),
            Hear(b"2901 Job nobody not found.\n", raw=True),
            Hear(Signal(-1), raw=True),
        ),
    ),
)

CHAPTER = Chapter(
    1,
    "Framing and signals",
    (
        *_LENGTHS,
        *_SEGMENTS,
        *_HELLO_CUTS,
        *_TEXTS,
        *_MORE_TEXTS,
        *framing_signals.CASES,
        *framing_ends.CASES,
        *framing_strangers.CASES,
    ),
)

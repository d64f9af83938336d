"""Chapter 2, section 6: CRAM-MD5 that fails, what the other side hears, and when."""

from fdconform.case import Case, Step
from fdconform.expect import CLOSED, Like, Signal
from fdconform.poke import HearOneOf, Unserved
from fdconform.proof import FAILED, OK, REFUSED, Answer, Asked, Challenge, Refusal
from fdconform.repeated import SayLong
from fdconform.talk import Alive, Dial, HangUp, Hear, Pause, Say, SaySignal

_FAILURES = "01 §6.4, §6.5; core/src/lib/bsock.cc: TwoWayAuthenticate"
_AGREED = Hear(OK, raw=True)
_KEY_REJECTED = Like(rb"Authorization key rejected by \S+\.\n")
_WRONG_FORMAT = Like(rb"Wrong format of the CRAM challenge with \S+\.\n")
_ATTACK = Like(rb"Warning! Attack detected: .*")
_TLS_FAILED = Like(rb"Tls handshake failed\.\n")


def _unable(name: bytes) -> Like:
    return Like(rb"\S* ?Unable to authenticate Director %b\.\n" % name)


_UNABLE = _unable(b"conform-dir")

_LATER = ((4, FAILED), (4, _UNABLE))
_END = ((9, FAILED), (9, _UNABLE))
"""What only the first case of a family waits for."""

_AT_ONCE = tuple(
    Case(
        id=f"2.6.{number}",
        title=title,
        rule="A wrong answer to the challenge is refused at once with 1999.",
        source=_FAILURES,
        play=(Dial(role), Asked(), step, Hear(REFUSED, raw=True), Alive()),
    )
    for number, title, role, step in (
        (1, "the answer for another password, in the clear", "clear", Answer(key=b"0" * 32)),
        (2, "an answer that is too short", "tls", Say(b"AAAAAAAAAAAAAAAAAAAAA\0")),
        (3, "an answer of blanks", "tls", Say(b" " * 22 + b"\0")),
        (4, "an answer of one NUL", "tls", Say(b"\0")),
        (5, "an answer that is very long", "tls", SayLong(b"", 100_000, b"A")),
        (6, "the right answer with a newline", "tls", Answer(tail=b"\n\0")),
        (7, "the right answer and more", "tls", Answer(tail=b"A\0")),
        (8, "the challenge itself", "tls", Say(b"{challenge}\0")),
        (9, "the answer for an empty key", "tls", Answer(key=b"")),
        (10, "consent in the place of an answer", "tls", Say(OK)),
        (
            11,
            "a challenge in the place of an answer",
            "tls",
            Say(b"auth cram-md5 <1.2@R_DIRECTOR::d> ssl=2\n"),
        ),
        (12, "the password itself", "tls", Say(b"conform secret\0")),
    )
)

_LOST = tuple(
    Case(
        id=f"2.6.{number}",
        title=title,
        rule="What is not an answer fails the login; the peer is not let in.",
        source=_FAILURES,
        play=(Dial("tls"), Asked(), step, Unserved(within=8), Alive()),
    )
    for number, title, step in (
        (13, "a signal in the place of an answer", SaySignal(-6)),
        (14, "EOD in the place of an answer", SaySignal(-1)),
        (15, "TERMINATE in the place of an answer", SaySignal(-4)),
        (16, "an empty packet in the place of an answer", Say(b"")),
    )
)


def _challenged(packet: bytes) -> tuple[Step, ...]:
    return (Dial("tls"), Asked(), Answer(), _AGREED, Say(packet))


_FORMATS = tuple(
    Case(
        id=f"2.6.{number}",
        title=title,
        rule="What is no challenge at all is refused with 1999 at once; after 5 s come the reason and 1999 again, "
        "after 5 s more 2999.",
        source=f"{_FAILURES}; 01 §6.2",
        limit=25,
        play=(
            *_challenged(packet),
            Refusal(said),
        ),
    )
    for number, title, packet, said in (
        (
            20,
            "free text in the place of the Director's challenge",
            b"foo bar\n",
            ((0, REFUSED), (4, _WRONG_FORMAT), (4, REFUSED), (9, FAILED), (9, _UNABLE)),
        ),
        (21, "another method", b"auth cram-sha1 <1.2@R_DIRECTOR::d> ssl=2\n", ((0, REFUSED),)),
        (22, "a command in the place of the challenge", b".status header", ((0, REFUSED),)),
    )
)

_TEXTS = tuple(
    Case(
        id=f"2.6.{number}",
        title=title,
        rule="A challenge whose text has not the form <R.T@NAME> is refused at once with the reason and 1999, and "
        "after 5 s with 2999.",
        source=f"{_FAILURES}; 01 §6.2",
        play=(
            *_challenged(packet),
            Refusal(((0, _WRONG_FORMAT), (0, REFUSED), *_LATER[: 0 if number > 23 else 2])),
        ),
    )
    for number, title, packet in (
        (23, "a challenge that is one word", b"auth cram-md5 abc ssl=0\n"),
        (24, "a challenge without brackets", b"auth cram-md5 1.2@R_DIRECTOR::d ssl=0\n"),
        (25, "a challenge without a time", b"auth cram-md5 <1@R_DIRECTOR::d> ssl=0\n"),
        (26, "a challenge with letters for numbers", b"auth cram-md5 <a.b@R_DIRECTOR::d> ssl=0\n"),
    )
)

_REFLECTED = tuple(
    Case(
        id=f"2.6.{number}",
        title=title,
        rule="A challenge that carries the daemon's own name is an attack: it is not answered; the reason and 1999 "
        "come at once, 2999 after 5 s.",
        source=f"{_FAILURES}; 01 §6.2 (replay check)",
        play=(
            *_challenged(packet),
            Refusal(((0, _ATTACK), (0, REFUSED), *_LATER[: 0 if number > 27 else 2])),
        ),
    )
    for number, title, packet in (
        (27, "the daemon's challenge is handed back to it", b"auth cram-md5 {challenge} ssl=2\n"),
        (28, "another challenge with its name", b"auth cram-md5 <1.2@R_CLIENT::{client}> ssl=2\n"),
        (29, "its name in a cram-md5c", b"auth cram-md5c <1.2@R_CLIENT::{client}> ssl=2\n"),
    )
)

_CONSENTS = tuple(
    Case(
        id=f"2.6.{number}",
        title=f"{title} in the place of the Director's consent",
        rule="Only `1000 OK auth` is consent; else come after 5 s the reason and 1999, and after 5 s more 2999.",
        source=f"{_FAILURES}; 01 App. C",
        limit=25,
        play=(
            Dial("tls"),
            Asked(),
            Answer(),
            _AGREED,
            Challenge(),
            Say(text),
            Refusal(((4, _KEY_REJECTED), (4, REFUSED), *_END[: 0 if number > 30 else 2])),
        ),
    )
    for number, title, text in (
        (30, "a refusal", REFUSED),
        (31, "consent without newline", b"1000 OK auth"),
        (32, "consent with more words", b"1000 OK auth and welcome\n"),
    )
)

_POLICIES = (
    Case(
        id="2.6.33",
        title="a peer that must use TLS on a connection in the clear",
        rule="Where the daemon's policy is None, a peer's ssl=2 cannot be met: the reason, 2999 and the end.",
        source="01 §5.6; App. C",
        play=(
            Dial("clear"),
            Asked(),
            Answer(),
            _AGREED,
            Challenge(b"auth cram-md5 <1350490027.1700000000@R_DIRECTOR::dir> ssl=2\n"),
            Say(OK),
            Refusal(((0, _TLS_FAILED), (0, FAILED), (0, _unable(b"conform-clear")))),
        ),
    ),
    Case(
        id="2.6.34",
        title="a peer that names no policy on a connection in the clear",
        rule="Without ssl= a late TLS handshake is due, which no release since 18.2 starts: the daemon waits for it or "
        "refuses.",
        source="01 §5.6; App. C",
        play=(
            Dial("clear"),
            Asked(),
            Answer(),
            _AGREED,
            Challenge(b"auth cram-md5 <783368690.1700000000@R_DIRECTOR::dir>\n"),
            Say(OK),
            Unserved(within=1.5),
            Alive(),
        ),
    ),
)

_REPLAY = (
    Case(
        id="2.6.35",
        title="an answer that was right for an earlier challenge",
        rule="An answer is good for one challenge only.",
        source="01 §6.2",
        play=(
            Dial("clear", "first"),
            Asked(on="first"),
            Answer(on="first", called="old"),
            Hear(OK, on="first", raw=True),
            HangUp("first"),
            Pause(1.2),
            Dial("clear"),
            Asked(),
            Say(b"{old}\0"),
            Hear(REFUSED, raw=True),
        ),
    ),
    Case(
        id="2.6.36",
        title="the answer of another Director",
        rule="The key is the one of the Director in the hello.",
        source="01 §5.2, §7.2 (5)",
        play=(
            Dial("clear"),
            Asked(),
            Answer(key=b"a3ab8a14e2a62cd4bf27ea9a8a3f9e94"),
            Hear(REFUSED, raw=True),
            Alive(),
        ),
    ),
)

_IN_FULL = (
    Case(
        id="2.6.40",
        title="a wrong password, to the end",
        rule="1999 at once; after 5 s the reason and 1999; after 5 s more 2999 and a text; after 6 s the end without "
        "TERMINATE.",
        source=f"{_FAILURES}; 01 App. C",
        profile="refusing",
        limit=50,
        play=(
            Dial("tls"),
            Asked(),
            Answer(key=b"0" * 32),
            Refusal(
                ((0, REFUSED), (4, _KEY_REJECTED), (4, REFUSED), (9, FAILED), (9, _UNABLE)), end=(14, 32)
            ),
        ),
    ),
    Case(
        id="2.6.41",
        title="a Director that nobody knows, to the end",
        rule="A text, or TERMINATE as in release 26; the connection ends after 5 s or 6 s.",
        source="01 §7.2, §7.4",
        profile="refusing",
        play=(
            Dial("tls"),
            Say(b"Hello Director nobody calling\n"),
            HearOneOf(
                (Like(rb"\S* ?Connection from unknown Director nobody at \S+ rejected\.\n"), Signal(-4))
            ),
            Hear(CLOSED, raw=True, within=20),
        ),
    ),
    Case(
        id="2.6.42",
        title="a hello that is too short, to the end",
        rule="A text at once, and after 6 s the end without TERMINATE.",
        source="01 §7.2; App. C",
        profile="refusing",
        play=(
            Dial("tls"),
            Say(b"Hello Director x\n"),
            Refusal(((0, Like(rb"\S* ?Bad Hello command from Director at \S+\. Len=17\.\n")),), end=(5, 25)),
        ),
    ),
)

CASES = (
    *_AT_ONCE,
    *_LOST,
    *_FORMATS,
    *_TEXTS,
    *_REFLECTED,
    *_CONSENTS,
    *_POLICIES,
    *_REPLAY,
    *_IN_FULL,
)

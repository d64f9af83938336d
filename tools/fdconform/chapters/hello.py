"""Chapter 2: hello, authentication and TLS. Here: the hellos; the rest has rooms of its own."""

from fdconform.case import Case, Chapter
from fdconform.chapters import cram, cram_wrong, logins, passive, tls, tls_certificates
from fdconform.expect import CLOSED, QUIET, Like, Signal
from fdconform.poke import HearOneOf, Poke, Unserved
from fdconform.proof import LoggedIn, Refusal
from fdconform.repeated import SayLong
from fdconform.talk import Alive, Dial, Ends, HangUp, Hear, HearText, Introduce, Login, Say

_ACCEPTS = "01 §7.1, §7.2; core/src/filed/authenticate.cc: AuthenticateDirector"
_HELLOS = (
    (1, "since 18.2", b"Hello Director {name} calling\n"),
    (2, "without a newline", b"Hello Director {name} calling"),
    (3, "release 26", b'Hello Director {name} calling Version="26.0.0"\n'),
    (4, "a release to come", b'Hello Director {name} calling Version="99.10.123" Feature="x"\n'),
    (5, "with a NUL at the end", b"Hello Director {name} calling\n\0"),
    (6, "with other words behind", b"Hello Director {name} calling and how do you do\n"),
    (7, "without a blank before what follows", b"Hello Director {name} callingVersion\n"),
    (8, "500 bytes long", b"Hello Director {name} calling"),
)


def _long(hello: bytes, name: bytes, size: int) -> bytes:
    hello = hello.replace(b"{name}", name)
    return hello.ljust(size, b"x") if size else hello


_GOOD = tuple(
    Case(
        id=f"2.1.{number + offset}",
        title=f"hello {title}, {where}",
        rule="A hello of 25 to 500 bytes is accepted whatever follows `calling`, and a login ends with the greeting.",
        source=_ACCEPTS,
        play=(Dial(role), LoggedIn(_long(hello, name, 500 if number == 8 else 0))),
    )
    for offset, role, where, name in (
        (0, "tls", "inside TLS", b"conform-dir"),
        (8, "clear", "in the clear", b"conform-clear"),
    )
    for number, title, hello in _HELLOS
)

_GREETING = (
    Case(
        id="2.1.17",
        title="the greeting",
        rule="The greeting is exactly `2000 OK Hello 54`; a lower number makes a Director leave commands out.",
        source="01 §7.2 (6), §7.3",
        play=(
            Dial("tls"),
            Introduce(greeting=Like(rb"2000 OK Hello 54\n")),
            HangUp(terminate=True),
        ),
    ),
    Case(
        id="2.1.18",
        title="nothing comes unasked after the greeting",
        rule="After the greeting the daemon waits for a command and sends nothing.",
        source="01 §7.2 (6), §3.3",
        play=(
            Login("tls"),
            Hear(QUIET, raw=True, within=1.5),
        ),
    ),
)


def _refused(text: bytes) -> Refusal:
    return Refusal(((0, Like(rb"\S* ?" + text)),))


_BAD = tuple(
    Case(
        id=f"2.2.{number}",
        title=title,
        rule="A hello of a Director that is malformed is refused with a text that says so; the connection ends "
        "after 6 s.",
        source=f"{_ACCEPTS}; 01 App. C",
        profile="special",
        play=(Dial("tls"), SayLong(hello, size), _refused(text), Alive()),
    )
    for number, title, size, hello, text in (
        (
            1,
            "a hello that is too short",
            0,
            b"Hello Director x\n",
            rb"Bad Hello command from Director at \S+\. Len=17\.\n",
        ),
        (
            2,
            "no name",
            0,
            b"Hello Director  calling me me me\n",
            rb"Bad Hello command from Director at \S+: Hello Director  calling me me me\n.*",
        ),
        (
            3,
            "a hello of 501 bytes",
            501,
            b"Hello Director conform-dir calling",
            rb"Bad Hello command from Director at \S+\. Len=501\.\n",
        ),
        (
            4,
            "a hello of a megabyte",
            999_996,
            b"Hello Director conform-dir calling",
            rb"Bad Hello command from Director at \S+\. Len=999996\.\n",
        ),
        (
            5,
            "a hello without `calling`",
            0,
            b"Hello Director conform-dir says hello\n",
            rb"Bad Hello command from Director at \S+: Hello Director conform-dir says hello\n.*",
        ),
        (
            6,
            "a hello with another word",
            0,
            b"Hello Director conform-dir Calling\n",
            rb"Bad Hello command from Director at \S+: Hello Director conform-dir Calling\n.*",
        ),
        (
            7,
            "blanks in the name that are not bashed",
            0,
            b"Hello Director conform with blanks calling\n",
            rb"Bad Hello command from Director at \S+: Hello Director conform with blanks calling\n.*",
        ),
        (
            8,
            "a hello that a NUL cuts short",
            0,
            b"Hello Director conform-dir\0 calling\n",
            rb"Bad Hello command from Director at \S+: Hello Director conform-dir.*",
        ),
    )
)

_UNKNOWN = Like(rb"\S* ?(Connection from unknown Director .* at \S+ rejected|Bad Hello command from .*)\.\n")

_STRANGE = (
    *(
        Case(
            id=f"2.2.{number}",
            title=title,
            rule="A Director without a resource, or another one than its key says, is refused: with a text, or "
            "(as release 26 does) after 5 s with TERMINATE.",
            source="01 §7.2 (3), §7.4",
            play=(Dial("tls"), Say(hello), HearOneOf((_UNKNOWN, Signal(-4))), Alive()),
        )
        for number, title, hello in (
            (9, "a Director that nobody knows", b"Hello Director nobody calling\n"),
            (10, "a name of 200 bytes", b"Hello Director %b calling\n" % (b"n" * 200)),
            (11, "a name in capitals", b"Hello Director CONFORM-DIR calling\n"),
            (12, "a hello of 24 bytes", b"Hello Director x calling"),
            (13, "a name with a blank behind it", b"Hello Director conform-dir\x01 calling\n"),
            (14, "bytes above 127 as name", b"Hello Director \xc3\xa4\xff\xfe calling\n"),
        )
    ),
    Case(
        id="2.2.15",
        title="the name of another Director than the key's",
        rule="Release 26 refuses a hello that does not fit the identity of the key; earlier ones go on with the "
        "key of the Director in the hello.",
        source="01 §7.4, §13",
        play=(
            Dial("other"),
            Say(b"Hello Director conform-dir calling\n"),
            HearOneOf((Signal(-4), CLOSED, Like(rb"auth cram-md5 .*"))),
            Alive(),
        ),
    ),
)

_KINDS = (
    (20, "a console", b"Hello conform-console calling version 25.1.0\n"),
    (21, "an old console", b"Hello conform-console calling\n"),
    (22, "the console without a name", b"Hello *UserAgent* calling version 25.1.0\n"),
    (23, "a File daemon", b"Hello Client conform-fd FdProtocolVersion=54 calling\n"),
    (24, "a File daemon with a job", b"Hello Start Job nobodys.2026-11-23_05.00.00_01\n"),
    (25, "a Storage daemon of another job", b"Hello Start Storage Job nobodys.2026-11-23_05.00.00_01\n"),
    (26, "a Storage daemon that only says hello", b"Hello Storage conform-storage-daemon\n"),
    (27, "a passive call for an unknown job", b"Hello Storage calling Start Job nobodys.2026-11-23_01\n"),
    (28, "a passive call that is too short", b"Hello Storage calling\n"),
)

_OTHERS = tuple(
    Case(
        id=f"2.2.{number}",
        title=f"{title}, inside TLS",
        rule="Nobody but Directors and Storage daemons of running jobs is served; the connection ends or stays open.",
        source="01 §4.5 (3), §8.2; core/src/filed/socket_server.cc: HandleConnectionRequest",
        profile="refusing",
        play=(Dial("tls"), Say(hello), Unserved(), Alive()),
    )
    for number, title, hello in _KINDS
)

_CLEAR = tuple(
    Case(
        id=f"2.3.{number}",
        title=title,
        rule="A hello in the clear from anybody who must not come in the clear, or whom the daemon does not know, is "
        "refused at once with TERMINATE.",
        source="01 §4.3, §4.4; core/src/lib/bsock.cc: EvaluateCleartextBareosHello",
        play=(Poke(len(hello).to_bytes(4, "big") + hello, open=True, within=4), Alive()),
    )
    for number, title, hello in (
        (1, "a Director that must use TLS", b"Hello Director conform-dir calling\n"),
        (2, "a monitor that must use TLS", b"Hello Director conform-mon calling\n"),
        (3, "a Director that nobody knows", b"Hello Director nobody calling\n"),
        (4, "a Director without a name", b"Hello Director"),
        (5, "a Director with an empty name", b"Hello Director  calling me me me\n"),
        (6, "nothing but Hello", b"Hello \n"),
        *(
            (number - 10, f"{title}, in the clear", hello)
            for number, title, hello in _KINDS
            if number not in (21, 26, 28)
        ),
    )
)

_PLACES = (
    Case(
        id="2.3.30",
        title="TLS Enable = yes and TLS Require = no",
        rule="A Director that may use TLS must: clear text is for those with TLS Enable = no.",
        source="01 §4.3; App. C",
        profile="special",
        play=(
            Poke(b"\0\0\0\x23Hello Director conform-opt calling\n", open=True, within=4),
            Dial("optional"),
            LoggedIn(),
        ),
    ),
    Case(
        id="2.3.31",
        title="a Director that is in the clear comes with TLS",
        rule="TLS with the Director's key is accepted even where TLS Enable = no.",
        source="01 §4.2 (3); App. C",
        play=(Dial("clear", tls=True), LoggedIn()),
    ),
    Case(
        id="2.3.32",
        title="clear text where all of the daemon is in the clear",
        rule="The policy of the Director's resource decides, not the one of the Client.",
        source="01 §4.3, §5.2",
        profile="cleartext",
        play=(
            Poke(b"\0\0\0\x23Hello Director conform-dir calling\n", open=True, within=4),
            Login("clear"),
            Login("tls", "tls"),
        ),
    ),
    Case(
        id="2.3.33",
        title="an old console in the clear",
        rule="A File daemon has no consoles: such a caller is not served.",
        source="01 §4.3",
        play=(Dial("clear"), Say(b"Hello conform-console calling\n"), Unserved(), Alive()),
    ),
)

_NAMED = tuple(
    Case(
        id=f"2.4.{number}",
        title=title,
        rule="Every Director of the configuration logs in with its name and password.",
        source="01 §5.3, §7.1",
        profile="special",
        play=(Dial(role), LoggedIn(), Say(b".status header"), HearText(Like(rb".* Version: .*"))),
    )
    for number, title, role in (
        (1, "a name with blanks, inside TLS", "spoken"),
        (2, "a name with blanks, in the clear", "spoken-clear"),
        (3, "a name of 127 bytes", "long"),
        (4, "a password given as its MD5", "hashed"),
        (5, "a password with letters above 127", "umlaut"),
        (6, "a Director that may only make backups", "restricted"),
        (7, "a monitor", "monitor"),
        (8, "a monitor in the clear", "quiet"),
        (9, "a second Director", "other"),
    )
)

_MONITOR = tuple(
    Case(
        id=f"2.4.{number}",
        title=f"a monitor says {title}",
        rule="A monitor may ask for status and nothing else: 2997, EOD, TERMINATE and the end.",
        source="01 §7.2; 02 §1.1; core/src/filed/dir_cmd.cc: process_director_commands",
        profile="special",
        play=(
            Login(role),
            Say(command),
            Hear(b"2997 Invalid command for a Director with Monitor directive enabled.\n", raw=True),
            Hear(Signal(-1), raw=True),
            Ends(terminate=True),
        ),
    )
    for number, title, role, command in (
        (10, "setdebug", "monitor", b"setdebug=0 trace=0 hangup=0\n"),
        (
            11,
            "a JobId command",
            "monitor",
            b"JobId=1 Job=x SDid=1 SDtime=1 Authorization=dummy ssl=4\n",
        ),
        (12, "cancel", "quiet", b"cancel Job=x\n"),
    )
)

_OUTBOUND = (
    Case(
        id="2.4.13",
        title="Connection From Director To Client = no",
        rule="A Director that must not call is refused with a text.",
        source="01 §7.2 (4)",
        profile="special",
        play=(
            Dial("outbound"),
            Say(b"Hello Director conform-out calling\n"),
            _refused(rb"Connection from Director conform-out rejected\.\n"),
            Alive(),
        ),
    ),
    Case(
        id="2.4.14",
        title="a monitor asks for status",
        rule="`status` of a monitor is answered like anybody's, and the session goes on.",
        source="01 §7.2",
        profile="special",
        play=(
            Login("monitor"),
            Say(b"status"),
            HearText(Like(rb".* Version: .*====\n.*")),
            Say(b".status running"),
            HearText(Like(rb".*")),
        ),
    ),
)

CHAPTER = Chapter(
    2,
    "Hello, authentication and TLS",
    (
        *_GOOD,
        *_GREETING,
        *_BAD,
        *_STRANGE,
        *_OTHERS,
        *_CLEAR,
        *_PLACES,
        *_NAMED,
        *_MONITOR,
        *_OUTBOUND,
        *cram.CASES,
        *cram_wrong.CASES,
        *tls.CASES,
        *tls_certificates.CASES,
        *logins.CASES,
        *passive.CASES,
    ),
)

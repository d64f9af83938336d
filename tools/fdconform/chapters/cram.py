"""Chapter 2, section 5: the CRAM-MD5 exchange as it should be, in all forms that peers have."""

from collections.abc import Callable

from fdconform.case import Case
from fdconform.expect import Like
from fdconform.proof import OK, Answer, Asked, Challenge, LoggedIn, Proved
from fdconform.stage import Stage
from fdconform.talk import Alive, Dial, Hear, HearText, Pause, Say
from fdconform.work import Observed

_EXCHANGE = "01 §6.1, §6.3; core/src/lib/cram_md5.cc"
_FORMS = "01 §6.2, §6.3; core/src/lib/cram_md5.cc: CramMd5Response"
_AGREED = Hear(OK, raw=True)

_ANSWERS = tuple(
    Case(
        id=f"2.5.{number}",
        title=title,
        rule="The daemon, which challenges first, takes the answer in either base64, with or without the NUL.",
        source=_EXCHANGE,
        play=(Dial(role), Asked(), answer, _AGREED, Challenge(), Proved()),
    )
    for number, title, role, answer in (
        (1, "an answer in Bareos base64", "tls", Answer()),
        (2, "an answer in standard base64", "tls", Answer("standard")),
        (3, "an answer in Bareos base64, in the clear", "clear", Answer()),
        (4, "an answer in standard base64, in the clear", "clear", Answer("standard")),
        (5, "an answer without NUL", "tls", Answer(tail=b"")),
        (6, "an answer without NUL in standard base64", "tls", Answer("standard", tail=b"")),
        (7, "an answer with bytes behind the NUL", "tls", Answer(tail=b"\0rubbish\n")),
    )
)

_POLICIES = tuple(
    Case(
        id=f"2.5.{number}",
        title=f"the daemon's challenge names policy {policy.decode()} to {title}",
        rule="ssl= of the daemon's challenge is the policy of the Director's resource.",
        source="01 §5.2, §5.6, §6.2",
        profile="special",
        play=(Dial(role, tls=True), Asked(policy=policy), Answer(), _AGREED, Challenge(), Proved()),
    )
    for number, title, role, policy in (
        (8, "a Director that must use TLS", "tls", b"2"),
        (9, "a Director that may use TLS", "optional", b"1"),
        (10, "a Director without TLS", "clear", b"0"),
    )
)

_CHALLENGES = tuple(
    Case(
        id=f"2.5.{number}",
        title=title,
        rule="A challenge `auth cram-md5 <R.T@NAME> ssl=N` is answered with 22 characters of Bareos base64 and a "
        "NUL, whatever follows the number; cram-md5c asks for standard base64.",
        source=_FORMS,
        play=(Dial("tls"), Asked(), Answer(), _AGREED, Challenge(packet, notation), Proved()),
    )
    for number, title, packet, notation in (
        (11, "ssl=2", b"auth cram-md5 <1804289383.1700000000@R_DIRECTOR::dir> ssl=2\n", "bareos"),
        (12, "ssl=4", b"auth cram-md5 <846930886.1700000000@R_DIRECTOR::dir> ssl=4\n", "bareos"),
        (13, "ssl=1", b"auth cram-md5 <1681692777.1700000000@R_DIRECTOR::dir> ssl=1\n", "bareos"),
        (14, "ssl=254", b"auth cram-md5 <1681692778.1700000000@R_DIRECTOR::dir> ssl=254\n", "bareos"),
        (15, "no ssl=", b"auth cram-md5 <1714636915.1700000000@R_DIRECTOR::dir>\n", "bareos"),
        (16, "no newline", b"auth cram-md5 <1714636916.1700000000@R_DIRECTOR::dir> ssl=2", "bareos"),
        (17, "cram-md5c", b"auth cram-md5c <1957747793.1700000000@R_DIRECTOR::dir> ssl=2\n", "standard"),
        (
            18,
            "a qualified name behind it",
            b"auth cram-md5 <424238335.1700000000@R_DIRECTOR::dir> ssl=2 qualified-name=R_DIRECTOR::dir\n",
            "bareos",
        ),
        (
            19,
            "a host name, as release 18.2 sends it",
            b"auth cram-md5 <719885386.1700000000@backup.example.org> ssl=2\n",
            "bareos",
        ),
        (
            20,
            "a random number of 64 bits",
            b"auth cram-md5 <18446744073709551615.1700000000@conform-dir> ssl=0\n",
            "bareos",
        ),
        (
            21,
            "the name of a Storage daemon",
            b"auth cram-md5 <1649760492.1700000000@R_STORAGE::sd> ssl=2\n",
            "bareos",
        ),
        (22, "a NUL at the end", b"auth cram-md5 <596516649.1700000000@R_DIRECTOR::dir> ssl=2\n\0", "bareos"),
        (23, "a bashed name", b"auth cram-md5 <1189641421.1700000000@File\x01daemon> ssl=2\n", "bareos"),
        (24, "numbers of one digit", b"auth cram-md5 <1.2@R_DIRECTOR::d> ssl=2\n", "bareos"),
        (
            25,
            "a name of 100 bytes",
            b"auth cram-md5 <1.2@R_DIRECTOR::%b> ssl=2\n" % (b"n" * 100),
            "bareos",
        ),
    )
)

_CLEAR_POLICIES = tuple(
    Case(
        id=f"2.5.{number}",
        title=f"ssl={policy.decode()} where all is in the clear",
        rule="Where the daemon's policy is None, a peer's 0 or 1 means no TLS.",
        source="01 §5.6; core/src/lib/tls_conf.cc: SelectTlsPolicy",
        play=(
            Dial("clear"),
            Asked(policy=b"0"),
            Answer(),
            _AGREED,
            Challenge(b"auth cram-md5 <1025202362.1700000000@R_DIRECTOR::dir> ssl=%b\n" % policy),
            Proved(),
            Say(b".status header"),
            HearText(Like(rb".* Version: .*")),
        ),
    )
    for number, policy in ((26, b"0"), (27, b"1"))
)


def _differ(first: str, second: str) -> Callable[[Stage], str]:
    def tell(stage: Stage) -> str:
        same = stage.names[first] == stage.names[second]
        return "two challenges at the same time are " + ("the same" if same else "different")

    return tell


CASES = (
    *_ANSWERS,
    *_POLICIES,
    *_CHALLENGES,
    *_CLEAR_POLICIES,
    Case(
        id="2.5.28",
        title="two challenges at the same time",
        rule="Every challenge should be another one; the C++ daemon repeats them within a second.",
        source="01 §6.2 (may do better)",
        informational=True,
        play=(
            Dial("tls", "one"),
            Dial("tls", "two"),
            Asked(on="one"),
            Answer(on="one", called="first"),
            Asked(on="two"),
            Answer(on="two", called="second"),
            Observed(_differ("first", "second")),
        ),
    ),
    Case(
        id="2.5.29",
        title="a Director that takes its time",
        rule="A Director has 180 s for its answer; one that needs seconds for each of its packets is let in.",
        source="01 §6.5",
        profile="refusing",
        play=(
            Dial("tls"),
            Pause(2),
            Asked(),
            Pause(7),
            Answer(),
            _AGREED,
            Pause(3),
            Challenge(),
            Pause(3),
            Proved(),
        ),
    ),
    Case(
        id="2.5.30",
        title="a login after a login",
        rule="A hello inside a session is no command.",
        source="02 §1.1",
        play=(
            Dial("tls"),
            LoggedIn(),
            Say(b"Hello Director conform-dir calling\n"),
            Hear(b"2999 Invalid command\n"),
            Alive(),
        ),
    ),
    Case(
        id="2.5.31",
        title="a login as python-bareos has it",
        rule="A caller that names no release, sends its answer without NUL and a long number with its "
        "plain name in its challenge is let in like a Director.",
        source="01 §6.6; python-bareos/bareos/bsock/lowlevel.py",
        play=(
            Dial("tls"),
            Asked(b"Hello Director conform-dir calling\n"),
            Answer(tail=b""),
            _AGREED,
            Challenge(b"auth cram-md5 <10123456789.1700000000@conform-dir> ssl=0\n"),
            Say(OK),
            Hear(Like(rb"2000 .*"), raw=True),
            Say(b".status header"),
            HearText(Like(rb".* Version: .*")),
        ),
    ),
)

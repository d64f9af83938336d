"""Chapter 4, sections 4 and 5: setdebug of all releases, and other console sessions."""

from fdconform.case import Case, Step
from fdconform.expect import Like, Signal
from fdconform.openings import CLEAR, GOES_ON, TERMINATED, asked
from fdconform.talk import Hear, HearText, Say, SaySignal

_STATUS = "02 §3; core/src/filed/status.cc"
_DEBUG = "02 §1.3 setdebug; core/src/filed/dir_cmd.cc: SetdebugCmd"


def _case(number: str, title: str, rule: str, source: str, *play: Step, profile: str = "status") -> Case:
    return Case(id=f"4.{number}", title=title, rule=rule, source=source, play=play, profile=profile)


_SETDEBUG = (
    (1, "of 54 and later", b"setdebug=0 trace=0 hangup=0 timestamp=0\n", rb"0 trace=0 hangup=0 timestamp=0"),
    (2, "unchanged", b"setdebug=0 trace=-1 hangup=-1 timestamp=-1\n", rb"0 trace=0 hangup=0 timestamp=0"),
    (3, "of releases up to 52", b"setdebug=0 trace=0 hangup=0\n", rb"0 trace=0 hangup=0"),
    (4, "of old releases", b"setdebug=0 trace=0\n", rb"0 trace=0 hangup=0"),
    (5, "without numbers", b"setdebug= trace= hangup= timestamp=\n", rb"0 trace=0 hangup=0 timestamp=0"),
    (
        6,
        "a level below 0",
        b"setdebug=-1 trace=0 hangup=0 timestamp=0\n",
        rb"-1 trace=0 hangup=0 timestamp=0",
    ),
)


def _debug(number: int, title: str, rule: str, *play: Step) -> Case:
    return _case(f"4.{number}", f"setdebug {title}", rule, _DEBUG, *play, profile="debug")


_DEBUGS = (
    *(
        _debug(
            number,
            title,
            "The number as sent, the state after it, and the name of the trace file; the loop goes on.",
            CLEAR,
            Say(text),
            Hear(Like(rb"2000 OK setdebug=" + said + rb" tracefile=/\S*/{client}\.trace\n"), raw=True),
            *GOES_ON,
        )
        for number, title, text, said in _SETDEBUG
    ),
    *(
        _debug(
            number,
            title,
            "2991 with the line as it came, and the session ends.",
            *(CLEAR, *asked(text, b"2991 Bad setdebug command: " + text + b"\n"), *TERMINATED),
        )
        for number, title, text in (
            (20, "with a word", b"setdebug=x\n"),
            (21, "in another order", b"setdebug=0 hangup=0 trace=0\n"),
        )
    ),
    Case(
        id="4.4.30",
        title="setdebug and the header",
        rule="The level shows in the header until it is changed back.",
        source=_DEBUG,
        profile="debug",
        alone=True,
        play=(
            CLEAR,
            Say(b"setdebug=7 trace=0 hangup=0 timestamp=0\n"),
            Hear(Like(rb"2000 OK setdebug=7 trace=0 hangup=0 timestamp=0 tracefile=.*\n"), raw=True),
            Say(b".status header"),
            HearText(Like(rb".* debug=7 trace=0 .*")),
            Say(b"setdebug=0 trace=0 hangup=0 timestamp=0\n"),
            Hear(Like(rb"2000 OK setdebug=0 .*\n"), raw=True),
            Say(b".status header"),
            HearText(Like(rb".* debug=0 trace=0 .*")),
        ),
    ),
    Case(
        id="4.4.31",
        title="setdebug: trace and timestamps on and off",
        rule="A value below 0 leaves what was set before.",
        source=_DEBUG,
        profile="debug",
        alone=True,
        play=(
            CLEAR,
            Say(b"setdebug=0 trace=1 hangup=0 timestamp=1\n"),
            Hear(Like(rb"2000 OK setdebug=0 trace=1 hangup=0 timestamp=1 tracefile=.*\n"), raw=True),
            Say(b"setdebug=0 trace=-1 hangup=-1 timestamp=-1\n"),
            Hear(Like(rb"2000 OK setdebug=0 trace=1 hangup=0 timestamp=1 tracefile=.*\n"), raw=True),
            Say(b"setdebug=0 trace=0 hangup=0 timestamp=0\n"),
            Hear(Like(rb"2000 OK setdebug=0 trace=0 hangup=0 timestamp=0 tracefile=.*\n"), raw=True),
        ),
    ),
    Case(
        id="4.4.32",
        title="setdebug: hangup is a yes or no",
        rule="Any hangup but 0 is answered with 1 (the number itself would be better still: NON-STRICT).",
        source=_DEBUG,
        profile="debug",
        alone=True,
        play=(
            CLEAR,
            Say(b"setdebug=0 trace=0 hangup=5 timestamp=0\n"),
            Hear(
                Like(rb"2000 OK setdebug=0 trace=0 hangup=1 timestamp=0 tracefile=.*\n"),
                lenient=(Like(rb"2000 OK setdebug=0 trace=0 hangup=5 timestamp=0 tracefile=.*\n"),),
                raw=True,
            ),
            Say(b"setdebug=0 trace=0 hangup=0 timestamp=0\n"),
            Hear(Like(rb"2000 OK setdebug=0 trace=0 hangup=0 timestamp=0 tracefile=.*\n"), raw=True),
        ),
    ),
)

_CANCELS = (
    (1, "an unknown job", b"cancel Job=nobody\n", b"2901 Job nobody not found.\n"),
    (2, "no name", b"cancel Job=\n", b"2901 Job  not found.\n"),
    (3, "a malformed line", b"cancel nobody\n", b"2902 Error scanning cancel command.\n"),
    (4, "the word alone", b"cancel", b"2902 Error scanning cancel command.\n"),
)

CASES = (
    *_DEBUGS,
    *(
        _case(
            f"5.{number}",
            f"cancel: {title}",
            "The answer, EOD, and the loop goes on, also after a line that does not scan.",
            "02 §1.3 cancel; core/src/filed/dir_cmd.cc: CancelCmd",
            *(CLEAR, *asked(text, answer, Signal(-1)), *GOES_ON),
        )
        for number, title, text, answer in _CANCELS
    ),
    _case(
        "5.5",
        "many questions in one session",
        "A session may ask as much as it likes.",
        _STATUS,
        CLEAR,
        *(
            step
            for _ in range(20)
            for step in (Say(b".status current"), HearText(Like(rb"2000 OK \.status\n.*")))
        ),
        *GOES_ON,
    ),
    _case(
        "5.6",
        "a console session ends",
        "A session without a job ends without an End Job line.",
        f"{_STATUS}; 02 §2.8",
        CLEAR,
        Say(b"status"),
        HearText(Like(rb".*")),
        SaySignal(-1),
        *TERMINATED,
    ),
)

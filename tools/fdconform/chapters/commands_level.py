"""Chapter 3, section 3: the level words of all releases, the since line and the comparison of clocks."""

from fdconform.case import Case, Need, Step
from fdconform.dialogue import fileset, lines
from fdconform.ending import Clocks
from fdconform.expect import Like, Signal
from fdconform.openings import CLEAR, CREATED, FATAL, GOES_ON, TERMINATED, asked, job, said_then
from fdconform.talk import Ends, Hear, Say, SaySignal
from fdconform.trees import File, Tree
from fdconform.work import Said

_LEVEL = "02 §1.3 level; core/src/filed/dir_cmd.cc: LevelCmd"
_OK = b"2000 OK level\n"
_SINCE = b"level = since_utime 1700000000 mtime_only=0 prev_job=earlier\n"

_AT_ONCE = (
    (1, "full", b"level = full  mtime_only=0 \n"),
    (2, "base", b"level = base  mtime_only=0 \n"),
    (3, "full, rerunning", b"level = full rerunning  mtime_only=0 \n"),
    (4, "full without the rest", b"level = full\n"),
    (5, "full without a newline", b"level = full"),
)
_WITH_SINCE = (
    (10, "incremental", b"level = incremental  mtime_only=0 \n"),
    (11, "differential", b"level = differential  mtime_only=0 \n"),
    (12, "accurate_incremental", b"level = accurate_incremental  mtime_only=0 \n"),
    (13, "accurate_differential", b"level = accurate_differential  mtime_only=0 \n"),
)
_SINCE_FORMS = (
    (15, "without a previous job", b"level = since_utime 1700000000 mtime_only=0 prev_job=\n"),
    (16, "of two fields", b"level = since_utime 1700000000 mtime_only=1\n"),
    (18, "with a time after 2038", b"level = since_utime 5000000000 mtime_only=0 prev_job=x\n"),
)
_UNKNOWN = (
    (20, "another word", b"level = everything  mtime_only=0 \n"),
    (21, "no word", b"level = \n"),
    (22, "a word that only begins like one", b"level = fullish  mtime_only=0 \n"),
    (23, "capitals", b"level = Full  mtime_only=0 \n"),
    (24, "1500 bytes", b"level = " + b"x" * 1500 + b"\n"),
)
_BAD_SINCE = (
    (30, "nothing behind the word", b"level = since_utime\n"),
    (17, "no time", b"level = since_utime  mtime_only=0 prev_job=\n"),
    (31, "another name for the second field", b"level = since_utime 1700000000 mtime=0 prev_job=\n"),
)
_BAD_CLOCKS: tuple[tuple[int, str, Step], ...] = (
    (40, "another packet", Say(b"clock 5\n")),
    (41, "an empty packet", Say(b"")),
    (42, "EOD", SaySignal(-1)),
    (43, "a heartbeat", SaySignal(-6)),
    (44, "the next command", Say(b"fileset\n")),
)
_DIFFER = rb"DIR and FD clocks differ by -?%b seconds, FD automatically compensating\.\n"


def _case(number: int, title: str, rule: str, *play: Step, source: str = _LEVEL) -> Case:
    return Case(id=f"3.3.{number}", title=f"level: {title}", rule=rule, source=source, play=play)


def _differ(seconds: bytes, kind: bytes) -> Like:
    return Like(rb"Jmsg Job={job} type=" + kind + rb" level=\d+ .*" + _DIFFER % seconds)


CASES = (
    *(
        _case(number, title, "Full and base are answered at once.", *job(), *asked(text, _OK), *GOES_ON)
        for number, title, text in _AT_ONCE
    ),
    *(
        _case(
            number,
            title,
            "The word is not answered; the since line is, after ten BTIME questions and EOD.",
            *(*job(), Say(text), Say(_SINCE), Clocks(), *GOES_ON),
            source=f"{_LEVEL}; 02 §2.2",
        )
        for number, title, text in _WITH_SINCE
    ),
    _case(
        14,
        "since_utime alone",
        "The since line needs no level before it.",
        *(*job(), Say(_SINCE), Clocks(), *GOES_ON),
    ),
    *(
        _case(
            number,
            f"since line {title}",
            "The previous job may be empty or missing.",
            *(*job(), Say(b"level = incremental  mtime_only=0 \n"), Say(text), Clocks(), *GOES_ON),
        )
        for number, title, text in _SINCE_FORMS
    ),
    *(
        _case(
            number,
            f"{title} in the place of a known word",
            "FATAL Unknown backup level, no reply, and the session ends.",
            *(*job(), Say(text), *FATAL, Said(rb".*Unknown backup level: .*", type=3)),
        )
        for number, title, text in _UNKNOWN
    ),
    *(
        _case(
            number,
            f"since line with {title}",
            "FATAL Bad level command, no reply, no question for the clock, and the session ends.",
            *(*job(), Say(text), *FATAL, Said(rb".*Bad level command: .*", type=3)),
        )
        for number, title, text in _BAD_SINCE
    ),
    _case(
        32,
        "unknown word without a job",
        "Without a job the message is bare text, and there is no End Job line.",
        *(CLEAR, *asked(b"level = odd  \n", said_then(rb"Unknown backup level: odd\n")), *TERMINATED),
        source=f"{_LEVEL}; 02 §0.5",
    ),
    *(
        _case(
            number,
            f"{title} as the answer to BTIME",
            "Anything but a btime packet fails the comparison: FATAL Bad level command, no reply.",
            *(*job(), Say(_SINCE), Hear(Signal(-9), raw=True), answer),
            *(*FATAL, Said(rb".*Bad level command: .*", type=3)),
        )
        for number, title, answer in _BAD_CLOCKS
    ),
    _case(
        45,
        "the Director leaves amid the questions",
        "The comparison fails, and after TERMINATE of the Director nothing comes back.",
        *(*job(), Say(_SINCE), Hear(Signal(-9), raw=True), SaySignal(-4)),
        Ends(terminate=False),
    ),
    _case(
        50,
        "clocks 2 s apart",
        "Up to 3 seconds of difference are not worth a message.",
        *(*job(), Say(_SINCE), Clocks(2.0)),
    ),
    _case(
        51,
        "clocks 100 s apart",
        "More than 3 seconds: an INFO message before the EOD.",
        *(*job(), Say(_SINCE), Clocks(-100.0, _differ(rb"(99|100|101)", b"6"))),
    ),
    _case(
        52,
        "clocks 1000 s apart",
        "More than 600 seconds: a WARNING before the EOD.",
        *(*job(), Say(_SINCE), Clocks(-1000.0, _differ(rb"(999|1000|1001)", b"5"))),
    ),
    _case(
        53,
        "clocks apart, without a job",
        "Without a job the message about the clocks is bare text, before the EOD.",
        *(CLEAR, Say(_SINCE), Clocks(5000.0, Like(rb"(?:\S+:\d+ )?" + _DIFFER % rb"(4999|5000|5001)"))),
        source=f"{_LEVEL}; 02 §0.5",
    ),
    Case(
        id="3.3.54",
        title="level: the compensated time decides",
        rule="The since time is shifted by the difference: a file changed after it by both clocks is counted.",
        source=_LEVEL,
        needs=frozenset({Need.FILES}),
        play=(
            Tree((File(b"new", b"1234"),)),
            *job(),
            Say(b"level = incremental  mtime_only=1 \n"),
            Say(b"level = since_utime 1700000500 mtime_only=1 prev_job=x\n"),
            Clocks(1000.0, _differ(rb"(999|1000|1001)", b"5")),
            *fileset(lines(b"m")),
            Say(b"estimate listing=0\n"),
            Hear(b"2000 OK estimate files=2 bytes=4\n"),
        ),
    ),
    Case(
        id="3.3.55",
        title="level: the time decides",
        rule="A file and folder older than the since time are not counted when only mtime is looked at.",
        source=f"{_LEVEL}; 03 §4",
        needs=frozenset({Need.FILES}),
        play=(
            Tree((File(b"old", b"1234"),)),
            *job(),
            Say(b"level = incremental  mtime_only=0 \n"),
            Say(b"level = since_utime 1700000500 mtime_only=0 prev_job=x\n"),
            Clocks(),
            *fileset(lines(b"m")),
            Say(b"estimate listing=0\n"),
            Hear(b"2000 OK estimate files=0 bytes=0\n"),
        ),
    ),
    _case(
        60,
        "twice",
        "A second level takes the place of the first.",
        *(*job(), *asked(_AT_ONCE[0][2], _OK), *asked(_AT_ONCE[1][2], _OK), SaySignal(-1), *CREATED),
    ),
    _case(
        61,
        "without a since line",
        "An incremental level without its since line leaves the loop as it is.",
        *(*job(), Say(b"level = incremental  mtime_only=0 \n"), *GOES_ON),
    ),
)

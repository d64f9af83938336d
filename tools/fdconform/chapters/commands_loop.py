"""Chapter 3, sections 1 and 2: which command a packet is, what ends the loop, and `JobId=`."""

from fdconform.case import Case, Step
from fdconform.dialogue import OK_JOB
from fdconform.expect import CLOSED, QUIET, Like, Signal
from fdconform.openings import CLEAR, CREATED, FATAL, GOES_ON, TERMINATED, asked, job, said_then
from fdconform.talk import Alive, Ends, Hear, HearText, Login, Say, SayRaw, SaySignal
from fdpeers.link import packet

UNKNOWN = b"2999 Invalid command\n"
MONITORED = b"2997 Invalid command for a Director with Monitor directive enabled.\n"
_DISPATCH = "02 §1.1; core/src/filed/dir_cmd.cc: SelectCommandByName"
_SCAN = "02 §0.3; core/src/lib/scan.cc: bsscanf"

_NOT_COMMANDS = (
    (1, "empty packet", b""),
    (2, "restore without its blank", b"restore\n"),
    (3, "level without its blank", b"level=full\n"),
    (4, "storage without its blank", b"storage\n"),
    (5, "resolve without its blank", b"resolve\n"),
    (6, "a command in other case", b"Backup FileIndex=0\n"),
    (7, "a blank before the command", b" status"),
    (8, "only the start of a command", b"verif"),
    (9, "a command after a NUL", b"\0status"),
    (10, "the end of a tray monitor", b"quit"),
    (11, "binary bytes", bytes(range(128, 256))),
    (12, "900,000 bytes", b"x" * 900_000),
)
_SIGNALS = (
    *((30, "EOD", -1), (31, "POLL", -5), (32, "STATUS", -3), (33, "HEARTBEAT", -6), (34, "BTIME", -9)),
    (35, "an unknown signal", -77),
)

_MONITOR = (
    (50, "JobId=", b"JobId=1 Job=x SDid=0 SDtime=0 Authorization=dummy\n"),
    (51, "cancel", b"cancel Job=x\n"),
    (52, "setdebug", b"setdebug=1 trace=0 hangup=0\n"),
    (53, "resolve", b"resolve localhost"),
    (54, "a malformed restore", b"restore nothing"),
)


def _case(number: int, title: str, rule: str, source: str, *play: Step) -> Case:
    return Case(id=f"3.1.{number}", title=title, rule=rule, source=source, play=play)


_LOOP = (
    *(
        _case(
            number,
            f"not a command: {title}",
            "What no command is a prefix of is answered with 2999, and the session ends without EOD.",
            _DISPATCH,
            *(CLEAR, *asked(text, UNKNOWN), *TERMINATED),
        )
        for number, title, text in _NOT_COMMANDS
    ),
    _case(
        20,
        "no word boundary",
        "A command is recognized by its first letters: getSecureEraseCmdXYZ is getSecureEraseCmd.",
        _DISPATCH,
        *(CLEAR, *asked(b"getSecureEraseCmdXYZ\n", b"2000 OK FDSecureEraseCmd *None*\n"), *GOES_ON),
    ),
    _case(
        21,
        "no newline, trailing junk",
        "Input left over after the format has matched is ignored, and so is a missing newline.",
        _SCAN,
        CLEAR,
        *asked(b"setbandwidth=0 Job=", b"2000 OK Bandwidth\n"),
        *asked(b"setauthorization Authorization=K more words\r\n", b"2000 OK Authorization\n"),
        *GOES_ON,
    ),
    _case(
        22,
        "a NUL ends the command",
        "A command is a C string: it ends at its first NUL byte.",
        _SCAN,
        *(CLEAR, *asked(b"setbandwidth=7\0 Job=x\n", Like(rb"2991 Bad setbandwidth command: .*"))),
        *TERMINATED,
    ),
    _case(
        23,
        "a negative bandwidth that has wrapped",
        "Numbers wrap in their width: 2**64 - 1 read as a signed 64 bit number is -1, which is refused.",
        _SCAN,
        *(CLEAR, *asked(b"setbandwidth=18446744073709551615 Job=x\n", Like(rb"2991 .*"), Signal(-4))),
    ),
    _case(
        24,
        "two commands in one packet",
        "One packet is one command; what follows its newline is ignored.",
        _DISPATCH,
        *(CLEAR, *asked(b"getSecureEraseCmd\nquit\n", b"2000 OK FDSecureEraseCmd *None*\n")),
        *GOES_ON,
    ),
    _case(
        25,
        "three commands at once",
        "Commands may come before the answers to the earlier ones; each is answered, in order.",
        "02 §1.1; 01 §1.1",
        CLEAR,
        SayRaw(packet(b"getSecureEraseCmd\n") + packet(b".status current") + packet(b"quit")),
        Hear(b"2000 OK FDSecureEraseCmd *None*\n", raw=True),
        HearText(Like(rb"2000 OK \.status\n.*")),
        Hear(UNKNOWN, raw=True),
    ),
    *(
        _case(
            number,
            f"{title} in the place of a command",
            "Any signal ends the command loop; with no job only TERMINATE comes back.",
            "02 §0.2, §1.1; core/src/filed/dir_cmd.cc: process_director_commands",
            CLEAR,
            SaySignal(signal),
            *TERMINATED,
        )
        for number, title, signal in _SIGNALS
    ),
    _case(
        36,
        "a signal when there is a job",
        "A signal during the orders ends the job as it stands: created, TermCode 67.",
        "02 §4.2",
        *(*job(), SaySignal(-1), *CREATED),
    ),
    _case(
        37,
        "TERMINATE when there is a job",
        "After TERMINATE of the Director nothing is sent: no End Job line, no TERMINATE.",
        "02 §0.2, §4.2",
        *(*job(), SaySignal(-4), Ends(terminate=False)),
    ),
    _case(
        38,
        "an unknown command when there is a job",
        "2999, then the End Job line with the status as it stands.",
        "02 §4.2",
        *(*job(), *asked(b"flood\n", UNKNOWN), *CREATED),
    ),
    _case(
        39,
        "a header announced, the rest missing",
        "A connection that ends inside a packet ends the session; the daemon goes on.",
        "01 §1.2; 02 §1.1",
        *(CLEAR, SayRaw(b"\0\0\0\x10stat"), SayRaw(b""), Hear(QUIET, within=0.3), Alive()),
    ),
    *(
        _case(
            number,
            f"a Monitor Director says {title}",
            "A Monitor Director may ask for the status only: 2997, EOD, and the session ends.",
            _DISPATCH,
            *(Login("monitor"), *asked(text, MONITORED, Signal(-1)), *TERMINATED),
        )
        for number, title, text in _MONITOR
    ),
    _case(
        55,
        "a Monitor Director says nonsense",
        "Unknown commands are unknown to everybody: 2999.",
        _DISPATCH,
        *(Login("monitor"), *asked(b"quit", UNKNOWN), *TERMINATED),
    ),
    _case(
        56,
        "a Monitor Director asks three times",
        "A Monitor Director may ask for status and .status as often as it likes.",
        _DISPATCH,
        Login("monitor"),
        *asked(b".status current", b"2000 OK .status\n"),
        Hear(Signal(-1)),
        *asked(b"status", b"\n"),
        Hear(Signal(-1)),
        *asked(b".status last", b"2000 OK .status\n"),
    ),
)

_JOB = "02 §1.3 JobId=; core/src/filed/evaluate_job_command.cc: JobCommand"
_BAD_JOB = said_then(rb"Bad Job Command: .*")

_GOOD_JOBS = (
    (1, "with ssl", b"JobId=5 Job={job} SDid=1 SDtime=2 Authorization=K ssl=4\n"),
    (2, "without ssl", b"JobId=5 Job={job} SDid=1 SDtime=2 Authorization=K\n"),
    (3, "no newline", b"JobId=5 Job={job} SDid=1 SDtime=2 Authorization=K"),
    (4, "a policy that is none", b"JobId=5 Job={job} SDid=1 SDtime=2 Authorization=K ssl=254\n"),
    (5, "an empty key", b"JobId=5 Job={job} SDid=1 SDtime=2 Authorization=\n"),
    (6, "a name of 127 bytes", b"JobId=5 Job=" + b"n" * 127 + b" SDid=1 SDtime=2 Authorization=K\n"),
    (7, "a key of 100 bytes", b"JobId=5 Job={job} SDid=1 SDtime=2 Authorization=" + b"k" * 100 + b" ssl=0\n"),
    (8, "numbers of 32 bit", b"JobId=5 Job={job} SDid=4294967295 SDtime=4294967295 Authorization=K\n"),
)
_BAD_JOBS = (
    (20, "truncated", b"JobId=5 Job="),
    (21, "another order", b"JobId=5 SDid=1 SDtime=2 Job=x Authorization=K\n"),
    (22, "nothing", b"JobId=\n"),
    (23, "a name of 128 bytes", b"JobId=5 Job=" + b"n" * 128 + b" SDid=1 SDtime=2 Authorization=K\n"),
    (24, "a blank in the name", b"JobId=5 Job=a b SDid=1 SDtime=2 Authorization=K\n"),
    (25, "a sign before the session id", b"JobId=5 Job=x SDid=-1 SDtime=2 Authorization=K\n"),
)

_JOBS = (
    *(
        Case(
            id=f"3.2.{number}",
            title=f"JobId=: {title}",
            rule="The job is taken: 2000 OK Job, version, platform, without a newline; the loop goes on.",
            source=_JOB,
            play=(CLEAR, *asked(text, Like(rb"2000 OK Job \S+ \(\w+\) [^\n]*,[^\n,]*")), *GOES_ON),
        )
        for number, title, text in _GOOD_JOBS
    ),
    *(
        Case(
            id=f"3.2.{number}",
            title=f"JobId=: {title}",
            rule="A line that does not scan is a fatal bare text, 2901 Bad Job, and the end without an End Job line.",
            source=_JOB,
            play=(CLEAR, *asked(text, _BAD_JOB, b"2901 Bad Job\n"), *TERMINATED),
        )
        for number, title, text in _BAD_JOBS
    ),
    Case(
        id="3.2.30",
        title="JobId=: no digits",
        rule="Missing digits are 0: the line is accepted as job 0, which ends without an End Job line.",
        source=f"{_JOB}; {_SCAN}",
        play=(
            *(CLEAR, *asked(b"JobId= Job=a SDid= SDtime= Authorization=\n", OK_JOB)),
            *(SaySignal(-1), *TERMINATED),
        ),
    ),
    Case(
        id="3.2.31",
        title="JobId=: twice",
        rule="A second JobId= is taken as the first one was.",
        source=_JOB,
        play=(*job(), *job()[1:], *GOES_ON),
    ),
    Case(
        id="3.2.32",
        title="JobId=: a malformed one after a good one",
        rule="Now there is a job: a fatal job message, 2901, the End Job line with TermCode 102.",
        source=f"{_JOB}; 02 §4.2",
        play=(*job(), Say(b"JobId=x\n"), Hear(b"2901 Bad Job\n"), *FATAL),
    ),
    Case(
        id="3.2.33",
        title="JobId=: the rest of the connection is closed",
        rule="A Director that closes after the answer gets nothing more, and the daemon goes on.",
        source="02 §4.2",
        play=(*job(), SaySignal(-4), Hear(CLOSED, raw=True), Alive()),
    ),
)

CASES = (*_LOOP, *_JOBS)

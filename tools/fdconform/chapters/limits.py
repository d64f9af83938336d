"""Chapter 9: limits, heartbeats and time. Here: heartbeats, speed, time; crowds and lengths have rooms of their own."""

from fdconform.case import Case, Chapter, Need, Step
from fdconform.chapters import limits_crowds, limits_lengths
from fdconform.dialogue import Steps, backup, backup_orders, erase, introduce, lines, storage
from fdconform.expect import Like, Signal
from fdconform.pressing import Beats, ClockOff, Takes, Timely
from fdconform.talk import Hear, Login, Say, Together
from fdconform.trees import File, Tree
from fdconform.work import Announce, EndJob, Said, Unsaid
from fdpeers.faults import Act, Fault
from fdpeers.faults import Step as SdStep

_FILES = frozenset({Need.FILES})
_BEATS = "01 §3.3; core/src/filed/heartbeat.cc; core/src/filed/backup.cc: BlastDataToStorageDaemon"
_ROWS = lines(b"M")
_LARGE = Tree((File(b"large", holes=48 << 20),))
_STALLED = Fault(SdStep.DATA, Act.STALL, after=100_000)
_PULSE = b"\xff\xff\xff\xfa\xff\xff\xff\xf9\xff\xff\xff\xfa"
_PULSES = tuple(
    Fault(step, Act.SEND, _PULSE)
    for step in (
        SdStep.APPEND_OPEN,
        SdStep.APPEND_DATA,
        SdStep.DATA,
        SdStep.DATA_END,
        SdStep.APPEND_END,
        SdStep.APPEND_CLOSE,
        SdStep.READ_OPEN,
        SdStep.READ_DATA,
        SdStep.RECORDS_END,
        SdStep.READ_CLOSE,
    )
)
_RESTORE = (
    Login("tls"),
    *introduce(),
    *erase(),
    *storage(key=True),
    Say(b"restore replace=a prelinks=0 where={where}\n"),
    Hear(b"2000 OK restore\n"),
)

_SWALLOWED = (
    "Heartbeats and their responses from the Storage daemon are swallowed everywhere and not answered."
)
_SILENT = "01 §3.2 (a), §3.3"
_STANDSTILL: Steps = (_LARGE, Announce((_STALLED,), keep=False), *backup(_ROWS))

_HEARTBEATS = (
    Case(
        id="9.1.1",
        title="a backup whose Storage daemon has stopped reading",
        rule="With a Heartbeat Interval of 1 s heartbeats go to the Director, at least every 5 s while files are sent.",
        source=_BEATS,
        profile="heartbeat",
        needs=_FILES,
        play=(*_STANDSTILL, Beats(2, 14)),
    ),
    Case(
        id="9.1.2",
        title="a restore whose Storage daemon is silent",
        rule="With a Heartbeat Interval of 1 s heartbeats go to the Director every second.",
        source="01 §3.3; core/src/filed/dir_cmd.cc: RestoreCmd",
        profile="heartbeat",
        needs=_FILES,
        play=(
            Announce((Fault(SdStep.RECORDS_END, Act.STALL),), restore=lambda stage: []),
            *_RESTORE,
            Beats(3, 8),
        ),
    ),
    Case(
        id="9.1.3",
        title="no heartbeats without an interval",
        rule="Without a Heartbeat Interval no heartbeat is sent, however long a job takes.",
        source=_BEATS,
        needs=_FILES,
        play=(*_STANDSTILL, Beats(0, 7)),
    ),
    Case(
        id="9.1.4",
        title="no heartbeats outside jobs",
        rule="A Director that is not in a running job would take a heartbeat for the end of an answer: none is sent.",
        source="01 §3.3; 02 §0.2 (consequence a)",
        profile="heartbeat",
        play=(Login("tls"), *introduce(), Beats(0, 7)),
    ),
    *(
        Case(
            id=f"9.1.{number}",
            title=f"heartbeats of the Storage daemon in a backup, {profile}",
            rule=_SWALLOWED,
            source=_SILENT,
            profile=profile,
            needs=_FILES,
            play=(
                Tree((File(b"a", b"hello" * 1000), File(b"b", b"x"))),
                Announce(_PULSES),
                *backup(_ROWS),
                EndJob("T", files=3, errors=0),
                Unsaid(),
            ),
        )
        for number, profile in ((5, "plain"), (6, "heartbeat"))
    ),
    Case(
        id="9.1.7",
        title="heartbeats of the Storage daemon in a restore",
        rule=_SWALLOWED,
        source=_SILENT,
        needs=_FILES,
        play=(
            Announce(_PULSES, restore=lambda stage: []),
            *_RESTORE,
            Hear(b"2000 OK storage end\n", within=20),
            Say(b"endrestore"),
            EndJob("T", files=0, errors=0),
        ),
    ),
)

_SPEED = "01 §11.5; core/src/lib/bsock.cc: ControlBwlimit"
_MEGABYTES = Tree(tuple(File(b"f%d" % number, holes=1 << 20) for number in range(4)))
_START = (Say(b"backup FileIndex=0\n"), Hear(b"2000 OK backup\n"))


_SAVED = EndJob("T", files=5, errors=0)


def _limit(rate: int, on: str = "dir") -> tuple[Say, Hear]:
    return Say(b"setbandwidth=%d Job={job}\n" % rate, on), Hear(b"2000 OK Bandwidth\n", on=on)


def _speed(number: int, title: str, rule: str, *play: Step, rate: int, connected: bool = True) -> Case:
    """A backup of 4 MiB, limited before or after the daemon is connected to the Storage daemon."""
    orders = backup_orders(_ROWS)
    at = len(orders) - (0 if connected else len(storage()))
    return Case(
        id=f"9.2.{number}",
        title=title,
        rule=rule,
        source=_SPEED,
        needs=_FILES,
        play=(_MEGABYTES, Announce(keep=False), *orders[:at], *_limit(rate), *orders[at:], *play),
    )


def _takes(least: float, most: float) -> Takes:
    return Takes((*_START, _SAVED), least, most)


_SPEEDS = (
    _speed(
        1,
        "a job with a limit of 1.5 MB/s",
        "setbandwidth limits the bytes a second of the connection to the Storage daemon: 4 MiB take about 3 s.",
        _takes(1.8, 9),
        rate=1_500_000,
        connected=False,
    ),
    _speed(
        2,
        "a limit that is set for a connected job",
        "The limit of a job that is connected already changes at once.",
        _takes(1.8, 9),
        rate=1_500_000,
    ),
    _speed(
        3,
        "a limit that is taken away while the job runs",
        "setbandwidth=0 from another session frees a running job, which would take 40 s, at once.",
        *_START,
        Login("tls", "other"),
        *_limit(0, on="other"),
        Takes((_SAVED,), 0, 6),
        rate=100_000,
    ),
    _speed(4, "no limit", "Without a limit nothing is delayed.", _takes(0, 4), rate=0),
    _speed(
        5,
        "a limit delays nobody else",
        "Limits belong to one job: another one goes on at full speed, and commands are answered.",
        *_START,
        Takes(
            (
                Together(
                    tuple(
                        (
                            Login("tls", name),
                            Say(b"getSecureEraseCmd\n", on=name),
                            Hear(Like(rb"2000 OK .*"), on=name),
                        )
                        for name in ("one", "two", "three")
                    )
                ),
            ),
            0,
            3,
        ),
        _SAVED,
        rate=1_000_000,
    ),
)


def _since(seconds: float) -> Steps:
    return (
        Login("tls"),
        ClockOff(seconds),
        *introduce(),
        Say(b"level = incremental  mtime_only=0 \n"),
        Say(b"level = since_utime 1700000000 mtime_only=0 prev_job=earlier\n"),
        Hear(Signal(-1)),
        Hear(b"2000 OK level\n"),
    )


_DIFFER = rb".*DIR and FD clocks differ by %b seconds, FD automatically compensating\.\n"
_CLOCK = "02 §1.3 (clock sync); core/src/filed/dir_cmd.cc: LevelCmd"

_TIME = (
    *(
        Case(
            id=f"9.3.{number}",
            title=title,
            rule="A difference of the clocks of more than 3 s is told the Director, from 600 s as a warning.",
            source=_CLOCK,
            play=(*_since(seconds), Said(_DIFFER % told, type=type_, times=1)),
        )
        for number, title, seconds, told, type_ in (
            (1, "a Director that is two hours ahead", 7200, rb"-(7199|720[01])", 5),
            (2, "a Director that is two hours behind", -7200, rb"(7199|720[01])", 5),
            (3, "a Director that is a minute ahead", 60, rb"-(59|6[01])", 6),
        )
    ),
    Case(
        id="9.3.4",
        title="clocks that agree",
        rule="A difference of up to 3 s is not told.",
        source=_CLOCK,
        play=(*_since(1), Unsaid(rb".*clocks differ.*", types=(4, 5, 6))),
    ),
    Case(
        id="9.3.5",
        title="the time of job messages",
        rule="A job message carries the time of the daemon's clock in seconds.",
        source="01 §9.1",
        needs=_FILES,
        play=(
            Tree((File(b"a", b"hello"),)),
            Announce(),
            *backup(_ROWS),
            EndJob("T", files=2, errors=0),
            Timely(),
        ),
    ),
)

CHAPTER = Chapter(
    9,
    "Limits, heartbeats and time",
    (*_HEARTBEATS, *_SPEEDS, *_TIME, *limits_crowds.CASES, *limits_lengths.CASES),
)

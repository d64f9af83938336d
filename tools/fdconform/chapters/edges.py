"""Chapter 10: edges of the charts that no other chapter reaches: attaching, leaving, stopping, calling the Director."""

from fdconform.calling import StopCaller, Summon, TakeCall
from fdconform.case import Case, Chapter, Need, Step
from fdconform.chapters.fault_plays import reading, records, restoring
from fdconform.dialogue import backup, backup_orders, cancel, fileset, introduce, lines, storage
from fdconform.ending import CanceledEnd
from fdconform.expect import QUIET, Like, Signal
from fdconform.meanwhile import CallClient
from fdconform.openings import job, script
from fdconform.stopping import AllEnd, Exits, Stop
from fdconform.talk import Alive, HangUp, Hear, HearText, Login, Pause, Say
from fdconform.trees import File, Tree
from fdconform.work import Announce, EndJob, Until
from fdpeers.faults import Act, Fault
from fdpeers.faults import Step as At
from fdpeers.link import packet

_PASSIVE = "02 §6.1 C46; 01 §8.2"
_SINCE = Say(b"level = since_utime 1700000000 mtime_only=0 prev_job=\n")
_OBJECT = Say(b"restoreobject JobId=4 5,5,1,26,0,7,p\n")
_USR = lines(b"M", *(b"/usr",) * 20)
_SLOW = b"/bin/sleep 2"
_TREE = Tree((File(b"a", b"hello" * 1000),))


def _attached(number: int, title: str, before: tuple[Step, ...], after: tuple[Step, ...]) -> Case:
    return Case(
        id=f"10.1.{number}",
        title=f"a Storage daemon calls {title}",
        rule="Once the job is named its Storage daemon may call at any time, and is let in.",
        source=_PASSIVE,
        play=(Announce(), *job("tls"), *before, CallClient(), *after, Alive()),
    )


_LEAVE: tuple[Step, ...] = (HangUp(terminate=True),)
_CANCELED: tuple[Step, ...] = (
    *cancel(),
    CanceledEnd(within=12.0, waits=True, through=(Like(rb"2\d\d\d .*"), Signal(-1))),
)

_ATTACHED = (
    _attached(1, "between commands", (), _LEAVE),
    _attached(2, "amid the questions for the clock", (_SINCE, Hear(Signal(-9), raw=True)), _LEAVE),
    _attached(3, "amid the file set", (Say(b"fileset\n"), Say(b"I\n")), _LEAVE),
    _attached(4, "amid the accurate list", (Say(b"accurate files=2\n"), Say(b"/a\0P\0\x000")), _LEAVE),
    _attached(5, "amid a bootstrap", (Say(b"bootstrap\n"), Say(b"Volume=x\n")), _LEAVE),
    _attached(6, "before the name of a restore object", (_OBJECT,), _LEAVE),
    _attached(7, "before the bytes of a restore object", (_OBJECT, Say(b"name\n")), _LEAVE),
    _attached(
        8,
        "while a script runs",
        (*script(b"/bin/sleep 1"), Say(b"RunBeforeNow\n")),
        (Hear(b"2000 OK RunBeforeNow\n"), *_LEAVE),
    ),
    _attached(9, "during an estimate", (*fileset(_USR), Say(b"estimate listing=0\n"), Pause(0.2)), _CANCELED),
    _attached(
        10,
        "during a verify",
        (*fileset(_USR), Say(b"verify level=catalog\n"), Hear(b"2000 OK verify\n")),
        (HangUp(),),
    ),
)

_STANDING = ((2, "before the first record", 0), (3, "after the first record", 2))
_VERIFIES = (
    Case(
        id="10.5.1",
        title="cancel between files of a verify",
        rule="A canceled verify ends with EOD and the report.",
        source="02 §6.4 V1; 05 §7",
        play=(
            *job("tls"),
            *fileset(lines(b"M", *(b"/usr",) * 20)),
            Say(b"verify level=catalog\n"),
            Hear(b"2000 OK verify\n"),
            *cancel(),
            CanceledEnd(within=12.0, through=(Like(rb"\d+ .*"), Signal(-1))),
            Alive(),
        ),
    ),
    *(
        Case(
            id=f"10.5.{number}",
            title=f"cancel a verify whose Storage daemon stands still {title}",
            rule="A canceled verify of a volume ends with EOD and the report.",
            source="02 §6.4; 05 §9",
            needs=frozenset({Need.FILES}),
            play=(
                Announce(faults=(Fault(At.RECORDS, Act.STALL, after=after),), restore=records),
                Login("tls"),
                *introduce(),
                *storage(key=True),
                Say(b"verify level=volume\n"),
                Hear(b"2000 OK verify\n"),
                reading(At.RECORDS),
                *cancel(),
                CanceledEnd(within=12.0, through=(Like(rb"\d+ .*"), Signal(-1))),
                Alive(),
            ),
        )
        for number, title, after in _STANDING
    ),
)

_MORE = (
    Case(
        id="10.6.1",
        title="cancel before the bytes of a restore object",
        rule="A cancel sets the status of a job whatever its session is waiting for.",
        source="02 §6.1 X1",
        play=(
            *job(),
            _OBJECT,
            Say(b"name\n"),
            *cancel(),
            CanceledEnd(waits=True, through=(Like(rb"2909 .*"),)),
            Alive(),
        ),
    ),
    Case(
        id="10.6.2",
        title="garbage in the place of the first record of a verify",
        rule="A record that cannot be read ends a verify of the volume with EOD and a failed job.",
        source="02 §6.4 W5; 05 §9.4",
        needs=frozenset({Need.FILES}),
        play=(
            Announce(faults=(Fault(At.RECORDS, Act.SEND, packet(b"no record")),), restore=records),
            Login("tls"),
            *introduce(),
            *storage(key=True),
            Say(b"verify level=volume\n"),
            Hear(b"2000 OK verify\n"),
            Hear(Signal(-1), within=10),
            EndJob("fE"),
        ),
    ),
)

_AFTER: tuple[Step, ...] = (
    _TREE,
    Announce(),
    *backup_orders(lines()),
    *script(_SLOW, when=1),
    Say(b"backup FileIndex=0\n"),
    Hear(b"2000 OK backup\n"),
    Until(lambda stage: stage.runs["sd"].done.is_set(), "the end of the data"),
)
_LISTS: tuple[tuple[Step, ...], ...] = (
    (_SINCE, Hear(Signal(-9), raw=True)),
    (Say(b"fileset\n"), Say(b"I\n")),
    (Say(b"accurate files=2\n"), Say(b"/a\0P\0\x000")),
    (Say(b"bootstrap\n"), Say(b"Volume=x\n")),
    (_OBJECT,),
    (_OBJECT, Say(b"name\n")),
)
_HUNG_UP = tuple(step for said in _LISTS for step in (*job(), *said, HangUp()))
_LATE = (
    Case(
        id="10.2.1",
        title="cancel while the After script runs",
        rule="A cancel after the data phase is answered and changes what the daemon reports at most.",
        source="02 §6.1 E2, §6.6",
        needs=frozenset({Need.FILES}),
        play=(*_AFTER, *cancel(), EndJob("TA", within=15), Alive()),
    ),
    Case(
        id="10.2.2",
        title="the Director leaves while the After script runs",
        rule="A Director that leaves at the end of a job harms nobody.",
        source="02 §6.1 E2, E5",
        needs=frozenset({Need.FILES}),
        play=(*_AFTER, HangUp(), Alive()),
    ),
    Case(
        id="10.2.3",
        title="the Director leaves during an estimate",
        rule="A Director that leaves during an estimate harms nobody.",
        source="02 §6.1 J3",
        play=(
            *job("tls"),
            *fileset(_USR),
            Say(b"estimate listing=0\n"),
            Pause(0.3),
            HangUp(),
            Alive(),
        ),
    ),
    Case(
        id="10.2.4",
        title="a backup in the clear",
        rule="With ssl=0 and a client that does not use TLS the Storage daemon is called in the clear.",
        source="02 §6.2 B3; 01 §8.1",
        profile="bare",
        needs=frozenset({Need.FILES}),
        play=(_TREE, Announce(), *backup(lines(), role="clear"), EndJob("T", files=2)),
    ),
    Case(
        id="10.2.5",
        title="the Director hangs up amid lists",
        rule="A Director that hangs up amid a list ends its session only.",
        source="02 §6.1 C12, C16, C22, C35, C52",
        play=(*_HUNG_UP, Alive()),
    ),
)


def _opened(name: str, *said: Step, tls: bool = False) -> tuple[Step, ...]:
    """A connection of this name with a job of its own, and what is said on it."""
    role = "tls" if tls else "clear"
    return (Login(role, name), *_named(name), *said)


def _named(name: str) -> tuple[Step, ...]:
    line = b"JobId={job_id} Job={job}%b SDid={session_id} SDtime={session_time} Authorization={key} ssl=4\n"
    return Say(line % name.encode(), name), Hear(Like(rb"2000 OK Job.*"), on=name)


def _moving(name: str) -> tuple[Step, ...]:
    """A backup that is slow enough to be met while it moves data."""
    return (
        Announce(job=b"{job}" + name.encode(), called=name, keep=False),
        *_opened(name, tls=True),
        *fileset(lines(), name),
        Say(b"setbandwidth=100 Job={job}%b\n" % name.encode(), name),
        Hear(b"2000 OK Bandwidth\n", on=name),
        Say(b"storage address={sd_host} port={sd_port} ssl=4\n", name),
        Hear(b"2000 OK storage\n", on=name),
        Say(b"backup FileIndex=0\n", name),
        Hear(b"2000 OK backup\n", on=name),
        Until(lambda stage: stage.runs[name].figures.size > 0, "the first data"),
    )


_OPEN: tuple[Step, ...] = (
    *_opened("loop"),
    *_opened("clock", Say(_SINCE.text, "clock"), Hear(Signal(-9), on="clock", raw=True)),
    *_opened("files", Say(b"fileset\n", "files"), Say(b"I\n", "files")),
    *_opened("list", Say(b"accurate files=2\n", "list"), Say(b"/a\0P\0\x000", "list")),
    *_opened("boot", Say(b"bootstrap\n", "boot"), Say(b"Volume=x\n", "boot")),
    *_opened("name", Say(_OBJECT.text, "name")),
    *_opened("bytes", Say(_OBJECT.text, "bytes"), Say(b"name\n", "bytes")),
    *_opened("script", *script(_SLOW + b"0", on="script"), Say(b"RunBeforeNow\n", "script")),
    *_opened("dial", Say(b"storage address=127.0.0.1 port=9 ssl=4\n", "dial"), tls=True),
    *_opened("count", *fileset(_USR, "count"), Say(b"estimate listing=0\n", "count"), Pause(0.3)),
    *_opened("check", *fileset(_USR, "check"), Say(b"verify level=catalog\n", "check")),
    Hear(b"2000 OK verify\n", on="check"),
)
_STOPS = (
    Case(
        id="10.3.1",
        title="stopped with sessions in every state",
        rule="A daemon that is told to end closes all connections and ends.",
        source="02 §6.1 X3; 01 §12",
        needs=frozenset({Need.PROCESS}),
        alone=True,
        play=(*_OPEN, Stop(), AllEnd(), Exits()),
    ),
    Case(
        id="10.3.2",
        title="stopped while data moves",
        rule="A daemon that is told to end closes the connections of a running job, to the Storage daemon too.",
        source="02 §6.1 X3",
        needs=frozenset({Need.PROCESS, Need.FILES}),
        alone=True,
        play=(Tree((File(b"big", b"x" * 5_000_000),)), *_moving("data"), Stop(), AllEnd(), Exits()),
    ),
    Case(
        id="10.3.3",
        title="stopped while the After script runs",
        rule="A daemon that is told to end does not wait for a script for ever.",
        source="02 §6.1 X3, E2",
        needs=frozenset({Need.PROCESS, Need.FILES}),
        alone=True,
        play=(*_AFTER, Stop(), AllEnd(), Exits()),
    ),
    Case(
        id="10.3.4",
        title="stopped while a restore reads",
        rule="A daemon that is told to end closes the connections of a restore.",
        source="02 §6.1 X3",
        needs=frozenset({Need.PROCESS, Need.FILES}),
        alone=True,
        play=(*restoring(Fault(At.RECORDS, Act.STALL)), reading(At.RECORDS), Stop(), AllEnd(), Exits()),
    ),
)

_CALLS = "01 §8.3; 02 §6.1 T3, T4, T5"
_STATUS = (Say(b".status header"), HearText(Like(rb".* Version: .*")))
_CALLERS: tuple[tuple[str, str, tuple[Step, ...]], ...] = (
    (
        "it calls, parks and serves",
        "A daemon that calls its Director parks there silently and serves what is then asked without a Hello.",
        (TakeCall(), Hear(QUIET, raw=True, within=0.5), *_STATUS, HangUp(terminate=True)),
    ),
    (
        "the next call comes at once",
        "When a parked connection is taken up, the next one is opened at once.",
        (TakeCall(), *_STATUS, TakeCall("next", within=5.0), HangUp(terminate=True)),
    ),
    (
        "a parked connection is dropped",
        "When the Director drops a parked connection, the daemon calls again.",
        (TakeCall(), HangUp(), TakeCall("next", within=10.0)),
    ),
    (
        "stopped while parked",
        "A daemon that is told to end closes the connections that it has parked.",
        (TakeCall(), StopCaller(), AllEnd()),
    ),
    (
        "a Director that does not know the password",
        "The daemon does not park at a Director that cannot prove itself.",
        (TakeCall(password="wrong", refused=True), Alive()),
    ),
)
_CALLING = tuple(
    Case(
        id=f"10.4.{number}",
        title=title,
        rule=rule,
        source=_CALLS,
        needs=frozenset({Need.PROCESS}),
        play=(Summon(), *play),
    )
    for number, (title, rule, play) in enumerate(_CALLERS, 1)
)

CHAPTER = Chapter(10, "Edges of the charts", (*_ATTACHED, *_LATE, *_STOPS, *_CALLING, *_VERIFIES, *_MORE))

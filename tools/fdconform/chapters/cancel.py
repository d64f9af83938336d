"""Chapter 8, section 1: a cancel in every state of a job."""

from fdconform.case import Case, Need, Step
from fdconform.chapters.fault_plays import BIG, DEEP, HUGE, SMALL, append, reading, restoring, taken
from fdconform.dialogue import Steps, backup, backup_orders, cancel, fileset, lines, verify
from fdconform.ending import CanceledEnd, Gone, Running
from fdconform.expect import Like, Signal
from fdconform.openings import asked, begun, disk_job, job, script
from fdconform.talk import Alive, Hear, HearText, Login, Pause, Say, SaySignal
from fdconform.trees import Tree
from fdconform.work import Announce, EndJob, Said, Unsaid
from fdpeers.faults import Act, Fault
from fdpeers.faults import Step as At

_RULE = "02 §2.9, §6.1 X1, §6.6; core/src/filed/dir_cmd.cc: CancelCmd"
_OK_BACKUP = b"2000 OK backup\n"
_ANY = (Like(rb"\d.*"), Signal(-1))
_FOUND = Like(rb"2001 Job \S+ marked to be canceled\.\n")
_LOST = Like(rb"2901 Job \S+ not found\.\n")


def _case(number: int, title: str, rule: str, *play: Step, source: str = _RULE) -> Case:
    needs = frozenset({Need.FILES}) if any(isinstance(step, Tree) for step in play) else frozenset[Need]()
    return Case(id=f"8.1.{number}", title=f"cancel {title}", rule=rule, source=source, play=play, needs=needs)


def _waiting(number: int, title: str, *play: Step) -> Case:
    return _case(
        number,
        title,
        "The job is canceled: it ends at once with TermCode 65, or when the Director hangs up.",
        *(*play, *cancel(), CanceledEnd(waits=True), Gone(), Alive()),
    )


def _working(number: int, title: str, *play: Step, end: Step | None = None) -> Case:
    return _case(
        number,
        title,
        "The job ends within seconds with TermCode 65, and the daemon serves on.",
        *(*play, *cancel(), end if end is not None else CanceledEnd(), Gone(), Alive()),
    )


def _stalled(step: At) -> Steps:
    """A backup whose Storage daemon stands still at this step."""
    return (
        BIG if step is At.DATA else SMALL,
        Announce(faults=(Fault(step, Act.STALL),)),
        *backup(lines()),
        append(step),
    )


def _stalled_restore(step: At) -> Steps:
    """A restore whose Storage daemon stands still at this step."""
    return (*restoring(Fault(step, Act.STALL)), reading(step))


_WAITING = (
    _waiting(1, "before any order", *job()),
    _waiting(2, "after the level", *job(), Say(b"level = full  mtime_only=0 \n"), Hear(b"2000 OK level\n")),
    _waiting(3, "amid the file set", *job(), Say(b"fileset\n"), Say(b"I\n"), Say(b"O M\n")),
    _waiting(4, "after the file set", *job(), *fileset(lines(b"M", b"/dev/null"))),
    _waiting(5, "amid the accurate list", *job(), Say(b"accurate files=2\n"), Say(b"/a\0P\0\x000")),
    _waiting(6, "amid a bootstrap", *job(), Say(b"bootstrap\n"), Say(b"Volume=x\n")),
    _waiting(
        7,
        "amid the questions for the clock",
        *(
            *job(),
            Say(b"level = since_utime 1700000000 mtime_only=0 prev_job=\n"),
            Hear(Signal(-9), raw=True),
        ),
    ),
    _waiting(
        8, "between the parts of a restore object", *job(), Say(b"restoreobject JobId=4 5,5,1,26,0,7,p\n")
    ),
    _waiting(9, "with a connected Storage daemon", SMALL, Announce(), *backup_orders(lines())),
)

_STORAGE_STEPS = ((20, At.AUTHENTICATED), (21, At.APPEND_OPEN), (22, At.APPEND_DATA), (23, At.DATA))
_STORAGE_STEPS_LATER = ((24, At.DATA_END), (25, At.APPEND_END), (26, At.APPEND_CLOSE))
_RESTORE_STEPS = ((30, At.READ_OPEN), (31, At.READ_DATA), (32, At.RECORDS), (33, At.RECORDS_END))

_WORKING = (
    _working(
        10,
        "while the Storage daemon does not answer the hello",
        *(Announce(faults=(Fault(At.HELLO, Act.STALL),)), *job("tls")),
        *(Say(b"storage address={sd_host} port={sd_port} ssl=4\n"), taken()),
        end=CanceledEnd(through=(b"2902 Bad storage\n",)),
    ),
    _working(
        11,
        "while nobody listens where the Storage daemon should be",
        *(*job("tls"), Say(b"storage address=127.0.0.1 port=9 ssl=4\n"), Pause(0.3)),
        end=CanceledEnd(through=(b"2902 Bad storage\n",), within=12.0),
    ),
    *(
        _working(number, f"of a backup that stands still at {step.name}", *_stalled(step))
        for number, step in (*_STORAGE_STEPS, *_STORAGE_STEPS_LATER)
    ),
    *(
        _working(
            number,
            f"of a restore that stands still at {step.name}",
            *_stalled_restore(step),
            end=CanceledEnd(through=(b"2000 OK storage end\n",)),
        )
        for number, step in (*_RESTORE_STEPS, (34, At.READ_CLOSE))
    ),
    _working(
        40,
        "of a backup amid one large file",
        HUGE,
        Announce(keep=False),
        *backup(lines(b"M")),
        append(At.DATA),
        Running(rb".* Files=[12]\n.*"),
    ),
    _working(
        41,
        "of a verify amid one large file",
        *(HUGE, *verify(b"init", lines(b"V1:M")), Running(rb".* JobType=V.*"), Pause(0.1)),
        end=CanceledEnd(through=_ANY, bearable=20.0),
    ),
    _working(
        42,
        "of an estimate",
        *(*disk_job(), *fileset((*lines(b"M", *(b"/usr",) * 40),)), Say(b"estimate listing=0\n"), Pause(0.3)),
        end=CanceledEnd(waits=True, through=_ANY),
    ),
    _working(
        43,
        "while a script runs",
        *(*job(), *script(b"/bin/sleep 6"), Say(b"RunBeforeNow\n"), Pause(0.3)),
        end=CanceledEnd(through=(b"2905 Failed RunScript\n",), within=10.0),
    ),
    _working(
        44,
        "of a job whose Director does not read",
        *(DEEP, *disk_job(), *fileset(lines(b"V1:", *(b"{tree}",) * 20_000)), Say(b"verify level=init\n")),
        *(Pause(0.5),),
        end=CanceledEnd(through=_ANY, within=8.0),
    ),
    _working(
        45,
        "while the file set runs a program",
        *(*job(), Say(b"fileset\n"), Say(b"I\n"), Say(b"O M\n"), Say(b"N\n")),
        *(Say(b"F |/bin/sleep 6"), Say(b"N\n"), Say(b"N\n")),
        *(SaySignal(-1), Pause(0.2)),
        end=CanceledEnd(waits=True, through=_ANY),
    ),
)

_OTHER = (
    _case(
        50,
        "twice",
        "The second cancel is answered like the first, or the job is not found any more; one report.",
        *(*_stalled(At.APPEND_OPEN), *cancel(), Login("tls", "second"), Say(b"cancel Job={job}\n", "second")),
        HearText(Like(rb"2(001 Job {job} marked to be canceled|901 Job {job} not found)\.\n"), on="second"),
        *(CanceledEnd(), Gone()),
    ),
    _case(
        51,
        "after the end",
        "A job that is over is not found.",
        SMALL,
        Announce(),
        *backup(lines()),
        EndJob("T"),
        Gone(),
        *(Login("tls", "cancel"), *asked(b"cancel Job={job}\n", _LOST, Signal(-1), on="cancel")),
    ),
    _case(
        52,
        "in the job's own session",
        "The answer comes as to any other session; the job is canceled.",
        *(*job(), *asked(b"cancel Job={job}\n", _FOUND, Signal(-1)), CanceledEnd(waits=True), Gone()),
    ),
    _case(
        53,
        "by a part of the name",
        "Only the whole name of a job will do.",
        *(*job(), Login("tls", "cancel"), *asked(b"cancel Job=conform-\n", _LOST, Signal(-1), on="cancel")),
        *begun(b"getSecureEraseCmd\n", b"2000 OK FDSecureEraseCmd *None*\n"),
    ),
    _case(
        54,
        "by a Monitor Director",
        "It is refused, and the job goes on to its good end.",
        SMALL,
        Announce(),
        *backup_orders(lines()),
        Login("monitor", "cancel"),
        *asked(b"cancel Job={job}\n", Like(rb"2997 .*"), Signal(-1), on="cancel"),
        *(*begun(b"backup FileIndex=0\n", _OK_BACKUP), EndJob("T", errors=0)),
        source="02 §1.1",
    ),
    _case(
        55,
        "by another Director",
        "Every Director that may give orders may cancel every job.",
        *(*_stalled(At.APPEND_OPEN), *cancel("other"), CanceledEnd(), Gone()),
    ),
    _case(
        56,
        "and the scripts after the job",
        "Scripts for failures run after a cancel, scripts for success do not.",
        SMALL,
        Announce(faults=(Fault(At.APPEND_DATA, Act.STALL),)),
        *backup_orders(lines()),
        *(
            *script(b"/bin/echo good", 1, abort=0),
            *script(b"/bin/echo bad", 1, success=0, failure=1, abort=0),
        ),
        *(
            *begun(b"backup FileIndex=0\n", _OK_BACKUP),
            append(At.APPEND_DATA),
            *cancel(),
            CanceledEnd(),
            Gone(),
        ),
        *(Said(rb".*ClientAfterJob: bad\n", times=1), Unsaid(rb".*ClientAfterJob: good\n", types=(6,))),
        source="02 §2.9, §2.13",
    ),
    _case(
        57,
        "of one of two jobs",
        "The other job is not touched.",
        SMALL,
        Announce(),
        *backup_orders(lines()),
        Login("clear", "second"),
        Say(b"JobId=1 Job=second-{job} SDid=0 SDtime=0 Authorization=K\n", "second"),
        Hear(Like(rb"2000 OK Job .*"), on="second"),
        *(Login("tls", "cancel"), *asked(b"cancel Job=second-{job}\n", _FOUND, Signal(-1), on="cancel")),
        *(*begun(b"backup FileIndex=0\n", _OK_BACKUP), EndJob("T", files=2, errors=0)),
    ),
)

CASES = (*_WAITING, *_WORKING, *_OTHER)

"""Chapter 8, sections 3 to 5: what a Storage daemon may do wrong at every step of backup and restore."""

from fdconform.case import Case, Need, Step
from fdconform.chapters.fault_plays import BIG, SMALL, restore_orders, restoring
from fdconform.dialogue import Steps, backup_orders, lines
from fdconform.ending import LastWord
from fdconform.expect import Like
from fdconform.openings import begun, job
from fdconform.talk import Alive, Hear, Say
from fdconform.work import Announce, EndJob, Said
from fdpeers.faults import Act, Fault
from fdpeers.faults import Step as At

_APPEND = "02 §5.2; 07 §8.3; core/src/filed/dir_cmd.cc: BackupCmd, response"
_READ = "02 §5.4; 07 §8.3; core/src/filed/dir_cmd.cc: OpenSdReadSession, RestoreCmd"
_STORAGE = "02 §1.3 storage; core/src/filed/dir_cmd.cc: StorageCmd"
_FILES = frozenset({Need.FILES})
_STORE = b"storage address={sd_host} port={sd_port} ssl=4\n"

_REPLIES = (
    (1, b"3900 Invalid command\n"),
    (2, b"3901 Error session already open\n"),
    (3, b"3902 Error session not opened\n"),
    (4, b"3903 Error append data\n"),
    (5, b"3999 Failed append\n"),
    (6, b"3000 error\n"),
    (7, b"\x00\xff garbage"),
    (8, b"3000 OK dat"),
)
_APPEND_STEPS: tuple[tuple[int, At, bytes], ...] = (
    (1, At.APPEND_OPEN, rb"Bad response to append open: {said}\n?"),
    (2, At.APPEND_DATA, rb"Bad response to Append Data command\. Wanted 3000 OK data\n, got {said}\n?"),
    (3, At.DATA_END, rb"Bad response to Append Data command\. Wanted 3000 OK append data\n, got {said}\n?"),
    (4, At.APPEND_END, rb"Bad response to Append End command\. Wanted 3000 OK end\n, got {said}\n?"),
    (5, At.APPEND_CLOSE, rb"Append Close with SD failed\.\n"),
)
_READ_STEPS: tuple[tuple[int, At, bytes], ...] = (
    (1, At.READ_OPEN, rb"Bad response to SD read open: {said}\n?"),
    (2, At.READ_DATA, rb"Bad response to Read Data command\. Wanted 3000 OK data\n, got {said}\n?"),
)
_GONE = rb"(Comm error with SD\. bad response to .*|Bad response from stored to .*|Append Close with SD failed\.\n"
_GONE += rb"|Bad response to .*|.*[Ss]torage daemon.*|Network send error to SD\. .*)"
_LOST: tuple[tuple[int, At], ...] = (
    *((1, At.AUTHENTICATED), (2, At.APPEND_OPEN), (3, At.APPEND_DATA), (4, At.DATA)),
    *((5, At.DATA_END), (6, At.APPEND_END), (7, At.APPEND_CLOSE)),
)
_POLLED = (At.APPEND_OPEN, At.APPEND_DATA, At.DATA_END, At.APPEND_END, At.APPEND_CLOSE)
_WAYS = ((1, Act.CLOSE, "closes"), (2, Act.RESET, "resets"))


def _pattern(template: bytes, said: bytes) -> bytes:
    """The message for a reply; a text ends at its first NUL where it is shown."""
    shown = b".*" if b"\0" in said else _escaped(said.rstrip(b"\n"))
    return rb".*" + template.replace(b"{said}", shown + rb"\n?")


def _escaped(text: bytes) -> bytes:
    return text.replace(b".", rb"\.")


def _case(number: str, title: str, rule: str, source: str, *play: Step, profile: str = "plain") -> Case:
    return Case(
        id=f"8.{number}", title=title, rule=rule, source=source, play=play, needs=_FILES, profile=profile
    )


def _backup(fault: Fault) -> Steps:
    """A backup, up to its command: it may be refused when the loss is noticed early."""
    tree = BIG if fault.step is At.DATA else SMALL
    ok, bad = b"2000 OK backup\n", b"2902 Bad backup\n"
    either = Like(rb"(" + ok + rb"|" + bad + rb")")
    wanted = either if fault.step is At.AUTHENTICATED else ok
    return (tree, Announce(faults=(fault,)), *backup_orders(lines()), *begun(b"backup FileIndex=0\n", wanted))


_STORAGE_CASES = (
    *(
        _case(
            f"3.{number}",
            f"the Storage daemon {title}",
            "FATAL messages, 2902 Bad storage, TermCode 102; the daemon serves on.",
            _STORAGE,
            *(*announce, *job("tls"), Say(_STORE), Hear(b"2902 Bad storage\n", within=25)),
            *(EndJob("f"), Said(rb".*", type=3), Alive()),
        )
        for number, title, announce in (
            (1, "closes instead of its challenge", (Announce(faults=(Fault(At.HELLO, Act.CLOSE),)),)),
            (2, "resets instead of its challenge", (Announce(faults=(Fault(At.HELLO, Act.RESET),)),)),
            (3, "says nonsense for a challenge", (Announce(faults=(Fault(At.HELLO, Act.REPLY, b"moo\n"),)),)),
            (4, "does not know the job", (Announce(job=b"another"),)),
            (5, "has another key", (Announce(key=b"ANOTHER-KEY"),)),
        )
    ),
    _case(
        "3.6",
        "nobody listens where the Storage daemon should be",
        "The daemon tries again for SD Connect Timeout, then FATAL, 2902 Bad storage, TermCode 102.",
        f"{_STORAGE}; 02 §6.2 B1, B2",
        *(*job("tls"), Say(b"storage address=127.0.0.1 port=9 ssl=4\n")),
        *(Hear(b"2902 Bad storage\n", within=25), EndJob("f"), Said(rb".*Unable to connect to .*", type=3)),
        profile="impatient",
    ),
    _case(
        "3.7",
        "the Storage daemon has a name that does not exist",
        "No second try: FATAL, 2902 Bad storage, TermCode 102.",
        _STORAGE,
        *(*job("tls"), Say(b"storage address=256.1.1.1 port=9 ssl=4\n")),
        *(Hear(b"2902 Bad storage\n", within=20), EndJob("f"), Said(rb".*", type=3), Alive()),
    ),
)

_APPENDS = (
    *(
        _case(
            f"4.{20 * place + number}",
            f"{reply.strip()!r} at {step.name}",
            "FATAL with the name of the command and the answer, TermCode 102, one report.",
            _APPEND,
            *(*_backup(Fault(step, Act.REPLY, reply)), EndJob("f")),
            *(Said(_pattern(template, reply), type=3, times=1, strict=False), Alive()),
        )
        for place, step, template in _APPEND_STEPS
        for number, reply in _REPLIES
    ),
    *(
        _case(
            f"4.{120 + 10 * place + number}",
            f"the Storage daemon {verb} at {step.name}",
            "The lost connection is noticed and told: TermCode 102 or 69, one report.",
            _APPEND,
            *(*_backup(Fault(step, act)), EndJob("fE"), Said(rb".*" + _GONE, type=3, strict=False), Alive()),
        )
        for place, step in _LOST
        for number, act, verb in _WAYS
    ),
    *(
        _case(
            f"4.{200 + number}",
            f"the Storage daemon says {reply.strip()!r} amid the data",
            "The job fails with TermCode 102 or 69; the answer is told, or the write error that follows.",
            _APPEND,
            *(*_backup(Fault(At.DATA, Act.REPLY, reply, after=1 << 20)), EndJob("fE"), Alive()),
            Said(rb".*", type=3, strict=False),
        )
        for number, reply in ((1, b"3999 Failed append\n"), (2, b"3000 error\n"), (3, b"\x00\xff"))
    ),
    *(
        _case(
            f"4.{210 + number}",
            f"close status {status}",
            "A status of the Storage daemon other than 84 and 87 is fatal: TermCode 102.",
            _APPEND,
            *_backup(Fault(At.APPEND_CLOSE, Act.REPLY, b"3000 OK close Status = %d\n" % status)),
            *(EndJob("f"), Said(rb".*Bad status %d returned from Storage Daemon\.\n" % status, type=3)),
        )
        for number, status in ((1, 69), (2, 102), (3, 65), (4, 0))
    ),
    _case(
        "4.220",
        "close status 87",
        "The Storage daemon ended with warnings: that is good, TermCode 84.",
        _APPEND,
        *(*_backup(Fault(At.APPEND_CLOSE, Act.REPLY, b"3000 OK close Status = 87\n")), EndJob("T", errors=0)),
    ),
    _case(
        "4.221",
        "heartbeats and questions between all answers",
        "Heartbeats are passed over, POLL and STATUS are answered, before every reply.",
        "02 §0.2 BgetMsg, §6.2 B14",
        *(SMALL, Announce(faults=tuple(Fault(step, Act.SEND, b"\xff\xff\xff\xfa" * 3) for step in _POLLED))),
        *(
            *backup_orders(lines()),
            *begun(b"backup FileIndex=0\n", b"2000 OK backup\n"),
            EndJob("T", errors=0),
        ),
    ),
)


def _ended(status: str) -> Steps:
    """A restore that has begun comes to its end, by itself or with endrestore."""
    return (
        Hear(b"2000 OK storage end\n", within=20),
        LastWord(b"endrestore"),
        EndJob(status),
    )


_READS = (
    *(
        _case(
            f"5.{20 * place + number}",
            f"{reply.strip()!r} at {step.name}",
            "FATAL with the name of the command and the answer; storage end, then TermCode 102, one report.",
            _READ,
            *(*restoring(Fault(step, Act.REPLY, reply)), *_ended("f")),
            *(Said(_pattern(template, reply), type=3, times=1, strict=False), Alive()),
        )
        for place, step, template in _READ_STEPS
        for number, reply in _REPLIES
    ),
    *(
        _case(
            f"5.{60 + 10 * place + number}",
            f"the Storage daemon {verb} at {step.name}",
            "The lost connection is noticed and told: TermCode 102 or 69, one report.",
            _READ,
            *(
                *restoring(Fault(step, act)),
                *_ended("fE"),
                Said(rb".*" + _GONE, type=3, strict=False),
                Alive(),
            ),
        )
        for place, step in ((1, At.READ_OPEN), (2, At.READ_DATA))
        for number, act, verb in _WAYS
    ),
    *(
        _case(
            f"5.{80 + 10 * place + number}",
            f"the Storage daemon {verb} {where}",
            "A connection that is lost amid a record is an error: TermCode 102 or 69.",
            _READ,
            *(*restoring(Fault(At.RECORDS, act, after=packets)), *_ended("fE"), Alive()),
        )
        for place, packets, where in ((1, 1, "behind a record header"), (2, 3, "behind a data header"))
        for number, act, verb in _WAYS
    ),
    *(
        _case(
            f"5.{110 + 10 * place + number}",
            f"the Storage daemon {verb} {where}",
            "A connection lost between records may be taken for their end, or better for an error.",
            f"{_READ}; 02 §5.4 may do better",
            *(*restoring(Fault(step, act, after=packets)), *_ended("TfE"), Alive()),
        )
        for place, step, packets, where in (
            (1, At.RECORDS, 0, "before the first record"),
            (2, At.RECORDS, 4, "between two files"),
            (3, At.RECORDS_END, 0, "instead of the end of the records"),
            (4, At.READ_CLOSE, 0, "instead of the last answer"),
        )
        for number, act, verb in _WAYS
    ),
    *(
        _case(
            f"5.{160 + number}",
            f"{reply.strip()!r} as the last answer",
            "What the Storage daemon says to read close does not matter: TermCode 84.",
            _READ,
            *(*restoring(Fault(At.READ_CLOSE, Act.REPLY, reply)), *_ended("T"), Alive()),
        )
        for number, reply in _REPLIES[:3]
    ),
    *(
        _case(
            f"5.{170 + number}",
            f"{what} in the place of a record",
            "FATAL Record header scan error, or about the record's size; TermCode 102 or 69.",
            _READ,
            *(*restoring(Fault(At.RECORDS, Act.REPLY, b"3999 moo\n", after=packets)), *_ended("fE"), Alive()),
            Said(rb".*(Record header scan error: .*|Actual data size .*|Data record error.*)", type=3),
        )
        for number, packets, what in ((1, 0, "a line"), (2, 1, "a line behind a header"))
    ),
    _case(
        "5.180",
        "a Storage daemon without the volume",
        "3000 error to read data is fatal; storage end, TermCode 102.",
        _READ,
        *(Announce(), *restore_orders(), Say(b"restore replace=a prelinks=0 where={where}\n")),
        *(Hear(b"2000 OK restore\n"), *_ended("f"), Alive()),
    ),
)

CASES = (*_STORAGE_CASES, *_APPENDS, *_READS)

"""Chapter 4: status in all its forms, and the other things that a console asks a File daemon."""

from fdconform.case import Case, Chapter, Need, Step
from fdconform.chapters import status_console
from fdconform.dialogue import backup, cancel, fileset, lines, verify
from fdconform.ending import CanceledEnd, Gone, Running
from fdconform.expect import Like, Signal
from fdconform.openings import CLEAR, CREATED, GOES_ON, TERMINATED, asked, disk_job, job, said_then
from fdconform.talk import Hear, HearText, Login, Say, SaySignal
from fdconform.trees import File, Tree
from fdconform.work import Announce, EndJob
from fdpeers.faults import Act, Fault
from fdpeers.faults import Step as At

_STATUS = "02 §3; core/src/filed/status.cc"
_WORDS = "02 §3.6; core/src/filed/status.cc: QstatusCmd"
_EOD = Hear(Signal(-1), raw=True)

_NC = rb"\d\d-[A-Z][a-z]{2}-\d\d \d\d:\d\d"
_ISO = rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
_HEADER = (
    rb"{client} Version: \S+ \(\d+ [A-Z][a-z]+ \d+\)  ?[^\n]*\n"
    rb"Daemon started " + _NC + rb"\. Jobs: run=\d+ running=\d+, [^\n]* binary\n"
    rb" Sizeof: boffset_t=8 size_t=8 debug=\d+ trace=[01] bwlimit=[\d,]+kB/s\n"
    rb"(?: secure erase command='[^\n]*'\n)?(?:\nPlugin Info:\n.*\n\n)?"
    rb"(?:\nThere are WARNINGS for this filedaemon's configuration!\n"
    rb"See output of 'bareos-fd -t' for details\.\n)?"
)
_PLAIN_JOB = (
    rb"JobId \d+ Job \S+ is running\.\n    [^\n]* Job started: " + _NC + rb"\n"
    rb"    Files=[\d,]+ Bytes=[\d,]+ Bytes/sec=-?[\d,]+ Errors=\d+\n    Bwlimit=[\d,]+\n"
    rb"    Files Examined=[\d,]+\n(?:    Processing file: [^\n]*\n)?"
    rb"(?:    SDReadSeqNo=\d+ fd=-?\d+\n|    SDSocket closed\.\n)"
)
_OTHERS = (
    rb"(?:\S+ \(director\) connected at: " + _NC + rb"\n|Unknown connection, started at: " + _NC + rb"\n)"
)
_RUNNING = rb"\nRunning Jobs:\n(?:" + _PLAIN_JOB + rb"|" + _OTHERS + rb")*(?:No Jobs running\.\n)?====\n"
_ROW = rb" *\d+  .{6,} {0,8}[\d,]+ [^\n]{10,}  [A-Z][a-z]* +" + _NC + rb" \S+\n"
_TERMINATED_HEAD = rb" JobId  Level    Files      Bytes   Status   Finished        Name \n={70}\n"
_TERMINATED = rb"\nTerminated Jobs:\n(?:" + _TERMINATED_HEAD + rb"(?:" + _ROW + rb"){1,10})?====\n"
_API_ROW = rb"(?: *\d+\t.{6}\t {0,7}[\d,]+\t {0,9}[\d.]+ [KMGTPE]?\t[A-Z][a-z]* *\t" + _NC + rb"\t\S+\n)"
_API_JOB = (
    rb"JobId=\d+\n Job=\S+\n VSS=[01]\n Level=[FIDSBVCOdA ]\n JobType=[A-Z]\n JobStarted=" + _ISO + rb"\n"
    rb" Files=\d+\n Bytes=\d+\n Bytes/sec=-?\d+\n Errors=\d+\n Bwlimit=\d+\n Files Examined=\d+\n"
    rb"(?: Processing file=[^\n]*\n)?(?: SDReadSeqNo=\d+\n fd=-?\d+\n| SDSocket=closed\n)"
)
_API_OTHER = rb"DirectorConnected=" + _ISO + rb"\n"
_CURRENT = rb"2000 OK \.status\n(?:JobId=\d+ JobStatus=[CRBTWEfAI] JobErrors=\d+\n)*"

_STALLED = Announce(faults=(Fault(At.DATA, Act.STALL),))
_BIG = Tree((File(b"big", b"", holes=256 << 20), File(b"small", b"1234")))


def _case(number: str, title: str, rule: str, source: str, *play: Step, profile: str = "status") -> Case:
    files = frozenset({Need.FILES}) if any(isinstance(step, Tree) for step in play) else frozenset[Need]()
    return Case(
        id=f"4.{number}", title=title, rule=rule, source=source, play=play, profile=profile, needs=files
    )


def _stalled(*looks: Step) -> tuple[Step, ...]:
    """A backup that stands still because its Storage daemon does not read."""
    return (_BIG, _STALLED, *backup(lines(b"M")), *looks)


_ASKED = (
    (1, "header", b"header", _HEADER),
    (2, "HEADER", b"HEADER", _HEADER),
    (3, "header and more words", b"header api=2 x", _HEADER),
    (4, "running", b"running", rb"(?:" + _API_JOB + rb"|" + _API_OTHER + rb")+"),
    (5, "Running", b"Running", rb"(?:" + _API_JOB + rb"|" + _API_OTHER + rb")+"),
    (6, "terminated", b"terminated", _API_ROW + rb"{0,10}"),
    (7, "terminated api=2", b"terminated api=2", _API_ROW + rb"{0,10}"),
    (8, "current", b"current", _CURRENT),
    (9, "last", b"last", rb"2000 OK \.status\n(?:JobId=\d+ JobStatus=[A-Za-z] JobErrors=\d+\n)?"),
)
_WRONG = (
    (20, "nothing", b""),
    (21, "an unknown word", b" weather"),
    (22, "current in capitals", b" CURRENT"),
    (23, "a word in 0x01", b" hea\x01der"),
)

_LINES = (
    _case(
        "1.1",
        "status",
        "Header, running and terminated jobs, in this order and form, then EOD; the loop goes on.",
        _STATUS,
        CLEAR,
        Say(b"status"),
        HearText(Like(rb"\n" + _HEADER + _RUNNING + _TERMINATED)),
        *GOES_ON,
    ),
    _case(
        "1.2",
        "status and more words",
        "Text after the word is ignored.",
        _STATUS,
        *(CLEAR, Say(b"status storage\n"), HearText(Like(rb"\n" + _HEADER + rb".*"))),
    ),
    _case(
        "1.3",
        "the packets of a status",
        "The first packet is a newline alone; each that follows ends with a NUL byte.",
        "02 §3.1; core/src/lib/status_packet.cc",
        *(CLEAR, *asked(b"status", b"\n")),
        *(Hear(Like(rb"[^\0]* Version: [^\0]*\n\0"), raw=True), Hear(Like(rb"[^\0]*\n\0"), raw=True)),
    ),
    _case(
        "1.4",
        "the Director that asks",
        "The session that asks is listed under the name of its Director.",
        _STATUS,
        *(CLEAR, Say(b"status")),
        HearText(Like(rb".*\nconform-clear \(director\) connected at: " + _NC + rb"\n.*====\n.*")),
    ),
    _case(
        "1.5",
        "a session with a job and no work yet",
        "It is listed as System or Console with a blank level; no Storage daemon is connected.",
        _STATUS,
        *(*job(), Say(b"status")),
        HearText(
            Like(
                rb".*\nJobId {job_id} Job {job} is running\.\n      System or Console Job started: "
                + _NC
                + rb"\n    Files=0 Bytes=0 Bytes/sec=0 Errors=0\n    Bwlimit=0\n    Files Examined=0\n"
                rb"    SDSocket closed\.\n.*"
            )
        ),
    ),
    _case(
        "1.6",
        "the same for programs",
        "Level blank, type I, socket closed.",
        _STATUS,
        *(*job(), Say(b".status running")),
        HearText(
            Like(
                rb".*JobId={job_id}\n Job={job}\n VSS=0\n Level= \n JobType=I\n JobStarted="
                + _ISO
                + rb"\n Files=0\n Bytes=0\n Bytes/sec=0\n Errors=0\n Bwlimit=0\n Files Examined=0\n"
                rb" SDSocket=closed\n.*"
            )
        ),
    ),
    _case(
        "1.7",
        "current names the job",
        "A session with a job is named with its status, created.",
        _WORDS,
        *(*job(), Say(b".status current")),
        HearText(Like(rb"2000 OK \.status\n.*JobId={job_id} JobStatus=C JobErrors=0\n.*")),
    ),
    _case(
        "1.8",
        "a bandwidth limit in the status",
        "The limit of a job is shown in bytes per second.",
        _STATUS,
        *(*job(), *asked(b"setbandwidth=5000000 Job={job}\n", b"2000 OK Bandwidth\n")),
        *(Say(b"status"), HearText(Like(rb".*JobId {job_id} Job .*    Bwlimit=5,000,000\n.*"))),
    ),
    _case(
        "1.9",
        "a stranger in the status",
        "A connection that has not said who it is is shown as unknown, or not at all.",
        _STATUS,
        *(Login("clear", "other"), CLEAR, Say(b"status"), HearText(Like(rb".*" + _RUNNING + rb".*"))),
    ),
    *(
        _case(
            f"2.{number}",
            f".status {title}",
            "The part of the status for programs, then EOD; the loop goes on.",
            _WORDS,
            CLEAR,
            Say(b".status " + word),
            HearText(Like(pattern)),
            *GOES_ON,
        )
        for number, title, word, pattern in _ASKED
    ),
    *(
        _case(
            f"2.{number}",
            f".status with {title}",
            "Bare text, 2900 wrong argument, EOD, and the session ends.",
            _WORDS,
            *(CLEAR, *asked(b".status" + text, said_then(rb"Bad \.status command: \.status.*"))),
            *(Hear(b"2900 Bad .status command, wrong argument.\n", raw=True), _EOD, *TERMINATED),
        )
        for number, title, text in _WRONG
    ),
    _case(
        "2.24",
        ".status, wrong, in a job",
        "The message is a job message that is neither fatal nor an error: TermCode 67.",
        _WORDS,
        *(*job(), Say(b".status weather"), Hear(b"2900 Bad .status command, wrong argument.\n")),
        *(Hear(Signal(-1)), EndJob("Cf")),
    ),
)

_JOBS = (
    _case(
        "3.1",
        "a running backup",
        "Level, type, figures, the file at work and the socket to the Storage daemon.",
        _STATUS,
        *_stalled(Running(rb" VSS=0\n Level=F\n JobType=B\n.* SDReadSeqNo=\d+\n fd=\d+\n")),
    ),
    _case(
        "3.2",
        "a running backup for people",
        "Full Backup Job started, files, bytes, rate, errors, and the file being processed.",
        _STATUS,
        *_stalled(
            Running(rb".* Processing file={tree}/\w+\n.*"),
            Login("clear", "look"),
            Say(b"status", "look"),
            HearText(
                Like(
                    rb".*JobId {job_id} Job {job} is running\.\n    Full Backup Job started: "
                    + _NC
                    + rb"\n    Files=[12] Bytes=[\d,]+ Bytes/sec=[\d,]+ Errors=0\n    Bwlimit=0\n"
                    rb"    Files Examined=[12]\n    Processing file: {tree}/\w+\n    SDReadSeqNo=\d+ fd=\d+\n.*"
                ),
                on="look",
            ),
        ),
    ),
    _case(
        "3.3",
        "a running backup in current",
        "JobStatus=R.",
        _WORDS,
        *_stalled(
            Running(rb".*SDReadSeqNo=.*"),
            Login("clear", "look"),
            Say(b".status current", "look"),
            HearText(Like(rb"2000 OK \.status\n.*JobId={job_id} JobStatus=R JobErrors=0\n.*"), on="look"),
        ),
    ),
    _case(
        "3.4",
        "the bandwidth of a running job from outside",
        "setbandwidth from another session takes effect at once and shows.",
        f"{_STATUS}; 02 §1.3 setbandwidth",
        *_stalled(
            Running(rb".*SDReadSeqNo=.*"),
            Login("clear", "look"),
            Say(b"setbandwidth=7654321 Job={job}\n", "look"),
            Hear(b"2000 OK Bandwidth\n", on="look"),
            Running(rb".* Bwlimit=7654321\n.*", on="again"),
        ),
    ),
    _case(
        "3.5",
        "a terminated backup",
        "The row of a good backup: level, files, bytes, OK, time and name.",
        _STATUS,
        Tree((File(b"a", b"hello"),)),
        Announce(),
        *backup(lines()),
        EndJob("T"),
        Gone(),
        *(CLEAR, Say(b"status")),
        HearText(Like(rb".*\n *{job_id}  Full +2 +[\d.]+ K?  OK       " + _NC + rb" conform-\d+\n.*")),
    ),
    _case(
        "3.6",
        "a terminated backup for programs",
        "The same row with tabs between its columns.",
        _STATUS,
        Tree((File(b"a", b"hello"),)),
        Announce(),
        *backup(lines()),
        EndJob("T"),
        Gone(),
        *(CLEAR, Say(b".status terminated")),
        HearText(
            Like(rb"(?:.*\n)? *{job_id}\tFull  \t {7}2\t.{10}\tOK     \t" + _NC + rb"\tconform-\d+\n.*")
        ),
    ),
    _case(
        "3.7",
        "a canceled backup in the list",
        "The row says Cancel.",
        _STATUS,
        *(
            *_stalled(Running(rb".*SDReadSeqNo=.*"), *cancel(), CanceledEnd()),
            Gone(),
            CLEAR,
            Say(b".status terminated"),
        ),
        HearText(
            Like(rb"(?:.*\n)? *{job_id}\tFull  \t.{8,}\t.{10}\tCancel \t" + _NC + rb"\tconform-\d+\n.*")
        ),
    ),
    _case(
        "3.8",
        "a terminated verify",
        "The level of a verify is the first four letters of its text.",
        _STATUS,
        *(*verify(b"catalog", lines(b"M", b"/dev/null")), HearText(Like(rb".*")), EndJob("T"), Gone()),
        *(CLEAR, Say(b".status terminated")),
        HearText(
            Like(rb"(?:.*\n)? *{job_id}\tVeri  \t {7}1\t.{10}\tOK     \t" + _NC + rb"\tconform-\d+\n.*")
        ),
    ),
    _case(
        "3.9",
        "a job that never began",
        "A session that did not get as far as backup, restore or verify is not in the list.",
        _STATUS,
        *(*disk_job(), *fileset(lines(b"M", b"/dev/null")), SaySignal(-1), *CREATED, Gone()),
        *(CLEAR, Say(b".status terminated"), HearText(Like(rb"(?!.* {job_id}\t).*"))),
    ),
)

CHAPTER = Chapter(4, "Status and console", (*_LINES, *_JOBS, *status_console.CASES))

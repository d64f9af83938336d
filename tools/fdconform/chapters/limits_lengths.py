"""Chapter 9, section 6: names, keys and paths as long as they may be, and longer."""

from fdconform.case import Case, Need
from fdconform.dialogue import OK_JOB, backup, introduce, lines
from fdconform.expect import Like
from fdconform.poke import HearOneOf
from fdconform.pressing import Deep
from fdconform.repeated import SayLong
from fdconform.stage import Stage
from fdconform.talk import Alive, Ends, Hear, HearText, Login, Say, SaySignal
from fdconform.trees import File, Tree
from fdconform.work import Announce, EndJob, Observed

_FILES = frozenset({Need.FILES})
_SCANS = "01 §2.2, §8.1; core/src/filed/evaluate_job_command.cc"
_PATHS = "03 §2.3, §6"
_ONE = Tree((File(b"a", b"hello"),))
_SUFFIX = b".2026-11-23_05.00.00_01"
_LONGEST = b"L" * (127 - len(_SUFFIX)) + _SUFFIX


def _job(
    name: bytes = b"{job}", key: bytes = b"{key}", job_id: bytes = b"{job_id}", session: bytes = b"1"
) -> Say:
    line = b"JobId=%b Job=%b SDid=%b SDtime=%b Authorization=%b ssl=4\n"
    return Say(line % (job_id, name, session, session, key))


_GOOD = tuple(
    Case(
        id=f"9.6.{number}",
        title=title,
        rule="A JobId command takes names of 127 bytes, keys of 100, and numbers of 32 bits.",
        source=_SCANS,
        play=(
            Login("tls"),
            command,
            Hear(OK_JOB),
            Say(b".status header"),
            HearText(Like(rb".* Version: .*")),
        ),
    )
    for number, title, command in (
        (1, "a job name of 127 bytes", _job(_LONGEST)),
        (2, "a key of 100 bytes", _job(key=b"K" * 100)),
        (3, "the highest job id", _job(job_id=b"2147483647")),
        (4, "the highest session numbers", _job(session=b"4294967295")),
    )
)

_BAD = tuple(
    Case(
        id=f"9.6.{number}",
        title=title,
        rule="A longer name makes the command a bad one: 2901 Bad Job, TERMINATE and the end.",
        source=_SCANS,
        play=(Login("tls"), command, Hear(b"2901 Bad Job\n"), Ends(terminate=True), Alive()),
    )
    for number, title, command in (
        (5, "a job name of 128 bytes", _job(b"L" + _LONGEST)),
        (6, "a job name of 5000 bytes", _job(b"L" * 5000)),
    )
)


def _ending(stage: Stage) -> str:
    end = stage.end
    if end is None:
        return "the job has no end"
    said = [
        message.text.decode(errors="replace").strip()[-200:]
        for message in stage.messages
        if message.type in (3, 4, 5, 8)
    ]
    return f"TermCode {end.status}, JobFiles={end.files}, Errors={end.errors}; {'; '.join(said) or 'nothing is said'}"


_CUT = tuple(
    Case(
        id=f"9.6.{number}",
        title=title,
        rule="A longer key does not fit the form with ssl=; the other one takes 100 bytes of it and no policy. "
        "To refuse it is as good.",
        source=_SCANS,
        play=(Login("tls"), command, HearOneOf((OK_JOB, b"2901 Bad Job\n", Like(rb"\D.*"))), Alive()),
    )
    for number, title, command in (
        (7, "a key of 101 bytes", _job(key=b"K" * 101)),
        (8, "a key of 10,000 bytes", _job(key=b"K" * 10_000)),
    )
)

CASES = (
    *_GOOD,
    *_BAD,
    *_CUT,
    Case(
        id="9.6.9",
        title="the longest job name is found again",
        rule="A job with a name of 127 bytes can be canceled by its whole name.",
        source="01 §11.6",
        play=(
            Login("tls"),
            _job(b"found-again-" + _LONGEST[12:]),
            Hear(OK_JOB),
            Login("tls", "other"),
            Say(b"cancel Job=found-again-%b\n" % _LONGEST[12:], on="other"),
            HearText(Like(rb"2001 Job found-again-\S+ marked to be canceled\.\n"), on="other"),
        ),
    ),
    Case(
        id="9.6.10",
        title="a path just below 4096 bytes",
        rule="A file is saved whatever the length of its path, as long as the system can open it.",
        source=_PATHS,
        needs=_FILES,
        play=(Deep(18), Announce(), *backup(lines(b"M")), EndJob("T", files=20, errors=0)),
    ),
    Case(
        id="9.6.11",
        title="a path above 4096 bytes",
        rule="What cannot be opened by its path is either saved or told, and the job ends in order.",
        source=_PATHS,
        informational=True,
        needs=_FILES,
        play=(Deep(24), Announce(), *backup(lines(b"M")), EndJob("TWE", within=20), Observed(_ending)),
    ),
    *(
        Case(
            id=f"9.6.{number}",
            title=f"a path of {size} bytes in the file set",
            rule="A name that no file can have is told as one that cannot be examined; the others are saved.",
            source=_PATHS,
            needs=_FILES,
            play=(
                _ONE,
                Announce(),
                *backup(lines(b"M", b"{tree}", b"{tree}/" + path)),
                EndJob("T", files=2),
            ),
        )
        for number, size, path in ((12, "5000", b"p" * 5000), (13, "40,000", b"p/" * 20_000))
    ),
    Case(
        id="9.6.14",
        title="a file set of two thousand lines",
        rule="A file set has no limit of lines.",
        source="02 §1.3",
        needs=_FILES,
        play=(
            _ONE,
            Announce(),
            *backup(lines(b"M", b"{tree}/a", extra=tuple(b"W *.no%d\n" % n for n in range(2000)))),
            EndJob("T", files=1),
        ),
    ),
    Case(
        id="9.6.15",
        title="a command with a very long argument",
        rule="An argument above its limit does not disturb what follows.",
        source="01 §2.2",
        play=(
            Login("tls"),
            *introduce(),
            SayLong(b"cancel Job=", 100_000, b"c"),
            HearText(Like(rb"290[12] .*")),
            Say(b".status header"),
            HearText(Like(rb".* Version: .*")),
            SaySignal(-4),
        ),
    ),
)

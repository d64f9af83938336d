"""How sessions begin, and the shortest proofs that one goes on or is over (protocol/02 §1.1, §4.2). Pure data."""

from fdconform.case import Step
from fdconform.dialogue import OK_JOB, introduce, level, storage
from fdconform.expect import Like, Wanted
from fdconform.talk import Ends, Hear, Login, Say
from fdconform.work import EndJob

type Steps = tuple[Step, ...]

CLEAR = Login("clear")
MARK = rb"(?:\S+:\d+ )?"
"""The place in its source that a daemon may put before a message."""

GOES_ON: Steps = (Say(b"getSecureEraseCmd\n"), Hear(b"2000 OK FDSecureEraseCmd *None*\n"))
"""The command loop is alive."""

TERMINATED: Steps = (Ends(terminate=True),)
"""The loop is over, and nothing but TERMINATE came."""

CREATED: Steps = (EndJob("C", files=0, errors=0, within=10),)
"""The loop is over, and nothing has gone wrong."""

FATAL: Steps = (EndJob("f", files=0, within=10),)
"""The loop is over after a fatal message."""


def job(role: str = "clear", on: str = "dir") -> Steps:
    """A session with a job."""
    return (Login(role, on), *introduce(role, on))


def disk_job(role: str = "clear", on: str = "dir") -> Steps:
    """A session with a job that has no Storage daemon."""
    line = b"JobId={job_id} Job={job} SDid=0 SDtime=0 Authorization=dummy ssl=254\n"
    return (Login(role, on), Say(line, on), Hear(OK_JOB, on=on))


def asked(command: bytes, *answers: Wanted, on: str = "dir") -> Steps:
    """One command and everything that is said to it."""
    return (Say(command, on), *(Hear(answer, on=on, raw=True) for answer in answers))


def script(
    command: bytes, when: int = 2, *, success: int = 1, failure: int = 0, abort: int = 1, on: str = "dir"
) -> Steps:
    """A client script; blanks in `command` travel as 0x01."""
    bashed = command.replace(b" ", b"\x01")
    line = b"Run OnSuccess=%d OnFailure=%d AbortOnError=%d When=%d Command=%b\n"
    return (Say(line % (success, failure, abort, when, bashed), on), Hear(b"2000 OK RunScript\n", on=on))


def run_now(answer: Wanted = b"2000 OK RunBeforeNow\n", on: str = "dir") -> Steps:
    """The Before scripts."""
    return (Say(b"RunBeforeNow\n", on), Hear(answer, on=on))


def listed(rows: tuple[bytes, ...], signal: Step, on: str = "dir") -> Steps:
    """A file set without its answer."""
    return (Say(b"fileset vss=1\n", on), *(Say(row, on) for row in rows), signal)


def connected(role: str = "tls", on: str = "dir") -> Steps:
    """A job whose Storage daemon (`Announce` it before) is connected."""
    return (*job(role, on), *level(on=on), *storage(role, on))


def begun(command: bytes, answer: Wanted, on: str = "dir") -> Steps:
    """The command that starts the work."""
    return (Say(command, on), Hear(answer, on=on))


def said_then(text: bytes, *, mark: bool = True) -> Like:
    """The bare text of a message in a session without a job."""
    return Like((MARK if mark else b"") + text)

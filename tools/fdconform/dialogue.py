"""What a Director usually says, as sequences of steps with the exact replies (protocol/02 §2). Pure data."""

from fdconform.case import Step
from fdconform.expect import Like, Signal
from fdconform.talk import Hear, HearText, Login, Say, SaySignal

type Steps = tuple[Step, ...]

FULL = b"level = full  mtime_only=0 \n"
OK_JOB = Like(rb"2000 OK Job [^\n]*")


def introduce(role: str = "tls", on: str = "dir", *, job: bytes = b"{job}") -> Steps:
    """The JobId command of a job that has a Storage daemon. The Directors of the roles "clear" do not name a policy."""
    ssl = b"" if role.startswith("clear") else b" ssl=4"
    line = b"JobId={job_id} Job=%b SDid={session_id} SDtime={session_time} Authorization={key}%b\n"
    return (Say(line % (job, ssl), on), Hear(OK_JOB, on=on))


def level(text: bytes = FULL, on: str = "dir") -> Steps:
    """A level without a time."""
    return (Say(text, on), Hear(b"2000 OK level\n", on=on))


def since(word: bytes, start: int, on: str = "dir", *, previous: bytes = b"earlier") -> Steps:
    """A level that builds on a job that began at `start` (seconds since 1970); the clocks are compared."""
    return (
        Say(b"level = %b  mtime_only=0 \n" % word, on),
        Say(b"level = since_utime %d mtime_only=0 prev_job=%b\n" % (start, previous), on),
        Hear(Signal(-1), on=on),
        Hear(b"2000 OK level\n", on=on),
    )


def lines(options: bytes = b"M", *paths: bytes, extra: tuple[bytes, ...] = ()) -> tuple[bytes, ...]:
    """The lines of a file set with one Options block over `paths` (default: the tree); `extra` stand after O."""
    options_lines = (b"O %b\n" % options,) if options else ()
    names = tuple(b"F %b\n" % path for path in paths or (b"{tree}",))
    return (b"I\n", *options_lines, *extra, b"N\n", *names, b"N\n", b"N\n")


def fileset(rows: tuple[bytes, ...], on: str = "dir") -> Steps:
    """A file set, line by line."""
    said = tuple(Say(row, on) for row in rows)
    return (Say(b"fileset vss=1\n", on), *said, SaySignal(-1, on), Hear(b"2000 OK include\n", on=on))


def storage(role: str = "tls", on: str = "dir", *, key: bool = False) -> Steps:
    """The daemon connects to the announced Storage daemon. `key`: as a restore says it."""
    ssl = b"0" if role.startswith("clear") else b"4"
    secret = b" Authorization={key}" if key else b""
    line = b"storage address={sd_host} port={sd_port} ssl=%b%b\n" % (ssl, secret)
    return (Say(line, on), Hear(b"2000 OK storage\n", on=on))


def erase(on: str = "dir") -> Steps:
    """The question for the secure erase command, which comes before every backup and restore."""
    return (Say(b"getSecureEraseCmd\n", on), Hear(Like(rb"2000 OK FDSecureEraseCmd [^\n]*\n"), on=on))


def backup_orders(rows: tuple[bytes, ...], role: str = "tls", on: str = "dir") -> Steps:
    """Login and all orders of a full backup up to the one that starts it."""
    return (
        Login(role, on),
        *introduce(role, on),
        *level(on=on),
        *fileset(rows, on),
        *erase(on),
        *storage(role, on),
    )


def backup(rows: tuple[bytes, ...], role: str = "tls", on: str = "dir") -> Steps:
    """A full backup, up to its acceptance. `Announce` must come before, `EndJob` after."""
    return (
        *backup_orders(rows, role, on),
        Say(b"backup FileIndex=0\n", on),
        Hear(b"2000 OK backup\n", on=on),
    )


def restore(
    command: bytes = b"restore replace=a prelinks=0 where={where}\n", role: str = "tls", on: str = "dir"
) -> Steps:
    """A restore from one storage, up to `endrestore`. `EndJob` must come after."""
    return (
        Login(role, on),
        *introduce(role, on),
        *erase(on),
        *storage(role, on, key=True),
        Say(command, on),
        Hear(b"2000 OK restore\n", on=on),
        Hear(b"2000 OK storage end\n", on=on, within=25),
        Say(b"endrestore", on),
    )


def verify(word: bytes, rows: tuple[bytes, ...], role: str = "tls", on: str = "dir") -> Steps:
    """A verify of the disk, up to its acceptance; its packets follow."""
    return (
        Login(role, on),
        Say(b"JobId={job_id} Job={job} SDid=0 SDtime=0 Authorization=dummy ssl=254\n", on),
        Hear(OK_JOB, on=on),
        *fileset(rows, on),
        Say(b"verify level=%b\n" % word, on),
        Hear(b"2000 OK verify\n", on=on),
    )


def estimate(rows: tuple[bytes, ...], listing: int = 0, role: str = "tls", on: str = "dir") -> Steps:
    """An estimate; its text is in `stage.heard`."""
    return (
        Login(role, on),
        Say(b"JobId=0 Job={job} SDid=0 SDtime=0 Authorization=dummy ssl=4\n", on),
        Hear(OK_JOB, on=on),
        *level(on=on),
        *fileset(rows, on),
        Say(b"estimate listing=%d\n" % listing, on),
        HearText(Like(rb".*2000 OK estimate files=[\d,]+ bytes=[\d,]+\n"), on=on),
    )


def cancel(role: str = "tls", on: str = "cancel") -> Steps:
    """Cancel this case's job from another connection; the Director does not wait for more than the answer."""
    return (
        Login(role, on),
        Say(b"cancel Job={job}\n", on),
        HearText(Like(rb"2001 Job \S+ marked to be canceled\.\n"), on=on, within=20),
    )

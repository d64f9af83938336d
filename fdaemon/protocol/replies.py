"""Every fixed reply to a Director, byte for byte (protocol/02 section 1.2). Text only."""

from dataclasses import dataclass

from fdaemon.errors import RemoteProtocolError
from fdaemon.outcome import Status
from fdaemon.wire.scan import Scanner

OK_LEVEL = b"2000 OK level\n"
OK_FILESET = b"2000 OK include\n"
OK_BACKUP = b"2000 OK backup\n"
OK_BOOTSTRAP = b"2000 OK bootstrap\n"
OK_RESTORE = b"2000 OK restore\n"
OK_STORAGE = b"2000 OK storage\n"
OK_STORAGE_END = b"2000 OK storage end\n"
OK_VERIFY = b"2000 OK verify\n"
OK_PLUGIN_OPTIONS = b"2000 OK PluginOptions\n"
OK_RUN_BEFORE_NOW = b"2000 OK RunBeforeNow\n"
OK_RUN_SCRIPT = b"2000 OK RunScript\n"
OK_RESTORE_OBJECT = b"2000 OK ObjectRestored\n"
OK_SESSION = b"2000 OK session\n"
OK_AUTHORIZATION = b"2000 OK Authorization\n"
OK_BANDWIDTH = b"2000 OK Bandwidth\n"

AUTHENTICATION_FAILED = b"2999 Authentication failed.\n"
INVALID_COMMAND = b"2999 Invalid command\n"
MONITOR_REFUSED = b"2997 Invalid command for a Director with Monitor directive enabled.\n"
BAD_JOB = b"2901 Bad Job\n"
BAD_BACKUP = b"2902 Bad backup\n"
BAD_STORAGE = b"2902 Bad storage\n"
BAD_AUTHORIZATION = b"2902 Bad setauthorization\n"
BAD_CANCEL = b"2902 Error scanning cancel command.\n"
BAD_ACCURATE = b"2991 Bad accurate command\n"
BAD_ESTIMATE = b"2992 Bad estimate command.\n"
BAD_STATUS = b"2900 Bad .status command, wrong argument.\n"
BAD_RESTORE_OBJECT = b"2909 Bad RestoreObject command.\n"
BAD_PLUGIN_OPTIONS = b"2905 Bad PluginOptions command.\n"
FAILED_RUN_SCRIPT = b"2905 Failed RunScript\n"


def ok_job(release: bytes, date: bytes, system: bytes, platform: bytes) -> bytes:
    """Answer to `JobId=`, without newline: e.g. `2000 OK Job 25.1.0 (03Aug26) Debian GNU/Linux 12
    (bookworm),debian`.

    `date` is the short form of the release date.
    """
    return b"2000 OK Job %b (%b) %b,%b" % (release, date, system, platform)


def ok_secure_erase(command: bytes | None) -> bytes:
    """Answer to `getSecureEraseCmd`; None stands for `*None*`."""
    return b"2000 OK FDSecureEraseCmd %b\n" % (b"*None*" if command is None else command)


def ok_estimate(files: int, size: int) -> bytes:
    """End of an estimate: files and bytes with commas."""
    return f"2000 OK estimate files={files:,} bytes={size:,}\n".encode()


def ok_debug(level: int, trace: int, hangup: int, timestamp: int | None, trace_file: bytes) -> bytes:
    """Answer to `setdebug=`; `timestamp` None for the forms without it."""
    middle = b"" if timestamp is None else b"timestamp=%d " % timestamp
    return b"2000 OK setdebug=%d trace=%d hangup=%d %btracefile=%b\n" % (
        level,
        trace,
        hangup,
        middle,
        trace_file,
    )


def marked_canceled(job: bytes) -> bytes:
    """Answer to `cancel` when the job exists."""
    return b"2001 Job %b marked to be canceled.\n" % job


def job_not_found(job: bytes) -> bytes:
    """Answer to `cancel` and first line of the answer to `setbandwidth=` for an unknown job."""
    return b"2901 Job %b not found.\n" % job


def resolved(name: bytes, host: bytes, addresses: list[tuple[int, bytes]]) -> bytes:
    """Answer to `resolve`: addresses as (4 or 6, text), IPv6 first."""
    listed = b"".join(b"host[ipv%d;%b] " % address for address in addresses)
    return b"%b resolves %b to %b\n" % (name, host, listed)


def not_resolved(name: bytes, host: bytes) -> bytes:
    """Answer to `resolve` when the name does not resolve."""
    return b"%b: Failed to resolve %b\n" % (name, host)


def bad_set_bandwidth(line: bytes) -> bytes:
    """`line` is the command as received, its newline included."""
    return b"2991 Bad setbandwidth command: %b\n" % line


def bad_set_debug(line: bytes) -> bytes:
    """`line` is the command as received, its newline included."""
    return b"2991 Bad setdebug command: %b\n" % line


def bad_verify_command(line: bytes) -> bytes:
    """Quotes the command, where C++ prints what its buffer happens to hold (protocol/05 section 2.2)."""
    return b"2994 Bad verify command: %b\n" % line.rstrip(b"\n")


def bad_verify_level(line: bytes) -> bytes:
    """Quotes the command, where C++ prints what its buffer happens to hold (protocol/05 section 2.2)."""
    return b"2994 Bad verify level: %b\n" % line.rstrip(b"\n")


def illegal_command(word: bytes) -> bytes:
    """Fatal job message when `Allowed Job Command` does not name `word`."""
    return b'Illegal "%b" command not allowed by Allowed Job Cmds setting of this filed.\n' % word


@dataclass(frozen=True, slots=True)
class EndJob:
    """The last line of a session with a JobId (protocol/02 section 4.3). `vss` and `encrypt` are 0 or 1."""

    code: int
    files: int
    read_bytes: int
    job_bytes: int
    errors: int
    vss: int = 0
    encrypt: int = 0

    def encode(self) -> bytes:
        """The wire form."""
        return (
            b"2800 End Job TermCode=%d JobFiles=%d ReadBytes=%d JobBytes=%d Errors=%d VSS=%d Encrypt=%d\n"
            % (self.code, self.files, self.read_bytes, self.job_bytes, self.errors, self.vss, self.encrypt)
        )


def end_job(
    status: Status, files: int, read_bytes: int, job_bytes: int, errors: int, *, encrypt: bool = False
) -> bytes:
    """The End Job line of a job that ended with `status`."""
    return EndJob(status.code, files, read_bytes, job_bytes, errors, 0, int(encrypt)).encode()


_END_JOB = Scanner(
    "2800 End Job TermCode=%d JobFiles=%u ReadBytes=%llu JobBytes=%llu Errors=%u VSS=%d Encrypt=%d\n"
)


def parse_end_job(packet: bytes) -> EndJob:
    """The End Job line as the Director reads it; all seven numbers are needed."""
    values = _END_JOB.scan(packet)
    if values is None:
        raise RemoteProtocolError(f"not an End Job line: {packet[:100]!r}")
    return EndJob(*(int(value) for value in values))

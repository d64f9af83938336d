"""What a File daemon says to the Storage daemon, and how its answers are read. Texts only; sends nothing.

Source: protocol/02 sections 5.2 and 5.4, core/src/filed/dir_cmd.cc: BackupCmd, OpenSdReadSession, response.
"""

from fdaemon.errors import JobFailed
from fdaemon.outcome import Status
from fdaemon.wire.scan import Scanner
from fdaemon.wire.text import c_string

APPEND_OPEN = b"append open session\n"
DATA_OK = b"3000 OK data\n"
APPEND_OK = b"3000 OK append data\n"
END_OK = b"3000 OK end\n"

APPEND_DATA = b"Append Data"
APPEND_END = b"Append End"
READ_DATA = b"Read Data"

NO_CONNECTION_BACKUP = b"Cannot contact Storage daemon\n"
NO_CONNECTION_READ = b"Improper calling sequence.\n"
AUTHENTICATION_FAILED = b"Failed to authenticate Storage daemon.\n"
PASSIVE_AUTHENTICATION_FAILED = b"Unable to authenticate Storage daemon\n"
TLS_FAILED = b"TLS negotiation failed\n"
CLOSE_FAILED = b"Append Close with SD failed.\n"

_TICKET = Scanner("3000 OK open ticket = %d\n")
_CLOSE = Scanner("3000 OK close Status = %d\n")


def append_data(ticket: int) -> bytes:
    """Asks for the start of the stream."""
    return b"append data %d\n" % ticket


def append_end(ticket: int) -> bytes:
    """After the stream; only when APPEND_OK has been received (no pipelining, protocol/02 section 5.2)."""
    return b"append end session %d\n" % ticket


def append_close(ticket: int) -> bytes:
    """The last command of a backup."""
    return b"append close session %d\n" % ticket


def read_open(
    session_id: int,
    session_time: int,
    start_file: int = 0,
    end_file: int = 0,
    start_block: int = 0,
    end_block: int = 0,
) -> bytes:
    """Opens a read session; only the deprecated `session` command sets the last four."""
    numbers = (session_id, session_time, start_file, end_file, start_block, end_block)
    return b"read open session = DummyVolume %d %d %d %d %d %d\n" % numbers


def read_data(ticket: int) -> bytes:
    """Asks for the records."""
    return b"read data %d\n" % ticket


def read_close(ticket: int) -> bytes:
    """After the records; one packet is read, whatever it says."""
    return b"read close session %d\n" % ticket


def _open_ticket(reply: bytes | int | None, bad: bytes, none: bytes) -> int:
    if not isinstance(reply, bytes):
        raise JobFailed(none)
    values = _TICKET.scan(reply)
    if values is None:
        raise JobFailed(bad % c_string(reply))
    return int(values[0])


def append_ticket(reply: bytes | int | None) -> int:
    """The ticket in the answer to APPEND_OPEN. A signal, None (connection lost), other texts: JobFailed."""
    return _open_ticket(
        reply, b"Bad response to append open: %b\n", b"Bad response from stored to open command\n"
    )


def read_ticket(reply: bytes | int | None) -> int:
    """The ticket in the answer to `read_open`. A signal, None (connection lost), other texts: JobFailed."""
    return _open_ticket(
        reply, b"Bad response to SD read open: %b\n", b"Bad response from stored to read open command\n"
    )


def check_reply(reply: bytes | int, wanted: bytes, command: bytes) -> None:
    """JobFailed unless `reply` is exactly `wanted`; `command` is APPEND_DATA, APPEND_END or READ_DATA."""
    got = c_string(reply) if isinstance(reply, bytes) else b""
    if got != wanted:
        raise JobFailed(b"Bad response to %b command. Wanted %b, got %b\n" % (command, wanted, got))


def connection_lost(command: bytes, error: bytes) -> JobFailed:
    """The failure of a job whose Storage connection broke while an answer was awaited."""
    return JobFailed(b"Comm error with SD. bad response to %b. ERR=%b\n" % (command, error))


def send_failed(error: bytes) -> JobFailed:
    """The failure of a job whose stream could not be sent (core/src/filed/backup.cc)."""
    return JobFailed(b"Network send error to SD. ERR=%b\n" % error)


def close_status(reply: bytes) -> int | None:
    """The status number in an answer to `append_close`, None when the packet says something else."""
    values = _CLOSE.scan(reply)
    return None if values is None else int(values[0])


def check_close(status: int | None) -> None:
    """JobFailed unless the Storage daemon closed the session with status T or W; None: it never said."""
    if status is None:
        raise JobFailed(CLOSE_FAILED)
    if status not in (Status.TERMINATED.code, Status.WARNINGS.code):
        raise JobFailed(b"Bad status %d returned from Storage Daemon.\n" % status)


def connected(address: bytes, port: int, encryption: bytes | None) -> bytes:
    """Info message once the connection stands; `encryption` is `CIPHER PROTOCOL`, None in clear text."""
    shown = encryption or b"None"
    return b"Connected Storage daemon at %b:%d, encryption: %b\n" % (address, port, shown)


def encryption_line(encryption: bytes | None) -> bytes:
    """Info message before the hello, with its leading space."""
    return b" Encryption: %b\n" % (encryption or b"None")


def retrying(address: bytes, port: int, error: bytes) -> bytes:
    """Warning from the second failed attempt on, then about every five minutes."""
    return b"Could not connect to Storage daemon on %b:%d. ERR=%b\nRetrying ...\n" % (address, port, error)


def unable_to_connect(address: bytes, port: int, error: bytes) -> bytes:
    """Fatal text when the last attempt failed; `failed_to_connect` follows it."""
    return b"Unable to connect to Storage daemon on %b:%d. ERR=%b\n" % (address, port, error)


def failed_to_connect(address: bytes, port: int) -> bytes:
    """Fatal text of the `storage` command."""
    return b"Failed to connect to Storage daemon: %b:%d\n" % (address, port)


def name_not_resolved(address: bytes, error: bytes) -> bytes:
    """Error text for a name that does not resolve; there is no second attempt."""
    return b'BnetHost2IpAddrs() for host "%b" failed: ERR=%b\n' % (address, error)

"""Cases of the other direction as data: what the File daemon that the tester plays does, and what must come of it."""

from dataclasses import dataclass
from enum import Enum, auto, unique
from typing import Final

from fdconform.expect import Like, Nothing, Signal, Wanted

BACKUP: Final = "run job=conform-backup client={client} level=Full yes"
"""The console's order of most cases."""
END: Final = (
    b"2800 End Job TermCode=84 JobFiles={files} ReadBytes={bytes} JobBytes={bytes} Errors=0 VSS=0 Encrypt=0\n"
)
FAILED_END: Final = b"2800 End Job TermCode=102 JobFiles=0 ReadBytes=0 JobBytes=0 Errors=1 VSS=0 Encrypt=0\n"


@unique
class Login(Enum):
    """How the File daemon authenticates and lets in."""

    GOOD = auto()
    WRONG_ANSWER = auto()
    """It answers the Director's challenge with the wrong key."""
    REFLECTED = auto()
    """It sends the Director's own challenge back and waits for the answer to it."""
    SUSPICIOUS = auto()
    """It refuses the Director's right answer."""
    SILENT_CLOSE = auto()
    """It closes when the Hello has come."""
    CLEAR_ONLY = auto()
    """It closes when TLS begins, and accepts a Director in the clear."""


@unique
class DataLogin(Enum):
    """How it introduces itself to the Storage daemon."""

    GOOD = auto()
    WRONG_KEY = auto()
    UNKNOWN_JOB = auto()
    NO_HELLO = auto()


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to an order that begins with `to`: `first`, then `say` (None: the usual), then nothing more if
    `close`. Numbers are signals; `{name}` is filled in. The first Answer that fits counts."""

    to: bytes
    say: tuple[bytes | int, ...] | None = None
    first: tuple[bytes | int, ...] = ()
    close: bool = False


@dataclass(frozen=True, slots=True)
class SdSay:
    """One packet to the Storage daemon; `{ticket}` is what it gave, `{job}` the job."""

    text: bytes


@dataclass(frozen=True, slots=True)
class SdSignal:
    """One signal to the Storage daemon."""

    number: int


@dataclass(frozen=True, slots=True)
class SdRaw:
    """Bytes to the Storage daemon, not framed."""

    data: bytes


@dataclass(frozen=True, slots=True)
class SdHear:
    """What the Storage daemon must say next; heartbeats are passed over. `lenient` is tolerable too."""

    wanted: Wanted
    lenient: tuple[Wanted, ...] = ()


@dataclass(frozen=True, slots=True)
class SdClose:
    """Hang up on the Storage daemon."""


@dataclass(frozen=True, slots=True)
class SdHearRecords:
    """Records up to EOD; at least one of each of these streams must be among them, headers must be right."""

    streams: frozenset[int]


type SdMove = SdSay | SdSignal | SdRaw | SdHear | SdClose | SdHearRecords


@dataclass(frozen=True, slots=True)
class Piece:
    """One stream of a file: its header's numbers and its packets."""

    file_index: int
    stream: int
    packets: tuple[bytes, ...]


CONTENT: Final = b"conformance\n"
_STAT: Final = b"P4A IQUT IGk C A A A %b BAA I BrA6za BlU/EA BrA6zZ A A C"
MD5: Final = bytes.fromhex("1a79a4d60de6718e8e5b326e338ae533")
"""A digest (not that of CONTENT: neither daemon may look)."""


def attributes(index: int, name: bytes, file_type: int = 3) -> Piece:
    """An attributes record of a file of CONTENT's length."""
    record = b"%d %d %b\0%b\0\0\x000\0" % (index, file_type, name, _STAT % b"M")
    return Piece(index, 1, (record,))


def a_file(index: int, name: bytes) -> tuple[Piece, ...]:
    """A plain file with its data and digest."""
    return attributes(index, name), Piece(index, 2, (CONTENT,)), Piece(index, 3, (MD5,))


FILES: Final = (*a_file(1, b"/conform/one"), *a_file(2, b"/conform/two"), attributes(3, b"/conform/", 5))
"""A small backup: two files and their directory."""

OPEN_APPEND: Final = (
    SdSay(b"append open session\n"),
    SdHear(Like(rb"3000 OK open ticket = (?P<ticket>\d+)\n")),
)
GRANTED: Final = (*OPEN_APPEND, SdSay(b"append data {ticket}\n"), SdHear(b"3000 OK data\n"))
CLOSE_APPEND: Final = (
    SdSay(b"append end session {ticket}\n"),
    SdHear(b"3000 OK end\n"),
    SdSay(b"append close session {ticket}\n"),
    SdHear(b"3000 OK close Status = 84\n"),
    SdHear(Signal(-1)),
    SdSignal(-4),
)


def sent(pieces: tuple[Piece, ...]) -> tuple[SdMove, ...]:
    """The packets of these streams and their ends."""
    moves: list[SdMove] = []
    for piece in pieces:
        moves.append(SdSay(b"%d %d 0" % (piece.file_index, piece.stream)))
        moves += [SdSay(packet) for packet in piece.packets]
        moves.append(SdSignal(-1))
    return tuple(moves)


def append(pieces: tuple[Piece, ...] = FILES) -> tuple[SdMove, ...]:
    """A whole append session, all right."""
    return (*GRANTED, *sent(pieces), SdSignal(-1), SdHear(b"3000 OK append data\n"), *CLOSE_APPEND)


READ: Final[tuple[SdMove, ...]] = (
    SdSay(b"read open session = DummyVolume 1 1 0 0 0 0\n"),
    SdHear(Like(rb"3000 OK open ticket = (?P<ticket>\d+)\n")),
    SdSay(b"read data {ticket}\n"),
    SdHear(b"3000 OK data\n"),
    SdHearRecords(frozenset({1, 2, 3})),
    SdSay(b"read close session {ticket}\n"),
    SdHear(Like(rb"3000 OK close Status = \d+\n")),
    SdSignal(-4),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the played File daemon does. Everything not named is done as a good one does it.

    `data` is the dialogue with the Storage daemon, `during` what the Director is told after the acceptance and
    `end` at the end; `reports` are the packets of a verify; `leaves` hangs up instead of saying TERMINATE.
    """

    login: Login = Login.GOOD
    greeting: bytes = b"2000 OK Hello 54\n"
    answers: tuple[Answer, ...] = ()
    data_login: DataLogin = DataLogin.GOOD
    data: tuple[SdMove, ...] = append()
    during: tuple[bytes | int, ...] = ()
    end: tuple[bytes | int, ...] = (END,)
    reports: tuple[bytes, ...] = ()
    leaves: bool = False
    awaits_cancel: bool = False
    """Wait for a cancel, with the append session open and nothing sent yet, in the place of `data`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """How it must come out: the letter that the job ends with in the catalog, regular expressions (over lines) that
    the job's log or the console must show, and must not. `lenient` letters are NON-STRICT."""

    status: str = ""
    lenient: str = ""
    log: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    reached: tuple[bytes, ...] = ()
    """Beginnings of orders that the Director must have sent."""
    unreached: tuple[bytes, ...] = ()
    query: str = ""
    """An SQL question about `{job_id}` to the catalog; `found` must match what the console prints then."""
    found: str = ""


GOOD: Final = Expected(status="T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReverseCase:
    """A numbered case. `order` is what the console is told: `{client}` is the client that plays, `{backup}` a backup
    that it made before (`needs_backup`). `meanwhile` is told once the job runs its data."""

    id: str
    title: str
    rule: str
    source: str
    plan: Plan = Plan()
    order: str = BACKUP
    expected: Expected = GOOD
    needs_backup: bool = False
    meanwhile: str = ""
    informational: bool = False
    limit: float = 120.0

    @property
    def number(self) -> tuple[int, ...]:
        """The id as numbers, to sort by."""
        return tuple(int(part) for part in self.id.removeprefix("R").split("."))


CLOSED: Final = Nothing.CLOSED
TERMINATE_SIGNAL: Final = Signal(-4)
EMPTY_BACKUP: Final = (*GRANTED, SdSignal(-1), SdHear(b"3000 OK append data\n"), *CLOSE_APPEND)
"""A session without a single record."""

"""Rows of a recording as typed values: who sent which packet or signal to whom, when. Reads, never judges."""

import base64
import gzip
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto, unique
from pathlib import Path
from typing import Any, Final

TERMINATE: Final = -4
EOD: Final = -1


class RecordingError(Exception):
    """A file that is no recording, with the line where that shows."""


@unique
class Kind(Enum):
    """What a row tells."""

    OPEN = auto()
    PACKET = auto()
    SIGNAL = auto()
    CLOSE = auto()


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `link` says who dialled whom (`dir-fd`), `sender` is `dir`, `fd` or `sd`, `time` in seconds.

    Of a packet above 6,000 bytes only its `size`, `digest` (SHA-256 hex) and `head` (64 bytes) are known, and
    `payload` is None; of any other `head` is the payload. `number` is that of a signal.
    """

    connection: int
    link: str
    sender: str
    time: float
    kind: Kind
    head: bytes = b""
    payload: bytes | None = None
    size: int = 0
    digest: str = ""
    number: int = 0
    note: str = ""

    @property
    def receiver(self) -> str:
        """The other end of the connection."""
        near, _, far = self.link.partition("-")
        return far if self.sender == near else near

    def is_signal(self, number: int) -> bool:
        """Whether this is that signal."""
        return self.kind is Kind.SIGNAL and self.number == number

    def is_packet(self, *beginnings: bytes) -> bool:
        """Whether this is a packet that begins with one of these."""
        return self.kind is Kind.PACKET and self.head.startswith(beginnings)


def rows_of(entries: Iterable[Mapping[str, Any]]) -> list[Row]:
    """Entries of a transcript (see `fdpeers.transcript`) as values. Raises RecordingError."""
    links: dict[int, str] = {}
    clock = 0.0
    rows: list[Row] = []
    for number, entry in enumerate(entries, 1):
        try:
            clock = float(entry.get("t", clock))
            rows.append(_row(entry, clock, links))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RecordingError(f"entry {number} is none of a recording: {error!r}") from error
    return rows


def _row(entry: Mapping[str, Any], clock: float, links: dict[int, str]) -> Row:
    connection = int(entry["conn"])
    if "open" in entry:
        links[connection] = str(entry["open"])
        return Row(connection, links[connection], "", clock, Kind.OPEN)
    link, sender = links[connection], str(entry.get("from", ""))
    if "signal" in entry:
        number = int(entry["signal"])
        if number == 0:  # the first recorder took the empty packet for a signal
            return Row(connection, link, sender, clock, Kind.PACKET, b"", b"")
        return Row(connection, link, sender, clock, Kind.SIGNAL, number=number)
    if "text" in entry or "b64" in entry:
        payload = entry["text"].encode() if "text" in entry else base64.b64decode(entry["b64"])
        return Row(connection, link, sender, clock, Kind.PACKET, payload, payload, len(payload))
    if "sha256" in entry:
        head = base64.b64decode(entry["head_b64"])
        size, digest = int(entry["len"]), str(entry["sha256"])
        return Row(connection, link, sender, clock, Kind.PACKET, head, None, size, digest)
    if entry.get("close"):
        return Row(connection, link, sender, clock, Kind.CLOSE)
    return Row(connection, link, sender, clock, Kind.CLOSE, note=str(entry["note"]))


def read(path: Path) -> list[Row]:
    """The rows of a recording, packed with gzip or not. Raises RecordingError, OSError."""
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        try:
            entries = [json.loads(line) for line in lines if line.strip()]
        except (ValueError, EOFError, gzip.BadGzipFile) as error:
            raise RecordingError(f"{path.name} is no recording: {error}") from error
    return rows_of(entries)

"""Prints a recording as a readable dialogue: who said what to whom, what the data is, and where the charts stand."""

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from fdaemon.errors import RemoteProtocolError
from fdaemon.wire.attributes import decode_attributes
from fdaemon.wire.framing import Signal
from fdaemon.wire.streams import ATTRIBUTES, STREAM_MASK, Stream
from fdconform.follow import follow
from fdconform.followed import Followed
from fdconform.rows import EOD, Kind, RecordingError, Row, read, rows_of
from statecharts.tracker import Transition

SHOWN: Final = 160
"""Characters of a packet that are shown without `--long`."""
_HEADER: Final = re.compile(rb"(-?\d+) (-?\d+) \S+")
_RECORD: Final = re.compile(rb"rechdr (\d+) (\d+) (-?\d+) (-?\d+) (\d+)")
_PEERS: Final = {"dir": "Director", "fd": "File daemon", "sd": "Storage daemon"}
_DATA_COLOURS: Final = {"dir": "cyan", "fd": "green", "sd": "magenta"}
_DIGEST_BYTES: Final = 64


class _Data:
    """What the packets of one Storage daemon connection are: headers and data look alike otherwise."""

    def __init__(self) -> None:
        self._appending = False
        self._record: tuple[int, int] | None = None

    def meaning(self, row: Row) -> str:
        """How to show this row, or "" for as it is."""
        if row.is_packet(b"append data"):
            self._appending, self._record = True, None
        elif row.is_packet(b"append end", b"append close"):
            self._appending = False
        if row.kind is not Kind.PACKET:
            if row.is_signal(EOD) and row.sender == "fd" and self._appending:
                ended, self._record = self._record, None
                return "end of the stream" if ended else "end of the data"
            return ""
        if header := _RECORD.match(row.head):
            self._record = int(header[3]), int(header[4])
            return f"record: file {header[3].decode()}, {stream_name(int(header[4]))}, {header[5].decode()} bytes"
        if self._record is None:
            if self._appending and row.sender == "fd" and (found := _HEADER.fullmatch(row.head)):
                self._record = int(found[1]), int(found[2])
                return f"header: file {self._record[0]}, {stream_name(self._record[1])}"
            return ""
        return self._data(row)

    def _data(self, row: Row) -> str:
        assert self._record is not None
        sender = "fd" if self._appending else "sd"
        if row.sender != sender:
            return ""
        stream = self._record[1]
        if not self._appending:
            self._record = None
        return data_text(row, stream)


def stream_name(number: int) -> str:
    """A stream number with its name."""
    kind = number & STREAM_MASK
    name = Stream(kind).name if kind in Stream else "unknown stream"
    return f"stream {number} {name}"


def data_text(row: Row, stream: int) -> str:
    """One packet of data of a stream, for people."""
    kind = stream & STREAM_MASK
    if row.payload is None:
        return f"{row.size} bytes, SHA-256 {row.digest[:16]}…"
    if kind in ATTRIBUTES:
        try:
            record = decode_attributes(row.payload)
        except RemoteProtocolError as error:
            return f"attributes that cannot be read: {error}"
        name = _escaped(record.name.decode("utf-8", "backslashreplace"))
        link = f" -> {_escaped(record.link.decode('utf-8', 'backslashreplace'))}" if record.link else ""
        return f"attributes of file {record.file_index}, type {record.type}: {name}{link}"
    if kind in Stream and "DIGEST" in Stream(kind).name and row.size <= _DIGEST_BYTES:
        return f"digest {row.payload.hex()}"
    return f"{row.size} bytes: {_visible(row.payload)}"


def _visible(data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return data.hex(" ")
    return _escaped(text)


def _escaped(text: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def row_text(row: Row, meaning: str = "") -> str:
    """What one row says, in one line."""
    match row.kind:
        case Kind.OPEN:
            near, _, far = row.link.partition("-")
            return f"{_PEERS.get(near, near)} connects to {_PEERS.get(far, far)}"
        case Kind.CLOSE:
            return f"closes {row.note}".rstrip()
        case Kind.SIGNAL:
            name = Signal(row.number).name if row.number in Signal else "unknown signal"
            shown = f"[{name}] {row.number}"
            return f"{shown} {meaning}".rstrip()
        case Kind.PACKET if meaning:
            return meaning
        case Kind.PACKET if row.payload is None:
            return f"{row.size} bytes, SHA-256 {row.digest[:16]}…: {_visible(row.head)}…"
        case Kind.PACKET:
            return _visible(row.head) if row.head else "(empty packet)"


def moves_text(moves: Sequence[Transition]) -> str:
    """The transitions of a row: chart, event and the state that it leads to."""
    return "; ".join(f"{m.chart} {m.event.name} → {m.target.value}" for m in moves)


def lines_of(rows: Sequence[Row]) -> Iterator[tuple[Row, str]]:
    """Every row with its text."""
    data: dict[int, _Data] = {}
    for row in rows:
        if row.link in ("fd-sd", "sd-fd"):
            meaning = data.setdefault(row.connection, _Data()).meaning(row)
            yield row, row_text(row, meaning)
        else:
            yield row, row_text(row)


def dialogue(rows: Sequence[Row], followed: Followed, *, long: bool = False) -> Table:
    """The whole recording as a table."""
    table = Table(box=None, pad_edge=False, show_header=True, header_style="bold")
    table.add_column("time", justify="right", no_wrap=True)
    table.add_column("conn", justify="right", no_wrap=True)
    table.add_column("who", no_wrap=True)
    table.add_column("says", overflow="fold", ratio=3)
    table.add_column("charts", overflow="fold", ratio=1, style="dim")
    strange = {item.row: item.text for item in followed.strange}
    for number, (row, text) in enumerate(lines_of(rows)):
        said = text if long or len(text) <= SHOWN else f"{text[:SHOWN]}…"
        who = f"{row.sender} → {row.receiver}" if row.sender else row.link
        moves = Text(moves_text(followed.moves[number]))
        if number in strange:
            moves.append(f"  not in the chart: {strange[number]}", "bold red")
        table.add_row(
            f"{row.time:.3f}",
            str(row.connection),
            who,
            Text(said, _DATA_COLOURS.get(row.sender, "bold")),
            moves,
        )
    return table


def add_decode(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The subcommand `decode`; its options have `act`, which gives the exit status."""
    parser = commands.add_parser("decode", help="print recordings as readable dialogues with chart states")
    parser.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="a recording, *.jsonl or *.jsonl.gz"
    )
    parser.add_argument(
        "--case", metavar="ID", help="of a report only this case (default: all with transcripts)"
    )
    parser.add_argument("--long", action="store_true", help="show packets whole")
    parser.set_defaults(act=decode)


def decode(options: argparse.Namespace) -> int:
    """Print all files. 2 if one cannot be read, 1 if a chart does not allow something in one, else 0."""
    console = Console(highlight=False, soft_wrap=False)
    status = 0
    for path in options.files:
        try:
            found = recordings(path, options.case)
        except (OSError, RecordingError) as error:
            print(f"fdconform: {path}: {error}", file=sys.stderr)
            status = 2
            continue
        for title, rows in found:
            followed = follow(rows)
            console.print(Text(title, "bold"))
            console.print(dialogue(rows, followed, long=options.long))
            if followed.strange:
                status = max(status, 1)
                console.print(
                    Text(f"{len(followed.strange)} events that the charts do not allow", "bold red")
                )
    return status


def recordings(path: Path, case: str | None = None) -> list[tuple[str, list[Row]]]:
    """What a file holds, with titles: one recording, or the transcripts of a report. Raises RecordingError, OSError."""
    if path.suffix != ".json":
        return [(str(path), read(path))]
    try:
        document = json.loads(path.read_text())
        entries = document.get("cases", document.get("reverse"))
        transcripts = [
            (str(entry.get("id", entry.get("case"))), entry.get("transcript", entry.get("rows")))
            for entry in entries
        ]
    except (ValueError, AttributeError, TypeError) as error:
        raise RecordingError(f"no report of fdconform: {error}") from error
    found = [(f"{path} {name}", rows_of(rows)) for name, rows in transcripts if rows and case in (None, name)]
    if not found:
        raise RecordingError("no transcript of a case that is wanted; `--keep` keeps those of good cases")
    return found

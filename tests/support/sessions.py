"""Recorded sessions of the real daemons as typed values.

A session is one JSON-lines file (`.jsonl` or `.jsonl.gz`): `conn` numbers a connection whose `open` line
says who dialled whom, `from` is the sender, and a packet has its payload as `text` or `b64`, or (above 6,000
bytes) only its `sha256` and first bytes. One path was shortened after the recording (`tracefile=` in
setdebug), so `len` counts only for big packets.
"""

import base64
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
RECORDED = ROOT / "tests" / "recorded" / "sessions"
"""The sessions that every checkout has, some of them packed."""
RELEASE = "25"
"""The release of the daemons in those."""
OTHERS = ("22", "23", "24", "26")
"""Releases whose sessions stand beside them, in `sessions-RELEASE`."""
SHARED = ROOT.parent / "shared" / "captures" / "sessions"
"""All sessions, where the recordings lie beside the project."""

DIRECTOR_PASSWORD = b"fdpw"
STORAGE_PASSWORD = b"sdpw"


@dataclass(frozen=True, slots=True)
class Opened:
    """Somebody dialled: `link` is `dir-fd`, `dir-sd`, `fd-sd` or `sd-fd` (caller first)."""

    connection: int
    link: str
    time: float


@dataclass(frozen=True, slots=True)
class Packet:
    """A data packet. `payload` is None for a big one, of which `digest` (SHA-256 hex) and `head` are
    known.
    """

    connection: int
    link: str
    sender: str
    time: float
    size: int
    payload: bytes | None
    digest: str
    head: bytes


@dataclass(frozen=True, slots=True)
class Signalled:
    """A signal, or the empty packet (number 0)."""

    connection: int
    link: str
    sender: str
    time: float
    number: int


@dataclass(frozen=True, slots=True)
class Closed:
    """The sender closed; `note` says how the relay saw it end, where it said so."""

    connection: int
    link: str
    sender: str
    time: float
    note: str


type Event = Opened | Packet | Signalled | Closed


@dataclass(frozen=True, slots=True)
class Session:
    """One recording, events in the order seen, of the daemons of one `release`."""

    name: str
    events: tuple[Event, ...]
    release: str = RELEASE

    @property
    def connections(self) -> dict[int, str]:
        """Connection number to link."""
        return {event.connection: event.link for event in self.events if isinstance(event, Opened)}

    def traffic(self, connection: int, sender: str | None = None) -> list[Packet | Signalled]:
        """Packets and signals of one connection, of one sender or both."""
        return [
            event
            for event in self.events
            if isinstance(event, Packet | Signalled)
            and event.connection == connection
            and sender in (None, event.sender)
        ]

    def packets(self, link: str, sender: str | None = None) -> list[Packet]:
        """All data packets on connections of one kind."""
        return [
            event
            for event in self.events
            if isinstance(event, Packet) and event.link == link and sender in (None, event.sender)
        ]

    def payloads(self, link: str, sender: str | None = None) -> list[bytes]:
        """The payloads of those packets that are recorded whole."""
        return [p.payload for p in self.packets(link, sender) if p.payload is not None]


def _events(lines: Iterator[dict[str, Any]]) -> Iterator[Event]:
    links: dict[int, str] = {}
    clock = 0.0
    for line in lines:
        connection, clock = int(line["conn"]), float(line.get("t", clock))
        if "open" in line:
            links[connection] = line["open"]
            yield Opened(connection, line["open"], clock)
            continue
        link, sender = links[connection], str(line.get("from", ""))
        if "signal" in line:
            yield Signalled(connection, link, sender, clock, int(line["signal"]))
        elif "len" in line:
            payload: bytes | None = None
            if "text" in line:
                payload = line["text"].encode()
            elif "b64" in line:
                payload = base64.b64decode(line["b64"])
            size = int(line["len"]) if payload is None else len(payload)
            head = base64.b64decode(line["head_b64"]) if "head_b64" in line else (payload or b"")[:64]
            digest = str(line.get("sha256", ""))
            yield Packet(connection, link, sender, clock, size, payload, digest, head)
        elif "close" in line or "note" in line:
            yield Closed(connection, link, sender, clock, str(line.get("note", "")))
        else:
            raise ValueError(f"recorded line of unknown kind: {sorted(line)}")


def read(path: Path, release: str = RELEASE) -> Session:
    """One session file, packed or not."""
    packed = path.suffix == ".gz"
    with gzip.open(path, "rt", encoding="utf-8") if packed else path.open(encoding="utf-8") as lines:
        events = tuple(_events(json.loads(line) for line in lines if line.strip()))
    return Session(_name(path), events, release)


def _name(path: Path) -> str:
    return path.name.removesuffix(".gz").removesuffix(".jsonl")


def _files(folder: Path) -> dict[str, Path]:
    return {_name(path): path for path in sorted(folder.glob("*.jsonl*"))}


@cache
def recorded(name: str) -> Session:
    """A session that every checkout has."""
    return read(_files(RECORDED)[name])


@cache
def other(release: str, name: str) -> Session:
    """A session of the daemons of another release, which every checkout has."""
    return read(_files(_other_folder(release))[name], release)


def other_names(release: str) -> list[str]:
    """Names for `other`."""
    return sorted(_files(_other_folder(release)))


def _other_folder(release: str) -> Path:
    return RECORDED.with_name(f"sessions-{release}")


def recorded_names() -> list[str]:
    """Names for `recorded`."""
    return sorted(_files(RECORDED))


@cache
def shared(name: str) -> Session:
    """A session of the full set; skips the test where neither that nor a copy is at hand."""
    path = _files(SHARED).get(name) or _files(RECORDED).get(name)
    if path is None:
        pytest.skip(f"the recorded session {name} is not beside this checkout")
    return read(path)


def _all() -> dict[str, Path]:
    return _files(RECORDED) | _files(SHARED)


def every_session() -> Iterator[Session]:
    """The full set where it is present, and otherwise those that every checkout has; then the other releases'."""
    for path in _all().values():
        yield read(path)
    for release in OTHERS:
        for name in other_names(release):
            yield other(release, name)


def sweep_names() -> list[str]:
    """Names for `sweep`: the full set where it is present, and otherwise those that every checkout has."""
    return sorted(_all())


def sweep(name: str) -> Session:
    """A session by a name of `sweep_names`."""
    return shared(name)

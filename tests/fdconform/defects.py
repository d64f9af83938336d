"""Deliberate defects of a File daemon, switched on by name: a conformance tester must notice each of them.

Most change what goes out on the wire; the others make the daemon do something wrong inside. For tests only.
"""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from fdaemon.fileset.compare import AccurateComparison
from fdaemon.fs import apply as attributes
from fdaemon.fs.create import Creator
from fdaemon.fs.hardlinks import HardLinkTable
from fdaemon.jobs.job import Job
from fdaemon.jobs.restore import Restorer
from fdaemon.jobs.restore_extended import ExtendedWriter
from fdaemon.net.packets import PacketStream
from fdaemon.protocol import cram
from fdaemon.session import arrival
from fdaemon.session.control import DirectorSession
from fdaemon.wire import framing
from fdaemon.wire.framing import PacketReader, Signal, frame, signal

type Item = bytes | int
"""A packet, or the number of a signal."""
type Change = Callable[[PacketStream, Item], list[Item]]
"""What goes out in the place of one packet or signal."""

_HEADER = re.compile(rb"(\d+) (\d+) 0")
_DIGESTS = frozenset({3, 10, 17, 18, 40})
_COMPRESSED = 29
_VERIFY_DIGEST = rb"^(\d+) (?:3|10|17|18|40) \S+ \*"
_TO_STORAGE = "Storage daemon"


@dataclass(frozen=True, slots=True)
class Defect:
    """`name` switches it on; `what` says it in a sentence; `tried_by` are the chapters that should notice."""

    name: str
    what: str
    tried_by: tuple[str, ...]
    install: Callable[[], None]


def _outgoing(change: Change) -> Callable[[], None]:
    """A defect of the wire: each packet and signal that the daemon sends goes through `change`."""

    def install() -> None:
        transmit = PacketStream._transmit

        async def changed(self: PacketStream, wire: bytes | bytearray | memoryview) -> bool:
            return await transmit(self, b"".join(_rewritten(self, bytes(wire), change)))

        _patch(PacketStream, "_transmit", changed)()

    return install


def _rewritten(stream: PacketStream, wire: bytes, change: Change) -> Iterator[bytes]:
    reader = PacketReader()
    reader.receive_data(wire)
    while (item := reader.next_packet()) is not None:
        for one in change(stream, item):
            yield signal(one) if isinstance(one, int) else frame(one)


def _is_storage(stream: PacketStream) -> bool:
    return stream.name == _TO_STORAGE


def _text(pattern: bytes, replacement: bytes | Callable[["re.Match[bytes]"], bytes]) -> Change:
    """Packets of the Director connection: the pattern is replaced."""
    compiled = re.compile(pattern, re.DOTALL)

    def change(stream: PacketStream, item: Item) -> list[Item]:
        return [item if isinstance(item, int) or _is_storage(stream) else compiled.sub(replacement, item)]

    return change


def _records(change: Callable[[int, int, bytes], tuple[int, int, bytes] | None]) -> Change:
    """Records on their way to the Storage daemon: (FileIndex, stream, data), None drops the record."""
    headers: dict[int, tuple[int, int]] = {}

    def apply(stream: PacketStream, item: Item) -> list[Item]:
        if isinstance(item, int) or not _is_storage(stream):
            return [item]
        here = id(stream)
        if here in headers:
            index, number = headers.pop(here)
            changed = change(index, number, item)
            return [] if changed is None else [b"%d %d 0" % changed[:2], changed[2]]
        if match := _HEADER.fullmatch(item):
            headers[here] = (int(match[1]), int(match[2]))
            return []
        return [item]

    return apply


def _no_signal(number: int, *, storage: bool) -> Change:
    def change(stream: PacketStream, item: Item) -> list[Item]:
        return [] if item == number and isinstance(item, int) and _is_storage(stream) is storage else [item]

    return change


def _dropped(pattern: bytes) -> Change:
    compiled = re.compile(pattern, re.DOTALL)

    def change(stream: PacketStream, item: Item) -> list[Item]:
        return [] if isinstance(item, bytes) and compiled.fullmatch(item) else [item]

    return change


def _late_report(stream: PacketStream, item: Item) -> list[Item]:
    """The TERMINATE of a session goes out before its End Job line instead of behind it."""
    if isinstance(item, bytes) and item.startswith(b"2800 End Job"):
        return [int(Signal.TERMINATE), item]
    return [item]


def _twice(prefix: bytes) -> Change:
    return lambda stream, item: (
        [item, item] if isinstance(item, bytes) and item.startswith(prefix) else [item]
    )


def _patch(owner: Any, name: str, value: Any) -> Callable[[], None]:
    return lambda: setattr(owner, name, value)


def _flip(data: bytes) -> bytes:
    return bytes((data[0] ^ 1,)) + data[1:] if data else data


def _add(position: int) -> Callable[["re.Match[bytes]"], bytes]:
    """Replaces the number in this group by the next one."""

    def one_more(match: "re.Match[bytes]") -> bytes:
        start, end = match.span(position)
        begin = match.start()
        return match[0][: start - begin] + b"%d" % (int(match[position]) + 1) + match[0][end - begin :]

    return one_more


def _always(value: object) -> Callable[..., Any]:
    return lambda *_, **__: value


def _digest_of_nothing(index: int, stream: int, data: bytes) -> tuple[int, int, bytes]:
    return index, stream, _flip(data) if stream in _DIGESTS else data


def _without(*streams: int) -> Change:
    return _records(lambda index, stream, data: None if stream in streams else (index, stream, data))


def _shifted_indexes(index: int, stream: int, data: bytes) -> tuple[int, int, bytes]:
    if stream in (1, 5):
        data = re.sub(rb"^\d+", b"%d" % (index + 1), data)
    return index + 1, stream, data


def _larger_size(index: int, stream: int, data: bytes) -> tuple[int, int, bytes]:
    """The size, the eighth field of the encoded stat, is another one."""
    if stream not in (1, 5):
        return index, stream, data
    head, nul, rest = data.partition(b"\0")
    fields = rest.split(b" ")
    if len(fields) > 7:
        fields[7] = b"B" if fields[7] != b"B" else b"C"
    return index, stream, head + nul + b" ".join(fields)


def _damaged_header(index: int, stream: int, data: bytes) -> tuple[int, int, bytes]:
    """The length in the header of a compressed block is one too many."""
    if stream != _COMPRESSED or len(data) < 12:
        return index, stream, data
    length = int.from_bytes(data[4:8], "big") + 1
    return index, stream, data[:4] + length.to_bytes(4, "big") + data[8:]


def _no_clock(stream: PacketStream, item: Item) -> list[Item]:
    """The Director is not asked for its time: heartbeats go out in the place of the questions."""
    return [int(Signal.HEARTBEAT) if item == Signal.BTIME and isinstance(item, int) else item]


def _install_large_packets() -> None:
    _patch(framing, "MAX_PACKET", 1 << 24)()


class _NoTimes:
    """The module `os` as the room that applies attributes sees it, with an `utime` that does nothing."""

    def __getattr__(self, name: str) -> Any:
        return _always(None) if name == "utime" else getattr(os, name)


DEFECTS: tuple[Defect, ...] = (
    Defect(
        "digest",
        "the digests of a backup are wrong by one bit",
        ("5",),
        _outgoing(_records(_digest_of_nothing)),
    ),
    Defect("no-digest", "no digest is sent", ("5",), _outgoing(_without(*_DIGESTS))),
    Defect("index", "FileIndex begins at 2", ("5",), _outgoing(_records(_shifted_indexes))),
    Defect("size", "the stat record has a wrong size", ("5",), _outgoing(_records(_larger_size))),
    Defect(
        "header",
        "the header of a compressed block lies about its length",
        ("5",),
        _outgoing(_records(_damaged_header)),
    ),
    Defect(
        "no-acl", "no ACL and no extended attribute is saved", ("5",), _outgoing(_without(1007, 1008, 1998))
    ),
    Defect(
        "no-eod",
        "the end of the data is not signalled to the Storage daemon",
        ("5.1",),
        _outgoing(_no_signal(-1, storage=True)),
    ),
    Defect(
        "no-terminate",
        "a session ends without TERMINATE",
        ("3.1",),
        _outgoing(_no_signal(-4, storage=False)),
    ),
    Defect("late-report", "TERMINATE comes before the End Job line", ("5.1",), _outgoing(_late_report)),
    Defect("two-reports", "the End Job line comes twice", ("5.1",), _outgoing(_twice(b"2800 End Job"))),
    Defect("files", "JobFiles is one too many", ("5",), _outgoing(_text(rb"JobFiles=(\d+)", _add(1)))),
    Defect(
        "errors", "Errors is always 0", ("5", "8.3"), _outgoing(_text(rb"Errors=\d+ VSS", b"Errors=0 VSS"))
    ),
    Defect(
        "status",
        "every job ends with TermCode 84, well",
        ("8",),
        _outgoing(_text(rb"TermCode=\d+", b"TermCode=84")),
    ),
    Defect(
        "reply",
        "an unknown command gets another text",
        ("3.1",),
        _outgoing(_text(rb"2999 Invalid command", b"2999 Unknown command")),
    ),
    Defect(
        "no-messages", "no job message reaches the Director", ("5", "8.3"), _outgoing(_dropped(rb"Jmsg .*"))
    ),
    Defect(
        "verify-index",
        "the digest packets of a verify name another file",
        ("7",),
        _outgoing(_text(_VERIFY_DIGEST, _add(1))),
    ),
    Defect(
        "verify-end", "the end of a verify is not signalled", ("7",), _outgoing(_no_signal(-1, storage=False))
    ),
    Defect(
        "challenge", "any answer to our challenge is taken", ("2",), _patch(cram, "is_answer", _always(True))
    ),
    Defect(
        "reflection",
        "a challenge with our own name is answered",
        ("2",),
        _patch(cram, "is_replay", _always(False)),
    ),
    Defect(
        "clear", "anybody may talk in the clear", ("2",), _patch(arrival, "_cleartext_allowed", _always(True))
    ),
    Defect(
        "monitor",
        "a monitor Director and Allowed Job Command are let pass",
        ("3",),
        _patch(DirectorSession, "_check_allowed", _always(None)),
    ),
    Defect("large", "packets above the limit are taken", ("1",), _install_large_packets),
    Defect(
        "clock",
        "the clocks are not compared before an incremental job",
        ("3", "5"),
        _outgoing(_no_clock),
    ),
    Defect(
        "deleted",
        "an accurate job does not name deleted files",
        ("5",),
        _patch(AccurateComparison, "tail", _always(iter(()))),
    ),
    Defect(
        "hard-links",
        "each name of a file is saved as a file of its own",
        ("5",),
        _patch(HardLinkTable, "get", _always(None)),
    ),
    Defect(
        "replace", "a restore overwrites whatever is there", ("6",), _patch(Creator, "_keep", _always(False))
    ),
    Defect(
        "signature",
        "a restore does not check signatures",
        ("6.5",),
        _patch(Restorer, "_check_signature", _always(None)),
    ),
    Defect("restored-times", "a restore does not set times", ("6",), _patch(attributes, "os", _NoTimes())),
    Defect(
        "restored-acl",
        "a restore forgets ACLs and extended attributes",
        ("6",),
        _patch(ExtendedWriter, "apply", _always(None)),
    ),
    Defect(
        "cancel", "a cancel is confirmed, and the job goes on", ("8",), _patch(Job, "cancel", _always(False))
    ),
)
"""All of them."""


def switch_on(name: str) -> None:
    """Make this process's daemon wrong in this way. Raises KeyError."""
    {defect.name: defect for defect in DEFECTS}[name].install()

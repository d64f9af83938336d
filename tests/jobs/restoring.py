"""A restorer with its messages written down, and records to feed it."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fdaemon.fs.extended import pack_pairs
from fdaemon.jobs.restore import Restorer
from fdaemon.jobs.restore_names import OutputNames, parse_regexwhere
from fdaemon.protocol.messages import MessageType
from fdaemon.views import Counters
from fdaemon.wire.attributes import FileType, encode_attributes
from fdaemon.wire.framing import EOD, frame
from fdaemon.wire.headers import record_header
from fdaemon.wire.stat import StatRecord
from fdaemon.wire.streams import Stream

MTIME = 1_600_000_000


class Restoring:
    """`messages` holds (type, text) in order, as `report` writes them down."""

    def __init__(
        self,
        where: Path | bytes,
        *,
        replace: str = "a",
        prefix_links: bool = False,
        regexwhere: bytes = b"",
        check_cancelled: Callable[[], None] = lambda: None,
        **more: Any,
    ) -> None:
        self.messages: list[tuple[MessageType, bytes]] = []
        self.report: Callable[[MessageType, bytes, int], None] = lambda kind, text, extra: (
            self.messages.append((kind, text))
        )
        self.counters = Counters()
        replacements = parse_regexwhere(regexwhere) if regexwhere else ()
        names = OutputNames(bytes(where), replacements, prefix_links=prefix_links)
        self.restorer = Restorer(
            names,
            replace=replace,
            report=lambda kind, text, extra: self.report(kind, text, extra),
            counters=self.counters,
            check_cancelled=check_cancelled,
            **more,
        )

    def run(self, *records: bytes) -> "Restoring":
        """Feed the records and an end of data."""
        try:
            self.restorer.feed(b"".join(records) + EOD)
        finally:
            self.restorer.finish()
        return self

    def texts(self, kind: MessageType | None = None) -> list[bytes]:
        """The message texts, of one type or all."""
        return [text for each, text in self.messages if kind in (None, each)]


def record(index: int, stream: int, data: bytes) -> bytes:
    """Header and data packet of one record."""
    return frame(record_header(1, 2, index, stream, len(data))) + frame(data)


def attributes(
    index: int,
    kind: FileType,
    name: bytes,
    *,
    mode: int = 0o644,
    link: bytes = b"",
    stream: int = Stream.FILE_DATA,
    **stat: int,
) -> bytes:
    """An attributes record; the type bits of the mode are added."""
    formats = {FileType.DIREND: 0o040000, FileType.LNK: 0o120000}
    if mode < 0o10000:
        mode |= formats.get(kind, 0o100000)
    fields = {
        "uid": os.geteuid(),
        "gid": os.getegid(),
        "nlink": 1,
        "atime": MTIME,
        "mtime": MTIME,
        "ctime": MTIME,
    } | stat
    encoded = StatRecord(mode=mode, stream=stream, **fields).encode()
    return record(index, Stream.UNIX_ATTRIBUTES, encode_attributes(index, kind, name, encoded, link))


def regular(index: int, name: bytes, content: bytes = b"", **more: Any) -> bytes:
    """A regular file with its content in one block."""
    head = attributes(index, FileType.REG, name, size=len(content), **more)
    return head + (record(index, Stream.FILE_DATA, content) if content else b"")


def directory(index: int, name: bytes, *, mode: int = 0o755, **more: Any) -> bytes:
    """A directory; `name` ends in a slash."""
    return attributes(index, FileType.DIREND, name, mode=mode, **more)


def xattrs(index: int, **values: bytes) -> bytes:
    """A record of user attributes."""
    pairs = [(b"user." + name.encode(), value) for name, value in values.items()]
    return record(index, Stream.XATTR_LINUX, pack_pairs(pairs))

"""Runs the backup reader over a directory and keeps what it said."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from fdaemon.fileset.entry import Entry
from fdaemon.fileset.model import FileSet, Include, Option, Options
from fdaemon.fileset.walk import walk
from fdaemon.jobs.backup import BackupReader
from fdaemon.protocol.messages import MessageType
from fdaemon.views import Counters
from tests.support.saved import SavedFile, from_wire


@dataclass(slots=True)
class Outcome:
    """Files as sent, messages as reported (type, text, extra errors), and the counters at the end."""

    files: list[SavedFile]
    messages: list[tuple[MessageType, bytes, int]]
    counters: Counters
    batches: list[int] = field(default_factory=list)

    def file(self, name: bytes) -> SavedFile:
        """The file whose name ends like this."""
        [found] = [file for file in self.files if file.attributes.name.endswith(name)]
        return found


def options(*flags: Option, **others: Any) -> Options:
    """An Options block."""
    together = Option(0)
    for flag in flags:
        together |= flag
    return Options(flags=together, **others)


def fileset(root: bytes, block: Options) -> FileSet:
    """A FileSet of one name and one block."""
    return FileSet(includes=(Include(options=(block,), names=(root,)),))


def save(
    entries: Iterable[Entry] | None = None,
    *,
    root: bytes = b"",
    block: Options | None = None,
    block_size: int = 262_144,
    check_cancelled: Callable[[], None] = lambda: None,
    reuse: bool = True,
    counters: Counters | None = None,
    **arguments: Any,
) -> Outcome:
    """Save `entries`, or all below `root` with the options of `block`."""
    counters = Counters() if counters is None else counters
    messages: list[tuple[MessageType, bytes, int]] = []

    def report(kind: MessageType, text: bytes, extra: int) -> None:
        messages.append((kind, text, extra))
        counters.errors += extra + (kind is MessageType.ERROR)

    if entries is None:
        entries = walk(fileset(root, block or Options()), report=report)
    reader = BackupReader(
        entries,
        report=report,
        counters=counters,
        check_cancelled=check_cancelled,
        block=block_size,
        **arguments,
    )
    wire = bytearray()
    sizes: list[int] = []
    for batch in reader.batches():
        wire += batch.data
        sizes.append(len(batch.data))
        if reuse:
            batch.release()
    return Outcome(from_wire(bytes(wire)), messages, counters, sizes)

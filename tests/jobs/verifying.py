"""Runs the disk verifier over a directory, and reads its batches as a Director would."""

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fdaemon.channels.verify import Message, VerifyBatch
from fdaemon.errors import JobFailed
from fdaemon.fileset.entry import Entry
from fdaemon.fileset.model import FileSet, Include, Options
from fdaemon.fileset.walk import walk
from fdaemon.jobs.verify import DiskVerifier
from fdaemon.jobs.verify_plan import Say
from fdaemon.protocol.verify import VerifyAttributes, VerifyDigest, parse_attributes, parse_digest
from fdaemon.views import Counters
from fdaemon.wire.framing import PacketReader


@dataclass(slots=True)
class Verified:
    """One file as sent."""

    attributes: VerifyAttributes
    digest: VerifyDigest | None = None


@dataclass(slots=True)
class Outcome:
    """Files and messages in order of sending, the batches, the counters, and why it failed if it did."""

    files: list[Verified] = field(default_factory=list)
    said: list[VerifyAttributes | VerifyDigest | Message] = field(default_factory=list)
    batches: list[VerifyBatch] = field(default_factory=list)
    counters: Counters = field(default_factory=Counters)
    failure: JobFailed | None = None

    @property
    def messages(self) -> list[Message]:
        """The messages alone."""
        return [one for one in self.said if isinstance(one, tuple)]

    def file(self, name: bytes) -> Verified:
        """The file whose name ends like this."""
        [found] = [file for file in self.files if file.attributes.name.endswith(name)]
        return found


def read_batch(batch: VerifyBatch, outcome: Outcome) -> None:
    """Take a batch apart, strictly."""
    reader = PacketReader()
    reader.receive_data(batch.wire)
    while (packet := reader.next_packet()) is not None:
        assert isinstance(packet, bytes)
        if packet.split(b" ", 2)[1] == b"1":
            attributes = parse_attributes(packet)
            outcome.files.append(Verified(attributes))
            outcome.said.append(attributes)
        else:
            digest = parse_digest(packet)
            file = outcome.files[-1]
            assert file.digest is None
            assert digest.file_index == file.attributes.file_index
            file.digest = digest
            outcome.said.append(digest)
    outcome.said.extend(batch.messages)
    outcome.batches.append(batch)


def settle(path: Path) -> None:
    """Give a file an access time so new that reading does not change it."""
    os.utime(path, (time.time() + 60, 1))


def fileset(root: bytes, *blocks: Options) -> FileSet:
    """A FileSet of one name."""
    return FileSet(includes=(Include(options=blocks, names=(root,)),))


def verify(
    root: bytes = b"",
    *blocks: Options,
    entries: Iterable[Entry] | None = None,
    chosen: FileSet | None = None,
    on_entry: Callable[[Entry], object] = lambda entry: None,
    threads: int = 2,
    check_cancelled: Callable[[], None] = lambda: None,
    **arguments: Any,
) -> Outcome:
    """Verify all below `root`, or `entries`. `on_entry` is called with each entry before it is looked at."""
    outcome = Outcome()

    def source(say: Say) -> Iterable[Entry]:
        found = entries
        if found is None:
            wanted = chosen if chosen is not None else fileset(root, *blocks)
            found = walk(
                wanted, counters=outcome.counters, report=say, check_cancelled=check_cancelled, **arguments
            )
        for entry in found:
            on_entry(entry)
            yield entry

    verifier = DiskVerifier(
        source, counters=outcome.counters, check_cancelled=check_cancelled, threads=threads
    )
    try:
        for batch in verifier.batches():
            read_batch(batch, outcome)
    except JobFailed as failure:
        outcome.failure = failure
    return outcome

"""Small compressed, encrypted or signed files, packed in groups on several threads. Keeps the order of the walk.

The reader thread reads files into a group; a worker hashes, packs and seals the group into wire bytes; groups go into
the batch in order. What else is sent meanwhile (directories, links) joins the group as it is.
"""

import hashlib
import os
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field

from fdaemon.codec.compress import Compressor
from fdaemon.codec.digest import digest_of
from fdaemon.codec.pipeline import Workers
from fdaemon.codec.sparse import address_prefix
from fdaemon.errors import JobFailed
from fdaemon.fileset.entry import Entry
from fdaemon.jobs.backup_extended import ExtendedReader, Streams
from fdaemon.jobs.backup_plan import LAST_INDEX, OPEN_FLAGS, Plan, remember
from fdaemon.jobs.backup_small import announce
from fdaemon.jobs.backup_types import ORDINARY_NAME
from fdaemon.jobs.batch import Assembler, stream_bytes
from fdaemon.views import Counters
from fdaemon.wire.framing import EOD, frame
from fdaemon.wire.streams import Stream

GROUP_BYTES = 128 * 1024
"""Content bytes in a group: some ms of packing, against some 50 µs for handing it to a thread."""
GROUP_FILES = 256
"""Files in a group, when they are tiny or empty."""
SIGNING = 16 * 1024
"""Signing a file with RSA takes as long as packing about so many bytes."""
SESSION_TAIL = b" %d 0" % Stream.ENCRYPTED_SESSION_DATA
SIGNATURE_TAIL = b" %d 0" % Stream.SIGNED_DIGEST


@dataclass(frozen=True, slots=True)
class _File:
    """A file that was read: all its packets but the content and the digest are made."""

    text: bytes
    head: bytes
    content: bytes
    streams: Streams
    plan: Plan
    digest: bytes


@dataclass(slots=True)
class _Group:
    items: list[_File | bytes] = field(default_factory=list)
    size: int = 0
    files: int = 0


class PackedFiles:
    """`save` reads one file; `emit` moves finished groups into the batch; `drain` all there are."""

    def __init__(
        self, out: Assembler, counters: Counters, extended: ExtendedReader, workers: Workers, block: int
    ) -> None:
        self._out = out
        self._counters = counters
        self._extended = extended
        self._workers = workers
        self._block = block
        self._group = _Group()
        self._pending: deque[tuple[Future[tuple[bytes, int]], int]] = deque()

    @property
    def active(self) -> bool:
        """True while anything waits: then all that is sent must go through `pass_on` or after `drain`."""
        return bool(self._pending or self._group.items)

    def save(self, entry: Entry, plan: Plan) -> bool:
        """Read a file of one block if nothing about it is out of the ordinary. False: nothing done."""
        counters, size = self._counters, entry.stat.st_size
        if size > plan.read_size(self._block) or entry.delta_seq or counters.files == LAST_INDEX:
            return False
        if len(entry.path) > ORDINARY_NAME:
            return False
        content = b""
        streams: Streams = ()
        if size:
            directory = entry.dir_fd if entry.dir_fd >= 0 else None
            try:
                fd = os.open(entry.name, OPEN_FLAGS, dir_fd=directory)
            except OSError:
                return False
            try:
                content = os.read(fd, size + 1)
                if len(content) != size:
                    return False
                if plan.extended:
                    streams = self._extended.of_file(fd, entry, plan)
            except OSError:
                return False
            finally:
                os.close(fd)
        elif plan.extended:
            streams = self._extended.of_path(entry, plan)
        text = b"%d" % (counters.files + 1)
        digest = b""
        if plan.new_hash is not None and entry.hardlink is not None:
            digest = digest_of(plan.new_hash, content)
        counters.files += 1
        counters.examined += 1
        counters.current = entry.path
        counters.read_bytes += size
        if entry.hardlink is not None:
            remember(entry.hardlink, counters.files, plan, digest)
        file = _File(text, announce(text, entry, plan), content, streams, plan, digest)
        self._add(file, size + (SIGNING if plan.seal is not None else 0), 1)
        return True

    def pass_on(self, wire: bytes, files: int) -> None:
        """Packets that belong behind the files read so far; they are of as many `files`."""
        self._add(wire, len(wire), files)

    def emit(self, *, most: int) -> None:
        """Move finished groups into the batch, waiting for the oldest while more than `most` are under way."""
        pending = self._pending
        while pending and (len(pending) > most or pending[0][0].done()):
            future, files = pending.popleft()
            wire, job_bytes = future.result()
            self._counters.job_bytes += job_bytes
            self._out.put_large(wire)
            self._out.behind -= files

    def drain(self) -> None:
        """Move everything read so far into the batch."""
        self._submit()
        self.emit(most=0)

    def _add(self, item: _File | bytes, size: int, files: int) -> None:
        group = self._group
        group.items.append(item)
        group.files += files
        self._out.behind += files
        group.size += size
        if group.size >= GROUP_BYTES or len(group.items) >= GROUP_FILES:
            self._submit()
            self.emit(most=2 * self._workers.count)

    def _submit(self) -> None:
        if self._group.items:
            group = self._group
            self._pending.append((self._workers.submit(_pack_group, group.items), group.files))
            self._group = _Group()


def _pack_group(items: list[_File | bytes]) -> tuple[bytes, int]:
    """The wire bytes of a group, and what of them counts as job bytes. The order is that of `EntrySaver`."""
    pieces: list[bytes] = []
    job_bytes = 0
    for item in items:
        if isinstance(item, bytes):
            pieces.append(item)
            continue
        plan, seal = item.plan, item.plan.seal
        pieces.append(item.head)
        if plan.encrypt and seal is not None:
            job_bytes += len(seal.session_data)
            pieces.append(stream_bytes(item.text, SESSION_TAIL, seal.session_data))
        if item.content:
            records = _records(item.content, plan)
            job_bytes += sum(map(len, records))
            pieces += (frame(item.text + plan.data_tail), *map(frame, records), EOD)
        for stream, payload in item.streams:
            job_bytes += len(payload)
            pieces.append(stream_bytes(item.text, b" %d 0" % stream, payload))
        if seal is not None:
            signature = seal.sign(hashlib.sha256(item.content).digest())
            pieces.append(stream_bytes(item.text, SIGNATURE_TAIL, signature))
        if plan.new_hash is not None:
            digest = item.digest or digest_of(plan.new_hash, item.content)
            pieces.append(stream_bytes(item.text, plan.digest_tail, digest))
    return b"".join(pieces), job_bytes


def _records(content: bytes, plan: Plan) -> list[bytes]:
    """The data records of a file of one block."""
    record = content if plan.compressor is None else pack(plan.compressor, content)
    if plan.encrypt and plan.seal is not None:
        encryptor = plan.seal.new_encryptor()
        sealed = encryptor.seal(record)
        return [sealed, encryptor.finish()] if sealed else [encryptor.finish()]
    return [address_prefix(0) + record if plan.sparse else record]


def pack(compressor: Compressor, block: bytes | memoryview) -> bytes:
    """The record of a block; JobFailed where the C++ daemon's compressor fails."""
    try:
        return compressor.compress(block)
    except ValueError as error:
        raise JobFailed(b"Compression fastlzlibCompress error: 0\n") from error

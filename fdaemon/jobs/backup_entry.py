"""The general path of a backup: every kind of entry, every option, every error. Sends one entry's streams in
order.

The order is fixed (protocol/04 section 1.2): attributes, session data, content, ACLs, extended attributes,
signature, digest.
"""

import errno
import hashlib
import os
import select
import stat
import time
from collections.abc import Callable, Iterator

from fdaemon.codec.digest import Hash
from fdaemon.errors import JobFailed
from fdaemon.fileset.entry import Entry, canonical
from fdaemon.fileset.strip import strip_name
from fdaemon.fs.leases import open_leased, open_quietly
from fdaemon.fs.times import restore_atime
from fdaemon.jobs.backup_extended import ExtendedReader
from fdaemon.jobs.backup_file import ContentReader
from fdaemon.jobs.backup_packed import SESSION_TAIL, SIGNATURE_TAIL
from fdaemon.jobs.backup_plan import LAST_INDEX, OPEN_FLAGS, Plan, remember
from fdaemon.jobs.backup_types import Report, error_text, names_fit, settle_type
from fdaemon.jobs.batch import Assembler, Batch
from fdaemon.protocol.messages import MessageType
from fdaemon.views import Counters
from fdaemon.wire.attributes import FileType, encode_attributes
from fdaemon.wire.framing import EOD, frame
from fdaemon.wire.stat import encode_stat

TOO_MANY_ERRORS = 1000
"""Read errors end the job beyond this many errors (core/src/filed/backup.cc: send_data)."""
FIFO_SECONDS = 60
"""How long to wait for somebody to write into a pipe that is saved (core/src/filed/backup.cc: SaveFile)."""
FIFO_POLL = 500
"""Milliseconds between two looks at the cancel flag meanwhile."""

SEALED = frozenset({FileType.REG, FileType.REGE, FileType.RAW})
"""Types that are hashed, signed and encrypted (core/src/filed/backup.cc: SaveFile, has_file_data)."""
_SLASHED = frozenset({FileType.DIREND, FileType.REPARSE})
_LINKED = frozenset({FileType.LNK, FileType.LNKSAVED, FileType.JUNCTION})


class EntrySaver:
    """Saves entries one by one; made once for a job."""

    def __init__(
        self,
        out: Assembler,
        counters: Counters,
        content: ContentReader,
        extended: ExtendedReader,
        report: Report,
        check_cancelled: Callable[[], None],
    ) -> None:
        self._out = out
        self._counters = counters
        self._content = content
        self._extended = extended
        self._report = report
        self._check_cancelled = check_cancelled

    def save(self, entry: Entry, plan: Plan) -> Iterator[Batch]:
        """Send all streams of `entry`, or report why not. Yields the batches that fill up on the way."""
        kind = settle_type(entry, self._report)
        self._counters.examined += entry.type is not FileType.DIRBEGIN
        if kind is None or not names_fit(entry, self._report):
            return
        text = self._put_attributes(entry, kind, plan)
        if kind in (FileType.DELETED, FileType.BASE):
            return
        if plan.encrypt and plan.seal is not None:
            self._counters.job_bytes += len(plan.seal.session_data)
            self._out.put_stream(text, SESSION_TAIL, plan.seal.session_data)
        sealed = kind in SEALED
        own = plan.new_hash() if sealed and plan.new_hash is not None else None
        signed = hashlib.sha256() if plan.seal is not None else None
        hashes = [each for each in (own, signed) if each is not None]
        if self._has_content(entry, kind):
            try:
                fd = self._open(entry, kind, plan)
            except OSError as error:
                message = b'     Cannot open "%b": ERR=%b.\n' % (entry.path, error_text(error))
                self._report(MessageType.NOTSAVED, message, 1)
                return
            try:
                yield from self._send_content(fd, entry, text, plan, hashes)
                if plan.options.check_changes and kind is FileType.REG:
                    self._check_changes(entry)
                if plan.options.keep_atime and kind is FileType.REG:
                    restore_atime(fd, entry.stat)
            finally:
                os.close(fd)
        if plan.extended:
            for stream, payload in self._extended.of_path(entry, plan):
                self._counters.job_bytes += len(payload)
                self._out.put_stream(text, b" %d 0" % stream, payload)
        if plan.seal is not None and signed is not None:
            self._out.put_stream(text, SIGNATURE_TAIL, plan.seal.sign(signed.digest()))
        digest = own.digest() if own is not None else b""
        if digest:
            self._out.put_stream(text, plan.digest_tail, digest)
        if entry.hardlink is not None:
            if kind is not FileType.LNKSAVED:
                remember(entry.hardlink, self._counters.files, plan, digest)
            elif entry.hardlink.digest:
                self._out.put_stream(text, b" %d 0" % entry.hardlink.digest_stream, entry.hardlink.digest)

    def _put_attributes(self, entry: Entry, kind: FileType, plan: Plan) -> bytes:
        """Take the next FileIndex, send the attributes, and return the index as text."""
        counters = self._counters
        if counters.files == LAST_INDEX:
            raise JobFailed(b"FileIndex overflow detected. Please split the fileset to backup fewer files.\n")
        counters.files += 1
        counters.current = entry.path
        name = canonical(entry.path) if kind in _SLASHED else entry.path
        link = entry.link if kind in _LINKED else b""
        if plan.strip > 0 and kind not in (FileType.DELETED, FileType.BASE):
            name, link = _strip(kind, name, link, plan.strip)
        if kind is FileType.LNKSAVED and entry.hardlink is not None:
            link = entry.hardlink.stored  # the Options of the first name, not of this one, decided about that
        record = encode_stat(entry.stat, entry.link_index, plan.stream)
        attributes = encode_attributes(counters.files, kind, name, record, link, delta_seq=entry.delta_seq)
        text = b"%d" % counters.files
        self._out.put_stream(text, b" 1 0", attributes)
        return text

    def _has_content(self, entry: Entry, kind: FileType) -> bool:
        if kind is not FileType.LNKSAVED and stat.S_ISREG(entry.stat.st_mode):
            return entry.stat.st_size > 0
        return kind is FileType.RAW or kind is FileType.FIFO

    def _open(self, entry: Entry, kind: FileType, plan: Plan) -> int:
        flags = OPEN_FLAGS if kind is not FileType.RAW else OPEN_FLAGS & ~os.O_NONBLOCK
        directory = entry.dir_fd if entry.dir_fd >= 0 else None
        opened = open_quietly if plan.options.no_atime else open_leased
        fd = opened(entry.name, flags, directory, self._check_cancelled)
        if kind is FileType.FIFO:
            try:
                self._await_writer(fd)
            except BaseException:
                os.close(fd)
                raise
        return fd

    def _await_writer(self, fd: int) -> None:
        """Wait until somebody has opened the pipe for writing; OSError EINTR when nobody does."""
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        deadline = time.monotonic() + FIFO_SECONDS
        while not poll.poll(FIFO_POLL):
            self._check_cancelled()
            if time.monotonic() >= deadline:
                raise InterruptedError(errno.EINTR, os.strerror(errno.EINTR))

    def _send_content(
        self, fd: int, entry: Entry, text: bytes, plan: Plan, hashes: list[Hash]
    ) -> Iterator[Batch]:
        """The data stream: header, blocks, end of data. A read error is told and the stream ended all the
        same.
        """
        self._out.put(frame(text + plan.data_tail))
        try:
            yield from self._content.send(fd, entry.stat, plan, hashes)
        except OSError as error:
            message = b"Read error on file %b. ERR=%b\n" % (entry.path, error_text(error))
            self._report(MessageType.ERROR, message, 1)
            if self._counters.errors > TOO_MANY_ERRORS + 1:
                raise JobFailed(b"Too many errors. JobErrors=%d.\n" % self._counters.errors) from error
        finally:
            self._content.settle()
        self._out.put(EOD)

    def _check_changes(self, entry: Entry) -> None:
        """Compare with the state before (core/src/findlib/find_one.cc: HasFileChanged)."""
        old = entry.stat
        try:
            directory = entry.dir_fd if entry.dir_fd >= 0 else None
            new = os.stat(entry.name, dir_fd=directory, follow_symlinks=False)
        except OSError as error:
            text = b"Cannot stat file %b: ERR=%b\n" % (entry.path, error_text(error))
            self._report(MessageType.WARNING, text, 0)
            return
        if int(new.st_mtime) != int(old.st_mtime):
            what = b"mtime"
        elif int(new.st_ctime) != int(old.st_ctime):
            what = b"ctime"
        elif (new.st_size, new.st_blksize, new.st_blocks) != (old.st_size, old.st_blksize, old.st_blocks):
            what = b"size"
        else:
            return
        self._report(MessageType.ERROR, b"%b: %b changed during backup.\n" % (entry.path, what), 0)


def _strip(kind: FileType, name: bytes, link: bytes, count: int) -> tuple[bytes, bytes]:
    """Name and link without leading components; both as they were if either has too few (protocol/04 section
    2.6).
    """
    short = strip_name(name, count)
    if short is None or kind is not FileType.LNKSAVED:
        return (name if short is None else short), link
    first = strip_name(link, count)
    return (name, link) if first is None else (short, first)

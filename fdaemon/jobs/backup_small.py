"""The fast path of a backup: a plain file that fits one read, in some 10 µs of Python around the system
calls.

Does nothing at all when anything about the file is out of the ordinary, so that the general path can start
afresh.
"""

import os

from fdaemon.codec.digest import digest_of
from fdaemon.fileset.entry import Entry
from fdaemon.jobs.backup_extended import ExtendedReader, Streams
from fdaemon.jobs.backup_plan import LAST_INDEX, OPEN_FLAGS, Plan, remember
from fdaemon.jobs.backup_types import ORDINARY_NAME
from fdaemon.jobs.batch import Assembler
from fdaemon.views import Counters
from fdaemon.wire.framing import EOD
from fdaemon.wire.stat import encode_stat

SMALL = 128 * 1024
"""Files up to this size are read with one call."""
TAIL_ROOM = 1024
"""More than all headers and the digest of a small file, without its attributes."""


def announce(text: bytes, entry: Entry, plan: Plan) -> bytes:
    """The packets of a regular file's attributes; `text` is its FileIndex in decimal."""
    stat = encode_stat(entry.stat, 0, plan.stream)
    attributes = b"%b %d %b\0%b\0\0\x000\0" % (text, entry.type, entry.path, stat)
    return b"%b%b 1 0%b%b\xff\xff\xff\xff" % (
        (len(text) + 4).to_bytes(4, "big"),
        text,
        len(attributes).to_bytes(4, "big"),
        attributes,
    )


class SmallFiles:
    """Writes whole groups of packets into the batch: one open, one read in place, one look at the attribute
    names.
    """

    __slots__ = ("_counters", "_extended", "_limit", "_out")

    def __init__(self, out: Assembler, counters: Counters, extended: ExtendedReader, block: int) -> None:
        self._out = out
        self._counters = counters
        self._extended = extended
        self._limit = min(SMALL, block)

    def save(self, entry: Entry, plan: Plan) -> bool:
        """Save a small file if nothing about it is out of the ordinary. False: nothing done, use
        `EntrySaver`.
        """
        st = entry.stat
        size = st.st_size
        out, counters = self._out, self._counters
        directory = entry.dir_fd
        if size > self._limit or entry.delta_seq or counters.files == LAST_INDEX:
            return False
        if len(entry.path) > ORDINARY_NAME:  # then the buffer has room for all
            return False
        text = b"%d" % (counters.files + 1)
        prefix = announce(text, entry, plan)
        start = out.reserve(len(prefix) + size + TAIL_ROOM)
        streams: Streams = ()
        if size:
            tail = plan.data_tail
            prefix = b"%b%b%b%b%b" % (
                prefix,
                (len(text) + len(tail)).to_bytes(4, "big"),
                text,
                tail,
                size.to_bytes(4, "big"),
            )
            first = start + len(prefix)
            try:
                fd = os.open(entry.name, OPEN_FLAGS, dir_fd=directory if directory >= 0 else None)
            except OSError:
                return False
            try:
                if os.readv(fd, [out.view[first : first + size + 1]]) != size:
                    return False
                if plan.extended:
                    streams = self._extended.of_file(fd, entry, plan)
            except OSError:
                return False
            finally:
                os.close(fd)
            end = first + size
            factory = plan.new_hash
            digest = b"" if factory is None else digest_of(factory, out.view[first:end])
            out.buffer[start:first] = prefix
            counters.read_bytes += size
            counters.job_bytes += size
            suffix = EOD
        else:
            if plan.extended:
                streams = self._extended.of_path(entry, plan)
            digest, end, suffix = plan.empty_digest, start, prefix
        counters.files += 1
        counters.examined += 1
        counters.current = entry.path
        if digest and not streams:
            tail = plan.digest_tail
            suffix = b"%b%b%b%b%b%b\xff\xff\xff\xff" % (
                suffix,
                (len(text) + len(tail)).to_bytes(4, "big"),
                text,
                tail,
                len(digest).to_bytes(4, "big"),
                digest,
            )
        position = end + len(suffix)
        out.buffer[end:position] = suffix
        out.position = position
        if streams:
            for stream, payload in streams:
                counters.job_bytes += len(payload)
                out.put_stream(text, b" %d 0" % stream, payload)
            if digest:
                out.put_stream(text, plan.digest_tail, digest)
        if entry.hardlink is not None:
            remember(entry.hardlink, counters.files, plan, digest)
        return True

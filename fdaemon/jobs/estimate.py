"""An estimate: the walk, counted and perhaps listed. Opens no file; for a worker thread, with no trio inside.

Facts: protocol/03 section 4 (core/src/filed/estimate.cc, core/src/lib/attr.cc: PrintLsOutput).
"""

import stat
from collections.abc import Generator, Iterable

from fdaemon.fileset.entry import Entry, end_walk
from fdaemon.fs.identities import group_name, user_name
from fdaemon.fs.times import local_time
from fdaemon.protocol.listing import listing_line
from fdaemon.views import Counters
from fdaemon.wire.attributes import FileType

LINES = 500
"""Listing lines handed over at once: one thread hop and one send pay for all of them (about 50 KB)."""

_COUNTED = frozenset(
    {
        FileType.LNKSAVED,
        FileType.REGE,
        FileType.REG,
        FileType.LNK,
        FileType.DIREND,
        FileType.SPEC,
        FileType.NORECURSE,
        FileType.NOFSCHG,
        FileType.INVALIDFS,
        FileType.INVALIDDT,
        FileType.REPARSE,
        FileType.JUNCTION,
        FileType.RAW,
        FileType.FIFO,
    }
)


class Estimate:
    """Counts `entries`. `files` and `size` (bytes of regular files, each name of a hard link again) are final
    once `batches` has ended.
    """

    def __init__(self, entries: Iterable[Entry], *, listing: bool, counters: Counters | None = None) -> None:
        self.files = 0
        self.size = 0
        self._entries = entries
        self._listing = listing
        self._counters = counters if counters is not None else Counters()
        self._lines: list[bytes] = []

    def pending(self) -> list[bytes]:
        """Lines that wait for their batch, given once: for whoever has something to say that belongs behind them."""
        lines, self._lines = self._lines, []
        return lines

    def batches(self) -> Generator[list[bytes]]:
        """The listing, some lines at a time, each the payload of one packet; nothing without a listing."""
        counters = self._counters
        try:
            for entry in self._entries:
                if entry.type not in _COUNTED:
                    continue
                counters.examined += 1
                self.files += 1
                if stat.S_ISREG(entry.stat.st_mode):
                    self.size += entry.stat.st_size
                if self._listing:
                    self._lines.append(_line(entry))
                    if len(self._lines) >= LINES:
                        yield self.pending()
        finally:
            end_walk(self._entries)
        if self._lines:
            yield self.pending()

    def run(self) -> None:
        """Count only."""
        for _ in self.batches():
            pass


def _line(entry: Entry) -> bytes:
    st = entry.stat
    return listing_line(
        entry.path,
        mode=st.st_mode,
        nlink=st.st_nlink,
        uid=st.st_uid,
        gid=st.st_gid,
        size=st.st_size,
        ctime=int(st[stat.ST_CTIME]),
        user_name=_user,
        group_name=_group,
        localtime=local_time,
        link=entry.link if entry.type is FileType.LNK else None,
    )


def _user(uid: int) -> bytes:
    return user_name(uid) or b"%d" % uid


def _group(gid: int) -> bytes:
    return group_name(gid) or b"%d" % gid

"""ACL and attribute streams of one entry in a backup: what to ask for, and what to say when it fails.

Never follows a link: an entry is reached through its open file or through its directory's descriptor.
"""

import os
import stat

from fdaemon.fileset.entry import Entry
from fdaemon.fs.extended import read_extended
from fdaemon.fs.problem import Severity
from fdaemon.jobs.backup_plan import Plan
from fdaemon.jobs.backup_types import Report
from fdaemon.protocol.messages import MessageType
from fdaemon.wire.attributes import FileType
from fdaemon.wire.streams import Stream

Streams = tuple[tuple[Stream, bytes], ...]

_TYPES = {
    Severity.INFO: MessageType.INFO,
    Severity.WARNING: MessageType.WARNING,
    Severity.ERROR: MessageType.ERROR,
}


class ExtendedReader:
    """Remembers which device has no attributes, so that it is asked and told only once (protocol/04 section
    6).
    """

    __slots__ = ("_acl_off", "_device", "_errors", "_report", "_xattr_off")

    def __init__(self, report: Report) -> None:
        self._report = report
        self._device = -1
        self._acl_off = False
        self._xattr_off = False
        self._errors = 0

    def of_file(self, fd: int, entry: Entry, plan: Plan) -> Streams:
        """The records of an open file; usually none, for the price of one system call."""
        if self._acl_off and self._xattr_off and entry.stat.st_dev == self._device:
            return ()
        try:
            if not os.listxattr(fd):
                return ()
        except OSError:
            pass
        return self._read(fd, entry, plan)

    def of_path(self, entry: Entry, plan: Plan) -> Streams:
        """The records of an entry that is not open: directory, link, special or empty file."""
        if entry.name == b"." and entry.dir_fd >= 0:
            return self._read(entry.dir_fd, entry, plan)
        if entry.dir_fd >= 0:
            return self._read(b"/proc/self/fd/%d/%b" % (entry.dir_fd, entry.name), entry, plan)
        return self._read(entry.path, entry, plan)

    def finish(self) -> None:
        """Tell how many errors there were (core/src/filed/backup.cc: BlastDataToStorageDaemon)."""
        if self._errors:
            text = b"Encountered %d xattr errors while doing backup\n" % self._errors
            self._report(MessageType.WARNING, text, 0)

    def _read(self, target: int | bytes, entry: Entry, plan: Plan) -> Streams:
        if entry.stat.st_dev != self._device:
            self._device, self._acl_off, self._xattr_off = entry.stat.st_dev, False, False
        acl = plan.options.acl and entry.type is not FileType.LNK and not self._acl_off
        xattr = plan.options.xattr and not self._xattr_off
        if not acl and not xattr:
            return ()
        found = read_extended(
            target, acl=acl, xattr=xattr, directory=stat.S_ISDIR(entry.stat.st_mode), name=entry.path
        )
        self._acl_off |= found.acl_unsupported
        self._xattr_off |= found.xattr_unsupported
        for problem in found.problems:
            self._errors += problem.counted
            self._report(_TYPES[problem.severity], problem.text, 0)
        return found.streams

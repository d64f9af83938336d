"""What becomes of each kind of entry before anything of it is sent: sent, sent as a directory, or told and
left out.

Texts and counts are those of protocol/04 section 1.4 (core/src/filed/backup.cc: SaveFile).
"""

import os
import stat
from collections.abc import Callable

from fdaemon.fileset.entry import Entry
from fdaemon.protocol.messages import MessageType
from fdaemon.wire.attributes import FileType
from fdaemon.wire.framing import MAX_PAYLOAD

LONGEST_NAME = MAX_PAYLOAD - 1024
"""Bytes of a path, and of what it links to, for which there is room in one packet beside the other attributes."""
ORDINARY_NAME = 4096
"""Bytes of a path that the fast paths take; longer ones come from nested directories only, and need more room."""
SHOWN_OF_LONG = 200
"""Bytes of a longer name that a message shows."""

Report = Callable[[MessageType, bytes, int], None]
"""Called with type, text (newline-terminated) and the errors to count beyond what the type counts."""

_FAILURES = {
    FileType.NOACCESS: b'     Could not access "%b": ERR=%b\n',
    FileType.NOFOLLOW: b'     Could not follow link "%b": ERR=%b\n',
    FileType.NOSTAT: b'     Could not stat "%b": ERR=%b\n',
    FileType.NOOPEN: b'     Could not open directory "%b": ERR=%b\n',
}

_SENT = frozenset(
    {
        FileType.LNKSAVED,
        FileType.REGE,
        FileType.REG,
        FileType.LNK,
        FileType.DIREND,
        FileType.SPEC,
        FileType.RAW,
        FileType.FIFO,
        FileType.REPARSE,
        FileType.JUNCTION,
        FileType.DELETED,
        FileType.BASE,
    }
)


_SENT_AS_FOLDERS = frozenset({FileType.NORECURSE, FileType.NOFSCHG, FileType.INVALIDFS, FileType.INVALIDDT})


def is_sent(entry: Entry) -> bool:
    """Whether `settle_type` has a type for the entry."""
    if entry.type is FileType.SPEC:
        return not stat.S_ISSOCK(entry.stat.st_mode)
    return entry.type in _SENT or entry.type in _SENT_AS_FOLDERS


def names_fit(entry: Entry, report: Report) -> bool:
    """False, which is reported, for names so long that no packet holds them: the peer would end the whole job.

    The C++ daemon meets no such name: it opens whole paths, of at most 4095 bytes.
    """
    size = len(entry.path) + len(entry.link)
    if size <= LONGEST_NAME:
        return True
    text = b"     Name of %d bytes is too long; not saved: %b...\n"
    report(MessageType.NOTSAVED, text % (size, entry.path[:SHOWN_OF_LONG]), 1)
    return False


def error_text(error: OSError | None) -> bytes:
    """The C library's words for an error, as messages carry them."""
    return os.strerror(error.errno if error is not None and error.errno else 0).encode()


def settle_type(entry: Entry, report: Report) -> FileType | None:
    """The type to send `entry` with, or None when it is not sent; whatever there is to say has been
    reported.
    """
    kind = entry.type
    if kind in _SENT:
        if kind is FileType.SPEC and stat.S_ISSOCK(entry.stat.st_mode):
            report(MessageType.SKIPPED, b"     Socket file skipped: %b\n" % entry.path, 0)
            return None
        return kind
    match kind:
        case FileType.NORECURSE:
            text = b"     Recursion turned off. Will not descend from %b into %b\n"
            report(MessageType.INFO, text % (entry.top, entry.path), 0)
            return FileType.DIREND
        case FileType.NOFSCHG:
            if not entry.listed:
                text = b"     %b is a different filesystem. Will not descend from %b into it.\n"
                report(MessageType.INFO, text % (entry.path, entry.top), 0)
            return FileType.DIREND
        case FileType.INVALIDFS:
            text = b"     Disallowed filesystem. Will not descend from %b into %b\n"
            report(MessageType.INFO, text % (entry.top, entry.path), 0)
            return FileType.DIREND
        case FileType.INVALIDDT:
            text = b"     Disallowed drive type. Will not descend into %b\n"
            report(MessageType.INFO, text % entry.path, 0)
            return kind
        case FileType.NOACCESS | FileType.NOFOLLOW | FileType.NOSTAT | FileType.NOOPEN:
            report(MessageType.NOTSAVED, _FAILURES[kind] % (entry.path, error_text(entry.error)), 1)
        case FileType.NOCHG | FileType.DIRNOCHG:
            report(MessageType.SKIPPED, b"     Unchanged file skipped: %b\n" % entry.path, 0)
        case FileType.ISARCH:
            report(MessageType.NOTSAVED, b"     Archive file not saved: %b\n" % entry.path, 0)
        case FileType.DIRBEGIN:
            pass
        case _:
            text = b"     Unknown file type %d; not saved: %b\n"
            report(MessageType.NOTSAVED, text % (kind, entry.path), 1)
    return None

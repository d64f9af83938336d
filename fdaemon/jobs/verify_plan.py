"""What a verify does with each kind of entry and each Options block. Looks at no file.

Facts: protocol/05 sections 4 to 6 (core/src/filed/verify.cc: VerifyFile).
"""

from collections.abc import Callable
from dataclasses import dataclass

from fdaemon.codec.digest import HashFactory, hash_factory
from fdaemon.codec.digest_worker import WORKABLE
from fdaemon.fileset.entry import Entry
from fdaemon.fileset.model import Include, Options
from fdaemon.jobs.backup_types import error_text
from fdaemon.protocol.messages import MessageType
from fdaemon.protocol.verify import attribute_head, digest_forms
from fdaemon.wire.attributes import FileType
from fdaemon.wire.digests import Digest

type Say = Callable[[MessageType, bytes, int], None]
"""Takes type, text (newline-terminated) and the errors to count beyond what the type counts."""

SENT = frozenset(
    {
        FileType.LNKSAVED,
        FileType.REGE,
        FileType.REG,
        FileType.LNK,
        FileType.DIREND,
        FileType.SPEC,
        FileType.NORECURSE,
        FileType.RAW,
        FileType.FIFO,
        FileType.REPARSE,
        FileType.JUNCTION,
    }
)
"""Types that get an attribute packet."""
SLASHED = frozenset({FileType.DIREND, FileType.NORECURSE, FileType.REPARSE, FileType.JUNCTION})
"""Types whose name ends in a `/`."""

_FAILED = {
    FileType.NOACCESS: b"     Could not access %b: ERR=%b\n",
    FileType.NOFOLLOW: b"     Could not follow link %b: ERR=%b\n",
    FileType.NOSTAT: b"     Could not stat %b: ERR=%b\n",
    FileType.NOOPEN: b"     Could not open directory %b: ERR=%b\n",
}
_SKIPPED = {
    FileType.NOCHG: b"     Unchanged file skipped: %b\n",
    FileType.DIRNOCHG: b"     Unchanged file skipped: %b\n",
    FileType.ISARCH: b"     Archive file skipped: %b\n",
    FileType.NORECURSE: b"     Recursion turned off. Directory skipped: %b\n",
    FileType.NOFSCHG: b"     File system change prohibited. Directory skipped: %b\n",
}
_SILENT = frozenset({FileType.DIRBEGIN, FileType.RESTORE_FIRST, FileType.PLUGIN_CONFIG})


def remark(entry: Entry, say: Say) -> None:
    """Say what there is to be said of an entry that is not simply sent."""
    kind = entry.type
    if kind in _FAILED:
        say(MessageType.NOTSAVED, _FAILED[kind] % (entry.path, error_text(entry.error)), 1)
    elif kind in _SKIPPED:
        say(MessageType.SKIPPED, _SKIPPED[kind] % entry.path, 0)
    elif kind not in _SILENT and kind not in SENT:
        say(MessageType.NOTSAVED, b"     Unknown file type %d: %b\n" % (kind, entry.path), 1)


@dataclass(frozen=True, slots=True, eq=False)
class VerifyPlan:
    """One Options block in one Include, worked out once.

    `head` stands between index and name of an attribute packet; `digest` and `new_hash` are None where no digest is
    asked for, and then `size` (bytes of the raw digest) and the next three mean nothing (see `digest_forms`). `direct`
    marks the common case that `verify_small` handles, `workable` a digest that a second process can make.
    """

    options: Options
    include: Include
    head: bytes
    digest: Digest | None
    new_hash: HashFactory | None
    size: int
    digest_head: bytes
    digest_tail: bytes
    digest_size: int
    direct: bool
    workable: bool


def make_plan(options: Options, include: Include) -> VerifyPlan:
    """The verify letters are those of the whole Include, the digest is that of the Options block."""
    digest = options.digest
    forms = (b"", b"", 0) if digest is None else digest_forms(digest)
    new_hash = None if digest is None else hash_factory(digest)
    special = options.strip or options.no_atime or options.keep_atime
    return VerifyPlan(
        options,
        include,
        attribute_head(include.verify),
        digest,
        new_hash,
        0 if digest is None else digest.size,
        *forms,
        direct=new_hash is not None and not special,
        workable=digest in WORKABLE,
    )

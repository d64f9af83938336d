"""From what the user asks for to the file set packets a Director sends (protocol/03 §1). Pure."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fdlocal.errors import UsageError

DIGESTS: Final = {"none": "", "md5": "M", "sha1": "S1", "sha256": "S2", "sha512": "S3", "xxh128": "S4"}
"""Digest name -> option letters."""

COMPRESSIONS: Final = {
    "none": "",
    **{f"gzip{level}": f"Z{level}" for level in range(1, 10)},
    "gzip": "Z6",
    "lzo": "Zo",
    "lzfast": "Zff",
    "lz4": "Zf4",
    "lz4hc": "Zfh",
}
"""Compression name -> option letters."""

_SPECIAL: Final = b"\\*?["


@dataclass(frozen=True, slots=True)
class BackupOptions:
    """What to save and how. Paths are absolute bytes; `excludes` are patterns as in a Bareos Exclude block."""

    paths: tuple[bytes, ...]
    excludes: tuple[bytes, ...] = ()
    digest: str = "xxh128"
    compression: str = "none"
    sparse: bool = False
    hard_links: bool = True
    acl: bool = True
    xattr: bool = True
    cross_file_systems: bool = False

    def letters(self) -> str:
        """The option letters of the one Options block. Raises UsageError for unknown names."""
        try:
            letters = DIGESTS[self.digest] + COMPRESSIONS[self.compression]
        except KeyError as error:
            raise UsageError(f"unknown digest or compression {error.args[0]!r}") from None
        flags = ((self.cross_file_systems, "f"), (self.sparse, "s"), (not self.hard_links, "H"))
        letters += "".join(letter for is_on, letter in flags if is_on)
        return letters + ("A" if self.acl else "") + ("X" if self.xattr else "")


def fileset(options: BackupOptions, never: Sequence[bytes] = ()) -> list[bytes]:
    """The packets between `fileset` and end of data. `never` are paths left out literally (our own
    repository).
    """
    lines = [b"I\n", b"O %s\n" % options.letters().encode(), b"N\n"]
    lines += [b"F " + path for path in options.paths]
    lines += [b"N\n", b"N\n"]
    excludes = [*options.excludes, *(_literal(path) for path in never)]
    if excludes:
        lines += [b"E\n", *(b"F " + pattern for pattern in excludes), b"N\n", b"N\n"]
    return lines


def identity(lines: Sequence[bytes]) -> str:
    """A short name for a file set: jobs build on each other only while it stays the same."""
    return hashlib.sha256(b"\0".join(lines)).hexdigest()[:16]


def _literal(path: bytes) -> bytes:
    return b"".join(b"\\" + bytes([c]) if c in _SPECIAL else bytes([c]) for c in path)

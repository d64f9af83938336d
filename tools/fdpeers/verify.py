"""What a Director does with the packets of a verify job (protocol/05 §11): reads them strictly and compares
them with catalog rows.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from fdaemon.wire.attributes import FileType
from fdaemon.wire.digests import Digest
from fdaemon.wire.stat import StatRecord, decode_stat
from fdaemon.wire.streams import ATTRIBUTES, Stream
from fdpeers.catalog_files import FileRow
from fdpeers.errors import Unexpected

_ATTRIBUTES: Final = re.compile(rb"(\d+) (\d+) (\S+) ([^\0]*)\0([^\0]*)\0([^\0]*)\0", re.DOTALL)
_DIGEST: Final = re.compile(rb"(\d+) (\d+) ([A-Za-z0-9+/]+) \*(MD5|SHA1|SHA256|SHA512|XXH128)-\1\*")

_COMPARED: Final = {
    "i": ("ino", "st_ino   differ"),
    "p": ("mode", "st_mode  differ"),
    "n": ("nlink", "st_nlink differ"),
    "u": ("uid", "st_uid   differ"),
    "g": ("gid", "st_gid   differ"),
    "s": ("size", "st_size  differ"),
    "a": ("atime", "st_atime differs"),
    "m": ("mtime", "st_mtime differs"),
    "c": ("ctime", "st_ctime differs"),
}
"""Verify option letter -> field of the stat record, and the Director's words."""


@dataclass(frozen=True, slots=True)
class VerifiedAttributes:
    """The attribute packet of one file. `options` are the letters to compare by."""

    index: int
    options: str
    name: bytes
    stat: bytes
    link: bytes


@dataclass(frozen=True, slots=True)
class VerifiedDigest:
    """The digest packet that follows it; `digest` is base64 text."""

    index: int
    stream: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class VerifiedObject:
    """A restore object on the volume: counted, not compared."""

    index: int


Verified = VerifiedAttributes | VerifiedDigest | VerifiedObject


def parse(packet: bytes) -> Verified:
    """One packet of the exchange. Raises Unexpected when it has not exactly the documented shape."""
    if match := _DIGEST.fullmatch(packet):
        stream = int(match[2])
        digest = Digest.of_stream(stream)
        if digest is None or digest.label != match[4]:
            raise Unexpected("a digest whose stream and name agree", packet)
        return VerifiedDigest(int(match[1]), stream, match[3])
    match = _ATTRIBUTES.fullmatch(packet)
    if match and int(match[2]) in ATTRIBUTES:
        return VerifiedAttributes(
            int(match[1]), match[3].decode("ascii", "replace"), match[4], match[5], match[6]
        )
    if match and int(match[2]) == Stream.RESTORE_OBJECT:
        return VerifiedObject(int(match[1]))
    raise Unexpected("a verify packet", packet)


class CatalogBuilder:
    """Keeps what an InitCatalog job reports, as rows to compare later jobs with (protocol/05 §11.2)."""

    def __init__(self, job_id: int) -> None:
        self.problems: list[str] = []
        self._job_id = job_id
        self._rows: list[FileRow] = []

    def feed(self, packet: bytes) -> None:
        """Take one packet. Raises Unexpected on a broken one; a digest of another file goes to `problems`."""
        match parse(packet):
            case VerifiedAttributes() as found:
                kind = FileType.LNK if found.link else FileType.REG
                if found.name.endswith(b"/"):
                    kind = FileType.DIREND
                self._rows.append(FileRow(self._job_id, found.index, found.name, kind, found.stat, b"", 0, 0))
            case VerifiedDigest() as found:
                last = self._rows[-1] if self._rows else None
                if last is None or last.file_index != found.index:
                    index = 0 if last is None else last.file_index
                    self.problems.append(f"digest index {found.index} not same as attributes {index}")
                    return
                padding = b"=" * (-len(found.digest) % 4)
                self._rows[-1] = replace(
                    last, digest=b64decode(found.digest + padding), digest_stream=found.stream
                )
            case VerifiedObject():
                pass

    def finish(self) -> list[FileRow]:
        """The rows, in the order of the packets."""
        return self._rows


@dataclass(slots=True)
class Comparer:
    """Compares a verify job with the `files` of a reference job. `by_index`: the volume level, where
    indexes count too. Each difference is one line in the words of the real Director, the file's name in front.
    """

    files: Iterable[FileRow]
    by_index: bool
    differences: list[str] = field(default_factory=list)
    seen: int = 0
    _rows: dict[bytes, FileRow] = field(default_factory=dict)
    _left: set[bytes] = field(default_factory=set)
    _row: FileRow | None = None
    _index: int = 0
    _wants_digest: bool = False

    def __post_init__(self) -> None:
        self._rows = {row.name: row for row in self.files}
        self._left = set(self._rows)

    def feed(self, packet: bytes) -> None:
        """Take one packet. Raises Unexpected on a broken one, or on a digest of another file than the last."""
        match parse(packet):
            case VerifiedAttributes() as found:
                self._attributes(found)
            case VerifiedDigest() as found:
                self._digest(found, packet)
            case VerifiedObject():
                self.seen += 1

    def finish(self) -> list[str]:
        """All differences, the files that never came included."""
        where = "the Volume(s)" if self.by_index else "disk"
        self.differences += [
            f"In the Catalog but not on {where}: {_shown(name)}" for name in sorted(self._left)
        ]
        self._left.clear()
        return self.differences

    def _attributes(self, found: VerifiedAttributes) -> None:
        self.seen += 1
        self._index, self._wants_digest = found.index, False
        row = self._row = self._rows.get(found.name)
        if row is None or (self.by_index and row.file_index != found.index):
            self._row = None
            if found.index:  # deleted entries of an incremental job carry no index
                self.differences.append(f"New file: {_shown(found.name)}")
            return
        self._left.discard(found.name)
        ours, theirs = decode_stat(row.lstat), decode_stat(found.stat)
        for letter in found.options:
            if letter in "51":
                self._wants_digest = True
            elif letter == "d" and ours.size > theirs.size:
                self._differ(row, f"st_size  decrease. Cat: {ours.size} File: {theirs.size}")
            elif letter in _COMPARED:
                self._compare(row, letter, ours, theirs)

    def _compare(self, row: FileRow, letter: str, ours: StatRecord, theirs: StatRecord) -> None:
        name, words = _COMPARED[letter]
        known, found = getattr(ours, name), getattr(theirs, name)
        if known == found:
            return
        form = "x" if letter == "p" else "d"
        values = "" if letter in "amc" else f". Cat: {known:{form}} File: {found:{form}}"
        self._differ(row, words + values)

    def _digest(self, found: VerifiedDigest, packet: bytes) -> None:
        if found.index != self._index:
            raise Unexpected(f"a digest of file {self._index}", packet)
        if self._row is not None and self._wants_digest:
            known = b64encode(self._row.digest).rstrip(b"=")
            if known != found.digest:
                digest = Digest.of_stream(found.stream)
                label = "" if digest is None else f"{digest.name} "
                text = f"{label}digest differs. File={found.digest.decode()} Cat={known.decode()}"
                self._differ(self._row, text)
        self._wants_digest = False

    def _differ(self, row: FileRow, text: str) -> None:
        self.differences.append(f"{_shown(row.name)}: {text}")


def _shown(name: bytes) -> str:
    return name.decode("utf-8", "backslashreplace")

"""The accurate list: what the Director believes of each file, kept in as few bytes as it takes. Never
touches the disk.

Facts: protocol/03 sections 3.1 and 3.2 (core/src/filed/accurate.cc: AccurateCmd). Millions of entries: so
they are one byte string, found through a table of record numbers by open addressing. A record holds its
directory by number, its base name, the parts of the stat that differ from file to file, and the checksum;
the other parts of the stat are shared.
"""

from array import array
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Iterator

from fdaemon.wire.numbers import ALPHABET
from fdaemon.wire.stat import StatRecord

FIRST_SIZE = 1024
"""Slots of the smallest table; a power of two, as are all."""
MAX_FIRST_SIZE = 1 << 22
"""Slots made at once because the Director announced so many files; the announcement may be nonsense."""
ABSENT = -1
_VARYING = (1, 7, 9, 10, 11, 12)
"""Inode, size, blocks, atime, mtime, ctime: kept in each record. The rest of the 16 numbers is shared."""
_FIELDS = 16
_DIGITS = {byte: value for value, byte in enumerate(ALPHABET)}


def number(text: bytes) -> int:
    """A radix-64 number as C++ reads it: bytes that are no digit count as 0, and 64 bits are kept."""
    try:
        if len(text) <= 10 and not text.endswith(b"="):
            return int.from_bytes(a2b_base64(text.rjust((len(text) + 3) & ~3, b"A"), strict_mode=True))
    except Base64Error:
        pass
    value = 0
    for byte in text.removeprefix(b"-"):
        value = (value << 6) | _DIGITS.get(byte, 0)
    if text[:1] == b"-":
        value = -value
    return ((value + (1 << 63)) & ((1 << 64) - 1)) - (1 << 63)


class AccurateList:
    """Filled with `add_packet` in the order of arrival; then asked with `find`. Entries are known by number, from
    0."""

    def __init__(self, announced: int) -> None:
        """`announced` is the number of files of the `accurate` command, which may be too low or too high."""
        self.announced = announced
        self.duplicates = 0
        self._received = 0
        size = FIRST_SIZE
        while size < min(announced * 2, MAX_FIRST_SIZE):
            size *= 2
        self._table = array("I", bytes(4 * size))
        self._offsets = array("Q")
        self._blob = bytearray()
        self._directories: dict[bytes, bytes] = {}
        self._prefixes: list[bytes] = []
        self._shared: dict[bytes, bytes] = {}
        self._commons: list[bytes] = []
        self._seen = bytearray()

    def __len__(self) -> int:
        return len(self._offsets)

    @property
    def memory(self) -> int:
        """Bytes held, without what belongs to directories and shared parts rather than to files."""
        tables = self._table.itemsize * len(self._table) + self._offsets.itemsize * len(self._offsets)
        return tables + len(self._blob) + len(self._seen)

    def add_packet(self, payload: bytes) -> None:
        """One packet: name, stat, and perhaps checksum and delta sequence, NULs between them.

        The first of several entries with one name counts.
        """
        parts = payload.split(b"\0", 3)
        name = parts[0]
        stat = parts[1] if len(parts) > 1 else b""
        checksum = delta = b""
        if len(name) + len(stat) + 2 < len(payload):
            if len(parts) < 4:
                return
            checksum, delta = parts[2], parts[3]
        self._received += 1
        key = self._key(name, create=True)
        slot = self._slot(key)
        if self._table[slot]:
            self.duplicates += 1
            return
        common, varying = _split(stat, delta)
        shared = self._shared.get(common)
        if shared is None:
            shared = self._shared[common] = len(self._commons).to_bytes(4, "little")
            self._commons.append(common)
        offsets, blob = self._offsets, self._blob
        offsets.append(len(blob))
        blob += key + shared + varying + b"\0" + checksum
        self._seen.append(0)
        records = self._table[slot] = len(offsets)
        if records * 2 > len(self._table):
            self._grow()

    def complaints(self) -> list[bytes]:
        """Texts of the error messages that are due once the whole list has arrived."""
        texts: list[bytes] = []
        if self.duplicates:
            texts.append(
                b"%d duplicate files were sent by the director and removed. This may indicate problems with the "
                b"database.\n" % self.duplicates
            )
        if self._received - self.duplicates > self.announced:
            texts.append(
                b"The director send too many files. %d were sent but only %d were anticipated. The accurate job may "
                b"be in a corrupted state.\n" % (self._received - self.duplicates, self.announced)
            )
        return texts

    def find(self, name: bytes) -> int:
        """The number of the entry called `name` (a directory's with its `/`), or ABSENT."""
        key = self._key(name, create=False)
        return self._table[self._slot(key)] - 1 if key else ABSENT

    def look_up(self, name: bytes) -> tuple[int, list[bytes]]:
        """`find` and `varying` in one, for every file of a walk; the fields of an ABSENT entry are none."""
        cut = name.rfind(b"/", 0, -1) + 1
        directory = self._directories.get(name[:cut])
        if directory is None:
            return ABSENT, []
        key = directory + name[cut:] + b"\0"
        record = self._table[self._slot(key)]
        if not record:
            return ABSENT, []
        blob = self._blob
        start = self._offsets[record - 1] + len(key) + 4
        return record - 1, bytes(blob[start : blob.index(0, start)]).split(b" ")

    def see(self, entry: int) -> None:
        """Mark the entry as still there."""
        self._seen[entry] = 1

    def seen(self, entry: int) -> bool:
        """True when the entry has been marked."""
        return bool(self._seen[entry])

    def varying(self, entry: int) -> list[bytes]:
        """Inode, size, blocks, atime, mtime and ctime, still encoded."""
        start = self._body(entry) + 4
        return bytes(self._blob[start : self._blob.index(0, start)]).split(b" ")

    def checksum(self, entry: int) -> bytes:
        """The digest as base 64 text, empty when the Director sent none."""
        start = self._blob.index(0, self._body(entry) + 4) + 1
        return bytes(self._blob[start : self._end(entry)])

    def delta_seq(self, entry: int) -> int:
        """The delta sequence, 0 to 65535."""
        return int(self._common(entry)[-1])

    def stat(self, entry: int) -> StatRecord:
        """The whole stat as the catalog has it."""
        fields = self._common(entry)[:-1]
        for place, text in zip(_VARYING, self.varying(entry), strict=True):
            fields.insert(place, text)
        return StatRecord(*[number(field) for field in fields])

    def name(self, entry: int) -> bytes:
        """The name as it was sent."""
        start = self._offsets[entry]
        prefix = self._prefixes[int.from_bytes(self._blob[start : start + 4], "little")]
        return prefix + self._blob[start + 4 : self._blob.index(0, start + 4)]

    def entries(self, *, seen: bool) -> Iterator[int]:
        """The numbers of all entries that are, or are not, marked."""
        wanted = 1 if seen else 0
        return (entry for entry, mark in enumerate(self._seen) if mark == wanted)

    def _key(self, name: bytes, *, create: bool) -> bytes:
        """Number of the directory and base name with its NUL: how a record begins. Empty for an unknown
        directory."""
        cut = name.rfind(b"/", 0, -1) + 1
        prefix = name[:cut]
        directory = self._directories.get(prefix)
        if directory is None:
            if not create:
                return b""
            directory = self._directories[prefix] = len(self._prefixes).to_bytes(4, "little")
            self._prefixes.append(prefix)
        return directory + name[cut:] + b"\0"

    def _slot(self, key: bytes) -> int:
        """Where the record that begins with `key` is in the table, or the free place where it would be."""
        table, offsets, blob = self._table, self._offsets, self._blob
        mask = len(table) - 1
        slot = hash(key) & mask
        while record := table[slot]:
            if blob.startswith(key, offsets[record - 1]):
                break
            slot = (slot + 1) & mask
        return slot

    def _grow(self) -> None:
        blob = self._blob
        table = array("I", bytes(8 * len(self._table)))
        mask = len(table) - 1
        for record, start in enumerate(self._offsets, 1):
            slot = hash(bytes(blob[start : blob.index(0, start + 4) + 1])) & mask
            while table[slot]:
                slot = (slot + 1) & mask
            table[slot] = record
        self._table = table

    def _body(self, entry: int) -> int:
        return self._blob.index(0, self._offsets[entry] + 4) + 1

    def _end(self, entry: int) -> int:
        return self._offsets[entry + 1] if entry + 1 < len(self._offsets) else len(self._blob)

    def _common(self, entry: int) -> list[bytes]:
        """The ten shared numbers, still encoded, and the delta sequence in decimal."""
        start = self._body(entry)
        return self._commons[int.from_bytes(self._blob[start : start + 4], "little")].split(b" ")


def _split(stat: bytes, delta: bytes) -> tuple[bytes, bytes]:
    """The shared and the varying part of a stat; what is missing of it counts as 0."""
    fields = stat.split(b" ")
    if len(fields) != _FIELDS:
        fields = (fields + [b"A"] * _FIELDS)[:_FIELDS]
    dev, ino, mode, nlink, uid, gid, rdev, size, blksize, blocks, atime, mtime, ctime, link, flags, stream = (
        fields
    )
    common = b"%b %b %b %b %b %b %b %b %b %b %b" % (
        dev, mode, nlink, uid, gid, rdev, blksize, link, flags, stream, _sequence(delta),
    )  # fmt: skip
    return common, b"%b %b %b %b %b %b" % (ino, size, blocks, atime, mtime, ctime)


def _sequence(delta: bytes) -> bytes:
    """A delta sequence in decimal, nearly always 0."""
    digits = delta.strip(b"\0 \n")[:9]
    return b"%d" % (int(digits) & 0xFFFF) if digits != b"0" and digits.isdigit() else b"0"

"""The few DER forms that encryption and signature records are made of, strictly: one way to write each value.

Knows tags and lengths, not meanings (protocol/04 section 5.2).
"""

from enum import IntEnum


class Tag(IntEnum):
    """Universal tags in use."""

    INTEGER = 0x02
    OCTET_STRING = 0x04
    OBJECT_IDENTIFIER = 0x06
    SEQUENCE = 0x30
    SET = 0x31


def encode(tag: Tag, content: bytes) -> bytes:
    """One value: tag, shortest length, content."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def encode_small(number: int) -> bytes:
    """An INTEGER from 0 to 127."""
    return encode(Tag.INTEGER, bytes((number,)))


def encode_oid(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER from its dotted form."""
    first, second, *rest = (int(part) for part in dotted.split("."))
    content = bytearray()
    for number in (first * 40 + second, *rest):
        digits = [number & 0x7F]
        while number := number >> 7:
            digits.append(0x80 | number & 0x7F)
        content += bytes(reversed(digits))
    return encode(Tag.OBJECT_IDENTIFIER, bytes(content))


def encode_set(values: list[bytes]) -> bytes:
    """A SET OF values already encoded, in the order that DER prescribes."""
    return encode(Tag.SET, b"".join(sorted(values)))


class DerReader:
    """Reads values from the front of some bytes. Every irregularity is a ValueError."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def read(self, tag: Tag) -> bytes:
        """The content of the next value, which must have this tag."""
        data, at = self._data, self._at
        if len(data) < at + 2:
            raise ValueError("DER value cut short")
        if data[at] != tag:
            raise ValueError(f"DER tag 0x{data[at]:02x} where 0x{tag:02x} is due")
        size, at = data[at + 1], at + 2
        if size >= 0x80:
            count = size & 0x7F
            length = data[at : at + count]
            size, at = int.from_bytes(length, "big"), at + count
            if not 1 <= count <= 4 or len(length) != count or not length[0] or size < 0x80:
                raise ValueError("DER length not in its shortest form")
        content = data[at : at + size]
        if len(content) != size:
            raise ValueError("DER value cut short")
        self._at = at + size
        return content

    def read_version(self) -> None:
        """The INTEGER 0 that every structure begins with."""
        if self.read(Tag.INTEGER) != b"\0":
            raise ValueError("unknown version")

    def enter(self, tag: Tag) -> "DerReader":
        """A reader for the inside of the next value."""
        return DerReader(self.read(tag))

    @property
    def exhausted(self) -> bool:
        """True when nothing is left."""
        return self._at == len(self._data)

    def finish(self) -> None:
        """Raise unless everything was read."""
        if not self.exhausted:
            raise ValueError("bytes after the last DER value")

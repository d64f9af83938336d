"""The packets of a Verify job towards the Director: attributes and digests. Compares nothing, reads no file.

Source: protocol/05 sections 5, 6 and 9.3.
"""

from dataclasses import dataclass

from fdaemon.errors import RemoteProtocolError
from fdaemon.wire.attributes import AttributeRecord, FileType
from fdaemon.wire.digests import Digest
from fdaemon.wire.numbers import base64_standard
from fdaemon.wire.streams import Stream
from fdaemon.wire.text import decimal

VOLUME_OPTIONS = b"pinsug5"
"""The verify options of a volume verify are constant (core/src/filed/verify_vol.cc)."""
OPTIONS_LIMIT = 19
"""Bytes of the options field (a 20-byte buffer in core/src/findlib/find.cc)."""
LINK_TYPES = frozenset({FileType.LNK, FileType.LNKSAVED})
"""Types whose record carries a link."""


@dataclass(frozen=True, slots=True)
class VerifyAttributes:
    """One attribute packet: `<index> 1 <options> <name>\\0<stat>\\0<link>\\0`. `stat` stays encoded."""

    file_index: int
    options: bytes
    name: bytes
    stat: bytes
    link: bytes = b""

    def encode(self) -> bytes:
        """The wire form."""
        head = b"%d %d %b " % (self.file_index, Stream.UNIX_ATTRIBUTES, self.options)
        return head + b"%b\0%b\0%b\0" % (self.name, self.stat, self.link)


@dataclass(frozen=True, slots=True)
class VerifyDigest:
    """One digest packet: `<index> <stream> <base 64> *<label>-<index>*`; `text` is the base 64."""

    file_index: int
    digest: Digest
    text: bytes

    def encode(self) -> bytes:
        """The wire form."""
        return b"%d %d %b *%b-%d*" % (
            self.file_index,
            self.digest.stream,
            self.text,
            self.digest.label,
            self.file_index,
        )


def options_field(blocks: list[bytes]) -> bytes:
    """`V` and the verify string of each Options block, with its own `V` (protocol/05 section 5.2)."""
    return (b"V" + b"".join(blocks))[:OPTIONS_LIMIT]


def attribute_head(options: bytes) -> bytes:
    """What stands between index and name in the attribute packets of one Include."""
    return b" %d %b " % (Stream.UNIX_ATTRIBUTES, options)


def digest_forms(digest: Digest) -> tuple[bytes, bytes, int]:
    """For the packets of many files: what stands between index and base 64, what stands between that and the
    second index (a `*` follows it), and how many characters the base 64 has without its padding.
    """
    return b" %d " % digest.stream, b" *%b-" % digest.label, (digest.size * 8 + 5) // 6


def digest_packet(file_index: int, digest: Digest, value: bytes) -> bytes:
    """The packet for a raw digest, right after the attributes of the same file."""
    return VerifyDigest(file_index, digest, base64_standard(value)).encode()


def volume_attributes(file_index: int, record: AttributeRecord) -> bytes:
    """The packet for an attributes record read from a volume; a deleted file has index 0 (section 9.3)."""
    index = 0 if record.type == FileType.DELETED else file_index
    link = record.link if record.type in LINK_TYPES else b""
    return VerifyAttributes(index, VOLUME_OPTIONS, record.name, record.stat, link).encode()


def volume_digest(file_index: int, digest: Digest, data: bytes) -> bytes:
    """The packet for a digest record read from a volume. RemoteProtocolError when the record is too short."""
    if len(data) < digest.size:
        text = b"Digest record of %d bytes, %d expected\n" % (len(data), digest.size)
        raise RemoteProtocolError("digest record too short", fatal=text)
    return digest_packet(file_index, digest, data[: digest.size])


def restore_object(file_index: int, last_name: bytes) -> bytes:
    """The packet for a restore object; it carries the name of the file before it."""
    return b"%d %d ReStOrEObJeCt %b\0\0\0" % (file_index, Stream.RESTORE_OBJECT, last_name)


def parse_attributes(packet: bytes) -> VerifyAttributes:
    """An attribute packet as a Director reads it; strict."""
    head = packet.split(b" ", 3)
    parts = head[3].split(b"\0") if len(head) == 4 else []
    if len(parts) != 4 or parts[3] or head[1] != b"1":
        raise RemoteProtocolError(f"not a verify attribute packet: {packet[:80]!r}")
    return VerifyAttributes(decimal(head[0], "file index"), head[2], parts[0], parts[1], parts[2])


def parse_digest(packet: bytes) -> VerifyDigest:
    """A digest packet as a Director reads it; strict."""
    fields = packet.split(b" ")
    if len(fields) != 4:
        raise RemoteProtocolError(f"not a verify digest packet: {packet[:80]!r}")
    index = decimal(fields[0], "file index")
    digest = Digest.of_stream(decimal(fields[1], "stream"))
    if digest is None or fields[3] != b"*%b-%d*" % (digest.label, index):
        raise RemoteProtocolError(f"not a verify digest packet: {packet[:80]!r}")
    return VerifyDigest(index, digest, fields[2])

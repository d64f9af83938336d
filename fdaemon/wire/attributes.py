"""The attributes record of streams 1 and 5, and the file types it carries. Pure bytes; names are never
interpreted.

Layout: protocol/04 section 2.1; source: core/src/filed/backup.cc: EncodeAndSendAttributes,
core/src/lib/attr.cc.
"""

from dataclasses import dataclass
from enum import IntEnum

from fdaemon.errors import RemoteProtocolError
from fdaemon.wire.text import c_string, decimal

TYPE_MASK = 0xFFFF
"""Bits of the type field that are the type (core/src/include/filetypes.h: FT_MASK)."""


class FileType(IntEnum):
    """What the walker met (core/src/include/filetypes.h)."""

    LNKSAVED = 1
    REGE = 2
    REG = 3
    LNK = 4
    DIREND = 5
    SPEC = 6
    NOACCESS = 7
    NOFOLLOW = 8
    NOSTAT = 9
    NOCHG = 10
    DIRNOCHG = 11
    ISARCH = 12
    NORECURSE = 13
    NOFSCHG = 14
    NOOPEN = 15
    RAW = 16
    FIFO = 17
    DIRBEGIN = 18
    INVALIDFS = 19
    INVALIDDT = 20
    REPARSE = 21
    PLUGIN = 22
    DELETED = 23
    BASE = 24
    RESTORE_FIRST = 25
    JUNCTION = 26
    PLUGIN_CONFIG = 27
    PLUGIN_CONFIG_FILLED = 28


@dataclass(frozen=True, slots=True)
class AttributeRecord:
    """One attributes record. `type` is a FileType number (unknown ones are kept), `stat` still encoded.

    Directories carry one trailing `/` in `name`; `link` is a symlink's target or a hard link's first name.
    """

    file_index: int
    type: int
    name: bytes
    stat: bytes
    link: bytes = b""
    extended: bytes = b""
    delta_seq: int = 0

    def encode(self) -> bytes:
        """The wire form."""
        return encode_attributes(
            self.file_index, self.type, self.name, self.stat, self.link, self.extended, self.delta_seq
        )


def encode_attributes(
    file_index: int,
    type: int,
    name: bytes,
    stat: bytes,
    link: bytes = b"",
    extended: bytes = b"",
    delta_seq: int = 0,
) -> bytes:
    """The payload of an attributes packet, all as given: the caller adds a directory's trailing `/`."""
    return b"%d %d %b\0%b\0%b\0%b\0%d\0" % (file_index, type, name, stat, link, extended, delta_seq)


def decode_attributes(payload: bytes) -> AttributeRecord:
    """The record in `payload`. Missing trailing parts (link, extended, delta_seq) are empty or 0.

    Raises RemoteProtocolError when the two numbers, the name or the stat are missing, or something is left
    over.
    """
    head = payload.split(b" ", 2)
    if len(head) != 3:
        raise _malformed(payload, "without its two numbers")
    try:
        file_index = decimal(head[0], "file index")
        file_type = decimal(head[1], "file type") & TYPE_MASK
    except RemoteProtocolError as error:
        raise _malformed(payload, f"whose {error}") from None
    parts = head[2].split(b"\0")
    if len(parts) > 1 and not parts[-1]:
        parts.pop()
    if not 2 <= len(parts) <= 5 or not parts[0]:
        raise _malformed(payload, f"with {len(parts)} parts")
    name, stat = parts[:2]
    link, extended, delta = (*parts[2:], b"", b"", b"")[:3]
    delta_seq = decimal(delta, "delta sequence") if delta else 0
    return AttributeRecord(file_index, file_type, name, stat, link, extended, delta_seq)


def _malformed(payload: bytes, why: str) -> RemoteProtocolError:
    fatal = b"Error scanning attributes: %b\n" % c_string(payload)[:200]
    return RemoteProtocolError(f"attributes record {why}", fatal=fatal)

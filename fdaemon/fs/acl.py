"""POSIX ACLs: the kernel's attribute value and the long text form of libacl, both ways. Pure.

Text form: protocol/04 section 6.1. The kernel's value is little-endian: a 32-bit version 2, then for each
entry a 16-bit tag, 16-bit permissions and a 32-bit id (linux/posix_acl_xattr.h), ordered by tag, then by id.
"""

import re
from collections.abc import Callable
from struct import Struct

ACCESS_XATTR = b"system.posix_acl_access"
DEFAULT_XATTR = b"system.posix_acl_default"

_VERSION = b"\x02\0\0\0"
_ENTRY = Struct("<HHI")
_NO_ID = 0xFFFF_FFFF

USER_OBJ, USER, GROUP_OBJ, GROUP, MASK, OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20

_SHOWN = {
    USER_OBJ: b"user",
    USER: b"user",
    GROUP_OBJ: b"group",
    GROUP: b"group",
    MASK: b"mask",
    OTHER: b"other",
}
_KINDS = {
    b"user": USER_OBJ, b"u": USER_OBJ, b"group": GROUP_OBJ, b"g": GROUP_OBJ,
    b"mask": MASK, b"m": MASK, b"other": OTHER, b"o": OTHER,
}  # fmt: skip
_PERMISSIONS = [bytes((b"-r"[n >> 2 & 1], b"-w"[n >> 1 & 1], b"-x"[n & 1])) for n in range(8)]
_BITS = {ord("r"): 4, ord("w"): 2, ord("x"): 1, ord("-"): 0}
_QUOTED = re.compile(rb"[:, \t\n\r\\]")
_ESCAPE = re.compile(rb"\\([0-7]{3})")

type NameOf = Callable[[int], bytes | None]
"""Looks up the name of a user or group id; None when there is none."""
type IdOf = Callable[[bytes], int | None]
"""Looks up the id of a user or group name; None when there is none."""


class AclError(ValueError):
    """An ACL that cannot be understood (`stage` "acl_from_text") or that makes no sense ("acl_valid")."""

    def __init__(self, text: str, stage: str = "acl_from_text") -> None:
        super().__init__(text)
        self.stage = stage


def _entries(value: bytes) -> list[tuple[int, int, int]]:
    if value[:4] != _VERSION or len(value) % _ENTRY.size != 4:
        raise AclError(f"not a POSIX ACL of version 2: {len(value)} bytes")
    found = [(tag, ident, bits) for tag, bits, ident in _ENTRY.iter_unpack(memoryview(value)[4:])]
    for tag, _, bits in found:
        if tag not in _SHOWN or bits > 7:
            raise AclError(f"unknown ACL entry: tag {tag:#x}, permissions {bits:#o}")
    found.sort(key=lambda entry: (entry[0], entry[1] if entry[0] in (USER, GROUP) else 0))
    return found


def is_minimal(value: bytes) -> bool:
    """True when a kernel value says no more than the mode does: three entries, no mask and nobody named."""
    return len(value) <= 4 + 3 * _ENTRY.size


def to_text(value: bytes, user_name: NameOf, group_name: NameOf) -> bytes:
    """The text of a kernel value, as `acl_to_text` of libacl writes it: one entry a line.

    Ids without a name appear as decimals. An entry that the mask cuts short is followed by a tab and
    `#effective:`. Raises AclError.
    """
    entries = _entries(value)
    mask = next((bits for tag, _, bits in entries if tag == MASK), 7)
    lines: list[bytes] = []
    for tag, ident, bits in entries:
        name = b""
        if tag in (USER, GROUP):
            found = (user_name if tag == USER else group_name)(ident)
            name = b"%d" % ident if found is None else _quote(found)
        line = b"%b:%b:%b" % (_SHOWN[tag], name, _PERMISSIONS[bits])
        if tag in (USER, GROUP_OBJ, GROUP) and bits & ~mask:
            line += b"\t#effective:" + _PERMISSIONS[bits & mask]
        lines.append(line + b"\n")
    return b"".join(lines)


def from_text(text: bytes, user_id: IdOf, group_id: IdOf) -> bytes:
    """The kernel value of an ACL text: entries between newlines, commas or blanks, comments from `#`.

    Raises AclError with stage "acl_from_text" for a text that does not parse or names an unknown user or
    group, and with stage "acl_valid" for an ACL that is incomplete or names somebody twice.
    """
    entries: list[tuple[int, int, int]] = []
    for line in text.split(b"\n"):
        for word in line.partition(b"#")[0].replace(b",", b" ").split():
            entries.append(_parse_entry(word, user_id, group_id))
    entries.sort()
    _check_valid(entries)
    return _VERSION + b"".join([_ENTRY.pack(tag, bits, ident) for tag, ident, bits in entries])


def _parse_entry(word: bytes, user_id: IdOf, group_id: IdOf) -> tuple[int, int, int]:
    fields = word.split(b":")
    tag = _KINDS.get(fields[0])
    if tag is None or not 2 <= len(fields) <= 3 or (len(fields) == 2 and tag not in (MASK, OTHER)):
        raise AclError(f"not an ACL entry: {word!r}")
    name = fields[1] if len(fields) == 3 else b""
    ident = _NO_ID
    if name:
        if tag not in (USER_OBJ, GROUP_OBJ):
            raise AclError(f"an ACL entry that cannot name anybody: {word!r}")
        ident = _identify(name, user_id if tag == USER_OBJ else group_id)
        tag = USER if tag == USER_OBJ else GROUP
    return tag, ident, _parse_permissions(fields[-1])


def _identify(name: bytes, lookup: IdOf) -> int:
    if name.isdigit():
        digits = name.lstrip(b"0") or b"0"
        if len(digits) > 10 or int(digits) >= _NO_ID:
            raise AclError(f"an ACL id beyond 32 bits: {name[:20]!r}")
        return int(digits)
    plain = _ESCAPE.sub(lambda match: bytes((int(match[1], 8) & 255,)), name)
    found = None if b"\0" in plain else lookup(plain)
    if found is None:
        raise AclError(f"unknown name in an ACL: {name!r}")
    return found


def _parse_permissions(text: bytes) -> int:
    bits = 0
    if not 1 <= len(text) <= 3:
        raise AclError(f"ACL permissions of {len(text)} letters")
    for byte in text:
        bit = _BITS.get(byte)
        if bit is None or bits & bit:
            raise AclError(f"not ACL permissions: {text!r}")
        bits |= bit
    return bits


def _check_valid(entries: list[tuple[int, int, int]]) -> None:
    """The rules of `acl_valid`: owner, group, other once each, a mask for named entries, nobody twice."""
    tags = [tag for tag, _, _ in entries]
    if any(tags.count(tag) != 1 for tag in (USER_OBJ, GROUP_OBJ, OTHER)) or tags.count(MASK) > 1:
        raise AclError("an ACL without exactly one owner, group and other entry", "acl_valid")
    if MASK not in tags and (USER in tags or GROUP in tags):
        raise AclError("an ACL with named entries and no mask", "acl_valid")
    if len({(tag, ident) for tag, ident, _ in entries}) != len(entries):
        raise AclError("an ACL that names somebody twice", "acl_valid")


def _quote(name: bytes) -> bytes:
    return _QUOTED.sub(lambda match: b"\\%03o" % match[0][0], name)

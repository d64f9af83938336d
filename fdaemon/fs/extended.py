"""Reads the ACLs and extended attributes of a file as the records that a backup sends. Changes nothing.

Record forms: protocol/04 sections 6.1 and 6.3. The usual file has neither and costs one system call.
"""

import errno
import os
from dataclasses import dataclass
from struct import Struct

from fdaemon.errors import RemoteProtocolError
from fdaemon.fs import acl as posix_acl
from fdaemon.fs import identities
from fdaemon.fs.problem import Problem, Severity
from fdaemon.wire.streams import Stream

LIMIT = 999_996
"""Longest attribute record sent. C++ allows 1 MiB - 1, but a record above one packet is split and cannot be
restored (protocol/04 section 6.3), so the packet's limit is ours."""
NAMED_LIMIT = 1_048_576
"""The limit that the C++ message names (core/src/findlib/xattr.h: MAX_XATTR_STREAM)."""
MAGIC = 0x005C5884
"""Opens each name-value pair (core/src/findlib/xattr.h: XATTR_MAGIC)."""

_ACL_NAMES = frozenset({posix_acl.ACCESS_XATTR, posix_acl.DEFAULT_XATTR})
_NEVER_SAVED = frozenset(
    b"ceph.dir." + name
    for name in (b"entries", b"files", b"rbytes", b"rctime", b"rentries", b"rfiles", b"rsubdirs", b"subdirs")
)
"""Figures that Ceph shows as attributes (core/src/findlib/xattr.cc: xattr_skiplist)."""
_PAIR = Struct(">II")
_LENGTH = Struct(">I")
_UNSUPPORTED = (errno.ENOTSUP, errno.ENOSYS)


@dataclass(frozen=True, slots=True)
class ExtendedRead:
    """What was read of one file: records in wire order, and what went wrong.

    `acl_unsupported` and `xattr_unsupported`: leave them out until st_dev changes (sections 6.1, 6.3).
    """

    streams: tuple[tuple[Stream, bytes], ...] = ()
    problems: tuple[Problem, ...] = ()
    acl_unsupported: bool = False
    xattr_unsupported: bool = False


NOTHING = ExtendedRead()
"""The answer for a file without ACL and attributes."""


def read_extended(
    target: int | bytes, *, acl: bool, xattr: bool, directory: bool, name: bytes = b""
) -> ExtendedRead:
    """The ACL and attribute records of `target`, an open descriptor or a path that is never followed.

    `acl` must be off for symbolic links. `directory` adds the default ACL. `name` is what messages call the
    file. Reading uses one listing of names for both kinds, so a file without any costs one system call.
    """
    try:
        names = (
            os.listxattr(target) if isinstance(target, int) else os.listxattr(target, follow_symlinks=False)
        )
    except OSError as error:
        return _listing_failed(error, xattr, _shown(target, name))
    if not names:
        return NOTHING
    streams: list[tuple[Stream, bytes]] = []
    problems: list[Problem] = []
    listed = [os.fsencode(each) for each in names]
    if acl:
        streams += _read_acls(target, listed, directory)
    if xattr:
        skipped = _NEVER_SAVED | _ACL_NAMES if acl else _NEVER_SAVED
        wanted = [each for each in listed if each not in skipped]
        record = _read_pairs(target, wanted, _shown(target, name)) if wanted else b""
        if isinstance(record, Problem):
            problems.append(record)
        elif record:
            streams.append((Stream.XATTR_LINUX, record))
    return ExtendedRead(tuple(streams), tuple(problems)) if streams or problems else NOTHING


def pack_pairs(pairs: list[tuple[bytes, bytes]]) -> bytes:
    """The attribute record of names and values (protocol/04 section 6.3)."""
    pieces: list[bytes] = []
    for name, value in pairs:
        pieces += (_PAIR.pack(MAGIC, len(name)), name, _LENGTH.pack(len(value)), value)
    return b"".join(pieces)


def unpack_pairs(record: bytes, name: bytes = b"") -> list[tuple[bytes, bytes]]:
    """The names and values of an attribute record.

    Raises RemoteProtocolError whose text is the C++ message with `name`, for a wrong magic, an empty
    attribute name, or lengths that do not fit the record (where the C++ daemon would abort).
    """
    pairs: list[tuple[bytes, bytes]] = []
    at, end = 0, len(record)
    while at < end:
        if end - at < _PAIR.size:
            raise _illegal(b"truncated", name)
        magic, length = _PAIR.unpack_from(record, at)
        at += _PAIR.size
        if magic != MAGIC:
            raise _illegal(b"no XATTR_MAGIC", name)
        if not length:
            raise _illegal(b"xattr name length <= 0", name)
        if length > end - at - _LENGTH.size:
            raise _illegal(b"truncated", name)
        attribute = record[at : at + length]
        at += length
        (length,) = _LENGTH.unpack_from(record, at)
        at += _LENGTH.size
        if length > end - at:
            raise _illegal(b"truncated", name)
        pairs.append((attribute, record[at : at + length]))
        at += length
    return pairs


def _illegal(what: bytes, name: bytes) -> RemoteProtocolError:
    text = b'Illegal xattr stream, %b on file "%b"\n' % (what, name)
    return RemoteProtocolError(text.decode("utf-8", "backslashreplace"), fatal=text)


def _shown(target: int | bytes, name: bytes) -> bytes:
    return name or (target if isinstance(target, bytes) else b"")


def error_text(error: OSError) -> bytes:
    """What the C library says about an error number: the ERR= part of messages."""
    return os.strerror(error.errno or 0).encode("utf-8", "surrogateescape")


def _listing_failed(error: OSError, xattr: bool, name: bytes) -> ExtendedRead:
    if error.errno == errno.ENOENT:
        return NOTHING
    if error.errno in _UNSUPPORTED:
        if not xattr:
            return ExtendedRead(acl_unsupported=True, xattr_unsupported=True)
        text = b'Disabling restore of XATTRs on this filesystem, not supported. Current file: "%b"\n' % name
        problem = Problem(Severity.INFO, text, counted=False, unsupported=True)
        return ExtendedRead(problems=(problem,), acl_unsupported=True, xattr_unsupported=True)
    if not xattr:
        return NOTHING
    return ExtendedRead(problems=(_failed(b"llistxattr", name, error),))


def _failed(call: bytes, name: bytes, error: OSError) -> Problem:
    return Problem(Severity.ERROR, b'%b error on file "%b": ERR=%b\n' % (call, name, error_text(error)))


def _get(target: int | bytes, attribute: bytes) -> bytes:
    if isinstance(target, int):
        return os.getxattr(target, attribute)
    return os.getxattr(target, attribute, follow_symlinks=False)


def _read_acls(target: int | bytes, listed: list[bytes], directory: bool) -> list[tuple[Stream, bytes]]:
    """The ACL records. A failing read is passed over in silence, as the C++ daemon does (section 6.1)."""
    found: list[tuple[Stream, bytes]] = []
    for attribute, stream in (
        (posix_acl.ACCESS_XATTR, Stream.ACL_LINUX_ACCESS_ACL),
        (posix_acl.DEFAULT_XATTR, Stream.ACL_LINUX_DEFAULT_ACL),
    ):
        if attribute not in listed or (attribute == posix_acl.DEFAULT_XATTR and not directory):
            continue
        try:
            value = _get(target, attribute)
            if attribute == posix_acl.ACCESS_XATTR and posix_acl.is_minimal(value):
                continue
            text = posix_acl.to_text(value, identities.user_name, identities.group_name)
        except (OSError, posix_acl.AclError):
            continue
        found.append((stream, text + b"\0"))
    return found


def _read_pairs(target: int | bytes, names: list[bytes], name: bytes) -> bytes | Problem:
    """The attribute record, empty when an attribute vanished meanwhile (the whole record is dropped then)."""
    pairs: list[tuple[bytes, bytes]] = []
    size = 0
    for attribute in names:
        try:
            value = _get(target, attribute)
        except OSError as error:
            if error.errno == errno.ENOENT:
                return b""
            return _failed(b"lgetxattr", name, error)
        pairs.append((attribute, value))
        size += _PAIR.size + _LENGTH.size + len(attribute) + len(value)
        if size > LIMIT:
            return Problem(
                Severity.ERROR,
                b'Xattr stream on file "%b" exceeds maximum size of %d bytes\n' % (name, NAMED_LIMIT),
            )
    return pack_pairs(pairs)

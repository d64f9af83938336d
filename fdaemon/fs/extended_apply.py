"""Puts ACLs and extended attributes back on a restored file. Follows no link; problems are values.

Rules: protocol/04 sections 6.2 and 6.4. Unlike the C++ daemon, one attribute that cannot be set does not keep
the others of the file from being set.
"""

import errno
import os

from fdaemon.errors import RemoteProtocolError
from fdaemon.fs import acl as posix_acl
from fdaemon.fs import identities
from fdaemon.fs.extended import error_text, unpack_pairs
from fdaemon.fs.problem import Problem, Severity

_UNSUPPORTED = (errno.ENOTSUP, errno.ENOSYS)


def apply_acl(target: int | bytes, record: bytes, *, default: bool, name: bytes) -> Problem | None:
    """Set the access or default ACL of `target` from a record: ACL text, with or without its final NUL.

    `target` is a descriptor open for reading or writing, or a path that is not followed. An empty text for a
    default ACL deletes it. A file that is gone is no problem.
    """
    text = record.partition(b"\0")[0]
    attribute = posix_acl.DEFAULT_XATTR if default else posix_acl.ACCESS_XATTR
    deleting = default and not text
    try:
        if deleting:
            _remove(target, attribute)
        else:
            _set(target, attribute, posix_acl.from_text(text, identities.user_id, identities.group_id))
    except posix_acl.AclError as error:
        reason = os.strerror(errno.EINVAL).encode()
        return _warning(error.stage.encode(), name, b"ERR=" + reason)
    except OSError as error:
        call = b"acl_delete_def_file" if deleting else b"acl_set_file"
        if error.errno in _UNSUPPORTED:
            return _warning(call, name, b"filesystem doesn't support ACLs", unsupported=True)
        if error.errno == errno.ENOENT or (deleting and error.errno == errno.ENODATA):
            return None
        return _warning(call, name, b"ERR=" + error_text(error))
    return None


def apply_xattrs(
    target: int | bytes, record: bytes, *, name: bytes, unsupported: set[bytes] | None = None
) -> list[Problem]:
    """Set the attributes of a record (stream 1998) on `target`, in their order.

    `unsupported` holds the name spaces (`user.`, `security.` …) that the device is known not to have: they are
    left out, and those found missing now are added.
    """
    try:
        pairs = unpack_pairs(record, name)
    except RemoteProtocolError as error:
        return [Problem(Severity.ERROR, error.fatal or b"")]
    missing = set[bytes]() if unsupported is None else unsupported
    problems: list[Problem] = []
    for attribute, value in pairs:
        space = attribute.partition(b".")[0]
        if space in missing:
            continue
        try:
            _set(target, attribute, value)
        except OSError as error:
            if error.errno == errno.ENOENT:
                break
            if error.errno in _UNSUPPORTED:
                missing.add(space)
                text = (
                    b"Disabling restore of XATTRs on this filesystem, not supported. "
                    b'Current file: "%b"\n' % name
                )
                problems.append(Problem(Severity.WARNING, text, counted=False, unsupported=True))
                continue
            text = b'lsetxattr error on file "%b": ERR=%b\n' % (name, error_text(error))
            problems.append(Problem(Severity.ERROR, text))
        except ValueError:
            text = b'Illegal xattr stream, NUL in a name on file "%b"\n' % name
            problems.append(Problem(Severity.ERROR, text))
    return problems


def _warning(call: bytes, name: bytes, reason: bytes, *, unsupported: bool = False) -> Problem:
    text = b'%b error on file "%b": %b\n' % (call, name, reason)
    return Problem(Severity.WARNING, text, unsupported=unsupported)


def _set(target: int | bytes, attribute: bytes, value: bytes) -> None:
    if isinstance(target, int):
        os.setxattr(target, attribute, value)
    else:
        os.setxattr(target, attribute, value, follow_symlinks=False)


def _remove(target: int | bytes, attribute: bytes) -> None:
    if isinstance(target, int):
        os.removexattr(target, attribute)
    else:
        os.removexattr(target, attribute, follow_symlinks=False)

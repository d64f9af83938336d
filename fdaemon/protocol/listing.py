"""The `ls`-style line of estimates and restore messages. Looks up no user and no group itself.

Source: protocol/02 section 2.7, protocol/04 section 8.9, core/src/lib/attr.cc, core/src/lib/util.cc:
encode_mode.
"""

from collections.abc import Callable

from fdaemon.protocol.formats import LocalTime, date_iso

DELETED = b"----------   - -        -                - ---------- --------"
"""Stands in for the columns of a deleted entry."""

_KINDS = {0o040000: "d", 0o060000: "b", 0o020000: "c", 0o120000: "l", 0o010000: "f", 0o140000: "s"}

type NameLookup = Callable[[int], bytes]
"""A numeric user or group id to its name; the number as text where there is none."""


def mode_text(mode: int) -> str:
    """The ten mode characters; FIFOs show `f`, and a plain file (or anything unknown) `-`."""
    text = [_KINDS.get(mode & 0o170000, "-")]
    for shift, special, letter in ((6, 0o4000, "s"), (3, 0o2000, "s"), (0, 0o1000, "t")):
        bits = mode >> shift
        text.append("r" if bits & 4 else "-")
        text.append("w" if bits & 2 else "-")
        runs = bool(bits & 1)
        if mode & special:
            text.append(letter if runs else letter.upper())
        else:
            text.append("x" if runs else "-")
    return "".join(text)


def listing_line(
    name: bytes,
    *,
    mode: int,
    nlink: int,
    uid: int,
    gid: int,
    size: int,
    ctime: int,
    user_name: NameLookup,
    group_name: NameLookup,
    localtime: LocalTime,
    link: bytes | None = None,
) -> bytes:
    """One line with its newline. `link`: a symlink's target, for type LNK only; times in Unix seconds."""
    owner = b"%-8.8b %-8.8b" % (user_name(uid), group_name(gid))
    columns = f"{mode_text(mode)}  {nlink:2d} ".encode() + owner + f"{str(size)[:12]:>12} ".encode()
    arrow = b"" if link is None else b" -> " + link
    return columns + date_iso(ctime, localtime).encode() + b"  " + name + arrow + b"\n"


def deleted_line(name: bytes) -> bytes:
    """The line of a deleted entry."""
    return DELETED + b"  " + name + b"\n"

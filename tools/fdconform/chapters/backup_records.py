"""Chapter 5, sections 1 and 3: records, attributes, names."""

import os
import stat
from pathlib import Path
from typing import Final

from fdconform.case import Case
from fdconform.chapters.backup_kinds import TYPES
from fdconform.dialogue import lines
from fdconform.plays import backed_up
from fdconform.stage import Stage
from fdconform.stored import (
    before,
    checked,
    has_content,
    has_fields,
    has_record,
    has_streams,
    is_type,
    like_lstat,
    names_are,
    stored,
    stores,
)
from fdconform.trees import TIME, Change, Directory, File, Link
from fdconform.work import EndJob

_ORDER: Final = "04 §1.2; core/src/filed/backup.cc: SaveFile"
_STAT: Final = "04 §2.2; core/src/lib/attribs.cc: EncodeStat"
_NAMES: Final = "03 §6; 04 §2.1"


@checked
def _sequential(stage: Stage) -> str | None:
    """Thirty files and the tree, numbered without a gap."""
    indexes = [file.attributes.index for file in stored(stage)]
    return None if indexes == list(range(1, 32)) else f"FileIndex {indexes}"


@checked
def _times_whole(stage: Stage) -> str | None:
    """The floor of times before 1970 too."""
    got = next(
        file.attributes.stat["mtime"] for file in stored(stage) if file.attributes.name.endswith(b"/old")
    )
    return None if got == -86401 else f"mtime {got}, not -86401"


def _make_old(tree: Path) -> None:
    os.utime(tree / "old", ns=(TIME * 10**9, -86400 * 10**9 - 1))


_RECORDS: Final = (
    backed_up(
        "5.1.1",
        "attributes, data, digest",
        "A file is sent as attributes, data and digest.",
        _ORDER,
        (File(b"a", b"hello"),),
        stores(b"a"),
        has_streams(b"a", 2, 3),
        has_content(b"a", b"hello"),
        end=EndJob("T", files=2, errors=0, read_bytes=5, job_bytes=5, encrypt=0),
    ),
    backed_up(
        "5.1.2",
        "a file index for every file",
        "FileIndex starts at 1 and grows by 1 with every attributes record.",
        "04 §1.1",
        tuple(File(b"f%d" % n, b"x" * n) for n in range(30)),
        _sequential,
        end=EndJob("T", files=31, errors=0, read_bytes=sum(range(30))),
    ),
    backed_up(
        "5.1.3",
        "an empty file",
        "An empty file has no data stream, but a digest.",
        "04 §1.4",
        (File(b"a"),),
        has_streams(b"a", 3),
        is_type(b"a", 2),
        has_record(b"a", 3, bytes.fromhex("d41d8cd98f00b204e9800998ecf8427e")),
        end=EndJob("T", files=2, errors=0, read_bytes=0, job_bytes=0),
    ),
    backed_up(
        "5.1.4",
        "an empty file that not all may read",
        "An empty file without read permission for all is type 3, not 2.",
        TYPES,
        (File(b"a", mode=0o640), File(b"b", mode=0o000)),
        is_type(b"a", 3),
        is_type(b"b", 3),
        has_streams(b"a", 3),
    ),
    backed_up(
        "5.1.5",
        "a directory comes after its content",
        "A directory is sent after everything in it.",
        "03 §2.2",
        (File(b"d/e/f", b"x"), File(b"d/g", b"y")),
        stores(b"d/e/f", b"d/e/", b"d/g", b"d/"),
        before(b"d/e/f", b"d/e/"),
        before(b"d/e/", b"d/"),
        before(b"d/g", b"d/"),
        before(b"d/", b""),
        is_type(b"d/", 5),
        has_streams(b"d/"),
    ),
    backed_up(
        "5.1.6",
        "without a signature",
        "Without a Signature option no digest is sent.",
        _ORDER,
        (File(b"a", b"hello"),),
        has_streams(b"a", 2),
        options=b"p",
    ),
    backed_up(
        "5.1.7",
        "stat records",
        "The stat record holds what lstat says, times in whole seconds.",
        _STAT,
        (File(b"a", b"hello", 0o4751), Directory(b"d", 0o1777), Link(b"l", b"a"), File(b"big", b"x" * 70000)),
        *(like_lstat(name) for name in (b"a", b"d/", b"l", b"big")),
        has_fields(b"a", mode=stat.S_IFREG | 0o4751, size=5, mtime=TIME, link_index=0, stream=2),
        has_fields(b"d/", stream=2, link_index=0),
    ),
    backed_up(
        "5.1.8",
        "a time before 1970",
        "Times are the floor of the time, negative with a leading minus.",
        "04 §2.2, 2.3",
        (File(b"old", b"x"),),
        _times_whole,
        between=(Change(_make_old),),
    ),
    backed_up(
        "5.1.9",
        "owner and group",
        "Owner and group are numbers in the stat record.",
        _STAT,
        (File(b"a", b"x"),),
        has_fields(b"a", uid=12345, gid=54321),
        between=(Change(lambda tree: os.chown(tree / "a", 12345, 54321)),),
        root=True,
    ),
    backed_up(
        "5.1.10",
        "a name given to a file",
        "A file named in the file set is stored under that name.",
        "03 §2.2",
        (File(b"a", b"1"), File(b"b", b"2")),
        stores(b"b", b"a", root=False),
        before(b"b", b"a"),
        rows=lines(b"M", b"{tree}/b", b"{tree}/a"),
    ),
    backed_up(
        "5.1.11",
        "a name given twice",
        "Names of the file set that overlap are stored twice.",
        "03 §2.2",
        (File(b"a", b"1"),),
        names_are(b"{tree}/a", b"{tree}/a"),
        rows=lines(b"M", b"{tree}/a", b"{tree}/a"),
    ),
    backed_up(
        "5.1.12",
        "an empty directory",
        "The entry of an empty directory is stored.",
        TYPES,
        (Directory(b"d"),),
        stores(b"d/"),
        has_streams(b"d/"),
        end=EndJob("T", files=2, errors=0, read_bytes=0, job_bytes=0),
    ),
)

_ODD: Final = {
    "a blank": b"a name  with blanks ",
    "UTF-8": "grüße €𝄞".encode(),
    "bytes that are not UTF-8": b"caf\xe9\xff\x80",
    "a newline": b"two\nlines\r",
    "255 bytes": b"n" * 255,
    "control characters": b"\x01\x1b[31m\x7f\t",
    "quotes and stars": b"'\"*?[x]\\$&|<>;",
    "a leading dash and dots": b"-rf ...",
}


def _named(number: int, what: str, name: bytes) -> Case:
    return backed_up(
        f"5.3.{number}",
        f"a name with {what}",
        "Names are bytes and are stored as they are.",
        _NAMES,
        (File(name, b"x" * number), File(b"d" + name[:250] + b"/in", b"y")),
        stores(name, b"d" + name[:250] + b"/in", b"d" + name[:250] + b"/"),
        has_content(name, b"x" * number),
    )


_DEEP: Final = b"/".join([b"directory-%02d" % n for n in range(60)])
_NAMED: Final = (
    *(_named(number, what, name) for number, (what, name) in enumerate(_ODD.items(), 1)),
    backed_up(
        "5.3.9",
        "a deep path",
        "A path of sixty directories is stored.",
        _NAMES,
        (File(_DEEP + b"/leaf", b"deep"),),
        has_content(_DEEP + b"/leaf", b"deep"),
        end=EndJob("T", files=62, errors=0),
    ),
    backed_up(
        "5.3.10",
        "odd link targets",
        "The target of a symbolic link is bytes.",
        _NAMES,
        (Link(b"l", b"caf\xe9 with\nnewline"), Link(b"long", b"t" * 4000)),
        is_type(b"l", 4, b"caf\xe9 with\nnewline"),
        is_type(b"long", 4, b"t" * 4000),
    ),
)

CASES: Final = (*_RECORDS, *_NAMED)

"""Chapter 5, sections 12 and 13: incremental and accurate backups."""

import base64
import hashlib
import os
from typing import Final

from fdconform.case import Case, Step
from fdconform.dialogue import Steps, erase, fileset, introduce, lines, since, storage
from fdconform.moves import Accurate, Known
from fdconform.plays import GOOD_END, backed_up
from fdconform.stage import Check
from fdconform.stored import (
    has_fields,
    has_streams,
    is_type,
    of_file,
    stores,
)
from fdconform.talk import Login
from fdconform.trees import TIME, Change, Directory, File, Item, Link
from fdconform.work import EndJob, Said, Unsaid

FUTURE: Final = 4_000_000_000
"""A time of an earlier job that makes everything laid out unchanged, its change times too."""
_SINCE: Final = "03 §2.8a; core/src/findlib/find_one.cc: CheckChanges"
_ACCURATE: Final = "03 §3.3; core/src/filed/accurate.cc: AccurateCheckFile"
_DELETED: Final = "03 §3.5; core/src/filed/accurate.cc: AccurateFinish"


def _incremental(
    word: bytes = b"incremental", start: int = FUTURE, rows: tuple[bytes, ...] | None = None
) -> Steps:
    """The orders of a job since `start`."""
    return (
        Login("tls"),
        *introduce(),
        *since(word, start),
        *fileset(lines(b"M") if rows is None else rows),
        *erase(),
        *storage(),
    )


def _changed(
    number: int,
    title: str,
    rule: str,
    items: tuple[Item, ...],
    *checks: Check,
    start: int = FUTURE,
    word: bytes = b"incremental",
    options: bytes = b"M",
    between: tuple[Step, ...] = (),
    end: EndJob = GOOD_END,
) -> Case:
    return backed_up(
        f"5.12.{number}",
        title,
        rule,
        _SINCE,
        items,
        *checks,
        orders=_incremental(word, start, lines(options)),
        between=between,
        end=end,
    )


_OLD_AND_NEW: Final = (File(b"old", b"1"), File(b"new", b"2", mtime=FUTURE + 1), Link(b"l", b"old"))

_INCREMENTAL: Final = (
    _changed(
        1,
        "incremental",
        "Only what has changed since the given time is stored.",
        _OLD_AND_NEW,
        stores(b"new", root=False),
        end=EndJob("T", files=1, errors=0, read_bytes=1),
    ),
    _changed(
        2,
        "differential",
        "Only what has changed since the given time is stored.",
        _OLD_AND_NEW,
        stores(b"new", root=False),
        word=b"differential",
    ),
    _changed(
        3,
        "changed in the very second",
        "A time equal to the given one counts as changed.",
        (File(b"a", b"1", mtime=FUTURE), File(b"b", b"2", mtime=FUTURE - 1)),
        stores(b"a", root=False),
    ),
    _changed(
        4,
        "changed attributes",
        "A change time after the given one counts as changed.",
        (File(b"a", b"1"),),
        stores(b"a"),
        start=TIME + 1000,
    ),
    _changed(
        5,
        "the time of the content alone",
        "With m a change time does not count.",
        (File(b"a", b"1"), File(b"b", b"2", mtime=TIME + 2000)),
        stores(b"b", root=False),
        start=TIME + 1000,
        options=b"Mm",
    ),
    _changed(
        6,
        "nothing has changed",
        "A job without a file ends well.",
        (File(b"a", b"1"), Directory(b"d")),
        stores(root=False),
        end=EndJob("T", files=0, errors=0, read_bytes=0, job_bytes=0),
    ),
    _changed(
        7,
        "unchanged directories",
        "A directory that has not changed is entered and not stored.",
        (File(b"d/e/new", b"1", mtime=FUTURE + 5), File(b"d/old", b"2")),
        stores(b"d/e/new", root=False),
    ),
    _changed(
        8,
        "a changed directory",
        "A directory that has changed is stored, its unchanged content is not.",
        (File(b"d/old", b"2"),),
        stores(b"d/", root=False),
        between=(Change(lambda tree: os.utime(tree / "d", (TIME, FUTURE + 7))),),
    ),
    _changed(
        9,
        "everything since the beginning",
        "Since the first second of 1970 everything has changed.",
        (File(b"a", b"1"), File(b"d/b", b"2")),
        stores(b"a", b"d/b", b"d/"),
        start=1,
    ),
)


def _accurate(options: bytes = b"M", word: bytes = b"accurate_incremental") -> Steps:
    return (
        Login("tls"),
        *introduce(),
        *since(word, FUTURE),
        *fileset(lines(options)),
        *erase(),
        *storage(),
    )


def _compared(
    number: int,
    title: str,
    rule: str,
    known: tuple[Known, ...],
    *checks: Check,
    items: tuple[Item, ...] = (File(b"a", b"hello"),),
    options: bytes = b"M",
    between: tuple[Step, ...] = (),
    said: tuple[Step, ...] = (Unsaid(),),
    end: EndJob = GOOD_END,
    announced: int | None = None,
) -> Case:
    return backed_up(
        f"5.13.{number}",
        title,
        rule,
        _ACCURATE if number < 30 else _DELETED,
        items,
        *checks,
        orders=_accurate(options),
        between=(*between, Accurate((*known, Known(b"")), announced)),
        said=said,
        end=end,
    )


_TOUCHED: Final = (("mtime", TIME - 5),)
_MD5: Final = base64.b64encode(hashlib.md5(b"hello").digest()).rstrip(b"=")
_ONE: Final = {
    "size": ("s", 4),
    "mtime": ("m", TIME - 1),
    "ctime": ("c", TIME - 1),
    "mode": ("p", 0o100600),
    "ino": ("i", 1),
    "nlink": ("n", 9),
    "uid": ("u", 77777),
    "gid": ("g", 77777),
    "atime": ("a", TIME - 9),
}

_COMPARED: Final = (
    _compared(
        1,
        "the same",
        "A file that is as the Director knows it is not stored, whatever the time of the last job.",
        (Known(b"a"),),
        stores(root=False),
        end=EndJob("T", files=0, errors=0),
    ),
    _compared(
        2,
        "new",
        "A file that the Director does not know is stored, however old it is.",
        (),
        stores(b"a", root=False),
    ),
    _compared(
        3,
        "changed",
        "A file with another size, time of content or of change is stored.",
        (
            Known(b"a", (("size", 4),)),
            Known(b"b", _TOUCHED),
            Known(b"c", (("ctime", 5),)),
            Known(b"d", (("mode", 5),)),
        ),
        stores(b"a", b"b", b"c", root=False),
        items=tuple(File(name, b"hello") for name in (b"a", b"b", b"c", b"d")),
    ),
    _compared(
        4,
        "deleted",
        "A file that is gone is an attributes record of type 23 with the times the Director knows.",
        (Known(b"a"), Known(b"gone", (("mtime", TIME), ("ctime", TIME + 1), ("size", 99), ("mode", 33188)))),
        stores(b"gone", root=False),
        is_type(b"gone", 23),
        has_streams(b"gone"),
        has_fields(b"gone", mtime=TIME, ctime=TIME + 1, size=0, mode=0, ino=0, link_index=0, stream=2),
        end=EndJob("T", files=1, errors=0, job_bytes=0),
    ),
    _compared(
        5,
        "deleted directories",
        "A directory that is gone keeps its slash; what was in it is named too, after all files.",
        (Known(b"gone/"), Known(b"gone/x")),
        stores(b"a", b"gone/", b"gone/x", root=False),
        is_type(b"gone/", 23),
        is_type(b"gone/x", 23),
        of_file(b"a", lambda file, stage: None if file.attributes.index == 1 else "not the first"),
    ),
    _compared(
        6,
        "odd names",
        "Names in the list are bytes.",
        (Known(b"caf\xe9 x\n"), Known(b"gone \xff")),
        stores(b"gone \xff", root=False),
        items=(File(b"caf\xe9 x\n", b"hello"),),
    ),
    _compared(
        7,
        "a delta sequence",
        "The delta sequence of the list is sent back with the file.",
        (Known(b"a", _TOUCHED, b"", 3),),
        of_file(
            b"a", lambda file, stage: None if file.attributes.delta == 3 else f"delta {file.attributes.delta}"
        ),
    ),
    _compared(
        8,
        "an empty list",
        "With an empty list everything is stored.",
        (),
        stores(b"a", b"d/b", b"d/", root=False),
        items=(File(b"a", b"1"), File(b"d/b", b"2")),
    ),
    _compared(
        9,
        "a changed link",
        "Links and directories are compared as files are.",
        (Known(b"l", _TOUCHED), Known(b"m"), Known(b"d/", _TOUCHED)),
        stores(b"l", b"d/", root=False),
        items=(Link(b"l", b"x"), Link(b"m", b"y"), Directory(b"d")),
    ),
    *(
        _compared(
            10 + at,
            f"only {field} counts",
            f"With C{letter}: a file is stored if its {field} differs, and only then.",
            (
                Known(b"a", ((field, value),)),
                Known(b"b", tuple((other, wrong) for other, (_, wrong) in _ONE.items() if other != field)),
            ),
            stores(b"a", root=False),
            items=(File(b"a", b"hello"), File(b"b", b"hello")),
            options=b"MC%b:" % letter.encode(),
        )
        for at, (field, (letter, value)) in enumerate(_ONE.items())
    ),
    _compared(
        20,
        "always",
        "With CA: every file is stored.",
        (Known(b"a"),),
        stores(b"a", b"", root=False),
        options=b"MCA:",
    ),
    _compared(
        21,
        "smaller",
        "With Cd: a file is stored if it has become smaller.",
        (Known(b"a", (("size", 6),)), Known(b"b", (("size", 4),))),
        stores(b"a", root=False),
        items=(File(b"a", b"hello"), File(b"b", b"hello")),
        options=b"MCd:",
    ),
    _compared(
        22,
        "another checksum",
        "With C5: a file is read, and stored if its digest differs.",
        (Known(b"a", (), _MD5), Known(b"b", (), _MD5)),
        stores(b"b", root=False),
        items=(File(b"a", b"hello"), File(b"b", b"HELLO")),
        options=b"MC5:",
    ),
    _compared(
        23,
        "no checksum in the list",
        "Without a checksum in the list a file counts as changed, with a warning.",
        (Known(b"a"),),
        stores(b"a", root=False),
        options=b"MC5:",
        said=(Said(rb".*Cannot verify checksum for {tree}/a\n", type=5),),
        end=EndJob("T", errors=0),
    ),
    _compared(
        24,
        "more files than announced",
        "A list longer than announced is used, with an error message.",
        (Known(b"a"),),
        stores(root=False),
        announced=1,
        said=(
            Said(rb".*The director send too many files\. 2 were sent but only 1 were anticipated.*", type=4),
        ),
        end=EndJob("T", errors=1),
    ),
    _compared(
        25,
        "a file twice in the list",
        "Of two entries with a name the first counts, with an error message.",
        (Known(b"a"), Known(b"a", _TOUCHED)),
        stores(root=False),
        said=(Said(rb".*1 duplicate files were sent by the director.*", type=4),),
        end=EndJob("T", errors=1),
    ),
    _compared(
        26,
        "vanished after the list",
        "A file that vanishes before the walk is a deleted one.",
        (Known(b"a"), Known(b"b")),
        is_type(b"a", 23),
        items=(File(b"a", b"hello"), File(b"b", b"hello")),
        between=(Change(lambda tree: (tree / "a").unlink()),),
        end=EndJob("T", errors=0),
    ),
    backed_up(
        "5.13.27",
        "no list",
        "If no list came every file counts as changed.",
        "03 §3.2",
        (File(b"a", b"1"), Directory(b"d")),
        stores(b"a", b"d/"),
        orders=_accurate(),
    ),
    backed_up(
        "5.13.28",
        "accurate differential",
        "A differential compares with the list too.",
        _ACCURATE,
        (File(b"a", b"1"), File(b"b", b"2")),
        stores(b"b", b"gone", root=False),
        orders=_accurate(word=b"accurate_differential"),
        between=(Accurate((Known(b"a"), Known(b""), Known(b"gone"))),),
    ),
)

CASES: Final = (*_INCREMENTAL, *_COMPARED)

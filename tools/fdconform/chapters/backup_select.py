"""Chapter 5, section 10: what the patterns of a file set select."""

from typing import Final

from fdconform.case import Case
from fdconform.plays import backed_up, block, exclude, include
from fdconform.stage import Check
from fdconform.stored import (
    has_streams,
    names_are,
    stores,
)
from fdconform.trees import File, Item, Link
from fdconform.work import Said

_ACCEPT: Final = "03 §2.5; core/src/findlib/find.cc: AcceptFile"

_SOURCES: Final[tuple[Item, ...]] = (
    File(b"a.c", b"1"),
    File(b"a.o", b"2"),
    File(b"src/b.c", b"3"),
    File(b"src/b.o", b"4"),
    File(b"cache/c.c", b"5"),
)
_ALL: Final = (b"a.c", b"a.o", b"src/b.c", b"src/b.o", b"src/", b"cache/c.c", b"cache/")


def _without(*names: bytes) -> Check:
    return stores(*(name for name in _ALL if name not in names))


def _selected(number: int, title: str, rule: str, rows: tuple[bytes, ...], *checks: Check) -> Case:
    return backed_up(f"5.10.{number}", title, rule, _ACCEPT, _SOURCES, *checks, rows=rows)


def _one(options: bytes, *patterns: bytes) -> tuple[bytes, ...]:
    return include((block(options, *patterns), block(b"M")))


_SELECTED: Final = (
    _selected(
        1, "wild", "W matches files and directories.", _one(b"e", b"W *.o"), _without(b"a.o", b"src/b.o")
    ),
    _selected(
        2,
        "wild directory",
        "A directory that WD excludes is not entered.",
        _one(b"e", b"WD */cache"),
        _without(b"cache/c.c", b"cache/"),
    ),
    _selected(
        3,
        "wild file",
        "WF matches only what is not a directory.",
        _one(b"e", b"WF */src*"),
        _without(b"src/b.c", b"src/b.o"),
    ),
    _selected(
        4,
        "regex",
        "R is a POSIX extended expression, searched in the path.",
        _one(b"e", rb"R \.(o|obj)$"),
        _without(b"a.o", b"src/b.o"),
    ),
    _selected(
        5,
        "regex directory",
        "RD matches only directories.",
        _one(b"e", b"RD src$"),
        _without(b"src/b.c", b"src/b.o", b"src/"),
    ),
    _selected(
        6,
        "regex file",
        "RF matches only what is not a directory.",
        _one(b"e", b"RF src"),
        _without(b"src/b.c", b"src/b.o"),
    ),
    _selected(
        7,
        "without regard to case",
        "With i patterns match in any case.",
        _one(b"ei", b"W *.O"),
        _without(b"a.o", b"src/b.o"),
    ),
    _selected(8, "case", "Without i patterns match in their case.", _one(b"e", b"W *.O"), _without()),
    _selected(
        9,
        "the first match decides",
        "A match in an earlier block accepts what a later block excludes.",
        include((block(b"M", b"W */src/*.o"), block(b"e", b"W *.o"), block(b"M"))),
        _without(b"a.o"),
    ),
    _selected(
        10,
        "options of the block that matches",
        "A file has the options of the block that matches it, others those of the last block.",
        include((block(b"S2", b"W *.o"), block(b"M"))),
        has_streams(b"a.o", 2, 17),
        has_streams(b"src/b.o", 2, 17),
        has_streams(b"a.c", 2, 3),
    ),
    _selected(
        11,
        "an excluding block without patterns",
        "A block with e and no pattern excludes everything below the names of the file set.",
        include((block(b"M", b"W *.c", b"WD *"), block(b"e"))),
        _without(b"a.o", b"src/b.o"),
    ),
    _selected(
        12,
        "an Exclude block",
        "Names of an Exclude block are patterns for whole paths.",
        include((block(b"M"),)) + exclude(b"{tree}/src", b"*.o"),
        _without(b"a.o", b"src/b.c", b"src/b.o", b"src/"),
    ),
    _selected(
        13,
        "the name of the file set excluded",
        "A name of the file set is never excluded itself.",
        include((block(b"M"),)) + exclude(b"{tree}"),
        _without(),
    ),
    _selected(
        14,
        "everything below excluded",
        "An Exclude pattern's star crosses slashes.",
        include((block(b"M"),)) + exclude(b"{tree}/*"),
        stores(),
    ),
    _selected(
        15,
        "wild in an Exclude block",
        "W of an Exclude block's options excludes.",
        include((block(b"M"),)) + exclude(options=block(b"H", b"W *.o")),
        _without(b"a.o", b"src/b.o"),
    ),
    _selected(
        16,
        "two Include blocks",
        "Each Include has its own options.",
        include((block(b"M"),), b"{tree}/src") + include((block(b"S1"),), b"{tree}/cache"),
        names_are(
            *(b"{tree}/" + name for name in (b"src/b.c", b"src/b.o", b"src/", b"cache/c.c", b"cache/"))
        ),
        has_streams(b"src/b.c", 2, 3),
        has_streams(b"cache/c.c", 2, 10),
    ),
    _selected(
        17,
        "enhanced wild",
        "With W a star does not cross slashes.",
        include((block(b"eW", b"W {tree}/*.o"), block(b"MW"))),
        _without(b"a.o"),
    ),
    _selected(
        18,
        "no recursion",
        "With h directories below the names of the file set are stored and not entered.",
        include((block(b"Mh"),)),
        stores(b"a.c", b"a.o", b"src/", b"cache/"),
    ),
    backed_up(
        "5.10.19",
        "no recursion is told",
        "A directory that is not entered is told of.",
        "04 §1.4",
        (File(b"d/a", b"x"),),
        rows=include((block(b"Mh"),)),
        said=(Said(rb".*     Recursion turned off\. Will not descend from {tree} into {tree}/d\n", type=6),),
    ),
    backed_up(
        "5.10.20",
        "directories that contain a mark",
        "A directory with a file of ExcludeDirContaining is left out with all it contains.",
        "03 §2.6",
        (
            *_SOURCES,
            File(b"cache/.nobackup"),
            File(b"src/deep/.nobackup"),
            Link(b"d/.nobackup", b"nowhere"),
        ),
        stores(b"a.c", b"a.o", b"src/b.c", b"src/b.o", b"src/", b"d/.nobackup", b"d/"),
        rows=include((block(b"M"),), ignore=(b".nobackup", b"other")),
    ),
    backed_up(
        "5.10.21",
        "a mark in the name of the file set",
        "ExcludeDirContaining holds for the names of the file set too.",
        "03 §2.6",
        (File(b"cache/.nobackup"), File(b"a", b"x")),
        names_are(b"{tree}/a"),
        rows=include((block(b"M"),), b"{tree}/cache", b"{tree}/a", ignore=(b".nobackup",)),
    ),
)

CASES: Final = _SELECTED

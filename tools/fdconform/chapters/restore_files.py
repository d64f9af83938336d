"""Chapter 6, sections 1 and 2: files of every type, names, figures."""

import os
import stat
from typing import Final

from fdconform.case import Case
from fdconform.made import absent, is_file, is_folder, is_kind, is_link, same_file
from fdconform.making import Put, folder, hard_link, plain, records, symlink
from fdconform.plays import restored
from fdconform.stage import Stage
from fdconform.trees import TIME
from fdconform.work import EndJob, Said

_CREATE: Final = "04 §8.3; core/src/findlib/create_file.cc: CreateFile"
_CLOSE: Final = "04 §8.5; core/src/findlib/attribs.cc: SetAttributes"
_NAMES: Final = "04 §8.2; core/src/lib/attr.cc: BuildAttrOutputFnames"


def _device(stage: Stage) -> str | None:
    """Made with its numbers, or not at all."""
    path = os.path.join(stage.names["where"], b"dev/null")
    if not os.path.lexists(path):
        return None
    there = os.lstat(path)
    right = stat.S_ISCHR(there.st_mode) and there.st_rdev == os.makedev(1, 3)
    return None if right else f"mode {there.st_mode:o} device {there.st_rdev}"


_TYPES: Final = (
    restored(
        "6.1.1",
        "a file",
        "Content, mode and times are restored; names are put below where.",
        _CLOSE,
        records(plain(b"/data/a", b"hello", 0o100640)),
        is_file(b"data/a", b"hello", mode=0o640),
        end=EndJob("T", files=1, errors=0, read_bytes=5, job_bytes=5),
    ),
    restored(
        "6.1.2",
        "an empty file",
        "A file without data is made, with its attributes.",
        _CLOSE,
        records(Put(b"/a", type=2), Put(b"/b", type=3, mode=0o100400)),
        is_file(b"a", b""),
        is_file(b"b", b"", mode=0o400),
        end=EndJob("T", files=2, errors=0, job_bytes=0),
    ),
    restored(
        "6.1.3",
        "directories",
        "A directory gets its attributes when its record comes, after its content.",
        "04 §8.5, 8.8",
        records(
            plain(b"/d/e/a"), folder(b"/d/e", 0o40555), folder(b"/d", 0o41777), folder(b"/empty", 0o40700)
        ),
        is_file(b"d/e/a"),
        is_folder(b"d/e", mode=0o555, mtime=TIME),
        is_folder(b"d", mode=0o1777, mtime=TIME),
        is_folder(b"empty", mode=0o700, mtime=TIME),
        end=EndJob("T", files=4, errors=0),
    ),
    restored(
        "6.1.4",
        "symbolic links",
        "A symbolic link is made as it was, whether its target is there or not.",
        _CREATE,
        records(
            plain(b"/a"), symlink(b"/l", b"a"), symlink(b"/abs", b"/no/where"), symlink(b"/odd", b"caf\xe9 x")
        ),
        is_link(b"l", b"a"),
        is_link(b"abs", b"/no/where"),
        is_link(b"odd", b"caf\xe9 x"),
        end=EndJob("T", files=4, errors=0),
    ),
    restored(
        "6.1.5",
        "hard links",
        "Another name of a file is linked to the first name below where.",
        "04 §8.2, 8.3",
        records(plain(b"/d/a"), hard_link(b"/d/b", b"/d/a"), hard_link(b"/c", b"/d/a")),
        is_file(b"d/b"),
        same_file(b"d/a", b"d/b"),
        same_file(b"d/a", b"c"),
        end=EndJob("T", files=3, errors=0, job_bytes=5),
    ),
    restored(
        "6.1.6",
        "a hard link without its file",
        "A hard link whose first name is not there is told of and counted.",
        _CREATE,
        records(hard_link(b"/b", b"/a"), plain(b"/c")),
        absent(b"b"),
        is_file(b"c"),
        said=(Said(rb".*Could not hard link {where}/b -> {where}/a: ERR=.*", type=4, times=1),),
        end=EndJob("E", lenient="TW", files=1, errors=1),
    ),
    restored(
        "6.1.7",
        "a fifo",
        "A fifo is made with its mode.",
        _CREATE,
        records(Put(b"/p", type=6, mode=0o10640)),
        is_kind(b"p", stat.S_IFIFO, 0o640),
        end=EndJob("T", files=1, errors=0),
    ),
    restored(
        "6.1.8",
        "a socket",
        "Of a socket nothing is made; it counts.",
        _CREATE,
        records(Put(b"/s", type=6, mode=0o140755)),
        absent(b"s"),
        end=EndJob("T", files=1, errors=0),
    ),
    restored(
        "6.1.9",
        "a device",
        "A device node is counted; it is made with its numbers, or (as the C++ daemon does) not at all.",
        _CREATE,
        records(Put(b"/dev/null", type=6, mode=0o20666, fields=(("rdev", os.makedev(1, 3)),))),
        _device,
        end=EndJob("T", files=1, errors=0),
        root=True,
    ),
    restored(
        "6.1.10",
        "mode bits beyond permissions",
        "Set-user-id, set-group-id and sticky bits are restored.",
        _CLOSE,
        records(
            plain(b"/a", mode=0o104755),
            plain(b"/b", mode=0o102750),
            plain(b"/c", mode=0o101000),
            plain(b"/d", mode=0o100000),
        ),
        is_file(b"a", mode=0o4755),
        is_file(b"b", mode=0o2750),
        is_file(b"c", mode=0o1000),
        is_file(b"d", mode=0),
    ),
    restored(
        "6.1.11",
        "owners",
        "Owner and group are restored by number, and survive set-user-id.",
        _CLOSE,
        records(
            plain(b"/a", uid=12345, gid=54321),
            plain(b"/b", mode=0o104755, uid=12345, gid=54321),
            folder(b"/d", uid=12345, gid=54321),
        ),
        is_file(b"a", owner=(12345, 54321)),
        is_file(b"b", mode=0o4755, owner=(12345, 54321)),
        is_folder(b"d", owner=(12345, 54321)),
        root=True,
    ),
    restored(
        "6.1.12",
        "times",
        "Times before 1970 and far in the future are restored.",
        _CLOSE,
        records(plain(b"/old", mtime=-86401), plain(b"/new", mtime=4_000_000_000), plain(b"/zero", mtime=0)),
        is_file(b"old", mtime=-86401),
        is_file(b"new", mtime=4_000_000_000),
        is_file(b"zero", mtime=0),
    ),
    restored(
        "6.1.13",
        "parents that are not in the backup",
        "Missing directories are made.",
        "04 §8.8",
        records(plain(b"/one/two/three/a")),
        is_file(b"one/two/three/a"),
        end=EndJob("T", files=1, errors=0),
    ),
    restored(
        "6.1.14",
        "a file after its directory",
        "Files may come after their directory.",
        "04 §8.3",
        records(folder(b"/d", 0o40750), plain(b"/d/a"), plain(b"/d/b")),
        is_folder(b"d", mode=0o750),
        is_file(b"d/a"),
        is_file(b"d/b"),
    ),
    restored(
        "6.1.15",
        "the same file twice",
        "A file that comes twice is there as it came last.",
        "04 §8.3",
        records(plain(b"/a", b"first one"), plain(b"/a", b"last")),
        is_file(b"a", b"last"),
        end=EndJob("T", files=2, errors=0, job_bytes=13),
    ),
    restored(
        "6.1.16",
        "Windows attributes",
        "An attributes record of stream 5 is a file as any other.",
        "04 §1.5",
        records(Put(b"/a", ((2, b"hello"),), attributes=5)),
        is_file(b"a"),
        end=EndJob("T", files=1, errors=0),
    ),
    restored(
        "6.1.17",
        "indexes with gaps",
        "FileIndex of the files that were chosen need not be consecutive.",
        "04 §1.3",
        records(Put(b"/a", ((2, b"hello"),), index=7), Put(b"/b", ((2, b"hello"),), index=4000)),
        is_file(b"a"),
        is_file(b"b"),
        end=EndJob("T", files=2, errors=0),
    ),
    restored(
        "6.1.18",
        "nothing to restore",
        "A restore without records ends well.",
        "04 §8.4",
        records(),
        end=EndJob("T", files=0, errors=0, read_bytes=0, job_bytes=0),
    ),
    restored(
        "6.1.19",
        "indexes that go back and repeat",
        "A FileIndex is known in one job only: behind the files of one come those of another, lower or the same.",
        "04 §1.3; core/src/filed/restore.cc: DoRestore",
        records(
            Put(b"/a", ((2, b"hello"),), index=7),
            Put(b"/b", ((2, b"hello"),), index=3),
            Put(b"/c", ((2, b"hello"),), index=3),
        ),
        is_file(b"a"),
        is_file(b"b"),
        is_file(b"c"),
        end=EndJob("T", files=3, errors=0),
    ),
    restored(
        "6.1.20",
        "an index in the attributes that is not that of the record",
        "The index of the header counts: a copied job is numbered anew in the headers, not in the attributes.",
        "04 §1.3; core/src/stored/mac.cc; core/src/filed/restore.cc: DoRestore",
        records(
            *(Put(name, ((2, b"hello"),), told=told) for name, told in ((b"/a", 900), (b"/b", 2), (b"/c", 1)))
        ),
        is_file(b"a"),
        is_file(b"b"),
        is_file(b"c"),
        end=EndJob("T", files=3, errors=0),
    ),
)


def _never(number: int, kind: int, said: bytes, type: int) -> Case:
    return restored(
        f"6.2.{number}",
        f"a record of type {kind}",
        "A file that was not stored, or whose type is unknown, is told of and not made; the others are.",
        _CREATE,
        records(Put(b"/a", type=kind), plain(b"/b")),
        absent(b"a"),
        is_file(b"b"),
        said=(Said(said, type=type, times=1),),
        end=EndJob("E" if type == 4 else "T", lenient="TW", files=1, errors=1 if type == 4 else 0),
    )


_ODD: Final = {
    4: (b"blanks at the end  ", "blanks"),
    5: (b"caf\xe9\xff\x80", "bytes that are not UTF-8"),
    6: (b"two\nlines\r\t\x1b", "control characters"),
    7: (b"n" * 255, "255 bytes"),
    8: (b"/".join([b"directory-%02d" % n for n in range(60)]), "sixty directories"),
    9: (b"'\"*?[x]\\$&|<>;%s%n", "quotes, stars, percents"),
}

_NAMES_AND_KINDS: Final = (
    _never(1, 23, rb".*Original file /a have been deleted: type=23\n", 6),
    _never(2, 7, rb".*Original file /a not saved: type=7\n", 4),
    _never(3, 99, rb".*Unknown file type 99; not restored: .*", 4),
    *(
        restored(
            f"6.2.{number}",
            f"a name of {what}",
            "Names are bytes.",
            _NAMES,
            records(plain(b"/data/" + name), plain(b"/data/" + name[:200] + b".d/in")),
            is_file(b"data/" + name),
            is_file(b"data/" + name[:200] + b".d/in"),
            end=EndJob("T", files=2, errors=0),
        )
        for number, (name, what) in _ODD.items()
    ),
    restored(
        "6.2.10",
        "a name that is too long",
        "A name the file system cannot hold is told of and counted; the others are restored.",
        _CREATE,
        records(plain(b"/" + b"n" * 256), plain(b"/a")),
        is_file(b"a"),
        said=(
            Said(rb".*Could not create {where}/n+: ERR=File name too long.*", type=4, times=1, strict=False),
        ),
        end=EndJob("E", lenient="TW", errors=1),
    ),
    restored(
        "6.2.11",
        "a size that is wrong",
        "A file whose size is not that of its record is told of and counted.",
        _CLOSE,
        records(Put(b"/a", ((2, b"hello"),), size=6), plain(b"/b")),
        is_file(b"a"),
        is_file(b"b"),
        said=(
            Said(
                rb".*File size of restored file {where}/a not correct\. Original 6, restored 5\.\n",
                type=4,
                times=1,
            ),
        ),
        end=EndJob("E", lenient="TW", files=2, errors=1),
    ),
    restored(
        "6.2.12",
        "several hundred files",
        "JobFiles, ReadBytes and JobBytes are sums over all files.",
        "04 §8.9",
        records(*(plain(b"/d%d/f%d" % (n % 7, n), b"x" * n) for n in range(300))),
        is_file(b"d5/f299", b"x" * 299),
        end=EndJob("T", files=300, errors=0, read_bytes=sum(range(300)), job_bytes=sum(range(300))),
    ),
)

CASES: Final = (*_TYPES, *_NAMES_AND_KINDS)

"""Chapter 5, section 11: options beside the patterns, and where names come from."""

import fcntl
import os
import struct
from pathlib import Path
from typing import Final

from fdconform.case import Case
from fdconform.dialogue import backup_orders, lines
from fdconform.expect import Like
from fdconform.moves import Feed, If, Requires
from fdconform.plays import FILES, backed_up, block, include
from fdconform.stage import Check, Stage
from fdconform.stored import (
    checked,
    has_content,
    has_streams,
    is_type,
    names_are,
    stored,
    stores,
)
from fdconform.talk import Hear, Say
from fdconform.trees import TIME, Change, File, Link, Node, Tree
from fdconform.verdicts import CaseOver, Verdict
from fdconform.work import Announce, EndJob, Said

_ITEMS: Final = "03 §1.6; core/src/filed/fileset.cc: AddFileToFileset"
_FS: Final = "03 §2.6, 2.7; core/src/findlib/find_one.cc"
_SIZE: Final = "03 §2.8; core/src/findlib/match.cc: ParseSizeMatch"

_SIZES: Final = (
    (1, b"z>1000:", (1001, 1010, 2000)),
    (2, b"z<1000:", (0, 999)),
    (3, b"z1000-1010:", (1000, 1001, 1010)),
    (4, b"z1000:", (1000, 1001, 999)),
    (5, b"z1k-2k:", (2000,)),
)


def _stripped(count: int, *names: bytes) -> Check:
    """Names with the first `count` directories taken off."""

    @checked
    def check(stage: Stage) -> str | None:
        wanted = []
        for name in names:
            parts = (stage.names["tree"] + b"/" + name).split(b"/")
            wanted.append(b"/" + b"/".join(parts[1 + count :]))
        got = [file.attributes.name for file in stored(stage)]
        return None if sorted(got) == sorted(wanted) else f"stored {got}, not {wanted}"

    return check


_GET_FLAGS: Final = 0x80086601
_SET_FLAGS: Final = 0x40086602
_NODUMP: Final = 0x40


def _no_dump(tree: Path) -> None:
    """Set the nodump flag of a file, where the file system has it."""
    file = os.open(tree / "a", os.O_RDONLY)
    try:
        (flags,) = struct.unpack("l", fcntl.ioctl(file, _GET_FLAGS, bytes(8)))
        fcntl.ioctl(file, _SET_FLAGS, struct.pack("l", flags | _NODUMP))
    except OSError as error:
        raise CaseOver(Verdict.SKIPPED, f"needs a file system with flags: {error.strerror}") from error
    finally:
        os.close(file)


def _list_names(tree: Path) -> None:
    (tree.parent / "list").write_bytes(b"%b/a \r\n\n%b/b\n" % (bytes(tree), bytes(tree)))


def _atime_is(name: str, wanted: int) -> Check:
    def check(stage: Stage) -> str | None:
        got = os.stat(os.path.join(os.fsdecode(stage.names["tree"]), name)).st_atime
        return None if int(got) == wanted else f"the access time of {name} is {got}"

    return check


def _doomed(number: int, title: str, rule: str, name: bytes, said: bytes) -> Case:
    """The file set is accepted, the job is lost: the next order may be refused, or the backup ends at once."""
    rows = lines(b"M", name)
    return Case(
        id=f"5.11.{number}",
        title=title,
        rule=rule,
        source=_ITEMS,
        needs=FILES,
        play=(
            Tree((File(b"a", b"1"),)),
            Announce(),
            *backup_orders(rows)[:-1],
            Hear(Like(rb"2000 OK storage\n|2902 Bad storage\n")),
            If(b"2000", (Say(b"backup FileIndex=0\n"), Hear(Like(rb"2000 OK backup\n|2902 Bad backup.*")))),
            EndJob("f"),
            Said(said, type=3, times=1),
        ),
    )


_PTS: Final = Requires(
    lambda: os.path.ismount("/dev/pts") and os.path.exists("/dev/pts/ptmx"), "/dev/pts as a mount"
)
_DEV: Final = b"W /dev/[!p]*", b"W /dev/p[!t]*", b"W /dev/pt[!s]*", b"W /dev/pts/[0-9]*"

_OPTIONS: Final = (
    *(
        backed_up(
            f"5.11.{number}",
            f"size {option.decode()}",
            "The size option selects plain files by their size.",
            _SIZE,
            tuple(File(b"%d" % size, b"x" * size) for size in (0, 999, 1000, 1001, 1010, 2000)),
            stores(*(b"%d" % size for size in sizes)),
            options=b"M" + option,
        )
        for number, option, sizes in _SIZES
    ),
    backed_up(
        "5.11.6",
        "strip path",
        "P1: takes the first directory off every name.",
        "04 §2.6; core/src/filed/backup.cc: StripPath",
        (File(b"d/a", b"x"),),
        _stripped(1, b"d/a", b"d/", b""),
        options=b"MP1:",
    ),
    backed_up(
        "5.11.7",
        "strip more than there is",
        "A name with too few directories is stored whole.",
        "04 §2.6",
        (File(b"d/a", b"x"),),
        stores(b"d/a", b"d/"),
        options=b"MP99:",
    ),
    backed_up(
        "5.11.8",
        "strip path and links",
        "The first name of a hard link is stripped too, the target of a symbolic link is not.",
        "04 §2.6",
        (File(b"a", b"x"), Link(b"b", b"a", hard=True), Link(b"l", b"/some/where")),
        _stripped(1, b"a", b"b", b"l"),
        checked(
            lambda stage: (
                None
                if [f.attributes.link for f in stored(stage)]
                == [b"", stored(stage)[0].attributes.name, b"/some/where"]
                else f"links {[f.attributes.link for f in stored(stage)]}"
            )
        ),
        rows=lines(b"MP1:", b"{tree}/a", b"{tree}/b", b"{tree}/l"),
    ),
    backed_up(
        "5.11.9",
        "nodump",
        "On Linux the nodump flag does not keep a file out.",
        "03 §2.7",
        (File(b"a", b"x"),),
        stores(b"a"),
        options=b"MN",
        between=(Change(_no_dump),),
    ),
    backed_up(
        "5.11.10",
        "keep the access time",
        "With k the access time of a file that was read is as before.",
        "03 §2.12",
        (File(b"a", b"x" * 5000),),
        _atime_is("a", TIME),
        options=b"Mk",
    ),
    backed_up(
        "5.11.11",
        "no access time",
        "With K reading leaves the access time alone.",
        "03 §2.12",
        (File(b"a", b"x" * 5000),),
        _atime_is("a", TIME),
        options=b"MK",
    ),
    backed_up(
        "5.11.12",
        "names from a program",
        "A name that begins with | is a program on the client; its lines are the names.",
        _ITEMS,
        (File(b"a", b"1"), File(b"b", b"2"), File(b"c", b"3")),
        names_are(b"{tree}/a", b"{tree}/c"),
        rows=lines(b"M", b"|/bin/printf '%%s\\n' {tree}/a {tree}/c"),
    ),
    backed_up(
        "5.11.13",
        "names from a file",
        "A name that begins with < is a file on the client; its lines are the names, blanks at their end dropped.",
        _ITEMS,
        (File(b"a", b"1"), File(b"b", b"2")),
        names_are(b"{tree}/a", b"{tree}/b"),
        rows=lines(b"M", b"<{folder}/list"),
        orders=(Change(_list_names), *backup_orders(lines(b"M", b"<{folder}/list"))),
    ),
    _doomed(
        14,
        "a program that fails",
        "A program that fails makes the job fail with the program's status.",
        b"|/bin/false",
        rb".*Error running program: /bin/false\. status=1: ERR=.*",
    ),
    _doomed(
        15,
        "a list that is not there",
        "A list that cannot be opened makes the job fail.",
        b"<{folder}/none",
        rb".*Cannot open FileSet input file: {folder}/none\. ERR=No such file or directory.*",
    ),
    backed_up(
        "5.11.16",
        "a name that begins with a backslash",
        "A backslash is nothing special for the File daemon; the name is taken as it is.",
        _ITEMS,
        (File(b"a", b"1"),),
        stores(b"a", root=False),
        rows=lines(b"M", b"\\|{tree}/a", b"{tree}/a"),
        end=EndJob("T", files=1, errors=1),
        said=(Said(rb'.*Could not stat "\\\|{tree}/a": ERR=.*', type=8),),
    ),
    backed_up(
        "5.11.17",
        "another file system",
        "Without f another file system is not entered, its directory is stored, and it is told of.",
        _FS,
        (),
        names_are(b"/dev/pts/", b"/dev/"),
        rows=include((block(b"e", *_DEV), block(b"M")), b"/dev"),
        between=(_PTS,),
        said=(
            Said(
                rb".*     /dev/pts is a different filesystem\. Will not descend from /dev into it\.\n", type=6
            ),
        ),
    ),
    backed_up(
        "5.11.18",
        "across file systems",
        "With f other file systems are entered.",
        _FS,
        (),
        names_are(b"/dev/pts/ptmx", b"/dev/pts/", b"/dev/"),
        rows=include((block(b"e", *_DEV), block(b"Mf")), b"/dev"),
        between=(_PTS,),
    ),
    backed_up(
        "5.11.19",
        "a file system of another type",
        "With f and X only file systems of these types are entered.",
        _FS,
        (),
        names_are(b"/dev/pts/", b"/dev/"),
        rows=include(
            (
                block(b"e", *_DEV),
                block(b"Mf", *(b"X " + kind for kind in (b"devtmpfs", b"tmpfs", b"overlay", b"ext4"))),
            ),
            b"/dev",
        ),
        between=(_PTS,),
        said=(Said(rb".*     Disallowed filesystem\. Will not descend from /dev into /dev/pts\n", type=6),),
    ),
    backed_up(
        "5.11.20",
        "a name on a file system of another type",
        "A name of the file set on a file system that X does not list is left out and told of.",
        "03 §2.7",
        (File(b"a", b"x"),),
        rows=include((block(b"M", b"X proc"),)),
        end=EndJob("T", files=0),
        said=(Said(rb'.*Top level directory "{tree}" has unlisted fstype "[^"]+"\n', type=6),),
    ),
    backed_up(
        "5.11.21",
        "a fifo read as a file",
        "With r a fifo named in the file set is read to its end; it is type 17 and has no digest.",
        "03 §2.4, 2.11",
        (Node(b"p", 0o10600),),
        is_type(b"p", 17),
        has_streams(b"p", 2),
        has_content(b"p", b"through the pipe"),
        rows=lines(b"Mr", b"{tree}/p"),
        between=(Feed("p", b"through the pipe"),),
        limit=20,
    ),
    backed_up(
        "5.11.22",
        "an unknown option",
        "An unknown option letter is complained about and passed over.",
        "03 §1.8",
        (File(b"a", b"x"),),
        has_streams(b"a", 2, 3),
        options=b"?M",
        said=(),
        end=EndJob("T"),
    ),
    backed_up(
        "5.11.23",
        "only some files compressed",
        "With one Options block for some files and one for the rest, indexes stay in order, each as its block says.",
        "03 §1.7; 04 §1.1",
        tuple(
            File(b"%02d.%b" % (number, kind), b"hello" * 100)
            for number in range(12)
            for kind in (b"gz", b"txt")
        ),
        *(has_streams(b"%02d.gz" % number, 2, 3) for number in range(12)),
        *(has_streams(b"%02d.txt" % number, 29, 3) for number in range(12)),
        rows=include((block(b"M", b"W *.gz"), block(b"MZ6"))),
        end=EndJob("T", files=25, errors=0),
    ),
)

CASES: Final = _OPTIONS

"""Chapter 7, sections 1 to 3: the command, and what is told of the files of the disk."""

import os
import stat
from typing import Final

from fdconform.case import Case
from fdconform.chapters.backup_kinds import bind_socket
from fdconform.dialogue import OK_JOB, fileset, introduce, lines
from fdconform.expect import Like, shown
from fdconform.moves import Requires
from fdconform.plays import block, exclude, include, verified
from fdconform.stage import Stage
from fdconform.talk import Alive, Hear, Login, Say
from fdconform.trees import Change, Directory, File, Link, Node
from fdconform.verifying import (
    digest_is,
    link_is,
    options_are,
    stat_is_lstat,
    tells,
)
from fdconform.work import EndJob, Observed, Said

_COMMAND: Final = "05 §2.2; core/src/filed/dir_cmd.cc: VerifyCmd"
_FILES: Final = "05 §4; core/src/filed/verify.cc: VerifyFile"
_PACKET: Final = "05 §5"


_JOB: Final = (
    Say(b"JobId={job_id} Job={job} SDid=0 SDtime=0 Authorization=dummy ssl=254\n"),
    Hear(OK_JOB),
)


def _refused(number: int, title: str, rule: str, command: bytes, *heard: bytes, status: str = "C") -> Case:
    """The answer, then the end of the job without EOD."""
    return Case(
        id=f"7.1.{number}",
        title=title,
        rule=rule,
        source=_COMMAND,
        play=(
            Login("tls"),
            *_JOB,
            *fileset(lines(b"M", b"/none")),
            Say(command),
            *(Hear(Like(pattern)) for pattern in heard),
            EndJob(status, files=0),
            Alive(),
        ),
    )


_SMALL: Final = (File(b"a", b"hello"), Directory(b"d"))

_COMMANDS: Final = (
    *(
        verified(
            f"7.1.{number}",
            f"level {word.decode()}",
            "Init, catalog and disk_to_catalog tell of every file; the case of the word does not matter.",
            "05 §1",
            _SMALL,
            tells(b"a", b"d/", b"{tree}/"),
            digest_is(b"a", 3, b"hello"),
            word=word,
            end=EndJob("T", files=3, errors=0, read_bytes=5, job_bytes=5, encrypt=0),
        )
        for number, word in enumerate(
            (b"init", b"catalog", b"disk_to_catalog", b"CATALOG", b"init and more"), 1
        )
    ),
    _refused(
        6,
        "level data",
        "Level data is accepted and then refused.",
        b"verify level=data\n",
        rb"2000 OK verify\n",
        rb"2994 Bad verify level: .*",
    ),
    _refused(
        7,
        "an unknown level",
        "Another word is refused.",
        b"verify level=everything\n",
        rb"2994 Bad verify level: .*",
    ),
    _refused(
        8, "no level", "A command without level is refused.", b"verify\n", rb"2994 Bad verify command: .*"
    ),
    Case(
        id="7.1.9",
        title="volume without a Storage daemon",
        rule="Level volume before storage is accepted and ends with a fatal message, without EOD.",
        source="05 §9.1",
        play=(
            Login("tls"),
            *introduce(),
            *fileset(lines(b"M", b"/none")),
            Say(b"verify level=volume\n"),
            Hear(b"2000 OK verify\n"),
            EndJob("f", files=0),
            Said(rb".*Improper calling sequence\.\n", type=3, times=1),
        ),
    ),
    Case(
        id="7.1.10",
        title="verify without a file set",
        rule="Without a file set there is nothing to verify; the session ends in order.",
        source="05 §2.1, 3",
        informational=True,
        play=(
            Login("tls"),
            *_JOB,
            Say(b"verify level=init\n"),
            Hear(Like(rb"2.*")),
            Observed(lambda stage: f"it answers {shown(stage.heard[-1])}"),
            Alive(),
        ),
    ),
)

_ALL: Final = (
    File(b"a", b"hello"),
    File(b"e"),
    File(b"d/b c", b"x"),
    Directory(b"empty"),
    Link(b"l", b"a"),
    Link(b"nowhere", b"/none at all"),
)


def _stripped(stage: Stage) -> str | None:
    tree = stage.names["tree"]
    short = b"/" + tree.split(b"/", 2)[2]
    return tells(short + b"/a", short + b"/")(stage)


_REPORTED: Final = (
    verified(
        "7.2.1",
        "files, directories, links",
        "Every file is told of, directories after their content and with a slash, links with their target.",
        _FILES,
        _ALL,
        tells(b"a", b"e", b"d/b c", b"d/", b"empty/", b"l", b"nowhere", b"{tree}/"),
        link_is(b"l", b"a"),
        link_is(b"nowhere", b"/none at all"),
        link_is(b"a", b""),
        link_is(b"empty/", b""),
    ),
    verified(
        "7.2.2",
        "stat records",
        "The stat record is that of lstat; link index and data stream are 0.",
        _PACKET,
        _ALL,
        *(stat_is_lstat(name) for name in (b"a", b"e", b"d/b c", b"d/", b"empty/", b"l")),
    ),
    verified(
        "7.2.3",
        "names",
        "Names are bytes as they are.",
        _PACKET,
        (File(b"caf\xe9", b"1"), File(b"two\nlines", b"2"), File(b" blank ", b"3"), File(b"n" * 255, b"4")),
        tells(b"caf\xe9", b"two\nlines", b" blank ", b"n" * 255, b"{tree}/"),
        digest_is(b"two\nlines", 3, b"2"),
    ),
    verified(
        "7.2.4",
        "hard links",
        "Every name of a file is told of as a file of its own with its own digest.",
        "05 §4.3",
        (File(b"a", b"hello"), Link(b"b", b"a", hard=True)),
        link_is(b"a", b""),
        link_is(b"b", b""),
        stat_is_lstat(b"b"),
        digest_is(b"a", 3, b"hello"),
        digest_is(b"b", 3, b"hello"),
        end=EndJob("T", files=3, errors=0, read_bytes=10),
    ),
    verified(
        "7.2.5",
        "fifos",
        "A fifo is told of and not opened.",
        _FILES,
        (Node(b"p", stat.S_IFIFO | 0o600),),
        tells(b"p", b"{tree}/"),
        digest_is(b"p", 3, None),
        limit=15,
    ),
    verified(
        "7.2.6",
        "devices",
        "Device nodes are told of and not opened.",
        _FILES,
        (Node(b"c", stat.S_IFCHR | 0o600, os.makedev(1, 5)),),
        stat_is_lstat(b"c"),
        digest_is(b"c", 3, None),
        root=True,
    ),
    verified(
        "7.2.7",
        "sockets",
        "A socket is told of.",
        _FILES,
        (File(b"a", b"x"),),
        tells(b"a", b"socket", b"{tree}/"),
        before=(Change(bind_socket),),
    ),
    verified(
        "7.2.8",
        "excluded files",
        "What the file set excludes is not told of.",
        _FILES,
        (File(b"a.o", b"1"), File(b"a.c", b"2"), File(b"d/b.c", b"3")),
        tells(b"a.c", b"{tree}/"),
        rows=include((block(b"M"),)) + exclude(b"*.o", b"{tree}/d"),
    ),
    verified(
        "7.2.9",
        "directories that are not entered",
        "Without recursion directories are told of without their content.",
        "05 §4.1",
        (File(b"d/a", b"1"), File(b"b", b"2")),
        tells(b"d/", b"b", b"{tree}/"),
        options=b"Mh",
    ),
    verified(
        "7.2.10",
        "another file system",
        "The directory of another file system is not told of.",
        "05 §4.2",
        (),
        tells(b"/dev/"),
        rows=include(
            (block(b"e", b"W /dev/[!p]*", b"W /dev/p[!t]*", b"W /dev/pt[!s]*"), block(b"M")), b"/dev"
        ),
        before=(Requires(lambda: os.path.ismount("/dev/pts"), "/dev/pts as a mount"),),
    ),
    verified(
        "7.2.11",
        "an empty file set",
        "Without a file EOD comes at once.",
        "05 §3",
        (),
        tells(),
        rows=(b"I\n", b"O M\n", b"N\n", b"N\n", b"N\n"),
        end=EndJob("T", files=0, errors=0, read_bytes=0),
    ),
    verified(
        "7.2.12",
        "strip path",
        "Strip path holds for the names told.",
        "05 §5.3",
        (File(b"a", b"x"),),
        _stripped,
        options=b"MP1:",
    ),
    verified(
        "7.2.13",
        "a large tree",
        "Hundreds of files are told of in order.",
        _FILES,
        tuple(File(b"d%d/f%d" % (n % 9, n), b"x" * n) for n in range(400)),
        digest_is(b"d3/f399", 3, b"x" * 399),
        end=EndJob("T", files=410, errors=0, read_bytes=sum(range(400))),
    ),
)


_OPTIONS: Final = (
    (1, "no Options block", include(()), b"V"),
    (2, "no verify options", lines(b"M"), b"V"),
    (3, "verify options", lines(b"Vpinsugmc5:M"), b"VVpinsugmc5"),
    (4, "one letter", lines(b"S1Vp:"), b"VVp"),
    (5, "two blocks", include((block(b"Vp:", b"W *.none"), block(b"MVi5:"))), b"VVpVi5"),
    (6, "options up to the end of the line", lines(b"MVpin5"), b"VVpin5"),
)

_LETTERED: Final = tuple(
    verified(
        f"7.3.{number}",
        title,
        "The options of a packet are V and the verify options of all blocks, each with its own V.",
        "05 §5.2",
        (File(b"a", b"hello"),),
        options_are(wanted),
        rows=rows,
    )
    for number, title, rows, wanted in _OPTIONS
)


CASES: Final = (*_COMMANDS, *_REPORTED, *_LETTERED)

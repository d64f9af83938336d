"""Chapter 5, section 2: file types and links."""

import os
import socket
import stat
from pathlib import Path
from typing import Final

from fdconform.dialogue import lines
from fdconform.plays import backed_up
from fdconform.stored import (
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
from fdconform.trees import Change, Directory, File, Link, Node
from fdconform.work import EndJob

TYPES: Final = "04 §2.1; core/src/findlib/find_one.cc"
_LINKS: Final = "04 §2.7; core/src/findlib/find_one.cc: process_hardlink"


def bind_socket(tree: Path) -> None:
    """Leave a socket in the tree, whatever the length of its path."""
    here = os.open(tree, os.O_RDONLY)
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(f"/proc/self/fd/{here}/socket")
    finally:
        os.close(here)


CASES: Final = (
    backed_up(
        "5.2.1",
        "a symbolic link",
        "A symbolic link is type 4 with its target in the link field, not followed, without digest.",
        TYPES,
        (
            File(b"a", b"hello"),
            Link(b"l", b"a"),
            Link(b"abs", b"/etc/passwd"),
            Directory(b"d"),
            Link(b"ld", b"d"),
        ),
        stores(b"a", b"l", b"abs", b"d/", b"ld"),
        is_type(b"l", 4, b"a"),
        is_type(b"abs", 4, b"/etc/passwd"),
        is_type(b"ld", 4, b"d"),
        has_streams(b"l"),
    ),
    backed_up(
        "5.2.2",
        "a dangling link",
        "A link to nowhere is stored like any other.",
        TYPES,
        (Link(b"l", b"no/where at all"),),
        is_type(b"l", 4, b"no/where at all"),
    ),
    backed_up(
        "5.2.3",
        "a link as a name of the file set",
        "A symbolic link named in the file set is stored as a link.",
        "03 §2.4",
        (File(b"d/a", b"x"), Link(b"l", b"d")),
        stores(b"l", root=False),
        rows=lines(b"M", b"{tree}/l"),
    ),
    backed_up(
        "5.2.4",
        "a name that ends in a slash",
        "A trailing slash names the directory itself; it is stored with one slash.",
        "03 §2.4, 2.6",
        (File(b"d/a", b"x"), Link(b"l", b"d")),
        names_are(b"{tree}/d/a", b"{tree}/d/"),
        rows=lines(b"M", b"{tree}/d///"),
    ),
    backed_up(
        "5.2.5",
        "hard links, the first named first",
        "Another name of a file is type 1 with the first name as link, its FileIndex and its digest again.",
        _LINKS,
        (File(b"a", b"hello"), Link(b"b", b"a", hard=True), Link(b"c", b"a", hard=True)),
        is_type(b"a", 3),
        is_type(b"b", 1, b"{tree}/a"),
        is_type(b"c", 1, b"{tree}/a"),
        has_streams(b"a", 2, 3),
        has_streams(b"b", 3),
        has_fields(b"a", nlink=3, link_index=0),
        has_fields(b"b", nlink=3, link_index=1),
        has_fields(b"c", link_index=1),
        has_record(b"c", 3, bytes.fromhex("5d41402abc4b2a76b9719d911017c592")),
        rows=lines(b"M", b"{tree}/a", b"{tree}/b", b"{tree}/c"),
        end=EndJob("T", files=3, errors=0, read_bytes=5, job_bytes=5),
    ),
    backed_up(
        "5.2.6",
        "hard links without the option",
        "With H every name is stored as a file of its own.",
        "03 §1.8, 2.9",
        (File(b"a", b"hello"), Link(b"b", b"a", hard=True)),
        is_type(b"a", 3),
        is_type(b"b", 3),
        has_content(b"a", b"hello"),
        has_content(b"b", b"hello"),
        options=b"MH",
        end=EndJob("T", files=3, errors=0, read_bytes=10),
    ),
    backed_up(
        "5.2.7",
        "a hard link named twice",
        "The name of a hard-linked file that comes a second time is skipped silently.",
        "03 §2.9",
        (File(b"a", b"hello"), Link(b"b", b"a", hard=True)),
        names_are(b"{tree}/a", b"{tree}/b"),
        rows=lines(b"M", b"{tree}/a", b"{tree}/a", b"{tree}/b"),
    ),
    backed_up(
        "5.2.8",
        "hard links whose first name is excluded",
        "The first name that is really stored is the one the others point at.",
        "03 §2.9 (a quirk of the C++ daemon: the third points at a name that is not in the backup)",
        (File(b"1/a.x", b"hello"), Link(b"2/b", b"1/a.x", hard=True), Link(b"3/c", b"1/a.x", hard=True)),
        checked(
            lambda stage: (
                None
                if {f.attributes.link for f in stored(stage) if f.attributes.type == 1}
                <= {f.attributes.name for f in stored(stage) if f.attributes.type == 3}
                else "a link to a name that is not in the backup"
            )
        ),
        rows=(
            b"I\n",
            b"O e\n",
            b"W *.x\n",
            b"N\n",
            b"O M\n",
            b"N\n",
            b"F {tree}/1",
            b"F {tree}/2",
            b"F {tree}/3",
            b"N\n",
            b"N\n",
        ),
    ),
    backed_up(
        "5.2.9",
        "an empty file with two names",
        "Empty files with several names are links too.",
        _LINKS,
        (File(b"a"), Link(b"b", b"a", hard=True)),
        is_type(b"a", 2),
        is_type(b"b", 1, b"{tree}/a"),
        rows=lines(b"M", b"{tree}/a", b"{tree}/b"),
    ),
    backed_up(
        "5.2.10",
        "a fifo",
        "A fifo is type 6 and not opened.",
        TYPES,
        (Node(b"p", stat.S_IFIFO | 0o640),),
        is_type(b"p", 6),
        has_streams(b"p"),
        like_lstat(b"p"),
        limit=15,
    ),
    backed_up(
        "5.2.11",
        "a fifo named, without readfifo",
        "A fifo named in the file set is not opened without the option r.",
        "03 §2.4",
        (Node(b"p", stat.S_IFIFO | 0o640),),
        is_type(b"p", 6),
        rows=lines(b"M", b"{tree}/p"),
        limit=15,
    ),
    backed_up(
        "5.2.12",
        "a socket",
        "Sockets are not stored.",
        "04 §1.4",
        (File(b"a", b"x"),),
        stores(b"a"),
        between=(Change(bind_socket),),
        end=EndJob("T", files=2, errors=0),
    ),
    backed_up(
        "5.2.13",
        "devices",
        "Device nodes below the file set's names are type 6 with their numbers, and not opened.",
        TYPES,
        (
            Node(b"c", stat.S_IFCHR | 0o600, os.makedev(1, 3)),
            Node(b"b", stat.S_IFBLK | 0o600, os.makedev(7, 250)),
        ),
        is_type(b"c", 6),
        is_type(b"b", 6),
        has_fields(b"c", rdev=os.makedev(1, 3)),
        has_fields(b"b", rdev=os.makedev(7, 250)),
        has_streams(b"c"),
        has_streams(b"b"),
        root=True,
    ),
    backed_up(
        "5.2.14",
        "a character device named",
        "A character device named in the file set is type 6 and not read.",
        "03 §2.4",
        (Node(b"c", stat.S_IFCHR | 0o600, os.makedev(1, 5)),),
        is_type(b"c", 6),
        rows=lines(b"M", b"{tree}/c"),
        root=True,
    ),
    backed_up(
        "5.2.15",
        "hard-linked fifos",
        "Fifos with several names are links.",
        _LINKS,
        (Node(b"p", stat.S_IFIFO | 0o640), Link(b"q", b"p", hard=True)),
        is_type(b"p", 6),
        is_type(b"q", 1, b"{tree}/p"),
        rows=lines(b"M", b"{tree}/p", b"{tree}/q"),
    ),
)

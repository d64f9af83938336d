"""The `ls` line of estimates and restores: modes, columns, and every recorded line taken apart and made again."""

import calendar
import re
import stat
import time

import pytest

from fdaemon.protocol.listing import deleted_line, listing_line, mode_text
from tests.support.sessions import every_session

C_TIME = 1795403209
"""2026-11-23 03:06:49 UTC."""


def line(name: bytes, mode: int, size: int, link: bytes | None = None, user: bytes = b"root") -> bytes:
    return listing_line(
        name,
        mode=mode,
        nlink=1,
        uid=0,
        gid=0,
        size=size,
        ctime=C_TIME,
        user_name=lambda _: user,
        group_name=lambda _: b"root",
        localtime=time.gmtime,
        link=link,
    )


def test_documented_lines() -> None:
    assert line(b"/data/b.bin", 0o100644, 5000) == (
        b"-rw-r--r--   1 root     root            5000 2026-11-23 03:06:49  /data/b.bin\n"
    )
    assert line(b"/data/link", 0o120777, 5, b"a.txt") == (
        b"lrwxrwxrwx   1 root     root               5 2026-11-23 03:06:49  /data/link -> a.txt\n"
    )
    assert deleted_line(b"/gone") == (
        b"----------   - -        -                - ---------- --------  /gone\n"
    )


def test_long_columns_are_cut() -> None:
    text = line(b"n", 0o100644, 10**14, user=b"administrator")
    assert text == b"-rw-r--r--   1 administ root    100000000000 2026-11-23 03:06:49  n\n"


@pytest.mark.parametrize("kind", [0o040000, 0o060000, 0o020000, 0o120000, 0o140000, 0o100000])
def test_modes_are_those_of_ls(kind: int) -> None:
    for bits in range(0o10000):
        mode = kind | bits
        assert mode_text(mode) == stat.filemode(mode)


def test_fifos_and_nonsense() -> None:
    assert mode_text(0o010644) == "frw-r--r--"
    assert mode_text(0o170644) == "-rw-r--r--"


LINE = re.compile(rb"(\S{10})  (.\d+) (.{8}) (.{8})(.{12}) (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)  (.*)\n", re.S)
KINDS = {
    "d": 0o040000,
    "l": 0o120000,
    "f": 0o010000,
    "c": 0o020000,
    "b": 0o060000,
    "s": 0o140000,
    "-": 0o100000,
}


def mode_of(text: str) -> int:
    """The mode that prints as `text`."""
    return next(KINDS[text[0]] | bits for bits in range(0o10000) if mode_text(KINDS[text[0]] | bits) == text)


def test_recorded_lines_come_back() -> None:
    lines = 0
    for session in every_session():
        if not session.name.startswith(("estimate", "restore-")):
            continue
        for payload in session.payloads("dir-fd", "fd"):
            text = payload
            if payload.startswith(b"Jmsg ") and b" type=13 " in payload:
                text = payload.split(b": ", 1)[1]
            match = LINE.fullmatch(text)
            if match is None:
                continue
            mode, links, user, group, size, when, name = match.groups()
            target = None
            if mode.startswith(b"l"):
                name, _, target = name.partition(b" -> ")
            again = listing_line(
                name,
                mode=mode_of(mode.decode()),
                nlink=int(links),
                uid=0,
                gid=0,
                size=int(size),
                ctime=calendar.timegm(time.strptime(when.decode(), "%Y-%m-%d %H:%M:%S")),
                user_name=lambda _, user=user: user.rstrip(),  # type: ignore[misc]
                group_name=lambda _, group=group: group.rstrip(),  # type: ignore[misc]
                localtime=time.gmtime,
                link=target,
            )
            assert again == text
            lines += 1
    assert lines >= 20

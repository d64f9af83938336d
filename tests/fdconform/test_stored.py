"""The checks of stored records find what is wrong, and nothing where nothing is."""

from pathlib import Path

import pytest
import trio

from fdconform.making import Loose, Put, folder, plain, records, wire
from fdconform.stage import Check, Stage
from fdconform.stored import (
    before,
    has_blocks,
    has_content,
    has_fields,
    has_record,
    has_streams,
    is_type,
    stores,
    well_formed,
)
from fdconform.subject import Subject
from fdconform.verifying import counted, digest_is, options_are, tells

MD5 = bytes.fromhex("5d41402abc4b2a76b9719d911017c592")
GOOD = (
    Put(b"{tree}/a", ((2, b"hello"), (3, MD5))),
    Put(b"{tree}/l", type=4, mode=0o120777, link=b"a"),
    folder(b"{tree}"),
)


async def staged(tmp_path: Path, *puts: Put | Loose) -> Stage:
    """A stage that holds these records."""
    async with trio.open_nursery() as nursery:
        stage = Stage(Subject("127.0.0.1", 1, {}, None), tmp_path, nursery, 0)
    made = records(*puts)(stage)
    assert not isinstance(made, bytes)
    stage.records = made
    return stage


async def test_a_good_backup(tmp_path: Path) -> None:
    stage = await staged(tmp_path, *GOOD)
    checks = (
        well_formed,
        stores(b"a", b"l"),
        has_content(b"a", b"hello"),
        has_streams(b"a", 2, 3),
        has_record(b"a", 3, MD5),
        has_blocks(b"a", 2, (0, 5)),
        has_fields(b"a", size=5),
        is_type(b"l", 4, b"a"),
        before(b"a", b"l"),
    )
    assert [check(stage) for check in checks] == [None] * len(checks)


@pytest.mark.parametrize(
    "check",
    [
        stores(b"a"),
        stores(b"a", b"l", root=False),
        stores(b"a", b"l", b"m"),
        has_content(b"a", b"Hello"),
        has_content(b"none", b""),
        has_streams(b"a", 3, 2),
        has_streams(b"a", 2),
        has_record(b"a", 3, bytes(16)),
        has_record(b"a", 10, MD5),
        has_blocks(b"a", 2, (0, 4)),
        has_blocks(b"a", 6, (0, 5)),
        has_fields(b"a", size=4),
        is_type(b"l", 3, b"a"),
        is_type(b"l", 4, b"b"),
        before(b"l", b"a"),
    ],
)
async def test_what_is_not_so(tmp_path: Path, check: Check) -> None:
    assert check(await staged(tmp_path, *GOOD))


@pytest.mark.parametrize(
    "puts",
    [
        (plain(b"/a"), Put(b"/b", index=3)),
        (Put(b"/a", index=2),),
        (Put(b"/a", ((3, MD5), (2, b"hello"))),),
        (Put(b"/a", ((2, b"hello"), (3, MD5[:-1]))),),
        (Put(b"/a", ((2, b"hello"), (3, MD5), (3, MD5))),),
        (Put(b"/a", ((2, b"hello"), (1008, b"x"), (2, b"more"))),),
        (Put(b"/a", ((2, b"hello"), (500, b"?"))),),
        (Loose(1, 2, b"hello"),),
        (Put(b"", record=b"1 3 /a\0A B\0\0\0000\0"),),
    ],
)
async def test_records_that_are_not_well_formed(tmp_path: Path, puts: tuple[Put | Loose, ...]) -> None:
    assert well_formed(await staged(tmp_path, *puts))


async def test_packets_of_a_verify(tmp_path: Path) -> None:
    stage = await staged(tmp_path)
    stat = b"P4A gAB IGk B A A A F BAA I BlU/EA BlU/EA BlU/EA A A A"
    stage.heard = [b"2000 OK verify\n", b"1 1 V /a\0%b\0\0" % stat, b"1 3 XUFAKrxLKna5cZ2REBfFkg *MD5-1*"]
    good = (counted, tells(b"/a"), options_are(b"V"), digest_is(b"/a", 3, b"hello"))
    assert [check(stage) for check in good] == [None] * len(good)
    wrong = (tells(), options_are(b"VV"), digest_is(b"/a", 3, b"Hello"), digest_is(b"/a", 10, b"hello"))
    assert all(check(stage) for check in wrong)
    for packet in (
        b"2 3 XUFAKrxLKna5cZ2REBfFkg *MD5-2*",
        b"3 1 V /b\0%b\0\0" % stat,
        b"2 1 V /b\0%b\0" % stat,
    ):
        kept = stage.heard
        stage.heard = [*kept, packet]
        assert counted(stage)
        stage.heard = kept


def test_wire_bytes() -> None:
    assert wire(b"ab", -1) == b"\0\0\0\2ab\xff\xff\xff\xff"

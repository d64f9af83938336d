"""The Director's side of verify: packets read strictly, compared as the documented rules say."""

import pytest

from fdaemon.wire.stat import StatRecord
from fdpeers.catalog_files import FileRow
from fdpeers.errors import Unexpected
from fdpeers.verify import CatalogBuilder, Comparer, VerifiedAttributes, VerifiedDigest, VerifiedObject, parse

STAT = StatRecord(mode=0o100644, size=3, mtime=5)
MD5 = bytes.fromhex("900150983cd24fb0d6963f7d28e17f72")


def row(index: int, name: bytes, stat: StatRecord = STAT) -> FileRow:
    return FileRow(1, index, name, 3, stat.encode(), MD5, 3, 0)


def attributes(index: int, name: bytes, stat: StatRecord = STAT, options: str = "VVpinsugmc5") -> bytes:
    return b"%d 1 %s %s\0%s\0\0" % (index, options.encode(), name, stat.encode())


def test_packets_are_read_as_documented() -> None:
    link = b"7 1 VVpinsugmc5 /srv/wd/we ird\nname\0P4A IQUV\0a.txt\0"
    assert parse(link) == VerifiedAttributes(7, "VVpinsugmc5", b"/srv/wd/we ird\nname", b"P4A IQUV", b"a.txt")
    assert parse(b"3 3 kAFQmDzST7DWlj99KOF/cg *MD5-3*") == VerifiedDigest(3, 3, b"kAFQmDzST7DWlj99KOF/cg")
    assert parse(b"6 28 ReStOrEObJeCt /etc/hard\0\0\0") == VerifiedObject(6)


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"1 1 VVp /a\0A\0",
        b"1 2 VVp /a\0A\0\0",
        b"3 3 kAFQmDzST7DWlj99KOF/cg *MD5-4*",
        b"3 10 kAFQmDzST7DWlj99KOF/cg *MD5-3*",
        b"3 3 kAFQmDzST7DWlj99KOF/cg *MD5-3*\n",
    ],
)
def test_other_packets_are_refused(packet: bytes) -> None:
    with pytest.raises(Unexpected):
        parse(packet)


def test_what_is_the_same_is_no_difference() -> None:
    comparer = Comparer([row(1, b"/a"), row(2, b"/b")], by_index=True)
    for packet in (attributes(1, b"/a"), b"1 3 kAFQmDzST7DWlj99KOF/cg *MD5-1*", attributes(2, b"/b")):
        comparer.feed(packet)
    assert comparer.finish() == []
    assert comparer.seen == 2


def test_differences_are_named() -> None:
    comparer = Comparer([row(1, b"/a"), row(2, b"/b"), row(3, b"/gone")], by_index=False)
    comparer.feed(attributes(1, b"/a", StatRecord(mode=0o100600, size=2, mtime=5), options="VVpmd5"))
    comparer.feed(b"1 3 AAAA *MD5-1*")
    comparer.feed(attributes(2, b"/b", StatRecord(mode=0o100600), options="VVm"))
    comparer.feed(b"2 3 AAAA *MD5-2*")
    comparer.feed(attributes(3, b"/new"))
    assert comparer.finish() == [
        "/a: st_mode  differ. Cat: 81a4 File: 8180",
        "/a: st_size  decrease. Cat: 3 File: 2",
        "/a: MD5 digest differs. File=AAAA Cat=kAFQmDzST7DWlj99KOF/cg",
        "/b: st_mtime differs",
        "New file: /new",
        "In the Catalog but not on disk: /gone",
    ]


def test_on_a_volume_the_index_counts() -> None:
    comparer = Comparer([row(2, b"/a")], by_index=True)
    comparer.feed(attributes(1, b"/a"))
    assert comparer.finish() == ["New file: /a", "In the Catalog but not on the Volume(s): /a"]


def test_a_digest_of_another_file_is_refused() -> None:
    comparer = Comparer([row(1, b"/a")], by_index=False)
    comparer.feed(attributes(1, b"/a"))
    with pytest.raises(Unexpected):
        comparer.feed(b"2 3 AAAA *MD5-2*")


def test_an_init_catalog_job_makes_the_rows_to_compare_with() -> None:
    packets = [
        attributes(1, b"/tree/a"),
        b"1 3 kAFQmDzST7DWlj99KOF/cg *MD5-1*",
        attributes(2, b"/tree/b"),
        b"2 10 qZk+NkcGgWq6PiVxeFDCbJzQ2J0 *SHA1-2*",
        attributes(3, b"/tree/"),
    ]
    builder = CatalogBuilder(7)
    for packet in packets:
        builder.feed(packet)
    rows = builder.finish()
    assert [(row.job_id, row.file_index, row.name, row.type) for row in rows] == [
        (7, 1, b"/tree/a", 3),
        (7, 2, b"/tree/b", 3),
        (7, 3, b"/tree/", 5),
    ]
    assert rows[0].digest == MD5
    comparer = Comparer(rows, by_index=False)
    for packet in packets:
        comparer.feed(packet)
    assert comparer.finish() == []
    assert builder.problems == []


def test_a_digest_of_another_file_is_not_stored() -> None:
    builder = CatalogBuilder(7)
    builder.feed(b"1 3 kAFQmDzST7DWlj99KOF/cg *MD5-1*")
    builder.feed(attributes(1, b"/a"))
    builder.feed(b"2 3 kAFQmDzST7DWlj99KOF/cg *MD5-2*")
    assert builder.problems == [
        "digest index 1 not same as attributes 0",
        "digest index 2 not same as attributes 1",
    ]
    assert builder.finish()[0].digest == b""

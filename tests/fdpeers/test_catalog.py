"""The catalog: what the Storage daemon forwards, merged over levels, chosen for a restore."""

import pytest

from fdaemon.wire.attributes import FileType, encode_attributes
from fdaemon.wire.stat import StatRecord
from fdpeers.catalog import Catalog, JobRow, MediaRow
from fdpeers.catalog_files import AttributeWriter, accurate_entries, choose, merged_files
from fdpeers.errors import CatalogError
from fdpeers.volume_writer import Span


def job(job_id: int, level: str = "F", status: str = "T", base: str = "bak", fileset: str = "fs") -> JobRow:
    return JobRow(
        job_id, f"{base}.{job_id}", base, "me", fileset, "B", level, 100 * job_id, None, status, job_id, 9
    )


def record(
    index: int, name: bytes, *, kind: FileType = FileType.REG, size: int = 10, link_index: int = 0
) -> bytes:
    return encode_attributes(index, kind, name, StatRecord(size=size, link_index=link_index).encode())


def fill(catalog: Catalog, row: JobRow, names: list[tuple[bytes, FileType]]) -> None:
    catalog.add_job(row)
    writer = AttributeWriter(catalog, row.job_id)
    for index, (name, kind) in enumerate(names, 1):
        writer.add(index, 1, record(index, name, kind=kind))
        if kind is FileType.REG:
            writer.add(index, 3, bytes([index]) * 16)
    writer.close()
    catalog.finish_job(row, [MediaRow(f"Vol-{row.job_id}", Span(1, len(names), 186, 9000))])


REG, DIR, GONE = FileType.REG, FileType.DIREND, FileType.DELETED


def test_levels_merge_to_the_newest_state() -> None:
    with Catalog() as catalog:
        fill(catalog, job(1), [(b"/d/a", REG), (b"/d/b \xff", REG), (b"/d/c", REG), (b"/d/", DIR)])
        fill(catalog, job(2, "I"), [(b"/d/a", REG), (b"/d/c", GONE)])
        chain = catalog.chain("bak", "me", "fs")
        assert [row.job_id for row in chain] == [1, 2]
        assert [(f.job_id, f.name) for f in merged_files(catalog, chain)] == [
            (1, b"/d/b \xff"),
            (1, b"/d/"),
            (2, b"/d/a"),
        ]


def test_the_accurate_list_is_the_documented_packet() -> None:
    with Catalog() as catalog:
        row = job(1)
        catalog.add_job(row)
        writer = AttributeWriter(catalog, 1)
        lstat = b"P4A IQUT IGk C A A A D BAA I BrA6za BlU/EA BrA6zZ A A C"
        writer.add(1, 1, encode_attributes(1, FileType.REG, b"/srv/wd/data/a.txt", lstat))
        writer.add(1, 3, bytes.fromhex("900150983cd24fb0d6963f7d28e17f72"))
        writer.close()
        assert accurate_entries(catalog, [row], digests=True) == [
            b"/srv/wd/data/a.txt\0" + lstat + b"\0kAFQmDzST7DWlj99KOF/cg\x000"
        ]
        assert accurate_entries(catalog, [row], digests=False) == [
            b"/srv/wd/data/a.txt\0" + lstat + b"\0\x000"
        ]


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ("F", [1]),
        ("I", []),
        ("FIDI", [1, 3, 4]),
        ("FIDID", [1, 5]),
        ("FIFI", [3, 4]),
    ],
)
def test_the_chain_of_levels(levels: str, expected: list[int]) -> None:
    with Catalog() as catalog:
        for number, level in enumerate(levels, 1):
            catalog.add_job(job(number, level))
        assert [row.job_id for row in catalog.chain("bak", "me", "fs")] == expected


def test_failed_jobs_and_other_file_sets_do_not_count() -> None:
    with Catalog() as catalog:
        catalog.add_job(job(1))
        catalog.add_job(job(2, "I", status="f"))
        catalog.add_job(job(3, "I", fileset="other"))
        catalog.add_job(job(4, "I"))
        assert [row.job_id for row in catalog.chain("bak", "me", "fs")] == [1, 4]
        assert [row.job_id for row in catalog.chain("bak", "me", "fs", before=3)] == [1]
        assert catalog.next_job_id() == 5


def test_a_hard_link_brings_the_file_that_has_the_data() -> None:
    with Catalog() as catalog:
        row = job(1)
        catalog.add_job(row)
        writer = AttributeWriter(catalog, 1)
        for index in range(1, 6):
            writer.add(index, 1, record(index, b"/d/%d" % index, size=index * 100))
        writer.add(6, 1, record(6, b"/d/link", kind=FileType.LNKSAVED, link_index=2))
        writer.close()
        spans = [Span(1, 2, 186, 1000), Span(2, 4, 1000, 2000), Span(5, 6, 2000, 3000)]
        catalog.finish_job(row, [MediaRow("Vol-1", span) for span in spans])
        chosen = choose(catalog, [row], lambda name: name == b"/d/link")
        assert chosen.files == 2
        (piece,) = chosen.pieces
        assert piece.indexes == ((2, 2), (6, 6))
        assert piece.spans == ((186, 1000), (1000, 2000), (2000, 3000))
        all_of_it = choose(catalog, [row], lambda name: True)
        assert (all_of_it.files, all_of_it.size) == (6, 1500)
        with pytest.raises(CatalogError, match="chosen"):
            choose(catalog, [row], lambda name: False)


def test_a_name_that_comes_twice_keeps_the_row_with_the_data() -> None:
    with Catalog() as catalog:
        row = job(1)
        catalog.add_job(row)
        writer = AttributeWriter(catalog, 1)
        writer.add(1, 1, record(1, b"/d/x"))
        writer.add(2, 1, record(2, b"/d/x", kind=FileType.LNKSAVED, link_index=1))
        writer.close()
        assert [f.file_index for f in merged_files(catalog, [row])] == [1]


def test_a_digest_of_another_file_is_not_believed() -> None:
    with Catalog() as catalog:
        row = job(1)
        catalog.add_job(row)
        writer = AttributeWriter(catalog, 1)
        writer.add(1, 1, record(1, b"/d/x"))
        writer.add(2, 3, bytes(16))
        writer.close()
        assert writer.problems == ["digest of file 2 not same File=1 as attributes"]
        assert [f.digest for f in merged_files(catalog, [row])] == [b""]


def test_messages_and_a_failed_transaction() -> None:
    with Catalog() as catalog:
        catalog.add_job(job(1))
        catalog.add_messages(1, [(5, 6, b"one \xff\n"), (6, 4, b"two\n")])
        assert catalog.messages(1) == [(5, 6, b"one \xff\n"), (6, 4, b"two\n")]
        with pytest.raises(Exception, match="UNIQUE"):
            catalog.add_job(job(1))
        assert catalog.job(1).status == "T"
        with pytest.raises(CatalogError, match="no job 2"):
            catalog.job(2)


@pytest.mark.parametrize("broken", [b"", b"1 3 /x\0A A\0", b"1 3 \0A\0\0\x000\0", b"1 x /x\0A\0\0\x000\0"])
def test_malformed_attributes_are_a_problem_and_no_row(broken: bytes) -> None:
    with Catalog() as catalog:
        row = job(1)
        catalog.add_job(row)
        writer = AttributeWriter(catalog, 1)
        writer.add(1, 1, broken)
        writer.close()
        assert "attributes of file 1 are malformed" in writer.problems[0]
        assert list(merged_files(catalog, [row])) == []

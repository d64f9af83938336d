"""The tree of the recorded sessions, saved by us and by the C++ daemon: every record must agree."""

import os
from pathlib import Path

import pytest

from fdaemon.codec.compress import HEADER, Algorithm, decompress
from fdaemon.fileset.model import FileSet
from fdaemon.fileset.parse import FileSetBuilder
from fdaemon.fileset.walk import walk
from fdaemon.wire.attributes import AttributeRecord, FileType
from fdaemon.wire.stat import decode_stat
from fdaemon.wire.streams import Stream
from tests.jobs.backups import save
from tests.support.decorated import decorate
from tests.support.saved import SavedFile, from_session
from tests.support.sessions import RECORDED, Session, recorded, shared
from tests.support.tree import RECORDED_ROOT, build

EXACT = ["full-md5", "nosig", "xxh128", "nohard", "sparse", "aclxattr"]
PACKED = ["gzip", "lz4", "lz4hc", "lzo", "lzfast", "sparsegz"]
WRITTEN_FOR = {Algorithm.LZFAST.value: Algorithm.LZ4.value}
"""Where FastLZ is asked for we write LZ4 (docs/encoders.md)."""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("reference") / "data"
    build(bytes(root))
    decorate(root)
    return root


def session_of(name: str) -> Session:
    full = f"backup-{name}"
    return recorded(full) if (RECORDED / f"{full}.jsonl").is_file() else shared(full)


def recorded_fileset(session: Session, root: Path) -> FileSet:
    """The FileSet that the recorded Director sent, for the tree at `root`."""
    builder = FileSetBuilder()
    lines = session.payloads("dir-fd", "dir")
    start = lines.index(b"fileset vss=1\n") + 1
    for line in lines[start : lines.index(b"getSecureEraseCmd\n")]:
        builder.add(line.replace(RECORDED_ROOT, bytes(root)))
    parsed = builder.finish()
    assert parsed.fileset is not None
    assert not parsed.problems
    return parsed.fileset


def by_name(files: list[SavedFile], root: bytes) -> dict[bytes, SavedFile]:
    return {file.attributes.name.removeprefix(root): file for file in files}


def comparable(record: AttributeRecord) -> dict[str, int]:
    """The stat fields that do not depend on the machine."""
    stat = decode_stat(record.stat)
    names = ["mode", "nlink", "rdev", "mtime", "link_index", "flags", "stream"]
    return {name: getattr(stat, name) for name in names + ["size"] * (record.type != FileType.DIREND)}


def tracked(file: SavedFile) -> bool:
    """True for the names of an inode with several, in the recording that tracks them."""
    return file.attributes.type != FileType.DIREND and decode_stat(file.attributes.stat).nlink > 1


def expand(stream: int, record: bytes) -> tuple[bytes, tuple[bytes, int, int], bytes]:
    """Address, magic with level and version, and plain content of a compressed record."""
    size = 8 if stream == Stream.SPARSE_COMPRESSED_DATA else 0
    magic, _, level, version = HEADER.unpack_from(record, size)
    return record[:size], (magic, level, version), decompress(record[size:])


def run(name: str, tree: Path) -> tuple[dict[bytes, SavedFile], dict[bytes, SavedFile]]:
    session = session_of(name)
    theirs = by_name(from_session(session), RECORDED_ROOT)
    outcome = save(walk(recorded_fileset(session, tree)))
    ours = by_name(outcome.files, bytes(tree))
    assert outcome.messages == []
    assert sorted(ours) == sorted(theirs)
    return ours, theirs


def check_attributes(ours: SavedFile, theirs: SavedFile) -> None:
    left, right = ours.attributes, theirs.attributes
    assert (left.type, left.link, left.extended, left.delta_seq) == (
        right.type,
        right.link,
        right.extended,
        right.delta_seq,
    )
    assert comparable(left) == comparable(right)


@pytest.mark.parametrize("name", EXACT)
def test_records_equal_the_recorded_ones(name: str, tree: Path) -> None:
    ours, theirs = run(name, tree)
    for file in theirs:
        if not tracked(theirs[file]):
            check_attributes(ours[file], theirs[file])
            assert ours[file].streams == theirs[file].streams, file


def test_one_name_of_an_inode_is_saved_and_the_others_refer_to_it(tree: Path) -> None:
    ours, theirs = run("nosig", tree)
    mine = [file for file in ours.values() if tracked(file)]
    others = [file for file in theirs.values() if tracked(file)]
    assert sorted(f.attributes.type for f in mine) == sorted(f.attributes.type for f in others)
    [first] = [file for file in mine if file.attributes.type == FileType.REG]
    [data] = first.records(Stream.FILE_DATA)
    assert data == b"three names, one inode\n"
    for file in mine:
        if file is not first:
            assert (file.attributes.link, file.streams) == (first.attributes.name, [])
            assert decode_stat(file.attributes.stat).link_index == first.attributes.file_index


@pytest.mark.parametrize("name", PACKED)
def test_compressed_records_hold_what_the_recorded_ones_hold(name: str, tree: Path) -> None:
    ours, theirs = run(name, tree)
    for file in theirs:
        check_attributes(ours[file], theirs[file])
        assert ours[file].numbers == theirs[file].numbers
        for (number, mine), (_, recorded_records) in zip(
            ours[file].streams, theirs[file].streams, strict=True
        ):
            if number not in (Stream.COMPRESSED_DATA, Stream.SPARSE_COMPRESSED_DATA):
                assert mine == recorded_records
                continue
            assert len(mine) == len(recorded_records)
            for one, other in zip(mine, recorded_records, strict=True):
                assert one.data is not None
                left = expand(number, one.data)
                content = (tree / os.fsdecode(file[1:])).read_bytes()
                assert left[2] in content
                if other.data is not None:
                    address, (magic, *fields), plain = expand(number, other.data)
                    assert left == (address, (WRITTEN_FOR.get(magic, magic), *fields), plain)


@pytest.mark.parametrize("name", ["lz4", "lz4hc", "lzo", "gzip"])
def test_compressed_sizes_stay_near_the_recorded_ones(name: str, tree: Path) -> None:
    ours, theirs = run(name, tree)

    def packed(files: dict[bytes, SavedFile]) -> int:
        return sum(
            record.size
            for file in files.values()
            for number, records in file.streams
            if number == Stream.COMPRESSED_DATA
            for record in records
        )

    assert packed(ours) <= 1.05 * packed(theirs)

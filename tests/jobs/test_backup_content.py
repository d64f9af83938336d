"""The content of files in a backup: block borders, sparse blocks, compression, digests, with and without threads."""

import os
import random
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fdaemon.codec.compress import decompress
from fdaemon.config.resources import LARGEST_NETWORK_BUFFER, SMALLEST_NETWORK_BUFFER
from fdaemon.errors import JobFailed
from fdaemon.fileset.model import Compression, FileSet, Include, Option, Options, Pattern, PatternKind
from fdaemon.fileset.walk import walk
from fdaemon.jobs.backup import BackupReader
from fdaemon.views import Counters
from fdaemon.wire.attributes import FileType
from fdaemon.wire.digests import Digest
from fdaemon.wire.framing import MAX_PACKET, PacketReader
from fdaemon.wire.stat import decode_stat
from fdaemon.wire.streams import Stream
from tests.jobs.backups import fileset, options, save
from tests.support.saved import SavedFile, digest_of

R = 262_144
S = R - 8
SIZES = [0, 1, R - 1, R, R + 1, 2 * R - 1, 2 * R, 2 * R + 1, 5 * R + 17]


@pytest.fixture(scope="module")
def sized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sized")
    for size in SIZES:
        (root / f"{size}").write_bytes(random.Random(size).randbytes(size))
    return root


@pytest.mark.parametrize("workers", [0, 1, 2])
@pytest.mark.parametrize(
    "compression", [None, (Compression.GZIP, 1), (Compression.LZ4, 1), (Compression.LZO, 0)]
)
def test_every_block_but_the_last_is_full(
    sized: Path, workers: int, compression: tuple[Compression, int] | None
) -> None:
    block = options(digests=frozenset({Digest.MD5}), compression=compression)
    outcome = save(root=bytes(sized), block=block, workers=workers)
    stream = Stream.FILE_DATA if compression is None else Stream.COMPRESSED_DATA
    sent = 0
    for size in SIZES:
        content = (sized / f"{size}").read_bytes()
        file = outcome.file(b"/%d" % size)
        records = file.records(stream)
        sent += sum(map(len, records))
        pieces = records if compression is None else [decompress(record) for record in records]
        assert pieces == [content[at : at + R] for at in range(0, size, R)]
        assert file.records(Stream.MD5_DIGEST) == [digest_of(Digest.MD5, content)]
        assert file.numbers == ([stream] if size else []) + [Stream.MD5_DIGEST]
        assert file.attributes.type == (FileType.REG if size else FileType.REGE)
        assert decode_stat(file.attributes.stat).stream == stream
    counters = outcome.counters
    assert (counters.files, counters.examined) == (len(SIZES) + 1, len(SIZES) + 1)
    assert (counters.read_bytes, counters.job_bytes) == (sum(SIZES), sent)
    assert all(size <= 4 * (R + 4) + MAX_PACKET for size in outcome.batches)


@pytest.mark.parametrize("digest", list(Digest))
def test_each_digest_goes_out_in_its_stream(sized: Path, digest: Digest) -> None:
    outcome = save(root=bytes(sized), block=options(digests=frozenset({digest})))
    for size in SIZES:
        content = (sized / f"{size}").read_bytes()
        assert outcome.file(b"/%d" % size).records(digest.stream) == [digest_of(digest, content)]


def test_a_small_block_size_is_kept(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(bytes(range(256)) * 10)
    outcome = save(root=bytes(tmp_path), block=options(), block_size=1000)
    assert [len(record) for record in outcome.file(b"/f").records(Stream.FILE_DATA)] == [1000, 1000, 560]


@pytest.mark.parametrize("size", [SMALLEST_NETWORK_BUFFER, LARGEST_NETWORK_BUFFER])
@pytest.mark.parametrize("flags", [(), (Option.SPARSE,)])
@pytest.mark.parametrize("compression", [None, (Compression.GZIP, 6), (Compression.LZO, 1)])
def test_a_block_always_fits_one_packet(
    tmp_path: Path,
    size: int,
    flags: tuple[Option, ...],
    compression: tuple[Compression, int] | None,
) -> None:
    """Whatever size may be configured and however badly it packs: in two packets nobody could restore it."""
    content = random.Random(1).randbytes(2_000_000)
    (tmp_path / "f").write_bytes(content)
    block = options(*flags, compression=compression)
    [(_, records), *_] = save(root=bytes(tmp_path), block=block, block_size=size).file(b"/f").streams
    restored = b""
    for payload in records:
        assert payload.data is not None
        data = payload.data[8 if flags else 0 :]
        restored += decompress(data) if compression else data
    assert restored == content


LETTERS = b"A" * S
ZEROS = bytes(S)
SPARSE = {
    b"data-then-zeros": ([LETTERS, LETTERS, LETTERS, ZEROS], [0, 1, 2, 3]),
    b"two-zeros": ([ZEROS, ZEROS], [0, 1]),
    b"three-zeros": ([ZEROS, ZEROS, ZEROS], [2]),
    b"zeros-and-tail": ([LETTERS, ZEROS, ZEROS, b"tail!"], [0, 3]),
    b"starts-with-zeros": ([ZEROS, LETTERS, b"t"], [1, 2]),
    b"one-and-a-half": ([ZEROS, b"x"], [1]),
    b"short": ([b"\0\0\0"], [0]),
}


@pytest.mark.parametrize("holes", [False, True])
@pytest.mark.parametrize("compression", [None, (Compression.GZIP, 6)])
def test_zero_blocks_are_left_out_but_never_the_last(
    tmp_path: Path, holes: bool, compression: tuple[Compression, int] | None
) -> None:
    for name, (blocks, _) in SPARSE.items():
        with (tmp_path / name.decode()).open("wb") as file:
            for piece in blocks:
                if holes and not any(piece):
                    file.seek(len(piece), os.SEEK_CUR)
                else:
                    file.write(piece)
            file.truncate(sum(map(len, blocks)))
    block = options(Option.SPARSE, digests=frozenset({Digest.SHA1}), compression=compression)
    outcome = save(root=bytes(tmp_path), block=block)
    stream = Stream.SPARSE_DATA if compression is None else Stream.SPARSE_COMPRESSED_DATA
    for name, (blocks, expected) in SPARSE.items():
        records = outcome.file(b"/" + name).records(stream)
        assert [int.from_bytes(record[:8], "big") for record in records] == [n * S for n in expected], name
        bodies = [record[8:] if compression is None else decompress(record[8:]) for record in records]
        assert bodies == [blocks[n] for n in expected]
        assert outcome.file(b"/" + name).records(Stream.SHA1_DIGEST) == [digest_of(Digest.SHA1, *bodies)]


def test_skipped_blocks_count_as_read_where_the_cpp_daemon_counts_them(tmp_path: Path) -> None:
    with (tmp_path / "f").open("wb") as file:
        file.truncate(10 * S + 1)
    block = options(Option.SPARSE)
    for workers, read in ((2, 10 * S + 1), (0, 1)):
        counters = save(root=bytes(tmp_path), block=block, workers=workers).counters
        assert (counters.read_bytes, counters.job_bytes) == (read, 9)


def test_a_huge_hole_costs_no_reading(tmp_path: Path) -> None:
    with (tmp_path / "f").open("wb") as file:
        file.write(b"start")
        file.truncate(1 << 40)
    outcome = save(root=bytes(tmp_path), block=options(Option.SPARSE, digests=frozenset({Digest.MD5})))
    records = outcome.file(b"/f").records(Stream.SPARSE_DATA)
    assert [int.from_bytes(record[:8], "big") for record in records] == [0, ((1 << 40) - 1) // S * S]


def test_fastlz_family_refuses_blocks_that_readers_cannot_take(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(bytes(600_000))
    with pytest.raises(JobFailed) as caught:
        save(root=bytes(tmp_path), block=options(compression=(Compression.LZ4, 1)), block_size=300_000)
    assert caught.value.text == b"Compression fastlzlibCompress error: 0\n"


def test_batches_hold_many_small_files_and_their_buffers_come_back(tmp_path: Path) -> None:
    contents = {b"/%04d" % n: random.Random(n).randbytes(4000 + n) for n in range(600)}
    for name, content in contents.items():
        Path(os.fsdecode(bytes(tmp_path) + name)).write_bytes(content)
    outcome = save(root=bytes(tmp_path), block=options(digests=frozenset({Digest.XXH128})))
    assert 3 <= len(outcome.batches) <= 5
    for name, content in contents.items():
        assert outcome.file(name).records(Stream.FILE_DATA) == [content]
        assert outcome.file(name).records(Stream.XXH128_DIGEST) == [digest_of(Digest.XXH128, content)]


def test_a_buffer_waits_for_its_digest_before_it_is_used_again(tmp_path: Path) -> None:
    content = random.Random(1).randbytes(64 * R + 5)
    (tmp_path / "large").write_bytes(content)
    outcome = save(root=bytes(tmp_path), block=options(digests=frozenset({Digest.MD5})))
    assert outcome.file(b"/large").records(Stream.MD5_DIGEST) == [digest_of(Digest.MD5, content)]
    assert b"".join(outcome.file(b"/large").records(Stream.FILE_DATA)) == content


class Canceled(Exception):
    """Stands for whatever the job's owner raises."""


@pytest.mark.parametrize("compression", [None, (Compression.GZIP, 1)])
def test_a_cancel_stops_inside_a_large_file(
    tmp_path: Path, compression: tuple[Compression, int] | None
) -> None:
    (tmp_path / "large").write_bytes(bytes(8 * R))
    counters = Counters()

    def check() -> None:
        if counters.read_bytes >= 3 * R:
            raise Canceled

    with pytest.raises(Canceled):
        save(
            root=bytes(tmp_path),
            block=options(digests=frozenset({Digest.MD5}), compression=compression),
            check_cancelled=check,
            counters=counters,
        )
    assert counters.read_bytes == 3 * R


def timeless(file: SavedFile) -> tuple[object, ...]:
    """Everything about a file but its access time, which reading changes."""
    record = file.attributes
    stat = replace(decode_stat(record.stat), atime=0)
    return record.file_index, record.type, record.name, record.link, stat, file.streams


@pytest.mark.parametrize("flags", [(), (Option.SPARSE,), (Option.CHECK_CHANGES,)])
def test_threads_change_nothing_about_what_is_sent(tmp_path: Path, flags: tuple[Option, ...]) -> None:
    generator = random.Random(4)
    for folder in range(30):
        (tmp_path / f"{folder:02}").mkdir()
        for number in range(20):
            size = generator.choice([0, 1, 100, 5000, 40_000, R - 8, R, R + 1, 3 * R])
            path = tmp_path / f"{folder:02}/{number}"
            path.write_bytes(generator.randbytes(size // 2) + bytes(size - size // 2))
            if number % 7 == 0:
                os.setxattr(path, "user.number", b"%d" % number)
        (tmp_path / f"{folder:02}/link").symlink_to("nowhere")
        (tmp_path / f"{folder:02}/same").hardlink_to(tmp_path / f"{folder:02}/3")
    block = options(
        Option.XATTR, *flags, digests=frozenset({Digest.XXH128}), compression=(Compression.LZ4, 1)
    )
    inline, threaded = (save(root=bytes(tmp_path), block=block, workers=n) for n in (0, 2))
    assert [timeless(file) for file in threaded.files] == [timeless(file) for file in inline.files]
    assert threaded.messages == inline.messages == []
    assert len(inline.files) == 30 * 23 + 1
    for name in ("files", "examined", "job_bytes"):
        assert getattr(threaded.counters, name) == getattr(inline.counters, name)


def test_the_order_stays_where_only_some_files_are_compressed(tmp_path: Path) -> None:
    """As in many a FileSet, which leaves out what is compressed already: their indexes must follow each other."""
    generator = random.Random(5)
    for number in range(400):
        suffix = generator.choice(["txt", "txt", "gz", "gz", "img", "log"])
        size = generator.choice([0, 1, 100, 5000, 40_000, R + 1])
        (tmp_path / f"{number}.{suffix}").write_bytes(generator.randbytes(size))
    (tmp_path / "link.gz").symlink_to("nowhere")
    (tmp_path / "first.txt").write_bytes(b"linked")
    (tmp_path / "same.gz").hardlink_to(tmp_path / "first.txt")

    def block(pattern: bytes, *flags: Option, **others: Any) -> Options:
        patterns = (Pattern(PatternKind.WILD, pattern),)
        return options(*flags, digests=frozenset({Digest.MD5}), patterns=patterns, **others)

    blocks = (
        block(b"*.gz"),
        block(b"*.img", Option.SPARSE),
        block(b"*.log", Option.CHECK_CHANGES),
        block(b"*", compression=(Compression.LZ4, 1)),
    )
    chosen = FileSet(includes=(Include(options=blocks, names=(bytes(tmp_path),)),))
    inline, threaded = (save(walk(chosen), workers=n) for n in (0, 2))
    assert [timeless(file) for file in threaded.files] == [timeless(file) for file in inline.files]
    assert len(inline.files) == 404
    assert threaded.counters == inline.counters


def test_a_slow_walk_does_not_hold_back_packed_files(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"{number}").write_bytes(b"x")
    now = iter(range(100_000))
    block = options(compression=(Compression.GZIP, 6))
    outcome = save(root=bytes(tmp_path), block=block, clock=lambda: float(next(now)))
    assert len(outcome.batches) == 5
    assert len(outcome.files) == 301


def test_a_batch_counts_only_files_that_have_left(tmp_path: Path) -> None:
    """A job that is broken off reports them as saved, not those that are still packed."""
    for number in range(1000):
        folder = tmp_path / f"{number % 50}"
        folder.mkdir(exist_ok=True)
        (folder / f"{number}").write_bytes(random.Random(number).randbytes(3000))
    reader = BackupReader(
        walk(fileset(bytes(tmp_path), options(compression=(Compression.GZIP, 6)))),
        report=lambda *_: pytest.fail("nothing to report"),
        counters=Counters(),
        check_cancelled=lambda: None,
    )
    packets = PacketReader()
    sent = counted = 0
    for batch in reader.batches():
        packets.receive_data(bytes(batch.data))
        while (packet := packets.next_packet()) is not None:
            if isinstance(packet, bytes) and (header := re.fullmatch(rb"(\d+) 1 0", packet)):
                sent = int(header[1])
        counted = batch.files
        assert counted <= sent
    assert counted == sent == 1051

"""Compressed records: documented bytes, round trips, every refusal with its message, bounds."""

import random
import tracemalloc
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fdaemon.codec import fastlz
from fdaemon.codec.compress import HEADER, Algorithm, Compressor, decompress
from fdaemon.codec.deflate import deflate, inflate
from fdaemon.errors import FileProblem

END = b"FastLZ\0\xc8" + bytes(8)
A65 = b"a" * 65
TEXT = b"".join(b"line %d of some text that repeats itself\n" % (n % 977) for n in range(6000))
NOISE = random.Random(1).randbytes(262_144)


def record(magic: bytes, body: bytes, level: int = 1, version: int = 1) -> bytes:
    return HEADER.pack(magic, len(body), level, version) + body


def container(kind: int, body: bytes, size: int) -> bytes:
    return (
        b"FastLZ\0"
        + bytes((kind,))
        + len(body).to_bytes(4, "little")
        + size.to_bytes(4, "little")
        + body
        + END
    )


CPP = {
    "GZIP": (
        bytes.fromhex("475a495000000014000600 01789ccb48cdc9c95728cf2fca49e102001e720467".replace(" ", "")),
        b"hello world\n",
    ),
    "FZFZ": (
        record(b"FZFZ", container(0xC8, bytes.fromhex("01 6161 e03301 02616161"), 65)),
        A65,
    ),
    "FZ4L": (
        record(b"FZ4L", container(0xC8, bytes.fromhex("1f 61 0100 28 50 6161616161"), 65)),
        A65,
    ),
    "LZOX": (
        record(b"LZOX", bytes.fromhex("02" + "61" * 5 + "200b10000d" + "61" * 16 + "110000"), 0),
        A65,
    ),
}


@pytest.mark.parametrize("name", sorted(CPP))
def test_blocks_of_the_cpp_daemon_are_read(name: str) -> None:
    made, plain = CPP[name]
    assert decompress(made) == plain


def test_lz4_blocks_are_the_bytes_of_the_cpp_daemon() -> None:
    assert Compressor(Algorithm.LZ4, 1).compress(A65) == CPP["FZ4L"][0]


@pytest.mark.parametrize("level", range(10))
def test_gzip_levels_stay_within_five_percent_of_zlib(level: int) -> None:
    for block in (TEXT, NOISE, TEXT[:4096], TEXT[:20000], NOISE[:100_000] + TEXT[:100_000], bytes(100_000)):
        packed = deflate(level)(block)
        assert zlib.decompress(packed) == block
        assert len(packed) <= 1.05 * len(zlib.compress(block, level)) + 100
        assert decompress(Compressor(Algorithm.GZIP, level).compress(block)) == block


def test_noise_followed_by_text_is_not_taken_for_noise() -> None:
    block = TEXT[:60_000] + NOISE[:20_000] + TEXT[:60_000]
    assert len(deflate(6)(block)) < 60_000


@pytest.mark.parametrize("algorithm", list(Algorithm))
@given(st.binary(min_size=1, max_size=3000), st.integers(1, 50))
def test_what_is_packed_comes_back(algorithm: Algorithm, piece: bytes, times: int) -> None:
    block = (piece * times)[:262_144]
    assert decompress(Compressor(algorithm, 6).compress(block)) == block
    assert decompress(Compressor(algorithm, 6).compress(memoryview(bytearray(block)))) == block


@pytest.mark.parametrize(
    ("algorithm", "magic", "level"),
    [
        (Algorithm.GZIP, b"GZIP", 6),
        (Algorithm.LZO, b"LZOX", 0),
        (Algorithm.LZ4, b"FZ4L", 1),
        (Algorithm.LZ4HC, b"FZ4H", 1),
        (Algorithm.LZFAST, b"FZ4L", 1),
    ],
)
def test_headers_name_algorithm_level_and_version(algorithm: Algorithm, magic: bytes, level: int) -> None:
    made = Compressor(algorithm, 6).compress(TEXT)
    assert HEADER.unpack_from(made) == (magic, len(made) - 12, level, 1)


@pytest.mark.parametrize("algorithm", [Algorithm.LZ4, Algorithm.LZ4HC])
@pytest.mark.parametrize(("block", "raw"), [(b"a" * 64, True), (A65, False), (NOISE, True), (b"x", True)])
def test_blocks_that_do_not_shrink_are_stored(algorithm: Algorithm, block: bytes, raw: bool) -> None:
    made = Compressor(algorithm).compress(block)
    assert made[12:20] == b"FastLZ\0" + (b"\x18" if raw else b"\xc8")
    assert decompress(made) == block


def test_a_block_that_no_reader_takes_is_refused() -> None:
    with pytest.raises(ValueError, match="262145"):
        Compressor(Algorithm.LZ4).compress(bytes(262_145))


BROKEN = [
    (record(b"GZIP", b"x", version=2), b"Compressed header version error. version=0x2\n"),
    (
        record(b"GZIP", b"x")[:-1],
        b"Compressed header size error. comp_len=1, message_length=12\n",
    ),
    (b"short", b"Compressed header size error. comp_len=0, message_length=5\n"),
    (record(b"NONE", b"x"), b"Compression algorithm 0x4e4f4e45 found, but not supported!\n"),
    (record(b"GZIP", b"rubbish"), b"Uncompression error on file /f. ERR=Zlib data error\n"),
    (record(b"GZIP", zlib.compress(TEXT)[:-3]), b"Uncompression error on file /f. ERR=Zlib data error\n"),
    (
        record(b"FZ4L", b"FastLz\0" + container(0xC8, b"", 5)[7:]),
        b"Uncompression error on file /f. ERR=wrong magic\n",
    ),
    (record(b"FZ4L", container(0x28, b"x", 1)), b"Uncompression error on file /f. ERR=unknown block type\n"),
    (record(b"FZ4L", container(0x18, b"xy", 1)), b"Uncompression error on file /f. ERR=wrong plain size\n"),
    (
        record(b"FZ4L", container(0x18, b"x", 1) + b"!"),
        b"Uncompression error on file /f. ERR=bytes after the end\n",
    ),
    (record(b"FZ4L", b"FastLZ\0"), b"Uncompression error on file /f. ERR=container without its end\n"),
    (
        record(b"FZFZ", container(0xC8, b"\xe0", 9)),
        b"Uncompression error on file /f. ERR=unknown FastLZ level\n",
    ),
]


@pytest.mark.parametrize(("made", "text"), BROKEN)
def test_each_damage_has_its_message(made: bytes, text: bytes) -> None:
    with pytest.raises(FileProblem) as caught:
        decompress(made, name=b"/f")
    assert caught.value.text == text


@pytest.mark.parametrize("body", [b"", b"\xff" * 50, b"\x11\0\0rest"])
def test_damaged_lzo_is_told_as_such(body: bytes) -> None:
    with pytest.raises(FileProblem) as caught:
        decompress(record(b"LZOX", body, 0), name=b"/f")
    assert caught.value.text.startswith(b"LZO uncompression error on file /f. ERR=")


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_block_may_not_expand_beyond_the_limit(algorithm: Algorithm) -> None:
    made = Compressor(algorithm, 6).compress(bytes(100_000))
    assert decompress(made, 100_000) == bytes(100_000)
    with pytest.raises(FileProblem):
        decompress(made, 99_999)


def test_bare_zlib_streams_of_old_releases_are_read() -> None:
    assert decompress(zlib.compress(TEXT), gzip=True) == TEXT
    assert inflate(zlib.compress(b"x") + b"tail", 10) == b"x"
    with pytest.raises(FileProblem):
        decompress(b"rubbish", gzip=True)


@given(st.binary(max_size=400), st.integers(0, 2000))
def test_rubbish_never_breaks_the_fastlz_decoder(body: bytes, size: int) -> None:
    with suppress(ValueError):
        assert len(fastlz.decode(body, size)) == size


@pytest.mark.parametrize(
    ("stream", "plain"),
    [
        ("00 61", b"a"),
        ("02 616263 20 02", b"abcabc"),
        ("00 61 e0 ff 00", b"a" * 265),
        ("20 61 e0 ff 00 00", b"a" * 265),
        ("20 61 e0 ff 01 00", b"a" * 266),
    ],
)
def test_fastlz_streams_of_both_levels(stream: str, plain: bytes) -> None:
    assert fastlz.decode(bytes.fromhex(stream), len(plain)) == plain


def test_a_fastlz_match_beyond_the_block_takes_no_memory() -> None:
    stream = b"\x20A\xe0" + b"\xff" * 100_000 + b"\0\0"
    tracemalloc.start()
    with pytest.raises(ValueError, match="wrong plain size"):
        fastlz.decode(stream, 10)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_a_far_fastlz_match_of_level_two() -> None:
    literals = bytes(range(32)) * 300
    stream = b"".join(b"\x1f" + literals[at : at + 32] for at in range(0, len(literals), 32))
    far = bytes((1 << 5 | 31, 255)) + (9000 - 8192).to_bytes(2, "big")
    expected = literals + literals[-9000:][:3]
    assert fastlz.decode(bytes((1 << 5 | stream[0],)) + stream[1:] + far, len(expected)) == expected

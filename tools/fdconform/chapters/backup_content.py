"""Chapter 5, sections 4 to 6: content and its blocks, sparse files, digests, compression."""

import hashlib
import random
from collections.abc import Callable
from typing import Final

import xxhash

from fdconform.case import Case
from fdconform.decoding import packed
from fdconform.plays import backed_up
from fdconform.stage import Check, Stage
from fdconform.stored import (
    StoredFile,
    has_blocks,
    has_content,
    has_fields,
    has_record,
    has_streams,
    of_file,
)
from fdconform.trees import File
from fdconform.verdicts import Verdict
from fdconform.work import EndJob

type Hash = Callable[[bytes], bytes]

BLOCK: Final = 262144
SPARSE: Final = BLOCK - 8
_BLOCKS: Final = "04 §3.1; core/src/filed/backup.cc: send_data"
_HOLES: Final = (
    "04 §3.3; core/src/filed/backup.cc: SendDataToSd (with workers C++ daemons lose a last block of zeros)"
)
_DIGESTS: Final = "04 §4.1; core/src/filed/backup.cc: SetupEncryptionDigests"
_PACKED: Final = "04 §3.5; core/src/lib/compression.cc"


def letters(size: int, seed: int = 1) -> bytes:
    """Text that compresses somewhat, never zero."""
    words = [b"%08x " % random.Random(seed).getrandbits(32) for _ in range(64)]
    choose = random.Random(seed + 1)
    out = bytearray()
    while len(out) < size:
        out += b"".join(choose.choices(words, k=256))
    return bytes(out[:size])


def noise(size: int, seed: int = 1) -> bytes:
    """Bytes that do not compress."""
    return random.Random(seed).randbytes(size)


def _cut(size: int, block: int = BLOCK) -> tuple[tuple[int, int], ...]:
    return tuple((at, min(block, size - at)) for at in range(0, size, block))


def _sized(number: int, size: int) -> Case:
    content = letters(size, number)
    return backed_up(
        f"5.4.{number}",
        f"a file of {size} bytes",
        "Every data message but the last holds as much as the buffer (262144 bytes by default).",
        _BLOCKS,
        (File(b"a", content),),
        has_content(b"a", content),
        has_blocks(b"a", 2, *_cut(size)),
        has_record(b"a", 3, hashlib.md5(content).digest()),
        end=EndJob("T", errors=0, read_bytes=size, job_bytes=size),
    )


_SIZES: Final = (
    *(
        _sized(number, size)
        for number, size in enumerate(
            (1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK - 1, 2 * BLOCK, 2 * BLOCK + 1, 5_000_000), 1
        )
    ),
    backed_up(
        "5.4.9",
        "a file of several blocks, without workers",
        "The stream does not depend on how many threads read.",
        "04 §3.2",
        (File(b"a", letters(3 * BLOCK + 7)),),
        has_content(b"a", letters(3 * BLOCK + 7)),
        has_blocks(b"a", 2, *_cut(3 * BLOCK + 7)),
        profile="serial",
    ),
    backed_up(
        "5.4.10",
        "a smaller network buffer",
        "Maximum Network Buffer Size is the size of a data message.",
        _BLOCKS,
        (File(b"a", letters(200_000)),),
        has_blocks(b"a", 2, *_cut(200_000, 65536)),
        has_content(b"a", letters(200_000)),
        profile="small-buffer",
    ),
)

_A: Final = letters(SPARSE, 5)
_Z: Final = bytes(SPARSE)
_TAIL: Final = b"tail!"


def _holes(
    number: int,
    title: str,
    content: bytes,
    *blocks: tuple[int, int],
    profile: str = "plain",
    skipped: bool = True,
) -> Case:
    """`blocks`: what must be sent; other zero blocks may be. The digest is that of what was sent."""

    def look(file: StoredFile, stage: Stage) -> str | None:
        if file.data is None:
            return "no data" if blocks else None
        if file.data[0] != 6:
            return f"stream {file.data[0]}"
        sent = [(int.from_bytes(message[:8], "big"), message[8:]) for message in file.data[1]]
        for at, size in blocks:
            if (at, content[at : at + size]) not in sent:
                return f"the block of {size} bytes at {at} was not sent"
        for at, block in sent:
            if content[at : at + len(block)] != block:
                return f"what was sent for {at} is not in the file there"
        if skipped and len(sent) != len(blocks):
            return f"{len(sent)} blocks were sent, not {len(blocks)}"
        digest = hashlib.md5(b"".join(block for _, block in sent)).digest()
        return None if file.stream(3) == digest else "the digest is not that of the blocks sent"

    return backed_up(
        f"5.5.{number}",
        title,
        "Full blocks of zeros are left out, the last block never; blocks carry their address.",
        _HOLES,
        (File(b"a", content),),
        of_file(b"a", look),
        has_content(b"a", content),
        options=b"Ms",
        profile=profile,
    )


_SPARSE: Final = (
    _holes(1, "sparse without zeros", _A + _TAIL, (0, SPARSE), (SPARSE, 5)),
    _holes(2, "a hole in the middle", _A + _Z + _Z + _TAIL, (0, SPARSE), (3 * SPARSE, 5)),
    _holes(3, "a hole at the start", _Z + _TAIL, (SPARSE, 5)),
    _holes(4, "zeros at the end, in part of a block", _A + bytes(1000), (0, SPARSE), (SPARSE, 1000)),
    _holes(5, "one block of zeros", _Z, (0, SPARSE)),
    _holes(6, "two blocks of zeros", _Z + _Z, (SPARSE, SPARSE), skipped=False),
    _holes(7, "zeros at the end, a full block", _A + _A + _A + _Z, (3 * SPARSE, SPARSE), skipped=False),
    _holes(8, "nothing but zeros", _Z * 3, (2 * SPARSE, SPARSE), skipped=False),
    _holes(
        9, "a hole, without workers", _A + _Z + _Z + _A, (0, SPARSE), (3 * SPARSE, SPARSE), profile="serial"
    ),
    _holes(10, "a small file with sparse", b"\0\0\0tiny", (0, 7)),
    backed_up(
        "5.5.11",
        "a hole on the disk",
        "A file that ends in a hole is restored in full size.",
        _HOLES,
        (File(b"a", b"start", holes=3_000_000),),
        has_content(b"a", b"start" + bytes(3_000_000 - 5)),
        has_fields(b"a", size=3_000_000, stream=6),
        options=b"Ms",
    ),
    backed_up(
        "5.5.12",
        "sparse and compressed",
        "With sparse and compression a message is address, header and compressed block.",
        "04 §1.6, 3.5",
        (File(b"a", _A + _Z + _TAIL),),
        has_content(b"a", _A + _Z + _TAIL),
        has_blocks(b"a", 30, (0, SPARSE), (2 * SPARSE, 5)),
        has_fields(b"a", stream=30),
        options=b"MsZ6",
    ),
    backed_up(
        "5.5.13",
        "sparse and LZ4",
        "With sparse and compression a message is address, header and compressed block.",
        "04 §1.6, 3.5",
        (File(b"a", _Z + _A + _Z + _TAIL),),
        has_content(b"a", _Z + _A + _Z + _TAIL),
        has_fields(b"a", stream=30),
        options=b"MsZf4",
    ),
)


def _hashlib(name: str) -> Hash:
    return lambda data: hashlib.new(name, data).digest()


_HASHES: Final[tuple[tuple[bytes, int, str, Hash], ...]] = (
    (b"M", 3, "MD5", _hashlib("md5")),
    (b"S", 10, "SHA1 (S)", _hashlib("sha1")),
    (b"S1", 10, "SHA1 (S1)", _hashlib("sha1")),
    (b"S2", 17, "SHA256", _hashlib("sha256")),
    (b"S3", 18, "SHA512", _hashlib("sha512")),
    (b"S4", 40, "XXH128", xxhash.xxh3_128_digest),
)
_HASHED: Final = (
    *(
        backed_up(
            f"5.6.{number}",
            name,
            f"Option {option.decode()} gives a digest in stream {stream}, over the plain bytes.",
            _DIGESTS,
            (File(b"a", b"hello"), File(b"b", letters(700_000)), File(b"e")),
            has_record(b"a", stream, digest(b"hello")),
            has_record(b"b", stream, digest(letters(700_000))),
            has_record(b"e", stream, digest(b"")),
            has_streams(b""),
            options=option,
        )
        for number, (option, stream, name, digest) in enumerate(_HASHES, 1)
    ),
    backed_up(
        "5.6.7",
        "two signatures",
        "Of several digests the first of MD5, SHA1, SHA256, SHA512, XXH128 is sent.",
        _DIGESTS,
        (File(b"a", b"hello"),),
        has_streams(b"a", 2, 10),
        options=b"S4S2S1",
    ),
    backed_up(
        "5.6.8",
        "digest of compressed content",
        "The digest is that of the plain bytes.",
        _DIGESTS,
        (File(b"a", letters(100_000)),),
        has_record(b"a", 17, hashlib.sha256(letters(100_000)).digest()),
        options=b"S2Z9",
    ),
)

_SAMPLES: Final = (
    (b"text", letters(300_000)),
    (b"noise", noise(300_000)),
    (b"tiny", b"hello"),
    (b"64", b"q" * 64),
    (b"65", b"q" * 65),
    (b"exact", letters(BLOCK)),
)


def _headed(name: bytes, magic: bytes, level: int, content: bytes) -> Check:
    """Magic, level and plain bytes of every block."""

    def look(file: StoredFile, stage: Stage) -> str | None:
        if file.data is None or file.data[0] != 29:
            return "no compressed data"
        for at, message in enumerate(file.data[1]):
            got, found, plain = packed(message)
            if magic == b"FZFZ" and got == b"FZ4L":
                if name == b"text" and not at:
                    stage.note(Verdict.NON_STRICT, "LZ4 in the place of LZFAST")
            elif (got, found) != (magic, level):
                return f"magic {got!r} level {found}, not {magic!r} level {level}"
            if len(plain) > BLOCK or plain != content[at * BLOCK : (at + 1) * BLOCK]:
                return f"message {at} is not block {at}"
        return None

    return of_file(name, look)


def _compressed(number: int, option: bytes, title: str, magic: bytes, level: int) -> Case:
    return backed_up(
        f"5.7.{number}",
        title,
        f"Option {option.decode()} compresses every block on its own behind a header with {magic.decode()}.",
        _PACKED,
        tuple(File(name, content) for name, content in _SAMPLES),
        *(has_content(name, content) for name, content in _SAMPLES),
        *(_headed(name, magic, level, content) for name, content in _SAMPLES),
        has_fields(b"text", stream=29),
        options=b"M" + option,
    )


_COMPRESSED: Final = (
    *(_compressed(level, b"Z%d" % level, f"GZIP{level}", b"GZIP", level) for level in range(1, 10)),
    _compressed(10, b"Zo", "LZO", b"LZOX", 0),
    _compressed(11, b"Zff", "LZFAST", b"FZFZ", 1),
    _compressed(12, b"Zf4", "LZ4", b"FZ4L", 1),
    _compressed(13, b"Zfh", "LZ4HC", b"FZ4H", 1),
    backed_up(
        "5.7.14",
        "an empty file with compression",
        "An empty file has no data stream; its data stream id is that of compressed data.",
        "04 §1.4, 1.6",
        (File(b"a"),),
        has_streams(b"a", 3),
        has_fields(b"a", stream=29),
        options=b"MZ6",
    ),
    backed_up(
        "5.7.15",
        "compressed size in JobBytes",
        "JobBytes counts what was sent, ReadBytes what was read.",
        "04 §3.2",
        (File(b"a", bytes(200_000)),),
        lambda stage: (
            None
            if stage.end and stage.end.job_bytes == sum(len(r.data) for r in stage.records if r.stream == 29)
            else f"JobBytes={stage.end and stage.end.job_bytes}"
        ),
        options=b"MZ6",
        end=EndJob("T", errors=0, read_bytes=200_000),
    ),
    backed_up(
        "5.7.16",
        "two compressions",
        "Of two compressions in a block the last letter counts.",
        "03 §1.8",
        (File(b"a", letters(5000)),),
        _headed(b"a", b"FZ4L", 1, letters(5000)),
        options=b"MZ6Zf4",
    ),
    backed_up(
        "5.7.17",
        "an unknown compression letter",
        "Z with an unknown letter means no compression.",
        "03 §1.8",
        (File(b"a", letters(5000)),),
        has_streams(b"a", 2, 3),
        options=b"ZqM",
    ),
    backed_up(
        "5.7.18",
        "compression without workers",
        "The stream does not depend on how many threads compress.",
        "04 §3.2",
        (File(b"a", letters(600_000)),),
        has_content(b"a", letters(600_000)),
        _headed(b"a", b"GZIP", 6, letters(600_000)),
        options=b"MZ6",
        profile="serial",
    ),
)

CASES: Final = (*_SIZES, *_SPARSE, *_HASHED, *_COMPRESSED)

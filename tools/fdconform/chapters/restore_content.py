"""Chapter 6, sections 3 and 4: content in every form, and other streams."""

import hashlib
import zlib
from typing import Final

import xxhash

from fdconform.case import Case
from fdconform.chapters.backup_content import letters
from fdconform.made import absent, holes_in, is_file, is_folder
from fdconform.making import Loose, Put, at, backup_read, folder, packed, plain, records
from fdconform.plays import NO_PROBLEMS, restored
from fdconform.stage import Check
from fdconform.work import EndJob, Said

_DATA: Final = "04 §8.4; core/src/filed/restore.cc: DoRestore"
_UNPACK: Final = "04 §3.6; core/src/filed/compression.cc: DecompressData"
_STREAMS: Final = "04 §1.5"
_TEXT: Final = letters(200_000, 3)
_HALF: Final = 100_000


def _holds(
    number: int,
    title: str,
    rule: str,
    content: bytes,
    *parts: tuple[int, bytes],
    stream: int,
    checks: tuple[Check, ...] = (),
) -> Case:
    """One file whose data comes in these records, and another one after it."""
    return restored(
        f"6.3.{number}",
        title,
        rule,
        _DATA,
        records(Put(b"/a", parts, size=len(content), stream=stream), plain(b"/b")),
        is_file(b"a", content),
        is_file(b"b"),
        *checks,
        end=EndJob(
            "T",
            files=2,
            errors=0,
            read_bytes=sum(len(data) for _, data in parts) + 5,
            job_bytes=None if stream in (6, 7, 11, 12, 30, 31) else len(content) + 5,
        ),
    )


_KINDS: Final = (b"GZIP", b"LZOX", b"FZFZ", b"FZ4L", b"FZ4H")
_HOLE: Final = b"start" + bytes(5_000_000 - 10) + b"tail!"
_NULLS: Final = bytes(300_000)

_CONTENT: Final = (
    _holds(
        1,
        "several records",
        "The records of a stream are joined.",
        _TEXT,
        (2, _TEXT[:7]),
        (2, _TEXT[7:]),
        stream=2,
    ),
    _holds(
        2,
        "a large record",
        "A record may have up to 999,996 bytes.",
        letters(999_996),
        (2, letters(999_996)),
        stream=2,
    ),
    _holds(
        3,
        "an empty record",
        "A record without bytes is nothing.",
        b"ab",
        (2, b"a"),
        (2, b""),
        (2, b"b"),
        stream=2,
    ),
    *(
        _holds(
            4 + place,
            f"compressed with {kind.decode()}",
            "Every record of stream 29 is one block behind a header that names the algorithm.",
            _TEXT,
            (29, packed(kind, _TEXT[:_HALF])),
            (29, packed(kind, _TEXT[_HALF:])),
            stream=29,
        )
        for place, kind in enumerate(_KINDS)
    ),
    _holds(
        9,
        "blocks of several algorithms",
        "The header of each block says how it is compressed.",
        b"hello" * 5,
        *((29, packed(kind, b"hello")) for kind in _KINDS),
        stream=29,
    ),
    _holds(
        10,
        "GZIP without header",
        "Records of stream 4 are bare zlib streams.",
        _TEXT,
        (4, zlib.compress(_TEXT)),
        stream=4,
    ),
    _holds(
        11,
        "sparse",
        "A record of stream 6 begins with its address; what is between is a hole.",
        _HOLE,
        (6, at(0, b"start")),
        (6, at(len(_HOLE) - 5, b"tail!")),
        stream=6,
        checks=(holes_in(b"a", 100_000),),
    ),
    _holds(
        12,
        "sparse and compressed",
        "A record of stream 30 is an address and a compressed block.",
        _HOLE,
        (30, at(0, packed(b"GZIP", b"start"))),
        (30, at(len(_HOLE) - 5, packed(b"FZ4L", b"tail!"))),
        stream=30,
        checks=(holes_in(b"a", 100_000),),
    ),
    _holds(
        13,
        "sparse GZIP without header",
        "A record of stream 7 is an address and a bare zlib stream.",
        _HOLE,
        (7, at(0, zlib.compress(b"start"))),
        (7, at(len(_HOLE) - 5, zlib.compress(b"tail!"))),
        stream=7,
    ),
    _holds(
        14,
        "sparse out of order",
        "Each address counts for itself.",
        b"onetwothree",
        (6, at(6, b"three")),
        (6, at(0, b"one")),
        (6, at(3, b"two")),
        stream=6,
    ),
    _holds(
        15,
        "a hole at the start",
        "What comes before the first address is a hole.",
        _NULLS + b"x",
        (6, at(300_000, b"x")),
        stream=6,
    ),
    _holds(
        16,
        "a small block that grows much",
        "A block may expand to more than the usual buffer.",
        bytes(900_000),
        (29, packed(b"GZIP", bytes(900_000))),
        stream=29,
    ),
    _holds(
        17,
        "Windows data",
        "Of BackupRead data only the content stream is written.",
        b"hello windows",
        (11, backup_read(b"hello windows")),
        stream=11,
    ),
    _holds(
        18,
        "Windows data over several records",
        "BackupRead headers and data may span records.",
        b"hello windows",
        *((11, backup_read(b"hello windows")[place : place + 9]) for place in range(0, 59, 9)),
        stream=11,
    ),
    _holds(
        19,
        "Windows data, GZIP without header",
        "Stream 12 is a bare zlib stream of BackupRead data.",
        b"hello windows",
        (12, zlib.compress(backup_read(b"hello windows"))),
        stream=12,
    ),
    _holds(
        20,
        "Windows data, compressed",
        "Stream 31 is compressed BackupRead data.",
        b"hello windows",
        (31, packed(b"GZIP", backup_read(b"hello windows"))),
        stream=31,
    ),
)


def _spoilt(number: int, title: str, block: bytes, said: bytes, *, stream: int = 29) -> Case:
    return restored(
        f"6.3.{number}",
        title,
        "A block that cannot be decoded is told of and counted, the rest of the file is left, the next is restored.",
        _UNPACK,
        records(Put(b"/a", ((stream, block), (stream, block)), size=10, stream=stream), plain(b"/b")),
        is_file(b"b"),
        said=(Said(said, type=4, times=1, strict=False),),
        end=EndJob("E", lenient="TW", errors=1),
    )


_GOOD: Final = packed(b"GZIP", b"hello")
_SPOILT: Final = (
    _spoilt(
        30, "a header of another version", packed(b"GZIP", b"hello", version=2), rb".*header version error.*"
    ),
    _spoilt(31, "a header with another size", packed(b"GZIP", b"hello", extra=3), rb".*header size error.*"),
    _spoilt(
        32,
        "an unknown algorithm",
        packed(b"WHAT", b"hello"),
        rb".*algorithm 0x\w+ found, but not supported.*",
    ),
    _spoilt(
        33,
        "damaged zlib data",
        _GOOD[:14] + b"\xff\xff\xff\xff\xff" + _GOOD[19:],
        rb".*Uncompression error on file.*",
    ),
    _spoilt(
        34,
        "damaged LZO data",
        b"LZOX\0\0\0\5\0\0\0\1\xff\xff\xff\xff\xff",
        rb".*LZO uncompression error on file.*",
    ),
    _spoilt(
        35,
        "damaged LZ4 data",
        packed(b"FZ4L", b"hello" * 100)[:28] + bytes(9) + packed(b"FZ4L", b"hello" * 100)[37:],
        rb".*Uncompression error on file.*",
    ),
)

_DIGESTS: Final = (
    (3, "MD5", hashlib.md5(b"hello").digest()),
    (10, "SHA1", hashlib.sha1(b"hello").digest()),
    (17, "SHA256", hashlib.sha256(b"hello").digest()),
    (18, "SHA512", hashlib.sha512(b"hello").digest()),
    (40, "XXH128", xxhash.xxh3_128_digest(b"hello")),
)


def _ignored(number: int, title: str, *parts: tuple[int, bytes]) -> Case:
    return restored(
        f"6.4.{number}",
        title,
        "These streams change nothing on Linux.",
        _STREAMS,
        records(Put(b"/a", ((2, b"hello"), *parts)), plain(b"/b")),
        is_file(b"a"),
        is_file(b"b"),
        said=NO_PROBLEMS,
        end=EndJob("T", files=2, errors=0),
    )


def _unknown(number: int, stream: int) -> Case:
    return restored(
        f"6.4.{number}",
        f"unknown stream {stream}",
        "An unknown stream is warned of, and ends the file before it in order.",
        _STREAMS,
        records(Put(b"/a", ((2, b"hello"), (stream, b"what"))), plain(b"/b")),
        is_file(b"a"),
        is_file(b"b"),
        said=(Said(rb".*Unknown stream=%d ignored\. This shouldn't happen!\n" % stream, type=5, times=1),),
        end=EndJob("W", files=2, errors=0),
    )


def _unsupported(number: int, stream: int) -> Case:
    return restored(
        f"6.4.{number}",
        f"a file whose content is in stream {stream}",
        "A file whose data stream cannot be restored here is left out, with one warning a job.",
        "04 §8.4; core/src/findlib/bfile.cc: IsRestoreStreamSupported",
        records(
            Put(b"/a", ((stream, b"what"),), stream=stream),
            Put(b"/a2", ((stream, b"what"),), stream=stream),
            plain(b"/b"),
        ),
        absent(b"a", b"a2"),
        is_file(b"b"),
        said=(Said(rb".*stream not supported on this Client\.\n", type=5, times=1, strict=False),),
        end=EndJob("W", files=1, errors=0),
    )


_STREAMED: Final = (
    *(
        restored(
            f"6.4.{number}",
            f"{name}, right and wrong",
            "A digest that is wrong may be warned of (the C++ daemon does not look); the file stays.",
            "04 §4.2",
            records(
                Put(b"/a", ((2, b"hello"), (stream, digest))), Put(b"/b", ((2, b"Hello"), (stream, digest)))
            ),
            is_file(b"a"),
            is_file(b"b", b"Hello"),
            said=(),
            end=EndJob("TW", files=2, errors=0),
        )
        for number, (stream, name, digest) in enumerate(_DIGESTS, 1)
    ),
    restored(
        "6.4.6",
        "digests that are right",
        "A right digest is not mentioned.",
        "04 §4.2",
        records(*(Put(b"/%d" % stream, ((2, b"hello"), (stream, digest))) for stream, _, digest in _DIGESTS)),
        *(is_file(b"%d" % stream) for stream, _, _ in _DIGESTS),
        end=EndJob("T", files=5, errors=0),
    ),
    _ignored(7, "program names", (8, b"name"), (9, b"data")),
    _ignored(8, "a restore object in the stream", (28, b"1 25 1 3 3 0 x\0obj\0abc\0")),
    _unknown(9, 500),
    _unknown(10, 999),
    _unknown(11, 27),
    restored(
        "6.4.12",
        "resource forks and Finder info",
        "Streams of macOS are counted and told of at the end, without a warning.",
        "04 §8.4",
        records(Put(b"/a", ((2, b"hello"), (13, b"fork"), (13, b"more"), (14, bytes(32)))), plain(b"/b")),
        is_file(b"a"),
        is_file(b"b"),
        said=(
            Said(rb".*\d+ non-supported resource fork streams ignored\.\n", type=6, times=1, strict=False),
            Said(rb".*\d+ non-supported Finder Info streams ignored\.\n", type=6, times=1, strict=False),
        ),
        end=EndJob("T", lenient="W", files=2, errors=0),
    ),
    _unsupported(13, 13),
    _unsupported(14, 200),
    restored(
        "6.4.15",
        "content of a directory",
        "Data records of what has no content are ignored.",
        _DATA,
        records(Put(b"/d/", ((2, b"what"),), type=5, mode=0o40755), plain(b"/b")),
        is_folder(b"d"),
        is_file(b"b"),
        end=EndJob("T", files=2, errors=0),
    ),
    restored(
        "6.4.16",
        "an upper bit in the stream",
        "Of a stream number only the lower eleven bits count.",
        "04 §1.3",
        records(Put(b"/a", ((2 | 1 << 28, b"hello"),), size=5), Loose(1, 3, bytes(16)), folder(b"/d")),
        is_file(b"a"),
        said=(),
        end=EndJob("TW", files=2, errors=0),
    ),
    restored(
        "6.4.17",
        "a plugin's files without the plugin",
        "Without the plugin its name records are passed over or warned of, its files are files.",
        "04 §7.1",
        records(
            Put(b"/b"),
            Loose(2, 26, b"2 1 1 python:module_name=none\0"),
            Put(b"/a", ((2, b"hello"), (26, b"2 0"))),
        ),
        is_file(b"a"),
        said=(),
        end=EndJob("TW", files=2, errors=0),
    ),
)

CASES: Final = (*_CONTENT, *_SPOILT, *_STREAMED)

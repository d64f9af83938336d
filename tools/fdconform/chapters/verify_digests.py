"""Chapter 7, sections 4 and 5: digests, and files that cannot be read."""

from typing import Final

from fdconform.chapters.backup_content import letters
from fdconform.chapters.backup_failures import SYSFS, UNREADABLE, fails
from fdconform.dialogue import lines
from fdconform.moves import Requires
from fdconform.plays import verified
from fdconform.trees import File, Link
from fdconform.verifying import (
    HASHES,
    digest_is,
    tells,
)
from fdconform.work import EndJob, Said

_DIGESTS: Final = "05 §6; core/src/filed/verify.cc: ReadDigest"
_FAILURES: Final = "05 §8"
BLOCK: Final = 262144


def _grid(content: bytes) -> bytes:
    """What a sparse digest is over: full blocks of zeros are left out, the last block never."""
    blocks = [content[at : at + BLOCK] for at in range(0, len(content), BLOCK)]
    return b"".join(one for one in blocks[:-1] if len(one) < BLOCK or one.strip(b"\0")) + blocks[-1]


_HOLES: Final = bytes(BLOCK) + letters(1000) + bytes(BLOCK * 2) + b"tail"

_DIGESTED: Final = (
    *(
        verified(
            f"7.4.{number}",
            HASHES[stream][0].decode(),
            "The digest comes behind the attributes in base64 without padding, for empty files too.",
            _DIGESTS,
            (File(b"a", b"hello"), File(b"e"), File(b"big", letters(700_000)), Link(b"l", b"a")),
            digest_is(b"a", stream, b"hello"),
            digest_is(b"e", stream, b""),
            digest_is(b"big", stream, letters(700_000)),
            digest_is(b"l", stream, None),
            digest_is(b"{tree}/", stream, None),
            options=option,
            end=EndJob("T", files=5, errors=0, read_bytes=700_005, job_bytes=700_005),
        )
        for number, (stream, option) in enumerate(
            ((3, b"M"), (10, b"S1"), (17, b"S2"), (18, b"S3"), (40, b"S4"), (10, b"S")), 1
        )
    ),
    verified(
        "7.4.7",
        "no digest option",
        "Without a digest option no file is read.",
        _DIGESTS,
        (File(b"a", b"hello"),),
        digest_is(b"a", 3, None),
        options=b"Vpin5:",
        end=EndJob("T", files=2, errors=0, read_bytes=0, job_bytes=0),
    ),
    verified(
        "7.4.8",
        "two digest options",
        "Of several digests the first of MD5, SHA1, SHA256, SHA512, XXH128 is told.",
        _DIGESTS,
        (File(b"a", b"hello"),),
        digest_is(b"a", 10, b"hello"),
        options=b"S4S2S1",
    ),
    verified(
        "7.4.9",
        "compression",
        "Digests are over the plain content, whatever else the options ask for.",
        _DIGESTS,
        (File(b"a", letters(300_000)),),
        digest_is(b"a", 17, letters(300_000)),
        options=b"S2Z6AX",
    ),
    verified(
        "7.4.10",
        "sparse",
        "With sparse full blocks of zeros are left out of the digest and of the figures.",
        "05 §6.4",
        (File(b"a", _HOLES),),
        digest_is(b"a", 3, _grid(_HOLES)),
        options=b"Ms",
        end=EndJob("T", files=2, errors=0, read_bytes=len(_grid(_HOLES)), job_bytes=len(_grid(_HOLES))),
    ),
    verified(
        "7.4.11",
        "a hole without sparse",
        "Without sparse every byte counts.",
        "05 §6.4",
        (File(b"a", _HOLES),),
        digest_is(b"a", 3, _HOLES),
    ),
)

_FAILED: Final = (
    verified(
        "7.5.1",
        "a name that is not there",
        "A name of the file set that is not there is told of in a message and counted.",
        _FAILURES,
        (File(b"a", b"x"),),
        tells(b"a"),
        rows=lines(b"M", b"{tree}/none", b"{tree}/a"),
        said=(Said(rb".*     Could not stat {tree}/none: ERR=No such file or directory\n", type=8, times=1),),
        end=EndJob("T", files=1, errors=1),
    ),
    verified(
        "7.5.2",
        "a file that cannot be opened",
        "A file that cannot be opened has attributes and no digest, and counts twice.",
        _FAILURES,
        (File(b"a", b"x"),),
        tells(SYSFS.encode(), b"a"),
        digest_is(SYSFS.encode(), 3, None),
        rows=lines(b"M", SYSFS.encode(), b"{tree}/a"),
        before=(Requires(lambda: fails(SYSFS, at_open=True), f"{SYSFS}, which cannot be opened"),),
        said=(Said(rb".*     Cannot open %b: ERR=Permission denied\.\n" % SYSFS.encode(), type=4, times=1),),
        end=EndJob("T", files=2, errors=2),
        root=True,
    ),
    verified(
        "7.5.3",
        "a file that cannot be read",
        "A read error is a message and counts twice.",
        _FAILURES,
        (File(b"a", b"x"),),
        tells(UNREADABLE.encode(), b"a"),
        rows=lines(b"M", UNREADABLE.encode(), b"{tree}/a"),
        before=(Requires(lambda: fails(UNREADABLE, at_open=False), f"{UNREADABLE}, which cannot be read"),),
        said=(Said(rb".*Error reading file %b: ERR=.*" % UNREADABLE.encode(), type=4, times=1),),
        end=EndJob("T", files=2, errors=2),
    ),
    verified(
        "7.5.4",
        "nothing but names that are not there",
        "A verify in which nothing could be told of ends with its errors counted.",
        _FAILURES,
        (),
        tells(),
        rows=lines(b"M", b"{tree}/none", b"{tree}/no/where"),
        said=(Said(rb".*Could not stat .*", type=8, times=2),),
        end=EndJob("T", files=0, errors=2),
    ),
)

CASES: Final = (*_DIGESTED, *_FAILED)

"""Chapter 7, section 6: the verify level that looks at the records of a Storage daemon."""

import base64
import hashlib
from typing import Final

from fdconform.case import Case
from fdconform.chapters.restore_broken import raw
from fdconform.dialogue import fileset, introduce, lines
from fdconform.making import Loose, Put, folder, hard_link, plain, records, symlink
from fdconform.plays import FILES
from fdconform.stage import Check
from fdconform.talk import Alive, Hear, Login, Say
from fdconform.verifying import (
    HASHES,
    HearFiles,
    better,
    counted,
    digest_is,
    link_is,
    options_are,
    raw_is,
    tells,
)
from fdconform.work import Announce, Checked, EndJob, Records, Said
from fdpeers.faults import Act, Fault, Step

_RECORDS: Final = "05 §9.3; core/src/filed/verify_vol.cc: DoVerifyVolume"
_ERRORS: Final = "05 §9.4; core/src/filed/verify_vol.cc: DoVerifyVolume"


def _volume(
    number: int,
    title: str,
    rule: str,
    make: Records,
    *checks: Check,
    source: str = _RECORDS,
    said: tuple[Said, ...] = (),
    end: EndJob | None = None,
    faults: tuple[Fault, ...] = (),
    hostile: bool = False,
) -> Case:
    return Case(
        id=f"7.6.{number}",
        title=title,
        rule=rule,
        source=source,
        needs=FILES,
        hostile=hostile,
        play=(
            Announce(restore=make, faults=faults),
            Login("tls"),
            *introduce(),
            *fileset(lines(b"M")),
            Say(b"storage address={sd_host} port={sd_port} ssl=4 Authorization=\n"),
            Hear(b"2000 OK storage\n"),
            Say(b"verify level=volume\n"),
            Hear(b"2000 OK verify\n"),
            HearFiles(),
            EndJob("T", errors=0) if end is None else end,
            *said,
            Checked(checks),
            Alive(),
        ),
    )


_STAT: Final = b"P4A gAB IGk B A A A F BAA I BlU/EA BlU/EA BlU/EA A A C"


def _exact(index: int, type: int, name: bytes, link: bytes = b"") -> Put:
    return Put(b"", record=b"%d %d %b\0%b\0%b\0\0000\0" % (index, type, name, _STAT, link), index=index)


_MD5: Final = hashlib.md5(b"hello").digest()
_MD5_TEXT: Final = base64.b64encode(_MD5).rstrip(b"=")
_OBJECT: Final = b"2 25 1 3 3 0 python:x\0obj\0abc\0"

_GOOD: Final = (
    _volume(
        1,
        "a file with its digest",
        "Name and stat pass as they are on the volume, the options are pinsug5.",
        records(Put(b"", ((2, b"hello"), (3, _MD5)), record=b"1 3 /a b\0%b\0\0\0000\0" % _STAT)),
        raw_is(b"1 1 pinsug5 /a b\0%b\0\0" % _STAT, b"1 3 %b *MD5-1*" % _MD5_TEXT),
        end=EndJob("T", files=1, errors=0, read_bytes=0, job_bytes=0),
    ),
    _volume(
        2,
        "every type",
        "Links have their link field, others none.",
        records(
            plain(b"/a"), folder(b"/d"), symlink(b"/l", b"some where"), hard_link(b"/h", b"/a"), plain(b"/z")
        ),
        tells(b"/a", b"/d/", b"/l", b"/h", b"/z"),
        options_are(b"pinsug5"),
        link_is(b"/l", b"some where"),
        link_is(b"/h", b"/a"),
        link_is(b"/a", b""),
        link_is(b"/d/", b""),
        end=EndJob("T", files=5, errors=0),
    ),
    *(
        _volume(
            3 + place,
            f"digests of {HASHES[stream][0].decode()}",
            "A digest record is told in base64 without padding.",
            records(Put(b"/a", ((2, b"hello"), (stream, HASHES[stream][1](b"hello")))), plain(b"/b")),
            digest_is(b"/a", stream, b"hello"),
            digest_is(b"/b", stream, None),
        )
        for place, stream in enumerate(HASHES)
    ),
    _volume(
        8,
        "other streams",
        "Data, ACLs, extended attributes, session data and signatures are passed over.",
        records(
            Put(
                b"/a",
                ((22, b"s"), (20, bytes(16)), (1008, b"acl\0"), (1998, b"x"), (19, b"sig"), (777, b"?")),
            )
        ),
        tells(b"/a"),
        digest_is(b"/a", 3, None),
        end=EndJob("T", files=1, errors=0, read_bytes=0),
    ),
    _volume(
        9,
        "an index of its own",
        "The index is a count of the records, not the FileIndex of the volume.",
        records(Put(b"/a", index=7), Put(b"/b", ((3, _MD5),), index=90)),
        counted,
        tells(b"/a", b"/b"),
        end=EndJob("T", files=2, errors=0),
    ),
    _volume(
        10,
        "a restore object",
        "A restore object counts; its packet has the name of the file before it.",
        records(_exact(1, 3, b"/a"), Loose(2, 28, _OBJECT), _exact(3, 3, b"/b")),
        raw_is(
            b"1 1 pinsug5 /a\0%b\0\0" % _STAT,
            b"2 28 ReStOrEObJeCt /a\0\0\0",
            b"3 1 pinsug5 /b\0%b\0\0" % _STAT,
        ),
        end=EndJob("T", files=3, errors=0),
    ),
    _volume(
        11,
        "a deleted file",
        "A record of type 23 has index 0 and counts.",
        records(_exact(1, 3, b"/a"), _exact(2, 23, b"/gone"), _exact(3, 3, b"/b")),
        raw_is(
            b"1 1 pinsug5 /a\0%b\0\0" % _STAT,
            b"0 1 pinsug5 /gone\0%b\0\0" % _STAT,
            b"3 1 pinsug5 /b\0%b\0\0" % _STAT,
        ),
        end=EndJob("T", files=3, errors=0),
    ),
    _volume(
        12,
        "Windows attributes",
        "Attributes of stream 5 are told as those of stream 1.",
        records(Put(b"", record=b"1 3 /a\0%b\0\0A A A A A A\0000\0" % _STAT, attributes=5)),
        raw_is(b"1 1 pinsug5 /a\0%b\0\0" % _STAT),
        end=EndJob("T", files=1, errors=0),
    ),
    _volume(
        13,
        "no records",
        "Without records EOD comes at once.",
        records(),
        tells(),
        end=EndJob("T", files=0, errors=0),
    ),
    _volume(
        14,
        "several hundred files",
        "JobFiles counts the records told.",
        records(*(Put(b"/f%d" % n, ((2, b"x"), (3, _MD5))) for n in range(300))),
        digest_is(b"/f299", 3, b"hello"),
        end=EndJob("T", files=300, errors=0),
    ),
    _volume(
        15,
        "names that are bytes",
        "Names pass byte for byte.",
        records(plain(b"/caf\xe9 x\n"), plain(b"/" + b"n" * 300)),
        tells(b"/caf\xe9 x\n", b"/" + b"n" * 300),
    ),
    _volume(
        16,
        "heartbeats of the Storage daemon",
        "Heartbeats between packets are nothing.",
        raw(-6, b"rechdr {session_id} {session_time} 1 3 16", -6, _MD5, -7),
        tells(b"/good"),
        digest_is(b"/good", 3, b"hello"),
        source="05 §9.2",
    ),
)


def _broken(number: int, title: str, make: Records, said: bytes) -> Case:
    return _volume(
        number,
        title,
        "A record that is broken ends the job with a fatal message; EOD still comes.",
        make,
        tells(b"/good"),
        source=_ERRORS,
        said=(Said(said, type=3, strict=False),),
        end=EndJob("f", files=1),
    )


_BAD: Final = (
    _broken(20, "a header that is none", raw(b"no header", b"x"), rb".*Record header scan error: .*"),
    _broken(
        21,
        "data of another length",
        raw(b"rechdr {session_id} {session_time} 1 2 99", b"hello"),
        rb".*Actual data size 5 not same as header 99\n",
    ),
    _broken(
        22,
        "a signal where data is due",
        raw(b"rechdr {session_id} {session_time} 1 2 5", -1),
        rb".*Data record error\. ERR=.*",
    ),
    _volume(
        23,
        "attributes that are none",
        "Attributes that cannot be read end the job, and nothing from memory is told.",
        records(plain(b"/good"), Put(b"", record=b"1 3 /cut")),
        better("told of what is not in the record", tells(b"/good")),
        source=_ERRORS,
        end=EndJob("f", lenient="T"),
        hostile=True,
    ),
    _volume(
        24,
        "a digest that is too short",
        "A digest shorter than its kind ends the job, and nothing from memory is told.",
        records(plain(b"/good"), Loose(1, 17, b"short")),
        better("told a digest that is not in the record", digest_is(b"/good", 17, None)),
        source=_ERRORS,
        end=EndJob("f", lenient="T"),
        hostile=True,
    ),
    _volume(
        25,
        "the Storage daemon hangs up",
        "The end of the connection before EOD is an error, or (as the C++ daemon takes it) the end of the data.",
        records(*(plain(b"/f%d" % n) for n in range(50))),
        source=_ERRORS,
        faults=(Fault(Step.RECORDS, Act.CLOSE, after=40),),
        end=EndJob("fE", lenient="T"),
    ),
    Case(
        id="7.6.26",
        title="the Storage daemon refuses to read",
        rule="If the Storage daemon does not open the session the job fails.",
        source="05 §9.2",
        needs=FILES,
        play=(
            Announce(
                restore=records(),
                faults=(Fault(Step.READ_OPEN, Act.REPLY, b"3900 Open session command error\n"),),
            ),
            Login("tls"),
            *introduce(),
            *fileset(lines(b"M")),
            Say(b"storage address={sd_host} port={sd_port} ssl=4 Authorization=\n"),
            Hear(b"2000 OK storage\n"),
            Say(b"verify level=volume\n"),
            Hear(b"2000 OK verify\n"),
            EndJob("fE"),
        ),
    ),
)

CASES: Final = (*_GOOD, *_BAD)

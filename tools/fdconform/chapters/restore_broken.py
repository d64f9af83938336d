"""Chapter 6, section 9: broken records."""

import hashlib
from typing import Final

from fdconform.case import Case
from fdconform.dialogue import introduce, storage
from fdconform.made import absent, is_file
from fdconform.making import Loose, Put, at, header, plain, records, wire
from fdconform.plays import FILES, broken
from fdconform.stage import Check, Stage
from fdconform.talk import Alive, Hear, Login, Say
from fdconform.work import Announce, Checked, EndJob, Records
from fdpeers.faults import Act, Fault
from fdpeers.faults import Step as SdStep

_HEADERS: Final = "04 §1.3; core/src/filed/restore.cc: DoRestore"


def raw(*after: bytes | int) -> Records:
    """A good file, then wire data; the EOD comes from the Storage daemon."""

    def make(stage: Stage) -> bytes:
        put = records(plain(b"/good"))(stage)
        assert not isinstance(put, bytes)
        pieces: list[bytes | int] = []
        for record in put:
            pieces += [header(stage, record.file_index, record.stream, len(record.data)), record.data]
        return wire(*pieces, *(stage.fill(piece) if isinstance(piece, bytes) else piece for piece in after))

    return make


_BROKEN: Final = (
    broken(
        "6.9.1",
        "a header that is none",
        "A header that cannot be read ends the job.",
        _HEADERS,
        raw(b"this is no header", b"data"),
        rb".*Record header scan error: .*",
    ),
    broken(
        "6.9.2",
        "more data than announced",
        "Data longer than its header says ends the job.",
        _HEADERS,
        raw(b"rechdr {session_id} {session_time} 1 2 3", b"hello"),
        rb".*Actual data size 5 not same as header 3\n",
    ),
    broken(
        "6.9.3",
        "less data than announced",
        "Data shorter than its header says ends the job.",
        _HEADERS,
        raw(b"rechdr {session_id} {session_time} 1 2 300", b"hello"),
        rb".*Actual data size 5 not same as header 300\n",
    ),
    broken(
        "6.9.4",
        "a signal where data is due",
        "A signal in the place of data ends the job.",
        _HEADERS,
        raw(b"rechdr {session_id} {session_time} 1 2 5", -1),
        rb".*Data record error\. ERR=.*",
    ),
    broken(
        "6.9.5",
        "data of a file that never came",
        "Data with a FileIndex other than that of the last attributes ends the job.",
        _HEADERS,
        records(plain(b"/good"), Loose(2, 2, b"hello")),
        rb".*Expected to write data to stream 2 of file 2, but this file was never created\..*",
        is_file(b"good", mode=None, mtime=None),
    ),
    broken(
        "6.9.6",
        "a digest of a file that never came",
        "Any record but attributes with a FileIndex other than the last ends the job.",
        _HEADERS,
        records(plain(b"/good"), Loose(5, 3, bytes(16))),
        rb".*Expected to write data to stream 3 of file 5, but this file was never created\..*",
    ),
    broken(
        "6.9.8",
        "data first",
        "Data before any attributes ends the job.",
        _HEADERS,
        records(Loose(1, 2, b"hello")),
        rb".*Expected to write data to stream 2 of file 1, but this file was never created\..*",
    ),
)


def _ended(
    number: int,
    title: str,
    rule: str,
    source: str,
    make: Records,
    *checks: Check,
    status: str,
    lenient: str = "",
    hostile: bool = False,
) -> Case:
    """A restore after which only the end of the job is certain."""
    return Case(
        id=f"6.9.{number}",
        title=title,
        rule=rule,
        source=source,
        needs=FILES,
        hostile=hostile,
        play=(
            Announce(restore=make),
            Login("tls"),
            *introduce(),
            *storage(key=True),
            Say(b"restore replace=a prelinks=0 where={where}\n"),
            Hear(b"2000 OK restore\n"),
            Hear(b"2000 OK storage end\n", within=25),
            Say(b"endrestore"),
            EndJob(status, lenient=lenient),
            Checked(checks),
            Alive(),
        ),
    )


_SHORT: Final = (
    _ended(
        7,
        "attributes that are none",
        "Attributes that do not begin with two numbers end the job.",
        "04 §2.4",
        records(plain(b"/good"), Put(b"", record=b"what\0is\0this\0")),
        status="f",
        lenient="ETW",
        hostile=True,
    ),
    _ended(
        9,
        "attributes cut short",
        "A record without stat is not restored with what lies in memory: the job ends, or the file is an error.",
        "04 §9",
        records(plain(b"/good"), Put(b"", record=b"2 3 /cut\0")),
        is_file(b"good", mode=None, mtime=None),
        status="fE",
        lenient="TW",
        hostile=True,
    ),
    _ended(
        10,
        "a sparse record without its address",
        "A sparse record shorter than eight bytes is an error of the file.",
        "04 §9",
        records(Put(b"/a", ((6, b"abc"),), size=5, stream=6), plain(b"/good")),
        status="Ef",
        lenient="TW",
    ),
    _ended(
        11,
        "a compressed record without its header",
        "A compressed record shorter than twelve bytes is an error of the file.",
        "04 §9",
        records(Put(b"/a", ((29, b"GZIP"),), size=5, stream=29), plain(b"/good")),
        is_file(b"good"),
        status="Ef",
        lenient="TW",
    ),
    _ended(
        12,
        "a sparse address beyond all files",
        "An address near the end of the number range is an error of the file.",
        "04 §9",
        records(Put(b"/a", ((6, at(2**63 - 2, b"hello")),), size=5, stream=6), plain(b"/good")),
        is_file(b"good"),
        status="Ef",
        lenient="TW",
    ),
    _ended(
        13,
        "heartbeats between records",
        "Heartbeats of the Storage daemon are nothing.",
        _HEADERS,
        raw(-6, -7, b"rechdr {session_id} {session_time} 1 3 16", -6, hashlib.md5(b"hello").digest(), -6),
        is_file(b"good"),
        status="T",
        lenient="W",
    ),
    Case(
        id="6.9.14",
        title="the Storage daemon hangs up between records",
        rule="The end of the connection before EOD is an error, or (as the C++ daemon takes it) the end of the data.",
        source="02 §5.4; 04 §1.3",
        needs=FILES,
        play=(
            Announce(
                restore=records(*(plain(b"/f%d" % n) for n in range(50))),
                faults=(Fault(SdStep.RECORDS, Act.CLOSE, after=40),),
            ),
            Login("tls"),
            *introduce(),
            *storage(key=True),
            Say(b"restore replace=a prelinks=0 where={where}\n"),
            Hear(b"2000 OK restore\n"),
            Hear(b"2000 OK storage end\n", within=25),
            Say(b"endrestore"),
            EndJob("fE", lenient="TW"),
            Checked((is_file(b"f2"), absent(b"f40"))),
        ),
    ),
    Case(
        id="6.9.15",
        title="the Storage daemon resets the connection",
        rule="A reset before EOD is an error, or (as the C++ daemon takes it) the end of the data.",
        source="02 §5.4; 04 §1.3",
        needs=FILES,
        play=(
            Announce(
                restore=records(*(plain(b"/f%d" % n) for n in range(50))),
                faults=(Fault(SdStep.RECORDS, Act.RESET, after=40),),
            ),
            Login("tls"),
            *introduce(),
            *storage(key=True),
            Say(b"restore replace=a prelinks=0 where={where}\n"),
            Hear(b"2000 OK restore\n"),
            Hear(b"2000 OK storage end\n", within=25),
            Say(b"endrestore"),
            EndJob("fE", lenient="TW"),
            Checked((absent(b"f40"),)),
        ),
    ),
)


CASES: Final = (*_BROKEN, *_SHORT)

"""What a File daemon said in a session, in a form that two daemons on two machines can share.

Masked is only what the machine or the moment decides, and what `ACCEPTED` names with a reason.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from itertools import groupby

from fdaemon.codec.compress import HEADER, Algorithm, decompress
from fdaemon.fs.extended import pack_pairs, unpack_pairs
from fdaemon.wire.attributes import AttributeRecord, FileType, decode_attributes
from fdaemon.wire.framing import Signal
from fdaemon.wire.stat import decode_stat
from fdaemon.wire.streams import Stream
from tests.support.replay import WHOLE
from tests.support.saved import Payload, SavedFile, from_session, payload_of
from tests.support.sessions import OTHERS, RELEASE, Packet, Session, Signalled
from tests.support.tree import EPOCH

type Said = bytes | int | tuple[object, ...]

MASKS: tuple[tuple[bytes, bytes], ...] = (
    (rb"^(auth cram-md5) <\d+\.\d+@", rb"\1 <*@"),
    (rb"^(Jmsg Job=\S+ type=\d+ level=)\d+ ", rb"\1* "),
    (rb"([Ee]rror: )\w+/\w+\.cc:\d+ ", rb"\1"),
    (rb"\d\d-[A-Z][a-z]{2}-\d\d \d\d:\d\d", b"DATE"),
    (rb"^([-dlfcbsp][-rwxsStT]{9}.*) \d{4}-\d\d-\d\d \d\d:\d\d:\d\d  ", rb"\1 DATE  "),
    (rb"^(d[-rwxsStT]{9} +\d+ \S+ +\S+) +\d+ ", rb"\1 SIZE "),
)
"""Challenges, message times, source lines, dates, and in estimates the ctime of files and the size of directories."""


OWNERS: tuple[tuple[bytes, bytes], ...] = (
    (rb"^([-dlfcbsp][-rwxsStT]{9} +\d+) \S+ +\S+ +(?=\d|SIZE)", rb"\1 OWNER "),
)
"""Masked where the tree cannot belong to root."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A difference that is meant: in `sessions` (file name pattern) of `releases`, `pattern` becomes `replacement`
    on both sides; a packet of which nothing is left is dropped.
    """

    sessions: str
    pattern: bytes
    replacement: bytes
    reason: str
    releases: tuple[str, ...] = (RELEASE, *OTHERS)


ACCEPTED: tuple[Accepted, ...] = (
    Accepted(
        "backup-*gz*",
        rb"JobBytes=\d+",
        b"JobBytes=*",
        "another deflate encoder packs as it packs (docs/encoders.md)",
    ),
    Accepted("backup-rules", rb"JobBytes=\d+", b"JobBytes=*", "the same"),
    Accepted(
        "backup-lzfast", rb"JobBytes=\d+", b"JobBytes=*", "LZ4 is written for FastLZ (docs/encoders.md)"
    ),
    Accepted("backup-lzo", rb"JobBytes=\d+", b"JobBytes=*", "LZO has an optional second library"),
    Accepted("*", rb"(self-compiled|fdaemon) binary", b"*", "we say who we are"),
    Accepted(
        "cancel",
        rb"(ReadBytes|JobBytes)=\d+",
        rb"\1=*",
        "we count bytes as they are read, the C++ daemon when a file is over",
    ),
    Accepted("cancel", rb"(Bytes|Bytes/sec)=[\d,]+", rb"\1=*", "the same, while the job runs"),
    Accepted("cancel", rb"(SDReadSeqNo=\d+ fd)=\d+", rb"\1=*", "numbers of descriptors are the system's"),
    Accepted(
        "cancel",
        rb"^Jmsg .*: Error: Socket is terminated=1 on call to Storage daemon:[\d.:]+\n$",
        b"",
        "no errors about a connection that we broke off ourselves (protocol/02 section 2.9)",
    ),
    Accepted(
        "auth-wrong-password",
        rb"^Unable to authenticate Director bareos-dir\.\n$",
        b"",
        "the recording ends before this text: the Director hung up at the one before (protocol/01 section 6.5)",
    ),
    Accepted(
        "auth-wrong-password",
        rb"rejected by [\d.]*\.\n",
        b"rejected by *.\n",
        "played in memory, where nobody has an address, so that no test waits for the pauses",
    ),
    Accepted(
        "hangup",
        rb"(TermCode=73) JobFiles=\d+ ReadBytes=\d+ JobBytes=\d+",
        rb"\1",
        "it ends at another file; we count what has left, the C++ daemon also the file before which it ends",
    ),
    Accepted(
        "*",
        rb"\b2\d\.\d+\.\d+(?:~\w+)? \((\d\d \w+ \d{4}|\d\d\w{3}\d\d)\) +",
        b"RELEASE ",
        "we are the release that we are",
        OTHERS,
    ),
    Accepted(
        "*",
        rb"^Jmsg .* Version: RELEASE .*\n$",
        b"",
        "a message of the job's log that came with release 24",
        ("22", "23"),
    ),
    Accepted(
        "backup-sparse",
        rb"ReadBytes=\d+",
        b"ReadBytes=*",
        "release 22 did not count the zeros as read that it left out",
        ("22",),
    ),
    Accepted(
        "*", rb'^(Hello Start Job .*) Version="26.*"', rb"\1", "release 26 takes the old hello", ("26",)
    ),
)

LATE = re.compile(rb"Jmsg Job=\S+ type=6 level=\* \S+ JobId \d+: File skipped\. ")
"""Messages that the C++ daemon queues until after its End Job line; ours go out at once, which a Director cannot
mind (protocol/01 section 9.3). They are compared in their order, at the end.
"""
ONE_FAREWELL = ("restore-*", "verify-volume")
"""Sessions in which the C++ daemon says TERMINATE to the Storage daemon a second time, at its end, when that one has
closed already (protocol/02 section 4.1). We say it once.
"""


def control(session: Session, connection: int) -> list[Said]:
    """What the File daemon said to the Director on one connection."""
    found = [_masked(session, event) for event in session.traffic(connection, "fd")]
    late = [item for item in found if isinstance(item, bytes) and LATE.match(item)]
    said: list[Said] = [item for item in found if item != b"" and item not in late]
    said += late
    if any(isinstance(item, bytes) and _VERIFIED.match(item) for item in said):
        return _verified(said)
    return [
        item for walked, items in groupby(said, _walked) for item in (_sorted(items) if walked else items)
    ]


def _masked(session: Session, event: Packet | Signalled) -> bytes | int:
    if isinstance(event, Signalled):
        return event.number
    assert event.payload is not None
    text = event.payload
    for pattern, replacement in MASKS if os.geteuid() == 0 else MASKS + OWNERS:
        text = re.sub(pattern, replacement, text, flags=re.DOTALL)
    for accepted in ACCEPTED:
        if session.release in accepted.releases and fnmatch(session.name, accepted.sessions):
            text = re.sub(accepted.pattern, accepted.replacement, text, flags=re.DOTALL)
    return text


_WALKED = re.compile(rb"(Jmsg Job=\S+ type=9 |[-dlfcbsp][-rwxsStT]{9} )")


def _walked(item: Said) -> bool:
    """True for what is said of one file after the other in the order of the directories on disk."""
    return isinstance(item, bytes) and _WALKED.match(item) is not None


def _sorted(items: Iterator[Said]) -> list[Said]:
    return sorted(items, key=repr)


_VERIFIED = re.compile(
    rb"(\d+) (\d+) ([^\0]*)\0([^\0]*)\0([^\0]*)\0|(\d+) (\d+) (\S+) \*(\w+)-(\d+)\*", re.DOTALL
)


def _verified(said: list[Said]) -> list[Said]:
    """The verify exchange, file by file in the order of names instead of indices."""
    head: list[Said] = []
    files: list[list[Said]] = []
    tail: list[Said] = []
    for item in said:
        match = _VERIFIED.fullmatch(item) if isinstance(item, bytes) else None
        if match is None:
            (tail if files else head).append(item)
        elif match[1]:
            assert int(match[1]) == len(files) + 1
            options, _, name = match[3].partition(b" ")
            files.append(
                [(name, options, int(match[2]), *_stat(match[4], directory=name.endswith(b"/")), match[5])]
            )
        else:
            assert int(match[6]) == int(match[10]) == len(files)
            files[-1].append((int(match[7]), match[8], match[9]))
    return [*head, *(tuple(file) for file in sorted(files, key=repr)), *tail]


def _stat(encoded: bytes, *, directory: bool) -> tuple[object, ...]:
    """The fields of a stat record that the machine does not decide. Times after the tree was made are "changed"."""
    stat = decode_stat(encoded)
    owner = (stat.uid, stat.gid) if os.geteuid() == 0 else ()
    size = None if directory else stat.size
    mtime = stat.mtime if stat.mtime == EPOCH else "changed"
    return (
        oct(stat.mode),
        stat.nlink,
        stat.rdev,
        size,
        mtime,
        stat.flags,
        stat.stream,
        stat.link_index,
        *owner,
    )


def storage(session: Session, connection: int, *, appends: bool) -> list[Said]:
    """What the File daemon said to the Storage daemon around the files of a backup, or in all of a restore."""
    said: list[Said] = [
        _masked(session, event) for event in session.traffic(connection, "fd") if _small(event)
    ]
    if not appends:
        if any(fnmatch(session.name, name) for name in ONE_FAREWELL) and said[-2:] == [
            Signal.TERMINATE,
            Signal.TERMINATE,
        ]:
            said.pop()
        return said
    start = next(at for at, item in enumerate(said) if str(item).startswith("b'append data")) + 1
    end = next(at for at in range(start, len(said)) if said[at - 1 : at + 1] == [-1, -1]) + 1
    return [*said[:start], *said[end - 2 :]]


@dataclass(frozen=True, slots=True)
class CutOff:
    """What went to the Storage daemon before a job was canceled: conversation and headers, attributes without the
    machine's fields, and the sizes of whole data packets.
    """

    head: list[Said]
    attributes: tuple[object, ...]
    rest: list[int]


def cut_off(session: Session, connection: int) -> CutOff:
    """A backup of one big file, broken off inside it."""
    traffic = session.traffic(connection, "fd")
    big = next(at for at, event in enumerate(traffic) if isinstance(event, Packet) and event.size > WHOLE)
    at = next(at for at in range(big) if str(_masked(session, traffic[at])).startswith("b'1 1 0")) + 1
    record = traffic[at]
    assert isinstance(record, Packet)
    assert record.payload is not None
    head = [_masked(session, event) for event in (*traffic[:at], *traffic[at + 1 : big])]
    sizes = [event.size if isinstance(event, Packet) else event.number for event in traffic[big:]]
    return CutOff([*head], attributes(decode_attributes(record.payload)), sizes)


def _small(event: Packet | Signalled) -> bool:
    return isinstance(event, Signalled) or event.payload is not None


def saved_files(session: Session) -> dict[bytes, SavedFile]:
    """The files of a backup by name; of a name that was saved twice, each."""
    found: dict[bytes, list[SavedFile]] = {}
    for file in from_session(session):
        file.streams = [
            (number, [_in_order(number, record) for record in records]) for number, records in file.streams
        ]
        found.setdefault(file.attributes.name, []).append(file)
    return {name + b"#%d" % at: file for name, some in found.items() for at, file in enumerate(some)}


def _in_order(stream: int, record: Payload) -> Payload:
    """Extended attributes come in the order of the file system, here in that of their names."""
    if stream != Stream.XATTR_LINUX or record.data is None:
        return record
    return payload_of(pack_pairs(sorted(unpack_pairs(record.data))))


def linked(found: dict[bytes, SavedFile]) -> set[bytes]:
    """The names of inodes with several, in a backup that tracks them: the walk finds one of them first."""
    if not any(file.attributes.type == FileType.LNKSAVED for file in found.values()):
        return set()
    return {
        name
        for name, file in found.items()
        if file.attributes.type != FileType.DIREND and decode_stat(file.attributes.stat).nlink > 1
    }


def attributes(record: AttributeRecord) -> tuple[object, ...]:
    """Of an attributes record what the machine does not decide."""
    directory = record.type == FileType.DIREND
    return (
        record.type,
        _stat(record.stat, directory=directory),
        record.link,
        record.extended,
        record.delta_seq,
    )


def files(found: dict[bytes, SavedFile]) -> dict[bytes, tuple[object, ...]]:
    """All files but the `linked` ones, their streams in order, block by block."""
    left_out = linked(found)
    return {
        name: (attributes(file.attributes), file.streams)
        for name, file in found.items()
        if name not in left_out
    }


SECRET = (Stream.ENCRYPTED_SESSION_DATA, Stream.ENCRYPTED_FILE_DATA, Stream.SIGNED_DIGEST)
"""Streams that depend on the keys and on chance; keys of one kind make records of one size."""


def sealed(found: dict[bytes, SavedFile]) -> dict[bytes, tuple[object, ...]]:
    """All files of an encrypted backup, what is secret by its sizes."""
    return {
        name: (
            attributes(file.attributes),
            [
                (number, [record.size for record in records] if number in SECRET else records)
                for number, records in file.streams
            ],
        )
        for name, file in found.items()
    }


def links(found: dict[bytes, SavedFile]) -> tuple[object, ...]:
    """The inodes with several names: which name the walk finds first is the directory's affair, the rest is not."""
    names = {name: found[name] for name in sorted(linked(found))}
    first = [file for file in names.values() if file.attributes.type != FileType.LNKSAVED]
    indices = {file.attributes.name: file.attributes.file_index for file in first}
    stats = [
        (name, replace(decode_stat(file.attributes.stat), link_index=0).encode())
        for name, file in names.items()
    ]
    later = [file for file in names.values() if file.attributes.type == FileType.LNKSAVED]
    return (
        [(name, _stat(encoded, directory=False)) for name, encoded in stats],
        [(file.attributes.type, file.attributes.link, _expanded(file)) for file in first],
        [
            (
                decode_stat(file.attributes.stat).link_index - indices[file.attributes.link],
                file.attributes.file_index > indices[file.attributes.link],
                file.streams,
            )
            for file in later
        ],
    )


PACKED = (Stream.COMPRESSED_DATA, Stream.SPARSE_COMPRESSED_DATA)
WRITTEN_FOR = {Algorithm.LZFAST.value: Algorithm.LZ4.value}
"""Where FastLZ is asked for we write LZ4 (docs/encoders.md)."""


def unpacked(
    found: dict[bytes, SavedFile], recording: dict[bytes, SavedFile]
) -> dict[bytes, tuple[object, ...]]:
    """All files but the `linked` ones; of compressed records address, header and content.

    Where the recording has a record's digest only, its content is unknown on both sides.
    """
    result: dict[bytes, tuple[object, ...]] = {}
    for name in found.keys() - linked(found):
        file = found[name]
        streams: list[tuple[int, list[object]]] = []
        known = iter(recording[name].streams) if name in recording else iter(())
        for number, records in file.streams:
            _, theirs = next(known, (0, []))
            packed = number in PACKED and len(theirs) == len(records)
            streams.append(
                (number, [_expand(number, *pair) for pair in zip(records, theirs, strict=True)])
                if packed
                else (number, [*records])
            )
        result[name] = (attributes(file.attributes), streams)
    return result


def _expanded(file: SavedFile) -> list[tuple[int, list[object]]]:
    """The streams of a file, of compressed records address, header and content."""
    return [
        (number, [_expand(number, each, each) if number in PACKED else each for each in records])
        for number, records in file.streams
    ]


def _expand(stream: int, record: Payload, recorded: Payload) -> object:
    if recorded.data is None or record.data is None:
        return "compressed"
    size = 8 if stream == Stream.SPARSE_COMPRESSED_DATA else 0
    magic, _, level, version = HEADER.unpack_from(record.data, size)
    return (record.data[:size], WRITTEN_FOR.get(magic, magic), level, version, decompress(record.data[size:]))

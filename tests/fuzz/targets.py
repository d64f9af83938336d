"""The fuzz targets: a function for any bytes, the only exceptions it may raise, and inputs that make sense.

Whatever else a target raises is a finding. None of them touches the disk.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

from fdaemon.codec import pki
from fdaemon.codec.compress import Algorithm, Compressor, decompress
from fdaemon.codec.encrypt import cipher_of_name
from fdaemon.errors import FileProblem, RemoteProtocolError
from fdaemon.fileset.parse import FileSetBuilder
from fdaemon.fs import acl
from fdaemon.fs.extended import pack_pairs, unpack_pairs
from fdaemon.jobs.restore_decode import Decoder
from fdaemon.jobs.restore_names import WhereError, parse_regexwhere
from fdaemon.protocol.dispatch import parse_command
from fdaemon.protocol.hello import cleartext_hello, parse_hello
from fdaemon.protocol.records import RecordReader
from fdaemon.wire.attributes import FileType, decode_attributes, encode_attributes
from fdaemon.wire.framing import EOD, PacketReader, frame
from fdaemon.wire.headers import parse_record_header, parse_stream_header, record_header, stream_header
from fdaemon.wire.restored import decode_restored
from fdaemon.wire.stat import StatRecord, decode_stat
from fdaemon.wire.streams import Stream
from fdpeers.errors import VolumeError
from fdpeers.labels import (
    Label,
    SessionLabel,
    SessionTotals,
    VolumeLabel,
    pack_session_label,
    pack_volume_label,
    unpack_session_label,
    unpack_volume_label,
)
from fdpeers.volume_reader import read_records
from fdpeers.volume_writer import VolumeWriter
from tests.support.keys import pair_pem

type Errors = tuple[type[Exception], ...]


@dataclass(frozen=True, slots=True)
class Target:
    """`run` any bytes; `expected` are no findings. `seeds` gives inputs to change."""

    run: Callable[[bytes], object]
    expected: Errors
    seeds: Callable[[], list[bytes]]

    def __call__(self, data: bytes) -> None:
        """Try it. Raises only what is a finding."""
        try:
            self.run(data)
        except self.expected as error:
            str(error)


def _packets(data: bytes) -> None:
    """In two pieces, cut where the first byte says."""
    reader = PacketReader()
    reader.receive_data(data[: data[0] if data else 0])
    reader.receive_data(data[data[0] if data else 0 :])
    while reader.next_packet() is not None:
        pass


def _records(data: bytes) -> None:
    reader = RecordReader()
    for start in range(0, len(data), 50):
        for _, _, content in reader.feed(data[start : start + 50]):
            len(content)
    if reader.error is not None:
        raise reader.error


def _record_seeds() -> list[bytes]:
    stat = _stat().encode()
    attributes = encode_attributes(1, FileType.REG, b"/etc/passwd", stat)
    record = frame(record_header(1, 2, 1, 1, len(attributes))) + frame(attributes)
    content = frame(record_header(1, 2, 1, 2, 5)) + frame(b"hello")
    return [record + content + EOD, EOD, frame(b"poll") + content]


def _stat() -> StatRecord:
    return StatRecord(mode=0o100644, size=77, mtime=1_700_000_000, uid=1000, rdev=-1, stream=2)


def _attribute_seeds() -> list[bytes]:
    stat = _stat().encode()
    link = encode_attributes(4, FileType.LNKSAVED, b"/b", stat, b"/a", delta_seq=3)
    return [encode_attributes(1, FileType.REG, b"/etc/passwd", stat), link]


def _acl_text(data: bytes) -> None:
    acl.from_text(data, lambda name: 5 if name == b"ann" else None, lambda name: 6)


def _acl_value(data: bytes) -> None:
    acl.from_text(acl.to_text(data, lambda ident: None, lambda ident: b"a b"), lambda name: 5, lambda name: 6)


_ACL = b"user::rwx\nuser:ann:r--\t#effective:r--\nuser:1234:rw-\ngroup::r-x\nmask::r-x\nother::---\n"


def _acl_values() -> list[bytes]:
    return [acl.from_text(_ACL, lambda name: 5, lambda name: 6), acl.from_text(b"u::r,g::r,o::-", int, int)]


def _acl_texts() -> list[bytes]:
    return [_ACL, b"u::7 g::5,o::0", b"user:" + b"9" * 5000 + b":r", b"user:\\134\\040x:rwx"]


def _compressed() -> list[bytes]:
    block = b"all work and no play " * 50 + bytes(range(256))
    return [Compressor(algorithm, 1).compress(block) for algorithm in Algorithm]


def _gzip_only(data: bytes) -> None:
    decompress(data, gzip=True)


@cache
def _keys() -> tuple[pki.KeyPair, pki.Seal]:
    pair = pki.load_key_pair(pair_pem("fuzz"))
    return pair, pki.Seal(pair, (), cipher_of_name("aes128"))


def _session(data: bytes) -> None:
    pki.Keys(_keys()[0]).open_session(data)()


def _signature(data: bytes) -> None:
    pki.Keys(_keys()[0]).check_signature(data, bytes(32), b"/name")


def _sealed(stream: int, data: bytes) -> None:
    pair, seal = _keys()
    decoder = Decoder(stream, b"/name", pki.Keys(pair).open_session(seal.session_data))
    for start in range(0, len(data), 100):
        list(decoder.blocks(data[start : start + 100]))
    list(decoder.finish())


def _cipher_texts() -> list[bytes]:
    _, seal = _keys()
    found: list[bytes] = []
    for block in (b"hello", b"x" * 300, Compressor(Algorithm.LZ4).compress(bytes(1000))):
        encryptor = seal.new_encryptor()
        target = bytearray(encryptor.room(len(block)))
        size = encryptor.seal_into(block, memoryview(target))
        found.append(bytes(target[:size]) + encryptor.finish())
    return found


def _windows(data: bytes) -> None:
    decoder = Decoder(Stream.WIN32_DATA, b"/name")
    for start in range(0, len(data), 7):
        for _, block in decoder.blocks(data[start : start + 7]):
            decoder.content(block)


def _sparse(data: bytes) -> None:
    list(Decoder(Stream.SPARSE_COMPRESSED_DATA, b"/name").blocks(data))


def _explodes(data: bytes) -> bool:
    """True for what may be a regular expression that the C library needs gigabytes for, such as `a++++++++++++++++`.

    They come from the authenticated Director, and the C++ daemon compiles them with the same library.
    """
    return sum(map(data.count, (b"+", b"*", b"?", b"{", b"("))) > 8


def _regexwhere(data: bytes) -> None:
    if not _explodes(data):
        parse_regexwhere(data)


def _fileset(data: bytes) -> None:
    if _explodes(data):
        return
    builder = FileSetBuilder()
    for line in data.split(b"\n"):
        builder.add(line)
    builder.finish()


def _volume(data: bytes) -> None:
    with open(os.memfd_create("volume"), "r+b") as file:  # noqa: PTH123
        file.write(data)
        file.flush()
        for record in read_records(file):
            len(record.data)


_LABEL = VolumeLabel(b"Vol-1", 1_700_000_000_000_000, 1_700_000_000_000_001, b"host")
_SESSION = SessionLabel(7, 1_700_000_000_000_000, b"bak.2026-11-23_05.00.00_07", b"bak", b"client", b"fs")


def _volumes() -> list[bytes]:
    out = bytearray()
    writer = VolumeWriter(out.extend, session_id=3, session_time=9, block_size=1024)
    writer.volume_label(_LABEL)
    writer.begin(_SESSION)
    writer.record(1, 1, b"attributes")
    writer.record(1, 2, bytes(3000))
    writer.end(_SESSION)
    return [bytes(out)]


def _session_label(data: bytes) -> None:
    unpack_session_label(data, Label.SESSION_START)


def _session_end(data: bytes) -> None:
    unpack_session_label(data, Label.SESSION_END)


def _session_ends() -> list[bytes]:
    totals = SessionTotals(2, 3000, 200, 4000, 0, "T")
    return [pack_session_label(replace(_SESSION, totals=totals))]


_COMMANDS = [
    b"JobId=7 Job=bak.2026-11-23_05.00.00_07 SDid=1 SDtime=1700000000 Authorization=AAAA-BBBB\0",
    b"level = since_utime 1700000000 mtime_only=0 prev_job=x",
    b"storage address=10.0.0.1 port=9103 ssl=4 Job=x Authentication=y",
    b"restore files=3 replace=a prelinks=0 regexwhere=!a!b!",
    b"restore replace=w prelinks=1 where=/tmp/x",
    b"Run OnSuccess=1 OnFailure=0 AbortOnError=1 When=2 Command=/bin/true",
    b"setdebug=100 trace=0 hangup=0 timestamp=1",
    b"restoreobject JobId=1 2,3,4,5,6,7,x",
    b"accurate files=12",
    b".status running",
    b"setbandwidth=100 Job=x",
]
_HELLOS = [b"Hello Director bareos-dir calling\n", b"Hello Client x FdProtocolVersion=54 calling\n"]
_FILESET = b"I\nO pin5f:M:Z6:J1fV:ipnC:\nW *.o\nRF \\.tmp$\nX ext4\nN\nF /etc\nF |ls /\nE\nF /proc\nN\n"


def _lines() -> list[bytes]:
    return [_FILESET, b"E\nF /a\nN", b"I\nO Z9C:mcs:\nBOK\nG plugin\nF /\nN\n"]


def _headers(data: bytes) -> None:
    for parse in (parse_stream_header, parse_record_header):
        try:
            parse(data)
        except RemoteProtocolError:
            continue


def _hello(data: bytes) -> None:
    cleartext_hello(data)
    parse_hello(data)


_WIRE: Errors = (RemoteProtocolError,)
_FILE: Errors = (FileProblem,)

TARGETS: dict[str, Target] = {
    "packets": Target(_packets, _WIRE, lambda: [frame(b"hello") + EOD, frame(bytes(100))]),
    "records": Target(_records, _WIRE, _record_seeds),
    "headers": Target(_headers, (), lambda: [stream_header(1, 2), record_header(1, 2, 3, 4, 5)]),
    "hello": Target(
        _hello,
        _WIRE,
        lambda: [b"Hello Director bareos-dir calling\n", b"Hello Client x FdProtocolVersion=54 calling\n"],
    ),
    "commands": Target(parse_command, _WIRE, lambda: _COMMANDS),
    "fileset": Target(_fileset, (), _lines),
    "regexwhere": Target(_regexwhere, (WhereError,), lambda: [b"!a!b!i,/x/y/g", b"!([^/])$!$1.old!"]),
    "stat": Target(decode_stat, _WIRE, lambda: [_stat().encode()]),
    "attributes": Target(decode_attributes, _WIRE, _attribute_seeds),
    "restored": Target(decode_restored, _WIRE, _attribute_seeds),
    "acl-text": Target(_acl_text, (acl.AclError,), _acl_texts),
    "acl-value": Target(_acl_value, (acl.AclError,), _acl_values),
    "xattrs": Target(unpack_pairs, _WIRE, lambda: [pack_pairs([(b"user.a", b"1"), (b"user.b", b"")])]),
    "compressed": Target(decompress, _FILE, _compressed),
    "gzip": Target(_gzip_only, _FILE, lambda: [block[12:] for block in _compressed()[:1]]),
    "sparse": Target(_sparse, _FILE, lambda: [bytes(8) + block for block in _compressed()]),
    "session": Target(_session, (FileProblem, ValueError), lambda: [_keys()[1].session_data]),
    "signature": Target(_signature, _FILE, lambda: [_keys()[1].sign(bytes(32))]),
    "sealed": Target(lambda data: _sealed(Stream.ENCRYPTED_FILE_DATA, data), _FILE, _cipher_texts),
    "sealed-compressed": Target(
        lambda data: _sealed(Stream.ENCRYPTED_FILE_COMPRESSED_DATA, data), _FILE, _cipher_texts
    ),
    "windows": Target(_windows, _FILE, lambda: [bytes([1, *[0] * 7, 9, *[0] * 11]) + b"content!!"]),
    "volume": Target(_volume, (VolumeError,), _volumes),
    "volume-label": Target(unpack_volume_label, (VolumeError,), lambda: [pack_volume_label(_LABEL)]),
    "session-label": Target(_session_label, (VolumeError,), lambda: [pack_session_label(_SESSION)]),
    "session-end": Target(_session_end, (VolumeError,), _session_ends),
}

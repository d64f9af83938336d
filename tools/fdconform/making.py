"""Records for restores, made without the daemon's own code."""

import os
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from lz4 import block as lz4_block  # type: ignore[import-untyped]
from lzallright import LZOCompressor

from fdconform import pki_keys
from fdconform.decoding import STAT_FIELDS
from fdconform.moves import encoded
from fdconform.sealing import CIPHERS, encode_session, sealed, sign
from fdconform.stage import Stage
from fdconform.trees import TIME
from fdconform.work import Records
from fdpeers.sinks import StoredRecord

type Parts = Sequence[tuple[int, bytes]] | Callable[[Stage], Sequence[tuple[int, bytes]]]
"""Stream and data of the records that follow the attributes."""

REGULAR: Final = 0o100644
FOLDER: Final = 0o40755


@dataclass(frozen=True, slots=True)
class Put:
    """One file of a restore. `{name}` in `name` and `link` is filled in; `size` None is that of the plain stream 2.
    `index` None counts on; `told` is the index in the attributes if it is another; `fields` override the stat record;
    `record` takes the place of the whole record."""

    name: bytes
    parts: Parts = ()
    type: int = 3
    mode: int = REGULAR
    link: bytes = b""
    size: int | None = None
    stream: int = 2
    fields: tuple[tuple[str, int], ...] = ()
    index: int | None = None
    told: int | None = None
    attributes: int = 1
    record: bytes | None = None


@dataclass(frozen=True, slots=True)
class Loose:
    """One record with an index of its own."""

    index: int
    stream: int
    data: bytes


def plain(name: bytes, content: bytes = b"hello", mode: int = REGULAR, **more: int) -> Put:
    """A file in one uncompressed record."""
    return Put(name, ((2, content),), mode=mode, fields=tuple(more.items()))


def folder(name: bytes, mode: int = FOLDER, **more: int) -> Put:
    """A directory; `name` without the slash."""
    return Put(name + b"/", type=5, mode=mode, fields=(("nlink", 2), *more.items()))


def symlink(name: bytes, target: bytes) -> Put:
    """A symbolic link."""
    return Put(name, type=4, mode=0o120777, link=target)


def hard_link(name: bytes, first: bytes) -> Put:
    """Another name of a file."""
    return Put(name, type=1, link=first, fields=(("link_index", 1), ("nlink", 2)))


def records(*puts: Put | Loose, start: int = 1) -> Records:
    """All records in order, indexes from `start`."""

    def make(stage: Stage) -> list[StoredRecord]:
        made: list[StoredRecord] = []
        index = start - 1
        for put in puts:
            if isinstance(put, Loose):
                made.append(StoredRecord(put.index, put.stream, put.data))
                continue
            index = index + 1 if put.index is None else put.index
            parts = put.parts(stage) if callable(put.parts) else put.parts
            made.append(StoredRecord(index, put.attributes, _attributes(put, index, parts, stage)))
            made += [StoredRecord(index, stream, data) for stream, data in parts]
        return made

    return make


def _attributes(put: Put, index: int, parts: Sequence[tuple[int, bytes]], stage: Stage) -> bytes:
    if put.record is not None:
        return stage.fill(put.record)
    size = put.size
    if size is None:
        size = sum(len(data) for stream, data in parts if stream == 2)
    fields = dict.fromkeys(STAT_FIELDS, 0) | {
        "dev": 65024,
        "ino": 1000 + index,
        "mode": put.mode,
        "nlink": 1,
        "uid": os.getuid(),
        "gid": os.getgid(),
        "size": size,
        "blksize": 4096,
        "blocks": 8,
        "atime": TIME,
        "mtime": TIME,
        "ctime": TIME,
        "stream": put.stream,
    }
    fields |= dict(put.fields)
    stat = b" ".join(encoded(value) for value in fields.values())
    name, link = stage.fill(put.name), stage.fill(put.link)
    told = index if put.told is None else put.told
    return b"%d %d %b\0%b\0%b\0\0000\0" % (told, put.type, name, stat, link)


def wire(*pieces: bytes | int) -> bytes:
    """Packets and signals as they go over the wire."""
    return b"".join(
        struct.pack(">i", piece) if isinstance(piece, int) else struct.pack(">i", len(piece)) + piece
        for piece in pieces
    )


def header(stage: Stage, index: int, stream: int, size: int) -> bytes:
    """The header packet of a record."""
    names = stage.names
    return b"rechdr %b %b %d %d %d" % (names["session_id"], names["session_time"], index, stream, size)


def packed(kind: bytes, content: bytes, *, level: int = 1, version: int = 1, extra: int = 0) -> bytes:
    """A compressed block with its header; `extra` is added to the size it claims."""
    match kind:
        case b"GZIP":
            level, data = 6, zlib.compress(content, 6)
        case b"LZOX":
            level, data = 0, bytes(LZOCompressor().compress(content))
        case b"FZ4L":
            data = _container(0xC8, content, lz4_block.compress(content, store_size=False))
        case b"FZ4H":
            data = _container(
                0xC8, content, lz4_block.compress(content, mode="high_compression", store_size=False)
            )
        case b"FZFZ":
            runs = [content[at : at + 32] for at in range(0, len(content), 32)]
            data = _container(0xC8, content, b"".join(bytes([len(run) - 1]) + run for run in runs))
        case _:
            data = _container(0x18, content, content)
    return struct.pack(">4sIHH", kind, len(data) + extra, level, version) + data


def _container(kind: int, content: bytes, body: bytes) -> bytes:
    head = b"FastLZ\0" + bytes([kind]) + struct.pack("<II", len(body), len(content))
    return head + body + b"FastLZ\0\xc8" + bytes(8)


def at(address: int, block: bytes) -> bytes:
    """A sparse block."""
    return address.to_bytes(8, "big") + block


def xattr_record(*pairs: tuple[bytes, bytes]) -> bytes:
    """Extended attributes as one record."""
    return b"".join(
        struct.pack(">II", 0x005C5884, len(name)) + name + struct.pack(">I", len(value)) + value
        for name, value in pairs
    )


def backup_read(content: bytes) -> bytes:
    """Windows data: a security stream to be skipped, then the content."""
    other = struct.pack("<IIQI", 3, 2, 6, 0) + b"secret"
    return other + struct.pack("<IIQI", 1, 0, len(content), 0) + content


@dataclass(frozen=True, slots=True)
class SealedParts:
    """Session data, encrypted content, signature. `to` are the recipients; `blocks` None is the content in one;
    `signed` None leaves the signature out, other bytes are what is signed instead of the content."""

    content: bytes
    cipher: str = "aes128"
    to: tuple[str, ...] = ("client",)
    blocks: tuple[bytes, ...] | None = None
    stream: int = 20
    signer: str = "client"
    signed: bytes | None = b"\0same"
    sessions: int = 1
    cut: int = 0

    def __call__(self, stage: Stage) -> Sequence[tuple[int, bytes]]:
        kind = CIPHERS[self.cipher]
        key, iv = bytes(range(1, kind.key_size + 1)), bytes(range(kind.block))
        session = encode_session(self.cipher, key, iv, [pki_keys.of(stage, name) for name in self.to])
        messages = sealed(self.cipher, key, iv, (self.content,) if self.blocks is None else self.blocks)
        if self.cut:
            messages[-1] = messages[-1][: -self.cut]
        parts = [(22, session)] * self.sessions + [(self.stream, message) for message in messages]
        if self.signed is not None:
            content = self.content if self.signed == b"\0same" else self.signed
            parts.append((19, sign(pki_keys.of(stage, self.signer), content)))
        return parts

"""The tree of the recorded sessions: its file contents, and the record stream of a recorded restore rebuilt from them.

Packets above 6,000 bytes are in the recordings as digests only; they hold blocks of these files.
"""

import hashlib
import random
import zlib
from collections.abc import Iterator
from functools import cache
from struct import pack

from fdaemon.codec.compress import Algorithm, Compressor
from fdaemon.wire.framing import frame, signal
from tests.support.sessions import Packet, Session, Signalled

ROOT = b"/srv/data/"
BLOCK = 262_144
OLD_BLOCK = 65_536
"""The same in release 22."""
MTIME = 1_700_000_000


def payload(size: int, seed: int) -> bytes:
    """Half random, half text, as the recording's tree maker has it."""
    head = random.Random(seed).randbytes(size // 2)
    return head + (b"All work and no play. " * (size // 44 + 1))[: size - size // 2]


def _sparse() -> bytes:
    image = bytearray(3 << 20)
    image[:65536] = payload(65536, 5)
    start = 65536 + (1 << 20)
    image[start : start + 70000] = payload(70000, 6)
    return bytes(image)


CONTENTS: dict[bytes, bytes] = {
    b"docs/readme.txt": b"hello, file daemon\n",
    b"docs/empty": b"",
    b"docs/one-byte": b"x",
    b"docs/exact-64k": payload(65536, 1),
    b"docs/64k-plus-1": payload(65537, 2),
    b"docs/three-blocks.bin": payload(3 * 65536 + 123, 3),
    b"docs/deep/er/still/note.md": b"# deep\n" * 100,
    b"docs/hard-c": b"three names, one inode\n",
    b"links/hard-a": b"three names, one inode\n",
    b"links/hard-b": b"three names, one inode\n",
    b"logs/app.log": b"2023-11-14 line\n" * 5000,
    b"logs/app.log.1": b"2023-11-13 line\n" * 100,
    b"logs/core.o": payload(5000, 4),
    b"skip/.nobackup": b"",
    b"skip/secret.txt": b"skipped when 'exclude dir containing' is set\n",
    b"special/sparse.img": _sparse(),
    b"special/zeros.bin": bytes(300_000),
    b"names/with space and 'quotes\"": b"1\n",
    "names/ümläut-日本語-😀".encode(): b"2\n",
    b"names/latin1-\xe9\xff-not-utf8": b"3\n",
    b"names/new\nline": b"4\n",
    b"names/" + b"n" * 250: b"5\n",
    b"attrs/setuid": b"#!/bin/sh\n",
    b"attrs/readonly": b"r\n",
    b"attrs/xattr": b"has user.* attributes\n",
    b"attrs/acl": b"has a POSIX ACL\n",
}


def _blocks() -> Iterator[bytes]:
    packers = [Compressor(algorithm) for algorithm in (Algorithm.LZ4, Algorithm.LZO)]
    for content in CONTENTS.values():
        for size in (BLOCK, BLOCK - 8, OLD_BLOCK, OLD_BLOCK - 8):
            for start in range(0, len(content), size):
                block = content[start : start + size]
                packed = zlib.compress(block, 6)
                address = start.to_bytes(8, "big")
                header = pack(">4sIHH", b"GZIP", len(packed), 6, 1)
                yield from (block, address + block, header + packed, address + header + packed)
                yield from (packer.compress(block) for packer in packers)


@cache
def blocks() -> dict[str, bytes]:
    """Every block of these files that may have been sent, plain or packed, by its SHA-256."""
    return {hashlib.sha256(block).hexdigest(): block for block in _blocks()}


def record_stream(session: Session) -> bytes:
    """What the Storage daemon sent in a recorded restore, from the first record to the end of the data."""
    out: list[bytes] = []
    (connection,) = [number for number, link in session.connections.items() if link == "fd-sd"]
    for event in session.traffic(connection, "sd"):
        match event:
            case Signalled(number=number) if out:
                out.append(signal(number))
                return b"".join(out)
            case Packet(payload=None, digest=digest, size=size):
                assert len(blocks()[digest]) == size
                out.append(frame(blocks()[digest]))
            case Packet(payload=bytes(data)) if out or data.startswith(b"rechdr "):
                out.append(frame(data))
            case _:
                continue
    raise ValueError(f"no end of data in {session.name}")

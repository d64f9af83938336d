"""Small files on the fast path of a restore come out as those that arrive in pieces do, problems included."""

import hashlib
import os
import resource
import signal
from pathlib import Path

import pytest

from fdaemon.jobs.restore_small import whole_file
from fdaemon.protocol.messages import MessageType
from fdaemon.protocol.records import Record
from fdaemon.wire.attributes import FileType
from fdaemon.wire.framing import EOD
from fdaemon.wire.streams import Stream
from tests.jobs.restoring import MTIME, Restoring, attributes, record, regular, xattrs


def a_file(index: int, name: bytes, content: bytes, *, size: int | None = None, digest: bytes = b"") -> bytes:
    return (
        attributes(index, FileType.REG, name, size=len(content) if size is None else size, mode=0o640)
        + record(index, Stream.FILE_DATA, content)
        + record(index, Stream.MD5_DIGEST, digest or hashlib.md5(content).digest())
    )


FILES = (
    a_file(1, b"/good", b"good"),
    a_file(2, b"/wrong", b"wrong", digest=bytes(16)),
    a_file(3, b"/short", b"short", size=9),
    a_file(4, b"/marked", b"marked") + xattrs(4, colour=b"red"),
    attributes(5, FileType.REGE, b"/empty"),
    regular(6, b"/unchecked", b"unchecked"),
    a_file(7, b"/last", b"last"),
)


def state(folder: Path) -> dict[str, tuple[bytes, int, int, list[str]]]:
    return {
        path.name: (path.read_bytes(), path.stat().st_mode, path.stat().st_mtime_ns, os.listxattr(path))
        for path in folder.iterdir()
    }


@pytest.mark.parametrize("check_digests", [True, False])
def test_the_same_as_in_pieces(tmp_path: Path, check_digests: bool) -> None:
    whole = Restoring(tmp_path / "whole", check_digests=check_digests).run(*FILES)
    pieces = Restoring(tmp_path / "parts", check_digests=check_digests)
    wire = b"".join(FILES) + EOD
    for at in range(len(wire)):
        pieces.restorer.feed(wire[at : at + 1])
    pieces.restorer.finish()
    assert state(tmp_path / "whole") == state(tmp_path / "parts")
    assert state(tmp_path / "whole")["good"] == (b"good", 0o100640, MTIME * 10**9, [])
    assert state(tmp_path / "whole")["marked"][3] == ["user.colour"]
    assert whole.messages == [(kind, text.replace(b"/parts/", b"/whole/")) for kind, text in pieces.messages]
    assert len(whole.messages) == 1 + check_digests
    pieces.counters.current = pieces.counters.current.replace(b"/parts/", b"/whole/")
    assert whole.counters == pieces.counters


def test_a_write_error_is_told_and_the_next_file_restored(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    before = set(os.listdir("/proc/self/fd"))
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
        restoring = Restoring(tmp_path).run(a_file(1, b"/a", bytes(5000)), a_file(2, b"/b", b"b"), FILES[4])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert restoring.messages == [
        (MessageType.ERROR, b"Write error on %b/a: File too large\n" % bytes(tmp_path))
    ]
    assert (tmp_path / "b").read_bytes() == b"b"
    assert set(os.listdir("/proc/self/fd")) == before


CONTENT: Record = (1, Stream.FILE_DATA, b"x")
DIGEST: Record = (1, Stream.MD5_DIGEST, bytes(16))
NEXT: Record = (2, Stream.UNIX_ATTRIBUTES, b"")


@pytest.mark.parametrize(
    ("records", "found"),
    [
        ([CONTENT, DIGEST, NEXT], True),
        ([CONTENT, DIGEST], False),
        ([CONTENT, CONTENT, NEXT], False),
        ([CONTENT, DIGEST, (1, Stream.XATTR_LINUX, b"")], False),
        ([CONTENT, (2, Stream.MD5_DIGEST, b""), NEXT], False),
        ([(2, Stream.FILE_DATA, b"x"), DIGEST, NEXT], False),
        ([(1, Stream.SPARSE_DATA, b"x"), DIGEST, NEXT], False),
    ],
)
def test_what_counts_as_whole(records: list[Record], found: bool) -> None:
    whole = whole_file([(1, int(Stream.UNIX_ATTRIBUTES), b""), *records], 1, 1)
    assert whole == ((b"x", Stream.MD5_DIGEST, bytes(16)) if found else None)

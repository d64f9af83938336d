"""Digests for accurate mode: those of a backup, or a message and none."""

import base64
import errno
import hashlib
import os
from pathlib import Path

import pytest

from fdaemon.errors import JobCanceled
from fdaemon.fileset.letters import parse_letters
from fdaemon.fileset.model import Options
from fdaemon.jobs.checksum import FileChecksum
from fdaemon.protocol.messages import MessageType
from fdaemon.views import Counters

BLOCK = 4096


def text(data: bytes) -> bytes:
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).rstrip(b"=")


def options(letters: bytes) -> Options:
    return parse_letters(letters, Options())[0]


class Told:
    def __init__(self) -> None:
        self.messages: list[tuple[MessageType, bytes, int]] = []
        self.counters = Counters()
        self.checksum = FileChecksum(
            report=lambda kind, text, errors: self.messages.append((kind, text, errors)),
            counters=self.counters,
            check_cancelled=lambda: None,
            block=BLOCK,
        )

    def of(self, path: Path, letters: bytes) -> bytes | None:
        st = path.lstat()
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            return self.checksum(b"/shown", folder, os.fsencode(path.name), st, options(letters))
        finally:
            os.close(folder)


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_a_plain_file(tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    (tmp_path / "f").write_bytes(data)
    told = Told()
    assert told.of(tmp_path / "f", b"M") == text(data)
    assert (told.counters.read_bytes, told.counters.job_bytes, told.messages) == (size, 0, [])


def test_row_99_skipped_blocks_are_not_digested(tmp_path: Path) -> None:
    unit = BLOCK - 8
    first, last = os.urandom(unit), os.urandom(100)
    (tmp_path / "f").write_bytes(first + bytes(unit) + last)
    assert Told().of(tmp_path / "f", b"Ms") == text(first + last)
    assert Told().of(tmp_path / "f", b"M") == text(first + bytes(unit) + last)


def test_no_signature_no_digest(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"1")
    assert Told().of(tmp_path / "f", b"A") is None


def test_a_file_that_cannot_be_opened_counts_twice(tmp_path: Path) -> None:
    (tmp_path / "l").symlink_to("f")
    told = Told()
    assert told.of(tmp_path / "l", b"M") is None
    reason = os.strerror(errno.ELOOP).encode()
    assert told.messages == [(MessageType.ERROR, b"     Cannot open /shown: ERR=%b.\n" % reason, 1)]


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    told = Told()
    assert told.of(tmp_path / "d", b"M") is None
    reason = os.strerror(errno.EISDIR).encode()
    assert told.messages == [(MessageType.ERROR, b"Error reading file /shown: ERR=%b\n" % reason, 0)]


def test_it_stops_with_its_job(tmp_path: Path) -> None:
    def check() -> None:
        raise JobCanceled("canceled")

    (tmp_path / "f").write_bytes(b"1")
    path = os.fsencode(tmp_path / "f")
    checksum = FileChecksum(
        report=lambda kind, text, errors: None, counters=Counters(), check_cancelled=check, block=BLOCK
    )
    with pytest.raises(JobCanceled):
        checksum(path, -1, path, os.lstat(path), options(b"M"))

"""The Secure Erase Command: what it gets, what is said, and what a failure means."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fdaemon.errors import JobCanceled, JobFailed
from fdaemon.jobs.erase import Eraser
from fdaemon.protocol.messages import MessageType
from fdaemon.wire.attributes import FileType
from tests.jobs.restoring import Restoring, attributes, regular


def _run(
    where: Path,
    command: str,
    *records: bytes,
    check_cancelled: Callable[[], None] = lambda: None,
) -> list[bytes]:
    """Restore with that command; what it said."""
    said: list[bytes] = []

    def report(kind: MessageType, text: bytes, extra: int) -> None:
        assert kind is MessageType.INFO
        said.append(text)

    Restoring(where, erase=Eraser(command.encode(), report, check_cancelled)).run(*records)
    return said


@pytest.fixture
def command(tmp_path: Path) -> str:
    """Writes down what it was given, and the content it found there; leaves the file."""
    script = tmp_path / "erase it"
    script.write_text(f'#!/bin/sh\necho "wiping $#"\ncat "$2" >> {tmp_path}/seen\necho >> {tmp_path}/seen\n')
    script.chmod(0o755)
    return f'"{script}" -f'


def test_it_gets_what_is_in_the_way(tmp_path: Path, command: str) -> None:
    where = tmp_path / "where"
    where.mkdir()
    awkward = 'a "quoted" -name'
    (where / awkward).write_bytes(b"old secret")
    (where / "to-link").write_bytes(b"second secret")
    said = _run(
        where,
        command,
        regular(1, awkward.encode(), b"new"),
        attributes(2, FileType.LNK, b"to-link", link=b"x"),
        regular(3, b"untouched", b"never was there"),
    )
    assert (tmp_path / "seen").read_text().split("\n")[:2] == ["old secret", "second secret"]
    assert (where / awkward).read_bytes() == b"new"
    assert os.readlink(where / "to-link") == "x"
    assert sorted(os.listdir(where)) == sorted([awkward, "to-link", "untouched"])
    first = b'SecureErase: executing %b "%b/%b"\n' % (command.encode(), bytes(where), awkward.encode())
    assert said[:2] == [first, b"SecureErase: wiping 2\n"]


def test_links_are_unlinked_not_erased(tmp_path: Path, command: str) -> None:
    where = tmp_path / "where"
    where.mkdir()
    (tmp_path / "outside").write_bytes(b"keep")
    (where / "name").symlink_to(tmp_path / "outside")
    _run(where, command, regular(1, b"name", b"new"))
    assert not (tmp_path / "seen").exists()
    assert (tmp_path / "outside").read_bytes() == b"keep"
    assert (where / "name").read_bytes() == b"new"


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("/nonexistent/wipe", b"could not execute. ERR=No such file or directory\n"),
        ("sh -c 'exit 3'", b"returned non-zero status=3. ERR=Child exited with code 3\n"),
        ("sh -c 'kill -9 $$'", b"returned non-zero status=9. ERR=Child died from signal 9: Killed\n"),
    ],
)
def test_a_failure_ends_the_job(tmp_path: Path, command: str, text: bytes) -> None:
    (tmp_path / "name").write_bytes(b"old")
    with pytest.raises(JobFailed) as failed:
        _run(tmp_path, command, regular(1, b"name", b"new"))
    assert failed.value.text == b"SecureErase: %b " % command.encode() + text
    assert (tmp_path / "name").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["name"]


def test_a_failure_where_there_are_no_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", link)
    (tmp_path / "name").write_bytes(b"old")
    with pytest.raises(JobFailed):
        _run(tmp_path, "sh -c 'exit 3'", regular(1, b"name", b"new"))
    assert (tmp_path / "name").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["name"]


def test_a_cancel_kills_it(tmp_path: Path) -> None:
    (tmp_path / "name").write_bytes(b"old")

    def canceled() -> None:
        raise JobCanceled

    with pytest.raises(JobCanceled):
        _run(tmp_path, "sleep 1000", regular(1, b"name", b"new"), check_cancelled=canceled)
    assert os.listdir(tmp_path) == ["name"]

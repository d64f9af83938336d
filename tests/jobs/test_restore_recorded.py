"""Recorded restores of the real daemons, played into the restorer: same tree, same figures, same messages."""

import itertools
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from fdaemon.protocol.messages import MessageType
from fdaemon.wire.attributes import FileType, decode_attributes
from fdaemon.wire.stat import StatRecord, decode_stat
from tests.jobs.restoring import Restoring
from tests.support.restored_tree import CONTENTS, MTIME, ROOT, record_stream
from tests.support.sessions import Session, recorded, shared

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="owners are restored by root only")

WHOLE = ["restore-plain", "restore-aclxattr", "restore-sparse", "restore-gzip", "restore-sparsegz"]


def expected(session: Session) -> dict[bytes, tuple[int, StatRecord, bytes]]:
    """Name below the recorded root -> type, stat, link."""
    found: dict[bytes, tuple[int, StatRecord, bytes]] = {}
    packets = session.payloads("fd-sd", "sd")
    for header, payload in itertools.pairwise(packets):
        if header.startswith(b"rechdr ") and header.split(b" ")[4] == b"1":
            record = decode_attributes(payload)
            found[record.name] = (record.type, decode_stat(record.stat), record.link)
    return found


def figures(session: Session) -> tuple[int, int, int, int]:
    """Files, read bytes, job bytes and errors of the recorded end line."""
    (line,) = [text for text in session.payloads("dir-fd", "fd") if text.startswith(b"2800 End Job")]
    fields = dict(word.split(b"=") for word in line.split() if b"=" in word)
    names = (b"JobFiles", b"ReadBytes", b"JobBytes", b"Errors")
    files, read, written, errors = (int(fields[name]) for name in names)
    return files, read, written, errors


def check_tree(where: Path, session: Session) -> None:
    tree = expected(session)
    for name, (kind, st, link) in tree.items():
        path = os.fsencode(where) + name.rstrip(b"/")
        actual = os.lstat(path)
        assert actual.st_mode == st.mode, name
        assert (actual.st_uid, actual.st_gid) == (st.uid, st.gid), name
        assert actual.st_mtime == st.mtime == MTIME, name
        if kind in (FileType.REG, FileType.REGE, FileType.LNKSAVED):
            content = CONTENTS[name.removeprefix(ROOT)]
            assert Path(os.fsdecode(path)).read_bytes() == content, name
        if kind == FileType.LNK:
            assert os.readlink(path) == link
        if kind == FileType.LNKSAVED:
            assert os.stat(os.fsencode(where) + link).st_ino == actual.st_ino
        if stat.S_ISREG(st.mode):
            first = link or name
            assert actual.st_nlink == 1 + [each for _, _, each in tree.values()].count(first), name


def check_extended(where: Path) -> None:
    attrs = os.fsencode(where) + ROOT + b"attrs/"
    assert sorted(os.listxattr(attrs + b"xattr")) == ["user.binary", "user.color", "user.empty"]
    assert os.getxattr(attrs + b"xattr", "user.binary") == bytes(range(32))
    if shutil.which("getfacl") is None:
        return
    shown = subprocess.run(
        ["getfacl", "--omit-header", "--absolute-names", "--numeric", attrs + b"acl", attrs + b"acl-dir"],
        check=True,
        capture_output=True,
    ).stdout.split()
    assert b"user:1234:rw-" in shown
    assert b"default:group:4321:r-x" in shown


@needs_root
@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("piece", [1 << 20, 4093])
def test_whole_tree(tmp_path: Path, name: str, piece: int) -> None:
    session = shared(name)
    data = record_stream(session)
    restoring = Restoring(tmp_path, want_restored=True)
    for start in range(0, len(data), piece):
        assert restoring.restorer.feed(data[start : start + piece]) == b""
    restoring.restorer.finish()
    assert restoring.restorer.ended
    counters = restoring.counters
    assert (counters.files, counters.read_bytes, counters.job_bytes, 0) == figures(session)
    check_tree(tmp_path, session)
    check_extended(tmp_path)
    where = os.fsencode(tmp_path)
    listed = [
        text.replace(b"  " + where, b"  /srv/restore") for text in restoring.texts(MessageType.RESTORED)
    ]
    assert [line.split()[:5] for line in listed] == [line.split()[:5] for line in restored_lines(session)]
    assert [line.split(b"  /srv")[1] for line in listed] == [
        line.split(b"  /srv")[1] for line in restored_lines(session)
    ]
    assert len(listed) == len(restoring.messages)


def restored_lines(session: Session) -> list[bytes]:
    """The text of the recorded RESTORED messages."""
    return [
        text.partition(b": ")[2]
        for text in session.payloads("dir-fd", "fd")
        if text.startswith(b"Jmsg ") and b" type=13 " in text
    ]


def skipped_lines(session: Session) -> list[bytes]:
    return [
        text.partition(b": ")[2]
        for text in session.payloads("dir-fd", "fd")
        if text.startswith(b"Jmsg ") and b": File skipped." in text
    ]


def test_one_file(tmp_path: Path) -> None:
    session = recorded("restore-onefile")
    restoring = Restoring(tmp_path)
    data = record_stream(session)
    restoring.restorer.feed(data + b"\0\0\0\4rest")
    restoring.restorer.finish()
    assert restoring.restorer.rest == b"\0\0\0\4rest"
    assert restoring.texts(MessageType.ERROR) == restoring.texts(MessageType.WARNING) == []
    assert (restoring.counters.files, restoring.counters.job_bytes) == (1, 196731)
    path = os.fsencode(tmp_path) + ROOT + b"docs/three-blocks.bin"
    assert Path(os.fsdecode(path)).read_bytes() == CONTENTS[b"docs/three-blocks.bin"]


@needs_root
@pytest.mark.parametrize(("name", "replace"), [("restore-again-never", "n"), ("restore-again-ifnewer", "w")])
def test_again(tmp_path: Path, name: str, replace: str) -> None:
    session = shared(name)
    Restoring(tmp_path).run(record_stream(shared("restore-plain"))[:-4])
    again = Restoring(tmp_path, replace=replace).run(record_stream(session)[:-4])
    counters = again.counters
    assert (counters.files, counters.read_bytes, counters.job_bytes, 0) == figures(session)
    where = os.fsencode(tmp_path)
    assert [text.replace(b" " + where, b" /srv/restore") for text in again.texts()] == skipped_lines(session)
    check_tree(tmp_path, shared("restore-plain"))


@needs_root
def test_regexwhere(tmp_path: Path) -> None:
    session = shared("restore-regexwhere")
    where = os.fsencode(tmp_path)
    restoring = Restoring(b"", regexwhere=b"!/srv/data!" + where + b"/srv/data!")
    restoring.run(record_stream(session)[:-4])
    assert restoring.messages == []
    check_tree(tmp_path, session)


def test_byte_by_byte(tmp_path: Path) -> None:
    whole = record_stream(recorded("restore-onefile"))
    restoring = Restoring(tmp_path)
    head, middle, tail = whole[:600], whole[600:-200], whole[-200:]
    for piece in (*[bytes((byte,)) for byte in head], middle, *[bytes((byte,)) for byte in tail]):
        restoring.restorer.feed(piece)
    restoring.restorer.finish()
    assert restoring.texts(MessageType.ERROR) == restoring.texts(MessageType.WARNING) == []
    assert restoring.counters.job_bytes == 196731

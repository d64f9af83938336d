"""What a hostile volume or Storage daemon may try: nothing outside the target, one message, and the job goes on."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fdaemon.errors import JobFailed
from fdaemon.fs import create
from fdaemon.protocol.messages import MessageType
from fdaemon.wire.attributes import FileType
from fdaemon.wire.framing import frame, signal
from fdaemon.wire.headers import record_header
from fdaemon.wire.streams import Stream
from tests.jobs.restoring import Restoring, attributes, directory, record, regular, xattrs


@pytest.fixture(params=["openat2", "walk"])
def where(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The target directory, with a victim beside it; by the system call and by the walk that stands in for it."""
    if request.param == "walk":
        monkeypatch.setattr("fdaemon.fs.beneath.Opener.open", lambda *_: None)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "victim").write_bytes(b"mine")
    return tmp_path / "where"


def outside(where: Path) -> dict[str, bytes]:
    folder = where.parent / "outside"
    return {path.name: path.read_bytes() for path in folder.iterdir()} | {
        path.name: b"?" for path in where.parent.iterdir() if path.name not in ("outside", "where")
    }


UNHARMED = {"victim": b"mine"}


@pytest.mark.parametrize(
    "name", [b"/../outside/f", b"/a/../../outside/f", b"..", b"/a/..", b"/.", b"/", b"", b"/a/"]
)
def test_names_that_leave_or_name_nothing(where: Path, name: bytes) -> None:
    good = regular(2, b"/good", b"x")
    if not name:
        with pytest.raises(JobFailed, match="Error scanning attributes"):
            Restoring(where).run(regular(1, name, b"evil"))
        return
    restoring = Restoring(where).run(regular(1, name, b"evil"), good)
    assert [kind for kind, _ in restoring.messages] == [MessageType.ERROR]
    assert (where / "good").read_bytes() == b"x"
    assert outside(where) == UNHARMED
    assert restoring.counters.files == 1


def test_directory_named_dot_dot(where: Path) -> None:
    restoring = Restoring(where).run(directory(1, b"/../outside/", mode=0o777), regular(2, b"/good"))
    (text,) = restoring.texts(MessageType.ERROR)
    assert text.startswith(b"Refused to restore ")
    assert (where.parent / "outside").stat().st_mode & 0o777 != 0o777


@pytest.mark.parametrize("target", [b"absolute", b"../outside", b"/"])
def test_planted_link(where: Path, target: bytes) -> None:
    target = os.fsencode(where.parent / "outside") if target == b"absolute" else target
    restoring = Restoring(where).run(
        attributes(1, FileType.LNK, b"/d", link=target),
        regular(2, b"/d/victim", b"evil"),
        regular(3, b"/d/e/f/new", b"evil"),
        directory(4, b"/d/", mode=0o777),
        directory(5, b"/d/sub/"),
        attributes(6, FileType.LNK, b"/d/link", link=b"x"),
        attributes(7, FileType.LNKSAVED, b"/stolen", link=b"/d/victim"),
        regular(8, b"/good", b"x"),
    )
    assert outside(where) == UNHARMED
    assert len(restoring.messages) == len(restoring.texts(MessageType.ERROR)) == 6
    assert all(b"symbolic link" in text for text in restoring.texts()[:2])
    assert sorted(os.listdir(where)) == ["d", "good"]


def test_file_over_a_link(where: Path) -> None:
    victim = os.fsencode(where.parent / "outside" / "victim")
    Restoring(where).run(attributes(1, FileType.LNK, b"/f", link=victim), regular(2, b"/f", b"new"))
    assert outside(where) == UNHARMED
    assert (where / "f").read_bytes() == b"new"
    assert not (where / "f").is_symlink()


def test_hard_links_out(where: Path) -> None:
    victim = b"/../outside/victim"
    full = os.fsencode(where.parent / "outside" / "victim")
    restoring = Restoring(where).run(
        attributes(1, FileType.LNKSAVED, b"/a", link=victim),
        attributes(2, FileType.LNKSAVED, b"/b", link=b"../outside/victim"),
        attributes(3, FileType.LNKSAVED, b"/c", link=full),
        attributes(4, FileType.LNKSAVED, b"/d", link=b""),
    )
    assert len(restoring.texts(MessageType.ERROR)) == 4
    assert (where.parent / "outside" / "victim").stat().st_nlink == 1
    assert list(where.iterdir()) == []


def test_attributes_of_a_link_do_not_reach_its_target(where: Path) -> None:
    victim = where.parent / "outside" / "victim"
    before = victim.stat()
    Restoring(where).run(
        attributes(1, FileType.LNK, b"/l", link=os.fsencode(victim), mode=0o120777, uid=12, gid=13),
        record(1, Stream.ACL_LINUX_ACCESS_ACL, b"u::rwx,g::rwx,o::rwx\0"),
        xattrs(1, evil=b"1"),
    )
    after = victim.stat()
    assert (after.st_mode, after.st_uid, after.st_mtime) == (before.st_mode, before.st_uid, before.st_mtime)
    assert os.listxattr(victim) == []


def test_where_may_be_a_link(where: Path) -> None:
    where.symlink_to(where.parent / "outside", target_is_directory=True)
    assert Restoring(where).run(regular(1, b"/f", b"x")).messages == []
    assert (where.parent / "outside" / "f").read_bytes() == b"x"


def test_original_location_follows_the_administrators_links_only(where: Path) -> None:
    real = where.parent / "outside"
    where.symlink_to(real, target_is_directory=True)
    base = os.fsencode(where)
    restoring = Restoring(b"").run(
        regular(1, base + b"/f", b"x"),
        attributes(2, FileType.LNK, base + b"/planted", link=b"/tmp"),
        regular(3, base + b"/planted/never-here", b"evil"),
    )
    assert (real / "f").read_bytes() == b"x"
    (text,) = restoring.texts()
    assert b"a symbolic link is in its path" in text
    assert not os.path.exists("/tmp/never-here")


@pytest.mark.skipif(os.geteuid() != 0, reason="device nodes are made by root only")
def test_raw_content_never_goes_to_a_planted_device(where: Path) -> None:
    null = os.makedev(1, 3)
    Restoring(where).run(
        attributes(1, FileType.SPEC, b"/disk", mode=0o020666, rdev=null),
        attributes(2, FileType.RAW, b"/disk", mode=0o020666, rdev=null),
        record(2, Stream.FILE_DATA, b"evil"),
    )
    assert (where / "disk").is_file()
    assert (where / "disk").read_bytes() == b"evil"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"1",
        b"1 3",
        b"1 3 /ns\0",
        b"x 3 /f\0A\0\0\0" + b"0\0",
        b"1 3 /f\0A A A\0\0\0" + b"0\0",
        b"1 3 /f\0A A ! A A A A A A A A A A A A C\0\0\0" + b"0\0",
        b"1 3 /f\0A A A A A A A A A A A A A A A C\0\0\0" + b"0\0left\0over\0",
    ],
)
def test_attributes_that_make_no_sense(where: Path, payload: bytes) -> None:
    restoring = Restoring(where)
    with pytest.raises(JobFailed) as caught:
        restoring.run(record(1, Stream.UNIX_ATTRIBUTES, payload))
    assert caught.value.text.startswith(b"Error scanning attributes: ")
    assert caught.value.text.endswith(b"\n")


@pytest.mark.parametrize(
    ("stream", "data", "text"),
    [
        (Stream.SPARSE_DATA, b"1234567", b"Sparse record of 7 bytes"),
        (Stream.SPARSE_DATA, b"\xff" * 8 + b"x", b"Seek to 18446744073709551615 error"),
        (Stream.SPARSE_DATA, b"\x7f" + b"\xff" * 7 + b"x", b""),
        (Stream.COMPRESSED_DATA, b"12345678901", b"Compressed header size error."),
        (Stream.COMPRESSED_DATA, b"GZIP\0\0\0\x01\0\x06\0\x01xx", b"Compressed header size error."),
        (Stream.GZIP_DATA, b"not zlib", b"Uncompression error on file"),
        (Stream.ENCRYPTED_FILE_DATA, b"x" * 16, b"Missing encryption session data stream for "),
    ],
)
def test_content_that_makes_no_sense(where: Path, stream: int, data: bytes, text: bytes) -> None:
    restoring = Restoring(where).run(
        attributes(1, FileType.REG, b"/bad", size=10, stream=stream),
        record(1, stream, data),
        record(1, stream, data),
        regular(2, b"/good", b"x"),
    )
    (problem,) = restoring.texts(MessageType.ERROR)
    assert text in problem
    assert (where / "good").read_bytes() == b"x"
    assert (where / "bad").stat().st_mode & 0o7777 == 0


def test_a_pipe_that_becomes_another_file(where: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who may write in the directory links a file there while the pipe waits for its reader."""
    monkeypatch.setattr(create, "READER_SECONDS", 60)
    victim = where.parent / "outside" / "victim"

    def swap() -> None:
        if (where / "pipe").exists():
            (where / "pipe").unlink()
            (where / "pipe").hardlink_to(victim)

    restoring = Restoring(where, check_cancelled=swap).run(
        attributes(1, FileType.FIFO, b"/pipe", mode=0o010600),
        record(1, Stream.FILE_DATA, b"theirs"),
        regular(2, b"/good", b"x"),
    )
    assert victim.read_bytes() == b"mine"
    assert victim.stat().st_mode & 0o777 != 0o600
    assert len(restoring.texts(MessageType.ERROR)) == 1
    assert (where / "good").read_bytes() == b"x"


@pytest.mark.parametrize("ctime", [1 << 62, (1 << 63) - 1, -(1 << 63), 1 << 56])
def test_a_time_beyond_every_calendar(where: Path, ctime: int) -> None:
    """The line about the file is shown all the same, and the restore goes on."""
    restoring = Restoring(where, want_restored=True).run(
        regular(1, b"/odd", b"x", ctime=ctime), regular(2, b"/good", b"x")
    )
    (first, _) = restoring.texts(MessageType.RESTORED)
    assert (b" 1970-01-01 " if ctime < 0 else b" 9999-12-31 ") in first
    assert restoring.counters.files == 2


def test_an_acl_that_names_somebody_with_a_nul(where: Path) -> None:
    acl = b"user::rw-\nuser:a\\000b:rwx\ngroup::r--\nmask::rwx\nother::r--\n"
    restoring = Restoring(where).run(
        regular(1, b"/odd", b"x"),
        record(1, Stream.ACL_LINUX_ACCESS_ACL, acl),
        regular(2, b"/good", b"x"),
    )
    text = b'acl_from_text error on file "%b": ERR=Invalid argument\n' % bytes(where / "odd")
    assert restoring.texts(MessageType.WARNING)[0] == text
    assert (where / "good").read_bytes() == b"x"


def test_a_cancel_while_a_file_is_told_leaves_no_descriptor(where: Path) -> None:
    restoring = Restoring(where, want_restored=True)
    restoring.restorer.feed(directory(1, b"/"))

    class Stop(Exception):
        pass

    def stop(kind: MessageType, text: bytes, extra: int) -> None:
        raise Stop

    restoring.report = stop
    descriptors = sorted(os.listdir("/proc/self/fd"))
    with pytest.raises(Stop):
        restoring.restorer.feed(regular(2, b"/f", b"x"))
    assert sorted(os.listdir("/proc/self/fd")) == descriptors
    restoring.restorer.finish()


def header(size: int) -> bytes:
    return frame(record_header(1, 2, 1, 1, size))


@pytest.mark.parametrize(
    ("wire", "text"),
    [
        (frame(b"rechdr 1 1 x 2 5"), b"Record header scan error: rechdr 1 1 x 2 5\n"),
        (frame(b"rechdr 1 1 1 2"), b"Record header scan error: "),
        (frame(b""), b"Record header scan error: "),
        (header(5) + frame(b"1234"), b"Actual data size 4 not same as header 5\n"),
        (header(5) + signal(-1), b"Data record error. ERR="),
        (signal(-4), b"Data record error. ERR="),
        ((1_000_001).to_bytes(4, "big"), b"Packet size too big from "),
        (record(1, Stream.FILE_DATA, b"x"), b"Expected to write data to stream 2 of file 1, but this file"),
        (
            regular(1, b"/f", b"x") + record(2, Stream.FILE_DATA, b"x"),
            b"Expected to write data to stream 2 of file 2, but this file was never created. Current file is: 1.\n",
        ),
    ],
)
def test_stream_that_makes_no_sense(where: Path, wire: bytes, text: bytes) -> None:
    restoring = Restoring(where)
    with pytest.raises(JobFailed) as caught:
        restoring.run(wire)
    assert caught.value.text.startswith(text)
    assert not restoring.restorer.ended


def test_end_without_end_of_data_leaves_the_open_file_alone(where: Path) -> None:
    restoring = Restoring(where)
    restoring.restorer.feed(regular(1, b"/f", b"x", mode=0o644))
    restoring.restorer.finish()
    assert not restoring.restorer.ended
    assert (where / "f").stat().st_mode & 0o7777 == 0


@pytest.fixture(scope="module", autouse=True)
def no_waiting() -> Iterator[None]:
    """No pipe in here has a reader."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(create, "READER_SECONDS", -1)
        yield


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_records_end_in_messages_or_a_failed_job(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    where = tmp_path_factory.mktemp("fuzz")
    streams = st.sampled_from([*Stream, 7777])
    names = st.binary(min_size=1, max_size=12).map(lambda name: b"/" + name.replace(b"\0", b"."))
    made = st.builds(
        attributes,
        st.just(1),
        st.sampled_from([kind for kind in FileType if kind != FileType.FIFO]),
        names,
        link=names,
        mode=st.sampled_from([0o100644, 0o040755, 0o120777, 0o010600, 0o140755, 0o177777]),
        size=st.integers(-5, 100),
        mtime=st.integers(-(2**63), 2**63 - 1),
        stream=streams,
    )
    raw = st.builds(record, st.just(1), streams, st.binary(max_size=40))
    restoring = Restoring(where)
    texts: list[bytes] = []
    try:
        restoring.run(*data.draw(st.lists(made | raw, max_size=8)))
    except JobFailed as failure:
        texts.append(failure.text)
    assert all(text.endswith(b"\n") for text in texts + restoring.texts())


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_fail_the_job_or_wait(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    restoring = Restoring(tmp_path_factory.getbasetemp() / "raw")
    try:
        restoring.restorer.feed(data)
    except JobFailed:
        pass
    finally:
        restoring.restorer.finish()

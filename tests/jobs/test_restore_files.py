"""Every file type, the replace rules, attributes, and the content streams."""

import hashlib
import os
import stat
import threading
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import xxhash

from fdaemon.codec.compress import Algorithm, Compressor
from fdaemon.errors import JobCanceled
from fdaemon.fs import create
from fdaemon.protocol.messages import MessageType
from fdaemon.wire.attributes import FileType
from fdaemon.wire.framing import EOD, signal
from fdaemon.wire.streams import Stream
from tests.jobs.restoring import MTIME, Restoring, attributes, directory, record, regular, xattrs

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="owners and devices are restored by root only")


@needs_root
def test_every_type(tmp_path: Path) -> None:
    null = os.makedev(1, 3)
    restoring = Restoring(tmp_path).run(
        regular(1, b"/d/plain", b"content", mode=0o4751, uid=12, gid=34),
        attributes(2, FileType.REGE, b"/d/empty", mode=0o600),
        attributes(3, FileType.LNK, b"/d/link", link=b"plain", uid=12, gid=34),
        attributes(4, FileType.LNKSAVED, b"/d/hard", link=b"/d/plain", uid=99),
        attributes(5, FileType.SPEC, b"/d/fifo", mode=0o010640, uid=12),
        attributes(6, FileType.SPEC, b"/d/null", mode=0o020606, rdev=null, gid=34),
        attributes(7, FileType.SPEC, b"/d/socket", mode=0o140755),
        directory(8, b"/d/", mode=0o2750, uid=12, gid=34),
    )
    assert restoring.messages == []
    assert restoring.counters.files == 8
    d = tmp_path / "d"
    found = {path.name: path.lstat() for path in d.iterdir()} | {"": d.lstat()}
    assert {name: st.st_mode for name, st in found.items()} == {
        "plain": 0o104751,
        "hard": 0o104751,
        "empty": 0o100600,
        "link": 0o120777,
        "fifo": 0o010640,
        "null": 0o020606,
        "": 0o042750,
    }
    assert {name: (st.st_uid, st.st_gid) for name, st in found.items()} == {
        "plain": (12, 34),
        "hard": (12, 34),
        "empty": (0, 0),
        "link": (12, 34),
        "fifo": (12, 0),
        "null": (0, 34),
        "": (12, 34),
    }
    assert {st.st_mtime for st in found.values()} == {MTIME}
    assert found["null"].st_rdev == null
    assert found["hard"].st_ino == found["plain"].st_ino
    assert os.readlink(d / "link") == "plain"


def test_directory_times_survive_later_files(tmp_path: Path) -> None:
    restoring = Restoring(tmp_path)
    restoring.restorer._target._kept = 2
    restoring.run(
        regular(1, b"/a/b/first", b"1"),
        directory(2, b"/a/b/"),
        directory(3, b"/a/"),
        *[regular(4 + n, b"/other%d/f" % n) for n in range(5)],
        regular(10, b"/a/b/second", b"2"),
        regular(11, b"/a/new/deep/third", b"3"),
        attributes(12, FileType.LNK, b"/a/link", link=b"x"),
    )
    assert restoring.messages == []
    assert (tmp_path / "a/b").stat().st_mtime == MTIME
    assert (tmp_path / "a").stat().st_mtime == MTIME


def test_descriptors_are_closed(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    Restoring(tmp_path).run(*[regular(n, b"/%d/f" % n, b"x") for n in range(1, 200)])
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("kind", [FileType.REG, FileType.LNK, FileType.SPEC, FileType.DIREND])
@pytest.mark.parametrize(
    ("replace", "difference", "kept"),
    [
        ("a", -9, b""), ("a", 0, b""), ("a", 9, b""),
        ("w", -9, b"Not newer"), ("w", 0, b"Not newer"), ("w", 9, b""),
        ("o", -9, b""), ("o", 0, b"Not older"), ("o", 9, b"Not older"),
        ("n", -9, b"Already exists"), ("n", 0, b"Already exists"), ("n", 9, b"Already exists"),
    ],
)  # fmt: skip
def test_replace(tmp_path: Path, kind: FileType, replace: str, difference: int, kept: bytes) -> None:
    old = tmp_path / "f"
    if kind == FileType.DIREND:
        old.mkdir()
    else:
        old.write_bytes(b"old")
    os.utime(old, (MTIME, MTIME))
    old.chmod(0o700)
    modes = {
        FileType.REG: 0o100640,
        FileType.LNK: 0o120777,
        FileType.SPEC: 0o010640,
        FileType.DIREND: 0o040750,
    }
    name = b"/f/" if kind == FileType.DIREND else b"/f"
    restoring = Restoring(tmp_path, replace=replace).run(
        attributes(1, kind, name, mode=modes[kind], link=b"x", mtime=MTIME + difference)
    )
    assert restoring.counters.files == 1
    st = old.lstat()
    if kept:
        shown = os.fsencode(tmp_path) + name
        assert restoring.messages == [(MessageType.INFO, b"File skipped. %b: %b\n" % (kept, shown))]
        assert (stat.S_IMODE(st.st_mode), st.st_mtime) == (0o700, MTIME)
    else:
        assert restoring.messages == []
        assert (st.st_mode, st.st_mtime) == (modes[kind], MTIME + difference)


@pytest.mark.parametrize("replace", ["n", "w"])
def test_directories_of_this_job_are_completed(tmp_path: Path, replace: str) -> None:
    restoring = Restoring(tmp_path, replace=replace).run(
        regular(1, b"/d/e/f", b"x"), directory(2, b"/d/e/", mode=0o711), directory(3, b"/d/", mode=0o700)
    )
    assert restoring.messages == []
    assert stat.S_IMODE((tmp_path / "d/e").stat().st_mode) == 0o711
    assert (tmp_path / "d").stat().st_mtime == MTIME


@needs_root
def test_missing_parents_of_a_directory_get_its_owner(tmp_path: Path) -> None:
    Restoring(tmp_path).run(directory(1, b"/a/b/c/", mode=0o550, uid=12, gid=34))
    for name, mode in (("a", 0o750), ("a/b", 0o750), ("a/b/c", 0o550)):
        st = (tmp_path / name).stat()
        assert (stat.S_IMODE(st.st_mode), st.st_uid, st.st_gid) == (mode, 12, 34), name


def test_directory_in_the_way_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    restoring = Restoring(tmp_path).run(regular(1, b"/f", b"x"), regular(2, b"/g", b"x"))
    shown = os.fsencode(tmp_path / "f")
    first, second = restoring.texts(MessageType.ERROR)
    assert first == b"File %b already exists and could not be replaced. ERR=Is a directory.\n" % shown
    assert second == b"Could not create %b: ERR=File exists\n" % shown
    assert restoring.counters.files == 1


def test_file_in_the_way_of_a_directory(tmp_path: Path) -> None:
    (tmp_path / "d").write_bytes(b"x")
    restoring = Restoring(tmp_path).run(regular(1, b"/d/f", b"x"), directory(2, b"/d/"))
    shown = os.fsencode(tmp_path / "d")
    assert restoring.texts(MessageType.ERROR) == [b"%b exists but is not a directory.\n" % shown] * 2


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (FileType.DELETED, b"Original file /f have been deleted: type=23\n"),
        (FileType.NOACCESS, b"Original file /f not saved: type=7\n"),
        (FileType.NOOPEN, b"Original file /f not saved: type=15\n"),
        (99, b"Unknown file type 99; not restored: /f\n"),
    ],
)
def test_types_that_are_not_restored(tmp_path: Path, kind: FileType, text: bytes) -> None:
    restoring = Restoring(tmp_path).run(attributes(1, kind, b"/f"), xattrs(1, a=b"1"))
    severity = MessageType.INFO if kind == FileType.DELETED else MessageType.ERROR
    assert restoring.messages == [(severity, text)]
    assert restoring.counters.files == 0


def test_pipe_with_a_reader_gets_content(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    restoring = Restoring(tmp_path).run(
        attributes(1, FileType.FIFO, b"/pipe", mode=0o010600), record(1, Stream.FILE_DATA, b"through")
    )
    reader.join()
    assert got == [b"through"]
    assert restoring.messages == []


def test_pipe_with_a_slow_reader_gets_all(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    content = bytes(range(256)) * 4000
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    got: list[bytes] = []

    def read() -> None:
        os.set_blocking(reader, True)
        while piece := os.read(reader, 1000):
            got.append(piece)

    thread = threading.Thread(target=read)
    restoring = Restoring(tmp_path)
    restoring.restorer.feed(attributes(1, FileType.FIFO, b"/pipe", mode=0o010600))
    thread.start()
    restoring.run(
        *[record(1, Stream.FILE_DATA, content[at : at + 128_000]) for at in range(0, 1_024_000, 128_000)]
    )
    thread.join()
    os.close(reader)
    assert b"".join(got) == content
    assert restoring.messages == []


def test_a_reader_that_does_not_read_keeps_no_canceled_job(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    answers = iter([False, False])

    def check() -> None:
        if next(answers, True):
            raise JobCanceled

    restoring = Restoring(tmp_path, check_cancelled=check)
    restoring.restorer.feed(attributes(1, FileType.FIFO, b"/pipe", mode=0o010600))
    caught: list[BaseException] = []

    def feed() -> None:
        try:
            restoring.restorer.feed(record(1, Stream.FILE_DATA, bytes(500_000)))
        except JobCanceled as error:
            caught.append(error)

    thread = threading.Thread(target=feed, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    assert len(caught) == 1
    restoring.restorer.finish()
    os.close(reader)


def test_pipe_without_a_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(create, "READER_SECONDS", -1)
    restoring = Restoring(tmp_path).run(attributes(1, FileType.FIFO, b"/pipe", mode=0o010600))
    (text,) = restoring.texts(MessageType.ERROR)
    assert text.startswith(b"Could not open %b: ERR=" % os.fsencode(tmp_path / "pipe"))


def test_cancel(tmp_path: Path) -> None:
    def canceled() -> None:
        raise JobCanceled("canceled")

    restoring = Restoring(tmp_path, check_cancelled=canceled)
    with pytest.raises(JobCanceled):
        restoring.run(regular(1, b"/f", b"x"))
    assert list(tmp_path.iterdir()) == []


def test_extended_attributes_and_acls(tmp_path: Path) -> None:
    text = b"user::rw-\nuser:12345:r--\ngroup::r--\nmask::r--\nother::---\n\0"
    restoring = Restoring(tmp_path).run(
        regular(1, b"/d/f", b"x", mode=0o640),
        record(1, Stream.ACL_LINUX_ACCESS_ACL, text),
        xattrs(1, a=b"1", b=b""),
        directory(2, b"/d/"),
        record(2, Stream.ACL_LINUX_DEFAULT_ACL, text),
        xattrs(2, c=b"2"),
        regular(3, b"/d/refused", b"x"),
        record(3, Stream.ACL_LINUX_ACCESS_ACL, b"nonsense"),
        record(3, Stream.ACL_SOLARIS_ACE, b"foreign"),
        record(3, Stream.XATTR_FREEBSD, b"foreign"),
        record(3, Stream.XATTR_LINUX, b"no magic"),
    )
    names = {"system.posix_acl_access", "user.a", "user.b"}
    assert set(os.listxattr(tmp_path / "d/f")) == names
    assert set(os.listxattr(tmp_path / "d")) == {"system.posix_acl_default", "user.c"}
    assert (tmp_path / "d/f").stat().st_mtime == (tmp_path / "d").stat().st_mtime == MTIME
    shown = os.fsencode(tmp_path / "d/refused")
    assert restoring.messages == [
        (MessageType.WARNING, b'acl_from_text error on file "%b": ERR=Invalid argument\n' % shown),
        (
            MessageType.WARNING,
            b"Can't restore ACLs of %b - incompatible acl stream encountered - 1013\n" % shown,
        ),
        (
            MessageType.WARNING,
            b"Can't restore Extended Attributes of %b - incompatible xattr stream encountered - 1997\n"
            % shown,
        ),
        (MessageType.ERROR, b'Illegal xattr stream, no XATTR_MAGIC on file "%b"\n' % shown),
        (MessageType.WARNING, b"Encountered 2 acl errors while doing restore\n"),
        (MessageType.WARNING, b"Encountered 1 xattr errors while doing restore\n"),
    ]


CONTENT = bytes(range(256)) * 300


def compressed(algorithm: Algorithm, level: int = 0) -> bytes:
    return Compressor(algorithm, level).compress(CONTENT)


def wrapped_windows(content: bytes) -> bytes:
    def part(kind: int, data: bytes, name: bytes = b"") -> bytes:
        sizes = len(data).to_bytes(8, "little") + len(name).to_bytes(4, "little")
        return kind.to_bytes(4, "little") + bytes(4) + sizes + name + data

    return part(3, b"security") + part(1, content) + part(4, b"ads", b"n\0")


WRAPPED = wrapped_windows(CONTENT)


@pytest.mark.parametrize(
    ("stream", "records"),
    [
        (Stream.FILE_DATA, [CONTENT[:1000], CONTENT[1000:]]),
        (Stream.SPARSE_DATA, [bytes(8) + CONTENT[:1000], (1000).to_bytes(8, "big") + CONTENT[1000:]]),
        (Stream.SPARSE_DATA, [(1000).to_bytes(8, "big") + CONTENT[1000:], bytes(8) + CONTENT[:1000]]),
        (Stream.GZIP_DATA, [zlib.compress(CONTENT)]),
        (Stream.SPARSE_GZIP_DATA, [bytes(8) + zlib.compress(CONTENT)]),
        (Stream.COMPRESSED_DATA, [compressed(Algorithm.GZIP, 6)]),
        (Stream.COMPRESSED_DATA, [compressed(Algorithm.LZO)]),
        (Stream.COMPRESSED_DATA, [compressed(Algorithm.LZFAST)]),
        (Stream.COMPRESSED_DATA, [compressed(Algorithm.LZ4)]),
        (Stream.SPARSE_COMPRESSED_DATA, [bytes(8) + compressed(Algorithm.LZ4HC)]),
        (Stream.WIN32_DATA, [WRAPPED]),
        (Stream.WIN32_DATA, [*map(bytes, zip(WRAPPED[:60], strict=True)), WRAPPED[60:]]),
        (Stream.WIN32_GZIP_DATA, [zlib.compress(WRAPPED)]),
    ],
)  # fmt: skip
def test_content_streams(tmp_path: Path, stream: Stream, records: list[bytes]) -> None:
    restoring = Restoring(tmp_path).run(
        attributes(1, FileType.REG, b"/f", size=len(CONTENT), stream=stream),
        *[record(1, stream, data) for data in records],
    )
    assert restoring.messages == []
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert restoring.counters.job_bytes == len(CONTENT)
    assert restoring.counters.read_bytes == sum(map(len, records))


def test_zeros_that_a_sparse_backup_forgot(tmp_path: Path) -> None:
    block = 4096
    restoring = Restoring(tmp_path).run(
        attributes(1, FileType.REG, b"/f", size=4 * block, stream=Stream.SPARSE_DATA),
        record(1, Stream.SPARSE_DATA, bytes(8) + b"x" * block),
        attributes(2, FileType.REG, b"/zeros", size=4 * block, stream=Stream.SPARSE_DATA),
        attributes(3, FileType.REG, b"/cut", size=4 * block + 1, stream=Stream.SPARSE_DATA),
        record(3, Stream.SPARSE_DATA, bytes(8) + b"x" * block),
    )
    assert (tmp_path / "f").read_bytes() == b"x" * block + bytes(3 * block)
    assert (tmp_path / "zeros").read_bytes() == bytes(4 * block)
    shown = os.fsencode(tmp_path / "cut")
    text = b"File size of restored file %b not correct. Original 16385, restored 4096.\n" % shown
    assert restoring.messages == [(MessageType.ERROR, text)]


def test_sizes(tmp_path: Path) -> None:
    restoring = Restoring(tmp_path).run(
        attributes(1, FileType.REG, b"/short", size=5),
        record(1, Stream.FILE_DATA, b"1234"),
        attributes(2, FileType.REG, b"/none", size=5),
        attributes(3, FileType.REG, b"/zero", size=0),
    )
    error, warning = restoring.messages
    assert error[0] is MessageType.ERROR
    assert error[1].endswith(b"/short not correct. Original 5, restored 4.\n")
    assert warning[0] is MessageType.WARNING


HASHES: list[tuple[Stream, Callable[[bytes], bytes]]] = [
    (Stream.MD5_DIGEST, lambda data: hashlib.md5(data).digest()),
    (Stream.SHA1_DIGEST, lambda data: hashlib.sha1(data).digest()),
    (Stream.SHA256_DIGEST, lambda data: hashlib.sha256(data).digest()),
    (Stream.SHA512_DIGEST, lambda data: hashlib.sha512(data).digest()),
    (Stream.XXH128_DIGEST, lambda data: xxhash.xxh3_128(data).digest()),
]


@pytest.mark.parametrize(("stream", "hashed"), HASHES)
@pytest.mark.parametrize("size", [0, 1, 100_000, 3_000_000])
def test_digests(tmp_path: Path, stream: Stream, hashed: Callable[[bytes], bytes], size: int) -> None:
    content = os.urandom(1000) * (size // 1000 + 1)
    content = content[:size]
    blocks = [content[start : start + 262_144] for start in range(0, size, 262_144)]

    def one(index: int, name: bytes, digest: bytes) -> bytes:
        data = b"".join(record(index, Stream.FILE_DATA, block) for block in blocks)
        return attributes(index, FileType.REG, name, size=size) + data + record(index, stream, digest)

    right = hashed(content)
    wrong = bytes(len(right))
    restoring = Restoring(tmp_path).run(one(1, b"/1", right), one(2, b"/2", wrong), one(3, b"/3", right))
    label = stream.name.removesuffix("_DIGEST").encode()
    shown = os.fsencode(tmp_path / "2")
    text = b"%b digest of restored file %b differs from the one in the backup.\n" % (label, shown)
    assert restoring.messages == [(MessageType.WARNING, text)]
    quiet = Restoring(tmp_path, check_digests=False).run(one(1, b"/1", wrong))
    assert quiet.messages == []


def test_streams_that_are_passed_over(tmp_path: Path) -> None:
    restoring = Restoring(tmp_path).run(
        record(1, Stream.PLUGIN_NAME, b"1 1 1 bpipe:x:y\0"),
        regular(1, b"/f", b"x"),
        record(1, Stream.SIGNED_DIGEST, b"signature"),
        record(1, Stream.MACOS_FORK_DATA, b"fork"),
        record(1, Stream.HFSPLUS_ATTRIBUTES, b"info"),
        record(1, Stream.PROGRAM_DATA, b"program"),
        record(1, Stream.RESTORE_OBJECT, b"object"),
        record(1, Stream.PLUGIN_NAME, b"1 0"),
        record(1, 777, b"?"),
        attributes(2, FileType.REG, b"/mac", stream=Stream.MACOS_FORK_DATA),
        xattrs(2, a=b"1"),
        attributes(3, FileType.REG, b"/unknown", stream=777),
    )
    assert restoring.messages == [
        (MessageType.WARNING, b"Plugin=bpipe:x:y not found.\n"),
        (MessageType.WARNING, b"Unknown stream=777 ignored. This shouldn't happen!\n"),
        (MessageType.WARNING, b"MacOS Fork data stream not supported on this Client.\n"),
        (
            MessageType.WARNING,
            b"2 non-supported data streams and 0 non-supported attrib streams ignored.\n",
        ),
        (MessageType.INFO, b"1 non-supported resource fork streams ignored.\n"),
        (MessageType.INFO, b"1 non-supported Finder Info streams ignored.\n"),
        (MessageType.INFO, b"1 non-supported program streams ignored.\n"),
    ]
    assert sorted(os.listdir(tmp_path)) == ["f"]


def test_encrypted_file_without_keys(tmp_path: Path) -> None:
    restoring = Restoring(tmp_path).run(
        attributes(1, FileType.REG, b"/f", size=5, stream=Stream.ENCRYPTED_FILE_DATA),
        record(1, Stream.ENCRYPTED_SESSION_DATA, b"session"),
        record(1, Stream.ENCRYPTED_FILE_DATA, b"x" * 16),
    )
    text = b"No private decryption keys have been defined to decrypt encrypted backup data.\n"
    assert restoring.messages == [(MessageType.ERROR, text)]


def test_signals_between_packets(tmp_path: Path) -> None:
    restoring = Restoring(tmp_path)
    data = regular(1, b"/f", b"x")
    answer = restoring.restorer.feed(
        signal(-6) + signal(-5) + data + signal(-7) + signal(-3) + signal(-99) + EOD
    )
    restoring.restorer.finish()
    assert answer == b"\0\0\0\x082000 OK\n\0\0\0\nStatus OK\n\xff\xff\xff\xff"
    assert restoring.restorer.packets == 4 + 6
    assert restoring.messages == []

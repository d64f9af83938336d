"""The disk levels of verify: which packets for which files, digests in order, and files that change underfoot."""

import hashlib
import os
import stat
import threading
from pathlib import Path

import pytest

from fdaemon.errors import JobCanceled
from fdaemon.fileset.entry import Entry
from fdaemon.fileset.model import FileSet, Include, Option, Options
from fdaemon.jobs.verify import SMALL, DiskVerifier, digest_threads
from fdaemon.protocol.messages import MessageType
from fdaemon.views import Counters
from fdaemon.wire.attributes import FileType
from fdaemon.wire.digests import Digest
from fdaemon.wire.numbers import base64_standard
from fdaemon.wire.stat import decode_stat
from tests.jobs.verifying import verify

MD5 = Options(digests=frozenset({Digest.MD5}), verify=b"Vpins5")


def md5(content: bytes) -> bytes:
    return base64_standard(hashlib.md5(content, usedforsecurity=False).digest())


@pytest.fixture(params=[0, 1, 4])
def threads(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def test_each_kind_of_file(tmp_path: Path, threads: int) -> None:
    top = tmp_path / "top"
    (top / "we ird").mkdir(parents=True)
    (top / "we ird/file").write_bytes(b"abc")
    os.link(top / "we ird/file", top / "we ird/hard")
    (top / "empty").write_bytes(b"")
    os.symlink("we ird/file", top / "soft")
    os.mkfifo(top / "pipe")
    done = verify(bytes(top), MD5, threads=threads)
    root = bytes(top)
    assert {file.attributes.name[len(root) :] for file in done.files} == {
        b"/we ird/file",
        b"/we ird/hard",
        b"/we ird/",
        b"/empty",
        b"/soft",
        b"/pipe",
        b"/",
    }
    assert [file.attributes.file_index for file in done.files] == list(range(1, 8))
    assert {file.attributes.options for file in done.files} == {b"VVpins5"}
    assert done.file(b"/soft").attributes.link == b"we ird/file"
    digests = {file.attributes.name[len(root) :]: file.digest.text for file in done.files if file.digest}
    assert digests == {
        b"/we ird/file": b"kAFQmDzST7DWlj99KOF/cg",
        b"/we ird/hard": b"kAFQmDzST7DWlj99KOF/cg",
        b"/empty": b"1B2M2Y8AsgTpgAmY7PhCfg",
    }
    record = decode_stat(done.file(b"/hard").attributes.stat)
    assert (record.size, record.nlink, record.link_index, record.stream) == (3, 2, 0, 0)
    assert (done.counters.read_bytes, done.counters.job_bytes, done.counters.examined) == (6, 6, 7)
    assert sum(batch.digested for batch in done.batches) == 3
    assert sum(batch.plain for batch in done.batches) == 4


@pytest.mark.parametrize("digest", list(Digest))
def test_every_digest(tmp_path: Path, digest: Digest) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    done = verify(bytes(tmp_path / "file"), Options(digests=frozenset({digest}), verify=b"V"))
    [file] = done.files
    assert file.digest is not None
    assert file.digest.digest is digest
    documented = {
        Digest.MD5: b"kAFQmDzST7DWlj99KOF/cg",
        Digest.SHA1: b"qZk+NkcGgWq6PiVxeFDCbJzQ2J0",
        Digest.SHA256: b"ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0",
        Digest.SHA512: b"3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw",
        Digest.XXH128: b"BrBatnM6YYV4r1+UiS85UA",
    }
    assert file.digest.text == documented[digest]  # protocol/05 section 6.2


def test_no_digest_option_reads_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    done = verify(bytes(tmp_path))
    assert [(file.attributes.options, file.digest) for file in done.files] == [(b"V", None)] * 2
    assert done.counters.read_bytes == 0


def test_letters_of_all_blocks_together(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    done = verify(bytes(tmp_path), Options(verify=b"Vp"), Options(verify=b"Vi5"))
    assert {file.attributes.options for file in done.files} == {b"VVpVi5"}


def test_large_and_small_files_stay_in_order(tmp_path: Path, threads: int) -> None:
    contents = {}
    for number in range(300):
        size = (SMALL - 1, SMALL, SMALL + 1, 3 * SMALL, 0, 7)[number % 6] if number < 60 else number * 50
        contents[b"%03d" % number] = os.urandom(16) * (size // 16) + b"x" * (size % 16)
        (tmp_path / f"{number:03}").write_bytes(contents[b"%03d" % number])
    done = verify(bytes(tmp_path), MD5, threads=threads)
    assert [file.attributes.file_index for file in done.files] == list(range(1, 302))
    found = {file.attributes.name[-3:]: file.digest.text for file in done.files if file.digest}
    assert found == {name: md5(content) for name, content in contents.items()}
    assert done.counters.read_bytes == sum(map(len, contents.values()))
    assert [batch.files for batch in done.batches] == sorted({batch.files or 0 for batch in done.batches})


def sparse_content() -> bytes:
    """protocol/05 section 6.4."""
    return bytes(3 * 262144) + 10 * b"x" + bytes(2 * 262144)


@pytest.mark.parametrize(
    ("flags", "text", "counted"),
    [
        (Option.SPARSE, b"NuuQ9X5rbna3SdEWrwmWag", 262144 + 10),
        (Option(0), b"srOxbbXDTN8pV/N+aDOcDg", 5 * 262144 + 10),
    ],
)
@pytest.mark.parametrize("holes", [True, False])
def test_zero_blocks_of_a_sparse_file(
    tmp_path: Path, flags: Option, text: bytes, counted: int, holes: bool
) -> None:
    path = tmp_path / "file"
    if holes:
        with path.open("wb") as file:
            file.seek(3 * 262144)
            file.write(10 * b"x")
            file.truncate(5 * 262144 + 10)
    else:
        path.write_bytes(sparse_content())
    done = verify(bytes(path), Options(flags=flags, digests=frozenset({Digest.MD5})))
    assert done.files[0].digest is not None
    assert done.files[0].digest.text == text
    assert done.counters.read_bytes == done.counters.job_bytes == counted


def test_a_stripped_path(tmp_path: Path) -> None:
    deep = tmp_path / "a/b"
    deep.mkdir(parents=True)
    (deep / "file").write_bytes(b"")
    count = len(deep.parts) - 2
    block = Options(flags=Option.STRIP_PATH, strip=count, verify=b"Vp")
    names = [file.attributes.name for file in verify(bytes(deep), block).files]
    assert names == [b"/b/file", b"/b/"]
    too_many = Options(flags=Option.STRIP_PATH, strip=count + 5, verify=b"Vp")
    assert [file.attributes.name for file in verify(bytes(deep), too_many).files] == [
        bytes(deep) + b"/file",
        bytes(deep) + b"/",
    ]


def entry(kind: FileType, error: OSError | None = None) -> Entry:
    include = Include(options=(MD5,))
    return Entry(b"/x/y", b"y", -1, kind, os.lstat("/"), MD5, include, b"/x", error=error)


DENIED = PermissionError(13, "Permission denied")


@pytest.mark.parametrize(
    ("kind", "message", "sent"),
    [
        (FileType.NOACCESS, (8, b"     Could not access /x/y: ERR=Permission denied\n", 1), b""),
        (FileType.NOFOLLOW, (8, b"     Could not follow link /x/y: ERR=Permission denied\n", 1), b""),
        (FileType.NOSTAT, (8, b"     Could not stat /x/y: ERR=Permission denied\n", 1), b""),
        (FileType.NOOPEN, (8, b"     Could not open directory /x/y: ERR=Permission denied\n", 1), b""),
        (FileType.NOCHG, (9, b"     Unchanged file skipped: /x/y\n", 0), b""),
        (FileType.DIRNOCHG, (9, b"     Unchanged file skipped: /x/y\n", 0), b""),
        (FileType.ISARCH, (9, b"     Archive file skipped: /x/y\n", 0), b""),
        (FileType.NOFSCHG, (9, b"     File system change prohibited. Directory skipped: /x/y\n", 0), b""),
        (FileType.NORECURSE, (9, b"     Recursion turned off. Directory skipped: /x/y\n", 0), b"/x/y/"),
        (FileType.INVALIDFS, (8, b"     Unknown file type 19: /x/y\n", 1), b""),
        (FileType.INVALIDDT, (8, b"     Unknown file type 20: /x/y\n", 1), b""),
        (FileType.DELETED, (8, b"     Unknown file type 23: /x/y\n", 1), b""),
        (FileType.DIRBEGIN, None, b""),
        (FileType.RESTORE_FIRST, None, b""),
        (FileType.SPEC, None, b"/x/y"),
        (FileType.RAW, None, b"/x/y"),
        (FileType.FIFO, None, b"/x/y"),
        (FileType.JUNCTION, None, b"/x/y/"),
    ],
)
def test_what_is_said_of_each_type(
    kind: FileType, message: tuple[int, bytes, int] | None, sent: bytes
) -> None:
    done = verify(entries=[entry(kind, DENIED)])
    assert done.messages == ([] if message is None else [message])
    assert [file.attributes.name for file in done.files] == ([sent] if sent else [])
    assert done.counters.examined == (kind is not FileType.DIRBEGIN)
    assert sum(batch.skipped for batch in done.batches) == (not sent)
    if message and sent:
        assert done.said[0] == message


def test_a_file_that_vanishes_before_it_is_read(tmp_path: Path, threads: int) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).write_bytes(b"abc")
    gone: list[bytes] = []

    def vanish(found: Entry) -> None:
        if not gone and found.type is FileType.REG:
            os.unlink(found.path)
            gone.append(found.path)

    done = verify(bytes(tmp_path), MD5, on_entry=vanish, threads=threads)
    text = b"     Cannot open %b: ERR=No such file or directory.\n" % gone[0]
    assert done.messages == [(MessageType.ERROR, text, 1)]
    at = done.said.index((MessageType.ERROR, text, 1))
    before = done.said[at - 1]
    assert before == done.file(gone[0]).attributes  # the message follows the file's own packet
    assert [file.digest is None for file in done.files] == [
        file.attributes.name.endswith((gone[0], b"/")) for file in done.files
    ]


@pytest.mark.parametrize("size", [10, SMALL + 10, 700_000])
@pytest.mark.parametrize("by", [-5, 5, 300_000])
def test_a_file_that_grows_or_shrinks_is_digested_as_it_is(
    tmp_path: Path, size: int, by: int, threads: int
) -> None:
    path = tmp_path / "file"
    path.write_bytes(os.urandom(size))

    def resize(found: Entry) -> None:
        if found.type is FileType.REG:
            os.truncate(path, size + by)

    done = verify(bytes(path), MD5, on_entry=resize, threads=threads)
    [file] = done.files
    assert file.digest is not None
    assert file.digest.text == md5(path.read_bytes())
    assert decode_stat(file.attributes.stat).size == size
    assert done.counters.read_bytes == size + by


def test_a_file_replaced_by_a_link_is_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    (tmp_path / "secret").write_bytes(b"secret")

    def replace(found: Entry) -> None:
        path.unlink()
        path.symlink_to("secret")

    done = verify(bytes(path), MD5, on_entry=replace)
    text = b"     Cannot open %b: ERR=Too many levels of symbolic links.\n" % bytes(path)
    assert done.messages == [(MessageType.ERROR, text, 1)]
    assert done.files[0].digest is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    (tmp_path / "file").chmod(0)
    done = verify(bytes(tmp_path), MD5)
    text = b"     Cannot open %b/file: ERR=Permission denied.\n" % bytes(tmp_path)
    assert done.messages == [(MessageType.ERROR, text, 1)]


def test_a_read_error_is_told_and_what_was_read_is_digested(tmp_path: Path, threads: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")

    def replace(found: Entry) -> None:
        path.unlink()
        path.mkdir()  # opens, but read fails

    done = verify(bytes(path), MD5, on_entry=replace, threads=threads)
    text = b"Error reading file %b: ERR=Is a directory\n" % bytes(path)
    assert done.messages == [(MessageType.ERROR, text, 1)]
    assert done.files[0].digest is not None
    assert done.files[0].digest.text == md5(b"")


def test_unchanged_files_since_a_time(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"old")
    done = verify(bytes(tmp_path), MD5, since=2**32, want_skipped=True)
    assert done.files == []
    path = bytes(tmp_path)
    said = {text for _, text, _ in done.messages}
    assert said == {
        b"     Unchanged file skipped: %b/old\n" % path,
        b"     Unchanged file skipped: %b\n" % path,
    }


def test_a_plugin_ends_the_walk_after_what_was_found(tmp_path: Path, threads: int) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    chosen = FileSet((Include(options=(MD5,), names=(bytes(tmp_path),), plugins=(b"python:x",)),))
    done = verify(chosen=chosen, threads=threads)
    assert done.failure is not None
    assert len(done.files) == 2


def test_access_times(tmp_path: Path) -> None:
    for size in (3, SMALL + 1):
        path = tmp_path / f"kept{size}"
        path.write_bytes(bytes(size))
        os.utime(path, (1, 1))
        verify(bytes(path), Options(flags=Option.KEEP_ATIME, digests=frozenset({Digest.MD5})))
        assert os.stat(path).st_atime == 1
        verify(bytes(path), Options(flags=Option.NO_ATIME, digests=frozenset({Digest.MD5})))
        assert os.stat(path).st_atime == 1


def test_stop_ends_a_digest_at_its_next_block(tmp_path: Path) -> None:
    path = tmp_path / "endless"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    verifier = DiskVerifier(
        lambda say: iter([entry_of(path)]), counters=Counters(), check_cancelled=lambda: None, threads=2
    )
    ended = threading.Event()

    def run() -> None:
        with pytest.raises(JobCanceled):
            list(verifier.batches())
        ended.set()

    worker = threading.Thread(target=run)
    worker.start()
    assert not ended.is_set()
    verifier.stop()
    worker.join(10)
    assert ended.is_set()


def entry_of(path: Path) -> Entry:
    st = os.lstat(path)
    assert stat.S_ISREG(st.st_mode)
    return Entry(bytes(path), bytes(path), -1, FileType.REG, st, MD5, Include(options=(MD5,)), bytes(path))


def test_descriptors_are_closed_when_it_stops_early(tmp_path: Path) -> None:
    for number in range(20):
        with (tmp_path / f"{number}").open("wb") as file:
            file.truncate(1 << 38)
    before = set(os.listdir("/proc/self/fd"))
    calls = iter(range(100))

    def check() -> None:
        if next(calls) > 2:
            raise JobCanceled("enough")

    paths = sorted(tmp_path.iterdir())
    verifier = DiskVerifier(
        lambda say: (stopping(verifier, entry_of(path)) for path in paths),
        counters=Counters(),
        check_cancelled=check,
        threads=2,
    )
    with pytest.raises(JobCanceled):
        list(verifier.batches())
    assert set(os.listdir("/proc/self/fd")) == before


def test_a_cancel_before_a_large_file_leaves_it_closed(tmp_path: Path) -> None:
    """Without threads the small file before it is digested while it is open, and that may find the job canceled."""
    (tmp_path / "a").write_bytes(b"small")
    (tmp_path / "b").write_bytes(bytes(SMALL))
    seen: list[bytes] = []

    def check() -> None:
        if len(seen) > 1:
            raise JobCanceled("enough")

    names = (bytes(tmp_path / "a"), bytes(tmp_path / "b"))
    chosen = FileSet(includes=(Include(options=(MD5,), names=names),))
    descriptors = sorted(os.listdir("/proc/self/fd"))
    with pytest.raises(JobCanceled):
        verify(
            chosen=chosen,
            threads=0,
            check_cancelled=check,
            on_entry=lambda entry: seen.append(entry.path),
        )
    assert sorted(os.listdir("/proc/self/fd")) == descriptors


def stopping(verifier: DiskVerifier, found: Entry) -> Entry:
    if found.path.endswith(b"/12"):
        verifier.stop()
    return found


@pytest.mark.parametrize(("workers", "expected"), [(0, 0), (64, 64)])
def test_threads_beside_the_walk(workers: int, expected: int) -> None:
    processors = os.process_cpu_count() or 1
    assert digest_threads(workers) == (expected if processors > 1 else 0)
    assert digest_threads(1) == (processors if processors > 1 else 0)

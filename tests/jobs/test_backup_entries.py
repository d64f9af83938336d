"""Everything about an entry but its content: types, messages and counts, names, links, attributes, odd files."""

import errno
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fdaemon.errors import JobFailed
from fdaemon.fileset.entry import NO_STAT, Entry
from fdaemon.fileset.model import FileSet, Include, Option, Options, Pattern, PatternKind
from fdaemon.fileset.walk import walk
from fdaemon.protocol.messages import MessageType
from fdaemon.wire.attributes import FileType
from fdaemon.wire.digests import Digest
from fdaemon.wire.stat import decode_stat
from fdaemon.wire.streams import Stream
from tests.jobs.backups import fileset, options, save
from tests.support.saved import digest_of

MD5 = frozenset({Digest.MD5})


def entry(kind: FileType, path: bytes = b"/top/x", stat: os.stat_result = NO_STAT, **others: Any) -> Entry:
    made = Entry(path, path, -1, kind, stat, others.pop("options", Options()), Include(), b"/top")
    for name, value in others.items():
        setattr(made, name, value)
    return made


NO_PERMISSION = OSError(errno.EACCES, "x")
LEFT_OUT = [
    (FileType.NOACCESS, MessageType.NOTSAVED, b'     Could not access "/top/x": ERR=Permission denied\n', 1),
    (
        FileType.NOFOLLOW,
        MessageType.NOTSAVED,
        b'     Could not follow link "/top/x": ERR=Permission denied\n',
        1,
    ),
    (FileType.NOSTAT, MessageType.NOTSAVED, b'     Could not stat "/top/x": ERR=Permission denied\n', 1),
    (
        FileType.NOOPEN,
        MessageType.NOTSAVED,
        b'     Could not open directory "/top/x": ERR=Permission denied\n',
        1,
    ),
    (FileType.NOCHG, MessageType.SKIPPED, b"     Unchanged file skipped: /top/x\n", 0),
    (FileType.DIRNOCHG, MessageType.SKIPPED, b"     Unchanged file skipped: /top/x\n", 0),
    (FileType.ISARCH, MessageType.NOTSAVED, b"     Archive file not saved: /top/x\n", 0),
    (FileType.PLUGIN, MessageType.NOTSAVED, b"     Unknown file type 22; not saved: /top/x\n", 1),
]
KEPT = [
    (FileType.NORECURSE, b"     Recursion turned off. Will not descend from /top into /top/x\n"),
    (FileType.NOFSCHG, b"     /top/x is a different filesystem. Will not descend from /top into it.\n"),
    (FileType.INVALIDFS, b"     Disallowed filesystem. Will not descend from /top into /top/x\n"),
]


@pytest.mark.parametrize(("kind", "message", "text", "errors"), LEFT_OUT)
def test_what_is_not_saved_is_told_and_counted(
    kind: FileType, message: MessageType, text: bytes, errors: int
) -> None:
    outcome = save([entry(kind, error=NO_PERMISSION)])
    assert (outcome.files, outcome.messages) == ([], [(message, text, errors)])
    assert (outcome.counters.examined, outcome.counters.files) == (1, 0)


@pytest.mark.parametrize(("kind", "text"), KEPT)
def test_a_directory_that_is_not_descended_into_is_saved_all_the_same(kind: FileType, text: bytes) -> None:
    outcome = save([entry(kind)])
    assert outcome.messages == [(MessageType.INFO, text, 0)]
    assert [(f.attributes.type, f.attributes.name) for f in outcome.files] == [(FileType.DIREND, b"/top/x/")]


def test_a_listed_mount_point_is_saved_in_silence() -> None:
    assert save([entry(FileType.NOFSCHG, listed=True)]).messages == []


def test_the_beginning_of_a_directory_is_nothing() -> None:
    outcome = save([entry(FileType.DIRBEGIN)])
    assert (outcome.files, outcome.messages, outcome.counters.examined) == ([], [], 0)


def test_a_deleted_file_is_attributes_only() -> None:
    times = (0, 1_690_000_000, 1_690_000_001)
    stat = os.stat_result((0,) * 7 + times, {"st_rdev": 0, "st_blksize": 0, "st_blocks": 0})
    [file] = save(
        [entry(FileType.DELETED, b"/gone", stat, options=options(Option.STRIP_PATH, strip=1))]
    ).files
    assert (file.attributes.type, file.attributes.name, file.streams) == (FileType.DELETED, b"/gone", [])
    assert file.attributes.stat == b"A A A A A A A A A A A Bku1qA Bku1qB A A C"


def test_a_base_file_is_attributes_only_with_the_whole_stat() -> None:
    """An unchanged regular file of a base job, with a size, so that content would be expected."""
    values = (0o100644, 9, 1, 1, 0, 0, 77, 0, 1_690_000_000, 1_690_000_001)
    stat = os.stat_result(values, {"st_rdev": 0, "st_blksize": 4096, "st_blocks": 8})
    [file] = save([entry(FileType.BASE, b"/base", stat)]).files
    assert (file.attributes.type, file.attributes.name, file.streams) == (FileType.BASE, b"/base", [])
    assert file.attributes.stat == b"B J IGk B A A A BN BAA I A Bku1qA Bku1qB A A C"


def test_sockets_are_skipped(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(tmp_path / "s"))
        outcome = save(root=bytes(tmp_path), block=options())
    assert len(outcome.files) == 1
    assert outcome.messages == [
        (MessageType.SKIPPED, b"     Socket file skipped: %b/s\n" % bytes(tmp_path), 0)
    ]


@pytest.mark.parametrize("size", [3, 300_000])
def test_a_file_that_cannot_be_opened_keeps_its_attributes_only(tmp_path: Path, size: int) -> None:
    (tmp_path / "f").write_bytes(bytes(size))
    (tmp_path / "g").write_bytes(b"after")

    def entries() -> Iterator[Entry]:
        for each in walk(fileset(bytes(tmp_path), options(digests=MD5))):
            if each.name == b"f":
                (tmp_path / "f").unlink()
                (tmp_path / "f").symlink_to("g")
            yield each

    outcome = save(entries())
    name = bytes(tmp_path) + b"/f"
    text = b'     Cannot open "%b": ERR=Too many levels of symbolic links.\n' % name
    assert outcome.messages == [(MessageType.NOTSAVED, text, 1)]
    assert outcome.file(b"/f").streams == []
    assert outcome.file(b"/g").records(Stream.FILE_DATA) == [b"after"]
    assert outcome.counters.errors == 1


@pytest.mark.parametrize(
    ("before", "after"), [(10, 3), (10, 0), (10, 400_000), (600_000, 5), (600_000, 900_001)]
)
def test_what_is_there_at_the_time_of_reading_is_saved(tmp_path: Path, before: int, after: int) -> None:
    (tmp_path / "f").write_bytes(bytes(before))
    content = os.urandom(after)

    def entries() -> Iterator[Entry]:
        for each in walk(fileset(bytes(tmp_path), options(Option.CHECK_CHANGES, digests=MD5))):
            if each.name == b"f":
                (tmp_path / "f").write_bytes(content)
                os.utime(tmp_path / "f", ns=(each.stat.st_atime_ns, each.stat.st_mtime_ns + 5 * 10**9))
            yield each

    outcome = save(entries())
    file = outcome.file(b"/f")
    assert decode_stat(file.attributes.stat).size == before
    assert b"".join(file.records(Stream.FILE_DATA)) == content
    assert file.records(Stream.MD5_DIGEST) == [digest_of(Digest.MD5, content)]
    assert file.numbers == [Stream.FILE_DATA, Stream.MD5_DIGEST]
    text = b"%b/f: mtime changed during backup.\n" % bytes(tmp_path)
    assert outcome.messages == [(MessageType.ERROR, text, 0)]


def test_a_small_file_that_grew_is_saved_whole_without_the_option(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"short")

    def entries() -> Iterator[Entry]:
        for each in walk(fileset(bytes(tmp_path), options(digests=MD5))):
            if each.name == b"f":
                (tmp_path / "f").write_bytes(b"much longer")
            yield each

    outcome = save(entries())
    assert outcome.file(b"/f").records(Stream.FILE_DATA) == [b"much longer"]
    assert (outcome.counters.examined, outcome.counters.read_bytes) == (2, 11)


def test_a_read_error_ends_the_stream_and_the_rest_follows(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x" * 10)
    broken = entry(FileType.REG, b"/proc/self/mem", (tmp_path / "f").stat(), options=options(digests=MD5))
    outcome = save([broken])
    assert outcome.messages == [
        (MessageType.ERROR, b"Read error on file /proc/self/mem. ERR=Input/output error\n", 1)
    ]
    [file] = outcome.files
    assert file.streams == [(Stream.FILE_DATA, []), *file.streams[1:]]
    assert file.records(Stream.MD5_DIGEST) == [digest_of(Digest.MD5)]
    assert outcome.counters.errors == 2


def test_too_many_read_errors_end_the_job(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x" * 10)
    broken = entry(FileType.REG, b"/proc/self/mem", (tmp_path / "f").stat())
    with pytest.raises(JobFailed) as caught:
        save([broken] * 1000)
    assert caught.value.text == b"Too many errors. JobErrors=1002.\n"


def test_the_further_names_of_an_inode_repeat_its_digest(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one inode")
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    os.setxattr(tmp_path / "a", "user.k", b"v")
    outcome = save(root=bytes(tmp_path), block=options(Option.XATTR, digests=MD5), first_index=41)
    first, second, _ = outcome.files
    assert (first.attributes.type, second.attributes.type) == (FileType.REG, FileType.LNKSAVED)
    assert (first.attributes.file_index, second.attributes.file_index) == (42, 43)
    assert second.attributes.link == first.attributes.name
    assert decode_stat(second.attributes.stat).link_index == 42
    assert first.numbers == [Stream.FILE_DATA, Stream.XATTR_LINUX, Stream.MD5_DIGEST]
    assert second.numbers == [Stream.XATTR_LINUX, Stream.MD5_DIGEST]
    assert second.records(Stream.MD5_DIGEST) == first.records(Stream.MD5_DIGEST)
    assert outcome.counters.job_bytes == 9 + 2 * len(second.records(Stream.XATTR_LINUX)[0])


@pytest.mark.parametrize("size", [0, 5, 300_000])
def test_names_are_stripped_and_files_opened_in_full(tmp_path: Path, size: int) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d/f").write_bytes(bytes(size))
    outcome = save(root=bytes(tmp_path), block=options(Option.STRIP_PATH, strip=2))
    stripped = b"/" + b"/".join(bytes(tmp_path).split(b"/")[3:])
    assert [f.attributes.name for f in outcome.files] == [stripped + n for n in (b"/d/f", b"/d/", b"/")]
    assert sum(map(len, outcome.files[0].records(Stream.FILE_DATA))) == size


@pytest.mark.parametrize("stripped", ["first", "second"])
def test_a_link_names_the_first_name_as_it_was_stored(tmp_path: Path, stripped: str) -> None:
    """Where only some Options strip names: the link is to what the archive has, else nothing can restore it."""
    for number, name in enumerate(("first", "second")):
        (tmp_path / name).mkdir()
        if number:
            (tmp_path / "second/f").hardlink_to(tmp_path / "first/f")
        else:
            (tmp_path / "first/f").write_bytes(b"linked")
    wild = Pattern(PatternKind.WILD, b"*/%b/*" % stripped.encode())
    blocks = (
        options(Option.STRIP_PATH, strip=1, patterns=(wild,)),
        options(strip=1),
    )
    names = (bytes(tmp_path / "first"), bytes(tmp_path / "second"))
    chosen = FileSet(includes=(Include(options=blocks, names=names),))
    files = {file.attributes.type: file.attributes for file in save(walk(chosen)).files}
    assert files[FileType.LNKSAVED].link == files[FileType.REG].name
    assert (files[FileType.REG].name == bytes(tmp_path / "first/f")) is (stripped == "second")


def test_too_many_components_to_strip_leave_the_name_alone(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"")
    outcome = save(root=bytes(tmp_path), block=options(Option.STRIP_PATH, strip=99))
    assert outcome.files[0].attributes.name == bytes(tmp_path) + b"/f"


@pytest.mark.parametrize("option", [Option.KEEP_ATIME, Option.NO_ATIME])
def test_the_access_time_survives(tmp_path: Path, option: Option) -> None:
    for name in ("small", "large"):
        (tmp_path / name).write_bytes(bytes(10 if name == "small" else 700_000))
        os.utime(tmp_path / name, ns=(10**18 + 1, 2 * 10**18 + 3))
    save(root=bytes(tmp_path), block=options(option))
    for name in ("small", "large"):
        after = (tmp_path / name).stat()
        assert (after.st_atime_ns, after.st_mtime_ns) == (10**18 + 1, 2 * 10**18 + 3)


@pytest.mark.parametrize("option", [Option.READ_FIFO, Option.READ_FIFO | Option.NO_ATIME])
def test_a_pipe_is_read_when_asked_for(tmp_path: Path, option: Option) -> None:
    os.mkfifo(tmp_path / "p")
    content = os.urandom(700_000)

    def write() -> None:
        (tmp_path / "p").write_bytes(content)

    writer = threading.Thread(target=write)
    writer.start()
    outcome = save(
        root=bytes(tmp_path / "p"), block=options(option, digests=MD5), check_cancelled=lambda: None
    )
    writer.join()
    [file] = outcome.files
    assert (file.attributes.type, file.numbers) == (FileType.FIFO, [Stream.FILE_DATA])
    assert [len(record) for record in file.records(Stream.FILE_DATA)] == [262_144, 262_144, 175_712]
    assert b"".join(file.records(Stream.FILE_DATA)) == content


@pytest.mark.parametrize("option", [Option.READ_FIFO, Option.READ_FIFO | Option.NO_ATIME])
def test_a_pipe_to_which_nobody_writes_is_told(
    tmp_path: Path, option: Option, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fdaemon.jobs.backup_entry.FIFO_SECONDS", 0)
    monkeypatch.setattr("fdaemon.jobs.backup_entry.FIFO_POLL", 1)
    os.mkfifo(tmp_path / "p")
    outcome = save(root=bytes(tmp_path / "p"), block=options(option), check_cancelled=lambda: None)
    [(kind, text, _)] = outcome.messages
    assert kind is MessageType.NOTSAVED
    assert b"Interrupted system call" in text


def test_an_option_plugin_ends_the_job(tmp_path: Path) -> None:
    with pytest.raises(JobFailed, match="python:x"):
        save(root=bytes(tmp_path), block=options(plugin=b"python:x"))


def test_the_file_index_does_not_overflow(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x")
    with pytest.raises(JobFailed, match="FileIndex overflow detected"):
        save(root=bytes(tmp_path), block=options(), first_index=0x7FFF_FFFE)


def test_slow_entries_do_not_hold_back_what_is_there(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"{number}").write_bytes(b"x")
    now = iter(range(100_000))
    outcome = save(root=bytes(tmp_path), block=options(), clock=lambda: float(next(now)))
    assert len(outcome.batches) == 5

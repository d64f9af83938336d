"""The accurate list and the comparison with it: rows 71 to 87 and 99 of the case table in protocol/03
section 9."""

import base64
import hashlib
import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fdaemon.fileset.accurate import ABSENT, FIRST_SIZE, AccurateList, number
from fdaemon.fileset.compare import AccurateComparison
from fdaemon.fileset.entry import Entry
from fdaemon.fileset.model import Options
from fdaemon.fileset.strip import strip_name
from fdaemon.fileset.walk import walk
from fdaemon.protocol.messages import MessageType
from fdaemon.wire.attributes import FileType
from fdaemon.wire.numbers import encode_number
from fdaemon.wire.stat import StatRecord, decode_stat, encode_stat
from tests.fileset.scanning import Scan, fileset, plant, scan

FUTURE = 1 << 40
TREE = "a/f=1 a/b/g=22 a/l>f"
LINES = ["O MHAX", "N", "F a"]
HOSTS = b"gB BgCC IGk B A A A Dd BAA I BlU/Is BlU/EA BlU/EB A A C"


def packet(name: bytes, stat: bytes, checksum: bytes = b"", delta: int = 0) -> bytes:
    return b"%b\0%b\0%b\0%d" % (name, stat, checksum, delta)


def state(
    root: bytes,
    lines: list[str] = LINES,
    *,
    strip: int = 0,
    checksum: Callable[[Entry], bytes] = lambda entry: b"",
    alter: Callable[[bytes, StatRecord], StatRecord] = lambda name, stat: stat,
) -> list[bytes]:
    """The list that the Director would send after a Full backup of what is there now."""
    packets: list[bytes] = []
    for entry in walk(fileset(root, lines)):
        name = entry.stored_name
        stat = alter(name.removeprefix(root + b"/"), decode_stat(encode_stat(entry.stat, 0, 2)))
        packets.append(packet(strip_name(name, strip) or name, stat.encode(), checksum(entry)))
    return packets


def filled(packets: Iterable[bytes], announced: int = 100) -> AccurateList:
    listed = AccurateList(announced)
    for one in packets:
        listed.add_packet(one)
    return listed


class Md5:
    """Digests whole files; says how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    def __call__(
        self, path: bytes, dir_fd: int, name: bytes, st: os.stat_result, options: Options
    ) -> bytes | None:
        self.asked.append(name)
        descriptor = os.open(name, os.O_RDONLY, dir_fd=dir_fd if dir_fd >= 0 else None)
        try:
            data = os.read(descriptor, 1 << 20)
        finally:
            os.close(descriptor)
        return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).rstrip(b"=")


def run(
    root: bytes,
    packets: Iterable[bytes],
    lines: list[str] = LINES,
    *,
    full: bool = False,
    withhold: bool = False,
    checksum: Md5 | None = None,
) -> Scan:
    told: list[tuple[MessageType, bytes]] = []
    comparison = AccurateComparison(
        filled(packets),
        checksum=checksum or Md5(),
        report=lambda kind, text, errors: told.append((kind, text.replace(root, b"R"))),
        full=full,
        withhold=withhold,
    )
    found = scan(root, lines, accurate=comparison)
    found.told += told
    return found


def digest_of(root: bytes) -> Callable[[Entry], bytes]:
    return lambda entry: (
        Md5()(b"", entry.dir_fd, entry.name, entry.stat, Options()) or b""
        if entry.type is FileType.REG
        else b""
    )


def test_the_recorded_entry() -> None:
    listed = filled(
        [packet(b"/etc/hosts", HOSTS, b"sZRqySSS0jR8YjW00mERhA"), b"/etc/\0" + HOSTS + b"\0\x000"]
    )
    file, folder = listed.find(b"/etc/hosts"), listed.find(b"/etc/")
    assert (file, folder, len(listed)) == (0, 1, 2)
    assert listed.stat(file) == decode_stat(HOSTS)
    assert listed.stat(folder) == decode_stat(HOSTS)
    assert (listed.checksum(file), listed.checksum(folder)) == (b"sZRqySSS0jR8YjW00mERhA", b"")
    assert (listed.name(file), listed.name(folder)) == (b"/etc/hosts", b"/etc/")
    assert listed.find(b"/etc") == ABSENT
    assert listed.find(b"/etc/hosts/") == ABSENT
    assert listed.find(b"/usr/hosts") == ABSENT
    assert listed.find(b"hosts") == ABSENT


@pytest.mark.parametrize(
    ("payload", "length", "checksum", "delta"),
    [
        (b"/f\0" + HOSTS, 1, b"", 0),
        (b"/f\0" + HOSTS + b"\0", 1, b"", 0),
        (b"/f\0" + HOSTS + b"\0\x0012", 1, b"", 12),
        (b"/f\0" + HOSTS + b"\0sum\x0065537", 1, b"sum", 1),
        (b"/f\0" + HOSTS + b"\0sum", 0, b"", 0),
        (b"/f\0" + HOSTS + b"\0sum\0x", 1, b"sum", 0),
    ],
)
def test_packets_with_and_without_checksum(payload: bytes, length: int, checksum: bytes, delta: int) -> None:
    listed = filled([payload])
    assert len(listed) == length
    if length:
        assert (listed.checksum(0), listed.delta_seq(0), listed.name(0)) == (checksum, delta, b"/f")


def test_row_81_duplicates_and_too_many() -> None:
    one, other = packet(b"/a", HOSTS, b"first"), packet(b"/b", HOSTS)
    assert filled([one, other], 2).complaints() == []
    listed = filled([one, packet(b"/a", HOSTS, b"second"), other], 1)
    assert listed.checksum(listed.find(b"/a")) == b"first"
    assert listed.complaints() == [
        b"1 duplicate files were sent by the director and removed. This may indicate problems with the database.\n",
        b"The director send too many files. 2 were sent but only 1 were anticipated. "
        b"The accurate job may be in a corrupted state.\n",
    ]


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.binary(min_size=1, max_size=12).filter(lambda name: b"\0" not in name),
        st.tuples(st.integers(0, 2**63 - 1), st.integers(-(2**40), 2**40), st.integers(0, 65535)),
        max_size=60,
    )
)
def test_whatever_is_added_is_found(entries: dict[bytes, tuple[int, int, int]]) -> None:
    listed = AccurateList(0)
    for name, (size, mtime, delta) in entries.items():
        stat = StatRecord(size=size, mtime=mtime, mode=size & 0xFFFF)
        listed.add_packet(packet(name, stat.encode(), encode_number(size), delta))
    assert len(listed) == len(entries)
    for name, (size, mtime, delta) in entries.items():
        entry = listed.find(name)
        assert listed.stat(entry) == StatRecord(size=size, mtime=mtime, mode=size & 0xFFFF)
        assert (listed.name(entry), listed.delta_seq(entry)) == (name, delta)
        assert listed.checksum(entry) == encode_number(size)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=20), st.binary(max_size=20))
def test_no_packet_breaks_the_list(packets: list[bytes], asked: bytes) -> None:
    listed = filled(packets, 0)
    for entry in range(len(listed)):
        assert isinstance(listed.stat(entry), StatRecord)
        assert listed.find(listed.name(entry)) == entry
    assert listed.find(asked) < len(listed)


@given(st.integers(-(2**63), 2**63 - 1))
def test_numbers_as_the_wire_writes_them(value: int) -> None:
    assert number(encode_number(value)) == value


def test_numbers_that_are_none() -> None:
    assert [number(text) for text in (b"", b"-", b"B!", b"AB=")] == [0, 0, 64, 64]


def test_a_large_list_grows_and_stays_small() -> None:
    count = FIRST_SIZE * 8
    listed = AccurateList(0)
    for index in range(count):
        stat = StatRecord(
            27, 300_000 + index, 0o100644, 1, 0, 0, 0, index, 4096, 8, 1795410739, 1795410739, 1795410739
        )
        name = b"/srv/data/some/directory%d/file%05d.txt" % (index // 100, index)
        listed.add_packet(packet(name, stat.encode(), b"sZRqySSS0jR8YjW00mERhA"))
    assert listed.memory / count <= 100
    for index in range(0, count, 97):
        entry = listed.find(b"/srv/data/some/directory%d/file%05d.txt" % (index // 100, index))
        assert listed.stat(entry).size == index


def test_row_71_nothing_changed(tmp_path: Path) -> None:
    root = plant(tmp_path, TREE)
    found = run(root, state(root))
    assert found.saved == []
    assert sorted(found.skipped) == ["a", "a", "a/b", "a/b", "a/b/g", "a/f", "a/l"]


def test_row_72_deleted_files_come_last(tmp_path: Path) -> None:
    root = plant(tmp_path, TREE)
    gone = [packet(root + b"/a/gone", HOSTS), packet(root + b"/gonedir/", HOSTS)]
    found = run(root, [*gone, *state(root)])
    assert found.saved == ["DELETED a/gone", "DELETED gonedir/"]


def test_a_deleted_record_has_only_its_times(tmp_path: Path) -> None:
    listed = filled([packet(b"/gone", HOSTS)])
    comparison = AccurateComparison(listed, checksum=Md5(), report=lambda kind, text, errors: None)
    (entry,) = comparison.tail()
    assert encode_stat(entry.stat, 0, 2) == b"A A A A A A A A A A A BlU/EA BlU/EB A A C"
    assert (entry.path, entry.options.strip, entry.options.digest) == (b"/gone", 0, None)


def test_row_73_a_file_not_in_the_list(tmp_path: Path) -> None:
    root = plant(tmp_path, TREE)
    packets = [one for one in state(root) if not one.startswith(root + b"/a/f\0")]
    assert run(root, packets).saved == ["REG a/f"]


def test_row_74_a_time_that_differs(tmp_path: Path) -> None:
    root = plant(tmp_path, TREE)
    packets = state(root, alter=lambda name, stat: replace(stat, mtime=stat.mtime - (name == b"a/f")))
    assert run(root, packets).saved == ["REG a/f"]
    assert run(root, packets, ["O Cs:MHAX", "N", "F a"]).saved == []


LETTERS = {
    "i": {"ino": 5},
    "p": {"mode": 0o100600},
    "n": {"nlink": 9},
    "u": {"uid": 77},
    "g": {"gid": 77},
    "s": {"size": 0},
    "a": {"atime": 5},
    "m": {"mtime": 5},
    "c": {"ctime": 5},
    "d": {"size": 50},
}


@pytest.mark.parametrize("letter", LETTERS)
def test_each_letter_sees_its_field_and_no_other(tmp_path: Path, letter: str) -> None:
    root = plant(tmp_path, "f=1")
    for other, fields in LETTERS.items():

        def alter(name: bytes, stat: StatRecord, fields: dict[str, int] = fields) -> StatRecord:
            return replace(stat, **fields)

        packets = state(root, ["O HAX", "N", "F f"], alter=alter)
        found = run(root, packets, [f"O C{letter}:HAX", "N", "F f"])
        expected = letter == other or (letter, other) == ("s", "d")
        assert (found.saved == ["REG f"]) == expected, other


def test_row_75_always_and_never(tmp_path: Path) -> None:
    root = plant(tmp_path, TREE)
    packets = state(root)
    everything = {"REG a/f", "REG a/b/g", "LNK a/l", "DIREND a/b/", "DIREND a/"}
    assert run(root, packets, ["O CA:MHAX", "N", "F a"]).names == everything
    assert run(root, packets, ["O Cq:MHAX", "N", "F a"]).saved == []


def test_row_76_an_excluded_file_is_not_deleted(tmp_path: Path) -> None:
    root = plant(tmp_path, TREE)
    assert run(root, state(root), ["O eHAX", "W */g", "N", "O MHAX", "N", "F a"]).saved == []


def test_row_77_what_is_below_an_excluded_directory_is_deleted(tmp_path: Path) -> None:
    root = plant(tmp_path, TREE)
    found = run(root, state(root), ["O eHAX", "WD */b", "N", "O MHAX", "N", "F a"])
    assert found.saved == ["DELETED a/b/g"]


def test_row_78_an_ignored_directory_is_deleted(tmp_path: Path) -> None:
    root = plant(tmp_path, TREE)
    packets = state(root)
    plant(tmp_path, "a/b/.nobackup=")
    for lines in (["Z .nobackup", *LINES], ["Z .nobackup", "O eHAX", "WD */b", "N", *LINES]):
        assert set(run(root, packets, lines).names) == {"DELETED a/b/", "DELETED a/b/g"}


def test_a_file_of_unwanted_size_is_deleted(tmp_path: Path) -> None:
    root = plant(tmp_path, TREE)
    assert run(root, state(root), ["O z>1:MHAX", "N", "F a"]).saved == ["DELETED a/f"]


def test_row_79_checksums(tmp_path: Path) -> None:
    root = plant(tmp_path, TREE)
    lines = ["O MC5:HAX", "N", "F a"]
    checksum = Md5()
    assert run(root, state(root, checksum=digest_of(root)), lines, checksum=checksum).saved == []
    assert sorted(checksum.asked) == [b"f", b"g"]
    wrong = state(root, checksum=lambda entry: b"x")
    assert run(root, wrong, lines).names == {"REG a/f", "REG a/b/g"}
    found = run(root, state(root), lines)
    assert found.names == {"REG a/f", "REG a/b/g"}
    assert sorted(found.told) == [
        (MessageType.WARNING, b"Cannot verify checksum for R/a/b/g\n"),
        (MessageType.WARNING, b"Cannot verify checksum for R/a/f\n"),
    ]


def test_row_80_a_checksum_without_signature(tmp_path: Path) -> None:
    root = plant(tmp_path, TREE)
    checksum = Md5()
    assert run(root, state(root), ["O C5:HAX", "N", "F a"], checksum=checksum).saved == []
    assert checksum.asked == []


def test_row_82_a_full_job_with_base_files(tmp_path: Path) -> None:
    root = plant(tmp_path, TREE)
    found = run(root, state(root, checksum=digest_of(root)), full=True)
    assert found.names == {"BASE a/f", "BASE a/b/g", "BASE a/l", "BASE a/b/", "BASE a/"}
    assert found.told == [(MessageType.INFO, b"Space saved with Base jobs: 0 MB\n")]
    found = run(root, state(root, checksum=lambda entry: b"wrong"), full=True)
    assert found.names == {"REG a/f", "REG a/b/g", "BASE a/l", "BASE a/b/", "BASE a/"}


def test_row_83_stripped_names(tmp_path: Path) -> None:
    root = plant(tmp_path, TREE)
    lines = ["O P3:MHAX", "N", "F a"]
    packets = state(root, lines, strip=3)
    assert not any(one.startswith(root) for one in packets)
    assert run(root, packets, lines).saved == []


def test_row_84_a_missing_top(tmp_path: Path) -> None:
    root = plant(tmp_path, TREE)
    packets = state(root)
    (tmp_path / "a").rename(tmp_path / "z")
    found = run(root, packets)
    assert len(found.saved) == len(packets)
    assert len(run(root, packets, withhold=True).saved) == len(packets)


def test_deletions_below_an_error_can_be_withheld() -> None:
    listed = filled([packet(name, HOSTS) for name in (b"/a/", b"/a/b/", b"/a/b/c", b"/a/bc", b"/z")])
    for withhold, expected in (
        (True, [b"/a/", b"/a/bc"]),
        (False, [b"/a/", b"/a/b/", b"/a/b/c", b"/a/bc", b"/z"]),
    ):
        comparison = AccurateComparison(
            listed, checksum=Md5(), report=lambda kind, text, errors: None, withhold=withhold
        )
        comparison.note_failed(b"/a/b", OSError(13, "Permission denied"))
        comparison.note_failed(b"/z", OSError(5, "I/O error"))
        comparison.note_failed(b"/a/bc", OSError(2, "gone"))
        assert [entry.path for entry in comparison.tail()] == expected


def test_row_86_without_a_list_all_is_new(tmp_path: Path) -> None:
    root = plant(tmp_path, TREE)
    assert len(scan(root, LINES, since=None).saved) == 5
    assert len(run(root, []).saved) == 5


def test_row_87_a_new_link_of_an_unchanged_file(tmp_path: Path) -> None:
    root = plant(tmp_path, "a/1=data")
    lines = ["O Cms:AX", "N", "F a/1", "F a/2"]
    packets = state(root, ["O AX", "N", "F a/1"])
    plant(tmp_path, "a/2~a/1")
    found = run(root, packets, lines)
    assert (found.saved, found.links) == (["REG a/2"], {})


def test_the_delta_sequence_of_the_list_reaches_the_entry(tmp_path: Path) -> None:
    root = plant(tmp_path, "f=1 new=2")
    comparison = AccurateComparison(
        filled([packet(root + b"/f", HOSTS, b"", 7)]), checksum=Md5(), report=lambda kind, text, errors: None
    )
    found = walk(fileset(root, ["O HAX", "N", "F f", "F new"]), accurate=comparison)
    assert [entry.delta_seq for entry in found] == [7, 0]


@pytest.mark.parametrize(
    ("name", "count", "expected"),
    [
        (b"/srv/t/r/a/b/g", 1, b"/t/r/a/b/g"),
        (b"/srv/t/r/a/b/g", 4, b"/b/g"),
        (b"/srv/t/r/a/b/g", 5, b"/g"),
        (b"/srv/t/r/a/b/g", 6, None),
        (b"/srv/t/r/a/", 3, b"/a/"),
        (b"/srv/t/r/a/", 4, b"/"),
        (b"/srv/t/r/a/", 5, None),
        (b"a/b/c", 1, b"a/c"),
        (b"/a/b", 2, None),
    ],
)
def test_stripping(name: bytes, count: int, expected: bytes | None) -> None:
    assert strip_name(name, count) == expected

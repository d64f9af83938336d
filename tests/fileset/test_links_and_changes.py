"""Hard links, sizes and changes: the rows 46 to 67 of the case table in protocol/03 section 9."""

import os
from pathlib import Path

import pytest

from fdaemon.fileset.entry import Entry
from fdaemon.fileset.walk import walk
from fdaemon.views import Counters
from tests.fileset.scanning import fileset, plant, scan

TRACK = ["O MAX", "N"]
THREE = "a/1=data a/2~a/1 a/3~a/1"
SIZES = (0, 99, 100, 1000, 1009, 1010, 2000, 5000)
FUTURE = 1 << 40


def test_row_54_the_first_name_is_saved_and_the_others_are_links(tmp_path: Path) -> None:
    found = scan(plant(tmp_path, THREE), [*TRACK, "F a"])
    assert [line.split()[0] for line in found.saved] == ["REG", "LNKSAVED", "LNKSAVED", "DIREND"]
    first = found.saved[0].split()[1]
    assert set(found.links.values()) == {f"{first} #1"}


def test_row_55_without_tracking_all_are_files(tmp_path: Path) -> None:
    found = scan(plant(tmp_path, THREE), ["O MHAX", "N", "F a"])
    assert found.names == {"REG a/1", "REG a/2", "REG a/3", "DIREND a/"}


def test_row_56_a_rejected_first_name_is_nobodys_link(tmp_path: Path) -> None:
    root = plant(tmp_path, THREE)
    first = next(walk(fileset(root, [*TRACK, "F a"]))).path
    lines: list[str | bytes] = ["O eAX", b"W " + first, "N", *TRACK, "F a"]
    found = scan(root, lines)
    assert [line.split()[0] for line in found.saved] == ["REG", "LNKSAVED", "DIREND"]
    second = found.saved[0].split()[1]
    assert list(found.links.values()) == [f"{second} #1"]
    assert os.fsencode(second) not in first


def test_row_57_and_58_the_same_name_again_is_left_out(tmp_path: Path) -> None:
    root = plant(tmp_path, THREE)
    saved = scan(root, [*TRACK, "F a", "F a"]).saved
    assert [line.split()[0] for line in saved] == [
        "REG",
        *["LNKSAVED"] * 2,
        "DIREND",
        *["LNKSAVED"] * 2,
        "DIREND",
    ]
    assert scan(root, [*TRACK, "F a/1", "F a/1", "F a/2"]).saved == ["REG a/1", "LNKSAVED a/2"]


def test_row_59_the_table_is_the_jobs(tmp_path: Path) -> None:
    root = plant(tmp_path, THREE)
    assert scan(root, [*TRACK, "F a/1", "N", "N", "I", *TRACK, "F a/2"]).saved == ["REG a/1", "LNKSAVED a/2"]


def test_row_60_symlinks_are_not_tracked_but_fifos_are(tmp_path: Path) -> None:
    root = plant(tmp_path, "f1! f2~f1 l1>x")
    os.link(root + b"/l1", root + b"/l2", follow_symlinks=False)
    found = scan(root, ["O AX", "N", "F l1", "F l2", "F f1", "F f2"])
    assert found.saved == ["LNK l1", "LNK l2", "SPEC f1", "LNKSAVED f2"]


def test_a_file_that_was_not_sent_is_nobodys_target(tmp_path: Path) -> None:
    root = plant(tmp_path, THREE)
    found = scan(root, [*TRACK, "F a/1", "F a/2", "F a/3"], saves=lambda entry: not entry.path.endswith(b"1"))
    assert found.saved == ["REG a/2", "LNKSAVED a/3"]
    assert found.links == {"a/3": "a/2 #1"}


def test_the_digest_of_the_first_name_is_there_for_the_others(tmp_path: Path) -> None:
    root = plant(tmp_path, THREE)
    digests: list[bytes] = []

    def save(entry: Entry) -> bool:
        link = entry.hardlink
        assert link is not None
        if not entry.link_index:
            link.digest_stream, link.digest = 3, b"first"
        else:
            digests.append(link.digest)
        return True

    scan(root, [*TRACK, "F a/1", "F a/2", "F a/3"], saves=save)
    assert digests == [b"first", b"first"]


def test_a_storm_of_links(tmp_path: Path) -> None:
    plant(tmp_path, "a/")
    for number in range(2000):
        first = tmp_path / "a" / f"{number}x"
        first.touch()
        os.link(first, tmp_path / "a" / f"{number}y")
    saved = scan(os.fsencode(tmp_path), [*TRACK, "F a"]).saved
    kinds = [line.split()[0] for line in saved]
    assert (kinds.count("LNKSAVED"), len(kinds)) == (2000, 4001)


def _sized(tmp_path: Path) -> bytes:
    root = plant(tmp_path, "a/")
    for size in SIZES:
        (tmp_path / "a" / str(size)).write_bytes(bytes(size))
    return root


def _sizes(saved: list[str]) -> list[int]:
    return sorted(int(line.rpartition("/")[2]) for line in saved if not line.startswith("DIREND"))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1000", [1000, 1009]),
        ("<1000", [0, 99, 100]),
        (">1000", [1009, 1010, 2000, 5000]),
        ("1000-2000", [1000, 1009, 1010, 2000]),
        ("1k-2k", [2000]),
        ("1kb", [1000, 1009]),
        ("50", []),
        ("", []),
    ],
)
def test_row_46_sizes(tmp_path: Path, expression: str, expected: list[int]) -> None:
    found = scan(_sized(tmp_path), [f"O z{expression}:HAX", "N", "F a"])
    assert _sizes(found.saved) == expected
    assert found.saved[-1] == "DIREND a/"


def test_rows_47_to_49_only_the_last_blocks_size_counts(tmp_path: Path) -> None:
    root = _sized(tmp_path)
    assert _sizes(scan(root, ["O z>1000:HAX", "W *", "N", "O HAX", "N", "F a"]).saved) == list(SIZES)
    large = [1009, 1010, 2000, 5000]
    assert _sizes(scan(root, ["O HAX", "W *", "N", "O z>1000:HAX", "N", "F a"]).saved) == large
    assert scan(root, ["O z>1000:HAX", "N", "F a/100", "F a/2000"]).saved == ["REG a/2000"]


def test_row_62_unchanged_directories_are_told_twice(tmp_path: Path) -> None:
    root = plant(tmp_path, "a/f=1 a/b/g=2 a/l>f")
    found = scan(root, ["O HAX", "N", "F a"], since=FUTURE)
    assert found.saved == []
    assert sorted(found.skipped) == ["a", "a", "a/b", "a/b", "a/b/g", "a/f", "a/l"]
    assert (found.skipped[0], found.skipped[-1]) == ("a", "a")


def test_unwanted_skips_are_counted(tmp_path: Path) -> None:
    root = plant(tmp_path, "a/f=1 a/b/g=2 a/l>f")
    for lines in (["O HAX", "N", "F a"], ["O eHAX", "W *nothing", "N", "O HAX", "N", "F a"]):
        found = scan(root, lines, since=FUTURE, want_skipped=False)
        assert (found.entries, found.counters.examined) == (0, 7)


def test_row_63_a_directory_not_descended_into_is_stored_though_unchanged(tmp_path: Path) -> None:
    root = plant(tmp_path, "a/f=1 a/b/g=2")
    found = scan(root, ["O hHAX", "N", "F a"], since=FUTURE)
    assert found.saved == ["NORECURSE a/b/"]
    assert sorted(found.skipped) == ["a", "a", "a/b", "a/f"]


def test_row_64_nothing_is_said_of_excluded_files(tmp_path: Path) -> None:
    root = plant(tmp_path, "a/f=1 a/b/g=2")
    found = scan(root, ["O eHAX", "W *f", "N", "O HAX", "N", "F a"], since=FUTURE)
    assert sorted(found.skipped) == ["a", "a", "a/b", "a/b", "a/b/g"]


def _old_file(tmp_path: Path) -> bytes:
    root = plant(tmp_path, "a/f=1")
    os.utime(root + b"/a/f", (1000, 1000))
    return root


@pytest.mark.parametrize(
    ("lines", "saved"),
    [
        (["O HAX", "N", "F a/f"], ["REG a/f"]),
        (["O mHAX", "N", "F a/f"], []),
        # Row 66, as the C++ daemon would have it without flags left over from another entry.
        (["O mHAX", "W *f", "N", "O HAX", "N", "F a"], ["DIREND a/"]),
    ],
)
def test_rows_65_and_66_old_mtime_new_ctime(tmp_path: Path, lines: list[str], saved: list[str]) -> None:
    root = _old_file(tmp_path)
    assert scan(root, lines, since=2000).saved == saved


@pytest.mark.parametrize("option", ["HAX", "mHAX"])
def test_row_67_equal_times_count_as_changed(tmp_path: Path, option: str) -> None:
    root = plant(tmp_path, "f=1")
    st = os.lstat(root + b"/f")
    newest = int(st.st_mtime) if option.startswith("m") else int(max(st.st_mtime, st.st_ctime))
    lines = [f"O {option}", "N", "F f"]
    assert scan(root, lines, since=newest).saved == ["REG f"]
    assert scan(root, lines, since=newest + 1).saved == []


def test_many_unchanged_files_are_counted_while_they_are_read(tmp_path: Path) -> None:
    plant(tmp_path, "a/")
    for number in range(2500):
        (tmp_path / "a" / str(number)).touch()
    counters = Counters()
    seen: list[int] = []
    names = fileset(os.fsencode(tmp_path), ["O HAX", "N", "F a"])
    looks = lambda: seen.append(counters.examined)  # noqa: E731
    assert list(walk(names, since=FUTURE, counters=counters, check_cancelled=looks)) == []
    assert counters.examined == 2502
    assert {1 + 1024, 1 + 2048} <= set(seen)

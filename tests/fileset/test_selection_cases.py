"""The selection rows of the case table in protocol/03 section 9, each run on a real tree; numbers are its
rows."""

import os
from pathlib import Path

import pytest

from tests.fileset.scanning import T, plant, scan

ALL = {"REG a/sub/y.c", "REG a/sub/y.o", "DIREND a/sub/", "REG a/x.c", "REG a/x.o", "DIREND a/"}
NO_OBJECTS = ALL - {"REG a/sub/y.o", "REG a/x.o"}
NO_SUB = {"REG a/x.c", "REG a/x.o", "DIREND a/"}
TOP_C = {"REG a/x.c", "DIREND a/"}
NEXT = ["N", "O MHAX", "N", "F a", "N", "N"]
EXCLUDE = ["O HAX", "N", "F a", "N", "N", "E", "O HAX", "N"]

CASES: dict[str, tuple[list[str], set[str]]] = {
    "9 wild excludes": (["O eHAX", "W *.o", *NEXT], NO_OBJECTS),
    "10 wild without exclude": (["O MHAX", "W *.c", "N", "F a"], ALL),
    "11 the rest excluded": (["O MHAX", "W *.c", "N", "O eHAX", "N", "F a"], TOP_C),
    "12 only files excluded": (["O MHAX", "WF *.c", "N", "O eHAX", "WF *", "N", "F a"], NO_OBJECTS),
    "13 regex for files": (["O eHAX", r"RF \.o$", *NEXT], NO_OBJECTS),
    "14 wild for directories": (["O eHAX", "WD */sub", *NEXT], NO_SUB),
    "15 regex for directories": (["O eHAX", "RD sub$", *NEXT], NO_SUB),
    "16 a top-level name is never judged": (["O eHAX", "W */a", *NEXT], ALL),
    "17 WF sees the whole path": (["O eHAX", "WF x.o", *NEXT], ALL),
    "18 WB sees the whole path": (["O eHAX", "WB x.o", *NEXT], ALL),
    "19 WB sees the base name in an enhanced block": (["O eWHAX", "WB x.o", *NEXT], ALL - {"REG a/x.o"}),
    "20 WB, both blocks enhanced": (
        ["O eWHAX", "WB x.o", "N", "O WMHAX", "N", "F a"],
        ALL - {"REG a/x.o"},
    ),
    "21 an enhanced star stops at a slash": (["O eWHAX", "W *.o", "N", "O WMHAX", "N", "F a"], ALL),
    "22 wild without case": (["O eiHAX", "W *.O", *NEXT], NO_OBJECTS),
    "23 regex without case": (["O eiHAX", r"R \.O$", *NEXT], NO_OBJECTS),
    "24 a regex before its letters minds case": ([r"R \.O$", "O eiHAX", *NEXT], ALL),
    "25 Exclude names a directory": ([*EXCLUDE, "F a/sub"], NO_SUB),
    "26 Exclude with wildcards": ([*EXCLUDE, "F *y.o", "F *nothing"], ALL - {"REG a/sub/y.o"}),
    "27 Exclude names the top": ([*EXCLUDE, "F a"], ALL),
    "28 Exclude with a slash at the end": ([*EXCLUDE, "F a/sub/"], ALL),
    "29 Exclude all below": ([*EXCLUDE, "F a/*"], {"DIREND a/"}),
    "30 an Options match comes before Exclude": (
        ["O MHAX", "W *.o", "N", "F a", "N", "N", "E", "F *.o"],
        ALL,
    ),
    "31 W in an Exclude": (["O MHAX", "N", "F a", "N", "N", "E", "O HAX", "W *.o", "N"], NO_OBJECTS),
    "32 WF in an Exclude": (["O MHAX", "N", "F a", "N", "N", "E", "O HAX", "WF *.o", "N"], ALL),
    "33 Exclude before Include": (
        ["E", "O HAX", "N", "F *.o", "N", "N", "I", "O MHAX", "N", "F a"],
        NO_OBJECTS,
    ),
    "34 no recursion by pattern": (
        ["O hHAX", "WD */sub", "N", "O HAX", "N", "F a"],
        {"NORECURSE a/sub/", "REG a/x.c", "REG a/x.o", "DIREND a/"},
    ),
    "116 kinds do not mix": (["O eHAX", "WF */sub", "WD *.o", *NEXT], ALL),
    "118 a type list is no pattern": (["O MHAX", "W *.c", "N", "O eHAX", "X ext4", "N", "F a"], set()),
    "119 files excluded by their directory's name": (
        ["O eHAX", "RF sub", *NEXT],
        {"DIREND a/sub/", "REG a/x.c", "REG a/x.o", "DIREND a/"},
    ),
    "124 a directory is matched without its slash": (["O eHAX", "R ^R/a/sub$", *NEXT], NO_SUB),
}


@pytest.mark.parametrize("case", CASES)
def test_selected(tmp_path: Path, case: str) -> None:
    lines, expected = CASES[case]
    if case.startswith("118"):
        # The last block's type list also judges the top-level name: name the type it really has.
        kind = _fs_type(tmp_path)
        lines, expected = [line.replace("ext4", kind) for line in lines], TOP_C
    assert scan(plant(tmp_path, T), lines).names == expected


def _fs_type(path: Path) -> str:
    from fdaemon.fs.mounts import MountTable

    kind = MountTable().fs_type(os.lstat(path).st_dev, os.fsencode(path), None)
    assert kind is not None
    return kind.decode()


def test_a_directory_comes_after_its_content(tmp_path: Path) -> None:
    root = plant(tmp_path, T)
    saved = scan(root, ["O HAX", "N", "F a"]).saved
    assert saved[-1] == "DIREND a/"
    assert saved.index("DIREND a/sub/") > max(saved.index("REG a/sub/y.o"), saved.index("REG a/sub/y.c"))
    assert abs(saved.index("REG a/sub/y.o") - saved.index("REG a/sub/y.c")) == 1


def test_row_95_each_top_level_name_starts_with_the_last_block(tmp_path: Path) -> None:
    root = plant(tmp_path, "t1=1 a/x.gz=2 a/other=3 t2=4")
    found = scan(root, ["O MHAX", "W *.gz", "N", "O SZ6HAX", "N", "F t1", "F a", "F t2"])
    assert found.options == {"t1": "SHA1", "a/x.gz": "MD5", "a/other": "SHA1", "a/": "SHA1", "t2": "SHA1"}


def test_row_96_an_include_without_options_goes_on_with_the_last_ones(tmp_path: Path) -> None:
    root = plant(tmp_path, "a/f=1 b/g=2")
    found = scan(root, ["O S2HAX", "N", "F a", "N", "N", "I", "F b"])
    assert found.options == {"a/f": "SHA256", "a/": "SHA256", "b/g": "SHA256", "b/": "SHA256"}


@pytest.mark.parametrize(
    ("pattern", "kept"),
    [("W */?", {"é", "\udcff\udcfe"}), ("W */??", {"*"}), ("W */\\*", {"é", "\udcff\udcfe"})],
)
def test_rows_91_and_93_wildcards_count_bytes(tmp_path: Path, pattern: str, kept: set[str]) -> None:
    root = os.fsencode(tmp_path)
    os.mkdir(root + b"/n")
    for name in ("é".encode(), b"*", b"\xff\xfe"):
        Path(os.fsdecode(root + b"/n/" + name)).write_bytes(b"1")
    found = scan(root, ["O eHAX", pattern, "N", "O HAX", "N", "F n"])
    assert found.names == {f"REG n/{name}" for name in kept} | {"DIREND n/"}

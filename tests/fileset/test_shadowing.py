"""Names below other names: rows 101 to 109 of the case table in protocol/03 section 9."""

from pathlib import Path

import pytest

from fdaemon.fileset.shadowing import check_shadowing
from tests.fileset.scanning import fileset, plant

TREE = "a/b/f=1 c/g=2 x=3 y~x"
CASES: dict[str, tuple[list[str], list[list[str]], list[str]]] = {
    "101 warn": (["O d1", "N", "F a", "F a/b"], [["a", "a/b"]], ["R/a/b shadows R/a"]),
    "101 global": (["O d3", "N", "F a", "F a/b"], [["a", "a/b"]], ["R/a/b shadows R/a"]),
    "102 remove": (
        ["O d2", "N", "F a", "F a/b", "F c"],
        [["a", "c"]],
        ["R/a/b shadows R/a removing it from fileset"],
    ),
    "102 reversed": (["O d2", "N", "F a/b", "F a"], [["a"]], ["R/a/b shadows R/a removing it from fileset"]),
    "102 global": (["O d4", "N", "F a", "F a/b"], [["a"]], ["R/a/b shadows R/a removing it from fileset"]),
    "103 local": (["O d2", "N", "F a", "N", "N", "I", "O d2", "N", "F a/b"], [["a"], ["a/b"]], []),
    "103 between Includes": (
        ["O d4", "N", "F a", "N", "N", "I", "O H", "N", "F a/b"],
        [["a"], []],
        ["R/a/b shadows R/a removing it from fileset"],
    ),
    "103 the first Include has the longer name": (
        ["O d4", "N", "F a/b", "F c", "N", "N", "I", "O H", "N", "F a"],
        [["c"], ["a"]],
        ["R/a/b shadows R/a removing it from fileset"],
    ),
    "104 not recursive": (["O d2h", "N", "F a", "F a/b"], [["a", "a/b"]], []),
    "105 one inode, names of one length": (
        ["O d2", "N", "F x", "F y"],
        [["y"]],
        ["R/x shadows R/y removing it from fileset"],
    ),
    "106 the same directory twice": (["O d2", "N", "F a", "F a"], [["a", "a"]], []),
    "107 a slash at the end": (["O d2", "N", "F a/", "F a/b"], [["a/", "a/b"]], []),
    "108 patterns keep apart": (
        ["O d4", "N", "F a", "N", "N", "I", "O H", "W *", "N", "F a/b"],
        [["a"], ["a/b"]],
        [],
    ),
    "108 excluding patterns do not": (
        ["O d4", "N", "F a", "N", "N", "I", "O eH", "W *", "N", "O H", "N", "F a/b"],
        [["a"], []],
        ["R/a/b shadows R/a removing it from fileset"],
    ),
    "109 only the last block counts": (["O d2", "N", "O H", "N", "F a", "F a/b"], [["a", "a/b"]], []),
}


@pytest.mark.parametrize("case", CASES)
def test_shadows(tmp_path: Path, case: str) -> None:
    lines, kept, told = CASES[case]
    root = plant(tmp_path, TREE)
    texts: list[str] = []
    left = check_shadowing(
        fileset(root, lines), lambda kind, text, errors: texts.append(text.replace(root, b"R").decode())
    )
    assert [
        [name.removeprefix(root + b"/").decode() for name in include.names] for include in left.includes
    ] == kept
    assert texts == [f"Fileset include block entry {text}\n" for text in told]


def test_a_name_that_is_not_there_is_told_once(tmp_path: Path) -> None:
    root = plant(tmp_path, TREE)
    texts: list[bytes] = []
    names = fileset(root, ["O d1", "N", "F none", "F a", "F c"])
    left = check_shadowing(names, lambda kind, text, errors: texts.append(text))
    assert left == names
    assert texts == [b"Cannot stat file %b/none: ERR=No such file or directory\n" % root]

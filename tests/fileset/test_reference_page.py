"""docs/fileset.md: every test that it names is there, and no letter of an Options block goes without a row."""

import ast
import re
from pathlib import Path

from fdaemon.fileset import letters

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs/fileset.md").read_text()


def functions(path: Path) -> set[str]:
    return {
        node.name
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_every_named_test_exists() -> None:
    named = re.findall(r"`(tests/\S+\.py)::(\w+)`", PAGE)
    assert len(named) > 30
    missing = [f"{path}::{name}" for path, name in named if name not in functions(PROJECT / path)]
    assert not missing


def test_every_letter_has_a_row() -> None:
    sent = {
        cell for row in PAGE.splitlines() if row.startswith("| ") for cell in re.findall(r"`([^`]+)`", row)
    }
    valued = {"C…:", "V…:", "J…:", "P…:", "z…:", "d1", "M", "S", "Z…", "E…", "Ef"}
    plain = {letter.decode() for letter in letters._FLAGS}
    assert not (valued | plain) - sent

"""The pages of docs/ keep their word: embedded diagrams are the ones that the charts draw, links lead somewhere."""

import re
from pathlib import Path

import pytest

from statecharts.diagram import CHARTS, mermaid

ROOT = Path(__file__).parent.parent
PAGES = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md"])
EMBEDDED = re.compile(r"<!-- chart: (\w+) -->\n+(?:```mermaid\n(.*?)\n```)?", re.S)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
DRAWN = {chart.name: mermaid(chart) for chart in CHARTS}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_embedded_charts_are_current(page: Path) -> None:
    for name, picture in EMBEDDED.findall(page.read_text()):
        assert picture == DRAWN[name], f"run: python -m tests.embed_charts  ({page.name}: {name})"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), target

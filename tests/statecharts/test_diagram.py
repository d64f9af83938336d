import re
from pathlib import Path

import pytest

from statecharts import diagram
from statecharts.job import JOB
from statecharts.verify import VERIFY


def test_the_page_in_the_repository_is_current() -> None:
    assert diagram.PAGE.read_text(encoding="utf-8") == diagram.page(), "run python -m statecharts.diagram"


def test_check_tells_a_stale_page_and_writing_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(diagram, "PAGE", tmp_path / "DIAGRAMS.md")
    assert diagram.main(["--check"]) == 1
    assert "python -m statecharts.diagram" in capsys.readouterr().err
    assert diagram.main([]) == 0
    assert diagram.main(["--check"]) == 0
    with diagram.PAGE.open("a") as page:
        page.write("by hand\n")
    assert diagram.main(["--check"]) == 1


def test_the_picture_of_a_chart() -> None:
    assert diagram.mermaid(VERIFY).splitlines()[:5] == [
        "stateDiagram-v2",
        "    [*] --> Idle",
        "    Idle --> Walk: WALK_STARTED",
        "    Idle --> Volume: VOLUME_OPENED",
        "    Walk --> Attribute: FILE_FOUND",
    ]
    assert diagram.mermaid(VERIFY).endswith("    Ended --> [*]")


@pytest.mark.parametrize("chart", diagram.CHARTS, ids=lambda chart: chart.name)
def test_nothing_is_lost_between_picture_sentence_and_table(chart: object) -> None:
    """Each edge that moves is drawn or said in the sentence; each edge at all stands in the table."""
    found = next(known for known in diagram.CHARTS if known is chart)
    text = diagram.section(found)
    common = diagram.everywhere(found)
    drawn = {
        (source, event, target)
        for source, target, events in re.findall(r"^    (\w+) --> (\w+): (.+)$", text, re.MULTILINE)
        for event in events.split(", ")
    }
    for source, event, target in found.edges():
        edge = (source.value, event.name, target.value)
        said = common.get(event) is target
        assert (edge in drawn) is (source is not target and not said)
        row = next(line for line in text.splitlines() if line.startswith(f"| {source.value} |"))
        assert f"{event.name} → {target.value}" in row
    for event, target in common.items():
        assert f"{event.name} to {target.value}" in text


def test_names_in_pictures_are_words_mermaid_takes() -> None:
    for chart in diagram.CHARTS:
        for state in chart.states:
            assert re.fullmatch(r"[A-Z][A-Za-z]*", state.value)


def test_every_chart_is_on_the_page() -> None:
    assert JOB in diagram.CHARTS
    assert [f"## {chart.name}" for chart in diagram.CHARTS] == re.findall(
        "^## .*$", diagram.page(), re.MULTILINE
    )

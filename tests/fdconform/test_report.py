"""Reports: nothing is lost on the way through JSON, and each form says what it has to say."""

import json
import re
import xml.etree.ElementTree as ET
from argparse import Namespace
from dataclasses import replace
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from fdconform.case import Case, Chapter
from fdconform.matrix import compared, matrix, read
from fdconform.report import Comparison, Kind, Report, ReportError, from_json, to_json
from fdconform.report_html import to_html
from fdconform.report_junit import to_junit
from fdconform.report_markdown import to_markdown
from fdconform.report_terminal import side_by_side
from fdconform.reverse.all import CHAPTERS as REVERSE_CHAPTERS
from fdconform.verdicts import Finding, Result, Verdict, worst

GOOD = Case(id="1.1.1", title="a <good> one", rule="It works.", source="01 §1", play=())
ODD = Case(id="1.1.2", title="an odd one", rule="It is `strict`.", source="01 §2", play=())
BAD = Case(id="2.1.1", title="a bad one", rule="It fails.", source="02 §1", play=())
CHAPTERS = (Chapter(1, "First & foremost", (GOOD, ODD)), Chapter(2, "Second", (BAD,)))
ODD_FINDING = Finding(Verdict.NON_STRICT, "wanted `a`, got\nb")
BAD_FINDING = Finding(Verdict.FAIL, "got <SIG -4> \x00 and \ud800 nothing")


def report(name: str, *, odd: Verdict = Verdict.NON_STRICT) -> Report:
    results = (
        Result("1.1.1", Verdict.OK, (), 0.25),
        Result("1.1.2", odd, (ODD_FINDING,) if odd is Verdict.NON_STRICT else (), 0.5),
        Result("2.1.1", Verdict.FAIL, (BAD_FINDING,), 1.0, ({"conn": 1, "open": "dir-fd"},)),
    )
    return Report(name, "25.1.0", "2026-11-23T05:00:00+00:00", 1.75, results)


def reverse_report(name: str, *, verdict: Verdict = Verdict.NON_STRICT) -> Report:
    """Of the other direction, with real case numbers."""
    findings = (ODD_FINDING,) if verdict is Verdict.NON_STRICT else ()
    results = (Result("R1.1.1", Verdict.OK, (), 3.0), Result("R4.3.4", verdict, findings, 1.0))
    when = "2026-11-23T06:00:00+00:00"
    return Report(name, "25.1.0 (03 August 2026)", when, 150.0, results, tested=Kind.DIRECTOR)


def both_kinds() -> list[Comparison]:
    """Two File daemons, and two Directors, one of which is better."""
    directors = (reverse_report("dir one"), reverse_report("dir two", verdict=Verdict.OK))
    return [
        Comparison((report("ours"), report("theirs", odd=Verdict.OK)), CHAPTERS),
        Comparison(directors, REVERSE_CHAPTERS),
    ]


def shown(comparison: Comparison) -> str:
    """What a wide terminal shows of it."""
    console = Console(width=160, record=True, file=StringIO())
    console.print(side_by_side(comparison))
    return console.export_text()


@pytest.mark.parametrize("one", [report("one"), reverse_report("one")])
def test_json_keeps_everything(one: Report) -> None:
    assert from_json(to_json(one).encode("utf-8", "surrogatepass").decode("utf-8", "surrogatepass")) == one


def test_a_report_from_before_there_were_two_kinds_is_about_a_file_daemon() -> None:
    document = json.loads(to_json(reverse_report("one")))
    del document["tested"]
    assert from_json(json.dumps(document)).tested is Kind.FILE_DAEMON


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "not JSON"),
        ("[]", "neither a report of `fdconform run` nor one of `fdconform reverse`"),
        ('{"reverse": []}', "neither a report of `fdconform run` nor one of `fdconform reverse`"),
        ('{"format": 99}', "format 99, this fdconform reads 1"),
        ('{"format": 1}', "not a report"),
        ('{"format": 1, "name": "x"}', "not a report"),
        (
            '{"format": 1, "name": "x", "version": "", "when": "", "seconds": "soon", "cases": []}',
            "not a report",
        ),
        (
            '{"format": 1, "name": "x", "version": "", "when": "", "seconds": 1, "cases": [],'
            ' "tested": "toaster"}',
            "about a toaster, not about a File daemon or Director and Storage daemon",
        ),
        (
            '{"format": 1, "name": "x", "version": "", "when": "", "seconds": 1,'
            ' "cases": [{"id": "1.1.1", "verdict": "FINE", "seconds": 1, "findings": []}]}',
            "case 1.1.1",
        ),
    ],
)
def test_other_files_are_refused(text: str, problem: str) -> None:
    with pytest.raises(ReportError, match=problem):
        from_json(text)


@pytest.mark.parametrize("content", [b"{}", b"\xff\xfe"])
def test_the_file_that_is_no_report_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_bytes(content)
    with pytest.raises(ReportError, match=f"^{re.escape(str(path))}: "):
        read(path)


def test_only_what_tested_the_same_stands_side_by_side() -> None:
    reports = [reverse_report("dir one"), report("ours"), reverse_report("dir two"), report("theirs")]
    found = [(one.tested, [each.name for each in one.reports]) for one in compared(reports)]
    assert found == [
        (Kind.FILE_DAEMON, ["ours", "theirs"]),
        (Kind.DIRECTOR, ["dir one", "dir two"]),
    ]
    assert [one.tested for one in compared(reports[:1])] == [Kind.DIRECTOR]


@pytest.mark.parametrize(("strict", "failures"), [(False, ["0", "1"]), (True, ["1", "1"])])
def test_junit_counts_non_strict_only_when_asked(strict: bool, failures: list[str]) -> None:
    root = ET.fromstring(to_junit(report("one"), CHAPTERS, strict=strict))
    assert [suite.get("failures") for suite in root] == failures
    assert [suite.get("tests") for suite in root] == ["2", "1"]
    failure = root.find(".//testcase[@name='2.1.1 a bad one']/failure")
    assert failure is not None
    assert "It fails." in (failure.text or "")


class _Text(HTMLParser):
    """All text of a page, the addresses it would load something from, and where its links lead inside it."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.loads: list[str] = []
        self.jumps: list[str] = []
        self.anchors: list[str] = []

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = [value or "" for name, value in attrs if name in ("src", "href")]
        self.loads += [value for value in named if not value.startswith("#")]
        self.jumps += [value for value in named if value.startswith("#")]
        self.anchors += [f"#{value}" for name, value in attrs if name == "id"]


def test_the_page_shows_both_daemons_and_needs_nothing_else() -> None:
    page = _Text()
    page.feed(to_html(both_kinds()[:1]))
    text = " ".join(page.text)
    assert not page.loads
    assert not page.jumps
    assert "Directors" not in text
    for wanted in (
        "ours",
        "theirs",
        "a <good> one",
        "It works.",
        "NON-STRICT",
        "First & foremost",
        "got <SIG -4>",
    ):
        assert wanted in text


def test_the_page_has_a_section_for_each_kind_of_daemon() -> None:
    page = _Text()
    page.feed(to_html(both_kinds()))
    files, _, directors = " ".join(page.text).rpartition("Directors and Storage daemons")
    assert not page.loads
    assert len(page.jumps) == 2
    assert set(page.jumps) <= set(page.anchors)
    for wanted in ("ours", "theirs", "a <good> one"):
        assert wanted in files
        assert wanted not in directors
    for wanted in ("dir one", "dir two", "R4.3.4", "R4. Append sessions of a Storage daemon", "NON-STRICT"):
        assert wanted in directors
    assert "dir one" not in files


def test_the_terminal_shows_where_they_differ() -> None:
    files, directors = map(shown, both_kinds())
    assert files.startswith("File daemons")
    assert re.search(r"1 First & foremost +│ 1 OK, 1 NON-STRICT +│ 2 OK ", files)
    assert re.search(r"1\.1\.2 +an odd one +NON-STRICT +OK", files)
    assert "a bad one" not in files
    assert directors.startswith("Directors and Storage daemons")
    assert re.search(r"all +│ 1 OK, 1 NON-STRICT +│ 2 OK ", directors)
    assert re.search(r"R4\.3\.4 +good report of a failed session +NON-STRICT +OK", directors)


def test_a_case_that_one_run_did_not_play_is_a_difference() -> None:
    short = replace(report("short"), results=report("short").results[:2])
    text = shown(Comparison((report("whole"), short), CHAPTERS))
    assert re.search(r"2\.1\.1 +a bad one +FAIL +not run", text)


def test_the_terminal_shows_no_differences_where_there_are_none() -> None:
    assert "The same verdict in every case." in shown(Comparison((report("a"), report("b")), CHAPTERS))
    alone = shown(Comparison((report("a"),), CHAPTERS))
    assert "verdict" not in alone
    assert "differ" not in alone


def test_a_matrix_of_both_kinds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = tmp_path / "dir.json", tmp_path / "fd.json"
    one.write_text(to_json(reverse_report("dir one")))
    other.write_text(to_json(replace(report("ours"), results=report("ours").results[:1])))
    page, table = tmp_path / "m.html", tmp_path / "m.md"

    assert matrix(Namespace(reports=[one, other], html=page, markdown=table)) == 0

    for text in (capsys.readouterr().out, page.read_text(), table.read_text()):
        assert text.index("File daemons") < text.rindex("Directors and Storage daemons")


def test_the_table_has_a_part_for_each_kind_of_daemon() -> None:
    text = to_markdown(both_kinds())
    files, _, directors = text.partition("## Directors and Storage daemons\n")
    assert files.startswith("## File daemons\n")
    assert "| R4. Append sessions of a Storage daemon | 1 | 1 NON-STRICT | 1 OK |" in directors
    assert "**R4.3.4 good report of a failed session.**" in directors
    assert "R1.1.1" not in directors


def test_the_table_names_what_is_not_well() -> None:
    text = to_markdown(both_kinds()[:1])
    assert text.startswith("| chapter |")
    assert "| 1. First & foremost | 2 | 1 OK, 1 NON-STRICT | 2 OK |" in text
    assert "**1.1.2 an odd one.**" in text
    assert "**1.1.1" not in text


def test_verdicts_and_differences() -> None:
    assert worst(()) is Verdict.OK
    assert worst((ODD_FINDING, BAD_FINDING)) is Verdict.FAIL
    assert not report("one").is_good(strict=False)
    assert both_kinds()[0].differing() == [ODD]

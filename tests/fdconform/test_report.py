"""Reports: nothing is lost on the way through JSON, and each form says what it has to say."""

import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest

from fdconform.case import Case, Chapter
from fdconform.report import Report, ReportError, differing, from_json, to_json
from fdconform.report_html import to_html, to_markdown
from fdconform.report_junit import to_junit
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


def test_json_keeps_everything() -> None:
    one = report("one")
    assert from_json(to_json(one).encode("utf-8", "surrogatepass").decode("utf-8", "surrogatepass")) == one


@pytest.mark.parametrize("text", ["", "[]", '{"format": 99}', '{"format": 1}', '{"format": 1, "name": "x"}'])
def test_other_files_are_refused(text: str) -> None:
    with pytest.raises(ReportError):
        from_json(text)


@pytest.mark.parametrize(("strict", "failures"), [(False, ["0", "1"]), (True, ["1", "1"])])
def test_junit_counts_non_strict_only_when_asked(strict: bool, failures: list[str]) -> None:
    root = ET.fromstring(to_junit(report("one"), CHAPTERS, strict=strict))
    assert [suite.get("failures") for suite in root] == failures
    assert [suite.get("tests") for suite in root] == ["2", "1"]
    failure = root.find(".//testcase[@name='2.1.1 a bad one']/failure")
    assert failure is not None
    assert "It fails." in (failure.text or "")


class _Text(HTMLParser):
    """All text of a page, and the addresses it would load something from."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.loads: list[str] = []

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loads += [value or "" for name, value in attrs if name in ("src", "href")]


def test_the_page_shows_both_daemons_and_needs_nothing_else() -> None:
    page = _Text()
    page.feed(to_html([report("ours"), report("theirs", odd=Verdict.OK)], CHAPTERS))
    text = " ".join(page.text)
    assert not page.loads
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


def test_the_table_names_what_is_not_well() -> None:
    text = to_markdown([report("ours"), report("theirs", odd=Verdict.OK)], CHAPTERS)
    assert "| 1. First & foremost | 2 | 1 OK, 1 NON-STRICT | 2 OK |" in text
    assert "**1.1.2 an odd one.**" in text
    assert "**1.1.1" not in text


def test_verdicts_and_differences() -> None:
    assert worst(()) is Verdict.OK
    assert worst((ODD_FINDING, BAD_FINDING)) is Verdict.FAIL
    assert not report("one").is_good(strict=False)
    assert differing([report("ours"), report("theirs", odd=Verdict.OK)], (GOOD, ODD, BAD)) == [ODD]

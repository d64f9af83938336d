"""A finished run as a value, and its JSON form, which later runs are compared by. Never prints."""

import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum, unique
from typing import Any, Final, Protocol

from fdconform.verdicts import Finding, Result, Verdict

FORMAT: Final = 1
"""Version of the JSON form."""


class ReportError(ValueError):
    """A file is not a report of fdconform; the text says what is wrong and where."""


class Entry(Protocol):
    """What a report tells of a case, whichever direction it tests."""

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def rule(self) -> str: ...
    @property
    def source(self) -> str: ...


class Section(Protocol):
    """Cases that stand together under a heading."""

    @property
    def number(self) -> int | str: ...
    @property
    def title(self) -> str: ...
    @property
    def cases(self) -> Sequence[Entry]: ...


@unique
class Kind(Enum):
    """What a run has tested, as the JSON form names it. Only runs that tested the same can be compared."""

    FILE_DAEMON = "File daemon"
    DIRECTOR = "Director and Storage daemon"


HEADINGS: Final = {
    Kind.FILE_DAEMON: "File daemons",
    Kind.DIRECTOR: "Directors and Storage daemons",
}
"""What stands above the comparison of several."""


@dataclass(frozen=True, slots=True)
class Report:
    """One run against one implementation. `name` heads its column; `version` is what the daemon calls itself;
    `when` is UTC in ISO form, `seconds` the wall-clock time of the run; `coverage` is JSON of `coverage`."""

    name: str
    version: str
    when: str
    seconds: float
    results: tuple[Result, ...]
    coverage: dict[str, Any] | None = None
    tested: Kind = Kind.FILE_DAEMON

    def counts(self) -> Counter[Verdict]:
        """How many cases came to each verdict."""
        return Counter(result.verdict for result in self.results)

    def is_good(self, *, strict: bool) -> bool:
        """Nothing failed; with `strict` nothing was NON-STRICT either."""
        counts = self.counts()
        return not counts[Verdict.FAIL] and not (strict and counts[Verdict.NON_STRICT])


@dataclass(frozen=True, slots=True)
class Comparison:
    """Reports that stand side by side, all of the same kind, and the cases they are about."""

    reports: tuple[Report, ...]
    chapters: Sequence[Section]

    @property
    def tested(self) -> Kind:
        """What all of them tested."""
        return self.reports[0].tested

    def tables(self) -> list[dict[str, Result]]:
        """For each report its results by case."""
        return [{result.case: result for result in report.results} for report in self.reports]

    def played(self) -> list[tuple[Section, list[Entry]]]:
        """The chapters with those of their cases that are in a report."""
        known = {result.case for report in self.reports for result in report.results}
        found = [(chapter, [case for case in chapter.cases if case.id in known]) for chapter in self.chapters]
        return [(chapter, cases) for chapter, cases in found if cases]

    def differing(self) -> list[Entry]:
        """The cases that did not come to the same verdict in all reports."""
        tables = [{result.case: result.verdict for result in report.results} for report in self.reports]
        return [
            case
            for _, cases in self.played()
            for case in cases
            if len({table.get(case.id) for table in tables}) > 1
        ]


def counted(results: Collection[Result]) -> str:
    """How many results came to each verdict, in words."""
    counts = {verdict: sum(result.verdict is verdict for result in results) for verdict in Verdict}
    return ", ".join(f"{count} {verdict.value}" for verdict, count in counts.items() if count)


def to_json(report: Report) -> str:
    """The report as JSON text; transcripts of the cases are kept where the run kept them."""
    return json.dumps(
        {
            "format": FORMAT,
            "tested": report.tested.value,
            "name": report.name,
            "version": report.version,
            "when": report.when,
            "seconds": round(report.seconds, 2),
            "coverage": report.coverage,
            "cases": [
                {
                    "id": result.case,
                    "verdict": result.verdict.value,
                    "seconds": round(result.seconds, 3),
                    "findings": [[finding.verdict.value, finding.text] for finding in result.findings],
                    **({"transcript": list(result.rows)} if result.rows else {}),
                }
                for result in report.results
            ],
        },
        indent=1,
        ensure_ascii=False,
    )


def from_json(text: str) -> Report:
    """The report that `to_json` wrote. Raises ReportError."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise ReportError(f"not JSON: {error}") from error
    if not isinstance(document, dict) or "format" not in document:
        raise ReportError("neither a report of `fdconform run` nor one of `fdconform reverse`")
    if document["format"] != FORMAT:
        raise ReportError(f"format {document['format']}, this fdconform reads {FORMAT}: run the tests again")
    try:
        return Report(
            document["name"],
            document["version"],
            document["when"],
            float(document["seconds"]),
            tuple(_result(case) for case in document["cases"]),
            document.get("coverage"),
            _tested(document),
        )
    except ReportError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ReportError(f"not a report of fdconform: {error!r}") from error


def _tested(document: dict[str, Any]) -> Kind:
    """Reports did not say it while there was one kind only."""
    named = document.get("tested", Kind.FILE_DAEMON.value)
    try:
        return Kind(named)
    except ValueError as error:
        kinds = " or ".join(kind.value for kind in Kind)
        raise ReportError(f"a report about a {named}, not about a {kinds}") from error


def _result(case: dict[str, Any]) -> Result:
    try:
        findings = tuple(Finding(Verdict(verdict), str(said)) for verdict, said in case["findings"])
        rows = tuple(case.get("transcript", ()))
        return Result(str(case["id"]), Verdict(case["verdict"]), findings, float(case["seconds"]), rows)
    except ValueError as error:
        raise ReportError(f"case {case.get('id')}: {error}") from error

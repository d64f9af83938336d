"""A finished run as a value, and its JSON form, which later runs are compared by. Never prints."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from fdconform.case import Case
from fdconform.verdicts import Finding, Result, Verdict

FORMAT: Final = 1
"""Version of the JSON form."""


class ReportError(ValueError):
    """A file is not a report of fdconform; the text says what is wrong and where."""


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

    def counts(self) -> Counter[Verdict]:
        """How many cases came to each verdict."""
        return Counter(result.verdict for result in self.results)

    def is_good(self, *, strict: bool) -> bool:
        """Nothing failed; with `strict` nothing was NON-STRICT either."""
        counts = self.counts()
        return not counts[Verdict.FAIL] and not (strict and counts[Verdict.NON_STRICT])


def to_json(report: Report) -> str:
    """The report as JSON text; transcripts of the cases are kept where the run kept them."""
    return json.dumps(
        {
            "format": FORMAT,
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
        if document["format"] != FORMAT:
            raise ReportError(
                f"format {document['format']}, this fdconform reads {FORMAT}: run the tests again"
            )
        return Report(
            document["name"],
            document["version"],
            document["when"],
            float(document["seconds"]),
            tuple(_result(case) for case in document["cases"]),
            document.get("coverage"),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ReportError(f"not a report of fdconform: {error!r}") from error
    except json.JSONDecodeError as error:
        raise ReportError(f"not JSON: {error}") from error


def _result(case: dict[str, Any]) -> Result:
    try:
        findings = tuple(Finding(Verdict(verdict), str(said)) for verdict, said in case["findings"])
        rows = tuple(case.get("transcript", ()))
        return Result(str(case["id"]), Verdict(case["verdict"]), findings, float(case["seconds"]), rows)
    except ValueError as error:
        raise ReportError(f"case {case.get('id')}: {error}") from error


def differing(reports: Iterable[Report], cases: Iterable[Case]) -> list[Case]:
    """The cases that did not come to the same verdict in all reports."""
    tables = [{result.case: result.verdict for result in report.results} for report in reports]
    return [case for case in cases if len({table.get(case.id) for table in tables}) > 1]

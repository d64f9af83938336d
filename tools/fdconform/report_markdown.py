"""Reports side by side in Markdown: the counts, and all that is not well. Never judges."""

from collections.abc import Sequence

from fdconform.report import HEADINGS, Comparison, counted
from fdconform.verdicts import Verdict

_BAD = (Verdict.FAIL, Verdict.NON_STRICT)


def to_markdown(comparisons: Sequence[Comparison]) -> str:
    """The counts of each chapter, and every case that is FAIL or NON-STRICT somewhere, with what was seen; under a
    heading for each kind of daemon if there are several."""
    lines: list[str] = []
    for comparison in comparisons:
        if len(comparisons) > 1:
            lines += [f"## {HEADINGS[comparison.tested]}", ""]
        lines += [*_counts(comparison), "", *_bad_cases(comparison)]
    return "\n".join(lines).rstrip() + "\n"


def _counts(comparison: Comparison) -> list[str]:
    reports, tables = comparison.reports, comparison.tables()
    lines = [
        "| chapter | cases | " + " | ".join(report.name for report in reports) + " |",
        "|---|--:|" + "---|" * len(reports),
    ]
    for chapter, cases in comparison.played():
        cells = [counted([table[case.id] for case in cases if case.id in table]) for table in tables]
        lines.append(f"| {chapter.number}. {chapter.title} | {len(cases)} | " + " | ".join(cells) + " |")
    everything = " | ".join(f"**{counted(table.values())}**" for table in tables)
    number = len({number for table in tables for number in table})
    return [*lines, f"| **all** | **{number}** | {everything} |"]


def _bad_cases(comparison: Comparison) -> list[str]:
    reports, tables = comparison.reports, comparison.tables()
    lines: list[str] = []
    for case in (case for _, cases in comparison.played() for case in cases):
        seen = [table[case.id] for table in tables if case.id in table]
        if not any(result.verdict in _BAD for result in seen):
            continue
        lines += [f"**{case.id} {case.title}.** {case.rule} ({case.source})", ""]
        for table, report in zip(tables, reports, strict=True):
            if (result := table.get(case.id)) is not None:
                said = f": `{_inline(result.text)}`" if result.findings and result.verdict in _BAD else ""
                lines.append(f"- {report.name}: {result.verdict.value}{said}")
        lines.append("")
    return lines


def _inline(text: str) -> str:
    return text.replace("`", "'").replace("\n", " ")

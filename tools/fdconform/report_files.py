"""The options that ask for reports, the same for both directions, and the files that are written for them."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from fdconform.report import Comparison, Report, Section, to_json
from fdconform.report_html import to_html
from fdconform.report_junit import to_junit
from fdconform.verdicts import Result, Verdict


def add_reports(parser: argparse.ArgumentParser) -> None:
    """The options for `write_reports`, and those for what is in a report."""
    parser.add_argument("--strict", action="store_true", help="NON-STRICT counts as a failure")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report for `fdconform matrix`")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit XML")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page")
    parser.add_argument("--keep", action="store_true", help="keep the transcripts of good cases too")
    parser.add_argument("--verbose", action="store_true", help="name good cases too")


def write_reports(options: argparse.Namespace, report: Report, chapters: Sequence[Section]) -> None:
    """Every file that was asked for. Raises OSError."""
    if options.json is not None:
        options.json.write_text(to_json(report))
    if options.junit is not None:
        options.junit.write_text(to_junit(report, chapters, strict=options.strict))
    if options.html is not None:
        options.html.write_text(to_html([Comparison((report,), chapters)]))


def without_good_rows(results: Sequence[Result]) -> tuple[Result, ...]:
    """The results without the transcripts of cases that went well or were not played."""
    good = (Verdict.OK, Verdict.SKIPPED)
    return tuple(replace(result, rows=()) if result.verdict in good else result for result in results)

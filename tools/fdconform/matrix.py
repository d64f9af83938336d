"""`fdconform matrix`: reads reports of both directions and sets those side by side that tested the same."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from fdconform.chapters import CHAPTERS
from fdconform.report import Comparison, Kind, Report, ReportError, Section, from_json
from fdconform.report_html import to_html
from fdconform.report_markdown import to_markdown
from fdconform.report_terminal import side_by_side
from fdconform.reverse.all import CHAPTERS as REVERSE_CHAPTERS

CASES_OF: Final[dict[Kind, Sequence[Section]]] = {
    Kind.FILE_DAEMON: CHAPTERS,
    Kind.DIRECTOR: REVERSE_CHAPTERS,
}


def add_matrix(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The subcommand `matrix`."""
    parser = commands.add_parser("matrix", help="compare reports of several runs, of `run` and of `reverse`")
    parser.add_argument("reports", type=Path, nargs="+", metavar="REPORT.json")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write one page that needs nothing else")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table and what is not OK")
    parser.set_defaults(act=matrix)


def matrix(options: argparse.Namespace) -> int:
    """Always 0. Raises ReportError, OSError."""
    comparisons = compared([read(path) for path in options.reports])
    if options.html is not None:
        options.html.write_text(to_html(comparisons))
    if options.markdown is not None:
        options.markdown.write_text(to_markdown(comparisons))
    console = Console(highlight=False)
    for comparison in comparisons:
        console.print(side_by_side(comparison))
    return 0


def read(path: Path) -> Report:
    """The report in a file. Raises ReportError, which names the file, or OSError."""
    try:
        return from_json(path.read_text())
    except (ReportError, UnicodeDecodeError) as error:
        raise ReportError(f"{path}: {error}") from error


def compared(reports: Sequence[Report]) -> list[Comparison]:
    """Those about File daemons, then those about Directors, each kind in the order given."""
    found = ((tuple(report for report in reports if report.tested is kind), kind) for kind in Kind)
    return [Comparison(alike, CASES_OF[kind]) for alike, kind in found if alike]

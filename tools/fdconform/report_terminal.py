"""What a person sees: progress while a run goes on, and its report at the end. Never judges."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from rich.console import Console, Group
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from fdconform.case import Chapter
from fdconform.report import HEADINGS, Comparison, Entry, Report, Section, counted
from fdconform.verdicts import Result, Verdict

COLOURS: Final = {
    Verdict.OK: "green",
    Verdict.INFORMATIONAL: "blue",
    Verdict.NON_STRICT: "yellow",
    Verdict.FAIL: "bold red",
    Verdict.SKIPPED: "dim",
}


class Told:
    """Takes each result as it comes; prints what is not well at once, and moves the bar."""

    def __init__(
        self, console: Console, progress: Progress | None, cases: Sequence[Entry], *, verbose: bool
    ) -> None:
        self._console = console
        self._progress = progress
        self._titles = {case.id: case.title for case in cases}
        self._verbose = verbose
        self._task = progress.add_task("cases", total=len(cases)) if progress is not None else None

    def __call__(self, result: Result) -> None:
        if self._progress is not None and self._task is not None:
            self._progress.advance(self._task)
        if self._verbose or result.verdict in (Verdict.FAIL, Verdict.NON_STRICT):
            colour = COLOURS[result.verdict]
            said = f"  [dim]{escape(result.text)}[/]" if result.findings else ""
            title = escape(self._titles.get(result.case, ""))
            self._console.print(
                f"[{colour}]{result.verdict.value:<13}[/] {result.case:<8} {title}{said}", soft_wrap=True
            )


@contextmanager
def told(console: Console, cases: Sequence[Entry], *, verbose: bool) -> Iterator[Told]:
    """A receiver of results, with a bar on a terminal."""
    if not console.is_terminal:
        yield Told(console, None, cases, verbose=verbose)
        return
    columns = (
        TextColumn("[progress.description]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield Told(console, progress, cases, verbose=verbose)


def summary(report: Report, chapters: Sequence[Section]) -> Group:
    """The counts by chapter, and the line that says it all."""
    table = Table(title=f"{report.name}: {report.version or 'no version told'}", title_justify="left")
    table.add_column("chapter")
    for verdict in Verdict:
        table.add_column(verdict.value, justify="right", style=COLOURS[verdict])
    results = {result.case: result for result in report.results}
    for chapter in chapters:
        found = [results[case.id] for case in chapter.cases if case.id in results]
        if found:
            counts = (sum(result.verdict is verdict for result in found) for verdict in Verdict)
            table.add_row(
                f"{chapter.number} {chapter.title}", *(str(count) if count else "" for count in counts)
            )
    return Group(table, f"{len(report.results)} cases in {report.seconds:.1f} s: {counted(report.results)}")


def side_by_side(comparison: Comparison) -> Group:
    """A column a report: the counts of each chapter, and below the cases in which they differ."""
    table = Table(title=HEADINGS[comparison.tested], title_justify="left", show_footer=True)
    table.add_column("chapter", footer="all")
    for report in comparison.reports:
        head = Text(report.name)
        head.append(f"\n{report.version or 'no version told'}", "dim")
        table.add_column(head, footer=counted(report.results), overflow="fold")
    tables = comparison.tables()
    for chapter, cases in comparison.played():
        cells = (counted([table[case.id] for case in cases if case.id in table]) for table in tables)
        table.add_row(Text(f"{chapter.number} {chapter.title}"), *cells)
    if len(comparison.reports) < 2:
        return Group(table)
    if not (differing := comparison.differing()):
        return Group(table, "The same verdict in every case.")
    shown = Table(title="Where they differ", title_justify="left", box=None, pad_edge=False)
    shown.add_column("case", no_wrap=True)
    shown.add_column("title")
    for report in comparison.reports:
        shown.add_column(Text(report.name), overflow="fold")
    for case in differing:
        shown.add_row(case.id, Text(case.title), *(_verdict(results.get(case.id)) for results in tables))
    return Group(table, shown)


def _verdict(result: Result | None) -> Text:
    if result is None:
        return Text("not run", "dim")
    return Text(result.verdict.value, COLOURS[result.verdict])


def listing(chapters: Sequence[Chapter], wanted: set[str], *, whole: bool) -> Iterator[str]:
    """The cases to be run, a line each; with `whole` their rule, source and dialogue too."""
    for chapter in chapters:
        cases = [case for case in chapter.cases if case.id in wanted]
        if cases:
            yield f"[bold]{chapter.number}. {escape(chapter.title)}[/]"
        for case in sorted(cases, key=lambda case: case.number):
            needs = ", ".join(sorted(need.name.lower() for need in case.needs))
            notes = [f"profile {case.profile}"] * (case.profile != "plain") + [f"needs {needs}"] * bool(needs)
            yield f"  {case.id:<8} {escape(case.title)}" + (
                f"  [dim]({'; '.join(notes)})[/]" if notes else ""
            )
            if whole:
                yield f"           {escape(case.rule)} [dim]{escape(case.source)}[/]"
                yield from (f"             [dim]{escape(_step(step))}[/]" for step in case.play)


def _step(step: object) -> str:
    text = repr(step)
    return text if len(text) <= 160 else text[:159] + "…"

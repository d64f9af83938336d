"""`fdconform reverse`: the options, the table of results, and the exit status."""

import argparse
import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import trio
from rich.console import Console as Screen
from rich.table import Table
from rich.text import Text

from fdconform.reverse.all import all_cases
from fdconform.reverse.case import ReverseCase
from fdconform.reverse.console import Console, ConsoleError
from fdconform.reverse.player import Setting, play_all
from fdconform.reverse.resources import Surroundings, resources
from fdconform.verdicts import Result, Verdict

COLOURS = {
    Verdict.OK: "green",
    Verdict.INFORMATIONAL: "cyan",
    Verdict.NON_STRICT: "yellow",
    Verdict.FAIL: "bold red",
    Verdict.SKIPPED: "dim",
}


def add_reverse(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The subcommand `reverse`."""
    parser = commands.add_parser("reverse", help="test a Director and a Storage daemon as their File daemon")
    parser.add_argument("--console", metavar="COMMAND", help='as "bconsole -c FILE"; orders are piped in')
    parser.add_argument(
        "--listen",
        default="127.0.0.1:9102",
        metavar="HOST:PORT",
        help="where the Director dials, and fifteen ports on",
    )
    parser.add_argument(
        "--password", default="conform secret", help="of the clients conform-fd1 to 16 in the Director"
    )
    parser.add_argument(
        "--only", action="append", default=[], metavar="ID", help="a case, section or chapter: R2"
    )
    parser.add_argument("--list", action="store_true", help="name the cases and do nothing")
    parser.add_argument(
        "--configuration", action="store_true", help="print resources for the Director and end"
    )
    parser.add_argument("--clear", action="store_true", help="with --configuration: without TLS")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write results with transcripts")
    parser.set_defaults(act=reverse)


def reverse(options: argparse.Namespace) -> int:
    """0 when no case failed, 1 when one did, 2 when nothing could be tested."""
    screen = Screen(highlight=False)
    host, _, port = options.listen.rpartition(":")
    if not (host and port.isdigit()):
        return _misused("--listen wants HOST:PORT")
    cases = chosen(options.only)
    if not cases:
        return _misused("no such case; --list names all")
    if options.configuration:
        print(resources(Surroundings(host, int(port), options.password, tls=not options.clear)), end="")
        return 0
    if options.list:
        for case in cases:
            screen.print(Text(f"{case.id:8} {case.title}: {case.rule}"), soft_wrap=True)
        return 0
    if not options.console:
        return _misused("--console is needed: what starts the Director's console")

    def told(result: Result) -> None:
        line = Text(f"{result.verdict.value:14}", COLOURS[result.verdict])
        screen.print(line + Text(f"{result.case:8} {result.seconds:5.1f} s  {result.text}"), soft_wrap=True)

    setting = Setting(Console(options.console), options.password, host, int(port))
    results: list[Result] = []
    problem = ""
    try:
        results = trio.run(partial(play_all, cases, setting, told))
    except* (ConsoleError, OSError) as failed:
        problem = "; ".join(str(error) for error in failed.exceptions)
    if problem:
        return _misused(problem)
    screen.print(table(cases, results))
    if options.json is not None:
        options.json.write_text(to_json(cases, results))
    return int(any(result.verdict is Verdict.FAIL for result in results))


def chosen(only: Sequence[str]) -> list[ReverseCase]:
    """The cases whose id is, or begins with, one of `only`; all without any."""
    return [
        case
        for case in all_cases()
        if not only or any(f"{case.id}.".startswith(f"R{item.removeprefix('R')}.") for item in only)
    ]


def table(cases: Sequence[ReverseCase], results: Sequence[Result]) -> Table:
    """All results with what was noticed."""
    shown = Table(box=None, header_style="bold")
    for column in ("case", "verdict", "title", "noticed"):
        shown.add_column(column, overflow="fold")
    for case, result in zip(cases, results, strict=True):
        verdict = Text(result.verdict.value, COLOURS[result.verdict])
        shown.add_row(case.id, verdict, Text(case.title), Text(result.text))
    return shown


def to_json(cases: Sequence[ReverseCase], results: Sequence[Result]) -> str:
    """Results with their cases' texts; rows (see `fdpeers.transcript`) of those that are not OK."""
    entries = [
        {
            "case": case.id,
            "title": case.title,
            "rule": case.rule,
            "source": case.source,
            "verdict": result.verdict.value,
            "text": result.text,
            "seconds": round(result.seconds, 3),
            "rows": [] if result.verdict is Verdict.OK else list(result.rows),
        }
        for case, result in zip(cases, results, strict=True)
    ]
    return json.dumps({"reverse": entries}, indent=1) + "\n"


def _misused(text: str) -> int:
    print(f"fdconform: {text}", file=sys.stderr)
    return 2

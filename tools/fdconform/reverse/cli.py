"""`fdconform reverse`: the options, the reports, and the exit status."""

import argparse
import re
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

import trio
from rich.console import Console as Screen
from rich.text import Text

from fdconform.exits import Exit, exit_after
from fdconform.report import Kind, Report
from fdconform.report_files import add_reports, without_good_rows, write_reports
from fdconform.report_terminal import summary, told
from fdconform.reverse.all import CHAPTERS, all_cases
from fdconform.reverse.case import ReverseCase
from fdconform.reverse.console import Console, ConsoleError
from fdconform.reverse.player import Setting, play_all
from fdconform.reverse.resources import Surroundings, resources
from fdconform.verdicts import Result

_VERSION: Final = re.compile(
    r"^(?:1000 OK: )?(?P<name>\S+) Version: (?P<version>\S+(?: \(.*?\))?)", re.MULTILINE
)
"""How a Director introduces itself to a console, and what it answers to `version`: its name, release and date."""


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
    parser.add_argument("--name", help="what the reports call these daemons (default: the Director's name)")
    add_reports(parser)
    parser.set_defaults(act=reverse)


def reverse(options: argparse.Namespace) -> Exit:
    """Play the cases and report. Raises OSError for a report that cannot be written."""
    screen = Screen(highlight=False)
    host, _, port = options.listen.rpartition(":")
    if not (host and port.isdigit()):
        return _refused("--listen wants HOST:PORT")
    cases = chosen(options.only)
    if not cases:
        return _refused("no such case; --list names all")
    if options.configuration:
        print(resources(Surroundings(host, int(port), options.password, tls=not options.clear)), end="")
        return Exit.GOOD
    if options.list:
        for case in cases:
            screen.print(Text(f"{case.id:8} {case.title}: {case.rule}"), soft_wrap=True)
        return Exit.GOOD
    if not options.console:
        return _refused("--console is needed: what starts the Director's console")

    setting = Setting(Console(options.console), options.password, host, int(port))
    reports: list[Report] = []
    problem = ""
    try:
        with told(screen, cases, verbose=options.verbose) as receiver:
            reports.append(trio.run(partial(played, cases, setting, receiver, options.name or "")))
    except* (ConsoleError, OSError) as failed:
        problem = "; ".join(_reasons(failed))
    if problem:
        return _refused(problem, Exit.NOTHING_TESTED)
    (report,) = reports
    screen.print(summary(report, CHAPTERS))
    if not options.keep:
        report = replace(report, results=without_good_rows(report.results))
    write_reports(options, report, CHAPTERS)
    return exit_after(report, strict=options.strict)


def _reasons(group: BaseExceptionGroup[BaseException]) -> Iterator[str]:
    """What went wrong, without the nurseries in which it did."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _reasons(error)
        else:
            yield str(error)


async def played(
    cases: Sequence[ReverseCase], setting: Setting, receiver: Callable[[Result], object], name: str
) -> Report:
    """All cases on the Director. The report is about `name`, or what the Director or else the console's program is
    called. Raises ConsoleError, or OSError when a port is taken."""
    said = _VERSION.search(await setting.console.tell("version"))
    name = name or (said["name"] if said else Path(shlex.split(setting.console.command)[0]).name)
    version = said["version"] if said else ""
    began = time.monotonic()
    results = await play_all(cases, setting, receiver)
    seconds = time.monotonic() - began
    when = datetime.now(UTC).isoformat(timespec="seconds")
    return Report(name, version, when, seconds, tuple(results), tested=Kind.DIRECTOR)


def chosen(only: Sequence[str]) -> list[ReverseCase]:
    """The cases whose id is, or begins with, one of `only`; all without any."""
    wanted = [f"R{item.removeprefix('R')}." for items in only for item in items.split(",")]
    cases = all_cases()
    if not wanted:
        return cases
    return [case for case in cases if any(f"{case.id}.".startswith(item) for item in wanted)]


def _refused(text: str, status: Exit = Exit.USAGE) -> Exit:
    print(f"fdconform: {text}", file=sys.stderr)
    return status

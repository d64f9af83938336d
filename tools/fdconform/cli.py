"""The command line of fdconform. Exit codes are in `Exit`."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime
from enum import IntEnum
from functools import partial
from pathlib import Path

import trio
from rich.console import Console

from fdconform import given
from fdconform.case import Case
from fdconform.chapters import CHAPTERS, all_cases
from fdconform.coverage_reasons import judged
from fdconform.coverage_table import tables
from fdconform.decode import add_decode
from fdconform.profiles import PROFILES, Profile
from fdconform.record import add_record
from fdconform.report import Report, ReportError, from_json, to_json
from fdconform.report_html import to_html, to_markdown
from fdconform.report_junit import to_junit
from fdconform.report_terminal import listing, summary, told
from fdconform.reverse.cli import add_reverse
from fdconform.runner import AT_ONCE, Outcome, Settings, Start, run
from fdconform.subject import Subject, started
from fdconform.verdicts import Verdict


class Exit(IntEnum):
    """What the exit status says."""

    GOOD = 0
    FAILED = 1
    """At least one case failed (with --strict also: was NON-STRICT)."""
    USAGE = 2
    NOTHING_TESTED = 3
    """No case could be played: the daemon does not start or does not listen."""


class UsageError(Exception):
    """The command line makes no sense; the text says what to write."""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry of `fdconform`."""
    options = _parser().parse_args(argv)
    try:
        return int(options.act(options))
    except (UsageError, given.GivenError, ReportError) as error:
        print(f"fdconform: {error}", file=sys.stderr)
        return Exit.USAGE
    except OSError as error:
        print(f"fdconform: {error.filename}: {error.strerror}", file=sys.stderr)
        return Exit.USAGE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fdconform", description="Conformance tests for Bareos File daemons."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_run(commands)
    _add_configure(commands)
    _add_matrix(commands)
    add_decode(commands)
    add_record(commands)
    add_reverse(commands)
    return parser


type _Commands = "argparse._SubParsersAction[argparse.ArgumentParser]"


def _add_run(commands: _Commands) -> None:
    runs = commands.add_parser("run", help="play the cases on a File daemon")
    target = runs.add_mutually_exclusive_group()
    target.add_argument(
        "--start", metavar="COMMAND", help="start the daemon; {config} or -f -c FILE names its configuration"
    )
    target.add_argument("--fd", metavar="HOST:PORT", help="a daemon that runs already; needs --config")
    runs.add_argument(
        "--config", type=Path, metavar="FILE", help="what `fdconform configure` wrote: fdconform.toml"
    )
    runs.add_argument(
        "--only", action="append", default=[], metavar="ID", help="a case, section or chapter: 2.3"
    )
    runs.add_argument("--strict", action="store_true", help="NON-STRICT counts as a failure")
    runs.add_argument("--hostile", action="store_true", help="play the cases that mean harm too")
    runs.add_argument("--list", action="store_true", help="name the cases and do nothing")
    runs.add_argument(
        "--dryrun", action="store_true", help="show the cases with their dialogues and do nothing"
    )
    runs.add_argument(
        "--at-once", type=int, default=AT_ONCE, metavar="N", help=f"cases in parallel ({AT_ONCE})"
    )
    runs.add_argument("--name", help="what the reports call this daemon (default: its program or address)")
    runs.add_argument("--json", type=Path, metavar="FILE", help="write the report for `fdconform matrix`")
    runs.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit XML")
    runs.add_argument("--html", type=Path, metavar="FILE", help="write a page")
    runs.add_argument("--coverage", action="store_true", help="tell what of the protocol was exercised")
    runs.add_argument("--keep", action="store_true", help="keep the transcripts of good cases too")
    runs.add_argument("--verbose", action="store_true", help="name good cases too")
    runs.set_defaults(act=_run)


def _run(options: argparse.Namespace) -> Exit:
    console = Console(highlight=False)
    cases = [case for case in select(options.only) if options.hostile or not case.hostile]
    if options.list or options.dryrun:
        for line in listing(CHAPTERS, {case.id for case in cases}, whole=options.dryrun):
            console.print(line, soft_wrap=True)
        return Exit.GOOD
    start = _start_given(options) if options.fd else _start_command(options)
    with told(console, cases, verbose=options.verbose) as receiver:
        settings = Settings(max(1, options.at_once), receiver, options.keep or options.coverage)
        outcome = trio.run(partial(run, cases, start, settings))
    when = datetime.now(UTC).isoformat(timespec="seconds")
    report = Report(_name(options), outcome.version, when, outcome.seconds, tuple(outcome.results))
    console.print(summary(report, CHAPTERS))
    if options.coverage:
        report = _covered(report, outcome, keep=options.keep)
        console.print(tables(report.coverage or {}))
    if options.json is not None:
        options.json.write_text(to_json(report))
    if options.junit is not None:
        options.junit.write_text(to_junit(report, CHAPTERS, strict=options.strict))
    if options.html is not None:
        options.html.write_text(to_html([report], CHAPTERS))
    if not outcome.version and not any(result.verdict is Verdict.OK for result in report.results):
        return Exit.NOTHING_TESTED
    return Exit.GOOD if report.is_good(strict=options.strict) else Exit.FAILED


def _covered(report: Report, outcome: Outcome, *, keep: bool) -> Report:
    """With the coverage; transcripts of good cases were only kept for that, unless they are wanted."""
    coverage = judged((result.rows for result in outcome.results), outcome.logs.values())
    good = (Verdict.OK, Verdict.SKIPPED)
    kept = tuple(
        replace(result, rows=()) if result.verdict in good and not keep else result
        for result in report.results
    )
    return replace(report, coverage=coverage, results=kept)


def _name(options: argparse.Namespace) -> str:
    if options.name:
        return str(options.name)
    return str(options.fd) if options.fd else Path(shlex.split(options.start)[0]).name


def select(only: Sequence[str]) -> list[Case]:
    """The cases whose id is, or begins with, one of `only`; all without any. Raises UsageError for none."""
    wanted = [item for items in only for item in items.split(",")]
    cases = all_cases()
    for item in wanted:
        if not any(f"{case.id}.".startswith(f"{item}.") for case in cases):
            raise UsageError(f"there is no case {item}; `fdconform run --list` names all")
    if not wanted:
        return cases
    return [case for case in cases if any(f"{case.id}.".startswith(f"{item}.") for item in wanted)]


def _start_command(options: argparse.Namespace) -> Start:
    if not options.start:
        raise UsageError('say which daemon: --start "COMMAND", or --fd HOST:PORT --config FILE')

    def start(profile: Profile, folder: Path) -> AbstractAsyncContextManager[Subject]:
        return started(options.start, profile, folder)

    return start


def _start_given(options: argparse.Namespace) -> Start:
    host, colon, port = options.fd.rpartition(":")
    if not colon or not port.isdecimal():
        raise UsageError(f"--fd {options.fd}: write HOST:PORT")
    if options.config is None:
        raise UsageError("--fd needs --config FILE; `fdconform configure DIRECTORY` writes one")
    described = given.read(options.config)

    def start(profile: Profile, folder: Path) -> AbstractAsyncContextManager[Subject]:
        return given.running(described, host.strip("[]"), int(port), profile)

    return start


def _add_configure(commands: _Commands) -> None:
    configures = commands.add_parser(
        "configure", help="write a configuration for a daemon that you start yourself"
    )
    configures.add_argument("directory", type=Path)
    configures.add_argument("--profile", choices=sorted(PROFILES), default="plain")
    configures.add_argument("--host", default="127.0.0.1")
    configures.add_argument("--port", type=int, default=9102)
    configures.set_defaults(act=_configure)


def _configure(options: argparse.Namespace) -> Exit:
    folder = options.directory.resolve()
    config, description = given.configure(folder, PROFILES[options.profile], options.host, options.port)
    print(f"Start the daemon with {config}, then:")
    print(f"fdconform run --fd {options.host}:{options.port} --config {description}")
    return Exit.GOOD


def _add_matrix(commands: _Commands) -> None:
    matrix = commands.add_parser("matrix", help="compare reports of several runs")
    matrix.add_argument("reports", type=Path, nargs="+", metavar="REPORT.json")
    matrix.add_argument("--html", type=Path, metavar="FILE", help="write one page that needs nothing else")
    matrix.add_argument("--markdown", type=Path, metavar="FILE", help="write the table and what is not OK")
    matrix.set_defaults(act=_matrix)


def _matrix(options: argparse.Namespace) -> Exit:
    reports = [from_json(path.read_text()) for path in options.reports]
    if options.html is not None:
        options.html.write_text(to_html(reports, CHAPTERS))
    if options.markdown is not None:
        options.markdown.write_text(to_markdown(reports, CHAPTERS))
    console = Console(highlight=False)
    for report in reports:
        console.print(summary(report, CHAPTERS))
    return Exit.GOOD


if __name__ == "__main__":
    sys.exit(main())

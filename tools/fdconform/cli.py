"""The command line of fdconform. Exit codes are in `exits`."""

import argparse
import shlex
import sys
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime
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
from fdconform.exits import Exit, exit_after
from fdconform.matrix import add_matrix
from fdconform.profiles import PROFILES, Profile
from fdconform.record import add_record
from fdconform.report import Report, ReportError
from fdconform.report_files import add_reports, without_good_rows, write_reports
from fdconform.report_terminal import listing, summary, told
from fdconform.reverse.cli import add_reverse
from fdconform.runner import AT_ONCE, Outcome, Settings, Start, run
from fdconform.subject import Subject, started


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
    add_matrix(commands)
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
    runs.add_argument("--hostile", action="store_true", help="play the cases that mean harm too")
    runs.add_argument("--list", action="store_true", help="name the cases and do nothing")
    runs.add_argument(
        "--dryrun", action="store_true", help="show the cases with their dialogues and do nothing"
    )
    runs.add_argument(
        "--at-once", type=int, default=AT_ONCE, metavar="N", help=f"cases in parallel ({AT_ONCE})"
    )
    runs.add_argument("--name", help="what the reports call this daemon (default: its program or address)")
    add_reports(runs)
    runs.add_argument("--coverage", action="store_true", help="tell what of the protocol was exercised")
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
    write_reports(options, report, CHAPTERS)
    return exit_after(report, strict=options.strict)


def _covered(report: Report, outcome: Outcome, *, keep: bool) -> Report:
    """With the coverage; transcripts of good cases were only kept for that, unless they are wanted."""
    coverage = judged((result.rows for result in outcome.results), outcome.logs.values())
    kept = report.results if keep else without_good_rows(report.results)
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


if __name__ == "__main__":
    sys.exit(main())

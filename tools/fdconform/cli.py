"""The command line of fdconform."""

import argparse
import sys
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import trio

from fdconform.chapters import all_cases
from fdconform.profiles import Profile
from fdconform.runner import Settings, run
from fdconform.subject import Subject, started
from fdconform.verdicts import Result, Verdict


def main(argv: Sequence[str] | None = None) -> int:
    """Entry of `fdconform`."""
    parser = argparse.ArgumentParser(
        prog="fdconform", description="Conformance tests for Bareos File daemons."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    runs = commands.add_parser("run")
    runs.add_argument("--start", required=True)
    runs.add_argument("--only", action="append", default=[])
    options = parser.parse_args(argv)
    cases = [
        case
        for case in all_cases()
        if not options.only or any(f"{case.id}.".startswith(f"{only}.") for only in options.only)
    ]

    def start(profile: Profile, folder: Path) -> AbstractAsyncContextManager[Subject]:
        return started(options.start, profile, folder)

    def told(result: Result) -> None:
        print(result.verdict.value, result.case, f"{result.seconds:.2f}", result.text, flush=True)

    outcome = trio.run(partial(run, cases, start, Settings(told=told)))
    print(f"{len(outcome.results)} cases, {outcome.seconds:.1f} s")
    return int(any(result.verdict is Verdict.FAIL for result in outcome.results))


if __name__ == "__main__":
    sys.exit(main())

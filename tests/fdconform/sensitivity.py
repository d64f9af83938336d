"""Does the tester notice? `python -m tests.fdconform.sensitivity [NAME…]` runs it against each deliberate defect and
prints a table of the cases that caught it. Exit status 1 if a defect got through."""

import shlex
import sys
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import trio

from fdconform.cli import select
from fdconform.profiles import Profile
from fdconform.runner import Settings, run
from fdconform.subject import Subject, started
from fdconform.verdicts import Verdict
from tests.fdconform.defects import DEFECTS, Defect


def caught_by(defect: Defect, only: Sequence[str] = ()) -> list[str]:
    """The ids of the cases that fail with this defect, among `only` or those that the defect names."""
    command = shlex.join([sys.executable, "-m", "tests.fdconform.defective", defect.name])

    def start(profile: Profile, folder: Path) -> AbstractAsyncContextManager[Subject]:
        return started(command, profile, folder)

    outcome = trio.run(partial(run, select(only or defect.tried_by), start, Settings(at_once=16)))
    return [result.case for result in outcome.results if result.verdict is Verdict.FAIL]


def main(names: Sequence[str]) -> int:
    """Print the table."""
    print("| defect | noticed by |\n|---|---|")
    missed = 0
    for defect in DEFECTS:
        if names and defect.name not in names:
            continue
        cases = caught_by(defect)
        missed += not cases
        shown = ", ".join(cases[:6]) + (f" and {len(cases) - 6} more" if len(cases) > 6 else "")
        print(f"| {defect.what} | {shown or '**nothing**'} |", flush=True)
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

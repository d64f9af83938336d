"""Fuzz one target with atheris: python -m tests.fuzz NAME SECONDS [options of libFuzzer].

Not part of the suite, and atheris is no requirement of the project: install it where it is wanted.
"""

import importlib
import sys
import tempfile
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Run until the time is over or something is found; libFuzzer prints what and ends the process."""
    try:
        atheris = importlib.import_module("atheris")
    except ImportError:
        print("atheris is not installed: python -m pip install atheris", file=sys.stderr)
        return 2
    with atheris.instrument_imports(include=["fdaemon", "fdpeers"]):
        from tests.fuzz.targets import TARGETS
    if len(arguments) < 2 or arguments[0] not in TARGETS:
        print(
            f"usage: python -m tests.fuzz NAME SECONDS [option...]\nNAME: {' '.join(TARGETS)}",
            file=sys.stderr,
        )
        return 2
    name, seconds, *options = arguments
    target = TARGETS[name]
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(target.seeds()):
            Path(corpus, f"seed-{number}").write_bytes(seed)
        atheris.Setup([sys.argv[0], f"-max_total_time={seconds}", "-max_len=8192", *options, corpus], target)
        atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

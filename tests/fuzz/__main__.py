"""Fuzz one target with atheris: python -m tests.fuzz NAME SECONDS [options of libFuzzer].

Not part of the suite, and atheris is no requirement of the project: install it where it is wanted.
"""

import importlib
import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

INSIDE = "--inside"
"""libFuzzer ends the process it runs in, so it gets one of its own; the corpus goes with this one."""


def main(arguments: list[str]) -> int:
    """Run until the time is over or something is found; libFuzzer prints what."""
    if arguments[:1] == [INSIDE]:
        return _fuzz(*arguments[1:])
    if importlib.util.find_spec("atheris") is None:
        print("atheris is not installed: python -m pip install atheris", file=sys.stderr)
        return 2
    if len(arguments) < 2:
        print("usage: python -m tests.fuzz NAME SECONDS [option...]", file=sys.stderr)
        return 2
    name, seconds, *options = arguments
    with tempfile.TemporaryDirectory() as corpus:
        inside = [sys.executable, "-m", "tests.fuzz", INSIDE, name, corpus]
        limits = [f"-max_total_time={seconds}", "-max_len=8192"]
        return subprocess.run([*inside, *limits, *options], check=False).returncode


def _fuzz(name: str, corpus: str, *options: str) -> int:
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["fdaemon", "fdpeers"]):
        from tests.fuzz.targets import TARGETS
    if name not in TARGETS:
        print(f"no target {name}; there are: {' '.join(TARGETS)}", file=sys.stderr)
        return 2
    target = TARGETS[name]
    for number, seed in enumerate(target.seeds()):
        Path(corpus, f"seed-{number}").write_bytes(seed)
    atheris.Setup([sys.argv[0], *options, corpus], target)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

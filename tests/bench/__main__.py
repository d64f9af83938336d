"""Runs every measurement beside this file: each `bench_*.py` has a `run()` that yields lines to print."""

import importlib
import sys
from pathlib import Path


def main(wanted: list[str]) -> None:
    """Run the measurements whose name holds one of `wanted`, or all."""
    for path in sorted(Path(__file__).parent.glob("bench_*.py")):
        if wanted and not any(word in path.stem for word in wanted):
            continue
        module = importlib.import_module(f"tests.bench.{path.stem}")
        print(path.stem.removeprefix("bench_"), flush=True)
        for line in module.run():
            print(f"  {line}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

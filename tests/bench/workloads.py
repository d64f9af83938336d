"""Trees and streams to measure on, made once a run in shared memory where there is some. Measures nothing."""

import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SCALE = float(os.environ.get("FDAEMON_BENCH_SCALE", "1"))
"""1 is the full size: 100,000 small files, 2 GB in large ones."""
FILES_IN_A_DIRECTORY = 100
LARGE_FILES = 4


@dataclass(frozen=True, slots=True)
class Workload:
    """A tree to back up: its name in the report and its place."""

    name: str
    path: Path


@contextmanager
def scratch() -> Iterator[Path]:
    """A directory for trees and restores, gone afterwards."""
    memory = Path("/dev/shm")
    parent = memory if os.access(memory, os.W_OK) else Path(tempfile.gettempdir())
    place = Path(tempfile.mkdtemp(prefix="fdaemon-bench-", dir=parent))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def small_files(place: Path) -> Workload:
    """Many small files: lognormal sizes with a median of 4 KB, half of each compressible."""
    rng = random.Random(1)
    top = place / "small"
    for number in range(int(1000 * SCALE)):
        directory = top / f"d{number // 50:02d}" / f"s{number:03d}"
        directory.mkdir(parents=True)
        for index in range(FILES_IN_A_DIRECTORY):
            size = min(int(rng.lognormvariate(8.3, 1.2)), 200_000)
            (directory / f"file-{index:03d}.txt").write_bytes(
                rng.randbytes(size // 2) + b"a" * (size - size // 2)
            )
    return Workload("small files", top)


def large_files(place: Path) -> Workload:
    """Four large files of text-like data that compresses to about a half."""
    rng = random.Random(2)
    top = place / "large"
    top.mkdir()
    words = [rng.randbytes(rng.randint(3, 9)) for _ in range(5000)]
    block = b" ".join(rng.choices(words, k=2_400_000))[: 16 << 20]
    for number in range(LARGE_FILES):
        with (top / f"f{number}.bin").open("wb") as file:
            for _ in range(max(1, int(32 * SCALE))):
                file.write(block)
    return Workload("large files", top)

"""How fast batches are made: small files, and one large file, from a temporary directory (memory if there is some)."""

import os
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fdaemon.fileset.model import Compression, FileSet, Include, Option, Options
from fdaemon.fileset.walk import walk
from fdaemon.jobs.backup import BackupReader
from fdaemon.views import Counters
from fdaemon.wire.digests import Digest

FILES = 20_000
LARGE = 512 * 1024 * 1024
ROUNDS = 3
_MEMORY = Path("/dev/shm")


def _save(root: bytes, **settings: Any) -> tuple[float, float, Counters]:
    """Seconds on the wall and of CPU for one pass over `root`, the best of some rounds."""
    options = Options(flags=Option.ACL | Option.XATTR | Option.NO_HARDLINKS, **settings)
    fileset = FileSet(includes=(Include(options=(options,), names=(root,)),))
    best = (float("inf"), float("inf"))
    counters = Counters()
    for _ in range(ROUNDS):
        counters = Counters()
        reader = BackupReader(
            walk(fileset),
            report=lambda kind, text, extra: None,
            counters=counters,
            check_cancelled=lambda: None,
        )
        wall, cpu = time.perf_counter(), time.process_time()
        for batch in reader.batches():
            batch.release()
        best = min(best, (time.perf_counter() - wall, time.process_time() - cpu))
    return *best, counters


def _make_small(root: Path) -> None:
    generator = random.Random(1)
    noise = generator.randbytes(1 << 20)
    for number in range(FILES):
        folder = root / f"{number // 100}"
        folder.mkdir(exist_ok=True)
        size = min(int(generator.lognormvariate(8.3, 1.2)), 1 << 20)
        (folder / f"file-{number}").write_bytes(noise[:size])


def _make_large(root: Path) -> None:
    generator = random.Random(2)
    half = generator.randbytes(1 << 19) + b"All work and no play. " * (1 << 15)
    with (root / "large").open("wb") as file:
        while file.tell() < LARGE:
            file.write(half)


def run() -> Iterator[str]:
    """Lines to print."""
    where = _MEMORY if _MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=where) as name:
        small, large = Path(name, "small"), Path(name, "large")
        small.mkdir()
        large.mkdir()
        _make_small(small)
        for label, digests in (("no digest", ()), ("XXH128", (Digest.XXH128,)), ("MD5", (Digest.MD5,))):
            wall, cpu, counters = _save(os.fsencode(small), digests=frozenset(digests))
            each = 1e6 / counters.files
            yield f"small files, {label}: {cpu * each:.1f} µs of CPU, {wall * each:.1f} µs each"
        _make_large(large)
        for label, settings in (
            ("no digest", {}),
            ("MD5", {"digests": frozenset({Digest.MD5})}),
            ("MD5, LZ4", {"digests": frozenset({Digest.MD5}), "compression": (Compression.LZ4, 1)}),
            ("MD5, GZIP 6", {"digests": frozenset({Digest.MD5}), "compression": (Compression.GZIP, 6)}),
        ):
            wall, cpu, counters = _save(os.fsencode(large), **settings)
            rate = counters.read_bytes / 1e6
            yield f"large file, {label}: {rate / wall:.0f} MB/s, {cpu:.2f} s of CPU, {counters.job_bytes / 1e6:.0f} MB"

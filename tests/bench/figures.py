"""What was measured of a job, and the lines that compare two daemons."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figures:
    """One job: seconds of wall clock and of the daemon's CPU, files, bytes of content."""

    wall: float
    cpu: float
    files: int
    size: int


def compared(
    figures: Mapping[str, Sequence[Figures]], peaks: Mapping[str, int] | None = None
) -> Iterator[str]:
    """Medians of each daemon, with its peak in MB if known, and the ratio of ours to the reference if it ran."""
    medians: dict[str, tuple[float, float]] = {}
    for name, rows in figures.items():
        wall = statistics.median(row.wall for row in rows)
        cpu = statistics.median(row.cpu for row in rows)
        medians[name] = wall, cpu
        files, size = rows[0].files, rows[0].size
        peak = f"  peak {peaks[name]} MB" if peaks is not None else ""
        yield (
            f"  {name:<10} {files / wall:>9,.0f} files/s {size / wall / 1e6:>8,.0f} MB/s  wall {wall:6.2f} s  "
            f"CPU {cpu:6.2f} s ({cpu / max(files, 1) * 1e6:,.0f} µs a file){peak}"
        )
    if len(medians) == 2:
        (wall, cpu), (reference_wall, reference_cpu) = medians["fdaemon"], medians["reference"]
        yield f"  ratio      wall {wall / reference_wall:.2f}  CPU {cpu / max(reference_cpu, 0.01):.2f}"

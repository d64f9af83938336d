"""Random trees and FileSets: an estimate by our daemon lists what one by the C++ daemon lists, in the same order.

FDAEMON_DIFFERENTIAL_CASES sets how many (2,000 take some minutes), FDAEMON_DIFFERENTIAL_SEED where they start.
"""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.support.bareos import RealDaemons, real_daemons
from tests.support.bareos_resources import CPP, OURS, FileSet
from tests.support.fileset_cases import Case, cases, grow, resource, unmount

CASES = int(os.environ.get("FDAEMON_DIFFERENTIAL_CASES", "60"))
SEED = int(os.environ.get("FDAEMON_DIFFERENTIAL_SEED", "1"))
BATCH = 100
"""Cases of one configuration of the Director, which is reloaded for each batch."""
SESSION = 25
"""Cases of one console session."""

pytestmark = [pytest.mark.bareos, pytest.mark.deadline(240 + 2 * CASES)]


def drawn(start: int, count: int) -> list[Case]:
    """The cases that belong to the seed `start`."""
    found: list[Case] = []

    @seed(start)
    @settings(
        max_examples=count,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=[
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
            HealthCheck.filter_too_much,
            HealthCheck.large_base_example,
        ],
    )
    @given(cases())
    def collect(case: Case) -> None:
        found.append(case)

    collect()
    return found


def listings(real: RealDaemons, names: list[str]) -> dict[tuple[str, str], bytes]:
    """What the Director printed for each FileSet and client; the two clients are asked side by side."""

    def ask(client: str) -> dict[tuple[str, str], bytes]:
        printed = real.console(
            *[f"estimate job=backup client={client} fileset={name} listing" for name in names]
        )
        _, *parts = printed.encode(errors="surrogateescape").split(b"\nConnecting to Client ")
        assert len(parts) == len(names), printed[-2000:]
        return {(name, client): _said(part) for name, part in zip(names, parts, strict=True)}

    with ThreadPoolExecutor(2) as pool:
        cpp, ours = pool.map(ask, (CPP, OURS))
    return cpp | ours


def _said(printed: bytes) -> bytes:
    """What the client said. Of names that cannot be looked at, C++ tells once for each comparison with another."""
    told: set[bytes] = set()
    kept: list[bytes] = []
    for line in printed.splitlines(keepends=True)[1:]:
        if line.startswith(b"Cannot stat file ") and line in told:
            continue
        told.add(line)
        kept.append(line)
        if line.startswith(b"2000 OK estimate"):
            break
    return b"".join(kept)


def differences(real: RealDaemons, place: Path, start: int, count: int) -> list[str]:
    """Run one batch; a text for each case on which the daemons differ."""
    batch = drawn(start, count)
    names = [f"fs{start}x{number}" for number in range(len(batch))]
    mounted: list[Path] = []
    try:
        for name, case in zip(names, batch, strict=True):
            mounted += grow(case, place / name)
        text = "".join(resource(case, name, place / name) for name, case in zip(names, batch, strict=True))
        (real.site.etc / "cases.conf").write_text(text)
        answer = real.console("reload")
        assert "reloaded" in answer.lower(), answer
        said: dict[tuple[str, str], bytes] = {}
        for first in range(0, len(names), SESSION):
            said |= listings(real, names[first : first + SESSION])
    finally:
        unmount(mounted)
    found: list[str] = []
    for number, name in enumerate(names):
        cpp, ours = said[name, CPP], said[name, OURS]
        assert b"2000 OK estimate" in cpp, f"seed {start} case {number}: {cpp!r}"
        if cpp != ours:
            found.append(
                f"seed {start} case {number}\n{resource(batch[number], name, place / name)}"
                f"--- C++\n{cpp.decode(errors='backslashreplace')}"
                f"--- ours\n{ours.decode(errors='backslashreplace')}"
            )
    return found


def test_both_daemons_list_the_same(tmp_path: Path) -> None:
    place = tmp_path / "bareos"
    with real_daemons(place, [FileSet("unused", (tmp_path,))], tls=False) as real:
        with (real.site.etc / "dir.conf").open("a") as configuration:
            configuration.write(f"@{real.site.etc}/cases.conf\n")
        found: list[str] = []
        for start in range(SEED, SEED + (CASES + BATCH - 1) // BATCH):
            trees = tmp_path / "trees"
            trees.mkdir()
            found += differences(real, trees, start, min(BATCH, CASES))
            shutil.rmtree(trees)
    print(
        f"{CASES} cases from seed {SEED}: {len(found)} differ",
        *[text.partition("\n")[0] for text in found],
        sep="\n",
    )
    assert not found, "\n\n".join(found[:10])

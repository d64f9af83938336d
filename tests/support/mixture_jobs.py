"""Random cases with real daemons: trees and FileSets made, jobs side by side, and what the catalog has of them.

FDAEMON_MIXTURES_CASES sets how many (20 or more have more client configurations), FDAEMON_MIXTURES_SEED the first one.
A case is its number: the same one makes the same tree, FileSet and changes.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from fdaemon.wire.stat import StatRecord, decode_stat
from tests.support.bareos import RealDaemons, Report, real_daemons, until
from tests.support.bareos_resources import CPP, OURS, Directives, FileSet
from tests.support.described import Described, describe
from tests.support.keys import pair_pem
from tests.support.mixture_cases import Mixture, mixture, resources
from tests.support.mixture_trees import grow

CASES = int(os.environ.get("FDAEMON_MIXTURES_CASES", "4"))
SEED = int(os.environ.get("FDAEMON_MIXTURES_SEED", "1"))
BATCH = 8
"""Cases side by side: two jobs of each run at a time, and the Director runs 20."""
PHASE_LIMIT = 240.0

SEALED: Directives = (("Pki Signatures", True), ("Pki Encryption", True))
CLIENTS: dict[str, Directives] = {
    "plain": (),
    "sealed": SEALED,
    "alone": (("Maximum Workers Per Job", 0), ("Maximum Network Buffer Size", 32_768)),
    "signed": (("Pki Signatures", True), ("Maximum Workers Per Job", 4)),
    "sealed-alone": (*SEALED, ("Maximum Workers Per Job", 0), ("Maximum Network Buffer Size", 65_536)),
}
VARIANTS = tuple(CLIENTS)[: 2 if CASES < 20 else None]

_CHATTER = ("Version:", "Connected", "Encryption:", "support is", "S3_CERT", "Extended attribute")


@dataclass(frozen=True, slots=True)
class Row:
    """One file of a backup as the catalog has it."""

    index: int
    stat: StatRecord
    digest: str


type Catalogued = list[tuple[bytes, Row]]


@dataclass
class Case:
    """A case at work: its dice go on from the FileSet to the tree and its changes."""

    number: int
    mixture: Mixture
    dice: Random
    top: Path
    place: Path
    lane: int
    problems: list[str] = field(default_factory=list)
    saved: set[bytes] = field(default_factory=set)

    def note(self, what: str, problems: Iterable[str]) -> None:
        self.problems += [f"{what}: {each}" for each in problems]

    @property
    def name(self) -> str:
        return f"mix{self.number}"

    def lane_of(self, client: str) -> str:
        """Each daemon saves to a Storage of its own, so that no two jobs wait for one device."""
        return f"Lane{self.lane + (client == CPP)}"

    def run(self, client: str, level: str) -> str:
        return f"run job=save-{self.name}-{client} level={level} yes"

    def verify(self, client: str, level: str = "VolumeToCatalog") -> str:
        return f"run job=verify-{self.name}-{client} level={level} yes"

    def source(self) -> dict[bytes, Described]:
        """The tree as it is; nothing when the names that are restored are not those of the tree."""
        return {} if self.mixture.strip else describe(self.top)

    def where(self, words: str) -> Path:
        return self.place / words


def finish(real: RealDaemons, commands: Sequence[str]) -> list[Report]:
    """Run jobs side by side, and wait for all."""
    jobs = real.start_all(commands)
    wanted = ",".join(map(str, jobs))
    query = (
        f"select count(distinct jobid) from log where jobid in ({wanted}) and logtext like '%Termination:%'"
    )

    def done() -> bool:
        return int(ask(real, query)[0][0]) == len(jobs)

    try:
        until(done, "end", PHASE_LIMIT)
    except AssertionError:
        raise AssertionError(f"jobs {wanted} hang: " + real.console("status director")) from None
    return [real.finish(job) for job in jobs]


def ask(real: RealDaemons, query: str) -> list[list[bytes]]:
    """The rows of a query to the catalog."""
    command = ["psql", "-At", "-0", "-F", "\x01", "-c", query, real.site.database]
    printed = subprocess.run(command, capture_output=True, check=True).stdout
    return [row.split(b"\x01") for row in printed.split(b"\0") if row]


def catalogued(real: RealDaemons, job: int) -> Catalogued:
    """What a backup told the Director, in its order; a deleted file has index 0."""
    rows = ask(
        real,
        "select path || name, fileindex, lstat, md5 from file natural join path"
        f" where jobid = {job} order by fileindex, path, name",
    )
    return [
        (name.rstrip(b"/"), Row(int(index), decode_stat(lstat), md5.decode()))
        for name, index, lstat, md5 in rows
    ]


def complaints(report: Report, client: str) -> list[str]:
    """All that a daemon said about files and troubles."""
    return sorted(line for line in report.said(client) if not any(word in line for word in _CHATTER))


def restored(where: Path, case: Case) -> dict[bytes, Described]:
    """What stands below `where` of the tree; all of it when names were stripped."""
    place = where if case.mixture.strip else Path(f"{where}{case.top}")
    return describe(place) if place.exists() else {}


def next_second() -> None:
    """Jobs begin at whole seconds: what is changed in the second of a start would be saved again."""
    start = int(time.time())
    until(lambda: int(time.time()) > start or None, "next second")


def saved_names(real: RealDaemons, case: Case, report: Report) -> set[bytes]:
    top = b"" if case.mixture.strip else os.fsencode(case.top)
    return {
        name[len(top) :]
        for name, row in catalogued(real, report.job_id)
        if row.index and name.startswith(top)
    }


type Check = Callable[[RealDaemons, Sequence[Case]], None]
"""Runs the jobs of some cases side by side, and notes in them what is wrong."""


def run(real: RealDaemons, place: Path, numbers: Sequence[int], check: Check) -> list[str]:
    """One batch; a text for each case with differences."""
    cases: list[Case] = []
    texts: list[str] = []
    for lane, number in enumerate(numbers):
        dice = Random(number)
        chosen = mixture(dice)
        top = place / f"t{number}"
        grow(dice, top)
        case = Case(number, chosen, dice, top, place / f"r{number}", 2 * lane + 1)
        cases.append(case)
        lanes = {client: case.lane_of(client) for client in (OURS, CPP)}
        texts.append(resources(chosen, case.name, top, lanes))
    (real.site.etc / "cases.conf").write_text("".join(texts))
    next_second()
    answer = real.console("reload")
    assert "reloaded" in answer.lower(), answer
    check(real, cases)
    return [
        f"case {case.number} {replace(case.mixture, blocks='')}\n{text}"
        + "\n".join(each[:3000] for each in case.problems[:12])
        for case, text in zip(cases, texts, strict=True)
        if case.problems
    ]


def campaign(variant: str, place: Path, check: Check) -> list[str]:
    """The cases of one client configuration, by daemons of their own."""
    numbers = range(SEED, SEED + CASES)[VARIANTS.index(variant) :: len(VARIANTS)]
    place.mkdir()
    keys = place / "keys.pem"
    keys.write_bytes(pair_pem("mixtures"))
    lines = (("Pki Key Pair", keys), *CLIENTS[variant])
    found: list[str] = []
    unused = [FileSet("unused", (place,))]
    with real_daemons(place / "bareos", unused, tls=True, lanes=2 * BATCH, client_lines=lines) as real:
        with (real.site.etc / "dir.conf").open("a") as configuration:
            configuration.write(f"@{real.site.etc}/cases.conf\n")
        for first in range(0, len(numbers), BATCH):
            trees = place / f"trees{first}"
            trees.mkdir()
            differing = run(real, trees, numbers[first : first + BATCH], check)
            print(*differing, sep="\n\n", flush=True)
            found += differing
            shutil.rmtree(trees)
    print(f"{variant}: of {len(numbers)} cases {len(found)} differ")
    return found


def differences(place: Path, check: Check) -> list[str]:
    """The cases of all client configurations, two at a time: mostly, jobs wait for each other's devices."""
    with ThreadPoolExecutor(2) as pool:
        campaigns = [pool.submit(campaign, variant, place / variant, check) for variant in VARIANTS]
        return [text for each in campaigns for text in each.result()]

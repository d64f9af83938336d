"""What either daemon saves the other restores: every packing, sparse or not, encrypted and signed or not, every digest.

Twelve combinations, through a real Director and Storage daemon. With FDAEMON_MATRIX naming a file all 160 run and the
table is written there.
"""

import base64
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue

import pytest

from fdaemon.codec.digest import hash_factory
from tests.support import matrix
from tests.support.bareos import RealDaemons, Report, real_daemons
from tests.support.bareos_resources import CPP, Directives
from tests.support.described import Described, describe
from tests.support.keys import pair_pem
from tests.support.matrix import DIRECTIONS, SPARSE_BLOCK, Cell, Combination

TABLE = os.environ.get("FDAEMON_MATRIX", "")
LANES = 12 if TABLE else 6
"""Combinations at work at a time, each on a Storage of its own."""

pytestmark = [pytest.mark.bareos, pytest.mark.deadline(1800 if TABLE else 120)]


@dataclass
class Site:
    """The running daemons and the tree that all combinations save."""

    daemons: RealDaemons
    tree: Path
    described: dict[bytes, Described]
    sealed: bool


@pytest.fixture(scope="module")
def cells() -> Iterator[list[Cell]]:
    """All that was tried; the long form writes it down."""
    found: list[Cell] = []
    yield found
    if TABLE and len(found) == 4 * len(matrix.EVERY):
        Path(TABLE).write_text(matrix.page(found))


@pytest.fixture(scope="module", params=[False, True], ids=["clear", "sealed"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    place = tmp_path_factory.mktemp("matrix")
    tree = place / "tree"
    matrix.plant(tree)
    keys = place / "keys.pem"
    keys.write_bytes(pair_pem("matrix"))
    lines: Directives = [("Pki Key Pair", keys), ("Pki Signatures", True), ("Pki Encryption", True)]
    filesets = [each.fileset(tree) for each in matrix.EVERY]
    with real_daemons(
        place / "daemons", filesets, tls=True, lanes=LANES, client_lines=lines if request.param else ()
    ) as daemons:
        yield Site(daemons, tree, describe(tree), request.param)


def test_either_restores_what_the_other_saved(site: Site, cells: list[Cell], tmp_path: Path) -> None:
    lanes = SimpleQueue[str]()
    for number in range(1, LANES + 1):
        lanes.put(f"Lane{number}")

    def run(combination: Combination) -> list[Cell]:
        lane = lanes.get()
        try:
            return _cells(site, combination, lane, tmp_path / combination.name)
        finally:
            lanes.put(lane)

    wanted = matrix.EVERY if TABLE else matrix.some(int(site.sealed))
    with ThreadPoolExecutor(LANES) as pool:
        found = [cell for pair in pool.map(run, wanted) for cell in pair]
    cells.extend(found)
    problems = [
        f"{cell.combination.name} of {cell.source}: {each}" for cell in found for each in cell.problems
    ]
    assert not problems, "\n".join(problems)
    assert len(found) == 2 * len(wanted)


def _cells(site: Site, combination: Combination, lane: str, place: Path) -> list[Cell]:
    """Both daemons save the tree, then each restores what the other saved."""
    daemons, name = site.daemons, combination.name
    saved: dict[str, Report] = {}
    for (
        source,
        _,
    ) in DIRECTIONS:  # one after the other: two at once may meet a device that is just being closed
        run = f"run job=backup client={source} fileset={name} storage={lane} level=Full yes"
        saved[source] = daemons.finish(daemons.start(run))
    found: list[Cell] = []
    for source, client in DIRECTIONS:
        where = place / client
        restored = daemons.finish(daemons.restore(saved[source].job_id, source, client, where))
        problems = _problems(site, combination, saved[source], restored, client, where)
        found.append(Cell(combination, site.sealed, source, client, tuple(problems)))
        shutil.rmtree(where, ignore_errors=True)
    return found


def _problems(
    site: Site, combination: Combination, saved: Report, restored: Report, client: str, where: Path
) -> Iterator[str]:
    """What is wrong with one backup and its restore, in words."""
    if saved.termination != "Backup OK":
        yield saved.log
    if restored.termination != "Restore OK":
        yield restored.log
    if (saved.value("Encryption") == "yes") != site.sealed:
        yield f"Encryption: {saved.value('Encryption')}"
    catalogued, digests = _catalogued(site.daemons, saved.job_id), _digests(site, combination)
    for path in catalogued.keys() | digests.keys():
        if catalogued.get(path) != digests.get(path):
            yield f"catalog: {path} is {catalogued.get(path)}, not {digests.get(path)}"
    original, actual = site.described, describe(Path(f"{where}{site.tree}"))
    if client == CPP:  # it never restores times of symbolic links
        original, actual = _without_link_times(original), _without_link_times(actual)
    for name in original.keys() | actual.keys():
        if original.get(name) != actual.get(name):
            yield f"{name!r}: {original.get(name)} became {actual.get(name)}"


def _without_link_times(tree: dict[bytes, Described]) -> dict[bytes, Described]:
    return {name: replace(each, mtime=0) if each.mode[0] == "l" else each for name, each in tree.items()}


def _catalogued(daemons: RealDaemons, job: int) -> dict[str, str]:
    """The digest of every file of a backup as the Director was told, by name."""
    query = (
        f"select path || name, md5 from file natural join path where jobid = {job} and fileindex > 0"
        " and md5 not in ('', '0')"
    )
    command = ["psql", "-At", "-F", "\t", "-c", query, daemons.site.database]
    rows = subprocess.run(command, capture_output=True, check=True, text=True).stdout.splitlines()
    return {name: digest for name, _, digest in (row.partition("\t") for row in rows)}


def _digests(site: Site, combination: Combination) -> dict[str, str]:
    """The same, computed from the files; a hard link carries its first name's."""
    found: dict[str, str] = {}
    for folder, _, names in os.walk(site.tree):
        for name in names:
            path = Path(folder, name)
            if stat.S_ISREG(path.lstat().st_mode):
                one = hash_factory(combination.digest)()
                for block in _hashed(path.read_bytes(), combination.sparse and not site.sealed):
                    one.update(block)
                found[str(path)] = base64.b64encode(one.digest()).rstrip(b"=").decode()
    return found


def _hashed(content: bytes, sparse: bool) -> Iterator[bytes]:
    """The blocks that the digest covers: without the whole blocks of zeros that a sparse backup leaves out."""
    size = SPARSE_BLOCK if sparse else len(content) or 1
    left_out = bytes(size) if sparse and len(content) > 2 * size else None
    for start in range(0, len(content), size):
        block = content[start : start + size]
        if block != left_out or start + size >= len(content):
            yield block

"""Random trees and FileSets whose Options differ from file to file, saved and put back by both daemons.

FDAEMON_MIXTURES_CASES sets how many (20 or more have more client configurations), FDAEMON_MIXTURES_SEED the first one.
A case is its number: the same one makes the same tree, FileSet and changes.
"""

import os
import shutil
import stat
import subprocess
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from random import Random

import pytest

from fdaemon.wire.stat import StatRecord, decode_stat
from tests.support.bareos import RealDaemons, Report, real_daemons, until
from tests.support.bareos_resources import CPP, OURS, Directives, FileSet
from tests.support.described import Described, describe
from tests.support.keys import pair_pem
from tests.support.mixture_cases import Mixture, mixture, resources
from tests.support.mixture_trees import TOPS, change, grow

CASES = int(os.environ.get("FDAEMON_MIXTURES_CASES", "6"))
SEED = int(os.environ.get("FDAEMON_MIXTURES_SEED", "1"))
BATCH = 8
"""Cases side by side: two jobs of each run at a time, and the Director runs 20."""
PHASE_LIMIT = 240.0

SEALED: Directives = (("Pki Signatures", True), ("Pki Encryption", True))
CLIENTS: dict[str, Directives] = {
    "plain": (),
    "sealed": SEALED,
    "alone": (("Maximum Workers Per Job", 0), ("Maximum Network Buffer Size", 32_768)),
    "signed": (
        ("Pki Signatures", True),
        ("Maximum Workers Per Job", 4),
        ("Maximum Network Buffer Size", 500_000),
    ),
    "sealed-alone": (*SEALED, ("Maximum Workers Per Job", 0), ("Maximum Network Buffer Size", 65_536)),
}
VARIANTS = tuple(CLIENTS)[: 2 if CASES < 20 else None]

CAPABILITY = "security.capability"
"""Lost where C++ sets the owner of a further name of the inode."""
UNLINKED = "Could not hard link"
"""Not accurate, the Director restores a link that is gone meanwhile without the file that it was a link to."""
TOP_NAMES = {b"", *(f"/{name}".encode() for name in TOPS)}
"""Names of the FileSets: the C++ daemon saves attributes of those as the entry before them would have it."""
MASKED = {
    "d": ("mtime",),  # it touches directories that something is restored into later
    "l": ("mtime",),  # it never sets the times of links
    "p": ("extended",),  # it sets no ACLs of pipes
}
"""By the type's letter, what the C++ daemon does not restore; device nodes, "b" and "c", not at all."""

_CHATTER = ("Version:", "Connected", "Encryption:", "support is", "S3_CERT", "Extended attribute")

pytestmark = [pytest.mark.bareos, pytest.mark.deadline(300 + 10 * CASES)]


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
    problems: list[str]

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

    def verify(self, client: str) -> str:
        return f"run job=verify-{self.name}-{client} yes"

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


def full(real: RealDaemons, cases: Sequence[Case], level: str) -> dict[tuple[int, str], Report]:
    """A backup of each case by each daemon, compared with each other."""
    keys = [(case, client) for case in cases for client in (OURS, CPP)]
    reports = finish(real, [case.run(client, level) for case, client in keys])
    found = {(case.number, client): report for (case, client), report in zip(keys, reports, strict=True)}
    for case in cases:
        ours, cpp = found[case.number, OURS], found[case.number, CPP]
        case.note(level, different_backups(real, case, ours, cpp, level))
    return found


def different_backups(real: RealDaemons, case: Case, ours: Report, cpp: Report, level: str) -> Iterator[str]:
    """How the backup by our daemon differs from the one by the C++ daemon."""
    for key in ("Termination", "Non-fatal FD errors", "SD Errors", "Encryption"):
        if ours.value(key) != cpp.value(key):
            yield f"{key}: {ours.value(key)}, not {cpp.value(key)}\n{ours.log}"
    if ours.number("FD Files Written") != ours.number("SD Files Written"):
        yield f"files of FD and SD: {ours.log}"
    alike, steady = (
        case.mixture.alike,
        case.mixture.steady and (case.mixture.alike or not case.mixture.accurate),
    )
    if level != "Full" and not steady:
        return
    if complaints(ours, OURS) != complaints(cpp, CPP):
        yield f"said {complaints(ours, OURS)}, not {complaints(cpp, CPP)}"
    mine, theirs = catalogued(real, ours.job_id), catalogued(real, cpp.job_id)
    for one, other in differing(mine, theirs, alike=alike):
        yield f"catalog: {one}, not {other}"
    if alike and not case.mixture.packed and ours.value("FD Bytes Written") != cpp.value("FD Bytes Written"):
        yield f"FD Bytes Written: {ours.value('FD Bytes Written')}, not {cpp.value('FD Bytes Written')}"


def differing(mine: Catalogued, theirs: Catalogued, *, alike: bool) -> Iterator[tuple[object, object]]:
    """Pairs of rows that differ; only as names when Hard Links is mixed, where C++ goes by the entry before."""
    if not alike:
        ours, cpp = Counter(name for name, _ in mine), Counter(name for name, _ in theirs)
        if set(ours) != set(cpp):
            yield sorted(ours.keys() - cpp.keys())[:20], sorted(cpp.keys() - ours.keys())[:20]
        return
    if [name for name, _ in mine] != [name for name, _ in theirs]:
        yield [name for name, _ in mine], [name for name, _ in theirs]
        return
    for (name, one), (_, other) in zip(mine, theirs, strict=True):
        if constant(one) != constant(other):
            yield (name, one), other


def constant(row: Row) -> Row:
    """Without what reading a file changes, and the stream that directories do not have."""
    stream = 0 if stat.S_ISDIR(row.stat.mode) else row.stat.stream
    return replace(row, stat=replace(row.stat, atime=0, ctime=0, stream=stream))


def restored(where: Path, top: Path) -> dict[bytes, Described]:
    """What stands below `where` of the tree."""
    place = Path(f"{where}{top}")
    return describe(place) if place.exists() else {}


def masked(tree: dict[bytes, Described]) -> dict[bytes, Described]:
    """What both daemons restore. The C++ one leaves out what stands in MASKED, with the reasons."""
    return {name: mask(each) for name, each in tree.items() if each.mode[0] not in "bc"}


def mask(one: Described) -> Described:
    """Without what the C++ daemon does not restore of it."""
    without = MASKED.get(one.mode[0], ())
    extended = () if "extended" in without else tuple(each for each in one.extended if each[0] != CAPABILITY)
    return replace(one, mtime=0 if "mtime" in without else one.mtime, extended=extended)


def unlike_source(
    tree: dict[bytes, Described], source: dict[bytes, Described], names: set[bytes], *, twice: bool = False
) -> Iterator[str]:
    """What of the `names` that were saved did not come back as it is in the source.

    `twice`: restored once more, into directories that have default ACLs by then.
    """
    for name in names & source.keys():
        wanted, got = source[name], tree.get(name)
        if got is None:
            yield f"{name!r} is missing"
            continue
        if replace(wanted, extended=(), links=()) != replace(got, extended=(), links=()):
            yield f"{name!r}: {shown(wanted, got)}"
        if not twice and not set(got.extended) <= set(wanted.extended):
            yield f"{name!r}: {shown(wanted, got)}"
        if not set(got.links) <= set(wanted.links):
            yield f"{name!r} got links: {got.links}, not {wanted.links}"


def unlike(
    one: dict[bytes, Described], other: dict[bytes, Described], names: Collection[bytes]
) -> Iterator[str]:
    """What differs between two restored trees; of directories, in those that are saved: `names`."""
    for name in sorted(one.keys() | other.keys()):
        each, its = one.get(name), other.get(name)
        parent = (
            name not in names and each is not None and its is not None and each.mode[0] == "d" == its.mode[0]
        )
        if each != its and not parent:
            yield f"{name!r}: {shown(each, its)}"


def shown(one: Described | None, other: Described | None) -> str:
    """The fields in which they differ."""
    if one is None or other is None:
        return f"only {'there' if one is None else 'here'}"
    pairs = ((field.name, getattr(one, field.name), getattr(other, field.name)) for field in fields(one))
    return ", ".join(f"{name} {str(a)[:300]} / {str(b)[:300]}" for name, a, b in pairs if a != b)


def restore(
    real: RealDaemons, jobs: Sequence[tuple[Case, str, str, str, Path]]
) -> dict[tuple[int, Path], dict[bytes, Described]]:
    """Restore side by side: case, words that select, source, client, where. The trees that came of it."""
    commands = [
        f"restore {words} client={source} restoreclient={client} restorejob=restore where={where} all done yes"
        for _, words, source, client, where in jobs
    ]
    found: dict[tuple[int, Path], dict[bytes, Described]] = {}
    for (case, words, source, client, where), report in zip(jobs, finish(real, commands), strict=True):
        whole = report.termination == "Restore OK" and not report.number("FD Errors")
        known = not case.mixture.accurate and any(UNLINKED in line for line in report.said(client, "Error"))
        if not whole and not known and (source == OURS or case.mixture.alike):
            case.problems.append(
                f"{words} of {source} by {client}: {report.termination} {report.said(client)}"
            )
        found[case.number, where] = restored(where, case.top)
        shutil.rmtree(where, ignore_errors=True)
    return found


def next_second() -> None:
    """Jobs begin at whole seconds: what is changed in the second of a start would be saved again."""
    start = int(time.time())
    until(lambda: int(time.time()) > start or None, "next second")


def saved_names(real: RealDaemons, case: Case, report: Report) -> set[bytes]:
    top = os.fsencode(case.top)
    return {
        name[len(top) :]
        for name, row in catalogued(real, report.job_id)
        if row.index and name.startswith(top)
    }


def check_full(real: RealDaemons, cases: Sequence[Case]) -> None:
    """A Full of each daemon, ours put back by both, the other by ours; and verified from the volume."""
    reports = full(real, cases, "Full")
    jobs = [
        (case, f"jobid={reports[case.number, source].job_id}", source, OURS, case.where(source))
        for case in cases
        for source in (OURS, CPP)
    ]
    trees = restore(real, jobs)
    trees |= restore(
        real,
        [
            (case, f"jobid={reports[case.number, OURS].job_id}", OURS, CPP, case.where("crossed"))
            for case in cases
        ],
    )
    for case in cases:
        source, twice = describe(case.top), case.mixture.twice
        case.saved = names = saved_names(real, case, reports[case.number, OURS])
        kept = names & masked(source).keys()
        ours, cpp, crossed = (trees[case.number, case.where(words)] for words in (OURS, CPP, "crossed"))
        case.note("ours by ours", unlike_source(ours, source, names, twice=twice))
        case.note("ours by C++", unlike_source(masked(crossed), masked(source), kept, twice=twice))
        case.note("ours by ours / by C++", unlike(masked(ours), masked(crossed), names))
        if case.mixture.alike:
            case.note("C++ by ours", unlike_source(cpp, source, names, twice=twice))
            case.note("ours by ours / C++ by ours", unlike(masked(ours), masked(cpp), names - TOP_NAMES))
    verified = finish(real, [case.verify(client) for case in cases for client in (OURS, CPP)])
    for case, ours_report, cpp_report in zip(cases, verified[::2], verified[1::2], strict=True):
        if ours_report.termination != "Verify OK":
            case.problems.append(f"verify: {ours_report.log}")
        if ours_report.value("Files Examined") != cpp_report.value("Files Examined") and case.mixture.alike:
            case.problems.append(f"verify: {ours_report.log}{cpp_report.log}")


def check_incremental(real: RealDaemons, cases: Sequence[Case]) -> None:
    """Changes, an Incremental of each daemon, and what is current put back."""
    next_second()
    for case in cases:
        change(case.dice, case.top, types=case.mixture.accurate)
    next_second()
    reports = full(real, cases, "Incremental")
    words = "select current"
    trees = restore(
        real,
        [
            (case, f"fileset={case.name} {words}", source, OURS, case.where(source))
            for case in cases
            for source in (OURS, CPP)
        ],
    )
    trees |= restore(
        real,
        [(case, f"fileset={case.name} {words}", OURS, CPP, case.where("crossed")) for case in cases],
    )
    for case in cases:
        source = describe(case.top)
        names = saved_names(real, case, reports[case.number, OURS])
        ours, cpp, crossed = (trees[case.number, case.where(word)] for word in (OURS, CPP, "crossed"))
        # Directories of the Full may have default ACLs, which what comes later without an ACL then gets.
        case.note("current by ours", unlike_source(ours, source, names, twice=True))
        names |= case.saved
        case.note("current by ours / by C++", unlike(masked(ours), masked(crossed), names))
        if case.mixture.alike and case.mixture.steady:
            case.note("current ours / C++ by ours", unlike(masked(ours), masked(cpp), names - TOP_NAMES))


def run(real: RealDaemons, place: Path, numbers: Sequence[int]) -> list[str]:
    """One batch; a text for each case with differences."""
    cases: list[Case] = []
    texts: list[str] = []
    for lane, number in enumerate(numbers):
        dice = Random(number)
        chosen = mixture(dice)
        top = place / f"t{number}"
        grow(dice, top)
        case = Case(number, chosen, dice, top, place / f"r{number}", 2 * lane + 1, [])
        cases.append(case)
        lanes = {client: case.lane_of(client) for client in (OURS, CPP)}
        texts.append(resources(chosen, case.name, top, lanes))
    (real.site.etc / "cases.conf").write_text("".join(texts))
    next_second()
    answer = real.console("reload")
    assert "reloaded" in answer.lower(), answer
    check_full(real, cases)
    check_incremental(real, cases)
    return [
        f"case {case.number} {replace(case.mixture, blocks='')}\n{text}"
        + "\n".join(each[:3000] for each in case.problems[:12])
        for case, text in zip(cases, texts, strict=True)
        if case.problems
    ]


def campaign(variant: str, place: Path) -> list[str]:
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
            found += run(real, trees, numbers[first : first + BATCH])
            shutil.rmtree(trees)
    print(f"{variant}: of {len(numbers)} cases {len(found)} differ")
    return found


def test_mixed_options(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:  # most of the time jobs wait for each other's devices
        campaigns = [pool.submit(campaign, variant, tmp_path / variant) for variant in VARIANTS]
        found = [text for each in campaigns for text in each.result()]
    assert not found, "\n\n".join(found)

"""Real Director and Storage daemon: what our daemon saves and puts back is what the C++ one does, TLS or not."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.bareos import RealDaemons, Report, real_daemons
from tests.support.bareos_resources import CPP, OURS, FileSet
from tests.support.described import Described, describe

pytestmark = [pytest.mark.bareos, pytest.mark.deadline(120)]


@pytest.fixture(scope="module", params=[True, False], ids=["tls", "clear"])
def real(
    request: pytest.FixtureRequest, reference_tree: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RealDaemons]:
    place = tmp_path_factory.mktemp("bareos")
    with real_daemons(place, [FileSet("reference", (reference_tree,))], tls=request.param) as daemons:
        yield daemons


@pytest.fixture(scope="module")
def backups(real: RealDaemons) -> dict[str, Report]:
    """One Full backup of the same tree by each of the two daemons."""
    started = {client: real.backup(client, "reference") for client in (CPP, OURS)}
    return {client: real.finish(job) for client, job in started.items()}


def test_a_backup_has_the_figures_of_the_cpp_daemon(
    real: RealDaemons, backups: dict[str, Report], reference_tree: Path
) -> None:
    ours, cpp = backups[OURS], backups[CPP]
    assert (ours.termination, cpp.termination) == ("Backup OK", "Backup OK"), ours.log
    for key in (
        "FD Files Written",
        "SD Files Written",
        "FD Bytes Written",
        "Non-fatal FD errors",
        "Encryption",
    ):
        assert ours.value(key) == cpp.value(key), key
    assert ours.value("SD Bytes Written") == cpp.value("SD Bytes Written")
    assert ours.number("FD Files Written") == len(describe(reference_tree))
    assert ours.value("FD termination status") == "OK"


def test_the_encryption_is_what_the_storage_daemon_sees(
    real: RealDaemons, backups: dict[str, Report]
) -> None:
    (line,) = [text for text in backups[OURS].said(OURS) if "Encryption" in text]
    (expected,) = [text for text in backups[CPP].said(CPP) if "Encryption" in text]
    assert line == expected
    assert ("TLS" in line) == real.tls


@pytest.mark.parametrize(
    ("source", "client"),
    [(OURS, OURS), (CPP, OURS), (OURS, CPP)],
    ids=["ours-by-ours", "cpp-by-ours", "ours-by-cpp"],
)
def test_a_restore_gives_the_tree_back(
    real: RealDaemons,
    backups: dict[str, Report],
    reference_tree: Path,
    tmp_path: Path,
    source: str,
    client: str,
) -> None:
    report = real.finish(real.restore(backups[source].job_id, source, client, tmp_path))
    assert report.termination == "Restore OK", report.log
    original = describe(reference_tree)
    assert report.number("Files Restored") == report.number("Files Expected") == len(original)
    restored = describe(Path(f"{tmp_path}{reference_tree}"))
    if client == CPP:
        original, restored = _as_by_cpp(original), _as_by_cpp(restored)
    assert restored == original


def _as_by_cpp(tree: dict[bytes, Described]) -> dict[bytes, Described]:
    """Without what the C++ daemon never puts back: times of symbolic links, and devices
    (core/src/findlib/create_file.cc: "Restoring a device as a file").
    """
    return {
        name: replace(entry, mtime=0) if entry.mode.startswith("l") else entry
        for name, entry in tree.items()
        if not entry.mode.startswith(("b", "c"))
    }

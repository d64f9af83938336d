"""What wants more than one plain storage: a restore that reads from two, and a raw device, under a real Director."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.bareos import RealDaemons, real_daemons
from tests.support.bareos_resources import CPP, OURS, FileSet
from tests.support.described import Described, describe

pytestmark = [pytest.mark.bareos, pytest.mark.deadline(240)]

SIZE = 3 * 1024 * 1024 + 512
"""Bytes of the raw device: no whole number of blocks."""


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A loop device with random content."""
    if os.geteuid() != 0 or shutil.which("losetup") is None:
        pytest.skip("a loop device needs root and losetup")
    image = tmp_path_factory.mktemp("device") / "image"
    image.write_bytes(os.urandom(SIZE))
    made = subprocess.run(["losetup", "-f", "--show", image], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"no loop device: {made.stderr.strip()}")
    path = Path(made.stdout.strip())
    yield path
    subprocess.run(["losetup", "-d", path], check=True)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("data") / "tree"
    for number in range(4):
        (top / f"d{number}").mkdir(parents=True)
        (top / f"d{number}/file").write_text(f"first {number}\n" * 1000)
    os.link(top / "d0/file", top / "d1/link")
    return top


@pytest.fixture(scope="module")
def real(tree: Path, device: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealDaemons]:
    filesets = [FileSet("tree", (tree,)), FileSet("device", (device,))]
    with real_daemons(tmp_path_factory.mktemp("bareos"), filesets, tls=True, lanes=2) as daemons:
        yield daemons


def test_a_restore_reads_from_two_storages(real: RealDaemons, tree: Path, tmp_path: Path) -> None:
    order = "run job=accurate-backup client={} fileset=tree level={} storage={} yes"
    first = real.finish(real.start(order.format(OURS, "Full", "Lane1")))
    assert first.termination == "Backup OK"
    (tree / "d2/file").write_text("second\n" * 500)
    (tree / "d3/new").write_text("new\n")
    (tree / "d3/file").unlink()
    (tree / "d1/link").unlink()
    os.link(tree / "d0/file", tree / "d1/other")
    second = real.finish(real.start(order.format(OURS, "Incremental", "Lane2")))
    assert second.termination == "Backup OK"
    for client in (OURS, CPP):
        where = tmp_path / client
        command = f"restore client={OURS} restoreclient={client} restorejob=restore fileset=tree"
        command += f" where={where} select current all done yes"
        report = real.finish(real.start(command))
        assert report.termination == "Restore OK"
        assert report.number("FD Errors") == 0
        found, wanted = describe(Path(f"{where}{tree}")), describe(tree)
        if (
            client == CPP
        ):  # what its second pass creates in a directory of the first leaves its own time there
            found, wanted = _without_times(found), _without_times(wanted)
        assert found == wanted, client


def _without_times(tree: dict[bytes, Described]) -> dict[bytes, Described]:
    return {name: replace(each, mtime=0) if each.mode[0] == "d" else each for name, each in tree.items()}


@pytest.mark.parametrize(("saved_by", "restored_by"), [(OURS, OURS), (CPP, OURS), (OURS, CPP)])
def test_a_raw_device_comes_back(real: RealDaemons, device: Path, saved_by: str, restored_by: str) -> None:
    content = os.urandom(SIZE // 512 * 512)
    device.write_bytes(content)
    os.sync()
    backup = real.finish(real.backup(saved_by, "device"))
    assert backup.termination == "Backup OK"
    assert backup.number("FD Bytes Written") >= len(content)
    device.write_bytes(bytes(len(content)))
    report = real.finish(real.restore(backup.job_id, saved_by, restored_by, Path("/")))
    assert report.termination == "Restore OK"
    assert device.read_bytes()[: len(content)] == content

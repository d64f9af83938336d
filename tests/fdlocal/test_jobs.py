"""fdlocal with the real daemon in the middle: back up, list, restore, levels, and what may go wrong."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from fdlocal.access import Watch
from fdlocal.backup import back_up
from fdlocal.cli import main
from fdlocal.compare import compare
from fdlocal.daemon import file_daemon
from fdlocal.options import BackupOptions
from fdlocal.outcome import ExitCode, Outcome
from fdlocal.repository import DEVICE, open_repository
from fdpeers.catalog import Catalog

from ..fdpeers.conftest import Bareos, storage_config
from ..fdpeers.trees import describe, grow, without_folder_times


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return grow(tmp_path / "tree")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return tmp_path / "repository"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "target"


def differences(tree: Path, target: Path) -> Iterator[str]:
    for found in compare(bytes(tree), bytes(target) + bytes(tree)).differences:
        yield f"{found.path!r}: {found.what}"


def backup(repository: Path, *paths: Path, options: tuple[str, ...] = ()) -> int:
    return main(["backup", *map(str, paths), "--to", str(repository), *options])


def restore(repository: Path, target: Path, *paths: object, options: tuple[str, ...] = ()) -> int:
    names = [str(path) for path in paths]
    return main(["restore", *names, "--from", str(repository), "--to", str(target), *options])


@pytest.mark.parametrize(
    "options",
    [(), ("--no-tls",), ("--compress", "lz4", "--sparse", "--digest", "md5"), ("--compress", "gzip")],
    ids=["tls", "clear", "lz4-sparse-md5", "gzip"],
)
def test_a_tree_comes_back_as_it_was(
    tree: Path, repository: Path, target: Path, options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert backup(repository, tree, options=options) == ExitCode.DONE
    assert restore(repository, target) == ExitCode.DONE
    assert list(differences(tree, target)) == []
    printed = capsys.readouterr().out
    assert "Full backup" in printed
    assert "OK" in printed


def test_levels_build_on_each_other(tree: Path, repository: Path, target: Path) -> None:
    assert backup(repository, tree) == ExitCode.DONE
    (tree / "plain.txt").unlink()
    (tree / "new").write_bytes(b"new\n")
    assert backup(repository, tree) == ExitCode.DONE
    (tree / "newer").write_bytes(b"newer\n")
    shutil.rmtree(tree / "empty-dir")
    assert backup(repository, tree) == ExitCode.DONE
    with Catalog(repository / "catalog.sqlite") as catalog:
        jobs = catalog.jobs(type="B")
        assert [(job.level, job.status) for job in jobs] == [("F", "T"), ("I", "T"), ("I", "T")]
        assert jobs[1].files < jobs[0].files
    assert restore(repository, target) == ExitCode.DONE
    restored = describe(Path(f"{target}{tree}"))
    assert without_folder_times(restored) == without_folder_times(describe(tree))

    earlier = target.with_name("earlier")
    assert restore(repository, earlier, options=("--job", "1")) == ExitCode.DONE
    assert (Path(f"{earlier}{tree}") / "plain.txt").read_bytes() == b"hello\n"
    assert not (Path(f"{earlier}{tree}") / "new").exists()


def test_other_options_start_a_new_full_backup(tree: Path, repository: Path) -> None:
    assert backup(repository, tree) == ExitCode.DONE
    assert backup(repository, tree, options=("--compress", "lz4")) == ExitCode.DONE
    assert backup(repository, tree, options=("--name", "other", "--level", "incremental")) == ExitCode.USAGE
    with Catalog(repository / "catalog.sqlite") as catalog:
        assert [job.level for job in catalog.jobs(type="B")] == ["F", "F"]


def test_one_hard_link_brings_its_data(tree: Path, repository: Path, target: Path) -> None:
    backup(repository, tree)
    assert restore(repository, target, tree / "deep/hard") == ExitCode.DONE
    assert (Path(f"{target}{tree}") / "deep/hard").read_bytes() == b"hello\n"
    assert not (Path(f"{target}{tree}") / "empty").exists()


def test_excludes_and_the_repository_itself_stay_out(tree: Path, target: Path) -> None:
    repository = tree / "odd [repository]*"
    assert backup(repository, tree, options=("--exclude", "*/deep/er")) == ExitCode.DONE
    assert restore(repository, target) == ExitCode.DONE
    restored = Path(f"{target}{tree}")
    assert (restored / "deep/compressible").exists()
    assert not (restored / "deep/er").exists()
    assert not (restored / repository.name).exists()


def test_what_cannot_be_asked_is_said(
    tree: Path, repository: Path, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert backup(repository, tree / "nothing") == ExitCode.USAGE
    assert backup(tree, tree) == ExitCode.USAGE
    assert restore(repository, target) == ExitCode.USAGE
    assert main(["list", "--from", str(repository)]) == ExitCode.USAGE
    backup(repository, tree)
    assert restore(repository, target, "/not/there") == ExitCode.USAGE
    assert restore(repository, target, options=("--job", "7")) == ExitCode.USAGE
    errors = capsys.readouterr().err
    for text in (
        "does not exist",
        "is not empty",
        "no fdlocal repository",
        "not in the backup",
        "job 7 is no good",
    ):
        assert text in errors


def test_two_cannot_write_at_once(tree: Path, repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with open_repository(repository, create=True):
        assert backup(repository, tree) == ExitCode.USAGE
    assert "in use by another" in capsys.readouterr().err


def test_lists(tree: Path, repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    backup(repository, tree, options=("--quiet",))
    assert not capsys.readouterr().out
    assert main(["list", "--from", str(repository)]) == ExitCode.DONE
    assert "Full" in capsys.readouterr().out
    assert main(["list", "--from", str(repository), "--job", "1"]) == ExitCode.DONE
    told = capsys.readouterr().out
    assert f"bls -c {repository}" in told
    assert "Extended attribute support is enabled" in told
    assert main(["list", "--from", str(repository), "--files"]) == ExitCode.DONE
    listed = capsys.readouterr().out
    assert f"{tree}/deep/er/big.bin" in listed
    assert r"odd \xff\xfe name" in listed


def test_the_demo_finds_no_difference(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", str(tree)]) == ExitCode.DONE
    printed = capsys.readouterr().out
    assert "no difference" in printed
    assert "Idle > Authenticated > Scanning > Streaming > Reporting > Closed" in " ".join(printed.split())


async def run_backup(repository: Path, options: BackupOptions, watch: Watch) -> Outcome:
    with open_repository(repository, create=True) as opened:
        async with file_daemon() as access:
            return await back_up(access, opened, options, watch, base="backup", level="full")


async def test_a_missing_file_is_an_error_and_the_rest_is_kept(tree: Path, repository: Path) -> None:
    outcome = await run_backup(repository, BackupOptions((bytes(tree), b"/nowhere/at/all")), Watch())
    assert outcome.exit_code is ExitCode.WITH_ERRORS
    assert any(b"/nowhere/at/all" in message.text for message in outcome.messages)
    assert outcome.files > 5


async def test_a_canceled_backup_leaves_nothing_behind(tree: Path, repository: Path) -> None:
    with (tree / "endless").open("wb") as file:
        file.truncate(1 << 40)
    watch = Watch()
    async with trio.open_nursery() as nursery:

        async def cancel_once_it_flows() -> None:
            while watch.run is None or watch.run.figures.size < 1 << 20:
                await trio.lowlevel.checkpoint()
            watch.canceled.set()

        nursery.start_soon(cancel_once_it_flows)
        outcome = await run_backup(repository, BackupOptions((bytes(tree),)), watch)
    assert (outcome.status, outcome.exit_code) == ("A", ExitCode.INTERRUPTED)
    assert not list((repository / "volumes").iterdir())
    with Catalog(repository / "catalog.sqlite") as catalog:
        assert catalog.rows("SELECT count(*) FROM file") == [(0,)]
        assert [job.status for job in catalog.jobs()] == ["A"]


def started(tree: Path, repository: Path) -> tuple[subprocess.Popen[bytes], Path]:
    """A backup in a process of its own that has begun to write its volume."""
    command = [sys.executable, "-m", "fdlocal", "backup", str(tree), "--to", str(repository)]
    paths = os.pathsep.join(str(Path(__file__).parents[2] / name) for name in (".", "tools"))
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": paths}, stdout=subprocess.PIPE)
    volume = repository / "volumes/Local-0001"
    while not (volume.exists() and volume.stat().st_size > 1 << 22):
        assert process.poll() is None
        time.sleep(0.02)
    return process, volume


def test_an_interrupt_cancels_in_order(tree: Path, repository: Path) -> None:
    with (tree / "endless").open("wb") as file:
        file.truncate(1 << 40)
    process, volume = started(tree, repository)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == ExitCode.INTERRUPTED
    assert b"canceled" in output
    assert not volume.exists()


def test_damage_on_the_volume_fails_the_restore(tree: Path, repository: Path, target: Path) -> None:
    backup(repository, tree)
    volume = repository / "volumes/Local-0001"
    data = bytearray(volume.read_bytes())
    data[len(data) // 2] ^= 0xFF
    volume.write_bytes(data)
    assert restore(repository, target) == ExitCode.FAILED


@pytest.mark.bareos
def test_the_real_tools_read_what_fdlocal_wrote(
    bareos: Bareos, tree: Path, repository: Path, tmp_path: Path
) -> None:
    backup(repository, tree)
    (tree / "added").write_bytes(b"added\n")
    backup(repository, tree)
    config = storage_config(bareos, tmp_path, repository / "volumes")
    extracted = tmp_path / "extracted"
    extracted.mkdir()
    for volume in ("Local-0001", "Local-0002"):
        assert "End Job Session Record" in bareos.run("bls", config, "-v", "-V", volume, DEVICE)
        bareos.run("bextract", config, "-V", volume, DEVICE, str(extracted))
    found = [item for item in differences(tree, extracted) if "modification time" not in item]
    assert found == []


def test_a_job_that_was_killed_is_cleaned_up(tree: Path, repository: Path, target: Path) -> None:
    with (tree / "endless").open("wb") as file:
        file.truncate(1 << 40)
    process, volume = started(tree, repository)
    process.kill()
    process.communicate()
    assert volume.exists()
    (tree / "endless").unlink()
    assert backup(repository, tree) == ExitCode.DONE
    assert not volume.exists()
    with Catalog(repository / "catalog.sqlite") as catalog:
        assert [(job.level, job.status) for job in catalog.jobs()] == [("F", "f"), ("F", "T")]
    assert restore(repository, target) == ExitCode.DONE
    assert list(differences(tree, target)) == []


def test_a_full_disk_fails_the_job_and_says_so(
    tree: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limits[1]))
    try:
        status = backup(repository, tree)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert status == ExitCode.FAILED
    assert "File too large" in capsys.readouterr().out
    assert not list((repository / "volumes").iterdir())

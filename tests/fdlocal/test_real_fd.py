"""The jobs of fdlocal with the real C++ File daemon in the middle: levels and the accurate list are what it expects."""

import shutil
from pathlib import Path

import pytest

from fdlocal.access import Access, Watch
from fdlocal.backup import back_up
from fdlocal.options import BackupOptions
from fdlocal.repository import open_repository
from fdlocal.restore import restore
from fdlocal.verify import verify

from ..fdpeers.conftest import RealFd
from ..fdpeers.trees import describe, grow, without_folder_times

pytestmark = pytest.mark.bareos


async def test_levels_build_on_each_other(cpp_fd: RealFd, tmp_path: Path) -> None:
    tree = grow(tmp_path / "tree")
    options = BackupOptions((bytes(tree),))
    access = Access(cpp_fd.director(), tls=cpp_fd.tls)
    files: list[int] = []
    with open_repository(tmp_path / "repository", create=True) as repository:
        for gone in ("nothing", "deep/compressible", "empty-dir"):
            shutil.rmtree(tree / gone, ignore_errors=True)
            (tree / gone).unlink(missing_ok=True)
            (tree / "new").write_bytes(b"x" * len(files))
            outcome = await back_up(access, repository, options, Watch(), base="backup", level="auto")
            assert outcome.status == "T", outcome
            files.append(outcome.files)
        differential = await back_up(
            access, repository, options, Watch(), base="backup", level="differential"
        )
        assert (differential.status, differential.chain) == ("T", (1,))
        for job, chain in ((3, (1, 2, 3)), (4, (1, 4))):
            target = tmp_path / f"target-{job}"
            done = await restore(access, repository, Watch(), target=target, job_id=job)
            assert (done.status, done.chain) == ("T", chain)
            restored = describe(Path(f"{target}{tree}"))
            assert without_folder_times(restored) == without_folder_times(describe(tree))
    assert files[0] > 3 * files[1]


async def test_verify_against_volume_and_disk(cpp_fd: RealFd, tmp_path: Path) -> None:
    tree = grow(tmp_path / "tree")
    options = BackupOptions((bytes(tree),))
    access = Access(cpp_fd.director(), tls=cpp_fd.tls)
    with open_repository(tmp_path / "repository", create=True) as repository:
        await back_up(access, repository, options, Watch(), base="backup", level="full")
        for against in ("volume", "disk"):
            outcome = await verify(access, repository, Watch(), against=against)
            assert (outcome.status, outcome.differences) == ("T", ()), against
            assert outcome.files == len(describe(tree))
        (tree / "plain.txt").chmod(0o600)
        (tree / "deep/compressible").write_bytes(b"xyz " * 200_000)
        (tree / "empty").unlink()
        (tree / "extra").touch()
        outcome = await verify(access, repository, Watch(), against="disk")
    found = "\n".join(outcome.differences)
    assert outcome.status == "D"
    for text in (
        f"{tree}/deep/compressible: XXH128 digest differs",
        f"{tree}/plain.txt: st_mode  differ. Cat: 81a4 File: 8180",
        f"New file: {tree}/extra",
        f"In the Catalog but not on disk: {tree}/empty",
    ):
        assert text in found

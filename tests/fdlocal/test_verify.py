"""`fdlocal verify` with our own daemon, by exit code and report; and all disk levels with the Director peer."""

from pathlib import Path

import pytest

from fdlocal.cli import main
from fdlocal.daemon import file_daemon
from fdpeers import dialogues
from fdpeers.dialogues import VerifyLevel, VerifyPlan
from fdpeers.names import Job
from fdpeers.verify import CatalogBuilder, Comparer


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    top = tmp_path / "tree"
    (top / "be low").mkdir(parents=True)
    (top / "be low/one").write_bytes(b"one" * 1000)
    (top / "be low/two").write_bytes(b"two")
    (top / "large").write_bytes(b"large" * 100_000)
    (top / "link").symlink_to("large")
    return top


def change(tree: Path) -> None:
    (tree / "be low/two").unlink()
    (tree / "be low/one").write_bytes(b"eno" * 1000)
    (tree / "large").chmod(0o600)
    (tree / "new").write_bytes(b"")


def test_verify_of_volume_and_disk_by_the_command(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repository = ["--from", str(tmp_path / "repository")]
    assert main(["backup", str(tree), "--to", repository[1], "--quiet"]) == 0
    for against in ("volume", "disk"):
        assert main(["verify", *repository, "--against", against]) == 0
    assert "differs:" not in capsys.readouterr().out
    change(tree)
    assert main(["verify", *repository, "--against", "disk"]) == 4
    printed = "".join(capsys.readouterr().out.split())
    for said in (
        f"New file: {tree}/new",
        f"In the Catalog but not on disk: {tree}/be low/two",
        f"{tree}/be low/one: XXH128 digest differs.",
        f"{tree}/large: st_mode  differ. Cat: 81a4 File: 8180",
    ):
        assert "".join(said.split()) in printed
    assert main(["verify", *repository, "--against", "volume", "--quiet"]) == 0


def test_a_damaged_volume_is_found_by_the_command(tree: Path, tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    assert main(["backup", str(tree), "--to", str(repository), "--quiet"]) == 0
    [volume] = (repository / "volumes").iterdir()
    content = volume.read_bytes()
    at = content.index(b"large" * 100) + 250
    volume.write_bytes(content[:at] + b"X" + content[at + 1 :])
    assert main(["verify", "--from", str(repository), "--quiet"]) in (3, 4)


async def test_a_catalog_made_by_an_init_job_and_compared_with(tree: Path) -> None:
    lines = [b"I\n", b"O MVpinsugm5:\n", b"N\n", b"F " + bytes(tree), b"N\n", b"N\n"]
    async with file_daemon() as access:
        numbers = iter(range(1, 10))

        async def run(level: VerifyLevel, into: CatalogBuilder | Comparer) -> None:
            job = Job(number := next(numbers), b"verify.2026-11-23_05.00.00_%02d" % number, 0, 0, b"")
            async with access.director.connect() as session:
                end = await dialogues.verify(session, job, VerifyPlan(lines, level), into.feed, tls=True)
            assert (end.status, end.errors) == ("T", 0)

        builder = CatalogBuilder(1)
        await run(VerifyLevel.INIT, builder)
        rows = builder.finish()
        assert len(rows) == 6
        same = Comparer(rows, by_index=False)
        await run(VerifyLevel.CATALOG, same)
        assert same.finish() == []
        change(tree)
        other = Comparer(rows, by_index=False)
        await run(VerifyLevel.CATALOG, other)
    found = other.finish()
    assert f"New file: {tree}/new" in found
    assert f"In the Catalog but not on disk: {tree}/be low/two" in found
    assert any(line.startswith(f"{tree}/be low/one: MD5 digest differs.") for line in found)

"""Directors and Storage daemons of other releases, played to our daemon: it must say what their own one said."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from fdaemon.config import Configuration
from tests.support import replay_said as said
from tests.support.decorated import decorate
from tests.support.grown import Grown
from tests.support.replay import Staging
from tests.support.replaying import configuration, play, universal_time
from tests.support.restored_tree import blocks
from tests.support.sessions import OTHERS, Session, other, other_names
from tests.support.tree import RECORDED_ROOT, build

pytestmark = [
    pytest.mark.parametrize("release", OTHERS),
    pytest.mark.skipif(os.geteuid() != 0, reason="owners are recorded and restored by root only"),
]

BACKUPS = ("full-md5", "nosig", "xxh128", "sparse", "scripts", "accurate-full", "verifybase")
PACKED = ("gzip", "lz4")
CHANGED = ("incremental", "differential", "incremental-accurate", "passive")
VERIFIED = ("verify-initcatalog", "verify-disk-same")
RESTORED = ("restore-plain", "restore-gzip")


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with universal_time():
        yield


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("replay") / "data"
    build(bytes(root))
    decorate(root)
    return root


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Grown:
    return Grown(tmp_path_factory.mktemp("grown") / "data")


def settings(release: str, folder: Path) -> Configuration:
    """Set up as the recorded daemon was; release 22 sent content in packets of 64 KiB."""
    return configuration(folder, extra="Maximum Network Buffer Size = 65536" if release == "22" else "")


def check_talk(session: Session, ours: Session) -> None:
    """What was said to the Director, and to the Storage daemon around the files of a backup."""
    assert ours.connections == {n: link for n, link in session.connections.items() if link != "dir-sd"}
    appends = not session.name.startswith(("restore", "verify"))
    for connection, link in ours.connections.items():
        if link == "dir-fd":
            assert said.control(ours, connection) == said.control(session, connection)
        else:
            mine, theirs = (said.storage(each, connection, appends=appends) for each in (ours, session))
            assert mine == theirs


def test_every_recording_is_played(release: str) -> None:
    played = {f"backup-{name}" for name in (*BACKUPS, *PACKED)} | {*CHANGED, *VERIFIED, *RESTORED}
    played |= {"verify-disk-changed", "verify-volume", "estimate", "status", "setdebug", "cancel"}
    assert set(other_names(release)) == played


@pytest.mark.parametrize("name", BACKUPS)
async def test_backup(release: str, name: str, tree: Path, tmp_path: Path) -> None:
    session = other(release, f"backup-{name}")
    ours = await play(session, settings(release, tmp_path), Staging(paths=((RECORDED_ROOT, bytes(tree)),)))
    check_talk(session, ours)
    mine, theirs = said.saved_files(ours), said.saved_files(session)
    assert said.files(mine) == said.files(theirs)
    assert said.links(mine) == said.links(theirs)


@pytest.mark.parametrize("name", PACKED)
async def test_packed_backup(release: str, name: str, tree: Path, tmp_path: Path) -> None:
    session = other(release, f"backup-{name}")
    ours = await play(session, settings(release, tmp_path), Staging(paths=((RECORDED_ROOT, bytes(tree)),)))
    check_talk(session, ours)
    mine, theirs = said.saved_files(ours), said.saved_files(session)
    assert said.unpacked(mine, theirs) == said.unpacked(theirs, theirs)
    assert said.links(mine) == said.links(theirs)


@pytest.mark.parametrize("name", CHANGED)
async def test_changed_tree(release: str, name: str, grown: Grown, tmp_path: Path) -> None:
    session = other(release, name)
    staging = Staging(paths=((RECORDED_ROOT, grown.root),), since=grown.since, entry=grown.entry)
    ours = await play(session, settings(release, tmp_path), staging)
    check_talk(session, ours)
    mine, theirs = said.saved_files(ours), said.saved_files(session)
    assert said.files(mine) == said.files(theirs)
    assert said.links(mine) == said.links(theirs)


@pytest.mark.parametrize("name", [*VERIFIED, "verify-disk-changed"])
async def test_verify_of_a_tree(release: str, name: str, tree: Path, grown: Grown, tmp_path: Path) -> None:
    session = other(release, name)
    root = grown.root if name == "verify-disk-changed" else bytes(tree)
    check_talk(
        session, await play(session, settings(release, tmp_path), Staging(paths=((RECORDED_ROOT, root),)))
    )


async def test_verify_of_a_volume(release: str, tmp_path: Path) -> None:
    session = other(release, "verify-volume")
    check_talk(session, await play(session, settings(release, tmp_path), Staging(blocks=blocks)))


@pytest.mark.parametrize("name", RESTORED)
async def test_restore(release: str, name: str, tmp_path: Path) -> None:
    session = other(release, name)
    staging = Staging(paths=((b"/srv/restore", bytes(tmp_path / "restore")),), blocks=blocks)
    check_talk(session, await play(session, settings(release, tmp_path), staging))


async def test_estimate(release: str, tree: Path, tmp_path: Path) -> None:
    session = other(release, "estimate")
    staging = Staging(paths=((RECORDED_ROOT, bytes(tree)),))
    check_talk(session, await play(session, settings(release, tmp_path), staging))


async def test_status(release: str, tmp_path: Path) -> None:
    session = other(release, "status")
    check_talk(session, await play(session, settings(release, tmp_path), Staging()))


async def test_setdebug(release: str, tmp_path: Path) -> None:
    session = other(release, "setdebug")
    staging = Staging(paths=((b"/var/lib/bareos", bytes(tmp_path)),))
    check_talk(session, await play(session, settings(release, tmp_path), staging))


async def test_status_and_cancel_of_a_running_job(release: str, tmp_path: Path) -> None:
    session = other(release, "cancel")
    root = tmp_path / "large"
    root.mkdir()
    with (root / "f0.bin").open("wb") as file:
        file.truncate(512 << 20)
    ours = await play(session, settings(release, tmp_path), Staging(paths=((b"/srv/large", bytes(root)),)))
    for connection, link in ours.connections.items():
        if link == "dir-fd":
            assert said.control(ours, connection) == said.control(session, connection)
    (connection,) = [number for number, link in ours.connections.items() if link == "fd-sd"]
    mine, theirs = (said.cut_off(each, connection) for each in (ours, session))
    assert (mine.head, mine.attributes) == (theirs.head, theirs.attributes)

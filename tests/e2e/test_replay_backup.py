"""The Director and Storage daemon of the recorded backups, played to our daemon: it must say what the C++ one said."""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support import replay_said as said
from tests.support.decorated import decorate
from tests.support.grown import Grown
from tests.support.keys import certificate_pem, pair_pem
from tests.support.replay import Staging
from tests.support.replaying import configuration, play, session_named
from tests.support.sessions import Packet, Session, Signalled
from tests.support.tree import RECORDED_ROOT, build


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("replay") / "data"
    build(bytes(root))
    decorate(root)
    return root


def check_controls(session: Session, ours: Session) -> None:
    """What was said to the Director and around the data, connection by connection."""
    assert ours.connections == {n: link for n, link in session.connections.items() if link != "dir-sd"}
    for connection, link in ours.connections.items():
        if link == "dir-fd":
            assert said.control(ours, connection) == said.control(session, connection)
        else:
            assert said.storage(ours, connection, appends=True) == said.storage(
                session, connection, appends=True
            )


async def replay(name: str, tree: Path, folder: Path, **staging: Any) -> Session:
    paths = ((RECORDED_ROOT, bytes(tree)),)
    return await play(session_named(name), configuration(folder), Staging(paths=paths, **staging))


def check_files(session: Session, ours: Session) -> None:
    """Every record of every file."""
    mine, theirs = said.saved_files(ours), said.saved_files(session)
    assert said.files(mine) == said.files(theirs)
    assert said.links(mine) == said.links(theirs)


@pytest.mark.parametrize(
    "name",
    [
        "backup-full-md5",
        "backup-nosig",
        "backup-xxh128",
        "backup-nohard",
        "backup-sparse",
        "backup-aclxattr",
        "backup-scripts",
        "backup-accurate-full",
        "backup-verifybase",
    ],
)
async def test_backup(name: str, tree: Path, tmp_path: Path) -> None:
    session = session_named(name)
    ours = await replay(name, tree, tmp_path)
    check_controls(session, ours)
    check_files(session, ours)


@pytest.mark.parametrize(
    "name",
    [
        "backup-gzip",
        "backup-lz4",
        "backup-lz4hc",
        "backup-lzo",
        "backup-lzfast",
        "backup-sparsegz",
        "backup-rules",
    ],
)
async def test_packed_backup(name: str, tree: Path, tmp_path: Path) -> None:
    session = session_named(name)
    ours = await replay(name, tree, tmp_path)
    check_controls(session, ours)
    mine, theirs = said.saved_files(ours), said.saved_files(session)
    assert said.unpacked(mine, theirs) == said.unpacked(theirs, theirs)
    assert said.links(mine) == said.links(theirs)


async def test_sealed_backup(tree: Path, tmp_path: Path) -> None:
    session = session_named("backup-pki")
    own, master = tmp_path / "own.pem", tmp_path / "master.pem"
    own.write_bytes(pair_pem("own"))
    master.write_bytes(certificate_pem("master"))
    extra = (
        f'Pki Signatures = yes\n Pki Encryption = yes\n Pki Key Pair = "{own}"\n Pki Master Key = "{master}"'
    )
    settings = configuration(tmp_path, name="fdpki", extra=extra)
    ours = await play(session, settings, Staging(paths=((RECORDED_ROOT, bytes(tree)),)))
    check_controls(session, ours)
    assert said.sealed(said.saved_files(ours)) == said.sealed(said.saved_files(session))


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Grown:
    return Grown(tmp_path_factory.mktemp("grown") / "data")


@pytest.mark.parametrize("name", ["incremental", "differential", "incremental-accurate", "passive"])
async def test_changed_tree(name: str, grown: Grown, tmp_path: Path) -> None:
    session = session_named(name)
    ours = await replay(name, Path(os.fsdecode(grown.root)), tmp_path, since=grown.since, entry=grown.entry)
    check_controls(session, ours)
    check_files(session, ours)


async def test_a_job_is_hung_up_on_request(tree: Path, tmp_path: Path) -> None:
    """After `setdebug hangup=` one job ends behind its first file, and the next one does not."""
    session = session_named("hangup")
    paths = ((RECORDED_ROOT, bytes(tree)), (b"/var/lib/bareos", bytes(tmp_path)))
    ours = await play(session, configuration(tmp_path), Staging(paths=paths))
    check_controls(session, ours)
    broken, whole = [number for number, link in ours.connections.items() if link == "fd-sd"]
    files = [
        {head for head in map(_head, ours.traffic(number, "fd")) if re.fullmatch(rb"\d+ 1 0", head)}
        for number in (broken, whole)
    ]
    assert (len(files[0]), len(files[1])) == (1, 43)


def _head(event: Packet | Signalled) -> bytes:
    return event.head if isinstance(event, Packet) else b""

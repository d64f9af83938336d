"""The Director and Storage daemon of the recorded restores, played to our daemon: it must say what the C++ one said."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import replay_said as said
from tests.support.replay import Staging
from tests.support.replaying import configuration, play, session_named, universal_time
from tests.support.restored_tree import blocks
from tests.support.sessions import Session

RECORDED_WHERE = b"/srv/restore"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="owners are restored by root only")


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with universal_time():
        yield


async def replay(name: str, folder: Path) -> Session:
    staging = Staging(paths=((RECORDED_WHERE, bytes(folder / "restore")),), blocks=blocks)
    return await play(session_named(name), configuration(folder), staging)


def check(name: str, ours: Session) -> None:
    session = session_named(name)
    for connection, link in ours.connections.items():
        if link == "dir-fd":
            assert said.control(ours, connection) == said.control(session, connection)
        else:
            assert said.storage(ours, connection, appends=False) == said.storage(
                session, connection, appends=False
            )


@pytest.mark.parametrize(
    "name",
    [
        "restore-plain",
        "restore-onefile",
        "restore-regexwhere",
        "restore-aclxattr",
        "restore-sparse",
        "restore-gzip",
        "restore-sparsegz",
        "restore-lz4",
        "restore-lzo",
    ],
)
async def test_restore(name: str, tmp_path: Path) -> None:
    if name == "restore-lzo":
        pytest.importorskip("lzo", reason="only that library packs the blocks as they were")
    check(name, await replay(name, tmp_path))


@pytest.mark.parametrize("name", ["restore-again-never", "restore-again-ifnewer"])
async def test_restore_again(name: str, tmp_path: Path) -> None:
    await replay("restore-plain", tmp_path)
    check(name, await replay(name, tmp_path))

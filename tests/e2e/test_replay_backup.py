"""The Director and Storage daemon of the recorded backups, played to our daemon: it must say what the C++ one said."""

from pathlib import Path

import pytest

from tests.support import replay_said as said
from tests.support.decorated import decorate
from tests.support.replay import Staging
from tests.support.replaying import configuration, play, session_named
from tests.support.sessions import Session
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


@pytest.mark.parametrize("name", ["backup-full-md5", "backup-nosig", "backup-xxh128", "backup-nohard"])
async def test_backup(name: str, tree: Path, tmp_path: Path) -> None:
    session = session_named(name)
    ours = await play(session, configuration(tmp_path), Staging(paths=((RECORDED_ROOT, bytes(tree)),)))
    check_controls(session, ours)
    mine, theirs = said.saved_files(ours), said.saved_files(session)
    tracked = name != "backup-nohard"
    assert said.files(mine, tracked=tracked) == said.files(theirs, tracked=tracked)
    if tracked:
        assert said.links(mine) == said.links(theirs)

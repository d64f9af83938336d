"""The Director of the recorded verify jobs, played to our daemon: it must say what the C++ one said."""

from pathlib import Path

import pytest

from tests.support import replay_said as said
from tests.support.decorated import decorate
from tests.support.replay import Staging
from tests.support.replaying import configuration, play, session_named
from tests.support.restored_tree import blocks
from tests.support.sessions import Session
from tests.support.tree import RECORDED_ROOT, build, change


def check(session: Session, ours: Session) -> None:
    for connection, link in ours.connections.items():
        if link == "dir-fd":
            assert said.control(ours, connection) == said.control(session, connection)
        else:
            assert said.storage(ours, connection, appends=False) == said.storage(
                session, connection, appends=False
            )


@pytest.mark.parametrize("name", ["verify-initcatalog", "verify-disk-same", "verify-disk-changed"])
async def test_verify_of_a_tree(name: str, tmp_path: Path) -> None:
    root = tmp_path / "data"
    build(bytes(root))
    decorate(root)
    if name == "verify-disk-changed":
        change(bytes(root))
    session = session_named(name)
    staging = Staging(paths=((RECORDED_ROOT, bytes(root)),))
    check(session, await play(session, configuration(tmp_path), staging))


async def test_verify_of_a_volume(tmp_path: Path) -> None:
    session = session_named("verify-volume")
    check(session, await play(session, configuration(tmp_path), Staging(blocks=blocks)))

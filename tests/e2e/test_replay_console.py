"""The Director of the recorded console commands and refused logins, played to our daemon."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import trio
import trio.testing

from fdaemon.config.options import Options
from fdaemon.registry import Registry
from fdaemon.session.arrival import serve_connection
from fdaemon.session.services import Services
from fdaemon.views import JobView
from tests.support import replay_said as said
from tests.support.decorated import decorate
from tests.support.replay import Replay, Staging
from tests.support.replaying import (
    RELEASE,
    configuration,
    daemon,
    dialer,
    play,
    session_named,
    universal_time,
)
from tests.support.sessions import Session
from tests.support.tree import RECORDED_ROOT, build

FINISHED = 1795403640.0
"""2026-11-23 03:14 UTC, when most of the recorded jobs were over."""

LARGE = 512 << 20
"""Size of the file in the canceled job, here one hole."""
BLOCK = 262_144


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with universal_time():
        yield


def check(name: str, ours: Session) -> None:
    session = session_named(name)
    assert ours.connections == {n: link for n, link in session.connections.items() if link != "dir-sd"}
    for connection, link in ours.connections.items():
        if link == "dir-fd":
            assert said.control(ours, connection) == said.control(session, connection)


def finished(number: int, name: str, level: str, files: int, size: int, kind: str = "B") -> JobView:
    """A job that the recorded daemon had run before."""
    return JobView(
        job_id=number,
        name=f"{name}.2026-11-23_03.14.00_{number}",
        type=kind,
        level=level,
        director="bareos-dir",
        status="T",
        started=FINISHED,
        ended=FINISHED,
        files=files,
        examined=files,
        read_bytes=size,
        job_bytes=size,
        errors=0,
        warnings=0,
        current=b"",
        bandwidth=0,
        storage_packets=None,
        storage_fd=-1,
    )


BEFORE_STATUS = (
    finished(10, "b-sparsegz", "F", 43, 237_500),
    finished(11, "b-aclxattr", "F", 43, 3_861_026),
    finished(12, "b-nohard", "F", 43, 3_861_026),
    finished(13, "b-rules", "F", 33, 328_700),
    finished(14, "b-scripts", "F", 43, 3_861_026),
    finished(16, "b-acc", "F", 43, 3_861_026),
    finished(17, "b-verify", "F", 43, 3_861_026),
    finished(18, "v-InitCatalog", "V", 43, 3_861_026),
    finished(19, "v-VolumeToCatalog", "O", 43, 0),
    finished(20, "v-DiskToCatalog", "d", 43, 3_861_026),
)


BEFORE_CANCEL = (
    finished(27, "R", " ", 43, 977_500, "R"),
    finished(28, "R", " ", 43, 977_500, "R"),
    finished(29, "R", " ", 43, 3_861_026, "R"),
    finished(30, "R", " ", 1, 196_700, "R"),
    finished(31, "R", " ", 43, 3_861_026, "R"),
    finished(33, "b-plain", "I", 8, 85_562),
    finished(34, "b-acc", "I", 17, 86_262),
    finished(35, "b-plain", "D", 8, 85_562),
    finished(36, "v-DiskToCatalog", "d", 42, 3_879_432, "V"),
    finished(38, "b-passive", "F", 42, 3_879_432),
)


async def test_status(tmp_path: Path) -> None:
    session = session_named("status")
    async with daemon(configuration(tmp_path)) as services:
        services.registry.recent.extend(BEFORE_STATUS)
        services.registry.finished = 19
        ours = await Replay(session, Staging(), dialer(services)).play()
    check("status", ours)


async def test_setdebug(tmp_path: Path) -> None:
    folder = b"/var/lib/bareos"
    staging = Staging(paths=((folder, bytes(tmp_path)),))
    check("setdebug", await play(session_named("setdebug"), configuration(tmp_path), staging))


async def test_estimate(tmp_path: Path) -> None:
    root = tmp_path / "data"
    build(bytes(root))
    decorate(root)
    staging = Staging(paths=((RECORDED_ROOT, bytes(root)),))
    check("estimate", await play(session_named("estimate"), configuration(tmp_path), staging))


@pytest.mark.parametrize(
    ("name", "password"), [("auth-wrong-password", b"wrong"), ("auth-unknown-director", b"")]
)
async def test_refused_login(
    name: str, password: bytes, tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    told: list[str] = []
    services = Services(
        configuration(tmp_path), Options(), Registry(), RELEASE, lambda kind, text: told.append(text)
    )
    async with trio.open_nursery() as nursery:

        async def connect() -> trio.abc.Stream:
            ours, theirs = trio.testing.memory_stream_pair()
            nursery.start_soon(serve_connection, services, theirs)
            return ours

        if name == "auth-unknown-director":
            director = replace(services.configuration.directors[0], name="another-dir")
            services.configuration = replace(services.configuration, directors=(director,))
        ours = await Replay(session_named(name), Staging(password=password), connect).play()
    check(name, ours)


async def test_status_and_cancel_of_a_running_job(tmp_path: Path) -> None:
    session = session_named("cancel")
    root = tmp_path / "large"
    root.mkdir()
    with (root / "f0.bin").open("wb") as file:
        file.truncate(LARGE)
    staging = Staging(paths=((b"/srv/large", bytes(root)),))
    async with daemon(configuration(tmp_path)) as services:
        services.registry.recent.extend(BEFORE_CANCEL)
        ours = await Replay(session, staging, dialer(services)).play()
    check("cancel", ours)
    (connection,) = [number for number, link in ours.connections.items() if link == "fd-sd"]
    mine, theirs = (said.cut_off(each, connection) for each in (ours, session))
    assert mine.head == theirs.head
    assert mine.attributes == theirs.attributes
    assert set(mine.rest) == set(theirs.rest) == {BLOCK}

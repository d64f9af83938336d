"""Real jobs of a whole daemon, seen through its feed from start to end."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import trio

from fdaemon.config.lexer import Source
from fdaemon.config.load import check, parse
from fdaemon.config.options import Options
from fdaemon.daemon import serve
from fdaemon.session.services import Services
from fdmon.cli import main
from fdmon.model import Model
from fdmon.source import Target, calling, first_view
from fdpeers import dialogues
from fdpeers.dialogues import BackupPlan, StorageAddress
from fdpeers.director import DirectorPeer, JobEnd
from fdpeers.names import Job
from fdpeers.sinks import DiscardSink
from fdpeers.storage import StoragePeer
from fdpeers.storage_session import JobTicket

from ..support.json_schema import faults
from .serving import TOKEN
from .test_feed import SCHEMA

PASSWORD = "the Director's password"
KEY = b"ABCD-EFGH-IJKL-MNOP-ABCD-EFGH-IJKL-MNOP"


@dataclass
class Rig:
    """A daemon with a feed on a Unix socket, and a Director's key to it."""

    services: Services
    place: Path
    number: int = 0

    @property
    def target(self) -> Target:
        return Target(TOKEN, socket=str(self.place / "feed"))

    async def backup(self, *paths: Path) -> JobEnd:
        self.number += 1
        name = f"nightly.2026-11-23_05.00.00_{self.number:02d}".encode()
        storage = StoragePeer()
        async with trio.open_nursery() as nursery:
            port = await nursery.start(storage.serve)
            storage.announce(JobTicket(name, KEY, 1, 1_700_000_000, sink=DiscardSink()))
            lines = [b"I\n", b"O MZ6HA\n", b"N\n", *(f"F {path}".encode() for path in paths), b"N\n", b"N\n"]
            plan = BackupPlan(lines, StorageAddress("127.0.0.1", port, True))
            director = DirectorPeer("bareos-dir", password=PASSWORD, port=self.services.addresses[0][1])
            async with director.connect() as session:
                job = Job(self.number, name, 1, 1_700_000_000, KEY)
                end = await dialogues.backup(session, job, plan, tls=True)
            nursery.cancel_scope.cancel()
        return end


@asynccontextmanager
async def rig(place: Path) -> AsyncIterator[Rig]:
    text = f"""
Client {{
  Name = here-fd
  Working Directory = "{place}"
  Address = 127.0.0.1
  Monitor Socket = "{place}/feed"
  Monitor Token = {TOKEN}
  Monitor Metrics File = "{place}/fd.prom"
}}
Director {{
  Name = bareos-dir
  Password = "{PASSWORD}"
}}
Messages {{
  Name = Standard
  Director = bareos-dir = all, !skipped, !restored
}}
"""
    settings = check(parse([Source("rig", text.encode())]))
    anywhere = tuple(replace(place, port=0) for place in settings.client.addresses)
    settings = replace(settings, client=replace(settings.client, addresses=anywhere))

    async def start(*, task_status: trio.TaskStatus[Services]) -> None:
        await serve(settings, Options(), task_status=task_status)

    async with trio.open_nursery() as nursery:
        yield Rig(await nursery.start(start), place)
        nursery.cancel_scope.cancel()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    top = tmp_path / "tree"
    for number in range(40):
        directory = top / f"d{number % 4}" / f"e{number}"
        directory.mkdir(parents=True)
        for index in range(10):
            (directory / f"f{index}").write_bytes(b"some text\n" * 200 * index)
    return top


async def watch(rig: Rig, seen: list[str], started: trio.Event, jobs: int) -> None:
    """Keep all messages until so many jobs are over."""
    over = 0
    async with calling(rig.target) as feed:
        while over < jobs:
            message = await feed.get_message()
            seen.append(message if isinstance(message, str) else message.decode())
            started.set()
            over += len(json.loads(message).get("recent", ()))


async def test_a_job_is_seen_from_start_to_end_and_equals_the_end_job_line(
    tmp_path: Path, tree: Path
) -> None:
    seen: list[str] = []
    async with rig(tmp_path) as here, trio.open_nursery() as nursery:
        started = trio.Event()
        nursery.start_soon(watch, here, seen, started, 1)
        await started.wait()
        end = await here.backup(tree, tmp_path / "not-there")
    model = Model()
    for message in seen:
        assert not faults(json.loads(message), SCHEMA), message
        model.take(message)
    assert not model.jobs
    (job,) = model.recent
    assert (job["files"], job["read_bytes"], job["sent_bytes"], job["errors"], job["status"]) == (
        end.files,
        end.read_bytes,
        end.job_bytes,
        end.errors,
        end.status,
    )
    assert {item["chart"]: item["state"] for item in job["conversations"]} == {
        "job": "Closed",
        "director": "Closed",
        "storage": "Terminated",
    }
    path = [step["target"] for step in job["transitions"] if step["chart"] == "job"]
    assert path == ["Authenticated", "Scanning", "Streaming", "Reporting", "Closed"]
    assert job["compression"] > 0.9
    assert "not-there" in job["messages"][0]["text"]
    everything = "".join(seen)
    assert not [word for word in (PASSWORD, KEY.decode(), TOKEN) if word in everything]


async def test_the_second_run_is_judged_by_the_first(tmp_path: Path, tree: Path) -> None:
    async with rig(tmp_path) as here:
        seen: list[str] = []
        async with trio.open_nursery() as nursery:
            started = trio.Event()
            nursery.start_soon(watch, here, seen, started, 1)
            await started.wait()
            await here.backup(tree)
    kept = json.loads((tmp_path / "here-fd.monitor-history").read_text())
    ((name, runs),) = kept["runs"].items()
    assert name.split("\0")[1:] == ["nightly", "B", "F"]
    assert [(run["files"], run["examined"]) for run in runs] == [(445, 445)]


async def test_fdmon_prints_a_snapshot_and_the_view(
    tmp_path: Path, tree: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FDMON_TOKEN", TOKEN)
    async with rig(tmp_path) as here:
        await here.backup(tree)
        seen: list[str] = []
        await watch(here, seen, trio.Event(), 1)
        feed = str(tmp_path / "feed")
        assert await trio.to_thread.run_sync(main, [feed, "--once"]) == 0
        picture = capsys.readouterr().out
        assert "here-fd" in picture
        assert "no job is running" in picture
        assert "1 nightly  Backup Full  OK  445 files" in picture
        assert await trio.to_thread.run_sync(main, [feed, "--once", "--json"]) == 0
        document: dict[str, Any] = json.loads(capsys.readouterr().out)
        assert not faults(document, SCHEMA)
        assert document["recent"][0]["files"] == 445
        monkeypatch.setenv("FDMON_TOKEN", "wrong" * 5)
        assert await trio.to_thread.run_sync(main, [feed, "--once"]) == 1
        assert "is the token right" in capsys.readouterr().err


async def test_the_metrics_file_is_whole(tmp_path: Path, tree: Path) -> None:
    async with rig(tmp_path) as here:
        await here.backup(tree)
        path = tmp_path / "fd.prom"
        while not path.exists():
            await trio.lowlevel.checkpoint()
        text = path.read_text()
        assert text.endswith("# EOF\n")
        assert 'fdaemon_start_timestamp_seconds{client="here-fd"}' in text
        view = json.loads(await first_view(here.target))
        assert view["daemon"]["name"] == "here-fd"

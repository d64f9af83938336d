"""A real Director's jobs in the live monitor: from start to end, with the figures of the Director's report."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from fdmon.model import Model
from fdmon.source import Target, calling
from tests.monitor.test_feed import SCHEMA
from tests.support.bareos import RealDaemons, real_daemons, until
from tests.support.bareos_resources import OURS, FileSet
from tests.support.json_schema import faults

pytestmark = [pytest.mark.bareos, pytest.mark.deadline(60)]

TOKEN = "a token for real daemons"


@pytest.fixture
def watched(reference_tree: Path, tmp_path: Path) -> Iterator[RealDaemons]:
    with real_daemons(tmp_path, [FileSet("reference", (reference_tree,))], tls=True) as daemons:
        config = daemons.site.etc / f"{OURS}.conf"
        lines = f'Client {{\n  Monitor Socket = "{tmp_path}/feed"\n  Monitor Token = "{TOKEN}"'
        config.write_text(config.read_text().replace("Client {", lines, 1))
        daemons.clients[OURS].terminate()
        daemons.clients[OURS].wait()
        daemons.clients[OURS].start()
        until(lambda: (tmp_path / "feed").exists() or None, "the feed")
        yield daemons


async def test_the_monitor_agrees_with_the_director(watched: RealDaemons, tmp_path: Path) -> None:
    model = Model()
    seen: list[str] = []
    ready = trio.Event()

    async def watch() -> None:
        async with calling(Target(TOKEN, socket=f"{tmp_path}/feed")) as feed:
            while not model.recent:
                message = await feed.get_message()
                seen.append(message if isinstance(message, str) else message.decode())
                model.take(seen[-1])
                ready.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        await ready.wait()
        report = await trio.to_thread.run_sync(lambda: watched.finish(watched.backup(OURS, "reference")))
    assert [fault for message in seen for fault in faults(json.loads(message), SCHEMA)] == []
    (job,) = model.recent
    assert (job["job_id"], job["director"], job["type"], job["level"]) == (
        report.job_id,
        "test-dir",
        "B",
        "F",
    )
    assert job["files"] == report.number("FD Files Written")
    assert job["read_bytes"] == report.number("FD Bytes Read")
    assert job["sent_bytes"] == report.number("FD Bytes Written")
    assert job["errors"] == report.number("Non-fatal FD errors")
    assert job["status"] == "T"
    assert not [secret for secret in ("client-secret", TOKEN) if secret in "".join(seen)]

"""The daemon's own tasks: what goes wrong in one of them ends no job."""

import signal
import threading
from pathlib import Path

import pytest
import trio
import trio.testing

from fdaemon.config.load import load
from fdaemon.config.options import Options
from fdaemon.daemon import DRAIN_LIMIT, _Callers, _until_told, serve
from fdaemon.net.service_manager import ServiceManager
from fdaemon.protocol.messages import MessageType
from fdaemon.session.services import Services
from tests.session.talking import house
from tests.test_process import configure, free_port


def listen(services: Services) -> trio.MemoryReceiveChannel[str]:
    """The first lines of what the daemon says of itself."""
    send, heard = trio.open_memory_channel[str](10)

    def log(_kind: MessageType, text: str) -> None:
        send.send_nowait(text.partition("\n")[0])

    services.log = log
    return heard


async def test_a_fault_in_writing_the_list_of_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fdaemon.daemon.store", lambda *_: 1 // 0)
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            services = await nursery.start(serve, load(str(configure(tmp_path, free_port()))), Options())
            heard = listen(services)
            for _ in range(2):
                services.registry.finished += 1
                services.left.set()
                said = await heard.receive()
                assert said == "Internal error, please report it; the list of terminated jobs is not written."
            nursery.cancel_scope.cancel()


async def test_on_a_slow_disk_one_writes_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: trio.testing.MockClock
) -> None:
    began: list[tuple[object, ...]] = []
    there, back = threading.Event(), threading.Event()

    def store(*arguments: object) -> str:
        began.append(arguments)
        there.set()
        back.wait(10)
        return ""

    monkeypatch.setattr("fdaemon.daemon.store", store)
    async with trio.open_nursery() as nursery:
        services = await nursery.start(serve, load(str(configure(tmp_path, free_port()))), Options())
        for _ in range(3):
            services.registry.finished += 1
            services.left.set()
            await trio.sleep(2 * DRAIN_LIMIT)
        await trio.to_thread.run_sync(there.wait, 10)
        assert len(began) == 1
        back.set()
        nursery.cancel_scope.cancel()


async def test_a_fault_in_a_reload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def load_again(_services: Services) -> bool:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("fdaemon.daemon.load_again", load_again)
    services = house(tmp_path, faulty=True).services
    heard = listen(services)
    told, signals = trio.open_memory_channel[int](0)
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            callers = _Callers(services, nursery, nursery)
            nursery.start_soon(_until_told, signals, services, ServiceManager({}), callers)
            for _ in range(2):
                await told.send(signal.SIGHUP)
                assert await heard.receive() == "Internal error, please report it; the reload is given up."
            await told.send(signal.SIGTERM)

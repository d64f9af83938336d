"""What the service manager hears, and that it goes on hearing it."""

import os
import resource
import socket
from pathlib import Path

import trio.testing

from fdaemon.net.service_manager import ServiceManager


async def test_the_signs_of_life_need_no_descriptor(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    place = str(tmp_path / "notify")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(place)
        heard.setblocking(False)
        manager = ServiceManager({"NOTIFY_SOCKET": place, "WATCHDOG_USEC": "4000000"})
        lowest = os.dup(0)
        os.close(lowest)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
        try:
            with trio.move_on_after(5):
                await manager.keep_alive()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        manager.stopping()
        assert [heard.recv(100) for _ in range(4)] == [b"WATCHDOG=1"] * 3 + [b"STOPPING=1"]


def test_nothing_is_told_where_nobody_listens(tmp_path: Path) -> None:
    for environment in ({}, {"NOTIFY_SOCKET": str(tmp_path / "none")}, {"NOTIFY_SOCKET": "@no such one"}):
        manager = ServiceManager(environment)
        manager.ready()
        manager.stopping()
        manager.reloading()

"""The monitor as the daemon starts it: listeners, feed and metrics file in one nursery. Its failure is told, and
the daemon works on without it.
"""

import errno
import os
import socket
import stat
from collections.abc import Callable
from dataclasses import dataclass

import trio

from fdaemon.monitor.door import Door, innermost
from fdaemon.monitor.feed import Feed, Look
from fdaemon.monitor.history import History, job_base
from fdaemon.monitor.metrics import metrics
from fdaemon.monitor.settings import MonitorFailed, MonitorSettings, read_token, tls_context
from fdaemon.net.listen import ListenAddress, ListenFailed, accept, open_listeners

METRICS_PERIOD = 5.0
"""Seconds between two writings of the metrics file; a node exporter reads it every 15 or so."""
BACKLOG = 128


@dataclass(frozen=True, slots=True)
class Served:
    """Where the monitor can be reached; `port` 0: nowhere by TCP."""

    door: Door | None
    port: int
    socket: str


async def serve_monitor(
    settings: MonitorSettings,
    look: Look,
    log: Callable[[str], None],
    *,
    task_status: trio.TaskStatus[Served | None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until cancelled. What goes wrong is logged and ends the monitor only."""
    started = False
    try:
        history = History(settings.history)
        await trio.to_thread.run_sync(history.load)
        feed = Feed(look, history)
        async with trio.open_nursery() as nursery:
            served = await _open(settings, feed, log, nursery) if settings.has_door else Served(None, 0, "")
            nursery.start_soon(feed.run)
            if settings.metrics_file:
                nursery.start_soon(_write_metrics, settings.metrics_file, feed, log)
            started = True
            task_status.started(served)
    except* (MonitorFailed, ListenFailed, OSError) as group:
        log(f"The live monitor is off: {innermost(group)}")
    except* Exception as group:  # a fault of ours must not end a backup
        log(f"The live monitor is off: {innermost(group)!r}")
    finally:
        if started and settings.socket:
            _remove_socket(settings.socket)
    if not started:
        task_status.started(None)


async def _open(
    settings: MonitorSettings, feed: Feed, log: Callable[[str], None], nursery: trio.Nursery
) -> Served:
    token = await trio.to_thread.run_sync(read_token, settings)
    context = tls_context(settings)
    door, port = None, 0
    if settings.listens:
        door = Door(feed, token, log, context)
        place = ListenAddress(settings.address, settings.port)
        for listener in await open_listeners([place], backlog=BACKLOG):
            port = int(listener.socket.getsockname()[1])
            nursery.start_soon(accept, listener, door.serve, nursery, log)
    if settings.socket:
        door = door if door is not None and context is None else Door(feed, token, log)
        listener = await _unix_listener(settings.socket)
        nursery.start_soon(accept, listener, door.serve, nursery, log)
    return Served(door, port, settings.socket)


async def _unix_listener(path: str) -> trio.SocketListener:
    """Listen on a socket that only our own user can open. A dead one in its place goes; a live one stays."""
    made = trio.socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if _is_socket(path):
            with trio.socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                try:
                    await probe.connect(path)
                except OSError as error:
                    if error.errno != errno.ECONNREFUSED:
                        raise
                    os.unlink(path)
                else:
                    raise MonitorFailed(f"somebody listens on {path} already")
        await made.bind(path)
        os.chmod(path, 0o600)  # nobody can connect before it listens
        made.listen(BACKLOG)
        return trio.SocketListener(made)
    except BaseException:
        made.close()
        raise


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.lstat(path).st_mode)
    except FileNotFoundError:
        return False


def _remove_socket(path: str) -> None:
    if _is_socket(path):
        os.unlink(path)


async def _write_metrics(path: str, feed: Feed, log: Callable[[str], None]) -> None:
    """Keep the file up to date, whole at every moment. A failure is told once, until it works again."""
    complained = False
    while True:
        text = metrics(feed.view, job_base)
        try:
            await trio.to_thread.run_sync(_write, path, text)
            complained = False
        except OSError as error:
            if not complained:
                log(f"Cannot write {path}: {error.strerror}")
            complained = True
        await trio.sleep(METRICS_PERIOD)


def _write(path: str, text: str) -> None:
    beside = f"{path}.{os.getpid()}"
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(beside, path)

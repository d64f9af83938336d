"""The daemon: its listeners, its sessions in one nursery, its signals and its orderly end."""

import os
import signal
import sys
import syslog
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import trio

from fdaemon.config import Configuration, DirectorResource
from fdaemon.config.options import Options
from fdaemon.monitor.settings import MonitorSettings
from fdaemon.net.listen import ListenAddress, ListenFailed, accept, accepted, open_listeners
from fdaemon.net.service_manager import ServiceManager
from fdaemon.protocol.messages import MessageType
from fdaemon.registry import Registry
from fdaemon.session.arrival import serve_connection
from fdaemon.session.contain import contained
from fdaemon.session.departure import call_director
from fdaemon.session.history import load, state_path, store
from fdaemon.session.keys import load_keys
from fdaemon.session.outlets import say
from fdaemon.session.reload import load_again
from fdaemon.session.services import Services, this_system
from statecharts.trace import trace
from statecharts.tracker import Observer

DRAIN_LIMIT = 1.5
"""Seconds that canceled jobs have to report when the daemon is told to end; it is over within two."""
LAST_RESORT = 5.0
"""Seconds after which it ends without its threads."""
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
SHUTTING_DOWN = b"The File daemon is shutting down.\n"
"""Why the jobs that run then fail. The Director of a C++ daemon sees only that the connection is gone."""
TERMINATED = 15
"""Exit status after SIGTERM (protocol/06 section 8.2)."""


def run(configuration: Configuration, options: Options) -> int:
    """Run the daemon until a signal ends it; the exit code. The process is in its final shape already."""
    return trio.run(partial(serve, configuration, options, signals=not options.no_signals))


async def serve(
    configuration: Configuration,
    options: Options,
    *,
    signals: bool = False,
    observers: tuple[Observer, ...] = (),
    task_status: trio.TaskStatus[Services] = trio.TASK_STATUS_IGNORED,
) -> int:
    """Serve until cancelled, or until SIGTERM or SIGINT when `signals` is set.

    Started with `nursery.start` it hands out the Services, whose `addresses` say where it listens.
    """
    services = Services(
        configuration,
        options,
        Registry(),
        this_system(),
        _unheard,
        observers=(*observers, trace(_print)) if options.trace_transitions else observers,
    )
    services.log = partial(_log, services)
    services.debug.level = options.debug_level
    services.debug.timestamp = options.debug_timestamps
    try:
        services.keys = await trio.to_thread.run_sync(load_keys, configuration.client)
    except (OSError, ValueError) as error:
        services.log(MessageType.ERROR, f"the PKI keys cannot be used: {error}\n")
        return 1
    try:
        listeners = await open_listeners(_addresses(configuration), on_failure=partial(_told, services))
    except ListenFailed as error:
        services.log(MessageType.ERROR, f"{error}\n")
        return 1
    services.addresses = tuple(listener.socket.getsockname()[:2] for listener in listeners)
    manager = ServiceManager()
    services.registry.recent.extend(await trio.to_thread.run_sync(load, _state_path(services)))
    status = 0
    last_resort: threading.Timer | None = None
    signals_wanted = trio.open_signal_receiver(*_SIGNALS) if signals else nullcontext()
    async with trio.open_nursery() as sessions:
        async with trio.open_nursery() as doors:
            for listener in listeners:
                doors.start_soon(_listen, services, listener, sessions)
            callers = _Callers(services, doors, sessions)
            callers.begin()
            doors.start_soon(_keep_history, services)
            doors.start_soon(manager.keep_alive)
            monitor = monitor_settings(configuration)
            if monitor.wanted:
                from fdaemon.monitor.service import serve_monitor  # noqa: PLC0415 - a fifth of the start-up time

                tell = partial(_complain, services)
                services.monitor = await doors.start(serve_monitor, monitor, services.view, tell)
            task_status.started(services)
            with signals_wanted as received:
                manager.ready()
                if received is not None:
                    status = await _until_told(received, services, manager, callers)
                    last_resort = _begin_last_resort(services, status)
                    doors.cancel_scope.cancel()
        manager.stopping()
        sessions.start_soon(_drain, services, sessions.cancel_scope)
    await _write_history(services)
    services.debug.close()
    if last_resort is not None:
        last_resort.cancel()
    return status


class _Callers:
    """The tasks that call Directors; a reload ends them and begins anew."""

    def __init__(self, services: Services, doors: trio.Nursery, sessions: trio.Nursery) -> None:
        self._services, self._doors, self._sessions = services, doors, sessions
        self._scope = trio.CancelScope()

    def begin(self) -> None:
        """Call every Director that wants to be called; calls made before this are given up."""
        self._scope.cancel()
        self._scope = trio.CancelScope()
        for director in self._services.configuration.directors:
            if director.connection_from_client_to_director:
                self._doors.start_soon(self._call, director, self._scope)

    async def _call(self, director: DirectorResource, scope: trio.CancelScope) -> None:
        with scope:
            await call_director(self._services, director, self._sessions)


async def _listen(services: Services, listener: trio.SocketListener, sessions: trio.Nursery) -> None:
    async def handle(stream: trio.SocketStream) -> None:
        accepted(stream)
        await serve_connection(services, stream)

    await accept(listener, handle, sessions, partial(_complain, services))


async def _until_told(
    received: AsyncIterator[int], services: Services, manager: ServiceManager, callers: _Callers
) -> int:
    """Reload at every SIGHUP, until SIGTERM or SIGINT; the exit status for the one that came. One that comes during a
    reload, which may wait for a name server or a command, ends it.
    """
    wanted = trio.Event()

    async def reload() -> None:
        nonlocal wanted
        while True:
            await wanted.wait()
            wanted = trio.Event()
            manager.reloading()
            with contained(services, "the reload is given up"):
                if await load_again(services):
                    callers.begin()
            manager.ready()

    number: int = signal.SIGTERM
    async with trio.open_nursery() as reloads:
        reloads.start_soon(reload)
        async for number in received:
            if number != signal.SIGHUP:
                break
            wanted.set()
        reloads.cancel_scope.cancel()
    syslog.syslog(
        syslog.LOG_DAEMON | syslog.LOG_ERR,
        f"Shutting down BAREOS service: {services.name.decode()} ...",
    )
    return TERMINATED if number == signal.SIGTERM else 128 + number


async def _drain(services: Services, scope: trio.CancelScope) -> None:
    """Cancel what runs, give it time to report, then end every session."""
    scope.deadline = trio.current_time() + DRAIN_LIMIT
    for job in services.registry:
        job.cancel(SHUTTING_DOWN)
    while any(job.spec.job_id for job in services.registry):
        services.left = trio.Event()
        await services.left.wait()
    scope.cancel()


def _begin_last_resort(services: Services, status: int) -> threading.Timer:
    """End the process even when a thread of a job does not come back, from a file system that hangs or a pipe that
    nobody writes to: no scope can cancel it. To be cancelled at an orderly end."""

    def end() -> None:
        name = services.name.decode()
        syslog.syslog(
            syslog.LOG_DAEMON | syslog.LOG_ERR, f"{name}: a thread does not come back; it is left behind."
        )
        writer = threading.Thread(target=_history(services), daemon=True)
        writer.start()
        writer.join(DRAIN_LIMIT)
        os._exit(status)

    timer = threading.Timer(LAST_RESORT, end)
    timer.daemon = True
    timer.start()
    return timer


def _history(services: Services) -> Callable[[], str]:
    """Stores the list of terminated jobs as it is now; blocking, with what is wrong as its result."""
    recent = tuple(services.registry.recent)
    erase = services.configuration.client.secure_erase_command
    return partial(store, _state_path(services), recent, erase)


def _state_path(services: Services) -> Path:
    client = services.configuration.client
    return state_path(client.working_directory, client.port)


async def _keep_history(services: Services) -> None:
    """Write the list of terminated jobs whenever one has ended."""
    written = 0
    while True:
        await services.left.wait()
        services.left = trio.Event()
        if services.registry.finished > written:
            written = services.registry.finished
            await _write_history(services)


async def _write_history(services: Services) -> None:
    """Shielded, but a disk that hangs must not keep the daemon from ending: the thread is left behind then."""
    limit = trio.CancelScope(shield=True, deadline=trio.current_time() + DRAIN_LIMIT)
    with contained(services, "the list of terminated jobs is not written"), limit:
        problem = await trio.to_thread.run_sync(
            _history(services), abandon_on_cancel=True, limiter=services.writing
        )
        if problem:
            services.debug.tell(10, problem)


def monitor_settings(configuration: Configuration) -> MonitorSettings:
    """The monitor's part of the Client resource as plain values, with its files in the working directory."""
    client = configuration.client
    own = f"{client.working_directory}/{client.name}.monitor"
    return MonitorSettings(
        address=client.monitor_address,
        port=client.monitor_port,
        listens=bool(client.monitor_port),
        socket=client.monitor_socket,
        token=client.monitor_token.encode(),
        token_file=client.monitor_token_file or f"{own}-token",
        certificate=client.monitor_certificate,
        key=client.monitor_key,
        metrics_file=client.monitor_metrics_file,
        history=f"{own}-history",
    )


def _complain(services: Services, text: str) -> None:
    services.log(MessageType.ERROR, f"{text}\n")


def _addresses(configuration: Configuration) -> tuple[ListenAddress, ...]:
    """What to bind; the wildcard of a family that this machine lacks is no failure."""
    return tuple(
        ListenAddress(place.host, place.port, optional=place.host == "::")
        for place in configuration.client.addresses
    )


def _told(services: Services, host: str, port: int, why: str) -> None:
    services.log(MessageType.ERROR, f"Cannot bind address {host} port {port} ERR={why}. Retrying...\n")


def _print(line: str) -> None:
    say(sys.stderr, f"{line}\n")


def _log(services: Services, kind: MessageType, text: str) -> None:
    """A daemon message: to the destinations on this machine, to the standard error where none takes it."""
    line = f"{services.configuration.client.name}: {kind.prefix.decode()}{text.rstrip()}"
    if services.outlets.takes(kind):
        services.outlets.write(kind, int(time.time()), f"{line}\n")
    else:
        _print(line)


def _unheard(_kind: MessageType, _text: str) -> None:
    """Before there are destinations."""

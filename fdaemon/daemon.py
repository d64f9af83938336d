"""The daemon: its listeners, its sessions in one nursery, its signals and its orderly end."""

import signal
import sys
from collections.abc import Callable
from functools import partial

import trio

from fdaemon.config import Configuration
from fdaemon.config.options import Options
from fdaemon.monitor.service import serve_monitor
from fdaemon.monitor.settings import MonitorSettings
from fdaemon.net.listen import ListenAddress, ListenFailed, accepted, open_listeners
from fdaemon.protocol.messages import MessageType
from fdaemon.registry import Registry
from fdaemon.session.arrival import serve_connection
from fdaemon.session.keys import load_keys
from fdaemon.session.services import Services, this_system
from statecharts.trace import trace
from statecharts.tracker import Observer

DRAIN_LIMIT = 2.0
"""Seconds that canceled jobs have to report when the daemon is told to end."""
TRACE_LEVEL = 100
"""Debug level from which every transition is printed."""


def run(configuration: Configuration, options: Options) -> int:
    """Run the daemon until a signal ends it; the exit code. The process is in its final shape already."""
    return trio.run(partial(serve, configuration, options, signals=True))


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
    tracing = options.trace_transitions or options.debug_level >= TRACE_LEVEL
    services = Services(
        configuration,
        options,
        Registry(),
        this_system(),
        _log(configuration.client.name),
        observers=(*observers, trace(_print)) if tracing else observers,
    )
    services.debug.level = options.debug_level
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
    async with trio.open_nursery() as sessions:
        async with trio.open_nursery() as doors:
            for listener in listeners:
                doors.start_soon(_listen, services, listener, sessions)
            if signals:
                doors.start_soon(_until_told, doors.cancel_scope)
            monitor = monitor_settings(configuration)
            if monitor.wanted:
                tell = partial(_complain, services)
                services.monitor = await doors.start(serve_monitor, monitor, services.view, tell)
            task_status.started(services)
        await _drain(services, sessions.cancel_scope)
    return 0


async def _listen(services: Services, listener: trio.SocketListener, sessions: trio.Nursery) -> None:
    async def handle(stream: trio.SocketStream) -> None:
        accepted(stream)
        await serve_connection(services, stream)

    await trio.serve_listeners(handle, [listener], handler_nursery=sessions)


async def _until_told(scope: trio.CancelScope) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as received:
        async for _number in received:
            scope.cancel()
            return


async def _drain(services: Services, scope: trio.CancelScope) -> None:
    """Cancel what runs, give it time to report, then end every session."""
    scope.deadline = trio.current_time() + DRAIN_LIMIT
    for job in services.registry:
        job.cancel()
    if not any(job.spec.job_id for job in services.registry):
        scope.cancel()


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
    print(line, file=sys.stderr, flush=True)


def _log(name: str) -> Callable[[MessageType, str], None]:
    def log(kind: MessageType, text: str) -> None:
        _print(f"{name}: {kind.prefix.decode()}{text.rstrip()}")

    return log

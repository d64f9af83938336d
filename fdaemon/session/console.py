"""The commands of a console: status, cancel, debug level, bandwidth, names. They look at the daemon, not at one job."""

import socket
import time
from typing import TYPE_CHECKING, assert_never

import trio

from fdaemon.jobs.job import VERIFY_TYPE
from fdaemon.protocol import commands as c
from fdaemon.protocol import replies, status
from fdaemon.wire.framing import Signal

if TYPE_CHECKING:
    from fdaemon.session.control import DirectorSession

REPORT_PATIENCE = 5.0
"""Seconds that the answer to a cancel waits for the job's report."""

type ConsoleCommand = (
    c.Status | c.DotStatus | c.Cancel | c.SetDebug | c.SetBandwidth | c.Resolve | c.GetSecureErase
)


async def answer(session: "DirectorSession", command: ConsoleCommand) -> None:
    """Carry out one console command and answer it; the session goes on."""
    services = session.services
    match command:
        case c.Status():
            await _send_all(session, status.status(services.view(), time.time(), time.localtime))
        case c.DotStatus():
            view = services.view()
            await _send_all(session, status.dot_status(command.word, view, time.time(), time.localtime))
        case c.Cancel():
            await _cancel(session, command.job)
        case c.SetDebug():
            await _set_debug(session, command)
        case c.SetBandwidth():
            await _set_bandwidth(session, command)
        case c.Resolve():
            await _resolve(session, command.host)
        case c.GetSecureErase():
            erase = services.configuration.client.secure_erase_command
            await session.reply(replies.ok_secure_erase(erase.encode() if erase else None))
        case _:
            assert_never(command)


async def _send_all(session: "DirectorSession", packets: list[bytes]) -> None:
    for packet in packets:
        await session.reply(packet)
    await session.packets.send_signal(Signal.EOD)


async def _cancel(session: "DirectorSession", name: bytes) -> None:
    found = session.services.registry.find(name)
    if found is None:
        await session.reply(replies.job_not_found(name))
    else:
        reports = found.cancel()
        await session.reply(replies.marked_canceled(name))
        if reports and found.type != VERIFY_TYPE:
            # With the end of this answer the Director stops listening to the job (core/src/dird/fd_cmds.cc:
            # CancelFileDaemonJob), so the job's report goes first. To a verify it does not listen any more as it is.
            with trio.move_on_after(REPORT_PATIENCE):
                await found.told.wait()
    await session.packets.send_signal(Signal.EOD)


async def _set_debug(session: "DirectorSession", command: c.SetDebug) -> None:
    services = session.services
    debug = services.debug
    if command.level >= 0:
        debug.level = command.level
    if command.trace >= 0:
        debug.trace = bool(command.trace)
        debug.close()
    if command.hangup >= 0:
        debug.hangup = int(bool(command.hangup))
    if command.timestamp is not None and command.timestamp >= 0:
        debug.timestamp = bool(command.timestamp)
    await session.reply(
        replies.ok_debug(
            command.level,
            int(debug.trace),
            debug.hangup,
            None if command.timestamp is None else int(debug.timestamp),
            debug.trace_path.encode(),
        )
    )


async def _set_bandwidth(session: "DirectorSession", command: c.SetBandwidth) -> None:
    if command.job:
        found = session.services.registry.find(command.job)
        if found is None:
            await session.reply(replies.job_not_found(command.job))
        else:
            found.throttle.limit = command.limit
    else:
        session.services.default_bandwidth = command.limit
    await session.reply(replies.OK_BANDWIDTH)


async def _resolve(session: "DirectorSession", host: bytes) -> None:
    name = session.services.name
    try:
        found = await trio.socket.getaddrinfo(host.decode("utf-8", "replace"), None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        await session.reply(replies.not_resolved(name, host))
    else:
        addresses = dict.fromkeys(
            (6 if family == socket.AF_INET6 else 4, str(place[0]).encode())
            for family, _, _, _, place in found
        )
        await session.reply(replies.resolved(name, host, sorted(addresses, key=lambda pair: -pair[0])))
    await session.packets.send_signal(Signal.EOD)

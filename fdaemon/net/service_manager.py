"""Tells the service manager (systemd) that the daemon is ready, reloading, stopping, alive. Silent without one.

Source: the sd_notify protocol, one datagram of assignments to the socket that NOTIFY_SOCKET names.
"""

import contextlib
import os
import socket
import time
from collections.abc import Mapping

import trio


class ServiceManager:
    """Where to tell, taken from the environment; nothing is told when it names no socket.

    Its own socket stays open: when descriptors run out, the signs of life must not stop, or the service manager would
    end the daemon and its jobs.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        place = environment.get("NOTIFY_SOCKET", "")
        self._place = "\0" + place[1:] if place.startswith("@") else place
        self._sender: socket.socket | None = None
        if place:
            self._sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._sender.setblocking(False)
        own = environment.get("WATCHDOG_PID", "")
        microseconds = environment.get("WATCHDOG_USEC", "")
        meant = not own or own == str(os.getpid())
        self.watchdog = int(microseconds) / 1_000_000 if microseconds.isdecimal() and meant else 0.0
        """Seconds within which the service manager wants a sign of life; 0: never."""

    def ready(self) -> None:
        """The daemon listens."""
        self._tell("READY=1", f"MAINPID={os.getpid()}")

    def reloading(self) -> None:
        """The configuration is being read again; `ready` follows."""
        self._tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """The orderly end has begun; nothing is told after this."""
        self._tell("STOPPING=1")
        if self._sender is not None:
            self._sender.close()
            self._sender = None

    async def keep_alive(self) -> None:
        """Signs of life from the event loop, twice as often as asked for; returns at once when none are wanted."""
        while self.watchdog:
            self._tell("WATCHDOG=1")
            await trio.sleep(self.watchdog / 2)

    def _tell(self, *lines: str) -> None:
        if self._sender is not None:
            with contextlib.suppress(OSError):
                self._sender.sendto("\n".join(lines).encode(), self._place)

"""Ports that are free one after the other, for what listens on a range of them."""

import random
import socket
from contextlib import ExitStack


def free_range(count: int, host: str = "127.0.0.1") -> int:
    """The first of `count` ports in a row that nobody listens on now, below those that the system gives away."""
    for _ in range(200):
        first = random.randrange(20_000, 32_000)
        with ExitStack() as probes:
            try:
                for port in range(first, first + count):
                    probes.enter_context(socket.socket()).bind((host, port))
            except OSError:
                continue
            return first
    raise AssertionError(f"no {count} free ports in a row")

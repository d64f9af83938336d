"""What we ask of the kernel's sockets below a stream: who is there, which descriptor, keep-alive, buffers."""

import contextlib
import os
import socket

import trio


def find_socket(stream: object) -> trio.socket.SocketType | None:
    """The socket below `stream`, through any wrappers with a `transport`; None for streams in memory."""
    while stream is not None and not isinstance(stream, trio.SocketStream):
        stream = getattr(stream, "transport", None)
    return None if stream is None else stream.socket


def descriptor(stream: object) -> int:
    """The file descriptor below `stream`; -1 when there is none (any more)."""
    found = find_socket(stream)
    return -1 if found is None else found.fileno()


def peer_address(stream: object) -> tuple[str, int]:
    """Numeric address and port of the peer; ("", 0) when the stream has none."""
    found = find_socket(stream)
    if found is not None and found.family in (socket.AF_INET, socket.AF_INET6):
        with contextlib.suppress(OSError):
            name = found.getpeername()
            return str(name[0]), int(name[1])
    return "", 0


def keep_alive(found: trio.socket.SocketType, interval: int = 0) -> None:
    """Switch TCP keep-alive on; with `interval` > 0 probe after, and every, so many seconds (protocol/01
    §11.4).
    """
    found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if interval > 0:
        # a kernel that does not know the fine tuning, or a value above its limit, keeps its defaults
        for option in ("TCP_KEEPIDLE", "TCP_KEEPINTVL"):
            with contextlib.suppress(OSError, AttributeError):
                found.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), interval)


async def send_bulk(stream: trio.abc.Stream, data: bytes | bytearray | memoryview) -> None:
    """Send all of `data`, waiting only when the kernel's buffer is full. Raises OSError like the system call.

    trio's own send is a trip through the scheduler for each piece that the kernel takes, which for bulk data costs
    more than the encryption. And it is a checkpoint behind the last byte: a cancel there would make a whole packet
    look like a broken one. So this is no checkpoint while the kernel has room; the caller makes one before it.
    """
    if not isinstance(stream, trio.SocketStream):
        await stream.send_all(data)
        return
    number = stream.socket.fileno()
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(number, rest) :]
        except BlockingIOError:
            await trio.lowlevel.wait_writable(number)


def set_send_buffer(stream: object, size: int) -> int:
    """Ask for a send buffer of `size` bytes; returns what was asked for in the end, 0 when nothing helped.

    Tried with 1024 bytes less after each refusal (core/src/lib/bsock_tcp.cc: SetBufferSize).
    """
    found = find_socket(stream)
    while found is not None and size > 0:
        try:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)
        except OSError:
            size -= 1024
        else:
            return size
    return 0

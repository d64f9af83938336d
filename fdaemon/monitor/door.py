"""Lets viewers in: one listener, a bounded number of newcomers, a token, then the feed or the metrics.

A newcomer costs a socket and a small task until it has shown the token. When too many stand at the door the one
that has waited longest is sent away, so thousands that say nothing cannot keep out one who knows the word.
"""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import trio
from trio_websocket import ConnectionClosed, HandshakeError, wrap_server_stream

from fdaemon.monitor.feed import Feed
from fdaemon.monitor.history import job_base
from fdaemon.monitor.metrics import CONTENT_TYPE, metrics
from fdaemon.monitor.request import BAD_REQUEST, FULL, MOST_HEAD, Refusal, Wish, judge, response
from fdaemon.net.newcomers import Newcomers
from fdaemon.net.replay import ReplayStream

MOST_NEWCOMERS = 64
"""Connections that have not shown the token yet."""
MOST_VIEWERS = 128
NEWCOMER_LIMIT = 5.0
"""Seconds to show it, TLS included."""
STUCK_LIMIT = 120.0
"""Seconds one message may take to leave; a viewer that takes nothing for so long is dropped."""
ANSWER_LIMIT = 2.0

BROKEN = (trio.BrokenResourceError, trio.ClosedResourceError, ConnectionClosed, HandshakeError)


@dataclass(slots=True)
class Tally:
    """What came to the door since the daemon began."""

    admitted: int = 0
    refused: int = 0
    dropped: int = 0


@dataclass(slots=True)
class Door:
    """Serves accepted connections. `token` is the secret, `log` hears of what should not have happened; `context` None
    means clear text (loopback only)."""

    feed: Feed
    token: bytes = field(repr=False)
    log: Callable[[str], None]
    context: ssl.SSLContext | None = None
    tally: Tally = field(default_factory=Tally)
    viewers: int = 0
    newcomers: Newcomers = field(default_factory=partial(Newcomers, MOST_NEWCOMERS))

    async def serve(self, transport: trio.abc.Stream) -> None:
        """Serve one connection to its end. Whatever happens on it ends this viewer only, not the feed of the others."""
        try:
            async with transport:
                await self._serve(transport)
        except* (*BROKEN, ssl.SSLError, OSError):
            self.tally.dropped += 1
        except* Exception as group:
            self.tally.dropped += 1
            self.log(f"The live monitor drops a viewer: {innermost(group)!r}")

    async def _serve(self, transport: trio.abc.Stream) -> None:
        stream: trio.abc.Stream = transport
        head: bytes | None = None
        seen = b""
        with self.newcomers.waiting(NEWCOMER_LIMIT) as scope:
            if self.context is not None:
                secure: trio.SSLStream[trio.abc.Stream] = trio.SSLStream(
                    transport, self.context, server_side=True, https_compatible=True
                )
                await secure.do_handshake()
                stream = secure
            head, seen = await _head(stream)
        if scope.cancelled_caught:
            self.tally.dropped += 1
            return
        verdict = BAD_REQUEST if head is None else judge(head, self.token)
        if verdict is Wish.FEED and self.viewers >= MOST_VIEWERS:
            verdict = FULL
        if isinstance(verdict, Refusal):
            self.tally.refused += 1
            await _say(stream, verdict.answer())
            return
        self.tally.admitted += 1
        if verdict is Wish.METRICS:
            text = metrics(self.feed.view, job_base).encode()
            await _say(stream, response(200, "OK", CONTENT_TYPE, text))
            return
        self.viewers += 1
        try:
            await self._show(ReplayStream(stream, seen))
        finally:
            self.viewers -= 1

    async def _show(self, stream: trio.abc.Stream) -> None:
        """Send the feed until the viewer goes or takes nothing any more."""
        async with trio.open_nursery() as nursery:
            request = await wrap_server_stream(nursery, stream, max_message_size=MOST_HEAD)
            socket = await request.accept()
            viewer = self.feed.join()
            nursery.start_soon(_listen, socket.get_message, nursery.cancel_scope)
            try:
                while True:
                    message = await viewer.next(self.feed.full_view)
                    with trio.move_on_after(STUCK_LIMIT) as limit:
                        await socket.send_message(message.decode())
                    if limit.cancelled_caught:
                        break
            except ConnectionClosed:
                pass
            finally:
                self.feed.leave(viewer)
            nursery.cancel_scope.cancel()


async def _listen(receive: Callable[[], object], scope: trio.CancelScope) -> None:
    """Drop what a viewer says (it has nothing to say) and see it go."""
    try:
        while True:
            await receive()  # type: ignore[misc]
    except ConnectionClosed:
        scope.cancel()


async def _head(stream: trio.abc.Stream) -> tuple[bytes | None, bytes]:
    """The request head without its blank line, and all that was read; None when it is no head at all."""
    seen = bytearray()
    while b"\r\n\r\n" not in seen:
        if len(seen) > MOST_HEAD or (seen and not b"GET ".startswith(seen[:4])):
            return None, bytes(seen)
        data = await stream.receive_some(MOST_HEAD)
        if not data:
            return None, bytes(seen)
        seen += data
    return bytes(seen[: seen.index(b"\r\n\r\n")]), bytes(seen)


async def _say(stream: trio.abc.Stream, answer: bytes) -> None:
    with trio.move_on_after(ANSWER_LIMIT):
        await stream.send_all(answer)
        if isinstance(stream, trio.SocketStream):
            await stream.send_eof()


def innermost(group: BaseException) -> BaseException:
    """The first error in nested groups."""
    return innermost(group.exceptions[0]) if isinstance(group, BaseExceptionGroup) else group

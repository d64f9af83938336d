"""Job messages to the Director: prefixes, filter, counters, status and the order queued -> direct.

Every message of a job goes through here; nothing else may write a `Jmsg` packet.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import trio

from fdaemon.outcome import Status, supersede
from fdaemon.protocol.messages import MessageType, encode_job_message, format_text
from fdaemon.views import Counters


@dataclass(slots=True)
class Standing:
    """The part of a job that its messages change: status and counters. Owned by the trio thread."""

    status: Status = Status.CREATED
    counters: Counters = field(default_factory=Counters)
    recent: list[tuple[float, MessageType, bytes]] = field(default_factory=list)

    def announce(self, status: Status) -> None:
        """Let a new status stand if the priority rule allows it."""
        self.status = supersede(self.status, status)


KEPT_MESSAGES = 50
"""How many of a job's warnings and errors stay readable for the monitor."""
LONGEST_TEXT = 100_000
"""Bytes of one message's text: a packet holds ten times as much, and a name in it may be as long as a path can be."""
LISTED_TOGETHER = 256
"""RESTORED messages, one for each file, that are sent together: a change of threads takes longer than the file."""
_WITH_EFFECT = frozenset(kind for kind in MessageType if kind.effect != MessageType.INFO.effect)


class Reporter:
    """Sends one session's job messages.

    `send` puts packets on the Director connection (silently nothing when it is gone); `wanted` holds the types
    that the Messages resource names for the Director, `accepted` all that it ever names (others have no effect;
    protocol/06 section 7.3). `also` takes those of `local` to destinations on this machine: type, Unix seconds,
    text with its prefix. Before a job id is known a message is a bare text packet without any effect
    (protocol/01 section 9.3).
    """

    def __init__(
        self,
        standing: Standing,
        send: Callable[..., Awaitable[object]],
        *,
        name: bytes,
        wanted: frozenset[MessageType],
        accepted: frozenset[MessageType] | None = None,
        local: frozenset[MessageType] = frozenset(),
        also: Callable[[MessageType, int, bytes], Awaitable[None]] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.standing = standing
        self.job_id = 0
        self.job_name = b""
        self._name = name
        self._send = send
        self._wanted = wanted
        self._shown = wanted | local
        self._accepted = self._shown | (_WITH_EFFECT & (wanted if accepted is None else accepted))
        self._local = local
        self._also = also
        self._clock = clock
        self._queue: list[tuple[MessageType, int, bytes]] = []
        self._listing: list[tuple[int, bytes]] = []

    def wants(self, kind: MessageType) -> bool:
        """True when messages of this type go anywhere at all."""
        return kind in self._shown

    def queue(self, kind: MessageType, text: bytes) -> None:
        """Keep a message for just before the next direct one, or for after the End Job line."""
        if self.job_id and kind in self._accepted:
            self._queue.append((kind, int(self._clock()), text))

    async def send(self, kind: MessageType, text: bytes, extra_errors: int = 0) -> None:
        """Send a message now, after all queued ones. `text` ends in a newline."""
        self.standing.counters.errors += extra_errors
        if not self.job_id:
            await self._send(text)
            return
        await self.list_all()
        await self.flush()
        if kind in self._accepted:
            await self._deliver(kind, int(self._clock()), text)

    async def flush(self) -> None:
        """Send everything that was queued."""
        while self._queue:
            await self._deliver(*self._queue.pop(0))

    def report(self, kind: MessageType, text: bytes, extra_errors: int = 0) -> None:
        """The same as `send`, called from a worker thread of this job; blocks it until the message is out.

        But RESTORED messages wait for each other, until any other message or `list_all`.
        """
        if kind is MessageType.RESTORED and kind in self._accepted and self.job_id:
            self._listing.append((int(self._clock()), _cut(text)))
            if len(self._listing) >= LISTED_TOGETHER:
                trio.from_thread.run(self.list_all)
        elif extra_errors or kind in self._accepted:
            trio.from_thread.run(self.send, kind, text, extra_errors)

    async def list_all(self) -> None:
        """Send the RESTORED messages that wait. They have no effect on the job."""
        listing, self._listing = self._listing, []
        if listing:
            await self._put_out(MessageType.RESTORED, listing)

    async def _deliver(self, kind: MessageType, when: int, text: bytes) -> None:
        standing, counters = self.standing, self.standing.counters
        text = _cut(text)
        effect = kind.effect
        if effect.status is not None:
            standing.announce(effect.status)
        counters.errors = effect.errors_after(counters.errors)
        counters.warnings += effect.warnings
        if kind in (MessageType.FATAL, MessageType.ERROR, MessageType.WARNING, MessageType.NOTSAVED):
            del standing.recent[: -KEPT_MESSAGES + 1]
            standing.recent.append((when, kind, text))
        await self._put_out(kind, [(when, text)])

    async def _put_out(self, kind: MessageType, messages: list[tuple[int, bytes]]) -> None:
        shown = [(when, format_text(self._name, self.job_id, kind, text)) for when, text in messages]
        if kind in self._wanted:
            await self._send(*[encode_job_message(self.job_name, kind, when, text) for when, text in shown])
        if self._also is not None and kind in self._local:
            for when, text in shown:
                await self._also(kind, when, text)


def _cut(text: bytes) -> bytes:
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + b"...\n"

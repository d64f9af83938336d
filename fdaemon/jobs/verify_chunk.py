"""What a verify digests and sends together: small files already read, or one large file still open. Digests nothing."""

import os
from binascii import b2a_base64
from concurrent.futures import Future
from struct import Struct

from fdaemon.channels.verify import Message, VerifyBatch
from fdaemon.codec.digest_program import Slot
from fdaemon.jobs.verify_plan import VerifyPlan
from fdaemon.wire.digests import Digest
from fdaemon.wire.stat import encode_stat

CHUNK = 2 << 20
"""Content bytes of a chunk of small files: enough for one hand-over to a thread to pay, little enough for memory."""
FILES = 1024
"""Files in a chunk at most: about 60 KB of packets."""
_length = Struct(">I").pack

type Undigested = tuple[bytes, VerifyPlan, bytes, int]
"""Attribute packet with its length word, plan, file index in digits, end of the content in the buffer."""


class Chunk:
    """Files that are digested, and sent, together.

    `contents` of them are in `buffer`, all for the same `digest`; with a `slot` it is shared with the worker.
    `digested` and `hashed` (bytes) count what is already done, `missed` those that a worker could have done.
    """

    __slots__ = (
        "buffer",
        "contents",
        "current",
        "digest",
        "digested",
        "files",
        "future",
        "hashed",
        "items",
        "large",
        "messages",
        "missed",
        "skipped",
        "slot",
        "used",
    )

    def __init__(self, buffer: memoryview, slot: Slot | None = None) -> None:
        self.buffer = buffer
        self.slot = slot
        self.used = 0
        self.future: Future[VerifyBatch] | None = None
        self.contents = 0
        self.digest: Digest | None = None
        self.items: list[bytes | Undigested] = []
        self.large: LargeFile | None = None
        self.files = 0
        self.current = b""
        self.digested = 0
        self.hashed = 0
        self.missed = 0
        self.skipped = 0
        self.messages: list[Message] = []

    def has_room(self, size: int, digest: Digest | None) -> bool:
        """True if a content of `size` bytes can be read here, with one byte to spare to see that it grew."""
        return self.used + size < CHUNK and (self.digest is digest or not self.contents)

    def add(self, item: bytes, index: int, path: bytes) -> None:
        """A file: its finished packets with their length words."""
        self.items.append(item)
        self.files = index
        self.current = path

    def add_content(self, item: Undigested, index: int, path: bytes) -> None:
        """A file whose content was read into the buffer."""
        self.items.append(item)
        _, plan, _, end = item
        if self.slot is not None:
            self.slot.ends[self.contents] = end
        self.contents += 1
        self.digest = plan.digest
        self.used = end
        self.files = index
        self.current = path


class LargeFile:
    """A file that did not fit a chunk: its open descriptor, closed by whoever digests it, and what is to be read."""

    __slots__ = ("descriptor", "index", "path", "plan", "stat")

    def __init__(
        self, descriptor: int, index: int, path: bytes, plan: VerifyPlan, stat: os.stat_result
    ) -> None:
        self.descriptor = descriptor
        self.index = index
        self.path = path
        self.plan = plan
        self.stat = stat


def attribute_packet(
    plan: VerifyPlan, number: bytes, path: bytes, st: os.stat_result, link: bytes = b""
) -> bytes:
    """An attribute packet with its length word; `number` is the file's index in digits."""
    head, stat = plan.head, encode_stat(st)
    size = len(number) + len(head) + len(path) + len(stat) + len(link) + 3
    return b"".join((_length(size), number, head, path, b"\0", stat, b"\0", link, b"\0"))


def digest_packet(plan: VerifyPlan, number: bytes, digest: bytes) -> bytes:
    """A digest packet with its length word, as `protocol.verify.digest_packet` makes it without."""
    head, tail, text = (
        plan.digest_head,
        plan.digest_tail,
        b2a_base64(digest, newline=False)[: plan.digest_size],
    )
    size = 2 * len(number) + len(head) + len(text) + len(tail) + 1
    return b"".join((_length(size), number, head, text, tail, number, b"*"))

"""The program of the second process of `digest_worker`: digests what lies in memory shared with the daemon.

Run by path, isolated and without site packages, so that it starts in some 15 ms: imports the standard library only.
Reads orders until its standard input ends, and knows no files.
"""

import hashlib
import mmap
import os
import sys
from dataclasses import dataclass
from struct import Struct

ORDER = Struct("<II8s")
"""Number of a slot, how many contents there are in it, and hashlib's name of the digest."""
DONE = b"\n"
"""The answer to each order, once the digests are in the slot."""
LONGEST = 64
"""Bytes that each digest has in the slot; those of SHA-512 need all."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A part of the shared memory: contents back to back, where each ends (32-bit numbers), and their digests."""

    number: int
    content: memoryview
    ends: memoryview
    digests: memoryview


def slots(memory: memoryview, size: int, contents: int) -> list[Slot]:
    """Cut shared memory into slots for at most `contents` contents of `size` bytes together (a multiple of 4)."""
    step = slot_size(size, contents)
    return [
        Slot(
            number,
            memory[start : start + size],
            memory[start + size : start + size + 4 * contents].cast("I"),
            memory[start + size + 4 * contents : start + step],
        )
        for number, start in enumerate(range(0, len(memory), step))
    ]


def slot_size(size: int, contents: int) -> int:
    """Bytes of a slot."""
    return size + contents * (4 + LONGEST)


def digest_slot(slot: Slot, count: int, name: str) -> None:
    """Put the digests of the first `count` contents one behind the other."""
    empty = hashlib.new(name, usedforsecurity=False)  # a copy of it costs half of a new one
    content, digests = slot.content, slot.digests
    start = at = 0
    for end in slot.ends[:count]:
        hashed = empty.copy()
        hashed.update(content[start:end])
        digest = hashed.digest()
        digests[at : at + len(digest)] = digest
        at += len(digest)
        start = end


def main(memory: int, total: int, size: int, contents: int) -> None:
    """Serve orders from standard input."""
    found = slots(memoryview(mmap.mmap(memory, total)), size, contents)
    while len(order := os.read(0, ORDER.size)) == ORDER.size:
        number, count, name = ORDER.unpack(order)
        digest_slot(found[number], count, name.rstrip(b"\0").decode())
        os.write(1, DONE)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

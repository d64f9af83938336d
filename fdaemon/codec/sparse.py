"""Which blocks of a file are holes or zeros and need not be sent. Moves the position of the file it asks
about.

A block is skipped only if the C++ daemon would skip it, except that the last block is always sent, so that
the restored file gets its full size (protocol/04 section 3.3 names the C++ bug).
"""

import errno
import os
from dataclasses import dataclass

ADDRESS_SIZE = 8
"""Bytes of file address in front of each block (core/src/include/streams.h: OFFSET_FADDR_SIZE)."""
NOWHERE = 1 << 63
"""An address beyond every file."""


@dataclass(frozen=True, slots=True)
class ZeroRule:
    """When an all-zero block may be left out. Sizes in bytes; `size` is st_size, 0 for raw devices and pipes.

    `parallel` says that the C++ daemon would use its parallel path (a file of two blocks or more and workers
    > 0): then it skips nothing in a file of exactly two blocks, and counts skipped bytes as read.
    """

    size: int
    block: int
    parallel: bool
    unsized: bool = False

    def may_skip(self, address: int, length: int) -> bool:
        """True if a zero block of `length` bytes at `address` need not be sent."""
        if self.unsized:
            return True
        if self.parallel and 2 * self.block >= self.size:
            return False
        return length == self.block and address + length < self.size

    def blocks_in_hole(self, address: int, data_start: int) -> int:
        """How many whole blocks from `address` on lie before `data_start` and may be skipped unread."""
        if self.unsized or not self.may_skip(address, self.block):
            return 0
        last = (self.size - 1) // self.block * self.block
        return max(0, min(data_start, last) - address) // self.block


class Extents:
    """Where the data of a file lies. Asks the kernel lazily; a file system that cannot say has data
    everywhere.
    """

    __slots__ = ("_end", "_fd", "_start")

    def __init__(self, fd: int, st: os.stat_result) -> None:
        self._fd = fd
        self._start = 0
        self._end = NOWHERE if st.st_blocks * 512 >= st.st_size else 0

    def next_data(self, address: int) -> int:
        """The first address from `address` on that holds data; NOWHERE if only a hole follows."""
        if address >= self._end:
            try:
                self._start = os.lseek(self._fd, address, os.SEEK_DATA)
                self._end = os.lseek(self._fd, self._start, os.SEEK_HOLE)
            except OSError as error:
                self._start = NOWHERE if error.errno == errno.ENXIO else 0
                self._end = NOWHERE
        return max(address, self._start)


def is_zero(block: memoryview) -> bool:
    """True if every byte is 0. Looks at the ends first, since most blocks differ there already."""
    if block[0] or block[-1]:
        return False
    return not any(block[:64]) and block.tobytes().count(0) == len(block)


def address_prefix(address: int) -> bytes:
    """The eight bytes in front of a sparse block."""
    return address.to_bytes(ADDRESS_SIZE, "big")


def split_address(record: memoryview) -> tuple[int, memoryview]:
    """Address and data of a sparse record; raises ValueError when it is too short for an address."""
    if len(record) < ADDRESS_SIZE:
        raise ValueError(f"sparse record of {len(record)} bytes")
    return int.from_bytes(record[:ADDRESS_SIZE], "big"), record[ADDRESS_SIZE:]

"""Digests of files for accurate mode's letters `1` and `5`, computed as a backup would. Sends nothing.

Facts: protocol/03 section 3.3 (core/src/filed/accurate.cc: CalculateAndCompareFileChksum). Unlike C++, a
sparse file is cut into the blocks of the backup, so that its digest can be equal.
"""

import os
from collections.abc import Callable, Iterator

from fdaemon.codec.digest import hash_factory
from fdaemon.codec.sparse import ADDRESS_SIZE, ZeroRule, is_zero
from fdaemon.fileset.examine import Report
from fdaemon.fileset.model import Options
from fdaemon.fs.leases import open_leased
from fdaemon.jobs.backup_plan import OPEN_FLAGS
from fdaemon.protocol.messages import MessageType
from fdaemon.views import Counters
from fdaemon.wire.numbers import base64_standard


class FileChecksum:
    """Callable as `compare.Checksum`. `block` and `workers` as for the backup."""

    def __init__(
        self,
        *,
        report: Report,
        counters: Counters,
        check_cancelled: Callable[[], None],
        block: int = 262_144,
        workers: int = 2,
    ) -> None:
        self._report = report
        self._counters = counters
        self._check_cancelled = check_cancelled
        self._block = block
        self._workers = workers
        self._buffer = memoryview(bytearray(block))

    def __call__(
        self, path: bytes, dir_fd: int, name: bytes, st: os.stat_result, options: Options
    ) -> bytes | None:
        """The digest in base 64 without padding, None when the file cannot be read, which is reported."""
        digest = options.digest
        if digest is None:
            return None
        try:
            directory = None if dir_fd < 0 else dir_fd
            descriptor = open_leased(name, OPEN_FLAGS, directory, self._check_cancelled)
        except OSError as error:
            text = os.strerror(error.errno or 0).encode()
            self._report(MessageType.ERROR, b"     Cannot open %b: ERR=%b.\n" % (path, text), 1)
            return None
        hashed = hash_factory(digest)()
        try:
            for block in self._blocks(descriptor, st, options.sparse):
                hashed.update(block)
        except OSError as error:
            text = os.strerror(error.errno or 0).encode()
            self._report(MessageType.ERROR, b"Error reading file %b: ERR=%b\n" % (path, text), 0)
            return None
        finally:
            os.close(descriptor)
        return base64_standard(hashed.digest())

    def _blocks(self, descriptor: int, st: os.stat_result, sparse: bool) -> Iterator[memoryview]:
        block = self._block - ADDRESS_SIZE if sparse else self._block
        parallel = self._workers > 0 and st.st_size >= 2 * block
        rule = ZeroRule(st.st_size, block, parallel)
        address = 0
        while True:
            count = os.preadv(descriptor, [self._buffer[:block]], address)
            if not count:
                return
            self._counters.read_bytes += count
            data = self._buffer[:count]
            if not (sparse and rule.may_skip(address, count) and is_zero(data)):
                yield data
            address += count
            self._check_cancelled()

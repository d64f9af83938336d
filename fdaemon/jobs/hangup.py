"""What `setdebug hangup=` asks for: a backup that ends after a file. To try what a Director does with it, never more.

Source: core/src/filed/backup.cc (EncodeAndSendAttributes) and core/src/lib/message.cc: the number is kept as a bool, so
every job ends after one file, whatever number was given.
"""

from collections.abc import Callable, Iterator

from fdaemon.errors import JobFailed
from fdaemon.fileset.entry import Entry, end_walk
from fdaemon.jobs.backup_types import is_sent
from fdaemon.jobs.batch import Batch
from fdaemon.jobs.driver import BatchSource


class HangUp:
    """Lets `after` files through and then fails the job; one object for one backup.

    `wanted()` is asked at the start; `happened()` is called in the worker thread when the job is broken off.
    """

    def __init__(self, wanted: Callable[[], int], happened: Callable[[], None]) -> None:
        self._after = wanted()
        self._happened = happened
        self._broken = False

    def entries(self, entries: Iterator[Entry]) -> Iterator[Entry]:
        """The entries up to the one before which the job breaks off."""
        sent = 0
        try:
            for entry in entries:
                if self._after and is_sent(entry):
                    sent += 1
                    if sent > self._after:
                        self._broken = True
                        return
                yield entry
        finally:
            end_walk(entries)

    def source(self, source: BatchSource) -> BatchSource:
        """The batches of `source`, made from `entries`, and the failure behind them."""
        return _Source(source, self._end)

    def _end(self) -> None:
        if self._broken:
            self._happened()
            raise JobFailed(b"Debug hangup requested after %d files.\n" % self._after)


class _Source:
    def __init__(self, source: BatchSource, end: Callable[[], None]) -> None:
        self._source = source
        self._end = end

    def batches(self) -> Iterator[Batch]:
        """Everything, and then the end."""
        yield from self._source.batches()
        self._end()

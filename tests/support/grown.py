"""The reference tree with the edits that came before the incremental, differential and changed verify sessions."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from fdaemon.wire.stat import encode_stat
from tests.support.decorated import decorate
from tests.support.tree import build, change


class Grown:
    """A tree as it was at the full backup before, and then changed."""

    def __init__(self, root: Path) -> None:
        self.root = bytes(root)
        build(self.root)
        decorate(root)
        self.before = {name: os.lstat(name) for name in self._names()}
        self.since = max(int(stat.st_ctime) for stat in self.before.values()) + 1
        while time.time() < self.since:  # what changes in the second of the backup before is no change
            time.sleep(0.01)
        change(self.root)

    def _names(self) -> Iterator[bytes]:
        yield self.root
        for folder, folders, files in os.walk(self.root):
            yield from (os.path.join(folder, name) for name in (*folders, *files))

    def entry(self, recorded: bytes) -> bytes:
        """An entry of the accurate list with the attributes that the file had here."""
        name, _, rest = recorded.split(b"\0", 2)
        return b"\0".join((name, encode_stat(self.before[name.rstrip(b"/")]), rest))

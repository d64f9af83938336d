"""Which inodes with several names were saved already, under which name and FileIndex. Never touches the disk.

Facts: protocol/03 section 2.9 (core/src/findlib/find_one.cc: process_hardlink). Unlike C++, an inode enters
the table only once a file was sent for it, together with the name it was sent under.
"""


class HardLink:
    """One inode with several names. Whoever saves the file sets `file_index` before it pulls the next
    entry, and `digest_stream` and `digest` (raw bytes) when it sent one; 0 means that nothing was sent. `stored`
    is the name that it was sent under, which Strip Path may have made another than its name on the disk.
    """

    __slots__ = ("digest", "digest_stream", "file_index", "name", "stored")

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.stored = name
        self.file_index = 0
        self.digest_stream = 0
        self.digest = b""


class HardLinkTable:
    """(device, inode) -> HardLink, for a whole job. About 230 bytes and the name for each inode."""

    __slots__ = ("_devices",)

    def __init__(self) -> None:
        self._devices: dict[int, dict[int, HardLink]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._devices.values()))

    def get(self, device: int, inode: int) -> HardLink | None:
        """The link under which this inode was saved, or None."""
        links = self._devices.get(device)
        return links.get(inode) if links is not None else None

    def keep(self, device: int, inode: int, link: HardLink) -> None:
        """Remember `link` if its file was sent."""
        if link.file_index:
            self._devices.setdefault(device, {})[inode] = link

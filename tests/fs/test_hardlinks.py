"""The table of inodes with several names."""

import sys

from fdaemon.fs.hardlinks import HardLink, HardLinkTable


def _sent(name: bytes, index: int) -> HardLink:
    link = HardLink(name)
    link.file_index = index
    return link


def test_only_what_was_sent_is_kept() -> None:
    table = HardLinkTable()
    table.keep(1, 2, HardLink(b"/unsent"))
    assert table.get(1, 2) is None
    link = _sent(b"/sent", 7)
    table.keep(1, 2, link)
    assert table.get(1, 2) is link
    assert len(table) == 1


def test_inodes_of_different_devices_are_different() -> None:
    table = HardLinkTable()
    table.keep(1, 2, _sent(b"/a", 1))
    table.keep(3, 2, _sent(b"/b", 2))
    assert [link.name for link in (table.get(1, 2), table.get(3, 2)) if link] == [b"/a", b"/b"]
    assert table.get(2, 1) is None
    assert len(table) == 2


def test_an_entry_is_small() -> None:
    link = _sent(b"/name", 1)
    assert not hasattr(link, "__dict__")
    assert sys.getsizeof(link) <= 72

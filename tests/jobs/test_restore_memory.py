"""Volumes made to fill the memory of whoever restores them: what is kept of one file has a bound."""

import os
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fdaemon.codec.digest import digest_of, hash_factory
from fdaemon.jobs import restore_content, restore_passed
from fdaemon.protocol.messages import MessageType
from fdaemon.wire.attributes import FileType
from fdaemon.wire.digests import Digest
from fdaemon.wire.framing import EOD
from fdaemon.wire.streams import Stream
from tests.jobs.restoring import Restoring, attributes, record, regular, xattrs


@contextmanager
def memory() -> Iterator[Callable[[], int]]:
    """Gives the bytes allocated since, and still held."""
    tracemalloc.start()
    try:
        start = tracemalloc.get_traced_memory()[0]
        yield lambda: tracemalloc.get_traced_memory()[0] - start
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("content", [b"", b"abc"])
def test_content_in_tiny_records(tmp_path: Path, content: bytes) -> None:
    records, times = 10_000, 6
    total = content * records * times
    some = record(1, Stream.FILE_DATA, content) * records
    restoring = Restoring(tmp_path)
    restoring.restorer.feed(attributes(1, FileType.REG, b"/f", size=len(total)) + some)
    with memory() as held:
        for _ in range(times - 1):
            restoring.restorer.feed(some)
        assert held() < len(total) * 9 // 8 + 250_000
    right = record(1, Stream.MD5_DIGEST, _md5(total))
    restoring.restorer.feed(right + EOD)
    restoring.restorer.finish()
    assert restoring.messages == []
    assert (tmp_path / "f").read_bytes() == total


def _md5(content: bytes) -> bytes:
    return digest_of(hash_factory(Digest.MD5), content)


@pytest.mark.parametrize("data", [b"", bytes(900_000)])
def test_attributes_without_end(tmp_path: Path, data: bytes) -> None:
    some = record(1, Stream.XATTR_LINUX, data) * (25_000 if not data else 5)
    restoring = Restoring(tmp_path)
    restoring.restorer.feed(regular(1, b"/f", b"x") + xattrs(1, kept=b"yes"))
    with memory() as held:
        for _ in range(4):
            restoring.restorer.feed(some)
        assert held() < restore_content.EXTENDED_LIMIT + 1_000_000
    restoring.restorer.feed(regular(2, b"/g", b"x") + xattrs(2, kept=b"yes") + EOD)
    restoring.restorer.finish()
    text = b"ACLs and attributes of %b/f exceed %d bytes: the rest is left out.\n"
    assert restoring.texts().count(text % (os.fsencode(tmp_path), restore_content.EXTENDED_LIMIT)) == 1
    for name in ("f", "g"):
        assert os.getxattr(tmp_path / name, "user.kept") == b"yes"


def test_plugins_without_end(tmp_path: Path) -> None:
    restoring = Restoring(tmp_path).run(
        *[record(1, Stream.PLUGIN_NAME, b"1 1 0 %d%b\0" % (number, bytes(10_000))) for number in range(3)],
        *[
            record(1, Stream.PLUGIN_NAME, b"1 1 0 p%d\0" % number)
            for number in range(2 * restore_passed.PLUGINS)
        ],
        regular(1, b"/f", b"x"),
    )
    texts = restoring.texts(MessageType.WARNING)
    assert len(texts) == restore_passed.PLUGINS
    assert max(map(len, texts)) < 1100
    assert (tmp_path / "f").read_bytes() == b"x"

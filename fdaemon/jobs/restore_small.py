"""The fast path of a restore: a small plain file whose content, digest and next neighbour have all arrived.

Only for files about which nothing is out of the ordinary; texts and order are those of `restore_content`.
"""

import os

from fdaemon.codec.digest import digest_of, hash_factory
from fdaemon.errors import FileProblem
from fdaemon.fs.apply import Attributes
from fdaemon.fs.extended import error_text
from fdaemon.fs.problem import Problem
from fdaemon.jobs.restore_content import DigestWatch, close_file, digest_differs
from fdaemon.protocol.records import Record
from fdaemon.wire import streams
from fdaemon.wire.attributes import FileType
from fdaemon.wire.digests import Digest
from fdaemon.wire.restored import RestoredFile
from fdaemon.wire.streams import Stream

_PLAIN = int(Stream.FILE_DATA)
_DIGESTS = {int(stream): Digest.of_stream(stream) for stream in streams.DIGESTS}
_ATTRIBUTES = int(Stream.UNIX_ATTRIBUTES)

type Whole = tuple[bytes | memoryview, int, bytes | memoryview]
"""Content in one block, stream and value of its digest."""


def whole_file(records: list[Record], at: int, file_index: int) -> Whole | None:
    """What follows an attributes record at `at - 1`, if that is content and digest, and then another file."""
    if at + 3 > len(records):
        return None
    (first, plain, content), (second, stream, digest), (_, following, _) = records[at : at + 3]
    if plain != _PLAIN or following != _ATTRIBUTES or stream not in _DIGESTS:
        return None
    return (content, stream, digest) if first == second == file_index else None


def is_simple(item: RestoredFile, whole: Whole) -> bool:
    """True for a regular file with its whole content in the block."""
    return item.type == FileType.REG and item.stream == _PLAIN and item.size == len(whole[0]) > 0


def write_whole(
    fd: int, item: RestoredFile, shown: bytes, whole: Whole, watch: DigestWatch, attributes: Attributes
) -> list[Problem]:
    """Write content, check its digest, set owner, mode and times, close; what there is to be told.

    FileProblem when it cannot be written; the file is closed then as well.
    """
    content, stream, digest = whole
    problems: list[Problem] = []
    try:
        try:
            written = os.write(fd, content)
            while written < item.size:
                written += os.write(fd, memoryview(content)[written:])
        except OSError as error:
            raise FileProblem(b"Write error on %b: %b\n" % (shown, error_text(error))) from None
        kind = _DIGESTS[stream]
        if kind is not None and watch.wanted:
            watch.last = kind
            if digest_of(hash_factory(kind), content) != digest:
                problems.append(digest_differs(kind, shown))
        attributes.set_open(fd, item, shown)
    finally:
        problem = close_file(fd, shown)
        if problem is not None:
            problems.append(problem)
    return problems

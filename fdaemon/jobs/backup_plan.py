"""What one Options block means for the files it applies to, worked out once. Never looks at a file."""

import os
from dataclasses import dataclass

from fdaemon.codec.compress import Algorithm, Compressor
from fdaemon.codec.digest import HashFactory, hash_factory
from fdaemon.errors import JobFailed
from fdaemon.fileset.model import Options
from fdaemon.fs.hardlinks import HardLink
from fdaemon.wire.digests import Digest
from fdaemon.wire.streams import Stream

LAST_INDEX = 0x7FFF_FFFF
"""FileIndex is a signed 32-bit number (core/src/filed/backup.cc: get_next_findex)."""
OPEN_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
"""A regular file never blocks on open; whatever took its place since it was seen must neither block nor be
followed.
"""


def select_stream(*, sparse: bool, compress: bool, encrypt: bool) -> tuple[Stream, bool]:
    """The data stream for these options, and whether sparse blocks are still in use (protocol/04 section
    1.6).
    """
    if encrypt:
        if compress:
            return Stream.ENCRYPTED_FILE_COMPRESSED_DATA, False
        return Stream.ENCRYPTED_FILE_DATA, False
    if sparse:
        return (Stream.SPARSE_COMPRESSED_DATA if compress else Stream.SPARSE_DATA), True
    return (Stream.COMPRESSED_DATA if compress else Stream.FILE_DATA), False


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The parts of an Options block that a backup asks for on every file.

    `file_stream` goes into the attributes of files whose content may be encrypted (REG, REGE, RAW),
    `other_stream` into all others. `direct` marks the common case that the small-file path handles: plain
    content, no specialities.
    """

    options: Options
    digest: Digest | None
    new_hash: HashFactory | None
    digest_tail: bytes
    empty_digest: bytes
    file_stream: int
    other_stream: int
    data_tail: bytes
    sparse: bool
    compressor: Compressor | None
    extended: bool
    strip: int
    direct: bool


def make_plan(options: Options, *, encrypt: bool, sign: bool) -> Plan:
    """The plan for `options` in a job that encrypts or signs. JobFailed for an option that nobody
    implements.
    """
    if options.plugin:
        raise JobFailed(
            b'Option plugin "%b" cannot be used: this File daemon has no plugins.\n' % options.plugin
        )
    compress = options.compression is not None
    file_stream, sparse = select_stream(sparse=options.sparse, compress=compress, encrypt=encrypt)
    other_stream, _ = select_stream(sparse=options.sparse, compress=compress, encrypt=False)
    digest = options.digest
    return Plan(
        options=options,
        digest=digest,
        new_hash=None if digest is None else hash_factory(digest),
        digest_tail=b"" if digest is None else b" %d 0" % digest.stream,
        empty_digest=b"" if digest is None else hash_factory(digest)().digest(),
        file_stream=int(file_stream),
        other_stream=int(other_stream),
        data_tail=b" %d 0" % file_stream,
        sparse=sparse,
        compressor=_compressor(options),
        extended=options.acl or options.xattr,
        strip=options.strip,
        direct=not (
            sparse
            or compress
            or encrypt
            or sign
            or options.strip
            or options.no_atime
            or options.keep_atime
            or options.check_changes
        ),
    )


def _compressor(options: Options) -> Compressor | None:
    if options.compression is None:
        return None
    algorithm, level = options.compression
    return Compressor(Algorithm[algorithm.name], level)


def remember(link: HardLink, file_index: int, plan: Plan, digest: bytes) -> None:
    """Let the next names of an inode refer to the file just sent and repeat its digest."""
    link.file_index = file_index
    if digest and plan.digest is not None:
        link.digest_stream = int(plan.digest.stream)
        link.digest = digest

"""What one Options block means for the files it applies to, worked out once. Never looks at a file."""

import os
from dataclasses import dataclass

from fdaemon.codec.compress import Algorithm, Compressor
from fdaemon.codec.digest import HashFactory, hash_factory
from fdaemon.codec.pki import Seal
from fdaemon.codec.sparse import ADDRESS_SIZE
from fdaemon.errors import JobFailed
from fdaemon.fileset.model import Options
from fdaemon.fileset.strip import strip_name
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

    `stream` goes into the attributes. `sparse` is already off where encryption rules it out. `seal` is set when the
    job signs; content is encrypted if `encrypt`. `direct` marks the common case that the small-file path handles: plain
    content, no specialities; `packed` the same compressed, encrypted or signed. `hash_ahead`: the digests of
    a block take longer than handing it to another thread (XXH128 takes 10 µs).
    """

    options: Options
    digest: Digest | None
    new_hash: HashFactory | None
    digest_tail: bytes
    empty_digest: bytes
    stream: int
    data_tail: bytes
    sparse: bool
    compressor: Compressor | None
    extended: bool
    strip: int
    seal: Seal | None
    encrypt: bool
    direct: bool
    packed: bool
    hash_ahead: bool

    def read_size(self, block: int) -> int:
        """Bytes read at a time where the network buffer has `block` bytes."""
        return block - ADDRESS_SIZE if self.sparse else block


def make_plan(options: Options, seal: Seal | None) -> Plan:
    """The plan for content that `seal` signs and may encrypt. JobFailed for an option that nobody implements."""
    if options.plugin:
        text = b'PluginOptionHandleFile: Command plugin "%b" requested, but is not loaded.\n'
        raise JobFailed(text % options.plugin)
    encrypt = seal is not None and seal.encrypts
    compressor = _compressor(options)
    compress = compressor is not None
    stream, sparse = select_stream(sparse=options.sparse, compress=compress, encrypt=encrypt)
    digest = options.digest
    special = options.strip or options.no_atime or options.keep_atime or options.check_changes
    return Plan(
        options=options,
        digest=digest,
        new_hash=None if digest is None else hash_factory(digest),
        digest_tail=b"" if digest is None else b" %d 0" % digest.stream,
        empty_digest=b"" if digest is None else hash_factory(digest)().digest(),
        stream=int(stream),
        data_tail=b" %d 0" % stream,
        sparse=sparse,
        compressor=compressor,
        extended=options.acl or options.xattr,
        strip=options.strip,
        seal=seal,
        encrypt=encrypt,
        direct=not (sparse or compress or special or seal is not None),
        packed=(compress or (seal is not None and not sparse)) and not special,
        hash_ahead=seal is not None or digest not in (None, Digest.XXH128),
    )


def _compressor(options: Options) -> Compressor | None:
    if options.compression is None:
        return None
    algorithm, level = options.compression
    return Compressor(Algorithm[algorithm.name], level)


def remember(link: HardLink, file_index: int, plan: Plan, digest: bytes) -> None:
    """Let the next names of an inode refer to the file just sent and repeat its digest."""
    link.file_index = file_index
    if plan.strip > 0:
        link.stored = strip_name(link.name, plan.strip) or link.name
    if digest and plan.digest is not None:
        link.digest_stream = int(plan.digest.stream)
        link.digest = digest

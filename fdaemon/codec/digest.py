"""Hash objects for the digests a file set can ask for. Hashing only; streams and sizes are wire.digests'
business.
"""

import hashlib
from collections.abc import Buffer, Callable
from typing import Protocol, Self

import xxhash

from fdaemon.wire.digests import Digest


class Hash(Protocol):
    """What hashlib and xxhash objects have in common."""

    def update(self, data: Buffer, /) -> None: ...

    def digest(self) -> bytes: ...

    def copy(self) -> Self: ...


type HashFactory = Callable[[], Hash]
"""Returns a new hash object."""

_EMPTY: dict[Digest, Hash] = {
    Digest.MD5: hashlib.md5(usedforsecurity=False),
    Digest.SHA1: hashlib.sha1(usedforsecurity=False),
    Digest.SHA256: hashlib.sha256(),
    Digest.SHA512: hashlib.sha512(),
    Digest.XXH128: xxhash.xxh3_128(),
}


def hash_factory(digest: Digest) -> HashFactory:
    """Makes hash objects for `digest`, to be kept by whoever hashes many files (protocol/04 section 4.1).

    They are copies of one that has seen nothing: half the price of a new one with `usedforsecurity`.
    """
    return _EMPTY[digest].copy


def digest_of(new_hash: HashFactory, content: Buffer) -> bytes:
    """The digest of a content that is there as a whole."""
    hashed = new_hash()
    hashed.update(content)
    return hashed.digest()

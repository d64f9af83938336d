"""Hash objects for the digests a file set can ask for. Hashing only; streams and sizes are wire.digests'
business.
"""

import hashlib
from collections.abc import Buffer, Callable
from functools import partial
from typing import Protocol

import xxhash

from fdaemon.wire.digests import Digest


class Hash(Protocol):
    """What hashlib and xxhash objects have in common."""

    def update(self, data: Buffer, /) -> None: ...

    def digest(self) -> bytes: ...


HashFactory = Callable[..., Hash]
"""Called with nothing or with the first bytes; returns a new hash object."""

_FACTORIES: dict[Digest, HashFactory] = {
    Digest.MD5: partial(hashlib.md5, usedforsecurity=False),
    Digest.SHA1: partial(hashlib.sha1, usedforsecurity=False),
    Digest.SHA256: hashlib.sha256,
    Digest.SHA512: hashlib.sha512,
    Digest.XXH128: xxhash.xxh3_128,
}


def hash_factory(digest: Digest) -> HashFactory:
    """The constructor for `digest`, to be kept by whoever hashes many files (protocol/04 section 4.1)."""
    return _FACTORIES[digest]


def new_digest(digest: Digest) -> Hash:
    """A fresh hash object for `digest`."""
    return _FACTORIES[digest]()

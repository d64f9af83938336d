"""The ciphers of encrypted file data, and the stream of length-prefixed blocks inside their cipher text.

One CBC context a file with PKCS#7 padding; message borders carry no meaning (protocol/04 section 5.4).
"""

from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.decrepit.ciphers import algorithms as old
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, Cipher, algorithms, modes

LENGTH_SIZE = 4
"""Bytes of big-endian length in front of each plain block."""


@dataclass(frozen=True, slots=True)
class ContentCipher:
    """A cipher as configuration and records name it; sizes in bytes."""

    name: str
    oid: str
    key_size: int
    block_size: int
    algorithm: type[BlockCipherAlgorithm]


CIPHERS = tuple(
    ContentCipher(*row)
    for row in (
        ("aes128", "2.16.840.1.101.3.4.1.2", 16, 16, algorithms.AES),
        ("aes192", "2.16.840.1.101.3.4.1.22", 24, 16, algorithms.AES),
        ("aes256", "2.16.840.1.101.3.4.1.42", 32, 16, algorithms.AES),
        ("camellia128", "1.2.392.200011.61.1.1.1.2", 16, 16, old.Camellia),
        ("camellia192", "1.2.392.200011.61.1.1.1.3", 24, 16, old.Camellia),
        ("camellia256", "1.2.392.200011.61.1.1.1.4", 32, 16, old.Camellia),
        ("3des", "1.2.840.113549.3.7", 24, 8, old.TripleDES),
        ("blowfish", "1.3.6.1.4.1.3029.1.2", 16, 8, old.Blowfish),
    )
)
"""Every cipher that a session record can name (core/src/lib/crypto_openssl.cc)."""


def cipher_of_name(name: str) -> ContentCipher:
    """The cipher with this configuration name; ValueError for one that cannot be used."""
    for cipher in CIPHERS:
        if cipher.name == name:
            return cipher
    raise ValueError(f"cipher {name} cannot be used")


class Encryptor:
    """Encrypts one file."""

    __slots__ = ("_block_size", "_context", "_fed")

    def __init__(self, cipher: ContentCipher, key: bytes, iv: bytes) -> None:
        self._context = Cipher(cipher.algorithm(key), modes.CBC(iv)).encryptor()  # type: ignore[call-arg]
        self._block_size = cipher.block_size
        self._fed = 0

    @staticmethod
    def room(size: int) -> int:
        """Bytes that `seal_into` may need for a block of `size` bytes."""
        return size + LENGTH_SIZE + 64

    def seal_into(self, block: bytes | memoryview, target: memoryview) -> int:
        """Encrypt a block behind its length; write what is complete into `target` and return how much that is."""
        size = len(block)
        self._fed += size + LENGTH_SIZE
        done = self._context.update_into(size.to_bytes(LENGTH_SIZE, "big"), target)
        return done + self._context.update_into(block, target[done:])

    def seal(self, block: bytes) -> bytes:
        """The same as a new object."""
        self._fed += len(block) + LENGTH_SIZE
        return self._context.update(len(block).to_bytes(LENGTH_SIZE, "big") + block)

    def finish(self) -> bytes:
        """The rest with its padding."""
        pad = self._block_size - self._fed % self._block_size
        return self._context.update(bytes((pad,)) * pad) + self._context.finalize()


class Decryptor:
    """Decrypts one file. What it gives ends in the padding, so the last `block_size` bytes are to be held back."""

    __slots__ = ("_context", "block_size")

    def __init__(self, cipher: ContentCipher, key: bytes, iv: bytes) -> None:
        """ValueError for a key or an IV of the wrong size, and for a cipher that this machine's library lacks."""
        if len(key) != cipher.key_size or len(iv) != cipher.block_size:
            raise ValueError("wrong key or IV size")
        try:
            self._context = Cipher(cipher.algorithm(key), modes.CBC(iv)).decryptor()  # type: ignore[call-arg]
        except UnsupportedAlgorithm as error:
            raise ValueError(str(error)) from error
        self.block_size = cipher.block_size

    def update_into(self, data: bytes | memoryview, target: memoryview, /) -> int:
        """Plain text of the whole blocks that have come; `target` has room for `data` and a block. Returns its size."""
        return self._context.update_into(data, target)

    def finish(self, last: bytes, /) -> int:
        """Bytes of padding at the end of `last`, the end of all plain text. ValueError if the padding is wrong or the
        cipher text cut.
        """
        self._context.finalize()
        pad = last[-1] if last else 0
        if not 1 <= pad <= self.block_size or last[-pad:] != bytes((pad,)) * pad:
            raise ValueError("wrong padding")
        return pad

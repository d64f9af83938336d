"""The digests a file set can ask for: stream, size and label. Hashing is the codec's work."""

from enum import Enum

from fdaemon.wire.streams import Stream


class Digest(Enum):
    """One digest algorithm (protocol/04 section 4.1, protocol/02 section 6.4)."""

    MD5 = (Stream.MD5_DIGEST, 16)
    SHA1 = (Stream.SHA1_DIGEST, 20)
    SHA256 = (Stream.SHA256_DIGEST, 32)
    SHA512 = (Stream.SHA512_DIGEST, 64)
    XXH128 = (Stream.XXH128_DIGEST, 16)

    @property
    def stream(self) -> Stream:
        """Stream that carries the raw digest."""
        return self.value[0]

    @property
    def size(self) -> int:
        """Bytes of the raw digest."""
        return self.value[1]

    @property
    def label(self) -> bytes:
        """Name in verify packets: `MD5`, `SHA1`, …"""
        return self.name.encode()

    @classmethod
    def of_stream(cls, stream: int) -> "Digest | None":
        """The digest that `stream` carries, or None."""
        return _BY_STREAM.get(stream)


_BY_STREAM: dict[int, Digest] = {int(digest.stream): digest for digest in Digest}

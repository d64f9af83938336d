"""The plain text of a whole cipher text, for tests."""

from collections.abc import Iterable

from fdaemon.codec.encrypt import Decryptor


def unsealed(decryptor: Decryptor, messages: Iterable[bytes | memoryview]) -> bytes:
    """All of it without the padding. ValueError as from `Decryptor.finish`."""
    plain = b""
    for message in messages:
        target = memoryview(bytearray(len(message) + decryptor.block_size))
        plain += target[: decryptor.update_into(message, target)]
    return plain[: len(plain) - decryptor.finish(plain[-decryptor.block_size :])]

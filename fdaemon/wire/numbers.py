"""The three "base 64" notations of Bareos: radix-64 numbers, plain base 64, the sign-extending one."""

from base64 import b64encode

from fdaemon.errors import RemoteProtocolError

ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
"""Digit values 0..63 (core/src/lib/base64.cc)."""
CACHE_LIMIT = 32_768
"""Numbers remembered before the cache starts afresh (about 4 MB at most)."""

_DIGIT = {byte: value for value, byte in enumerate(ALPHABET)}
_BITS = 12
_LOW = (1 << _BITS) - 1

PAIRS = tuple(bytes((ALPHABET[n >> 6], ALPHABET[n & 63])) for n in range(1 << _BITS))
"""Two digits for each value of the low 12 bits."""


class NumberCache(dict[int, bytes]):
    """Encodings of numbers seen before, bounded; `cache[n]` encodes on a miss."""

    def __missing__(self, number: int) -> bytes:
        if len(self) >= CACHE_LIMIT:
            self.clear()
        text = self[number] = _encode(number)
        return text


def _encode(number: int) -> bytes:
    if number < 0:
        return b"-" + _encode(-number)
    if number < 64:
        return ALPHABET[number : number + 1]
    tail: list[bytes] = []
    while number > _LOW:
        tail.append(PAIRS[number & _LOW])
        number >>= _BITS
    tail.append(PAIRS[number] if number > 63 else ALPHABET[number : number + 1])
    tail.reverse()
    return b"".join(tail)


ENCODED = NumberCache()
"""The shared cache; hot paths index it directly. A lost race between threads only encodes twice."""


def encode_number(number: int) -> bytes:
    """`number` in radix 64, highest digit first, `-` for negatives, `A` for 0 (protocol/04 section 2.3)."""
    if -_LOW <= number <= _LOW:
        return ENCODED[number]
    return _encode(number)


def decode_number(text: bytes) -> int:
    """The value of a radix-64 number, wrapped to a signed 64-bit integer as the C++ daemon does.

    Stricter than C++: an empty text or a byte outside the alphabet is a RemoteProtocolError.
    """
    digits = text[1:] if text[:1] == b"-" else text
    if not digits:
        raise RemoteProtocolError("empty radix-64 number")
    value = 0
    try:
        for byte in digits:
            value = (value << 6) | _DIGIT[byte]
    except KeyError:
        raise RemoteProtocolError(f"not a radix-64 number: {text!r}") from None
    if len(digits) != len(text):
        value = -value
    return ((value + (1 << 63)) & ((1 << 64) - 1)) - (1 << 63)


def base64_standard(data: bytes) -> bytes:
    """Usual base 64 without padding: verify digests, and answers to `cram-md5c` challenges."""
    return b64encode(data).rstrip(b"=")


def base64_bareos(data: bytes) -> bytes:
    """The base 64 of `BinToBase64(..., compatible=false)`: bytes are sign-extended, the last group is not
    shifted.

    Source: protocol/01 section 6.3, core/src/lib/base64.cc. Not reversible.
    """
    register = pending = 0
    out = bytearray()
    for byte in data:
        register = ((register << 8) | (byte if byte < 128 else byte - 256)) & 0xFFFF_FFFF
        pending += 8
        while pending >= 6:
            out.append(ALPHABET[(register >> (pending - 6)) & 63])
            pending -= 6
    if pending:
        out.append(ALPHABET[register & ((1 << pending) - 1)])
    return bytes(out)

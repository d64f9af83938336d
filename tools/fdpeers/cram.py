"""CRAM-MD5, the peers' own side (protocol/01 §6). Pure: randomness and time are arguments."""

import hashlib
import hmac
import re
from typing import Final

from fdpeers.errors import AuthenticationFailed

_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_CHALLENGE: Final = re.compile(rb"auth cram-md5(c?) (<\d+\.\d+@[^\s]+>)(?: ssl=(\d+))?")

OK: Final = b"1000 OK auth\n"
REFUSED: Final = b"1999 Authorization failed.\n"


def password_key(password: str) -> bytes:
    """The text that both TLS and CRAM use for a configured password: its MD5 in lower-case hex, or what
    follows `[md5]`.
    """
    if password.startswith("[md5]"):
        return password[5:].encode()
    return hashlib.md5(password.encode(), usedforsecurity=False).hexdigest().encode()


def session_key(random: bytes) -> bytes:
    """A Storage daemon's key for one job out of 16 random bytes (protocol/07 §2.2)."""
    if len(random) != 16:
        raise ValueError("a session key needs 16 random bytes")
    letters = "".join(chr(65 + (byte & 15)) + chr(65 + (byte >> 4)) for byte in random)
    return "-".join(letters[at : at + 4] for at in range(0, 32, 4)).encode()


def challenge(random: int, now: int, name: bytes) -> bytes:
    """The bracketed text `<random.time@name>` to be answered; `name` is the qualified name, e.g.
    `R_STORAGE::sd`.
    """
    return b"<%d.%d@%s>" % (random, now, name.replace(b" ", b"\x01"))


def challenge_packet(text: bytes, policy: int) -> bytes:
    """The packet that carries a challenge and our TLS policy number."""
    return b"auth cram-md5 %s ssl=%d\n" % (text, policy)


def _base64(data: bytes, *, standard: bool) -> bytes:
    register = pending = 0
    out = bytearray()
    for byte in data:
        # The Bareos flavour ORs a sign-extended byte into the register, which destroys pending bits: bug-
        # compatible on purpose.
        register = (register << 8) | (byte if standard or byte < 128 else byte - 256)
        register &= 0xFFFFFFFF
        pending += 8
        while pending >= 6:
            out.append(_ALPHABET[(register >> (pending - 6)) & 63])
            pending -= 6
    if pending:
        rest = register & ((1 << pending) - 1)
        out.append(_ALPHABET[rest << (6 - pending) if standard else rest])
    return bytes(out)


def answer(packet: bytes, key: bytes) -> bytes:
    """The payload that answers a challenge packet, trailing NUL included. Raises AuthenticationFailed on
    any other packet.
    """
    match = _CHALLENGE.match(packet)
    if match is None:
        raise AuthenticationFailed(f"no challenge: {packet!r}")
    digest = hmac.new(key, match[2], hashlib.md5).digest()
    return _base64(digest, standard=bool(match[1])) + b"\0"


def is_right(reply: bytes, text: bytes, key: bytes, *, compatible: bool) -> bool:
    """Whether `reply` answers the challenge `text`. Only a daemon that challenges first also takes standard
    base64 (`compatible`).
    """
    given = reply.partition(b"\0")[0]
    digest = hmac.new(key, text, hashlib.md5).digest()
    flavours = (False, True) if compatible else (False,)
    return any(hmac.compare_digest(given, _base64(digest, standard=flavour)) for flavour in flavours)

"""Spaces inside one-word fields travel as byte 0x01 (protocol/02 section 0.4). Pure."""

from fdaemon.errors import RemoteProtocolError


def bash(text: bytes) -> bytes:
    """`text` with every space replaced by 0x01 (core/src/lib/util.cc: BashSpaces)."""
    return text.replace(b" ", b"\x01")


def unbash(text: bytes) -> bytes:
    """The opposite of `bash`."""
    return text.replace(b"\x01", b" ")


def c_string(packet: bytes) -> bytes:
    """The payload as C++ sees a text packet: up to the first NUL (protocol/01 section 2.1)."""
    return packet.partition(b"\0")[0]


def decimal(text: bytes, what: str) -> int:
    """A plain ASCII decimal with an optional `-`; anything else is a RemoteProtocolError naming `what`."""
    digits = text[1:] if text[:1] == b"-" else text
    if not digits.isdigit() or len(digits) > 20:
        raise RemoteProtocolError(f"{what} is not a number: {text[:40]!r}")
    return int(text)

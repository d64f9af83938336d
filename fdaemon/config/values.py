"""Texts of values turned into values: durations, speeds, numbers, names, passwords (page 06, 4). Pure."""

import hashlib
import re
from collections.abc import Mapping

_STRTOD = re.compile(
    rb"[+-]?(?:0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)(?:[pP][+-]?[0-9]+)?"
    rb"|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
)
_UNIT = re.compile(rb"[^0-9\s]*")
_NUMBER = re.compile(rb"[-+]?[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?")
_LONGEST_NUMBER = 100
"""Characters; Python refuses to read numbers of some thousands."""
_WHOLE = re.compile(rb"[-+]?[0-9]+")

TIME_UNITS: tuple[tuple[bytes, int], ...] = (
    (b"n", 60),
    (b"seconds", 1),
    (b"months", 30 * 86400),
    (b"minutes", 60),
    (b"mins", 60),
    (b"hours", 3600),
    (b"days", 86400),
    (b"weeks", 7 * 86400),
    (b"quarters", 91 * 86400),
    (b"years", 365 * 86400),
)
"""In the order of matching, by prefix: so "m" is months (core/src/lib/edit.cc: DurationToUtime)."""

SPEED_UNITS: tuple[tuple[bytes, int], ...] = (
    (b"k/s", 1024),
    (b"kb/s", 1000),
    (b"m/s", 1024**2),
    (b"mb/s", 1000**2),
)
SIZE_UNITS: tuple[tuple[bytes, int], ...] = tuple(
    (unit, factor)
    for power, letter in enumerate((b"k", b"m", b"g", b"t", b"p", b"e"), 1)
    for unit, factor in ((letter, 1024**power), (letter + b"b", 1000**power))
)

NAME_LENGTH = 127
_NAME_OTHERS = frozenset(b":.-_/ ")
_EMPTY_MD5 = b"d41d8cd98f00b204e9800998ecf8427e"


def amount(text: bytes, units: tuple[tuple[bytes, int], ...]) -> int | None:
    """The sum of `number [unit]` groups, each cut to a whole number; None when the text is none.

    Negative groups, which the C++ daemon turns into huge values, are refused too.
    """
    total = 0
    rest = text
    while rest.strip():
        match = _STRTOD.match(rest.lstrip())
        if match is None:
            return None
        number = match.group().lower()
        value = float.fromhex(number.decode()) if b"x" in number else float(number)
        if not 0 <= value < 1e300:
            return None
        rest = rest.lstrip()[match.end() :].lstrip()
        found = _UNIT.match(rest)
        unit = found.group().lower() if found else b""
        rest = rest[len(unit) :]
        factor = next((factor for name, factor in units if name.startswith(unit)), None) if unit else 1
        if factor is None:
            return None
        total += int(value * factor)
    return total if total < 1 << 63 else None


def whole_number(text: bytes, limit: int = (1 << 32) - 1) -> int | None:
    """A number as PINT32 takes it: any number form, cut at the fraction or exponent ("1e1" is 1).

    None for what is no number, negative or above `limit`; the C++ daemon cuts too large ones to 32 bits.
    """
    if _NUMBER.fullmatch(text) is None:
        return None
    match = _WHOLE.match(text)
    value = int(match.group()) if match and len(match.group()) < _LONGEST_NUMBER else -1
    return value if 0 <= value <= limit else None


def name_fault(text: bytes) -> str | None:
    """What is wrong with a resource name, or None (core/src/lib/edit.cc: IsNameValid)."""
    if text.startswith(b" "):
        return "Name cannot start with space."
    for byte in text:
        if not (chr(byte).isascii() and chr(byte).isalnum()) and byte not in _NAME_OTHERS:
            return f'Illegal character "{chr(byte)}" in name.'
    if len(text) > NAME_LENGTH:
        return "Name too long."
    if not text:
        return "Name must be at least one character long."
    if text.endswith(b" "):
        return "Name cannot end with space."
    return None


def truth(text: bytes) -> bool | None:
    """A boolean word in any case, or None."""
    return {b"yes": True, b"true": True, b"no": False, b"false": False}.get(text.lower())


def password_key(text: bytes, resource: str) -> bytes:
    """The key of a password: 32 hexadecimal digits as ASCII (page 06 section 4.2, 01 section 5.3).

    Raises ValueError with the text of the problem.
    """
    empty = f'Empty Password not allowed in Resource "{resource}"\n'
    if not text.startswith(b"[md5]"):
        if not text:
            raise ValueError(empty)
        return hashlib.md5(text, usedforsecurity=False).hexdigest().encode()
    digest = text[5:]
    if digest.startswith(_EMPTY_MD5):
        raise ValueError(empty)
    if len(digest) != 32:
        raise ValueError(f"md5 password does not have the right size; expected: 32, got: {len(digest)}\n")
    bad = next((chr(byte) for byte in digest if byte not in b"0123456789ABCDEFabcdef"), None)
    if bad is not None:
        raise ValueError(f"md5 password contains non hexadecimal characters, e.g. '{bad}'\n")
    return digest


_EXPANSION = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))")


def expand(text: str, environment: Mapping[str, str]) -> str:
    """A path with `$NAME`, `${NAME}` and a leading `~` replaced; what begins with `|` stays as it is.

    The C++ daemon hands the value to a shell, commands in it included; here nothing is ever run. An
    unknown variable is empty as in a shell; `~user` is left alone.
    """
    if text.startswith("|"):
        return text
    home = environment.get("HOME", "")
    if home and (text == "~" or text.startswith("~/")):
        text = home + text[1:]
    return _EXPANSION.sub(lambda found: environment.get(found[1] or found[2], ""), text)

"""Bytes of a terminal as names of keys. Pure; what is not known is dropped."""

from typing import Final

_SEQUENCES: Final = {
    b"\x1b[A": "up",
    b"\x1b[B": "down",
    b"\x1b[C": "right",
    b"\x1b[D": "left",
    b"\x1bOA": "up",
    b"\x1bOB": "down",
    b"\x1bOC": "right",
    b"\x1bOD": "left",
    b"\x1b[H": "home",
    b"\x1b[F": "end",
    b"\x1b[1~": "home",
    b"\x1b[4~": "end",
    b"\x1b[5~": "pageup",
    b"\x1b[6~": "pagedown",
}
_SINGLE: Final = {
    0x03: "ctrl-c",
    0x0A: "enter",
    0x0D: "enter",
    0x08: "backspace",
    0x7F: "backspace",
}


def keys(data: bytes) -> list[str]:
    """The keys in one piece of input; a lone escape is the key of that name."""
    found: list[str] = []
    at = 0
    while at < len(data):
        if data[at] == 0x1B:
            at, name = _sequence(data, at)
            if name:
                found.append(name)
            continue
        single = _SINGLE.get(data[at])
        if single is not None:
            found.append(single)
            at += 1
            continue
        width = 1 if data[at] < 0x80 else 2 if data[at] < 0xE0 else 3 if data[at] < 0xF0 else 4
        text = data[at : at + width].decode("utf-8", "ignore")
        if text.isprintable() and text:
            found.append(text)
        at += width
    return found


def _sequence(data: bytes, at: int) -> tuple[int, str]:
    for sequence, name in _SEQUENCES.items():
        if data.startswith(sequence, at):
            return at + len(sequence), name
    if data[at + 1 : at + 2] not in (b"[", b"O"):
        return at + 1, "esc"
    end = at + 2
    while end < len(data) and not 0x40 <= data[end] <= 0x7E:
        end += 1
    return end + 1, ""

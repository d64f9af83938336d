"""Where a restored file goes: the `where` prefix or the regexwhere expressions. Pure except for the C library.

Rules: protocol/04 section 8.2; core/src/lib/attr.cc: BuildAttrOutputFnames, core/src/lib/breg.cc. Expressions are
compiled by the C library's own regcomp, because Python's `re` is another language (leftmost-first alternation,
other classes and escapes).
"""

import ctypes
import weakref

from fdaemon.wire.attributes import FileType

SEPARATORS = b"!:;|,&%=~/#"
"""What may enclose an expression."""
_EXTENDED, _IGNORE_CASE, _NEWLINE = 1, 2, 4
"""REG_* flags of glibc and musl."""
_GROUPS = 10
_BUFFER = 256
"""Bytes for a regex_t, whose size is the C library's secret."""

_libc = ctypes.CDLL(None)
_libc.regcomp.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
_libc.regexec.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_int]
_libc.regfree.argtypes = [ctypes.c_void_p]
_libc.regfree.restype = None


class WhereError(ValueError):
    """A regexwhere text that holds no valid expression; the job ends with `Bad where regexp. where=…`."""


class _Offsets:
    """The match offsets of regexec: pairs of int in glibc, of pointer-sized integers in musl."""

    def __init__(self) -> None:
        compiled = ctypes.create_string_buffer(_BUFFER)
        _libc.regcomp(compiled, b"b", _EXTENDED)
        found = (ctypes.c_int * 4)(-7, -7, -7, -7)
        _libc.regexec(compiled, b"ab", 1, found, 0)
        _libc.regfree(compiled)
        kind = ctypes.c_int if tuple(found[:2]) == (1, 2) else ctypes.c_ssize_t
        self.type = kind * (2 * _GROUPS)


_OFFSETS = _Offsets().type


class Replacement:
    """One `search -> replace` expression; only the first match in a name is replaced."""

    def __init__(self, pattern: bytes, replace: bytes, *, ignore_case: bool = False) -> None:
        """Raises WhereError when the pattern does not compile."""
        self._compiled = ctypes.create_string_buffer(_BUFFER)
        flags = _EXTENDED | _NEWLINE | (_IGNORE_CASE if ignore_case else 0)
        if _libc.regcomp(self._compiled, pattern, flags):
            raise WhereError(f"not a regular expression: {pattern!r}")
        weakref.finalize(self, _libc.regfree, self._compiled)
        self._replace = replace

    def apply(self, name: bytes) -> bytes:
        """`name` with its first match replaced; `$0`..`$9` and `\\0`..`\\9` in the replacement are groups."""
        offsets = _OFFSETS()
        if _libc.regexec(self._compiled, name, _GROUPS, offsets, 0):
            return name
        out = bytearray(name[: offsets[0]])
        text, at = self._replace, 0
        while at < len(text):
            following = text[at + 1 : at + 2]
            if text[at] in b"$\\" and following.isdigit():
                group = 2 * int(following)
                if offsets[group] >= 0:
                    out += name[offsets[group] : offsets[group + 1]]
                at += 2
            else:
                out.append(text[at])
                at += 1
        return bytes(out) + name[offsets[1] :]


def parse_regexwhere(text: bytes) -> tuple[Replacement, ...]:
    """The expressions of `<sep>search<sep>replace<sep>[ig]`, joined by commas; the list ends at the first bad one.

    Raises WhereError when there is none. Escapes are read as the C++ daemon reads them: a backslash before the
    separator still ends the part (and keeps the separator), a doubled one stays doubled.
    """
    found: list[Replacement] = []
    while text:
        try:
            replacement, text = _parse_one(text)
        except WhereError:
            break
        found.append(replacement)
    if not found:
        raise WhereError("no expression in regexwhere")
    return tuple(found)


def _parse_one(text: bytes) -> tuple[Replacement, bytes]:
    separator = text[:1]
    if separator not in SEPARATORS:
        raise WhereError("an expression starts with a separator")
    parts: list[bytearray] = [bytearray()]
    at = 1
    while at < len(text) and len(parts) < 3:
        letter = text[at : at + 1]
        if letter == b"\\" and text[at + 1 : at + 2] in (separator, b"\\"):
            parts[-1] += text[at + 1 : at + 2]
            at += 1  # and the loop meets the second character again
        elif letter == separator:
            if len(parts) == 2:
                parts.append(bytearray())
                break
            parts.append(bytearray())
            at += 1
        else:
            parts[-1] += letter
            at += 1
    if len(parts) < 3:
        raise WhereError("an expression needs three separators")
    ignore_case = False
    while at < len(text):
        letter = text[at : at + 1]
        at += 1
        if letter == b"i":
            ignore_case = True
        elif letter not in (b"g", separator):
            break  # swallowed: the comma before the next expression
    return Replacement(bytes(parts[0]), bytes(parts[1]), ignore_case=ignore_case), text[at:]


class OutputNames:
    """Builds output names for one job. `where` empty or `/`: the original location."""

    def __init__(
        self, where: bytes = b"", replacements: tuple[Replacement, ...] = (), *, prefix_links: bool = False
    ) -> None:
        self.where = b"" if where == b"/" or replacements else where
        self._replacements = replacements
        self._prefix_links = prefix_links
        self._cut = len(self.where)

    def output(self, name: bytes) -> bytes:
        """The output name of a file (absolute when `name` or `where` is)."""
        if self._replacements:
            for replacement in self._replacements:
                name = replacement.apply(name)
            return name
        return self._prefixed(name) if self.where else name

    def link(self, kind: int, link: bytes) -> bytes:
        """The link field for the output: a hard link's first name, or what a symbolic link points to."""
        if kind not in (FileType.LNKSAVED, FileType.LNK):
            return link
        if kind == FileType.LNK and not self._prefix_links and (self.where or self._replacements):
            return link
        if self._replacements:
            return self.output(link)
        return self._prefixed(link) if self.where and link[:1] == b"/" else link

    def below(self, output: bytes) -> bytes:
        """The part of an output name below `where`."""
        return output[self._cut :]

    def _prefixed(self, name: bytes) -> bytes:
        where = self.where
        if where[-1:] != b"/" and name[:1] != b"/":
            return where + b"/" + name
        return where + name

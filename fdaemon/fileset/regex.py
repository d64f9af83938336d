"""POSIX extended regexes by the C library's own regcomp and regexec, as the C++ daemon uses them.

Python's `re` is another language (protocol/03 section 2.15). The locale is the process's. The matcher of
glibc is an automaton except for back-references, which may take exponential time: those run beside the
caller, who can give up.
"""

import ctypes
import re
import threading
from collections.abc import Callable

REG_EXTENDED = 1
REG_ICASE = 2
_NO_MEMORY = 12
"""REG_ESPACE of glibc and musl."""
_BUFFER = 256
"""Bytes given to a regex_t, whose size is the C library's secret (64 in glibc, less in musl)."""
MAX_REPEATS = 1 << 16
"""Product of the counts in nested `{n,m}`: beyond it the C library needs gigabytes, and we say so before it
tries.
"""
POLL_SECONDS = 0.2
"""How often a caller who waits for a back-reference looks whether its job was canceled."""

# PyDLL keeps the interpreter lock during the call: one match takes about a microsecond.
_quick = ctypes.PyDLL(None)
_parallel = ctypes.CDLL(None)
for _library in (_quick, _parallel):
    _library.regcomp.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_int]
    _library.regexec.argtypes = [
        ctypes.c_char_p,
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_void_p,
        ctypes.c_int,
    ]
    _library.regerror.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t]
    _library.regerror.restype = ctypes.c_size_t
    _library.regfree.argtypes = [ctypes.c_char_p]
    _library.regfree.restype = None

_BACK_REFERENCE = re.compile(rb"(?<!\\)(?:\\\\)*\\[1-9]")
_COUNT = re.compile(rb"\{(\d*),?(\d*)\}")
_TOKEN = re.compile(
    rb"(?P<literal>[A-Za-z0-9_/ ,:;=@%~#&!-]|\\[./$^*+?|(){}\[-])"
    rb"|\[\^?\]?(?:\[[:.=][^\]]*[:.=]\]|[^\]\[])*\]|[().|^$]|\\[wWsS<>bB]",
    re.DOTALL,
)
_REPEAT = re.compile(rb"(?:[*+?]|\{\d*,?\d*\})+")


class RegexError(ValueError):
    """The pattern does not compile; `text` is regerror's."""

    def __init__(self, text: bytes) -> None:
        super().__init__(text.decode("utf-8", "replace"))
        self.text = text


class Regex:
    """A compiled pattern. Not for use by two threads at once."""

    def __init__(self, pattern: bytes, *, fold: bool = False) -> None:
        """Raises RegexError. `fold`: ignore case, by the locale."""
        self.pattern = pattern
        self._compiled: ctypes.Array[ctypes.c_char] | None = ctypes.create_string_buffer(_BUFFER)
        flags = REG_EXTENDED | (REG_ICASE if fold else 0)
        code = (
            _NO_MEMORY if _repeats(pattern) > MAX_REPEATS else _quick.regcomp(self._compiled, pattern, flags)
        )
        if code:
            text = ctypes.create_string_buffer(_BUFFER)
            _quick.regerror(code, self._compiled, text, _BUFFER)
            self._compiled = None
            raise RegexError(text.value)
        self._needed = b"" if fold else required_literal(pattern)
        self.slow = _BACK_REFERENCE.search(pattern) is not None

    def search(self, text: bytes, check_cancelled: Callable[[], None] = lambda: None) -> bool:
        """True when the pattern matches anywhere in `text`. What `check_cancelled` raises ends the wait."""
        if self._needed not in text:
            return False
        compiled = self._compiled
        if not self.slow:
            return not _quick.regexec(compiled, text, 0, None, 0)
        found: list[bool] = []

        def work() -> None:
            found.append(not _parallel.regexec(compiled, text, 0, None, 0))

        thread = threading.Thread(target=work, name="regex with back-reference", daemon=True)
        thread.start()
        while True:
            thread.join(POLL_SECONDS)
            if found:
                return found[0]
            try:
                check_cancelled()
            except BaseException:
                self._compiled = None  # the abandoned thread keeps the last reference and never frees it
                raise

    def __del__(self) -> None:
        compiled = getattr(self, "_compiled", None)
        if compiled is not None:
            _quick.regfree(compiled)


def required_literal(pattern: bytes) -> bytes:
    """ASCII bytes that every text matched by `pattern` contains, as many as are easily found; may be empty.

    Spares most calls of the C library, which take some 3 µs each. Groups and brackets are passed over; an
    alternative outside of groups leaves nothing that is needed.
    """
    best = run = b""
    depth = position = 0
    while position < len(pattern):
        token = _TOKEN.match(pattern, position)
        if token is None:
            return b""
        position = token.end()
        text = token[0]
        if text == b"|" and not depth:
            return b""
        depth += (text == b"(") - (text == b")")
        letter = text[-1:] if token["literal"] else b""
        repeated = _REPEAT.match(pattern, position)
        if repeated is not None or not letter or depth:
            best, run = max(best, run, key=len), b""
        else:
            run += letter
        if repeated is not None:
            position = repeated.end()
    return max(best, run, key=len) if not depth else b""


def _repeats(pattern: bytes) -> int:
    """An upper bound of how often nested counts multiply."""
    product = 1
    for low, high in _COUNT.findall(pattern):
        product *= max(int(low or 0), int(high or 0), 1)
    return product

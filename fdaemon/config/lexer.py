"""Bytes of configuration files in, tokens out (page 06 section 2). It never opens a file itself.

A character that ended a token is remembered in `Token.end`, because some values of the language go on or stop
depending on it; a token that ended with its line has `end` 0.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import NoReturn

from fdaemon.config.errors import ConfigError

EOF = -1
EOL = -2
INCLUDE_DEPTH = 20
"""The C++ daemon has no limit and ends in exhaustion; real trees use one or two levels."""

UNCLOSED = "get_char: called after EOF. You may have a open double quote without the closing double quote.\n"

_ALPHA = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_DIGIT = frozenset(b"0123456789")
_SPACE = frozenset(b" \t\n\v\f\r")
_STOP = frozenset(b'=}{;,#"') | {EOL}
_INCLUDE_STOP = frozenset(b"}{;,#") | _SPACE | {EOL}
_HASH, _QUOTE, _AT, _SEMICOLON, _BACKSLASH, _COMMA = b'#"@;\\,'


class Kind(Enum):
    """Token kinds; the value is the word that error texts use and the number of core/src/lib/lex.h."""

    EOF = ("BCT_EOF", 101)
    NUMBER = ("BCT_NUMBER", 102)
    IDENTIFIER = ("BCT_IDENTIFIER", 104)
    UNQUOTED = ("BCT_UNQUOTED_STRING", 105)
    QUOTED = ("BCT_QUOTED_STRING", 106)
    BEGIN = ("BCT_BOB", 108)
    END = ("BCT_EOB", 109)
    EQUALS = ("BCT_EQUALS", 110)
    COMMA = ("BCT_COMMA", 111)
    EOL = ("BCT_EOL", 112)
    ERROR = ("BCT_ERROR", 200)
    UTF8_MARK = ("BCT_UTF8_BOM", 201)
    UTF16_MARK = ("BCT_UTF16_BOM", 202)


_SINGLE = {ord("{"): Kind.BEGIN, ord("}"): Kind.END, ord("="): Kind.EQUALS, ord(","): Kind.COMMA}
TEXTUAL = frozenset({Kind.IDENTIFIER, Kind.UNQUOTED, Kind.QUOTED})


@dataclass(frozen=True, slots=True)
class Token:
    """One token. `text` of an end of line is that of the token before it, as error texts want it."""

    kind: Kind
    text: bytes
    end: int


@dataclass(frozen=True, slots=True)
class Source:
    """A file to read: its name for messages and its content."""

    name: str
    content: bytes

    def lines(self) -> list[bytes]:
        """The lines without their ends; a NUL ends a line early, a lone CR ends it too."""
        text = self.content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        parts = text.split(b"\n")
        if not parts[-1]:
            parts.pop()
        return [part.partition(b"\0")[0] for part in parts]


Opener = Callable[[str], list[Source]]
"""Gives the sources behind an include path in the order of reading (OSError when there are none)."""


class _Frame:
    """The reading position in one source."""

    __slots__ = ("begins", "char", "column", "depth", "line", "lines", "name", "row")

    def __init__(self, source: Source, depth: int) -> None:
        self.name = source.name
        self.lines = source.lines()
        self.depth = depth
        self.row = 0
        self.column = 0
        self.line = b""
        self.char = EOL
        self.begins = 0


def shown(text: bytes) -> str:
    """Bytes of a configuration as text: UTF-8, other bytes kept as surrogates so that they can go back."""
    return text.decode("utf-8", "surrogateescape")


class Lexer:
    """The tokens of some sources read one after the other, with includes read in place."""

    def __init__(self, sources: list[Source], opener: Opener) -> None:
        self._opener = opener
        self._frames = [_Frame(source, 0) for source in reversed(sources)] or [_Frame(Source("", b""), 0)]
        self._text = b""
        self._returned: Token | None = None

    @property
    def file(self) -> str:
        """Name of the source in reading."""
        return self._frames[-1].name

    @property
    def line(self) -> int:
        """Number of the line in reading, from 1."""
        return self._frames[-1].row

    @property
    def raw(self) -> bytes:
        """The physical line in reading, without its end."""
        return self._frames[-1].line

    def error(self, text: str) -> ConfigError:
        """An error at the present position, to be raised by the caller."""
        frame = self._frames[-1]
        return ConfigError(
            frame.name, frame.row, text, column=frame.column, source=shown(frame.line), begins=frame.begins
        )

    def fail(self, text: str) -> NoReturn:
        """Raise `error(text)`."""
        raise self.error(text)

    def give_back(self, token: Token) -> None:
        """Make `token` the next one again."""
        self._returned = token

    def next(self, *, skip_eol: bool = False, force_string: bool = False) -> Token:
        """The next token. `skip_eol` passes over line ends, `force_string` makes words, numbers strings."""
        if self._returned is not None:
            token, self._returned = self._returned, None
            if not (skip_eol and token.kind is Kind.EOL):
                return token
        while True:
            char = self._read()
            if char in _SPACE:
                continue
            if char == EOF:
                return Token(Kind.EOF, self._text, EOF)
            if char == _HASH:
                frame = self._frames[-1]
                frame.column = len(frame.line)
                continue
            if char in (EOL, _SEMICOLON):
                if skip_eol:
                    continue
                return Token(Kind.EOL, self._text, char)
            if char == _AT:
                self._include()
                continue
            if char == _QUOTE:
                quoted = self._quoted()
                if quoted is not None:
                    return quoted
                continue
            self._frames[-1].begins = self._frames[-1].row
            if char in _SINGLE:
                self._text = bytes((char,))
                return Token(_SINGLE[char], self._text, char)
            if char in (0xEF, 0xFE, 0xFF) and self._frames[-1].row == 1 and self._frames[-1].column == 1:
                return self._mark(char)
            if force_string or (char not in _ALPHA and char not in _DIGIT):
                return self._string(bytearray((char,)))
            return self._number(char) if char in _DIGIT else self._identifier(char)

    def skip_line(self) -> None:
        """Pass over the rest of the logical line; a closing brace stays (core/src/lib/lex.cc: ScanToEol)."""
        while (token := self.next()).kind not in (Kind.EOL, Kind.EOF):
            if token.kind is Kind.END:
                self.give_back(token)
                return
            if token.kind is Kind.ERROR:
                self.fail(UNCLOSED)

    # -- characters

    def _read(self) -> int:
        frame = self._frames[-1]
        if frame.char == EOF:
            self.fail(UNCLOSED)
        if frame.char == EOL:
            if frame.row >= len(frame.lines):
                if len(self._frames) > 1:
                    self._frames.pop()
                    return self._frames[-1].char
                frame.char = EOF
                frame.line = b""
                return EOF
            frame.line = frame.lines[frame.row]
            frame.row += 1
            frame.column = 0
        if frame.column >= len(frame.line):
            frame.char = EOL
            frame.column = len(frame.line) + 1
        else:
            frame.char = frame.line[frame.column]
            frame.column += 1
        return frame.char

    def _unread(self) -> int:
        """Put the last character back; returns it as `Token.end` wants it."""
        frame = self._frames[-1]
        if frame.char == EOL:
            frame.char = 0
        else:
            frame.column -= 1
        return frame.char

    # -- tokens of several characters

    def _ended(self, kind: Kind, text: bytearray) -> Token:
        end = self._unread()
        self._text = bytes(text)
        return Token(kind, self._text, end)

    def _identifier(self, first: int) -> Token:
        text = bytearray((first,))
        while True:
            char = self._read()
            if char in _ALPHA:
                text.append(char)
            elif char in _STOP:
                return self._ended(Kind.IDENTIFIER, text)
            elif char not in _SPACE:
                text.append(char)
                return self._string(text)

    def _string(self, text: bytearray) -> Token:
        while True:
            char = self._read()
            if char in _STOP or char in _SPACE:
                return self._ended(Kind.UNQUOTED, text)
            text.append(char)

    def _number(self, first: int) -> Token:
        text = bytearray((first,))
        while (char := self._read()) in _DIGIT:
            text.append(char)
        if char in _SPACE or char in (EOL, _COMMA, _SEMICOLON):
            return self._ended(Kind.NUMBER, text)
        self._unread()
        return self._string(text)

    def _quoted(self) -> Token | None:
        """A quoted string with the ones that continue it; None when what follows it made it void (quirk)."""
        text = bytearray()
        frame = self._frames[-1]
        frame.begins = frame.row
        escaped = False
        while True:
            char = self._read()
            if char == EOF or self._frames[-1] is not frame:
                self._text = bytes(text)
                return Token(Kind.ERROR, self._text, EOF)
            if char == EOL:
                text.append(0x0A)
                escaped = False
            elif escaped:
                text.append(char)
                escaped = False
            elif char == _BACKSLASH:
                escaped = True
            elif char != _QUOTE:
                text.append(char)
            elif not self._continues():
                self._read()
                return self._ended(Kind.QUOTED, text)
            else:
                while (char := self._read()) in _SPACE or (char == EOL and self._frames[-1] is frame):
                    pass
                if char != _QUOTE:
                    self._text = bytes(text)
                    self._unread()
                    return None

    def _continues(self) -> bool:
        """True when the rest of the line or the next line starts with a double quote."""
        frame = self._frames[-1]
        here = frame.line[frame.column :].lstrip(b" \t")
        below = frame.lines[frame.row].lstrip(b" \t") if frame.row < len(frame.lines) else b""
        return here.startswith(b'"') or below.startswith(b'"')

    def _mark(self, first: int) -> Token:
        if first == 0xFE:
            self.fail(
                "This config file appears to be in an unsupported Unicode format (UTF-16be)."
                " Please resave as UTF-8\n"
            )
        kind, rest = (Kind.UTF8_MARK, b"\xbb\xbf") if first == 0xEF else (Kind.UTF16_MARK, b"\xfe")
        good = all(self._read() == wanted for wanted in rest)
        return Token(kind if good else Kind.ERROR, self._text, self._frames[-1].char)

    def _include(self) -> None:
        path = bytearray()
        frame = self._frames[-1]
        frame.begins = frame.row
        while (char := self._read()) not in _INCLUDE_STOP:
            if char != _QUOTE:
                path.append(char)
                continue
            while (char := self._read()) != _QUOTE:
                if char == EOL:
                    self.fail(f"Cannot open included config file {shown(bytes(path))}: no closing quote\n")
                if char == _BACKSLASH:
                    char = self._read()
                if char != EOL:
                    path.append(char)
            self._read()
            break
        name = shown(bytes(path))
        if frame.depth >= INCLUDE_DEPTH:
            self.fail(
                f"Cannot open included config file {name}: more than {INCLUDE_DEPTH} levels of includes\n"
            )
        try:
            sources = self._opener(name)
        except OSError as problem:
            self.fail(f"Cannot open included config file {name}: {problem.strerror or problem}\n")
        if sources:
            self._frames += [_Frame(source, frame.depth + 1) for source in reversed(sources)]
        else:
            self._unread()

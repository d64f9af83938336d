"""The lines of the `fileset` command into a FileSet. `add` is pure; `finish` runs client lists and may block.

Facts: protocol/03 sections 1.3 to 1.6 and 1.10 (core/src/filed/fileset.cc: AddFileset). A line is never
refused with an exception: what is wrong comes back as Problems, and a FileSet in error state as None.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from fdaemon.errors import JobFailed
from fdaemon.fileset.letters import parse_letters
from fdaemon.fileset.lists import edit_codes, names_from_file, names_from_program
from fdaemon.fileset.model import FileSet, Include, Option, Options, Pattern, PatternKind
from fdaemon.fileset.regex import Regex, RegexError

_JUNK = b"\n\r "
_KINDS = {kind.value: kind for kind in PatternKind}


class ProblemKind(Enum):
    """How a problem is told: FATAL is a job message of that type; DAEMON a message of type 4 that counts
    nothing.
    """

    FATAL = auto()
    DAEMON = auto()


@dataclass(frozen=True, slots=True)
class Problem:
    """What was wrong with a line; `text` is the message without prefix, with its newline."""

    kind: ProblemKind
    text: bytes


@dataclass(frozen=True, slots=True)
class ParsedFileSet:
    """`fileset` is None in error state: the session then ends without a reply (protocol/03 section 1.4)."""

    fileset: FileSet | None
    problems: tuple[Problem, ...]


@dataclass(slots=True)
class _Block:
    """An Include or Exclude under construction. The items of `names` and `plugins` are not expanded yet."""

    options: list[Options] = field(default_factory=list)
    names: list[bytes] = field(default_factory=list)
    ignore_dirs: list[bytes] = field(default_factory=list)
    plugins: list[bytes] = field(default_factory=list)


class FileSetBuilder:
    """Takes the lines between `fileset` and the end signal, one packet each."""

    def __init__(
        self,
        *,
        codes: Callable[[bytes], bytes | None] = lambda letter: None,
        plugins_allowed: bool = False,
        check_cancelled: Callable[[], None] = lambda: None,
    ) -> None:
        """`codes` gives the value of a job code letter in `|` items, None for an unknown one;
        `plugins_allowed` says whether a Plugin Directory is configured; `check_cancelled` may raise to end
        a client list in `finish`.
        """
        self.failed = False
        self._codes = codes
        self._plugins_allowed = plugins_allowed
        self._check_cancelled = check_cancelled
        self._includes: list[_Block] = []
        self._excludes: list[_Block] = []
        self._block: _Block | None = None
        self._in_options = False
        self._problems: list[Problem] = []

    def add(self, line: bytes) -> None:
        """One line as received. Ignored once the builder has `failed`."""
        if self.failed:
            return
        line = line.partition(b"\0")[0].rstrip(_JUNK)
        code, sub, argument = _tokens(line)
        if code in (b"I", b"E"):
            self._block = _Block()
            self._in_options = False
            (self._includes if code == b"I" else self._excludes).append(self._block)
            self.failed = sub != b" "
            return
        if code == b"N":
            self._in_options = False
            return
        block = self._block
        if block is None or code not in _HANDLERS:
            self._fatal(b"Invalid FileSet command: %b\n" % argument)
            self.failed = True
            return
        if code in (b"F", b"P", b"Z"):
            self._in_options = False
        elif not self._in_options:
            self._in_options = True
            block.options.append(Options())
        _HANDLERS[code](self, block, sub, argument)

    def finish(self) -> ParsedFileSet:
        """The FileSet, with client lists read now (blocking). Raises only what `check_cancelled` raises."""
        if self.failed:
            return ParsedFileSet(None, tuple(self._problems))
        includes = tuple(self._build(block) for block in self._includes)
        excludes = tuple(self._build(block) for block in self._excludes)
        return ParsedFileSet(FileSet(includes, excludes), tuple(self._problems))

    def _fatal(self, text: bytes) -> None:
        self._problems.append(Problem(ProblemKind.FATAL, text))

    def _build(self, block: _Block) -> Include:
        return Include(
            options=tuple(block.options),
            names=tuple(self._expand(block.names)),
            ignore_dirs=tuple(block.ignore_dirs),
            plugins=tuple(self._expand(block.plugins)),
        )

    def _expand(self, items: Iterable[bytes]) -> list[bytes]:
        names: list[bytes] = []
        for item in items:
            try:
                if item[:1] == b"|":
                    edited = edit_codes(item[1:], self._codes)
                    names.extend(names_from_program(item[1:], edited, self._check_cancelled))
                elif item[:1] == b"<":
                    names.extend(names_from_file(item[1:]))
                else:
                    names.append(item)
            except JobFailed as failure:
                self._fatal(failure.text)
        return names

    def _name(self, block: _Block, sub: bytes, argument: bytes) -> None:
        if argument:
            block.names.append(argument)

    def _plugin(self, block: _Block, sub: bytes, argument: bytes) -> None:
        if not self._plugins_allowed:
            self._fatal(b'Plugin Directory not defined. Cannot use plugin: "%b"\n' % argument)
        elif argument:
            block.plugins.append(argument)

    def _ignore_dir(self, block: _Block, sub: bytes, argument: bytes) -> None:
        block.ignore_dirs.append(argument)

    def _letters(self, block: _Block, sub: bytes, argument: bytes) -> None:
        block.options[-1], texts = parse_letters(argument, block.options[-1])
        self._problems += [Problem(ProblemKind.DAEMON, text) for text in texts]

    def _regex(self, block: _Block, sub: bytes, argument: bytes) -> None:
        kind = _KINDS.get(b"R" + sub)
        if kind is None:
            self.failed = True
            return
        options = block.options[-1]
        pattern = Pattern(kind, argument, options.has(Option.IGNORE_CASE))
        try:
            Regex(pattern.text, fold=pattern.fold)
        except RegexError as error:
            self._fatal(b"REGEX %b compile error. ERR=%b\n" % (argument, error.text))
            self.failed = True
            return
        block.options[-1] = replace(options, patterns=(*options.patterns, pattern))

    def _wild(self, block: _Block, sub: bytes, argument: bytes) -> None:
        kind = _KINDS.get(b"W" + sub)
        if kind is None:
            self.failed = True
            return
        options = block.options[-1]
        block.options[-1] = replace(options, patterns=(*options.patterns, Pattern(kind, argument)))

    def _type(self, block: _Block, sub: bytes, argument: bytes) -> None:
        options = block.options[-1]
        if sub == b" ":
            block.options[-1] = replace(options, fs_types=(*options.fs_types, argument))
        elif sub == b"D":
            block.options[-1] = replace(options, drive_types=(*options.drive_types, argument))
        else:
            self.failed = True

    def _option_plugin(self, block: _Block, sub: bytes, argument: bytes) -> None:
        block.options[-1] = replace(block.options[-1], plugin=argument)

    def _nothing(self, block: _Block, sub: bytes, argument: bytes) -> None:
        """`D` and `T` are never sent with meaning; `B` comes from Directors 22 and 23 and names nothing we
        need.
        """


_HANDLERS: dict[bytes, Callable[[FileSetBuilder, _Block, bytes, bytes], None]] = {
    b"F": FileSetBuilder._name,
    b"P": FileSetBuilder._plugin,
    b"Z": FileSetBuilder._ignore_dir,
    b"O": FileSetBuilder._letters,
    b"R": FileSetBuilder._regex,
    b"W": FileSetBuilder._wild,
    b"X": FileSetBuilder._type,
    b"G": FileSetBuilder._option_plugin,
    b"D": FileSetBuilder._nothing,
    b"T": FileSetBuilder._nothing,
    b"B": FileSetBuilder._nothing,
}


def _tokens(line: bytes) -> tuple[bytes, bytes, bytes]:
    """Code, sub-code (a blank when there is none) and argument of a line without its trailing junk."""
    code, rest = line[:1], line[1:]
    sub = b" "
    if rest and rest[:1] != b" ":
        sub, rest = rest[:1], rest[1:]
    return code, sub, rest[1:] if rest[:1] == b" " else rest


def parse_fileset(lines: Iterable[bytes]) -> ParsedFileSet:
    """All `lines` at once, without job codes and plugins; for tests and the embedded Director."""
    builder = FileSetBuilder()
    for line in lines:
        builder.add(line)
    return builder.finish()

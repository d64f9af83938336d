"""Which Options block an entry belongs to, or that it is excluded. Pure: names in, decision out, no disk.

Facts: protocol/03 section 2.5 (core/src/findlib/find.cc: AcceptFile). The first block with a match decides;
a block that excludes and has no pattern at all rejects the rest; then the Exclude blocks' wildcards; else
the last block.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from fdaemon.fileset.model import FileSet, Include, Option, Options, Pattern, PatternKind
from fdaemon.fileset.regex import Regex
from fdaemon.fileset.wild import compile_wild

type Matcher = Callable[[bytes, bytes], bool]
"""(path, base name) -> match."""


@dataclass(frozen=True, slots=True)
class _Rule:
    """One Options block, ready to be asked. `empty`: no pattern of any kind."""

    options: Options
    excludes: bool
    empty: bool
    directory: tuple[Matcher, ...]
    other: tuple[Matcher, ...]


def effective(include: Include, block: Options) -> Options:
    """`block` with what the whole Include decides: strip count, size and letters come from its last
    blocks.
    """
    last = include.last
    return replace(
        block,
        strip=max(last.strip, 0) if block.has(Option.STRIP_PATH) else 0,
        size=last.size,
        accurate=include.accurate,
        verify=include.verify,
        base_job=include.base_job,
    )


def _wild(
    patterns: Iterable[Pattern], kind: PatternKind, block: Options, *, base: bool = False
) -> list[Matcher]:
    texts = [pattern.text for pattern in patterns if pattern.kind is kind]
    compiled = compile_wild(
        texts, pathname=block.has(Option.ENHANCED_WILD), fold=block.has(Option.IGNORE_CASE)
    )
    if compiled is None:
        return []
    matches = compiled
    return [(lambda path, name: matches(name)) if base else (lambda path, name: matches(path))]


def _regex(
    patterns: Iterable[Pattern], kind: PatternKind, check_cancelled: Callable[[], None]
) -> list[Matcher]:
    def matcher(regex: Regex) -> Matcher:
        return lambda path, name: regex.search(path, check_cancelled)

    return [matcher(Regex(item.text, fold=item.fold)) for item in patterns if item.kind is kind]


class Selector:
    """The decisions for one Include. Patterns are compiled here, once.

    `plain` is the one answer for every entry when there is nothing to decide, else None.
    """

    def __init__(
        self,
        include: Include,
        excludes: tuple[Include, ...] = (),
        check_cancelled: Callable[[], None] = lambda: None,
        inherited: Options | None = None,
    ) -> None:
        """`inherited` is what the previous Include left in force, for one without any Options block."""
        self.rules = tuple(self._rule(include, block, check_cancelled) for block in include.options)
        if self.rules:
            self.top = self.rules[-1].options
        else:
            self.top = replace(inherited or Options(), accurate=include.accurate, verify=include.verify)
        self.flat = _exclude_patterns(excludes)
        decided = not self.flat and all(rule.empty and not rule.excludes for rule in self.rules)
        self.plain = self.top if decided else None

    @staticmethod
    def _rule(include: Include, block: Options, check_cancelled: Callable[[], None]) -> _Rule:
        patterns = block.patterns
        # A base name without the enhanced flag is the full path (core/src/findlib/find.cc: AcceptFile).
        by_name = block.has(Option.ENHANCED_WILD)
        every = _wild(patterns, PatternKind.WILD, block)
        regex = _regex(patterns, PatternKind.REGEX, check_cancelled)
        directory = [
            *_wild(patterns, PatternKind.WILD_DIR, block),
            *every,
            *_regex(patterns, PatternKind.REGEX_DIR, check_cancelled),
            *regex,
        ]
        other = [
            *_wild(patterns, PatternKind.WILD_FILE, block),
            *_wild(patterns, PatternKind.WILD_BASE, block, base=by_name),
            *every,
            *_regex(patterns, PatternKind.REGEX_FILE, check_cancelled),
            *regex,
        ]
        return _Rule(
            options=effective(include, block),
            excludes=block.has(Option.EXCLUDE),
            empty=not patterns,
            directory=tuple(directory),
            other=tuple(other),
        )

    def choose(self, path: bytes, name: bytes, directory: bool) -> Options | None:
        """The Options for the entry at `path` (no trailing slash) with base name `name`; None when it is
        excluded.
        """
        for rule in self.rules:
            for matches in rule.directory if directory else rule.other:
                if matches(path, name):
                    return None if rule.excludes else rule.options
            if rule.empty and rule.excludes:
                return None
        for pattern in self.flat:
            if pattern(path):
                return None
        return self.top


def _exclude_patterns(excludes: tuple[Include, ...]) -> tuple[Callable[[bytes], bool], ...]:
    """The `W` lines and the names of the Exclude blocks; the names always match case and cross slashes."""
    compiled: list[Callable[[bytes], bool] | None] = []
    for exclude in excludes:
        for block in exclude.options:
            texts = [pattern.text for pattern in block.patterns if pattern.kind is PatternKind.WILD]
            compiled.append(compile_wild(texts, fold=block.has(Option.IGNORE_CASE)))
        compiled.append(compile_wild(exclude.names))
    return tuple(pattern for pattern in compiled if pattern is not None)


def selectors(fileset: FileSet, check_cancelled: Callable[[], None] = lambda: None) -> list[Selector]:
    """One Selector an Include, in order."""
    made: list[Selector] = []
    for include in fileset.includes:
        inherited = made[-1].top if made else None
        made.append(Selector(include, fileset.excludes, check_cancelled, inherited))
    return made

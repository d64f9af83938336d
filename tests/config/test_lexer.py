"""Tokens of the configuration language: every rule of page 06 section 2, and no foreign exception from any input."""

import errno
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fdaemon.config.errors import ConfigError
from fdaemon.config.lexer import INCLUDE_DEPTH, Kind, Lexer, Source
from fdaemon.config.load import parse

FILES = {
    "inner.conf": b"one two\n",
    "open.conf": b'"never closed\n',
    "self.conf": b"@self.conf\n",
    "with space.conf": b"found\n",
}


def open_known(path: str) -> list[Source]:
    """The files of this test by name; nothing on the disk."""
    if "*" in path:
        return (
            [Source(name, FILES[name]) for name in ("with space.conf", "inner.conf")] if path == "*" else []
        )
    if path not in FILES:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    return [Source(path, FILES[path])]


def tokens(content: bytes, *, limit: int = 50) -> list[tuple[Kind, bytes]]:
    """Kinds and texts up to the end of the input; ends of lines left out."""
    lexer = Lexer([Source("t.conf", content)], open_known)
    found: list[tuple[Kind, bytes]] = []
    while len(found) < limit:
        token = lexer.next()
        if token.kind is Kind.EOF:
            return found
        if token.kind is not Kind.EOL:
            found.append((token.kind, token.text))
    raise AssertionError("the lexer does not end")


@pytest.mark.parametrize(
    ("line", "kind", "text"),
    [
        (b"abc def", Kind.IDENTIFIER, b"abcdef"),
        (b"a.bc def", Kind.UNQUOTED, b"a.bc"),
        (b"bare 1 x", Kind.UNQUOTED, b"bare1"),
        (b"ab 12", Kind.UNQUOTED, b"ab12"),
        (b"a=b", Kind.IDENTIFIER, b"a"),
        (b"/var/lib/x y", Kind.UNQUOTED, b"/var/lib/x"),
        (b'a"b"', Kind.IDENTIFIER, b"a"),
        (b"12", Kind.NUMBER, b"12"),
        (b"12,", Kind.NUMBER, b"12"),
        (b"12x", Kind.UNQUOTED, b"12x"),
        (b"1.5", Kind.UNQUOTED, b"1.5"),
        (b"12}", Kind.UNQUOTED, b"12"),
        (b"\xc3\xa9t", Kind.UNQUOTED, b"\xc3\xa9t"),
        (b'"a b"', Kind.QUOTED, b"a b"),
        (rb'"a\n\"\\"', Kind.QUOTED, b'an"\\'),
        (b'"x" "y"', Kind.QUOTED, b"xy"),
        (b'"x"\n  "y"\n\t"z"', Kind.QUOTED, b"xyz"),
        (b'"x\ny"', Kind.QUOTED, b"x\ny"),
        (b'"x\\\ny"', Kind.QUOTED, b"x\ny"),
        (b'""', Kind.QUOTED, b""),
        (b"{", Kind.BEGIN, b"{"),
        (b"}", Kind.END, b"}"),
        (b"=", Kind.EQUALS, b"="),
        (b",", Kind.COMMA, b","),
        (b"!skipped", Kind.UNQUOTED, b"!skipped"),
        (b"# note\nword", Kind.IDENTIFIER, b"word"),
        (b"\xef\xbb\xbfx", Kind.UTF8_MARK, b""),
        (b"\xff\xfex", Kind.UTF16_MARK, b""),
        (b"\xef\xbbx", Kind.ERROR, b""),
    ],
)
def test_first_token(line: bytes, kind: Kind, text: bytes) -> None:
    assert tokens(line)[0] == (kind, text)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r", b";"])
def test_line_ends(end: bytes) -> None:
    lexer = Lexer([Source("t", b"a" + end + b"b")], open_known)
    assert [lexer.next().kind for _ in range(3)] == [Kind.IDENTIFIER, Kind.EOL, Kind.IDENTIFIER]


def test_skip_eol_passes_over_lines_comments_and_semicolons() -> None:
    lexer = Lexer([Source("t", b"\n;# c\n ; x")], open_known)
    assert lexer.next(skip_eol=True).text == b"x"


def test_force_string_keeps_words_and_numbers_apart() -> None:
    lexer = Lexer([Source("t", b"ab 12")], open_known)
    assert [lexer.next(force_string=True).text for _ in range(2)] == [b"ab", b"12"]


def test_mark_inside_a_file_is_ordinary_text() -> None:
    assert tokens(b"\n\xef\xbb\xbf")[0] == (Kind.UNQUOTED, b"\xef\xbb\xbf")


def test_utf16_big_endian_is_refused() -> None:
    with pytest.raises(ConfigError, match="UTF-16be"):
        tokens(b"\xfe\xff")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"a\n@inner.conf\nb", [b"a", b"onetwo", b"b"]),
        (b'a\n@"with space.conf"\nb', [b"a", b"found", b"b"]),
        (b'@"with\\ space.conf"', [b"found"]),
        (b"@*\n", [b"found", b"onetwo"]),
        (b"@none*\nb", [b"b"]),
        (b"@none* b", [b"b"]),
        (b"@inner.conf}", [b"onetwo", b"}"]),
    ],
)
def test_includes(line: bytes, words: list[bytes]) -> None:
    assert [text for _kind, text in tokens(line)] == words


@pytest.mark.parametrize(
    ("content", "line", "text"),
    [
        (b"\n@missing.conf\n", 2, "Cannot open included config file missing.conf: No such file or directory"),
        (b'@"inner.conf\n', 1, "no closing quote"),
        (b"@self.conf", 1, f"more than {INCLUDE_DEPTH} levels"),
    ],
)
def test_includes_that_fail(content: bytes, line: int, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        tokens(content)
    assert text in caught.value.text
    assert caught.value.line == line


def test_string_left_open_in_an_included_file_does_not_reach_into_the_next() -> None:
    assert tokens(b"@open.conf\nb")[0] == (Kind.ERROR, b"never closed\n")


def test_word_after_a_quote_whose_next_line_is_quoted_makes_the_string_void() -> None:
    kinds = Lexer([Source("t", b'"x" # c\n"y"')], open_known)
    first = kinds.next()
    assert (first.kind, first.text) == (Kind.EOL, b"x")


@pytest.mark.parametrize("cut", range(40))
def test_every_cut_of_a_resource_is_refused_with_its_file(cut: int) -> None:
    whole = b'Client { Name = "x"\n Port = 9102; }\n#....'
    if cut > whole.index(b"}"):
        assert parse([Source("c.conf", whole[:cut])]).clients[0].name == "x"
    elif whole[:cut].strip():
        with pytest.raises(ConfigError) as caught:
            parse([Source("c.conf", whole[:cut])])
        assert caught.value.file == "c.conf"


PIECES = [
    b"Client", b"Director", b"Messages", b"{", b"}", b"=", b",", b";", b"\n", b" ", b'"', b"\\", b"#", b"!",
    b"Name", b"Port", b"Address", b"Addresses", b"ip", b"addr", b"9102", b"10 mb/s", b"HeartbeatInterval",
    b"syslog", b"mail", b"append", b"all", b"yes", b"Password", b"[md5]", b"PluginNames", b"TlsAllowedCn",
    b"Messages = x", b"\xff", b"\xef\xbb\xbf", b"\r", b"\0", b"@inner.conf", b"::1", b"~", b"$HOME",
]  # fmt: skip


def refuse_names(host: str, _family: int) -> list[tuple[int, str]]:
    raise OSError(errno.ENOENT, "no resolver here", host)


def problem_of(content: bytes) -> ConfigError | None:
    """The problem with a whole configuration, or None; any other exception is the test's failure."""
    try:
        parse([Source("any.conf", content)], resolver=refuse_names)
    except ConfigError as problem:
        return problem
    return None


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=4)), max_size=40))
def test_any_input_is_read_or_refused_with_a_place(pieces: list[bytes]) -> None:
    problem = problem_of(b" ".join(pieces).replace(b"|", b"/"))
    assert problem is None or (problem.file and problem.report.startswith("Config error: "))


@given(st.binary(max_size=60))
def test_any_bytes_become_tokens_that_end(content: bytes) -> None:
    lexer = Lexer([Source("t.conf", content.replace(b"@", b"a").replace(b'"', b"q"))], open_known)
    if content.startswith(b"\xfe"):
        return
    for _ in range(len(content) + 3):
        if lexer.next().kind is Kind.EOF:
            return
    raise AssertionError("the lexer does not end")

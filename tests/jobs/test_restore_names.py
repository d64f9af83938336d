import pytest
from hypothesis import given
from hypothesis import strategies as st

from fdaemon.jobs.restore_names import OutputNames, Replacement, WhereError, parse_regexwhere
from fdaemon.wire.attributes import FileType


def replaced(text: bytes, name: bytes) -> bytes:
    return OutputNames(b"", parse_regexwhere(text)).output(name)


@pytest.mark.parametrize(
    ("text", "name", "output"),
    [
        (b"!/prod!/test!", b"/prod/data.dat", b"/test/data.dat"),
        (b"!a!b!,!c!d!", b"/a/c/a", b"/b/d/a"),
        (b"!a!b!g", b"/a/c/a", b"/b/c/a"),
        (b"!/prod!!i", b"/PROD/x", b"/x"),
        (b"!^!/pre!", b"/x", b"/pre/x"),
        (b"!([^/])$!$1.old!", b"/x/y", b"/x/y.old"),
        (b"!([^/])$!$1.old!", b"/x/y/", b"/x/y/"),
        (b"!x!$0$0!", b"/axb", b"/axxb"),
        (b"!a\\\\b!c!", b"/a\\b/z", b"/c/z"),
        (b"!/a\\!b!/c!", b"/a!b/z", b"bb/z"),
        (b"!a!b!!c!d!", b"/a/c/a", b"/b/c/a"),
        (b"!/srv!!i,!([^/])$!$1.bak!,!^!/new!", b"/SRV/f", b"/new/f.bak"),
        (b"!(a)(x)?!\\2\\1!", b"/ab", b"/ab"),
        (b"!foo|foobar!X!", b"/foobar", b"/X"),
        (b"#[[:digit:]]+#N#", b"/a12", b"/aN"),
    ],
)
def test_table_of_the_protocol_book(text: bytes, name: bytes, output: bytes) -> None:
    assert replaced(text, name) == output


@pytest.mark.parametrize("text", [b"", b"x", b"/tmp", b"!a!b", b"!a", b"!", b"!(!b!", b"!*a(!b!"])
def test_no_expression(text: bytes) -> None:
    with pytest.raises(WhereError):
        parse_regexwhere(text)


def test_a_bad_expression_ends_the_list() -> None:
    assert len(parse_regexwhere(b"!a!b!,!(!d!,!e!f!")) == 1


@given(st.binary(max_size=30).map(lambda text: b"!" + text.replace(b"\0", b"")))
def test_any_text_is_a_list_or_an_error(text: bytes) -> None:
    try:
        expressions = parse_regexwhere(text)
    except WhereError:
        return
    for expression in expressions:
        assert isinstance(expression, Replacement)
        expression.apply(b"/some/name")


@pytest.mark.parametrize(
    ("where", "name", "output"),
    [
        (b"", b"/a", b"/a"),
        (b"/", b"/a", b"/a"),
        (b"/r", b"/a", b"/r/a"),
        (b"/r/", b"a", b"/r/a"),
        (b"/r/", b"/a", b"/r//a"),
        (b"/r", b"a/b", b"/r/a/b"),
    ],
)
def test_where(where: bytes, name: bytes, output: bytes) -> None:
    names = OutputNames(where)
    assert names.output(name) == output
    assert names.below(output).lstrip(b"/") == name.lstrip(b"/")


@pytest.mark.parametrize(
    ("kind", "prefix_links", "link", "output"),
    [
        (FileType.LNKSAVED, False, b"/a", b"/r/a"),
        (FileType.LNKSAVED, False, b"a", b"a"),
        (FileType.LNK, False, b"/a", b"/a"),
        (FileType.LNK, True, b"/a", b"/r/a"),
        (FileType.LNK, True, b"../a", b"../a"),
    ],
)
def test_links_with_where(kind: FileType, prefix_links: bool, link: bytes, output: bytes) -> None:
    assert OutputNames(b"/r", prefix_links=prefix_links).link(kind, link) == output


def test_links_with_expressions() -> None:
    expressions = parse_regexwhere(b"!^!/r!")
    assert OutputNames(b"", expressions).link(FileType.LNKSAVED, b"/a") == b"/r/a"
    assert OutputNames(b"", expressions).link(FileType.LNK, b"/a") == b"/a"
    assert OutputNames(b"", expressions, prefix_links=True).link(FileType.LNK, b"/a") == b"/r/a"
    assert OutputNames().link(FileType.LNK, b"/a") == b"/a"

"""The lines of the FileSet and their option letters: protocol/03 sections 1.2 to 1.10."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fdaemon.errors import JobCanceled
from fdaemon.fileset.letters import parse_letters
from fdaemon.fileset.lists import edit_codes, split_command
from fdaemon.fileset.model import (
    Cipher,
    Compression,
    FileSet,
    Include,
    Option,
    Options,
    PatternKind,
    Shadow,
)
from fdaemon.fileset.parse import FileSetBuilder, ParsedFileSet, Problem, ProblemKind, parse_fileset
from fdaemon.fileset.size import NOTHING, SizeKind, SizeMatch, parse_number, parse_size
from fdaemon.wire.digests import Digest


def options(letters: bytes) -> Options:
    parsed, problems = parse_letters(letters, Options())
    assert problems == []
    return parsed


def accepted(*lines: bytes) -> FileSet:
    parsed = parse_fileset(lines)
    assert parsed.fileset is not None, parsed.problems
    assert parsed.problems == ()
    return parsed.fileset


def test_the_worked_example() -> None:
    lines = b"I\n|Z .nobackup\n|O MZ6HAX\n|N\n|F /etc|N\n|N\n|E\n|O HAX\n|N\n|F /etc/*.bak|N\n|N\n".split(
        b"|"
    )
    found = accepted(*lines)
    include = found.includes[0]
    assert (include.names, include.ignore_dirs) == ((b"/etc",), (b".nobackup",))
    block = include.last
    assert (block.digest, block.compression) == (Digest.MD5, (Compression.GZIP, 6))
    assert (block.acl, block.xattr, block.hardlinks) == (True, True, False)
    assert found.excludes[0].names == (b"/etc/*.bak",)
    assert (found.wants_acl, found.wants_xattr, found.ciphers, found.forces_encryption) == (
        True,
        True,
        (),
        False,
    )
    assert found.listed(b"/etc")
    assert found.listed(b"/etc/*.bak")
    assert not found.listed(b"/")


def test_every_line_of_a_real_director() -> None:
    lines = (
        b"I\n;Z .nobackup;O eKHAX;R r.x;RD rd;RF rf;W *.w;WD */wd;WF /a/wf*;WF wb*;X ext4;XD fixed;N;"
        b"O SZf4Cmcs5:Vpin5:P2:z1k-2m:fhs0rwpmkiRKcNd1x000;N;F R;F </dev/null;F R/srv;N;N"
    )
    include = accepted(*lines.split(b";")).includes[0]
    first, second = include.options
    assert [pattern.kind for pattern in first.patterns] == [
        PatternKind.REGEX,
        PatternKind.REGEX_DIR,
        PatternKind.REGEX_FILE,
        PatternKind.WILD,
        PatternKind.WILD_DIR,
        PatternKind.WILD_FILE,
        PatternKind.WILD_FILE,
    ]
    assert (first.fs_types, first.drive_types) == ((b"ext4",), (b"fixed",))
    assert first.has(Option.EXCLUDE)
    assert first.no_atime
    assert second.digest is Digest.SHA1
    assert second.compression == (Compression.LZ4, 1)
    assert (second.accurate, second.verify, second.strip) == (b"Cmcs5", b"Vpin5", 2)
    assert second.size == SizeMatch(SizeKind.RANGE, 1024, 2 << 20)
    assert second.shadow is Shadow.LOCAL_WARN
    assert include.names == (b"R", b"R/srv")
    assert (include.accurate, include.verify) == (b"Cmcs5", b"VVpin5")


@pytest.mark.parametrize(
    ("letters", "digest"),
    [
        (b"M", Digest.MD5),
        (b"S", Digest.SHA1),
        (b"S1", Digest.SHA1),
        (b"S2", Digest.SHA256),
        (b"S3", Digest.SHA512),
        (b"S4", Digest.XXH128),
        (b"S4M", Digest.MD5),
        (b"S3S2", Digest.SHA256),
        (b"AX", None),
    ],
)
def test_digest_letters(letters: bytes, digest: Digest | None) -> None:
    assert options(letters).digest is digest


@pytest.mark.parametrize(
    ("letters", "compression"),
    [(f"Z{level}".encode(), (Compression.GZIP, level)) for level in range(10)]
    + [
        (b"Zo", (Compression.LZO, 1)),
        (b"Zff", (Compression.LZFAST, 1)),
        (b"Zf4", (Compression.LZ4, 1)),
        (b"Zfh", (Compression.LZ4HC, 1)),
        (b"Zq", None),
        (b"Zf9", None),
        (b"Z", None),
        (b"Zf", None),
    ],
)
def test_compression_letters(letters: bytes, compression: tuple[Compression, int] | None) -> None:
    assert options(letters).compression == compression
    assert options(letters + b"A").compression == compression or letters in (b"Z", b"Zf")


@pytest.mark.parametrize("cipher", Cipher)
def test_cipher_letters(cipher: Cipher) -> None:
    found = options(cipher.value.encode() + b"fHAX")
    assert (found.cipher, found.has(Option.MULTI_FS), found.acl) == (cipher, True, True)


def test_forced_encryption_and_a_cipher_that_is_none() -> None:
    assert options(b"Ef").has(Option.FORCE_ENCRYPTION)
    assert options(b"EX").xattr
    assert options(b"EX").cipher is None


@pytest.mark.parametrize(
    ("letters", "check"),
    [
        (b"MHACmc", lambda found: found.accurate == b"Cmc"),
        (b"MHAXS", lambda found: found.digest is Digest.MD5),
        (b"HAXd", lambda found: found.shadow is Shadow.NONE and found.digest is None),
        (b"HAXP3", lambda found: found.strip == 3 and found.has(Option.STRIP_PATH)),
        (b"MHAXZ", lambda found: found.compression is None and found.digest is Digest.MD5),
        (b"P-1:", lambda found: found.strip == -1),
        (b"Pxyz:A", lambda found: found.strip == 0 and found.acl),
        (b"Jspug5:sp", lambda found: found.base_job == b"Jspug5" and found.sparse),
        (b"C" + b"m" * 30 + b":A", lambda found: len(found.accurate) == 19 and found.acl),
    ],
)
def test_rows_120_and_121_letters_cut_or_odd(letters: bytes, check: Callable[[Options], bool]) -> None:
    assert check(options(letters))


def test_plain_switches() -> None:
    found = options(b"AacefHhiKkmNnpRrsWwxX0")
    assert found.flags == ~Option(0) & ~Option.STRIP_PATH & ~Option.FORCE_ENCRYPTION


def test_an_unknown_letter_is_told_and_passed_over() -> None:
    parsed = parse_fileset([b"I", b"O MqA?", b"N", b"F /"])
    assert parsed.problems == (
        Problem(ProblemKind.DAEMON, b"Unknown include/exclude option: q\n"),
        Problem(ProblemKind.DAEMON, b"Unknown include/exclude option: ?\n"),
    )
    assert parsed.fileset is not None
    assert parsed.fileset.includes[0].last.acl


def test_row_50_a_size_that_makes_no_sense_selects_nothing() -> None:
    parsed = parse_fileset([b"I", b"O zabc:HAX"])
    assert parsed.problems == (Problem(ProblemKind.DAEMON, b"Unparsable size option: abc\n"),)
    assert parsed.fileset is not None
    assert parsed.fileset.includes[0].last.size == NOTHING


def test_letters_accumulate_until_the_block_ends() -> None:
    include = accepted(b"I", b"O M", b"O S2", b"O X", b"F /a", b"O A", b"N").includes[0]
    assert [(block.digest, block.xattr, block.acl) for block in include.options] == [
        (Digest.MD5, True, False),
        (None, False, True),
    ]
    assert include.options[0].digests == {Digest.MD5, Digest.SHA256}


@pytest.mark.parametrize(
    ("line", "names"),
    [
        (b"F /a", (b"/a",)),
        (b"FX /a", (b"/a",)),
        (b"F  /a", (b" /a",)),
        (b"F /a b \r\n", (b"/a b",)),
        (b"F /tab\t", (b"/tab\t",)),
        (b"F /new\nline", (b"/new\nline",)),
        (b"F \\<x", (b"\\<x",)),
        (b"F \xff\xfe", (b"\xff\xfe",)),
        (b"F ", ()),
        (b"F", ()),
    ],
)
def test_tokens(line: bytes, names: tuple[bytes, ...]) -> None:
    assert accepted(b"I", line).includes[0].names == names


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ((b"I", b"Q x"), b"Invalid FileSet command: x\n"),
        ((b"I", b""), b"Invalid FileSet command: \n"),
        ((b"F /a",), b"Invalid FileSet command: /a\n"),
        ((b"I", b"R a(b"), b"REGEX a(b compile error. ERR=Unmatched ( or \\(\n"),
    ],
)
def test_row_111_fatal_lines(lines: tuple[bytes, ...], text: bytes) -> None:
    parsed = parse_fileset([*lines, b"Z is not looked at any more", b"Q nor this"])
    assert parsed == ParsedFileSet(None, (Problem(ProblemKind.FATAL, text),))


@pytest.mark.parametrize("line", [b"RX a", b"WX a", b"XX a", b"IX", b"EX"])
def test_bad_sub_codes_are_silent_errors(line: bytes) -> None:
    assert parse_fileset([b"I", line, b"F /a"]) == ParsedFileSet(None, ())


def test_lines_of_older_directors_are_accepted() -> None:
    assert (
        accepted(b"I", b"O Jspug5:M", b"B job", b"D reader", b"T writer", b"N", b"F /a").includes[0].base_job
        == b"Jspug5"
    )


def test_plugin_lines() -> None:
    parsed = parse_fileset([b"I", b"P bpipe:x", b"F /a"])
    assert parsed.problems == (
        Problem(ProblemKind.FATAL, b'Plugin Directory not defined. Cannot use plugin: "bpipe:x"\n'),
    )
    assert parsed.fileset is not None
    builder = FileSetBuilder(plugins_allowed=True)
    for line in (b"I", b"G python:y", b"N", b"P bpipe:x"):
        builder.add(line)
    found = builder.finish().fileset
    assert found is not None
    assert found.includes == (Include((Options(plugin=b"python:y"),), plugins=(b"bpipe:x",)),)


def test_row_110_names_from_files_and_programs(tmp_path: Path) -> None:
    listed = tmp_path / "list"
    listed.write_bytes(b"/one \r\n\n/two\n" + b"/" + b"n" * 3000)
    builder = FileSetBuilder(codes={b"l": b"Full"}.get)
    command = b"F |sh -c 'echo /from/%l; echo /err >&2; echo; echo \"last \"'"
    for line in (b"I", b"F <" + bytes(listed), command, b"F <" + bytes(tmp_path / "none")):
        builder.add(line)
    for line in (b"F |sh -c 'echo /half; exit 3'", b"F |no-such-program-at-all x", b"F |sh -c 'kill -9 $$'"):
        builder.add(line)
    parsed = builder.finish()
    assert parsed.fileset is not None
    names = parsed.fileset.includes[0].names
    assert names[:2] == (b"/one", b"/two")
    assert len(names[2]) == 3001
    assert set(names[3:6]) == {b"/from/Full", b"/err", b"last"}
    assert names[6:] == (b"/half",)
    missing = b"Cannot open FileSet input file: %b. ERR=No such file or directory\n" % bytes(
        tmp_path / "none"
    )
    assert [problem.text for problem in parsed.problems] == [
        missing,
        b"Error running program: sh -c 'echo /half; exit 3'. status=3: ERR=Child exited with code 3\n",
        b"Error running program: no-such-program-at-all x. status=208: ERR=No such file or directory\n",
        b"Error running program: sh -c 'kill -9 $$'. status=9: ERR=Child died from signal 9: Killed\n",
    ]


def test_a_list_program_ends_with_its_job() -> None:
    def check() -> None:
        raise JobCanceled("canceled")

    builder = FileSetBuilder(check_cancelled=check)
    builder.add(b"I")
    builder.add(b"F |sleep 1000")
    with pytest.raises(JobCanceled):
        builder.finish()


def test_commands_and_codes() -> None:
    assert split_command(b"  a 'b c' \"d e\"f g\th") == [b"a", b"b c", b"d e", b"f", b"g\th"]
    codes = {b"j": b"Job", b"i": b"7"}.get
    assert edit_codes(b"%j-%i %% %q %", codes) == b"Job-7 % %q %"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        (b"", 0),
        (b"1.5m 200k", 1572864 + 204800),
        (b"1k", 1024),
        (b"1KB", 1000),
        (b"2 gb", 2 * 10**9),
        (b"1e", 1 << 60),
        (b"3*", 3),
        (b"abc", None),
        (b"1x", None),
        (b"1 kx", None),
        (b"12 \r\n", 12),
    ],
)
def test_size_numbers(text: bytes, number: int | None) -> None:
    assert parse_number(text) == number


def test_size_expressions() -> None:
    assert parse_size(b"1k-2k") == SizeMatch(SizeKind.RANGE, 1024, 2048)
    assert parse_size(b"-5") == SizeMatch(SizeKind.RANGE, 0, 5)
    assert parse_size(b"<x") is None
    assert SizeMatch(SizeKind.APPROXIMATE, 1000).matches(991)
    assert not SizeMatch(SizeKind.APPROXIMATE, 1000).matches(990)


LINES = st.one_of(
    st.binary(max_size=40),
    st.builds(
        lambda code, rest: code + rest,
        st.sampled_from(
            [b"I", b"E", b"N", b"O ", b"R ", b"RD ", b"W ", b"WB ", b"F ", b"P ", b"X ", b"Z ", b"G ", b"B "]
        ),
        st.binary(max_size=30).filter(lambda text: text[:1] not in (b"|", b"<")),
    ),
).filter(lambda line: not (line[:1] in b"FP" and (b"|" in line or b"<" in line)))


@settings(max_examples=300, deadline=None)
@given(st.lists(LINES, max_size=12))
def test_no_line_breaks_the_builder(lines: list[bytes]) -> None:
    parsed = parse_fileset([b"I", *lines])
    if parsed.fileset is not None:
        assert len(parsed.fileset.includes) >= 1
        assert all(problem.text.endswith(b"\n") for problem in parsed.problems)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60))
def test_no_letters_break_the_parser(letters: bytes) -> None:
    whole, _ = parse_letters(letters, Options())
    assert isinstance(whole, Options)
    for cut in range(len(letters)):
        parse_letters(letters[:cut], whole)

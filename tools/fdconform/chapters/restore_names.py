"""Chapter 6, sections 7 and 8: where files go, and what is there already."""

import os
from typing import Final

from fdconform.case import Case, Step
from fdconform.made import absent, is_file, is_folder, is_link, same_file
from fdconform.making import Put, folder, hard_link, plain, records, symlink
from fdconform.plays import NO_PROBLEMS, restored
from fdconform.stage import Check
from fdconform.trees import TIME, Change, Directory, File, Item, Link, Tree
from fdconform.work import EndJob, Said

_WHERE: Final = "04 §8.2; core/src/lib/attr.cc: BuildAttrOutputFnames"
_REPLACE: Final = "04 §8.3; core/src/findlib/create_file.cc: CreateFile"


def _where(number: int, title: str, rule: str, command: bytes, put: tuple[Put, ...], *checks: Check) -> Case:
    return restored(
        f"6.7.{number}",
        title,
        rule,
        _WHERE,
        records(*put),
        *checks,
        command=b"restore replace=a %b\n" % command,
        end=EndJob("T", files=len(put), errors=0),
    )


def _regex(number: int, title: str, expression: bytes, name: bytes, made: bytes) -> Case:
    """`name` is below `{folder}/o`; `made` is the whole name that must come out."""
    return _where(
        number,
        title,
        "The expressions of regexwhere are applied to the whole name one after the other.",
        b"prelinks=0 regexwhere=" + expression,
        (plain(b"{folder}/o/" + name),),
        is_file(made),
    )


_PLACES: Final = (
    _where(
        1,
        "no where",
        "An empty where restores to the name stored.",
        b"prelinks=0 where=",
        (plain(b"{folder}/o/a"),),
        is_file(b"{folder}/o/a"),
    ),
    _where(
        2,
        "where is the root",
        "A where of / restores to the name stored.",
        b"prelinks=0 where=/",
        (plain(b"{folder}/o/a"),),
        is_file(b"{folder}/o/a"),
    ),
    _where(
        3,
        "a where with a slash at its end",
        "Between where and name there is a slash.",
        b"prelinks=0 where={where}/",
        (plain(b"/a"),),
        is_file(b"a"),
    ),
    _where(
        4,
        "a name without a leading slash",
        "Between where and name there is a slash.",
        b"prelinks=0 where={where}",
        (plain(b"a/b"), plain(b"c")),
        is_file(b"a/b"),
        is_file(b"c"),
    ),
    _where(
        5,
        "a where with blanks",
        "Blanks of where come as the byte 1.",
        b"prelinks=0 where={where}\x01of\x01mine",
        (plain(b"/a"),),
        is_file(b"{where} of mine/a"),
    ),
    _where(
        6,
        "links are left as they are",
        "With prelinks=0 targets of symbolic links are not changed.",
        b"prelinks=0 where={where}",
        (symlink(b"/abs", b"/etc/x"), symlink(b"/rel", b"../x")),
        is_link(b"abs", b"/etc/x"),
        is_link(b"rel", b"../x"),
    ),
    _where(
        7,
        "links get the prefix",
        "With prelinks=1 absolute targets of symbolic links get where in front, others do not.",
        b"prelinks=1 where={where}",
        (symlink(b"/abs", b"/etc/x"), symlink(b"/rel", b"../x")),
        is_link(b"abs", b"{where}/etc/x"),
        is_link(b"rel", b"../x"),
    ),
    _regex(8, "replace in names", b"!/o/!/n/!", b"a/o/b", b"{folder}/n/a/o/b"),
    _regex(9, "take a prefix off", b"!/o/deep!!i", b"DEEP/a", b"{folder}/a"),
    _regex(10, "add a prefix", b"!^!{where}!", b"a", b"{where}{folder}/o/a"),
    _regex(11, "add a suffix", b"!([^/])$!$1.old!", b"a", b"{folder}/o/a.old"),
    _regex(12, "several expressions", b"!/o/!/p/!,!/p/!/q/!", b"a", b"{folder}/q/a"),
    _regex(13, "other separators", b"#/o/#/n/#", b"a", b"{folder}/n/a"),
    _regex(14, "groups", b"!/o/(.*)-(.*)$!/$2/\\1-$0!", b"x-y", b"{folder}/y/x-/o/x-y"),
    _regex(15, "no match", b"!nothing!else!", b"a", b"{folder}/o/a"),
    _regex(16, "blanks in an expression", b"!/o/!/my\x01files/!", b"a", b"{folder}/my files/a"),
    _where(
        17,
        "hard links and expressions",
        "The first name of a hard link is changed by regexwhere too.",
        b"prelinks=0 regexwhere=!/o/!/n/!",
        (plain(b"{folder}/o/a"), hard_link(b"{folder}/o/b", b"{folder}/o/a")),
        same_file(b"{folder}/n/a", b"{folder}/n/b"),
    ),
    _where(
        18,
        "symbolic links and expressions",
        "Targets of symbolic links are changed by regexwhere with prelinks=1.",
        b"prelinks=1 regexwhere=!/o/!/n/!",
        (symlink(b"{folder}/o/l", b"{folder}/o/a"),),
        is_link(b"{folder}/n/l", b"{folder}/n/a"),
    ),
)

_OLDER: Final = TIME - 100
_NEWER: Final = TIME + 100


def _there(
    number: int,
    title: str,
    letter: bytes,
    existing: tuple[Item, ...],
    put: tuple[Put, ...],
    *checks: Check,
    said: tuple[Step, ...] = NO_PROBLEMS,
    rule: str = "What is there already is replaced or kept as the letter says.",
    end: EndJob | None = None,
    change: tuple[Step, ...] = (),
) -> Case:
    return restored(
        f"6.8.{number}",
        title,
        rule,
        _REPLACE,
        records(*put),
        *checks,
        command=b"restore replace=%b prelinks=0 where={where}\n" % letter,
        before=(Tree(existing, b"{where}"), *change),
        said=said,
        end=EndJob("T", files=len(put), errors=0) if end is None else end,
    )


_KEPT: Final = is_file(b"a", b"mine", mtime=None)
_REPLACED: Final = is_file(b"a", b"hello")


def _mine(mtime: int) -> tuple[Item, ...]:
    return (File(b"a", b"mine", mtime=mtime),)


def _skipped(reason: bytes) -> tuple[Step, ...]:
    return (Said(rb".*File skipped\. %b: {where}/a\n" % reason, type=6, times=1, strict=False),)


_EXISTING: Final = (
    _there(1, "always, an older one", b"a", _mine(_OLDER), (plain(b"/a"),), _REPLACED),
    _there(2, "always, a newer one", b"a", _mine(_NEWER), (plain(b"/a"),), _REPLACED),
    _there(3, "if newer, an older one", b"w", _mine(_OLDER), (plain(b"/a"),), _REPLACED),
    _there(
        4, "if newer, the same time", b"w", _mine(TIME), (plain(b"/a"),), _KEPT, said=_skipped(b"Not newer")
    ),
    _there(
        5, "if newer, a newer one", b"w", _mine(_NEWER), (plain(b"/a"),), _KEPT, said=_skipped(b"Not newer")
    ),
    _there(
        6, "if older, an older one", b"o", _mine(_OLDER), (plain(b"/a"),), _KEPT, said=_skipped(b"Not older")
    ),
    _there(
        7, "if older, the same time", b"o", _mine(TIME), (plain(b"/a"),), _KEPT, said=_skipped(b"Not older")
    ),
    _there(8, "if older, a newer one", b"o", _mine(_NEWER), (plain(b"/a"),), _REPLACED),
    _there(9, "never", b"n", _mine(_OLDER), (plain(b"/a"),), _KEPT, said=_skipped(b"Already exists")),
    _there(
        10,
        "never, and nothing is there",
        b"n",
        (),
        (plain(b"/d/a"), folder(b"/d", 0o40700)),
        is_file(b"d/a"),
        is_folder(b"d", mode=0o700, mtime=TIME),
        rule="With n the attributes of directories that this job has made are restored.",
    ),
    _there(
        11,
        "never, a directory that is there",
        b"n",
        (Directory(b"d", 0o711),),
        (plain(b"/d/a"), folder(b"/d", 0o40700)),
        is_file(b"d/a"),
        is_folder(b"d", mode=0o711),
    ),
    _there(
        12,
        "always, a directory that is there",
        b"a",
        (Directory(b"d", 0o711), File(b"d/mine", b"mine")),
        (folder(b"/d", 0o40700),),
        is_folder(b"d", mode=0o700, mtime=TIME),
        is_file(b"d/mine", b"mine"),
        rule="The attributes of a directory that is there are set, its content stays.",
    ),
    _there(
        13,
        "a symbolic link in the way of a file",
        b"a",
        (File(b"other", b"mine"), Link(b"a", b"other")),
        (plain(b"/a"),),
        _REPLACED,
        is_file(b"other", b"mine"),
        rule="A symbolic link in the way of a file is replaced, not followed.",
    ),
    _there(
        14,
        "a file in the way of a link",
        b"a",
        _mine(TIME),
        (symlink(b"/a", b"else"),),
        is_link(b"a", b"else"),
        rule="What is in the way of a symbolic link is replaced.",
    ),
    _there(
        15,
        "a link in the way of a link",
        b"a",
        (Link(b"a", b"old"),),
        (symlink(b"/a", b"new"),),
        is_link(b"a", b"new"),
        rule="What is in the way of a symbolic link is replaced.",
    ),
    _there(
        16,
        "a directory in the way of a file",
        b"a",
        (File(b"a/mine", b"mine"),),
        (plain(b"/a"), plain(b"/b")),
        is_file(b"a/mine", b"mine"),
        is_file(b"b"),
        rule="A directory in the way of a file stays; it is told of and counted.",
        said=(
            Said(
                rb".*File {where}/a already exists and could not be replaced\. ERR=.*",
                type=4,
                times=1,
                strict=False,
            ),
        ),
        end=EndJob("E", lenient="TW", files=1),
    ),
    _there(
        17,
        "a file in the way of a directory",
        b"a",
        _mine(TIME),
        (folder(b"/a"), plain(b"/b")),
        _KEPT,
        is_file(b"b"),
        rule="A file in the way of a directory stays; it is told of and counted.",
        said=(Said(rb".*{where}/a/? exists but is not a directory\.\n", type=4, times=1, strict=False),),
        end=EndJob("E", lenient="TW", errors=1),
    ),
    _there(
        18,
        "a file in the way of a parent",
        b"a",
        _mine(TIME),
        (plain(b"/a/b"), plain(b"/c")),
        _KEPT,
        is_file(b"c"),
        rule="A file in the way of a directory stays; it is told of and counted.",
        said=(Said(rb".*", type=4),),
        end=EndJob("E", lenient="TW"),
    ),
    _there(
        19,
        "a hard link in the way",
        b"a",
        (File(b"other", b"mine"), Link(b"a", b"other", hard=True)),
        (plain(b"/a"),),
        _REPLACED,
        is_file(b"other", b"mine"),
        rule="A file that is replaced is unlinked first: its other names keep their content.",
    ),
    _there(
        20,
        "a file that may not be written",
        b"a",
        (File(b"a", b"mine", 0o000),),
        (plain(b"/a"),),
        _REPLACED,
        rule="A file without write permission is replaced.",
    ),
    _there(
        21,
        "a link to a directory as a parent",
        b"a",
        (Directory(b"real"), Link(b"d", b"real")),
        (plain(b"/d/a"),),
        rule="Files may go through a link that was there before, or the daemon refuses with a message.",
        said=(),
        end=EndJob("TEW"),
    ),
    _there(
        22,
        "an open fifo in the way",
        b"a",
        (),
        (plain(b"/a"),),
        _REPLACED,
        change=(Change(lambda where: os.mkfifo(where / "a"), b"{where}"),),
        rule="A fifo in the way of a file is replaced, not opened.",
    ),
    _there(
        23,
        "skipped files count",
        b"n",
        (File(b"a", b"mine"), File(b"b", b"mine")),
        (plain(b"/a"), plain(b"/b"), plain(b"/c")),
        _KEPT,
        absent(b"d"),
        is_file(b"c"),
        rule="JobFiles counts files that were skipped too, JobBytes only what was written.",
        said=NO_PROBLEMS,
        end=EndJob("T", files=3, errors=0, job_bytes=5),
    ),
)

CASES: Final = (*_PLACES, *_EXISTING)

"""Whole cases of chapters 5 to 7 from the parts in which they differ. Pure data."""

from collections.abc import Sequence
from typing import Any, Final

from fdconform.case import Case, Need, Step
from fdconform.dialogue import Steps, backup, backup_orders, lines, restore, verify
from fdconform.stage import Check
from fdconform.stored import well_formed
from fdconform.talk import Hear, Say
from fdconform.trees import Item, Tree
from fdconform.verifying import HearFiles, counted
from fdconform.work import Announce, Checked, EndJob, Records, Said, Unsaid

FILES: Final = frozenset({Need.FILES})
ROOT: Final = frozenset({Need.FILES, Need.ROOT})
NO_PROBLEMS: Final = (Unsaid(),)
GOOD_END: Final = EndJob("T", errors=0)


def block(options: bytes, *lines: bytes) -> tuple[bytes, ...]:
    """The lines of one Options block."""
    return (b"O %b\n" % options, *(b"%b\n" % line for line in lines), b"N\n")


def include(
    blocks: Sequence[tuple[bytes, ...]], *paths: bytes, ignore: Sequence[bytes] = ()
) -> tuple[bytes, ...]:
    """The lines of an Include block; `ignore` are names of ExcludeDirContaining."""
    names = tuple(b"F %b" % path for path in paths or (b"{tree}",))
    marks = tuple(b"Z %b\n" % name for name in ignore)
    return (b"I\n", *marks, *(line for rows in blocks for line in rows), *names, b"N\n", b"N\n")


def exclude(*paths: bytes, options: tuple[bytes, ...] = ()) -> tuple[bytes, ...]:
    """The lines of an Exclude block."""
    return (b"E\n", *options, *(b"F %b" % path for path in paths), b"N\n", b"N\n")


def _case(named: tuple[str, str, str, str], play: Steps, *, root: bool = False, **more: Any) -> Case:
    """A case that works on files; `named` are id, title, rule and source, `root`: of any owner and kind."""
    id, title, rule, source = named
    needs = ROOT if root else FILES
    return Case(id=id, title=title, rule=rule, source=source, needs=needs, play=play, **more)


def backed_up(
    id: str,
    title: str,
    rule: str,
    source: str,
    items: Sequence[Item],
    *checks: Check,
    options: bytes = b"M",
    rows: tuple[bytes, ...] | None = None,
    orders: Steps | None = None,
    between: Sequence[Step] = (),
    said: Sequence[Step] = NO_PROBLEMS,
    end: EndJob = GOOD_END,
    **more: Any,
) -> Case:
    """A backup of `items`: laid out, stored, ended, looked at. `between` happens after the orders and before the
    command that starts the job; `orders` in the place of those of a full backup."""
    wanted = lines(options) if rows is None else rows
    start: Steps
    if orders is None and not between:
        start = backup(wanted)
    else:
        start = (
            *(backup_orders(wanted) if orders is None else orders),
            *between,
            Say(b"backup FileIndex=0\n"),
            Hear(b"2000 OK backup\n"),
        )
    return _case(
        (id, title, rule, source),
        (
            Tree(tuple(items)),
            Announce(),
            *start,
            end,
            *said,
            Checked((well_formed, *checks)),
        ),
        **more,
    )


def restored(
    id: str,
    title: str,
    rule: str,
    source: str,
    records: Records,
    *checks: Check,
    command: bytes = b"restore replace=a prelinks=0 where={where}\n",
    before: Sequence[Step] = (),
    said: Sequence[Step] = NO_PROBLEMS,
    end: EndJob = GOOD_END,
    **more: Any,
) -> Case:
    """A restore of `records` after `before`, ended, and the files looked at."""
    return _case(
        (id, title, rule, source),
        (
            *before,
            Announce(restore=records),
            *restore(command),
            end,
            *said,
            Checked(checks),
        ),
        **more,
    )


def broken(
    id: str,
    title: str,
    rule: str,
    source: str,
    records: Records,
    said: bytes,
    *checks: Check,
    where: bytes = b"{where}",
    **more: Any,
) -> Case:
    """A restore that ends with a fatal message: `2000 OK storage end` still comes, endrestore is not waited for."""
    begin = restore(b"restore replace=a prelinks=0 where=%b\n" % where)[:-1]
    return _case(
        (id, title, rule, source),
        (
            Announce(restore=records),
            *begin,
            EndJob("f"),
            Said(said, type=3, strict=False),
            Checked(checks),
        ),
        **more,
    )


def verified(
    id: str,
    title: str,
    rule: str,
    source: str,
    items: Sequence[Item],
    *checks: Check,
    options: bytes = b"M",
    rows: tuple[bytes, ...] | None = None,
    word: bytes = b"init",
    before: Sequence[Step] = (),
    said: Sequence[Step] = NO_PROBLEMS,
    end: EndJob = GOOD_END,
    **more: Any,
) -> Case:
    """A verify of what is laid out, heard to its end."""
    return _case(
        (id, title, rule, source),
        (
            Tree(tuple(items)),
            *before,
            *verify(word, lines(options) if rows is None else rows),
            HearFiles(),
            end,
            *said,
            Checked((counted, *checks)),
        ),
        **more,
    )

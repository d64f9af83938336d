"""Chapter 5, section 1: a FileIndex that does not begin at 1."""

from typing import Final

from fdconform.case import Case
from fdconform.dialogue import backup_orders, lines
from fdconform.plays import FILES
from fdconform.stage import Check, Stage
from fdconform.stored import checked, has_content, stored, stores
from fdconform.talk import Alive, Hear, Say
from fdconform.trees import File, Item, Link, Tree
from fdconform.work import Announce, Checked, EndJob, Said, Unsaid

_PRESET: Final = "04 §1.1; core/src/filed/dir_cmd.cc: BackupCmd"
_HIGHEST: Final = 2**31 - 1


def _numbered(*wanted: int) -> Check:
    """The files have these indexes, in their attributes and in the headers of all their records."""

    @checked
    def check(stage: Stage) -> str | None:
        told = tuple(file.attributes.index for file in stored(stage))
        headed = tuple(dict.fromkeys(record.file_index for record in stage.records))
        if told == headed == wanted:
            return None
        return f"FileIndex {told} in attributes and {headed} in headers, not {wanted}"

    return check


@checked
def _not_above(stage: Stage) -> str | None:
    """Nothing was sent behind the last number there is; whether the file before came through is another matter."""
    indexes = {record.file_index for record in stage.records}
    return None if indexes <= {_HIGHEST} else f"FileIndex {sorted(indexes)} was sent"


@checked
def _links_to_first(stage: Stage) -> str | None:
    """The second name of the file names the first one's index."""
    links = [file.attributes.stat["link_index"] for file in stored(stage) if file.attributes.type == 1]
    return None if links == [42] else f"link indexes {links}, not 42"


def _preset(
    number: int,
    title: str,
    rule: str,
    last: int,
    items: tuple[Item, ...],
    *after: Checked | EndJob | Said | Unsaid,
) -> Case:
    """A backup whose first file comes behind the index `last`."""
    return Case(
        id=f"5.1.{number}",
        title=title,
        rule=rule,
        source=_PRESET,
        needs=FILES,
        play=(
            Tree(items),
            Announce(after=last),
            *backup_orders(lines(b"M")),
            Say(b"backup FileIndex=%d\n" % last),
            Hear(b"2000 OK backup\n"),
            *after,
            Alive(),
        ),
    )


CASES: Final = (
    _preset(
        13,
        "a FileIndex to go on from",
        "Behind `backup FileIndex=41` the first file is number 42, links name such indexes, and JobFiles counts on.",
        41,
        (File(b"a", b"hello"), File(b"c", b"other")),
        EndJob("T", files=44, errors=0),
        Unsaid(),
        Checked((_numbered(42, 43, 44), stores(b"a", b"c"), has_content(b"a", b"hello"))),
    ),
    _preset(
        14,
        "a hard link behind a FileIndex to go on from",
        "The link index of a further name is the FileIndex of the first, as the Director knows it.",
        41,
        (File(b"a", b"hello"), Link(b"b", b"a", hard=True)),
        EndJob("T", files=44, errors=0),
        Unsaid(),
        Checked((_numbered(42, 43, 44), _links_to_first)),
    ),
    _preset(
        15,
        "the last FileIndex there is",
        "A FileIndex is signed and has 32 bits: behind 2147483647 the job ends with a fatal message.",
        _HIGHEST - 1,
        (File(b"a", b"hello"),),
        EndJob("f"),
        Said(
            rb".*FileIndex overflow detected\. Please split the fileset to backup fewer files\.\n",
            type=3,
            strict=False,
        ),
        Checked((_not_above,)),
    ),
)

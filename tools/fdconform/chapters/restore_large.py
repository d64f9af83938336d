"""Chapter 6, section 6: extended attributes as long as a packet, and longer."""

from typing import Final

from fdconform.case import Case
from fdconform.dialogue import erase, introduce, storage
from fdconform.made import is_file, xattr_is
from fdconform.making import Put, header, plain, records, wire, xattr_record
from fdconform.plays import FILES, restored
from fdconform.stage import Check, Stage
from fdconform.talk import Alive, Hear, Login, Say
from fdconform.work import Announce, Checked, EndJob, Said

_XATTR: Final = "04 §6.4; core/src/findlib/xattr.cc"
_PACKET: Final = 999_996
"""The longest packet."""
_MOST: Final = 65_536
"""The longest value that Linux takes."""


def _pairs(size: int) -> tuple[tuple[bytes, bytes], ...]:
    """Attributes that make a record of exactly so many bytes, none longer than Linux takes."""
    pairs, left, number = [], size, 0
    while left:
        name = b"user.%02d" % number
        most = _MOST + len(xattr_record((name, b"")))
        # What is left for the next one must have room for its name.
        take = left if left <= most else min(most, left - 100)
        pairs.append((name, b"v" * (take - len(xattr_record((name, b""))))))
        left -= take
        number += 1
    return tuple(pairs)


def _all_or_told(*pairs: tuple[bytes, bytes]) -> Check:
    """Every attribute is set, or an error was told (the file system may have less room)."""

    def check(stage: Stage) -> str | None:
        if any(message.type in (3, 4) for message in stage.messages):
            return None
        looks = (xattr_is(b"a", name.decode(), value) for name, value in pairs)
        return next((problem for look in looks if (problem := look(stage))), None)

    return check


def _split(stage: Stage) -> bytes:
    """One record in two packets, as a Storage daemon sends what is longer than one."""
    made = records(Put(b"/a", ((2, b"hello"),)), plain(b"/b"))(stage)
    assert not isinstance(made, bytes)
    pieces: list[bytes | int] = []
    for record in made:
        pieces += [header(stage, record.file_index, record.stream, len(record.data)), record.data]
        if record.file_index == 1 and record.stream == 2:
            large = xattr_record(*_LARGE)
            pieces += [header(stage, 1, 1998, len(large)), large[:_PACKET], large[_PACKET:]]
    return wire(*pieces, -1)


_FULL: Final = _pairs(_PACKET)
_LARGE: Final = _pairs(1_100_000)

CASES: Final = (
    restored(
        "6.6.17",
        "extended attributes in two records",
        "Each record stands for itself: the attributes of all are set.",
        _XATTR,
        records(
            Put(
                b"/a",
                (
                    (2, b"hello"),
                    (1998, xattr_record((b"user.a", b"1"), (b"user.b", b"2"))),
                    (1998, xattr_record((b"user.b", b"3"), (b"user.c", b"4"))),
                ),
            ),
            plain(b"/b"),
        ),
        is_file(b"a"),
        xattr_is(b"a", "user.a", b"1"),
        xattr_is(b"a", "user.b", b"3"),
        xattr_is(b"a", "user.c", b"4"),
        is_file(b"b"),
        end=EndJob("T", files=2, errors=0),
    ),
    restored(
        "6.6.18",
        "extended attributes as long as a packet",
        "A record of 999,996 bytes is restored, or what the file system does not take is told of; the file stays.",
        _XATTR,
        records(Put(b"/a", ((2, b"hello"), (1998, xattr_record(*_FULL)))), plain(b"/b")),
        is_file(b"a"),
        _all_or_told(*_FULL),
        is_file(b"b"),
        said=(),
        end=EndJob("TE", lenient="W", files=2),
    ),
    restored(
        "6.6.19",
        "an extended attribute longer than the system takes",
        "A value of 900,000 bytes, which no Linux takes, is told of; the file stays.",
        _XATTR,
        records(Put(b"/a", ((2, b"hello"), (1998, xattr_record((b"user.a", b"v" * 900_000))))), plain(b"/b")),
        is_file(b"a"),
        xattr_is(b"a", "user.a", None),
        is_file(b"b"),
        said=(Said(rb".*lsetxattr error on file .*", type=4, strict=False),),
        end=EndJob("E", lenient="TW", files=2),
    ),
    Case(
        id="6.6.20",
        title="extended attributes above 1 MiB",
        rule="A record that needs two packets is restored, or the job ends with a message; the daemon serves on.",
        source="04 §1.1, §6.3; core/src/lib/bsock_tcp.cc: send; core/src/filed/restore.cc: DoRestore",
        needs=FILES,
        play=(
            Announce(restore=_split),
            Login("tls"),
            *introduce(),
            *erase(),
            *storage(key=True),
            Say(b"restore replace=a prelinks=0 where={where}\n"),
            Hear(b"2000 OK restore\n"),
            Hear(b"2000 OK storage end\n", within=25),
            Say(b"endrestore"),
            EndJob("TEf", lenient="W"),
            Checked((_all_or_told(*_LARGE), is_file(b"a", mode=None, mtime=None))),
            Alive(),
        ),
    ),
)

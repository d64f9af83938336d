"""The records of a backup put together file by file, and looked at. Every function here makes a check of `stage`."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import wraps
from itertools import groupby
from typing import Final

from fdconform.decoding import LSTAT_FIELDS, Attributes, DecodeError, attributes, joined, plain
from fdconform.stage import Check, Stage

ORDER: Final = {1: 1, 22: 3, 2: 4, 6: 4, 20: 4, 29: 4, 30: 4, 32: 4, 1008: 6, 1007: 7, 1998: 8, 19: 9}
"""Where a stream stands in a file (protocol/04 §1.2); digests come last."""
DIGESTS: Final = {3: 16, 10: 20, 17: 32, 18: 64, 40: 16}
"""Stream and size of each digest."""
DATA: Final = frozenset({2, 6, 20, 29, 30, 32})


@dataclass(slots=True)
class StoredFile:
    """One file as it was sent. `streams` are what followed the attributes: number and data messages."""

    attributes: Attributes
    streams: list[tuple[int, list[bytes]]] = field(default_factory=list)

    def stream(self, number: int) -> bytes | None:
        """The data of a stream, or None if it was not sent."""
        return next((b"".join(data) for stream, data in self.streams if stream == number), None)

    @property
    def data(self) -> tuple[int, list[bytes]] | None:
        """The content: stream and data messages."""
        return next(((stream, blocks) for stream, blocks in self.streams if stream in DATA), None)

    @property
    def content(self) -> bytes:
        """The plain content, as a restore would write it."""
        if self.data is None:
            return b""
        return joined(plain(*self.data), self.attributes.stat["size"])


def stored(stage: Stage) -> list[StoredFile]:
    """All files in the order they were sent. Raises DecodeError."""
    files: list[StoredFile] = []
    for (index, stream), records in groupby(stage.records, lambda record: (record.file_index, record.stream)):
        data = [record.data for record in records]
        if stream == 1:
            if len(data) != 1:
                raise DecodeError(f"{len(data)} attributes records for file {index}")
            files.append(StoredFile(attributes(data[0])))
        elif not files:
            raise DecodeError(f"stream {stream} before any attributes")
        else:
            files[-1].streams.append((stream, data))
    return files


def by_name(stage: Stage) -> dict[bytes, StoredFile]:
    """Files by their names; below the tree the tree's name is left out, and the tree itself is `b""`."""
    root = stage.names["tree"] + b"/"
    return {file.attributes.name.removeprefix(root): file for file in stored(stage)}


def checked(look: Check) -> Check:
    """`look`, with what cannot be decoded as its answer."""

    @wraps(look)
    def safely(stage: Stage) -> str | None:
        try:
            return look(stage)
        except DecodeError as error:
            return str(error)

    return safely


def of_file(name: bytes, look: Callable[[StoredFile, Stage], str | None]) -> Check:
    """A check of one file of the backup."""

    @checked
    def check(stage: Stage) -> str | None:
        file = by_name(stage).get(name)
        if file is None:
            return f"{name!r} is not in the backup"
        problem = look(file, stage)
        return f"{name!r}: {problem}" if problem else None

    return check


@checked
def well_formed(stage: Stage) -> str | None:
    """Indexes from 1 in steps of 1, attributes first, streams in order, one record where one belongs."""
    files = stored(stage)
    for place, file in enumerate(files, 1):
        found = file.attributes
        if found.index != place:
            return f"file {place} says FileIndex {found.index}"
        if found.extended:
            return f"{found.name!r}: extended attributes field {found.extended!r}"
        numbers = [stream for stream, _ in file.streams]
        if [ORDER.get(n, 10 if n in DIGESTS else 0) for n in numbers] != sorted(
            {ORDER.get(n, 10 if n in DIGESTS else 0) for n in numbers}
        ):
            return f"{found.name!r}: streams {numbers}"
        for stream, data in file.streams:
            if stream not in DATA and len(data) != 1:
                return f"{found.name!r}: {len(data)} records of stream {stream}"
            if stream in DIGESTS and len(data[0]) != DIGESTS[stream]:
                return f"{found.name!r}: a digest of {len(data[0])} bytes in stream {stream}"
    indexes = [record.file_index for record in stage.records if record.stream == 1]
    if indexes != list(range(1, len(files) + 1)):
        return f"FileIndex {indexes}"
    return None


def stores(*names: bytes, root: bool = True) -> Check:
    """Exactly these files below the tree, in any order, each once (and the tree itself)."""
    wanted = sorted((*names, b"") if root else names)

    @checked
    def check(stage: Stage) -> str | None:
        top = stage.names["tree"] + b"/"
        got = sorted(file.attributes.name.removeprefix(top) for file in stored(stage))
        return None if got == wanted else f"stored {got}, not {wanted}"

    return check


def names_are(*names: bytes) -> Check:
    """Exactly these names as sent, `{folder}` and the like filled in."""

    @checked
    def check(stage: Stage) -> str | None:
        got = sorted(file.attributes.name for file in stored(stage))
        wanted = sorted(map(stage.fill, names))
        return None if got == wanted else f"stored {got}, not {wanted}"

    return check


def is_type(name: bytes, wanted: int, link: bytes = b"") -> Check:
    """The file's type and link field (`{tree}` filled in)."""

    def look(file: StoredFile, stage: Stage) -> str | None:
        found = file.attributes
        if (found.type, found.link) == (wanted, stage.fill(link)):
            return None
        return f"type {found.type} link {found.link!r}, not type {wanted} link {stage.fill(link)!r}"

    return of_file(name, look)


def has_streams(name: bytes, *numbers: int) -> Check:
    """Exactly these streams after the attributes, in this order."""

    def look(file: StoredFile, stage: Stage) -> str | None:
        got = tuple(stream for stream, _ in file.streams)
        return None if got == numbers else f"streams {got}, not {numbers}"

    return of_file(name, look)


def has_content(name: bytes, wanted: bytes) -> Check:
    """The decoded content."""

    def look(file: StoredFile, stage: Stage) -> str | None:
        got = file.content
        return (
            None if got == wanted else f"content of {len(got)} bytes is not that of the file ({len(wanted)})"
        )

    return of_file(name, look)


def has_blocks(name: bytes, stream: int, *blocks: tuple[int, int]) -> Check:
    """Addresses and plain sizes of all data messages."""

    def look(file: StoredFile, stage: Stage) -> str | None:
        if file.data is None:
            return "no data" if blocks else None
        number, messages = file.data
        got = tuple((at, len(block)) for at, block in plain(number, messages))
        return None if (number, got) == (stream, blocks) else f"stream {number} blocks {got}, not {blocks}"

    return of_file(name, look)


def has_record(name: bytes, stream: int, wanted: bytes | None) -> Check:
    """The whole data of a stream, None if it must be missing."""

    def look(file: StoredFile, stage: Stage) -> str | None:
        got = file.stream(stream)
        return None if got == wanted else f"stream {stream} is {got!r}, not {wanted!r}"

    return of_file(name, look)


def has_fields(name: bytes, **wanted: int) -> Check:
    """Fields of the stat record."""

    def look(file: StoredFile, stage: Stage) -> str | None:
        got = {field: file.attributes.stat[field] for field in wanted}
        return None if got == wanted else f"{got}, not {wanted}"

    return of_file(name, look)


def like_lstat(name: bytes, leave: Iterable[str] = ()) -> Check:
    """The stat record says what lstat says (times in whole seconds)."""

    def look(file: StoredFile, stage: Stage) -> str | None:
        there = os.lstat(os.path.join(stage.names["tree"], name))
        for part in LSTAT_FIELDS:
            value = int(getattr(there, f"st_{part}"))
            if part not in leave and file.attributes.stat[part] != value:
                return f"{part} is {file.attributes.stat[part]}, not {value}"
        return f"flags {file.attributes.stat['flags']}" if file.attributes.stat["flags"] else None

    return of_file(name, look)


def before(first: bytes, then: bytes) -> Check:
    """One file is sent before another."""

    @checked
    def check(stage: Stage) -> str | None:
        order = list(by_name(stage))
        return None if order.index(first) < order.index(then) else f"{then!r} comes before {first!r}"

    return check

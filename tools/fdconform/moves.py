"""Steps that only cases of whole jobs need: conditions, fifos, lists for accurate jobs."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import trio

from fdconform.decoding import DIGITS, STAT_FIELDS
from fdconform.dialogue import Steps
from fdconform.stage import Stage
from fdconform.talk import Say, SaySignal
from fdconform.verdicts import CaseOver, Verdict


@dataclass(frozen=True, slots=True)
class Requires:
    """Skip the case where something is not there."""

    there: Callable[[], bool]
    what: str

    async def play(self, stage: Stage) -> None:
        if not await trio.to_thread.run_sync(self.there):
            raise CaseOver(Verdict.SKIPPED, f"needs {self.what}")


@dataclass(frozen=True, slots=True)
class If:
    """Go on with these steps if the last packet heard begins like this."""

    prefix: bytes
    steps: Steps

    async def play(self, stage: Stage) -> None:
        if stage.heard[-1].startswith(self.prefix):
            for step in self.steps:
                await step.play(stage)


@dataclass(frozen=True, slots=True)
class Feed:
    """Write into a fifo of the tree as soon as somebody reads it, in the background."""

    name: str
    data: bytes

    async def play(self, stage: Stage) -> None:
        path = Path(os.fsdecode(stage.names["tree"])) / self.name

        async def feed() -> None:
            await trio.to_thread.run_sync(path.write_bytes, self.data, abandon_on_cancel=True)

        stage.nursery.start_soon(feed)


@dataclass(frozen=True, slots=True)
class Known:
    """What the Director knows of a file of the tree: its stat record is that of the file now, but for `other`
    fields; a name that is not there gets zeros. Directories end in a slash. `checksum` is base64 text."""

    name: bytes
    other: tuple[tuple[str, int], ...] = ()
    checksum: bytes = b""
    delta: int = 0


@dataclass(frozen=True, slots=True)
class Accurate:
    """The list of an accurate job. `announced`: how many files the Director says there are."""

    files: tuple[Known, ...]
    announced: int | None = None

    async def play(self, stage: Stage) -> None:
        count = len(self.files) if self.announced is None else self.announced
        await Say(b"accurate files=%d\n" % count).play(stage)
        for file in self.files:
            name = os.path.join(stage.names["tree"], file.name)
            record = _record(name, dict(file.other))
            await Say(b"%b\0%b\0%b\0%d" % (name, record, file.checksum, file.delta)).play(stage)
        await SaySignal(-1).play(stage)


def _record(path: bytes, other: dict[str, int]) -> bytes:
    values = dict.fromkeys(STAT_FIELDS, 0)
    if os.path.lexists(path):
        there = os.lstat(path)
        values |= {name: int(getattr(there, f"st_{name}", 0)) for name in STAT_FIELDS[:13]} | {"stream": 2}
    values |= other
    return b" ".join(encoded(value) for value in values.values())


def encoded(value: int) -> bytes:
    """A number in radix 64 (protocol/04 §2.3)."""
    sign, value = (b"-", -value) if value < 0 else (b"", value)
    digits = bytearray()
    while True:
        digits.append(DIGITS[value % 64])
        value //= 64
        if not value:
            return sign + bytes(reversed(digits))

"""Steps about limits: heartbeats, speed, memory, clocks and crowds."""

import os
import time
from dataclasses import dataclass
from typing import Final

import trio

from fdconform.case import Step
from fdconform.expect import CLOSED, QUIET, shown
from fdconform.stage import Stage
from fdpeers.director import HEARTBEAT, DirectorSession


@dataclass(frozen=True, slots=True)
class Beats:
    """Within `within` seconds at least `least` heartbeats come, or with `least` 0 none; job messages may come too."""

    least: int
    within: float
    on: str = "dir"

    async def play(self, stage: Stage) -> None:
        deadline = trio.current_time() + self.within
        beats = 0
        while beats < self.least or not self.least:
            got = await stage.hear(self.on, deadline - trio.current_time(), raw=True)
            if got is QUIET:
                break
            if got is CLOSED:
                raise stage.fail("the connection has ended")
            beats += got == HEARTBEAT
            if got != HEARTBEAT and not (isinstance(got, bytes) and got.startswith(b"Jmsg ")):
                raise stage.fail(f"wanted heartbeats, got {shown(got)}")
        if beats < self.least or (beats and not self.least):
            raise stage.fail(f"{beats} heartbeats came within {self.within:g} s, not {self.least}")


@dataclass(frozen=True, slots=True)
class Takes:
    """These steps take at least `least` and at most `most` seconds."""

    steps: tuple[Step, ...]
    least: float
    most: float

    async def play(self, stage: Stage) -> None:
        began = trio.current_time()
        for step in self.steps:
            await step.play(stage)
        took = trio.current_time() - began
        if not self.least <= took <= self.most:
            raise stage.fail(f"it took {took:.1f} s, not {self.least:g} to {self.most:g} s")


@dataclass(frozen=True, slots=True)
class Bounded:
    """While these steps are taken the resident memory of the daemon grows by less than `size` bytes."""

    steps: tuple[Step, ...]
    size: int

    async def play(self, stage: Stage) -> None:
        before = stage.subject.resident()
        for step in self.steps:
            await step.play(stage)
        grown = stage.subject.resident() - before
        if grown > self.size:
            raise stage.fail(f"the daemon has grown by {grown >> 20} MiB, the limit is {self.size >> 20} MiB")


CROWD_LIMIT: Final = 30.0
"""Seconds for all connections of a crowd, on a machine that has other work too."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """`count` connections that say `data` and stay until these steps are over."""

    count: int
    data: bytes
    steps: tuple[Step, ...]

    async def play(self, stage: Stage) -> None:
        streams: list[trio.SocketStream] = []
        try:
            with trio.fail_after(CROWD_LIMIT):
                for _ in range(self.count):
                    stream = await trio.open_tcp_stream(stage.subject.host, stage.subject.port)
                    streams.append(stream)
                    if self.data:
                        await stream.send_all(self.data)
            for step in self.steps:
                await step.play(stage)
        finally:
            for stream in streams:
                await trio.aclose_forcefully(stream)


@dataclass(frozen=True, slots=True)
class ClockOff:
    """From now on the Director's clock is `seconds` ahead of ours."""

    seconds: float
    on: str = "dir"

    async def play(self, stage: Stage) -> None:
        line = stage.line(self.on)
        line.session = DirectorSession(line.link, 0, time.time, self.seconds)
        line.session.on_message = stage.messages.append


MESSAGE_TOLERANCE: Final = 120
"""Seconds that the clocks of two machines may differ where that is not what a case is about."""


@dataclass(frozen=True, slots=True)
class Timely:
    """All job messages carry the time of now."""

    async def play(self, stage: Stage) -> None:
        now = time.time()
        if not stage.messages:
            raise stage.fail("no job message came")
        for message in stage.messages:
            if abs(message.when - now) > MESSAGE_TOLERANCE:
                raise stage.fail(f"level={message.when}, though it is {now:.0f}: {shown(message.text)}")


@dataclass(frozen=True, slots=True)
class Deep:
    """A file at the end of a path of `depth` directories with names of 200 letters below the tree."""

    depth: int

    async def play(self, stage: Stage) -> None:
        await trio.to_thread.run_sync(self._dig, stage.fill(b"{tree}"))

    def _dig(self, tree: bytes) -> None:
        os.makedirs(tree, exist_ok=True)
        place = os.open(tree, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for _ in range(self.depth):
                os.mkdir(b"d" * 200, dir_fd=place)
                below = os.open(b"d" * 200, os.O_RDONLY | os.O_DIRECTORY, dir_fd=place)
                os.close(place)
                place = below
            bottom = os.open(b"bottom", os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=place)
            os.write(bottom, b"found")
            os.close(bottom)
        finally:
            os.close(place)

"""Steps that are many, or long, and short to write down."""

from dataclasses import dataclass

from fdconform.case import Step
from fdconform.stage import Stage
from fdconform.talk import Say


@dataclass(frozen=True, slots=True)
class Repeat:
    """The same steps again and again."""

    times: int
    steps: tuple[Step, ...]

    async def play(self, stage: Stage) -> None:
        for _ in range(self.times):
            for step in self.steps:
                await step.play(stage)


@dataclass(frozen=True, slots=True)
class SayLong:
    """One packet of `size` bytes: `text` and then nothing but `fill`, which is one byte."""

    text: bytes
    size: int
    fill: bytes = b"x"
    on: str = "dir"

    async def play(self, stage: Stage) -> None:
        await Say(stage.fill(self.text).ljust(self.size, self.fill), self.on).play(stage)

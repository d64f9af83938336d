"""Steps about time and about others: what must be quick, what goes on meanwhile, who calls whom."""

from dataclasses import dataclass

import trio

from fdconform.case import Step
from fdconform.stage import Stage
from fdconform.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Quick:
    """These steps must be over within `seconds`; up to `bearable` more is NON-STRICT."""

    steps: tuple[Step, ...]
    seconds: float = 3.0
    bearable: float = 0.0

    async def play(self, stage: Stage) -> None:
        began = trio.current_time()
        for step in self.steps:
            await step.play(stage)
        took = trio.current_time() - began
        if took > self.seconds + self.bearable:
            raise stage.fail(f"it took {took:.1f} s, not {self.seconds:g} s")
        if took > self.seconds:
            stage.note(Verdict.NON_STRICT, f"it took {took:.1f} s, not {self.seconds:g} s")


@dataclass(frozen=True, slots=True)
class CallClient:
    """The announced Storage daemon calls the File daemon, as for a passive client, and both prove themselves."""

    tls: bool = True
    called: str = "sd"

    async def play(self, stage: Stage) -> None:
        run, peer = stage.runs[self.called], stage.storage
        if peer is None:
            raise stage.fail("the case has announced no Storage daemon")

        async def call() -> None:
            await peer.dial(stage.subject.host, stage.subject.port, run, tls=self.tls)

        stage.nursery.start_soon(call)
        with trio.move_on_after(10) as scope:
            async with trio.open_nursery() as nursery:

                async def until(event: trio.Event) -> None:
                    await event.wait()
                    nursery.cancel_scope.cancel()

                nursery.start_soon(until, run.authenticated)
                nursery.start_soon(until, run.done)
        if scope.cancelled_caught:
            raise stage.fail("the daemon did not authenticate the Storage daemon within 10 s")
        if not run.authenticated.is_set():
            raise stage.fail(f"the Storage daemon was not let in: {run.error}")

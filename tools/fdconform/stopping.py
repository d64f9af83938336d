"""Steps that end the daemon under test, and see how its connections end."""

import signal
import subprocess
from dataclasses import dataclass

import trio

from fdconform.expect import CLOSED, QUIET, shown
from fdconform.stage import Stage


@dataclass(frozen=True, slots=True)
class Stop:
    """Tell the daemon to end, as a service manager does."""

    async def play(self, stage: Stage) -> None:
        process = stage.subject.process
        if process is None:
            raise stage.fail("the tester has not started this daemon")
        process.send_signal(signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class AllEnd:
    """All connections must end within `within` seconds, whatever comes before."""

    within: float = 15.0

    async def play(self, stage: Stage) -> None:
        open_still: list[str] = []

        async def drained(name: str) -> None:
            with trio.move_on_after(self.within):
                while (got := await stage.hear(name, self.within, raw=True)) is not CLOSED:
                    if got is QUIET:
                        break
                else:
                    return
            open_still.append(name)

        async with trio.open_nursery() as nursery:
            for name in stage.lines:
                nursery.start_soon(drained, name)
        if open_still:
            raise stage.fail(f"still open: {', '.join(sorted(open_still))}")


@dataclass(frozen=True, slots=True)
class Exits:
    """The daemon's process must end within `within` seconds, without a signal having killed it."""

    within: float = 15.0

    async def play(self, stage: Stage) -> None:
        process = stage.subject.process
        if process is None:
            raise stage.fail("the tester has not started this daemon")
        try:
            await trio.to_thread.run_sync(process.wait, self.within)
        except subprocess.TimeoutExpired:
            raise stage.fail(f"the daemon still runs after {self.within:g} s") from None
        if process.returncode < 0 and -process.returncode != signal.SIGTERM:
            raise stage.fail(f"the daemon ended by {shown(-process.returncode)}")

"""The live monitor: feed, keys and screen in one nursery. The screen is drawn on a timer, however fast news comes."""

import os
import signal
import sys
import termios
import tty
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final

import trio
from rich.console import Console, Group
from rich.live import Live

from fdmon.keys import keys
from fdmon.model import Model
from fdmon.screen import Link, screen
from fdmon.source import Connected, Event, Lost, Recorder, now
from fdmon.state import Choice, press

REFRESH: Final = 0.25
"""Seconds between two drawings when nothing was pressed; times count on, so it is drawn without news too."""

type Give = Callable[[Event], Awaitable[None]]
type Play = Callable[[Give], Awaitable[None]]


class App:
    """What is known, what the user chose, and how the feed is."""

    def __init__(self, where: str, *, recording: bool = False, recorder: Recorder | None = None) -> None:
        self.model = Model()
        self.choice = Choice()
        self.link = Link(where=where, recording=recording)
        self._where = where
        self._recording = recording
        self._recorder = recorder
        self._shown = self.model
        self._skew = 0.0
        self._held_at = 0.0
        self._wake = trio.Event()

    async def take(self, event: Event) -> None:
        """News from the feed."""
        match event:
            case Connected():
                self.link = Link("", self._where, self._recording)
            case Lost(why, pause):
                self.link = Link(f"{why}, again in {pause:.0f} s", self._where, self._recording)
            case str():
                self.model.take(event)
                self._skew = now() - self.model.time
                if self._recorder is not None:
                    self._recorder.write(event)

    @property
    def time(self) -> float:
        """The daemon's time."""
        if self.choice.paused:
            return self._held_at
        return self.model.time if self._recording else now() - self._skew

    def press(self, key: str) -> None:
        """A key."""
        before = self.time
        was_held = self.choice.paused
        self.choice = press(self.choice, key, self._shown)
        if self.choice.paused and not was_held:
            self._held_at, self._shown = before, _copy(self.model)
        elif was_held and not self.choice.paused:
            self._shown = self.model
        self._wake.set()

    def lines(self, width: int, height: int) -> Group:
        """The screen of this moment."""
        return Group(*screen(self._shown, self.choice, self.link, width, height, self.time))

    async def run(self, play: Play, console: Console) -> None:
        """Show what `play` gives until the user leaves."""
        with (
            _raw(sys.stdin.fileno()),
            Live(console=console, screen=True, auto_refresh=False, transient=True) as live,
        ):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(play, self.take)
                nursery.start_soon(self._read_keys)
                nursery.start_soon(self._resized)
                while not self.choice.leaving:
                    width, height = console.size
                    live.update(self.lines(width, height), refresh=True)
                    with trio.move_on_after(REFRESH):
                        await self._wake.wait()
                    self._wake = trio.Event()
                nursery.cancel_scope.cancel()

    async def _read_keys(self) -> None:
        handle = sys.stdin.fileno()
        while True:
            await trio.lowlevel.wait_readable(handle)
            data = os.read(handle, 1024)
            if not data:
                self.press("q")
                return
            for key in keys(data):
                self.press(key)

    async def _resized(self) -> None:
        with trio.open_signal_receiver(signal.SIGWINCH) as received:
            async for _number in received:
                self._wake.set()


@contextmanager
def _raw(handle: int) -> Iterator[None]:
    """Keys come at once and are not echoed; the terminal is as it was afterwards."""
    before = termios.tcgetattr(handle)
    try:
        tty.setcbreak(handle)
        yield
    finally:
        termios.tcsetattr(handle, termios.TCSADRAIN, before)


def _copy(model: Model) -> Model:
    """The model as it stands: its documents are never changed in place, only replaced."""
    copy = Model()
    copy.daemon = dict(model.daemon)
    copy.jobs = dict(model.jobs)
    copy.recent = list(model.recent)
    copy.time, copy.messages, copy.views = model.time, model.messages, model.views
    copy.rates = {key: kept.copy() for key, kept in model.rates.items()}
    return copy

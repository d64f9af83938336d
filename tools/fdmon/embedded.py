"""The live monitor inside another program that serves the daemon itself. It takes no keys and leaves no trace."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import trio
from rich.console import Console, Group
from rich.live import Live

from fdaemon.monitor.feed import Feed, Look
from fdmon.app import REFRESH, App
from fdmon.screen import screen
from fdmon.state import Choice

HEIGHT: Final = 12
_FOOT: Final = 2
"""Lines at the end of a screen that tell keys."""


@asynccontextmanager
async def shown(look: Look, console: Console) -> AsyncIterator[None]:
    """Show the daemon behind `look` while the block runs; nothing when the console is no terminal."""
    if not console.is_terminal:
        yield
        return
    feed, app = Feed(look), App("this program")
    with Live(console=console, auto_refresh=False, transient=True) as live:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(feed.run)
            nursery.start_soon(_follow, feed, app)
            nursery.start_soon(_draw, app, live, console)
            try:
                yield
            finally:
                nursery.cancel_scope.cancel()


async def _follow(feed: Feed, app: App) -> None:
    viewer = feed.join()
    while True:
        await app.take((await viewer.next(feed.full_view)).decode())


async def _draw(app: App, live: Live, console: Console) -> None:
    while True:
        width, height = console.size
        lines = screen(app.model, Choice(), app.link, width, min(HEIGHT, height - 1) + _FOOT, app.time)
        live.update(Group(*lines[:-_FOOT]), refresh=True)
        await trio.sleep(REFRESH)

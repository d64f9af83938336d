"""The command `fdmon`: the live monitor of a File Daemon. Without FEED it asks the daemon's configuration.

Exit status: 0 done; 1 no feed, or it was lost for good; 2 wrong command line; 130 interrupted."""

import argparse
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import trio
from rich.console import Console

from fdmon.app import App, Give
from fdmon.errors import MonitorError
from fdmon.model import Model
from fdmon.screen import Link, plain, screen
from fdmon.source import Event, Lost, Recorder, Target, first_view, follow, recorded, replay
from fdmon.state import Choice
from fdmon.target import ENVIRONMENT_TOKEN, find_target

ONCE_HEIGHT = 1000
"""Lines a snapshot may have; empty ones at its end are left out."""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="fdmon", description=__doc__)
    made.add_argument(
        "feed",
        nargs="?",
        metavar="FEED",
        help="HOST:PORT, ws://HOST:PORT, wss://HOST:PORT, or a socket's path",
    )
    made.add_argument(
        "-c", "--config", metavar="PATH", help="the daemon's configuration, to take feed and token from"
    )
    made.add_argument(
        "--token-file", type=Path, metavar="FILE", help=f"or the token in the variable {ENVIRONMENT_TOKEN}"
    )
    made.add_argument("--ca", metavar="FILE", help="PEM file with the authority of the feed's certificate")
    how = made.add_mutually_exclusive_group()
    how.add_argument(
        "--once", action="store_true", help="print one picture and leave; with --json: the full view"
    )
    how.add_argument("--replay", type=Path, metavar="FILE", help="show a recording instead of a feed")
    made.add_argument("--json", action="store_true", help="print the feed as lines of JSON")
    made.add_argument("--record", type=Path, metavar="FILE", help="also write what comes, one message a line")
    made.add_argument("--speed", type=float, default=1.0, metavar="N", help="of a replay; 0: without pauses")
    made.add_argument(
        "--no-color", action="store_true", help="no colours (the variable NO_COLOR does the same)"
    )
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; gives the exit status."""
    options = parser().parse_args(argv)
    status = 0
    try:
        _run(options)
    except* MonitorError as group:
        print(f"fdmon: {_first(group)}", file=sys.stderr)
        status = 1
    except* KeyboardInterrupt:
        status = 130
    except* BrokenPipeError:  # whoever read our lines has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return status


def _run(options: argparse.Namespace) -> None:
    target = None if options.replay else find_target(options)
    if options.json and options.once and target is not None:
        _print(trio.run(first_view, target))
    elif options.once and target is not None:
        _once(trio.run(first_view, target), target, options)
    elif options.json:
        trio.run(_lines, target, options)
    else:
        _live(target, options)


def _console(options: argparse.Namespace) -> Console:
    return Console(no_color=options.no_color or None, highlight=False, markup=False)


def _once(message: str, target: Target, options: argparse.Namespace) -> None:
    model = Model()
    model.take(message)
    console = _console(options)
    width = max(80, console.size.width)
    lines = screen(model, Choice(), Link(where=target.shown), width, ONCE_HEIGHT, model.time)[:-2]
    while lines and not lines[-1].plain.strip():
        lines.pop()
    if console.is_terminal:
        for line in lines:
            console.print(line, soft_wrap=True)
    else:
        sys.stdout.write(plain(lines))


def _recorder(options: argparse.Namespace) -> Recorder | None:
    return Recorder(options.record) if options.record else None


async def _lines(target: Target | None, options: argparse.Namespace) -> None:
    """Messages on standard output, complaints on standard error."""
    recorder = _recorder(options)

    async def give(event: Event) -> None:
        if isinstance(event, Lost):
            print(f"fdmon: {event.why}; again in {event.pause:g} s", file=sys.stderr, flush=True)
        elif isinstance(event, str):
            _print(event)
            if recorder is not None:
                recorder.write(event)

    if target is None:
        async for message in recorded(options.replay):
            _print(message)
    else:
        await follow(target, give)


def _live(target: Target | None, options: argparse.Namespace) -> None:
    console = _console(options)
    if not (console.is_terminal and sys.stdin.isatty()):
        raise MonitorError("this is no terminal: use --once or --json")

    async def play(give: Give) -> None:
        if target is not None:
            await follow(target, give)
        else:
            await replay(options.replay, give, speed=options.speed, sleep=trio.sleep)

    where = target.shown if target is not None else str(options.replay)
    app = App(where, recording=target is None, recorder=_recorder(options))
    trio.run(partial(app.run, play, console))


def _print(line: str) -> None:
    print(line, flush=True)


def _first(group: BaseException) -> BaseException:
    return _first(group.exceptions[0]) if isinstance(group, BaseExceptionGroup) else group


if __name__ == "__main__":
    sys.exit(main())

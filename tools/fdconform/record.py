"""`fdconform record`: runs the relay until it is interrupted, and writes what passes as a recording."""

import argparse
import signal
import sys
import time
from functools import partial
from pathlib import Path
from typing import TextIO

import trio

from fdconform.relay import Address, Relay, Route, routes
from fdpeers.transcript import Transcript


def add_record(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The subcommand `record`."""
    parser = commands.add_parser(
        "record",
        help="record a session between real daemons",
        description="Let the Director's Client resource name the address of --fd, and --record sessions until Ctrl-C.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the recording to write, *.jsonl")
    way = "HOST:PORT to listen on, and where the real daemon is"
    parser.add_argument("--fd", nargs=2, required=True, metavar=("LISTEN", "DAEMON"), help=way)
    parser.add_argument(
        "--sd",
        nargs="+",
        metavar="LISTEN",
        help="HOST:PORT to listen on; the Storage daemon is where the Director says, or at a second HOST:PORT",
    )
    parser.add_argument("--password", default="", help="of the Director at the File daemon, for TLS")
    parser.add_argument(
        "--storage-password", default="", help="of the Director at the Storage daemon, for TLS"
    )
    parser.set_defaults(act=record)


def record(options: argparse.Namespace) -> int:
    """Relay until SIGINT or SIGTERM; 2 for a command line that makes no sense or a port that is taken."""
    try:
        fd, fd_target = map(Address.parse, options.fd)
        places = [Address.parse(text) for text in options.sd or ()]
        if len(places) > 2:
            raise ValueError("--sd takes one or two addresses")
    except ValueError as error:
        print(f"fdconform: {error}", file=sys.stderr)
        return 2
    to_fd, to_sd = routes(
        fd_target, places[1] if len(places) > 1 else None, options.password, options.storage_password
    )
    ways = [(fd, to_fd), *((place, to_sd) for place in places[:1])]
    problem = ""
    try:
        with options.file.open("w", buffering=1) as out:
            trio.run(_until_stopped, ways, out)
    except* OSError as failed:
        problem = "; ".join(str(error) for error in failed.exceptions)
    if problem:
        print(f"fdconform: {problem}", file=sys.stderr)
        return 2
    return 0


async def _until_stopped(ways: list[tuple[Address, Route]], out: TextIO) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:
            await nursery.start(relaying, ways, Transcript(time.monotonic, out))
            print("recording; Ctrl-C ends it", file=sys.stderr, flush=True)
            async for _ in signals:
                nursery.cancel_scope.cancel()
                return


async def relaying(
    ways: list[tuple[Address, Route]],
    transcript: Transcript,
    *,
    task_status: trio.TaskStatus[list[int]] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Relay on all ways until cancelled; reports the ports as it starts. A port 0 is any that is free."""
    relay = Relay(transcript)
    ports: list[int] = []
    async with trio.open_nursery() as nursery:
        for place, route in ways:
            listeners = await nursery.start(
                partial(trio.serve_tcp, partial(relay.serve, route), place.port, host=place.host)
            )
            port = int(listeners[0].socket.getsockname()[1])
            ports.append(port)
            if route.name == "sd":
                relay.storage = Address(place.host, port)
        task_status.started(ports)

"""A Storage peer in a process of its own, for benchmarks: jobs are announced as JSON lines on its standard
input, and what became of
them comes back as JSON lines on its standard output. Measures nothing itself."""

import argparse
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import trio

from fdpeers.errors import PeersError
from fdpeers.sinks import DiscardSink
from fdpeers.sources import Piece, Replay, VolumeSource
from fdpeers.storage import StoragePeer
from fdpeers.storage_session import JobRun, JobTicket
from fdpeers.volume_reader import read_records

EVERYTHING: Final = ((1, 2**31 - 1),)
"""All file indexes."""


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m fdpeers.storage", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--discard", action="store_true", help="take backups and keep nothing (the default)")
    parser.add_argument(
        "--replay", type=Path, metavar="VOLUME", help="send this volume's first job to every restore"
    )
    return parser


def load_replay(volume: Path) -> Replay:
    """The first job on `volume`, as wire bytes in memory."""
    with volume.open("rb", buffering=0) as file:
        first = next(record for record in read_records(file) if record.file_index > 0)
    piece = Piece(volume.name, first.session_id, first.session_time, EVERYTHING)
    return Replay.of(VolumeSource(volume.parent, [piece]))


async def _run(host: str, port: int, replay: Replay | None) -> None:
    peer = StoragePeer()
    async with trio.open_nursery() as nursery:
        _say({"listening": await nursery.start(lambda **kw: peer.serve(host=host, port=port, **kw))})
        reader = trio.wrap_file(sys.stdin.buffer)
        while line := await reader.readline():
            order = json.loads(line)
            ticket = JobTicket(
                job=order["job"].encode(),
                key=order["key"].encode(),
                session_id=order.get("session_id", 1),
                session_time=order.get("session_time", 1),
                sink=DiscardSink(),
                source=replay,
            )
            nursery.start_soon(_report, peer, peer.announce(ticket))
        nursery.cancel_scope.cancel()


async def _report(peer: StoragePeer, run: JobRun) -> None:
    _say({"announced": run.ticket.job.decode()})
    await run.done.wait()
    peer.forget(run)
    figures = run.figures
    _say(
        {
            "done": run.ticket.job.decode(),
            "status": run.status,
            "error": run.error,
            "files": figures.files,
            "records": figures.records,
            "bytes": figures.size,
        }
    )


def _say(message: dict[str, object]) -> None:
    print(json.dumps(message), flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry of `python -m fdpeers.storage`. Ends when its standard input does."""
    options = _arguments().parse_args(argv)
    replay = load_replay(options.replay) if options.replay else None
    trio.run(_run, options.host, options.port, replay)
    return 0


class OutsideStorage:
    """Handle on a Storage peer in another process."""

    def __init__(self, process: trio.Process, port: int, lines: "_Lines") -> None:
        self.process = process
        self.port = port
        self._lines = lines

    async def announce(self, job: str, key: str, *, session_id: int = 1, session_time: int = 1) -> None:
        """Have it accept this job. Returns when it does."""
        order = {"job": job, "key": key, "session_id": session_id, "session_time": session_time}
        stdin = self.process.stdin
        assert stdin is not None
        await stdin.send_all(json.dumps(order).encode() + b"\n")
        answer = await self._lines.next()
        if answer.get("announced") != job:
            raise PeersError(f"the storage process said {answer}")

    async def result(self) -> dict[str, Any]:
        """What became of the next job to end: keys done, status, error, files, records, bytes."""
        return await self._lines.next()


class _Lines:
    def __init__(self, stream: trio.abc.ReceiveStream) -> None:
        self._stream = stream
        self._buffer = b""

    async def next(self) -> dict[str, Any]:
        while b"\n" not in self._buffer:
            data = await self._stream.receive_some()
            if not data:
                raise PeersError("the storage process ended")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message


@asynccontextmanager
async def storage_process(*, replay: Path | None = None) -> AsyncIterator[OutsideStorage]:
    """Start `python -m fdpeers.storage` and stop it at the end of the block."""
    command = [sys.executable, "-m", "fdpeers.storage", "--discard"]
    if replay is not None:
        command += ["--replay", str(replay)]
    process = await trio.lowlevel.open_process(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        lines = _Lines(process.stdout)
        yield OutsideStorage(process, (await lines.next())["listening"], lines)
    finally:
        with trio.CancelScope(shield=True, deadline=trio.current_time() + 10):
            await process.stdin.aclose()
            await process.wait()
        if process.returncode is None:
            process.kill()
        await process.stdout.aclose()

"""One File Daemon connection as the real Storage daemon conducts it (protocol/07 §4.2 to §4.5): replies
compared and sent whole.
"""

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, assert_never

import trio

from fdpeers.append import Figures
from fdpeers.errors import LinkClosed, PeersError, StreamRefused, Unexpected, VolumeError
from fdpeers.faults import Act, Fault, Step
from fdpeers.link import EOD, TERMINATE, Link
from fdpeers.sinks import DiscardSink, Sink
from fdpeers.sources import Source, batches

_READ_SIZE: Final = 1 << 20
"""Buffer of the counting reader: large enough that a system call costs nothing per byte."""


@dataclass(frozen=True, slots=True)
class JobTicket:
    """A job announced to the Storage peer. `key` is its session key; `sink` serves a backup, `source` a
    restore.
    """

    job: bytes
    key: bytes
    session_id: int
    session_time: int
    sink: Sink | None = None
    source: Source | None = None
    faults: tuple[Fault, ...] = ()


@dataclass(slots=True)
class JobRun:
    """What became of an announced job. `status` is the Storage daemon's letter: C waiting, R running, T
    good, f failed, A canceled.

    `figures` moves while data flows; `done` is set when the connection is over and the data is stored.
    """

    ticket: JobTicket
    figures: Figures = field(default_factory=Figures)
    status: str = "C"
    error: str = ""
    commands: list[bytes] = field(default_factory=list)
    cipher: str = "None"
    authenticated: trio.Event = field(default_factory=trio.Event)
    done: trio.Event = field(default_factory=trio.Event)
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    taken: bool = False

    def fail(self, text: str) -> None:
        """The first failure sticks."""
        if self.status not in ("f", "A"):
            self.status, self.error = "f", text

    def cancel(self) -> None:
        """What `cancel Job=` does to the Storage daemon: the File Daemon's connection is dropped."""
        if not self.done.is_set():
            self.status, self.error = "A", "canceled"
            self.scope.cancel()


class HungUp(PeersError):
    """The dialogue ended early, by a fault or by a refusal; the reason is in the run."""


class StorageSession:
    """The command loop of one authenticated connection."""

    def __init__(self, link: Link, run: JobRun) -> None:
        self.link = link
        self.run = run
        self._open: str | None = None
        self._faults = list(run.ticket.faults)

    async def converse(self) -> None:
        """Serve commands until TERMINATE or the end of the connection. Raises HungUp, LinkClosed."""
        self.run.status = "R"
        self.run.authenticated.set()
        while True:
            command = await self.link.receive()
            if command == TERMINATE:
                return
            if isinstance(command, int) or not command:
                continue
            self.run.commands.append(command)
            await self._serve(command)

    async def _serve(self, command: bytes) -> None:
        ticket = self.run.ticket
        if command.startswith(b"append open"):
            if self._open:
                await self._hang_up(b"3901 Error session already open\n")
            await self.meet(Step.APPEND_OPEN)
            if ticket.sink is None:
                await self._hang_up(b"3900 Invalid command\n")
            self._open = "append"
            await self.link.send(b"3000 OK open ticket = %d\n" % ticket.session_id)
        elif command.startswith(b"append data"):
            await self._need("append")
            await self.meet(Step.APPEND_DATA)
            await self.link.send(b"3000 OK data\n")
            await self._append()
        elif command.startswith(b"append end"):
            await self._need("append")
            await self.meet(Step.APPEND_END)
            await self.link.send(b"3000 OK end\n")
        elif command.startswith(b"append close"):
            await self._need("append")
            await self.meet(Step.APPEND_CLOSE)
            await self._close()
        elif command.startswith(b"read open"):
            if self._open:
                await self._hang_up(b"3901 Error session already open\n")
            await self.meet(Step.READ_OPEN)
            self._open = "read"
            await self.link.send(b"3000 OK open ticket = %d\n" % ticket.session_id)
        elif command.startswith(b"read data"):
            await self._need("read")
            await self.meet(Step.READ_DATA)
            if ticket.source is None:
                await self._hang_up(b"3000 error\n")
                return
            await self.link.send(b"3000 OK data\n")
            await self._read(ticket.source)
        elif command.startswith(b"read close"):
            await self._need("read")
            await self.meet(Step.READ_CLOSE)
            await self._close()
        else:
            await self._hang_up(b"3900 Invalid command\n")

    async def _need(self, kind: str) -> None:
        if self._open != kind:
            await self._hang_up(b"3902 Error session not opened\n")

    async def _close(self) -> None:
        status = "T" if self.run.status == "R" else self.run.status
        await self.link.send(b"3000 OK close Status = %d\n" % ord(status))
        await self.link.send_signal(EOD)
        self._open = None

    async def _hang_up(self, reply: bytes) -> None:
        await self.link.send(reply)
        self.run.fail(f"Command error with FD, hanging up. {reply.decode(errors='replace').strip()}")
        await self.link.send_signal(TERMINATE)
        raise HungUp(self.run.error)

    async def _append(self) -> None:
        sink = self.run.ticket.sink
        assert sink is not None
        self.run.figures = sink.figures
        try:
            if isinstance(sink, DiscardSink):
                await self._count(sink)
            else:
                await self._store(sink)
            if sink.leftover:
                raise StreamRefused(f"{len(sink.leftover)} bytes after the end of data, before our reply")
        except (LinkClosed, HungUp):
            raise
        except (PeersError, OSError) as error:
            self.run.fail(str(error))
            await self.link.send(b"3999 Failed append\n")
            await self.link.send(b"3903 Error append data\n")
            await self.link.send_signal(TERMINATE)
            raise HungUp(str(error)) from error
        await self.meet(Step.DATA_END)
        await self.link.send(b"3000 OK append data\n")

    async def _store(self, sink: Sink) -> None:
        received = 0
        while not sink.ended:
            await self.meet(Step.DATA, received)
            chunk = await self.link.receive_chunk()
            received += len(chunk)
            await trio.to_thread.run_sync(sink.feed, chunk)

    async def _count(self, sink: DiscardSink) -> None:
        buffer = bytearray(_READ_SIZE)
        view = memoryview(buffer)
        received = 0
        while not sink.ended:
            if self._faults:
                await self.meet(Step.DATA, received)
            size = await self.link.receive_into(view)
            received += size
            sink.feed(view[:size])

    async def _read(self, source: Source) -> None:
        figures = self.run.figures = source.figures
        is_slow = any(fault.step is Step.RECORDS for fault in self._faults)
        packets: Iterator[bytes] = source.packets()
        sent = 0
        pieces = packets if is_slow else batches(packets)
        try:
            while (piece := await trio.to_thread.run_sync(next, pieces, None)) is not None:
                if is_slow:
                    await self.meet(Step.RECORDS, sent)
                await self.link.send_wire(piece)
                sent += 1
                figures.size += len(piece)
        except (VolumeError, OSError) as error:
            self.run.fail(str(error))
        await self.meet(Step.RECORDS_END)
        await self.link.send_signal(EOD)

    async def meet(self, step: Step, progress: int = 0) -> None:
        """Let the planned fault for this step happen, if it is due. Raises HungUp where the fault ends the
        dialogue.
        """
        for fault in self._faults:
            if fault.step is step and progress >= fault.after:
                self._faults.remove(fault)
                await self._strike(fault)
                return

    async def _strike(self, fault: Fault) -> None:
        match fault.act:
            case Act.SEND:
                await self.link.send_wire(fault.payload)
                return
            case Act.REPLY:
                await self._hang_up(fault.payload)
            case Act.STALL:
                await trio.sleep_forever()
            case Act.RESET:
                reset(self.link)
            case Act.CLOSE:
                pass
            case _:
                assert_never(fault.act)
        self.run.fail(f"planned {fault.act.name} at {fault.step.name}")
        raise HungUp(self.run.error)


def reset(link: Link) -> None:
    """Make the coming close a TCP reset, where the link's transport is a socket."""
    transport = getattr(link.stream, "transport", link.stream)
    if isinstance(transport, trio.SocketStream):
        transport.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def blame(run: JobRun, error: BaseException) -> None:
    """Note in `run` why its connection ended early."""
    match error:
        case HungUp():
            pass
        case LinkClosed() | Unexpected():
            run.fail(f"Network error with FD: {error}")
        case _:
            run.fail(str(error))


def has_closed_session(run: JobRun) -> bool:
    """Whether the File Daemon closed its session in order."""
    return any(command.startswith((b"append close", b"read close")) for command in run.commands)

"""The Storage peer: accepts File Daemons for announced jobs, takes their records or sends records back.
Runs inside a trio program
or, as `python -m fdpeers.storage`, in a process of its own. Never decides what a job contains: that is the
ticket's business."""

from contextlib import suppress
from functools import partial
from typing import Final

import trio
from trio.abc import Stream

from fdpeers.errors import AuthenticationFailed, LinkClosed, PeersError
from fdpeers.faults import Step
from fdpeers.link import Link, challenge, respond
from fdpeers.storage_session import JobRun, JobTicket, StorageSession, blame, has_closed_session
from fdpeers.tls import CHUNK, TlsStream, client_context, server_context
from fdpeers.transcript import Transcript

_HANDSHAKE_LIMIT: Final = 600
"""Seconds for hello and both challenges (protocol/01 §6.5)."""

_SETTLE_LIMIT: Final = 60
"""Seconds to write the last block and wait for the disk, when the job was canceled meanwhile."""

_HELLO: Final = b"Hello Start Job "
_TLS_RECORD: Final = 0x16


class StoragePeer:
    """A Storage daemon for File Daemons. `name` appears in its challenge."""

    def __init__(self, name: str = "fdpeers-sd", transcript: Transcript | None = None) -> None:
        self._name = b"R_STORAGE::" + name.encode()
        self._transcript = transcript
        self._runs: dict[bytes, JobRun] = {}
        self.port = 0

    def announce(self, ticket: JobTicket) -> JobRun:
        """Accept a File Daemon for this job from now on."""
        if ticket.job in self._runs:
            raise ValueError(f"job {ticket.job!r} is announced already")
        run = self._runs[ticket.job] = JobRun(ticket)
        return run

    def forget(self, run: JobRun) -> None:
        """Take an announcement back, and end its connection if there is one."""
        self._runs.pop(run.ticket.job, None)
        run.cancel()

    async def serve(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Listen until canceled. Reports the port number once it listens."""
        listeners = await trio.open_tcp_listeners(port, host=host)
        self.port = listeners[0].socket.getsockname()[1]
        task_status.started(self.port)
        await trio.serve_listeners(self._accept, listeners)

    async def dial(self, host: str, port: int, run: JobRun, *, tls: bool) -> None:
        """Serve a passive client: connect to it, name the job, and go on as if it had called us. Returns at
        the end.
        """
        ticket = run.ticket
        stream: Stream = await trio.open_tcp_stream(host, port)
        run.taken = True
        try:
            if tls:
                wrapped = TlsStream(
                    stream, client_context(b"R_JOB\x1e" + ticket.job, ticket.key), server=False
                )
                await wrapped.handshake()
                stream, run.cipher = wrapped, wrapped.cipher
        except PeersError as error:
            blame(run, error)
            await trio.aclose_forcefully(stream)
            run.done.set()
            return
        await self._conduct(StorageSession(self._link(stream, "sd-fd"), run), dialled=True)

    async def _accept(self, transport: trio.SocketStream) -> None:
        session = None
        with trio.move_on_after(_HANDSHAKE_LIMIT):
            with suppress(PeersError, OSError, trio.BrokenResourceError):
                session = await self._identify(transport)
        if session is None:
            # As the real daemon: an unknown caller is closed without a word.
            await trio.aclose_forcefully(transport)
            return
        await self._conduct(session, dialled=False)

    async def _identify(self, transport: trio.SocketStream) -> StorageSession | None:
        early = await transport.receive_some(CHUNK)
        if not early:
            return None
        stream: Stream = transport
        cipher = "None"
        if early[0] == _TLS_RECORD:
            tls = TlsStream(transport, server_context(self._key_of), server=True, early=early)
            await tls.handshake()
            stream, early, cipher = tls, b"", tls.cipher
        link = self._link(stream, "fd-sd", early)
        run = self._find(await link.receive())
        if run is None:
            return None
        run.taken = True
        run.cipher = cipher
        return StorageSession(link, run)

    async def _authenticate(self, session: StorageSession, *, dialled: bool) -> None:
        link, run = session.link, session.run
        key, policy = run.ticket.key, 0 if run.cipher == "None" else 4
        if dialled:
            await link.send(b"Hello Storage calling Start Job %s\n" % run.ticket.job)
            await respond(link, key)
            await challenge(link, b"File daemon", key, policy=policy, compatible=False)
            return
        await session.meet(Step.HELLO)
        await challenge(link, self._name, key, policy=policy, compatible=True)
        await respond(link, key)

    def _find(self, hello: bytes | int) -> JobRun | None:
        if isinstance(hello, int) or not hello.startswith(_HELLO) or not 25 <= len(hello) <= 158:
            return None
        run = self._runs.get(hello[len(_HELLO) :].split(b" ")[0].rstrip(b"\n"))
        return None if run is None or run.taken else run

    def _key_of(self, identity: str) -> bytes:
        kind, _, name = identity.partition("\x1e")
        run = self._runs.get(name.encode("utf-8", "surrogateescape"))
        return b"" if kind != "R_JOB" or run is None else run.ticket.key

    def _link(self, stream: Stream, kind: str, early: bytes = b"") -> Link:
        recording = self._transcript.open(kind, "sd", "fd") if self._transcript else None
        return Link(stream, recording, early)

    async def _conduct(self, session: StorageSession, *, dialled: bool) -> None:
        """The whole dialogue, then the end of the job: whatever happens, the run is settled."""
        run = session.run
        try:
            with run.scope:
                try:
                    with trio.fail_after(_HANDSHAKE_LIMIT):
                        await self._authenticate(session, dialled=dialled)
                    await session.meet(Step.AUTHENTICATED)
                    await session.converse()
                except AuthenticationFailed:
                    run.fail("Unable to authenticate File daemon")
                except LinkClosed as error:
                    # The File Daemon leaves a read session without reading our last signal: a reset after
                    # its close is no failure.
                    if not has_closed_session(run):
                        blame(run, error)
                except (PeersError, trio.TooSlowError) as error:
                    blame(run, error)
        finally:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + _SETTLE_LIMIT):
                await session.link.aclose()
                await self._settle(run)
            run.done.set()

    async def _settle(self, run: JobRun) -> None:
        if run.status == "R":
            if has_closed_session(run):
                run.status = "T"
            else:
                run.fail("the FD ended the session early")
        sink = run.ticket.sink
        if sink is not None:
            try:
                await trio.to_thread.run_sync(partial(sink.finish, run.status))
            except OSError as error:
                run.fail(f"cannot finish the volume: {error.strerror}")


if __name__ == "__main__":
    from fdpeers.outside import main

    raise SystemExit(main())

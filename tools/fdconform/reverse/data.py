"""The played File daemon's side of a Storage daemon connection: dial, introduce, and say what a case says."""

import re
import struct
from typing import Final, assert_never

import trio
from trio.abc import Stream

from fdconform.expect import CLOSED, QUIET, Got, Like, Wanted, meets, shown
from fdconform.reverse.case import DataLogin, SdClose, SdHear, SdHearRecords, SdMove, SdRaw, SdSay, SdSignal
from fdconform.reverse.notes import Notes
from fdconform.verdicts import Verdict
from fdpeers.errors import LinkClosed
from fdpeers.link import Link, challenge, respond
from fdpeers.tls import TlsStream, client_context

PATIENCE: Final = 20.0
"""Seconds for the Storage daemon to answer; it may have to label a volume first."""
_HEARTBEATS: Final = (-6, -7)
_RECORD: Final = re.compile(rb"rechdr \d+ \d+ (-?\d+) (-?\d+) (\d+)")


class DataConnection:
    """One connection to the Storage daemon. What it does wrong goes to `notes`, and ends the dialogue."""

    def __init__(self, notes: Notes, link: Link) -> None:
        self._notes = notes
        self._link = link

    @classmethod
    async def dial(cls, notes: Notes, login: DataLogin, *, tls: bool) -> "DataConnection":
        """Connect as the job that `notes` names. Raises AuthenticationFailed, LinkClosed, OSError."""
        names = notes.names
        wrong = login is DataLogin.WRONG_KEY
        key = b"WRON-GKEY-WRON-GKEY-WRON-GKEY-WRON-GKEY" if wrong else names["key"]
        job = b"no-such-job.2026-11-23_05.00.00_00" if login is DataLogin.UNKNOWN_JOB else names["job"]
        stream: Stream = await trio.open_tcp_stream(names["sd_host"].decode(), int(names["sd_port"]))
        try:
            if tls:
                wrapped = TlsStream(stream, client_context(b"R_JOB\x1e" + job, key), server=False)
                await wrapped.handshake()
                stream = wrapped
            link = Link(stream, notes.transcript.open("fd-sd", "fd", "sd"))
            hello = b"append open session\n" if login is DataLogin.NO_HELLO else b"Hello Start Job %b\n" % job
            await link.send(hello)
            await respond(link, key)
            await challenge(
                link, b"R_CLIENT::" + names["client"], key, policy=4 if tls else 0, compatible=False
            )
        except BaseException:
            await trio.aclose_forcefully(stream)
            raise
        return cls(notes, link)

    async def close(self) -> None:
        """Hang up."""
        await self._link.aclose()

    async def converse(self, moves: tuple[SdMove, ...]) -> bool:
        """Make all moves. False when one went wrong, which is noted."""
        for move in moves:
            try:
                if not await self._make(move):
                    return False
            except LinkClosed as error:
                self._notes.note(Verdict.FAIL, f"the Storage daemon hung up: {error}")
                return False
        return True

    async def _make(self, move: SdMove) -> bool:
        match move:
            case SdSay(text):
                await self._link.send(self._notes.fill(text))
            case SdSignal(number):
                await self._link.send_signal(number)
            case SdRaw(data):
                await self._link.send_wire(data)
            case SdClose():
                await self._link.aclose()
            case SdHear(wanted, lenient):
                return self._judge(await self._hear(), wanted, lenient)
            case SdHearRecords(streams):
                return await self._records(streams)
            case _:
                assert_never(move)
        return True

    async def _hear(self) -> Got:
        with trio.move_on_after(PATIENCE):
            try:
                while (got := await self._link.receive()) in _HEARTBEATS:
                    pass
            except LinkClosed:
                return CLOSED
            return got
        return QUIET

    def _judge(self, got: Got, wanted: Wanted, lenient: tuple[Wanted, ...]) -> bool:
        if meets(got, wanted):
            if (
                isinstance(wanted, Like)
                and isinstance(got, bytes)
                and (found := re.match(wanted.pattern, got))
            ):
                self._notes.names |= found.groupdict()
            return True
        text = f"Storage daemon: wanted {shown(wanted)}, got {shown(got)}"
        if any(meets(got, other) for other in lenient):
            self._notes.note(Verdict.NON_STRICT, text)
            return True
        self._notes.note(Verdict.FAIL, text)
        return False

    async def _records(self, streams: frozenset[int]) -> bool:
        missing = set(streams)
        while isinstance(header := await self._hear(), bytes):
            found = _RECORD.fullmatch(header)
            data = await self._hear() if found else None
            if found is None or not isinstance(data, bytes) or len(data) != int(found[3]):
                self._notes.note(Verdict.FAIL, f"Storage daemon: no record: {shown(header)}")
                return False
            missing.discard(int(found[2]))
        if missing or header != -1:
            self._notes.note(
                Verdict.FAIL, f"Storage daemon: streams {sorted(missing)} missing before {shown(header)}"
            )
            return False
        return True


def oversized() -> SdRaw:
    """A header above the limit, with the beginning of its packet."""
    return SdRaw(struct.pack(">i", 1_000_001) + b"x" * 64)

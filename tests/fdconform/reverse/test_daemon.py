"""The played File daemon, with fdpeers' Director and Storage daemon in the places of the real ones."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest
import trio

from fdconform.expect import Like
from fdconform.reverse.case import (
    FILES,
    GRANTED,
    READ,
    Answer,
    DataLogin,
    Login,
    Plan,
    SdHear,
    SdSay,
    append,
)
from fdconform.reverse.daemon import PlayedDaemon
from fdconform.reverse.notes import Notes
from fdconform.verdicts import Verdict
from fdpeers.cram import password_key
from fdpeers.director import DirectorPeer, DirectorSession
from fdpeers.errors import AuthenticationFailed, LinkClosed, PeersError, Unexpected
from fdpeers.sinks import MemorySink, StoredRecord
from fdpeers.sources import MemorySource
from fdpeers.storage import StoragePeer
from fdpeers.storage_session import JobTicket

KEY = b"ABCD-EFGH-IJKL-MNOP-ABCD-EFGH-IJKL-MNOP"
JOB = b"played.2026-11-23_05.00.00_07"
STORED = [StoredRecord(p.file_index, p.stream, data) for p in FILES for data in p.packets]


@dataclass
class Site:
    """A played daemon and a Storage daemon that listen."""

    daemon: PlayedDaemon
    notes: Notes
    storage: StoragePeer
    storage_port: int
    peer: DirectorPeer
    sink: MemorySink

    async def orders(self, session: DirectorSession) -> None:
        """Everything before the order that moves data."""
        line = b"JobId=7 Job=%b SDid=1 SDtime=2 Authorization=%b ssl=4\n"
        await session.send(line % (JOB, KEY))
        await session.expect_prefix(b"2000 OK Job")
        await session.send(b"level = full  mtime_only=0 \n")
        await session.expect(b"2000 OK level\n")
        await session.send(b"fileset\n")
        await session.send(b"I\n")
        await session.send_signal(-1)
        await session.expect(b"2000 OK include\n")
        await session.send(b"storage address=127.0.0.1 port=%d ssl=4\n" % self.storage_port)
        await session.expect(b"2000 OK storage\n")


@asynccontextmanager
async def played(nursery: trio.Nursery, plan: Plan, *, restore: bool = False) -> AsyncIterator[Site]:
    """The daemon with this plan, and a Storage daemon that expects one job."""
    daemon = PlayedDaemon("conform-fd1", password_key("secret"), trio.Semaphore(1))
    notes = daemon.begin(plan)
    listeners = await nursery.start(trio.serve_tcp, daemon.serve, 0)
    port = int(listeners[0].socket.getsockname()[1])
    storage, sink = StoragePeer("sd"), MemorySink()
    storage_port = await nursery.start(storage.serve)
    source = MemorySource(STORED, session_id=1, session_time=2) if restore else None
    storage.announce(JobTicket(JOB, KEY, 1, 2, sink=None if restore else sink, source=source))
    peer = DirectorPeer("dir", password="secret", port=port)
    yield Site(daemon, notes, storage, storage_port, peer, sink)


async def test_a_good_backup(nursery: trio.Nursery) -> None:
    async with played(nursery, Plan()) as site, site.peer.connect() as session:
        await site.orders(session)
        await session.send(b"backup FileIndex=0\n")
        await session.expect(b"2000 OK backup\n")
        end = await session.job_end()

    assert (end.status, end.files, end.job_bytes) == ("T", 3, 24)
    assert site.notes.findings == []
    assert site.sink.records == STORED
    assert site.notes.holds


async def test_a_restore_looks_at_the_records(nursery: trio.Nursery) -> None:
    async with played(nursery, Plan(data=READ), restore=True) as site, site.peer.connect() as session:
        await site.orders(session)
        await session.send(b"restore replace=a prelinks=0 where=/x\n")
        await session.expect(b"2000 OK restore\n")
        await session.expect(b"2000 OK storage end\n")
        await session.send(b"endrestore")
        assert (await session.job_end()).status == "T"

    assert site.notes.findings == []


async def test_what_the_storage_daemon_does_wrong_is_noted(nursery: trio.Nursery) -> None:
    plan = Plan(data=(SdSay(b"append open session\n"), SdHear(Like(rb"3901 .*"))))
    async with played(nursery, plan) as site, site.peer.connect() as session:
        await site.orders(session)
        await session.send(b"backup FileIndex=0\n")
        await session.expect(b"2000 OK backup\n")
        await session.job_end()

    (finding,) = site.notes.findings
    assert finding.verdict is Verdict.FAIL
    assert "3000 OK open ticket = 1" in finding.text


async def test_tolerable_answers_are_not_strict(nursery: trio.Nursery) -> None:
    wrong = replace(GRANTED[1], wanted=b"3000 very good\n", lenient=(GRANTED[1].wanted,))
    plan = Plan(data=(GRANTED[0], wrong))
    async with played(nursery, plan) as site, site.peer.connect() as session:
        await site.orders(session)
        await session.send(b"backup FileIndex=0\n")
        await session.expect(b"2000 OK backup\n")
        await session.job_end()

    assert [finding.verdict for finding in site.notes.findings] == [Verdict.NON_STRICT]


async def test_planned_answers_and_the_end_of_a_session(nursery: trio.Nursery) -> None:
    plan = Plan(answers=(Answer(b"level = ", (b"2999 no\n",), first=(-6,), close=True),))
    async with played(nursery, plan) as site:
        session = await site.peer.dial()
        await session.send(b"JobId=7 Job=%b SDid=1 SDtime=2 Authorization=%b ssl=4\n" % (JOB, KEY))
        await session.expect_prefix(b"2000 OK Job")
        await session.send(b"level = full  mtime_only=0 \n")
        await session.expect(b"2999 no\n")
        assert session.heartbeats == 1
        with pytest.raises(LinkClosed):
            await session.receive()
        await session.link.aclose()


@pytest.mark.parametrize(
    ("plan", "error"),
    [
        (Plan(login=Login.WRONG_ANSWER), AuthenticationFailed),
        (Plan(login=Login.SUSPICIOUS), AuthenticationFailed),
        (Plan(login=Login.SILENT_CLOSE), LinkClosed),
        (Plan(login=Login.CLEAR_ONLY), PeersError),
        (Plan(login=Login.REFLECTED), AuthenticationFailed),
        (Plan(greeting=b"2001 hi\n"), Unexpected),
    ],
)
async def test_logins_that_go_wrong(nursery: trio.Nursery, plan: Plan, error: type[Exception]) -> None:
    async with played(nursery, plan) as site:
        with pytest.raises(error):
            await site.peer.dial()
    assert site.notes.findings == []


@pytest.mark.parametrize("login", [DataLogin.WRONG_KEY, DataLogin.UNKNOWN_JOB])
async def test_a_storage_daemon_that_lets_nobody_in(nursery: trio.Nursery, login: DataLogin) -> None:
    async with played(nursery, Plan(data_login=login)) as site, site.peer.connect() as session:
        with pytest.raises(Unexpected, match="2902"):
            await site.orders(session)
    assert site.notes.findings == []


async def test_an_order_that_nobody_knows_is_a_finding(nursery: trio.Nursery) -> None:
    async with played(nursery, Plan()) as site, site.peer.connect() as session:
        await session.send(b"flood\n")
        await session.expect(b"2999 Invalid command\n")
    assert [finding.verdict for finding in site.notes.findings] == [Verdict.FAIL]


async def test_only_one_case_at_a_time_moves_data(nursery: trio.Nursery) -> None:
    async with played(nursery, Plan(data=append())) as site, site.peer.connect() as session:
        site.daemon.device.acquire_nowait()
        await site.orders(session)
        await session.send(b"backup FileIndex=0\n")
        await session.expect(b"2000 OK backup\n")
        assert not site.sink.records
        assert not site.notes.holds
        site.daemon.device.release()
        assert (await session.job_end()).status == "T"
    assert site.notes.holds

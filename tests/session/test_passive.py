"""Storage daemons that call for a job: when one is taken, and that none is left standing (page 01 section 8.2)."""

from pathlib import Path

import pytest
import trio
import trio.testing

from fdaemon.protocol.cram import Initiator
from fdaemon.wire.framing import Signal
from tests.session.talking import JOB, OK_JOB, Peer, connected, house

NAME = b"job.2026-11-23_05.00.00_01"
KEY = b"ABCD-EFGH-IJKL-MNOP"
WITH_KEY = JOB.replace(b"dummy", KEY)
STORAGE_HELLO = b"Hello Storage calling Start Job %b\n" % NAME
TERMINATE = int(Signal.TERMINATE)


async def authenticate(storage: Peer, policy: int = 0) -> list[bytes | int]:
    """Prove to be the job's Storage daemon; what it hears from then on."""
    exchange = Initiator(KEY, b"R_STORAGE::sd", policy, 4711, 1_700_000_000)
    exchange.start()
    while not exchange.done:
        packet = await storage.hear()
        assert packet is not None
        await storage.send(*exchange.receive(packet))
    return await storage.rest()


async def test_one_that_comes_when_the_session_is_over_is_hung_up_on(tmp_path: Path) -> None:
    where = house(tmp_path)
    async with connected(where) as storage:
        async with connected(where) as director:
            await director.log_in()
            await director.send(WITH_KEY)
            assert await director.hear() == OK_JOB
            await storage.send(STORAGE_HELLO)
            await trio.testing.wait_all_tasks_blocked()
            await director.signal(TERMINATE)
            await director.rest()
        assert not list(where.services.registry)
        assert await authenticate(storage) == [TERMINATE]


async def test_a_fault_of_ours_leaves_no_storage_daemon_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = house(tmp_path, faulty=True)
    async with connected(where) as storage, connected(where) as director, trio.open_nursery() as nursery:
        await director.log_in()
        await director.send(WITH_KEY)
        assert await director.hear() == OK_JOB
        await storage.send(STORAGE_HELLO)
        nursery.start_soon(authenticate, storage)
        await trio.testing.wait_all_tasks_blocked()
        (job,) = where.services.registry
        assert job.storage is not None
        monkeypatch.setattr("fdaemon.session.control.parse_command", lambda *_, **__: 1 // 0)
        await director.send(b"status")


@pytest.mark.parametrize("policy", [0, 1, 2])
async def test_tls_require_holds_whatever_the_director_says(tmp_path: Path, policy: int) -> None:
    """The Director allows clear text for this job (`ssl=0`), the Client resource does not."""
    where = house(tmp_path, client="TLS Enable = yes\nTLS Require = yes")
    async with connected(where) as director:
        await director.log_in()
        await director.send(WITH_KEY.replace(b"\n", b" ssl=0\n"))
        assert await director.hear() == OK_JOB
        async with connected(where) as storage:
            await storage.send(STORAGE_HELLO)
            assert await authenticate(storage, policy) == []
        (job,) = where.services.registry
        assert job.storage is None
        await director.send(b"backup FileIndex=0\n")
        said = b"".join(packet for packet in await director.rest() if isinstance(packet, bytes))
        assert b"Fatal error: Tls handshake failed.\n" in said


async def test_a_key_with_which_we_call_lets_nobody_in(tmp_path: Path) -> None:
    where = house(tmp_path)
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with connected(where) as director, listeners[0]:
        port = listeners[0].socket.getsockname()[1]
        await director.log_in()
        await director.send(WITH_KEY)
        assert await director.hear() == OK_JOB
        await director.send(b"storage address=127.0.0.1 port=%d ssl=0\n" % port)
        async with await listeners[0].accept():
            async with connected(where) as intruder:
                await intruder.send(STORAGE_HELLO)
                assert await intruder.rest() == []
            await director.packets.aclose()


async def test_another_storage_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    """Without a key of its own too: nobody would close the first one any more."""
    where = house(tmp_path)
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with connected(where) as director, connected(where) as storage, listeners[0]:
        port = listeners[0].socket.getsockname()[1]
        await director.log_in()
        await director.send(WITH_KEY)
        assert await director.hear() == OK_JOB
        await storage.send(STORAGE_HELLO)
        heard: list[bytes | int] = []

        async def first() -> None:
            heard.extend(await authenticate(storage))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(first)
            await trio.testing.wait_all_tasks_blocked()
            (job,) = where.services.registry
            assert job.storage is not None
            await director.send(b"storage address=127.0.0.1 port=%d ssl=0\n" % port)
            async with await listeners[0].accept():
                await trio.testing.wait_all_tasks_blocked()
                assert heard == [TERMINATE]

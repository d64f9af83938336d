"""Peers that have not proved who they are: a crowd of them takes nothing from those who have."""

from contextlib import ExitStack
from pathlib import Path

import trio
import trio.testing

from fdaemon.net.packets import PacketStream
from fdaemon.session.arrival import serve_connection
from fdaemon.session.services import MOST_NEWCOMERS
from tests.session.talking import HELLO, JOB, OK_JOB, Peer, connected, house


async def test_the_one_that_waits_longest_makes_room(tmp_path: Path) -> None:
    where = house(tmp_path)
    async with trio.open_nursery() as nursery:

        def call() -> Peer:
            ours, theirs = trio.testing.memory_stream_pair()
            nursery.start_soon(serve_connection, where.services, theirs)
            return Peer(PacketStream(ours, "daemon"))

        steady = call()
        await steady.log_in()
        asking = call()
        await asking.send(HELLO)
        assert isinstance(await asking.hear(), bytes)
        assert len(where.services.registry) == 1
        silent = [call() for _ in range(MOST_NEWCOMERS - 1)]
        await trio.testing.wait_all_tasks_blocked()
        late = call()
        assert await asking.rest() == []
        assert [text for _, text in where.logged] == [
            "Connection from  closed: too many are not authenticated.\n"  # streams in memory have no address
        ]
        assert len(where.services.registry) == 1
        await late.log_in()
        await silent[0].log_in()
        await steady.send(JOB)
        assert await steady.hear() == OK_JOB
        nursery.cancel_scope.cancel()


async def test_one_that_has_just_proved_itself_is_not_sent_away(tmp_path: Path) -> None:
    """The crowd comes when its last packet has arrived, and before the task that serves it has seen that."""
    where = house(tmp_path)
    async with connected(where) as director:
        with ExitStack() as crowd:
            await director.prove()
            for _ in range(MOST_NEWCOMERS):
                crowd.enter_context(where.services.newcomers.waiting())
            assert await director.hear() == b"2000 OK Hello 54\n"
            await director.send(JOB)
            assert await director.hear() == OK_JOB
    assert not list(where.services.registry)

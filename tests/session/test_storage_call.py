"""Storage daemons that the session calls: what becomes of the connection when it comes to nothing."""

from pathlib import Path

import trio

from tests.session.talking import JOB, OK_JOB, connected, house


async def test_a_cancel_amid_the_tls_handshake_closes_the_connection(tmp_path: Path) -> None:
    """The Storage daemon takes the call and says nothing."""
    where = house(tmp_path)
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with connected(where) as director, listeners[0]:
        port = listeners[0].socket.getsockname()[1]
        await director.log_in()
        await director.send(JOB)
        assert await director.hear() == OK_JOB
        await director.send(b"storage address=127.0.0.1 port=%d ssl=4\n" % port)
        async with await listeners[0].accept() as storage:
            assert await storage.receive_some()  # the client's part of the handshake
            (job,) = where.services.registry
            assert job.cancel()
            while await storage.receive_some():
                pass
        assert b"2902 Bad storage\n" in await director.rest()

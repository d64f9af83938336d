"""The Director peer against a scripted File daemon: the filter, the strictness, and a client that dials."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from fdpeers import dialogues
from fdpeers.cram import answer, challenge_packet, is_right, password_key, session_key
from fdpeers.dialogues import BackupPlan, Level, Since, VerifyLevel, VerifyPlan
from fdpeers.director import DirectorPeer, DirectorSession, JobMessage
from fdpeers.errors import AuthenticationFailed, LinkClosed, Unexpected
from fdpeers.link import Link, challenge, respond
from fdpeers.names import Job, unique_job_name

JOB = Job(7, b"bak.2026-11-23_05.00.00_07", 1, 9, b"KEY")
PASSWORD = "secret"


@asynccontextmanager
async def session_with(play: Callable[[Link], Awaitable[None]]) -> AsyncIterator[DirectorSession]:
    """A session whose far end is `play`."""
    near, far = trio.testing.memory_stream_pair()
    session = DirectorSession(Link(near), 54, clock=lambda: 1_700_000_000.5, clock_offset=2.0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(play, Link(far))
        yield session


async def test_the_filter_takes_out_what_a_real_director_does() -> None:
    async def play(link: Link) -> None:
        await link.send(b"Jmsg Job=j type=6 level=17  leading blank\n")
        await link.send_signal(-6)
        await link.send(b"no digit first")
        await link.send_signal(-5)
        assert await link.receive() == b"1000 OK\n"
        await link.send_signal(-9)
        assert await link.receive() == b"btime 1700000002500000\n"
        await link.send(b"2000 OK\n")

    async with session_with(play) as session:
        await session.expect(b"2000 OK\n")
    assert session.messages == [JobMessage(b"j", 6, 17, b" leading blank\n")]
    assert (session.heartbeats, session.malformed) == (1, [b"no digit first"])


async def test_a_verified_file_may_have_the_number_of_the_report() -> None:
    files = [
        b"2799 1 VV5 /n2799\0P4A",
        b"2800 1 VV5 /n2800\0P4A",
        b"2800 3 kAFQmDzST7DWlj99KOF/cg *MD5-2800*",
    ]

    async def play(link: Link) -> None:
        for reply in (b"2000 OK Job 54\n", b"2000 OK include\n", b"2000 OK verify\n"):
            while not str(await link.receive()).startswith(("b'JobId=", "-1", "b'verify")):
                pass
            await link.send(reply)
        for packet in files:
            await link.send(packet)
        await link.send_signal(-1)
        await link.send(
            b"2800 End Job TermCode=84 JobFiles=1 ReadBytes=0 JobBytes=0 Errors=0 VSS=0 Encrypt=0\n"
        )
        await link.send_signal(-4)

    got: list[bytes] = []
    async with session_with(play) as session:
        end = await dialogues.verify(session, JOB, VerifyPlan([], VerifyLevel.INIT), got.append, tls=True)
    assert (got, end.status) == (files, "T")


@pytest.mark.parametrize("reply", [b"2000 OK level", b"2000 ok level\n", b"2000 OK level\nx"])
async def test_replies_are_compared_whole(reply: bytes) -> None:
    async def play(link: Link) -> None:
        await link.receive()
        await link.send(reply)

    async with session_with(play) as session:
        with pytest.raises(Unexpected) as caught:
            await dialogues.send_level(session, BackupPlan([], None))
        assert caught.value.got == reply


async def test_an_incremental_level_ends_with_the_clock() -> None:
    got: list[bytes | int] = []

    async def play(link: Link) -> None:
        got.extend([await link.receive(), await link.receive()])
        for _ in range(10):
            await link.send_signal(-9)
            assert await link.receive() == b"btime 1700000002500000\n"
        await link.send_signal(-1)
        await link.send(b"2000 OK level\n")

    plan = BackupPlan([], None, level=Level.INCREMENTAL, since=Since(1_600_000_000, b"before"), accurate=[])
    async with session_with(play) as session:
        await dialogues.send_level(session, plan)
    assert got == [
        b"level = accurate_incremental  mtime_only=0 \n",
        b"level = since_utime 1600000000 mtime_only=0 prev_job=before\n",
    ]


async def test_the_end_of_a_job_waits_for_late_messages() -> None:
    async def play(link: Link) -> None:
        await link.send(
            b"2800 End Job TermCode=84 JobFiles=2 ReadBytes=3 JobBytes=4 Errors=5 VSS=0 Encrypt=1\n"
        )
        await link.send(b"Jmsg Job=j type=6 level=1 late\n")
        await link.send_signal(-4)

    async with session_with(play) as session:
        end = await session.job_end()
    assert (end.status, end.files, end.read_bytes, end.job_bytes, end.errors, end.encrypt) == (
        "T",
        2,
        3,
        4,
        5,
        1,
    )
    assert [message.text for message in session.messages] == [b"late\n"]


@pytest.mark.parametrize("last", [-4, None])
async def test_no_end_line_is_no_end(last: int | None) -> None:
    async def play(link: Link) -> None:
        await (link.aclose() if last is None else link.send_signal(last))

    async with session_with(play) as session:
        with pytest.raises(Unexpected) as caught:
            await session.job_end()
        assert caught.value.got == last


async def test_the_accurate_list_is_one_packet_a_file() -> None:
    got: list[bytes | int] = []

    async def play(link: Link) -> None:
        while not got or got[-1] != -1:
            got.append(await link.receive())

    async with session_with(play) as session:
        await dialogues.send_accurate(session, [b"/a\0A A\0\x000", b"/b\0A A\0\x000"])
    assert got == [b"accurate files=2\n", b"/a\0A A\0\x000", b"/b\0A A\0\x000", -1]


async def fake_fd(stream: trio.SocketStream) -> None:
    """The accepting side of a File daemon, up to its greeting."""
    link = Link(stream)
    key = password_key(PASSWORD)
    try:
        hello = await link.receive()
        assert hello == b"Hello Director test\x01dir calling\n"
        await challenge(link, b"R_CLIENT::fd", key, policy=0, compatible=True)
        await respond(link, key)
        await link.send(b"2000 OK Hello 54\n")
        assert await link.receive() == b"status"
        await link.send(b"all is well\n\0")
        await link.send_signal(-1)
        assert await link.receive() == -4
    except (AuthenticationFailed, LinkClosed):
        pass
    finally:
        await link.aclose()


@asynccontextmanager
async def listening(handler: Callable[[trio.SocketStream], Awaitable[None]]) -> AsyncIterator[int]:
    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, handler, [listener])
        yield listener.socket.getsockname()[1]
        nursery.cancel_scope.cancel()


async def test_a_session_from_hello_to_terminate() -> None:
    async with listening(fake_fd) as port:
        director = DirectorPeer("test dir", password=PASSWORD, port=port, tls=False)
        async with director.connect() as session:
            assert session.version == 54
            assert await dialogues.status(session) == b"all is well\n"


async def test_a_wrong_password_is_told() -> None:
    async with listening(fake_fd) as port:
        director = DirectorPeer("test dir", password="other", port=port, tls=False)
        with pytest.raises(AuthenticationFailed, match="1999"):
            await director.dial()


async def test_nobody_there() -> None:
    async with listening(fake_fd) as port:
        pass
    with pytest.raises(LinkClosed, match="no File Daemon"):
        await DirectorPeer(password=PASSWORD, port=port).dial()


async def test_a_client_that_dials_is_adopted() -> None:
    director = DirectorPeer("test dir", password=PASSWORD, port=0, tls=False)
    sessions: list[DirectorSession] = []

    async def adopt(stream: trio.SocketStream) -> None:
        session = await director.adopt(stream)
        sessions.append(session)
        await session.send(b"status")
        await session.aclose()

    async with listening(adopt) as port:
        link = Link(await trio.open_tcp_stream("127.0.0.1", port))
        key = password_key(PASSWORD)
        await link.send(b"Hello Client fd FdProtocolVersion=54 calling\n")
        await respond(link, key)
        await challenge(link, b"R_CLIENT::fd", key, policy=0, compatible=False)
        assert await link.receive() == b"1000 OK: test dir Version: 25.1.0 (03 August 2026)\n"
        assert await link.receive() == b"status"
        assert await link.receive() == -4
        await link.aclose()
    assert sessions[0].version == 54


def test_cram_is_the_documented_one() -> None:
    key = password_key(PASSWORD)
    text = b"<1804289383.1700000000@R_CLIENT::bareos-fd>"
    assert answer(challenge_packet(text, 4), key) == b"lU+JSiYua/gjD5//8iQEyA\0"
    assert answer(b"auth cram-md5c %s ssl=4\n" % text, key) == b"lU6JSiYuafgjDJv/8iQEyA\0"
    assert is_right(b"lU6JSiYuafgjDJv/8iQEyA", text, key, compatible=True)
    assert not is_right(b"lU6JSiYuafgjDJv/8iQEyA", text, key, compatible=False)
    with pytest.raises(AuthenticationFailed):
        answer(b"1999 Authorization failed.\n", key)
    assert password_key("[md5]abc") == b"abc"


def test_names_and_keys_are_the_documented_ones() -> None:
    assert session_key(bytes(range(16))) == b"AABA-CADA-EAFA-GAHA-IAJA-KALA-MANA-OAPA"
    local = (2026, 11, 23, 5, 0, 1, 0, 327, 0)
    assert unique_job_name("my job", time.struct_time(local), 67) == b"my_job.2026-11-23_05.00.01_07"
    assert len(unique_job_name("x" * 200, time.struct_time(local), 1)) == 121

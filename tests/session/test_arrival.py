"""Who is let in and how the others are refused (protocol/01 appendix C)."""

from pathlib import Path

import pytest
import trio

from fdaemon.protocol.cram import answer, parse_challenge
from fdaemon.wire.framing import Signal
from tests.session.talking import HELLO, JOB, KEY, OK_JOB, connected, house

REFUSED = [int(Signal.TERMINATE)]


async def test_a_director_is_greeted(tmp_path: Path) -> None:
    async with connected(house(tmp_path)) as peer:
        await peer.log_in()


@pytest.mark.parametrize(
    "tls", ["TLS Enable = yes\nTLS Require = no", "TLS Enable = yes"], ids=["enabled", "required"]
)
async def test_clear_text_is_refused_unless_tls_is_off(tmp_path: Path, tls: str) -> None:
    where = house(tmp_path, director=tls)
    async with connected(where) as peer:
        await peer.send(HELLO)
        assert await peer.rest() == REFUSED


async def test_an_unknown_director_in_clear_text_is_refused(tmp_path: Path) -> None:
    async with connected(house(tmp_path)) as peer:
        await peer.send(b"Hello Director somebody calling\n")
        assert await peer.rest() == REFUSED


async def test_too_few_bytes_are_refused(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    async with connected(house(tmp_path)) as peer:
        await peer.packets.stream.send_all(b"\0\0\0\1H")
        assert await peer.rest() == REFUSED


async def test_what_is_no_hello_is_taken_for_tls_and_refused(tmp_path: Path) -> None:
    async with connected(house(tmp_path)) as peer:
        await peer.packets.stream.send_all(b"GET / HTTP/1.0\r\n\r\n")
        heard = b""
        while piece := await peer.packets.stream.receive_some():
            heard += piece
        assert heard.endswith(b"\xff\xff\xff\xfc")


async def test_a_hello_without_calling_is_told_so(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    async with connected(house(tmp_path)) as peer:
        await peer.send(b"Hello Director bareos-dir crawling\n")
        assert await peer.rest() == [
            b"Bad Hello command from Director at : Hello Director bareos-dir crawling\n\n"
        ]


async def test_a_job_that_nobody_runs_is_hung_up_on(tmp_path: Path) -> None:
    where = house(tmp_path)
    async with connected(where) as peer:
        await peer.send(b"Hello Storage calling Start Job nojob.2026-11-23_05.00.00_01\n")
        assert await peer.rest() == REFUSED


async def test_a_director_that_may_not_call_is_told_so(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    where = house(tmp_path, director="Connection From Director To Client = no")
    async with connected(where) as peer:
        await peer.send(HELLO)
        assert await peer.rest() == [b"Connection from Director bareos-dir rejected.\n"]


async def test_a_wrong_password_takes_sixteen_seconds(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    start = trio.current_time()
    async with connected(house(tmp_path)) as peer:
        await peer.send(HELLO)
        assert isinstance(await peer.hear(), bytes)
        await peer.send(b"AAAAAAAAAAAAAAAAAAAAAA\0")
        assert await peer.rest() == [
            b"1999 Authorization failed.\n",
            b"Authorization key rejected by .\n",
            b"1999 Authorization failed.\n",
            b"2999 Authentication failed.\n",
            b"Unable to authenticate Director bareos-dir.\n",
        ]
    assert trio.current_time() - start == pytest.approx(16, abs=0.5)


async def test_refusals_queue_up(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    where = house(tmp_path, director="Connection From Director To Client = no")
    start = trio.current_time()
    ends: list[float] = []

    async def knock() -> None:
        async with connected(where) as peer:
            await peer.send(HELLO)
            await peer.rest()
            ends.append(trio.current_time() - start)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(knock)
        nursery.start_soon(knock)
    assert sorted(round(end) for end in ends) == [6, 12]


async def test_a_challenge_with_our_own_name_is_an_attack(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    async with connected(house(tmp_path)) as peer:
        await peer.send(HELLO)
        challenge = await peer.hear()
        assert isinstance(challenge, bytes)
        await peer.send(answer(parse_challenge(challenge), KEY))
        assert await peer.hear() == b"1000 OK auth\n"
        await peer.send(b"auth cram-md5 <1.2@R_CLIENT::fd> ssl=0\n")
        first = await peer.hear()
        assert isinstance(first, bytes)
        assert first.startswith(b"Warning! Attack detected: ")


async def test_a_key_is_good_for_one_attempt(tmp_path: Path) -> None:
    where = house(tmp_path)
    name = b"job.2026-11-23_05.00.00_01"
    async with connected(where) as director:
        await director.log_in()
        await director.send(JOB.replace(b"dummy", b"ABCD-EFGH-IJKL-MNOP"))
        assert await director.hear() == OK_JOB
        async with connected(where) as storage:
            await storage.send(b"Hello Storage calling Start Job %b\n" % name)
            challenge = await storage.hear()
            assert isinstance(challenge, bytes)
            assert challenge.startswith(b"auth cram-md5 ")
            job = where.services.registry.find(name)
            assert job is not None
            assert job.storage_key == b""
            await director.send(b"setauthorization Authorization=PONM-LKJI-HGFE-DCBA\n")
            assert await director.hear() == b"2000 OK Authorization\n"
            await storage.send(answer(parse_challenge(challenge), b"ABCD-EFGH-IJKL-MNOP"))
            assert await storage.hear() == b"1000 OK auth\n"
            assert job.storage_key == b"PONM-LKJI-HGFE-DCBA"


async def test_an_oversized_packet_ends_the_session_in_silence(tmp_path: Path) -> None:
    async with connected(house(tmp_path)) as peer:
        await peer.log_in()
        await peer.packets.stream.send_all((1_000_001).to_bytes(4, "big"))
        assert await peer.rest() == []


async def test_one_too_many_is_hung_up_on_at_once(tmp_path: Path) -> None:
    where = house(tmp_path, client="Maximum Concurrent Jobs = 1")
    async with connected(where) as first:
        await first.log_in()
        async with connected(where) as second:
            await second.send(HELLO)
            assert await second.rest() == []
        assert [text for _, text in where.logged] == [
            "Number of Jobs exhausted, please increase MaximumConcurrentJobs\n"
        ]
        await first.send(b"getSecureEraseCmd\n")
        assert await first.hear() == b"2000 OK FDSecureEraseCmd *None*\n"


async def test_who_guesses_passwords_takes_no_place(tmp_path: Path) -> None:
    where = house(tmp_path, client="Maximum Concurrent Jobs = 1")
    async with connected(where) as silent, connected(where) as guessing, connected(where) as director:
        await silent.send(HELLO)
        await guessing.send(HELLO)
        challenge = await guessing.hear()
        assert isinstance(challenge, bytes)
        await guessing.send(answer(parse_challenge(challenge), b"a guess"))
        await trio.testing.wait_all_tasks_blocked()
        await director.log_in()
        assert len(where.services.registry) == 1


async def test_a_fault_of_ours_ends_one_connection_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = house(tmp_path, faulty=True)
    async with connected(where) as steady:
        await steady.log_in()
        async with connected(where) as unlucky:
            await unlucky.log_in()
            with monkeypatch.context() as patch:
                patch.setattr("fdaemon.session.control.parse_command", lambda *_, **__: 1 // 0)
                await unlucky.send(JOB)
                await unlucky.rest()
        assert "ZeroDivisionError" in where.logged[-1][1]
        assert len(where.services.registry) == 1
        await steady.send(JOB)
        assert await steady.hear() == OK_JOB


@pytest.mark.parametrize("hello", [b"Hello Storage conform-storage-daemon\n", b"Hello Storage calling\n"])
async def test_a_storage_daemon_without_a_job_in_clear_text_is_refused(tmp_path: Path, hello: bytes) -> None:
    async with connected(house(tmp_path)) as peer:
        await peer.send(hello)
        assert await peer.rest() == REFUSED

"""What an authenticated Director hears to right, wrong and unknown commands (protocol/02 sections 1 and 4)."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio
import trio.testing

from fdaemon.net.packets import PacketStream
from fdaemon.session.arrival import serve_connection
from fdaemon.session.control import UNREAD_LIMIT
from fdaemon.wire.framing import Signal
from tests.session.talking import JOB, OK_JOB, House, Peer, connected, house

EOD, TERMINATE = int(Signal.EOD), int(Signal.TERMINATE)


def end_job(code: int, errors: int = 0) -> bytes:
    return b"2800 End Job TermCode=%d JobFiles=0 ReadBytes=0 JobBytes=0 Errors=%d VSS=0 Encrypt=0\n" % (
        code,
        errors,
    )


@pytest.mark.parametrize("packet", [b"foo bar\n", b"", b"restore\n", b"Level = full\n"])
async def test_an_unknown_command_ends_the_session(tmp_path: Path, packet: bytes) -> None:
    async with connected(house(tmp_path)) as peer:
        await peer.log_in()
        await peer.send(packet)
        assert await peer.rest() == [b"2999 Invalid command\n", TERMINATE]


@pytest.mark.parametrize("signal", [Signal.HEARTBEAT, Signal.EOD, Signal.POLL, Signal.STATUS])
async def test_any_signal_ends_the_session(tmp_path: Path, signal: Signal) -> None:
    async with connected(house(tmp_path)) as peer:
        await peer.log_in()
        await peer.signal(signal)
        assert await peer.rest() == [TERMINATE]


async def test_after_a_terminate_nothing_more_is_said(tmp_path: Path) -> None:
    async with connected(house(tmp_path)) as peer:
        await peer.log_in()
        await peer.send(JOB)
        assert await peer.hear() == OK_JOB
        await peer.packets.stream.send_all(b"\xff\xff\xff\xfc")
        assert await peer.rest() == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"level = full  mtime_only=0 \n", [b"2000 OK level\n"]),
        (b"level = base  mtime_only=0 \n", [b"2000 OK level\n"]),
        (b"pluginoptions python:x=1\n", [b"2000 OK PluginOptions\n"]),
        (b"Run OnSuccess=1 OnFailure=0 AbortOnError=0 When=1 Command=true\n", [b"2000 OK RunScript\n"]),
        (b"RunBeforeNow\n", [b"2000 OK RunBeforeNow\n"]),
        (b"restoreobject end\n", [b"2000 OK ObjectRestored\n"]),
        (b"getSecureEraseCmd\n", [b"2000 OK FDSecureEraseCmd *None*\n"]),
        (b"setauthorization Authorization=KEY\n", [b"2000 OK Authorization\n"]),
        (b"setbandwidth=1000 Job=\n", [b"2000 OK Bandwidth\n"]),
        (b"setbandwidth=1000 Job=nojob\n", [b"2901 Job nojob not found.\n", b"2000 OK Bandwidth\n"]),
        (b"cancel Job=nojob\n", [b"2901 Job nojob not found.\n", EOD]),
        (b"cancel nojob\n", [b"2902 Error scanning cancel command.\n", EOD]),
        (b"session Vol 1 2 0 0 0 0\n", [b"2000 OK session\n"]),
        (b"resolve 192.0.2.1", [b"fd resolves 192.0.2.1 to host[ipv4;192.0.2.1] \n", EOD]),
        (b".status current", [b"2000 OK .status\n", EOD]),
    ],
    ids=lambda value: value.split()[0].decode() if isinstance(value, bytes) else "",
)
async def test_a_command_is_answered_and_the_session_goes_on(
    tmp_path: Path, line: bytes, said: list[bytes | int]
) -> None:
    async with connected(house(tmp_path)) as peer:
        await peer.log_in()
        await peer.send(line)
        assert [await peer.hear() for _ in said] == said
        await peer.send(b"getSecureEraseCmd\n")
        assert await peer.hear() == b"2000 OK FDSecureEraseCmd *None*\n"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"JobId=x\n", [b"Bad Job Command: JobId=x\n\n", b"2901 Bad Job\n"]),
        (b"level = sideways\n", [b"Unknown backup level: sideways\n"]),
        (b"storage adress=x\n", [b"Bad storage command: storage adress=x\n\n", b"2902 Bad storage\n"]),
        (b"setbandwidth=-1 Job=\n", [b"2991 Bad setbandwidth command: setbandwidth=-1 Job=\n\n"]),
        (b"setdebug=x\n", [b"2991 Bad setdebug command: setdebug=x\n\n"]),
        (b"accurate\n", [b"2991 Bad accurate command\n"]),
        (b"verify level=sideways\n", [b"2994 Bad verify level: verify level=sideways\n"]),
        (
            b".status weather",
            [b"Bad .status command: .status weather\n", b"2900 Bad .status command, wrong argument.\n", EOD],
        ),
        (
            b"restoreobject x\n",
            [b"Bad RestoreObject command: restoreobject x\n\n", b"2909 Bad RestoreObject command.\n"],
        ),
        (b"Run x\n", [b"Bad RunScript command: Run x\n\n", b"2905 Failed RunScript\n"]),
        (b"restore x\n", [b"Bad replace command. CMD=restore x\n\n"]),
        (b"restore replace=a prelinks=0 regexwhere=\n", [b"Bad where regexp. where=\n"]),
        (b"endrestore", []),
    ],
    ids=lambda value: value.split()[0].decode() if isinstance(value, bytes) else "",
)
async def test_a_bad_command_ends_the_session(tmp_path: Path, line: bytes, said: list[bytes | int]) -> None:
    async with connected(house(tmp_path)) as peer:
        await peer.log_in()
        await peer.send(line)
        assert await peer.rest() == [*said, TERMINATE]


async def test_a_fatal_message_reaches_the_report(tmp_path: Path) -> None:
    async with connected(house(tmp_path)) as peer:
        await peer.log_in()
        await peer.send(JOB)
        assert await peer.hear() == OK_JOB
        await peer.send(b"storage adress=x\n")
        message, *rest = await peer.rest()
        assert isinstance(message, bytes)
        assert message.startswith(b"Jmsg Job=job.2026-11-23_05.00.00_01 type=3 level=")
        assert message.endswith(b" fd JobId 7: Fatal error: Bad storage command: storage adress=x\n\n")
        assert rest == [b"2902 Bad storage\n", end_job(102, 1), TERMINATE]


async def test_a_second_fileset_ends_the_session_without_a_word(tmp_path: Path) -> None:
    async with connected(house(tmp_path)) as peer:
        await peer.log_in()
        await peer.send(JOB)
        await peer.hear()
        await peer.send(b"fileset\n", b"I\n", b"F /nowhere", b"N\n", b"N\n")
        await peer.signal(Signal.EOD)
        assert await peer.hear() == b"2000 OK include\n"
        await peer.send(b"fileset\n")
        assert await peer.rest() == [end_job(67), TERMINATE]


async def test_a_backup_without_a_storage_daemon_is_refused(tmp_path: Path) -> None:
    async with connected(house(tmp_path)) as peer:
        await peer.log_in()
        await peer.send(JOB)
        await peer.hear()
        await peer.send(b"backup FileIndex=0\n")
        said = await peer.rest()
        assert said[-3:] == [b"2902 Bad backup\n", end_job(102, 1), TERMINATE]
        assert isinstance(said[-4], bytes)
        assert said[-4].endswith(b"Fatal error: Cannot contact Storage daemon\n")


async def test_a_monitor_may_only_ask_for_status(tmp_path: Path) -> None:
    where = house(tmp_path, director="Monitor = yes")
    async with connected(where) as peer:
        await peer.log_in()
        await peer.send(b"status")
        while await peer.hear() != EOD:
            pass
        await peer.send(b"setdebug=1 trace=0 hangup=0 timestamp=0\n")
        text = b"2997 Invalid command for a Director with Monitor directive enabled.\n"
        assert await peer.rest() == [text, EOD, TERMINATE]


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        (b"estimate listing=0\n", [b"2992 Bad estimate command.\n"]),
        (b"Run x\n", [b"2905 Failed RunScript\n"]),
        (b"restore replace=a prelinks=0 where=/\n", []),
    ],
    ids=["estimate", "runscript", "restore"],
)
async def test_a_command_that_is_not_allowed(tmp_path: Path, line: bytes, reply: list[bytes]) -> None:
    where = house(tmp_path, client="Allowed Job Command = backup")
    async with connected(where) as peer:
        await peer.log_in()
        await peer.send(line)
        first, *rest = await peer.rest()
        assert isinstance(first, bytes)
        assert first.endswith(b'" command not allowed by Allowed Job Cmds setting of this filed.\n')
        assert rest == [*reply, TERMINATE]


async def test_scripts_before_and_after(tmp_path: Path) -> None:
    async with connected(house(tmp_path)) as peer:
        await peer.log_in()
        await peer.send(JOB)
        await peer.hear()
        await peer.send(
            b"Run OnSuccess=1 OnFailure=0 AbortOnError=1 When=2 Command=sh\x01-c\x01'echo\x01%i;exit\x013'\n"
        )
        assert await peer.hear() == b"2000 OK RunScript\n"
        await peer.send(b"RunBeforeNow\n")
        said = await peer.rest()
        texts = [packet.partition(b"JobId 7: ")[2] for packet in said[:3] if isinstance(packet, bytes)]
        assert texts == [
            b"shell command: run ClientBeforeJob \"sh -c 'echo 7;exit 3'\"\n",
            b"ClientBeforeJob: 7\n",
            b"Error: Runscript: ClientBeforeJob returned non-zero status=3. ERR=Child exited with code 3\n",
        ]
        assert said[3:] == [b"2905 Failed RunScript\n", end_job(69, 1), TERMINATE]


@pytest.mark.parametrize(("directory", "allowed"), [("/bin", True), ("/usr/local/scripts", False)])
@pytest.mark.parametrize("where", ["client", "director"])
async def test_scripts_only_from_where_they_may_be(
    tmp_path: Path, directory: str, allowed: bool, where: str
) -> None:
    line = f"Allowed Script Dir = {directory}"
    place = house(tmp_path, client=line) if where == "client" else house(tmp_path, director=line)
    async with connected(place) as peer:
        await peer.log_in()
        await peer.send(JOB)
        await peer.hear()
        await peer.send(b"Run OnSuccess=1 OnFailure=0 AbortOnError=0 When=2 Command=/bin/echo\x01%i\n")
        assert await peer.hear() == b"2000 OK RunScript\n"
        await peer.send(b"RunBeforeNow\n")
        heard = await peer.hear()
        assert isinstance(heard, bytes)
        refused = (
            b'Error: Runscript: run ClientBeforeJob "/bin/echo %i" could not execute, not in one of the'
            b" allowed scripts dirs\n"
        )
        text = b'shell command: run ClientBeforeJob "/bin/echo 7"\n' if allowed else refused
        assert heard.partition(b"JobId 7: ")[2] == text


@pytest.mark.parametrize(
    ("directory", "command"),
    [("/bin", b"/bin/%j"), ("/bin/echo scripts", b"/bin/echo\x01scripts/x")],
    ids=["a code for a path", "a blank in the directory"],
)
async def test_the_program_itself_is_where_scripts_may_be(
    tmp_path: Path, directory: str, command: bytes
) -> None:
    async with connected(house(tmp_path, client=f'Allowed Script Dir = "{directory}"')) as peer:
        await peer.log_in()
        await peer.send(b"JobId=7 Job=../bin/echo SDid=1 SDtime=2 Authorization=dummy\n")
        await peer.hear()
        await peer.send(b"Run OnSuccess=1 OnFailure=0 AbortOnError=0 When=2 Command=%b\n" % command)
        assert await peer.hear() == b"2000 OK RunScript\n"
        await peer.send(b"RunBeforeNow\n")
        heard = await peer.hear()
        assert isinstance(heard, bytes)
        assert heard.endswith(b" could not execute, not in one of the allowed scripts dirs\n")


async def test_a_director_that_falls_silent_in_a_job_is_given_up(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    where = house(tmp_path, client="Absolute Job Timeout = 30")
    async with connected(where) as peer:
        await peer.log_in()
        await trio.sleep(1000)
        await peer.send(JOB)
        assert await peer.hear() == OK_JOB
        began = trio.current_time()
        assert await peer.rest() == []
        assert trio.current_time() - began == pytest.approx(30)
    assert not list(where.services.registry)


@asynccontextmanager
async def taking(where: House, took: Callable[[], Awaitable[None]]) -> AsyncGenerator[Peer]:
    """A Director with a job that has come to its end; it takes each packet of the report by awaiting `took`."""
    ours, theirs = trio.testing.memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve_connection, where.services, theirs)
        peer = Peer(PacketStream(ours, "daemon"))
        await peer.log_in()
        await peer.send(JOB)
        assert await peer.hear() == OK_JOB
        theirs.send_stream.send_all_hook = took
        await peer.signal(Signal.EOD)
        yield peer


async def test_a_director_that_takes_no_report_is_given_up(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    """It is there but reads nothing, so no system call ever fails."""
    where = house(tmp_path)
    async with taking(where, trio.sleep_forever):
        pass
    assert not list(where.services.registry)


async def test_a_director_that_takes_its_report_slowly_gets_all_of_it(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    """Each packet has its own limit, which only the whole report exceeds."""
    where = house(tmp_path)
    began = trio.current_time()
    async with taking(where, partial(trio.sleep, 0.9 * UNREAD_LIMIT)) as peer:
        report, end = await peer.rest()
    assert isinstance(report, bytes)
    assert report.startswith(b"2800 End Job ")
    assert end == TERMINATE
    assert trio.current_time() - began > UNREAD_LIMIT


@pytest.mark.parametrize("line", [b"F /etc", b"O M\n", b"Z .nobackup\n", b"R x\n"])
async def test_a_line_that_needs_a_block_before_there_is_one(tmp_path: Path, line: bytes) -> None:
    async with connected(house(tmp_path)) as peer:
        await peer.log_in()
        await peer.send(JOB)
        await peer.hear()
        await peer.send(b"fileset\n", line)
        await peer.signal(Signal.EOD)
        *_, report, last = await peer.rest()
        assert isinstance(report, bytes)
        assert report.startswith((b"2800 End Job TermCode=102 ", b"2800 End Job TermCode=67 "))
        assert last == TERMINATE


async def test_a_storage_daemon_without_a_job(tmp_path: Path) -> None:
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(
            partial(trio.serve_tcp, trio.SocketStream.aclose, 0, host="127.0.0.1")
        )
        port = listeners[0].socket.getsockname()[1]
        async with connected(house(tmp_path)) as peer:
            await peer.log_in()
            await peer.send(b"storage address=127.0.0.1 port=%d ssl=0\n" % port)
            assert [said for said in await peer.rest() if isinstance(said, bytes)][
                -1
            ] == b"2902 Bad storage\n"
        nursery.cancel_scope.cancel()

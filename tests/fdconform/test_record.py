"""`fdconform record`: what passes between a Director, a File daemon and a Storage daemon, clear and under TLS."""

import argparse
import io
import json
import sys
import time
from pathlib import Path

import pytest
import trio
import trio.testing

from fdconform.follow import follow
from fdconform.profiles import PROFILES, variant
from fdconform.record import add_record, record, relaying
from fdconform.relay import Address, Relay, Route, routes
from fdconform.rows import rows_of
from fdconform.subject import started
from fdpeers.director import DirectorPeer
from fdpeers.sinks import MemorySink
from fdpeers.storage import StoragePeer
from fdpeers.storage_session import JobTicket
from fdpeers.transcript import Transcript

KEY = b"ABCD-EFGH-IJKL-MNOP-ABCD-EFGH-IJKL-MNOP"
JOB = b"recorded.2026-11-23_05.00.00_07"


@pytest.mark.parametrize("role", ["tls", "clear"])
async def test_a_backup_through_the_relay(tmp_path: Path, nursery: trio.Nursery, role: str) -> None:
    """The File daemon dials the relay, though the Director named the Storage daemon; nothing is lost."""
    source = tmp_path / "file"
    source.write_bytes(b"recorded\n" * 1000)
    profile = PROFILES["plain"] if role == "tls" else variant("bare", PROFILES["plain"], "TLS Enable = no")
    director = profile.director(role)
    out = io.StringIO()
    transcript = Transcript(time.monotonic, out)
    storage = StoragePeer("sd")
    storage_port = await nursery.start(storage.serve)
    sink = MemorySink()
    run = storage.announce(JobTicket(JOB, KEY, 1, 2, sink=sink))
    async with started(
        f"{sys.executable} -m fdaemon.cli -f -c {{config}}", profile, tmp_path / "daemon"
    ) as subject:
        to_fd, to_sd = routes(Address(subject.host, subject.port), None, director.password, "")
        ways = [(Address("127.0.0.1", 0), to_fd), (Address("127.0.0.1", 0), to_sd)]
        fd_port, _ = await nursery.start(relaying, ways, transcript)
        peer = DirectorPeer(director.name, password=director.password, port=fd_port, tls=director.tls)
        async with peer.connect() as session:
            ssl = 4 if director.tls else 0
            await session.send(b"JobId=7 Job=%b SDid=1 SDtime=2 Authorization=%b ssl=%d\n" % (JOB, KEY, ssl))
            await session.expect_prefix(b"2000 OK Job")
            await session.send(b"level = full  mtime_only=0 \n")
            await session.expect(b"2000 OK level\n")
            await session.send(b"fileset\n")
            for line in (b"I\n", b"O M\n", b"N\n", b"F %b\n" % bytes(source), b"N\n", b"N\n"):
                await session.send(line)
            await session.send_signal(-1)
            await session.expect(b"2000 OK include\n")
            await session.send(b"storage address=127.0.0.1 port=%d ssl=%d\n" % (storage_port, ssl))
            await session.expect(b"2000 OK storage\n")
            await session.send(b"backup FileIndex=0\n")
            await session.expect(b"2000 OK backup\n")
            assert (await session.job_end()).status == "T"
        await run.done.wait()

    rows = rows_of(map(json.loads, out.getvalue().splitlines()))
    assert [row.link for row in rows if row.link and not row.sender] == ["dir-fd", "fd-sd"]
    followed = follow(rows)
    assert followed.strange == []
    steps = [move.event.name for move in followed.edges() if move.chart == "storage"]
    assert ("TLS_ESTABLISHED" if director.tls else "TLS_WAIVED") in steps
    assert steps[-2:] == ["CLOSE_CONFIRMED", "TERMINATED"]
    said = [row.payload for row in rows if row.is_packet(b"storage address")]
    assert said == [b"storage address=127.0.0.1 port=%d ssl=%d\n" % (storage_port, 4 if director.tls else 0)]
    assert b"".join(item.data for item in sink.records if item.stream == 2) == source.read_bytes()


async def test_a_wrong_password_lets_nobody_through(nursery: trio.Nursery) -> None:
    transcript = Transcript(time.monotonic)
    ways = [(Address("127.0.0.1", 0), routes(Address("127.0.0.1", 1), None, "right", "")[0])]
    (port,) = await nursery.start(relaying, ways, transcript)
    with pytest.raises(Exception, match=r"TLS|end of connection|receive"):
        await DirectorPeer("d", password="wrong", port=port).dial()

    assert transcript.rows == []


async def test_a_storage_daemon_that_nobody_named_is_not_dialled(nursery: trio.Nursery) -> None:
    transcript = Transcript(time.monotonic)
    relay = Relay(transcript)
    listeners = await nursery.start(trio.serve_tcp, lambda s: relay.serve(Route("sd", None, b""), s), 0)
    stream = await trio.testing.open_stream_to_socket_listener(listeners[0])
    async with stream:
        await stream.send_all(b"\0\0\0\x10Hello Start Job x")
        assert await stream.receive_some() == b""
    assert transcript.rows == []


def parsed(*words: str) -> argparse.Namespace:
    """The options of the subcommand."""
    parser = argparse.ArgumentParser()
    add_record(parser.add_subparsers())
    return parser.parse_args(["record", *words])


@pytest.mark.parametrize(
    "words",
    [
        ("--fd", "nowhere", "127.0.0.1:1"),
        ("--fd", "127.0.0.1:1", "127.0.0.1:x"),
        ("--fd", "127.0.0.1:1", "127.0.0.1:2", "--sd", "h:1", "h:2", "h:3"),
    ],
)
def test_addresses_that_make_no_sense(
    tmp_path: Path, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert record(parsed(str(tmp_path / "out.jsonl"), *words)) == 2
    assert "fdconform:" in capsys.readouterr().err
    assert not (tmp_path / "out.jsonl").exists()

"""The Storage peer against a scripted File daemon: the dialogue, its refusals, and its planned faults."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import trio

from fdpeers.append import AppendStream, CountingStream, Figures
from fdpeers.errors import AuthenticationFailed, LinkClosed, StreamRefused
from fdpeers.faults import Act, Fault, Step
from fdpeers.labels import SessionLabel, VolumeLabel
from fdpeers.link import Link, packet
from fdpeers.outside import storage_process
from fdpeers.sinks import DiscardSink, MemorySink, Sink, StoredRecord, VolumeSink
from fdpeers.sources import MemorySource, Source
from fdpeers.storage import StoragePeer
from fdpeers.storage_session import JobRun, JobTicket

from .fd_end import EOD, KEY, ask, back_up, group, storage_link, stream_of

JOB = b"bak.2026-11-23_05.00.00_01"
GOOD: list[bytes | int] = [b"3000 OK append data\n", b"3000 OK end\n", b"3000 OK close Status = 84\n", -1]

Announce = Callable[..., JobRun]


@pytest.fixture
async def peer() -> AsyncIterator[StoragePeer]:
    storage = StoragePeer()
    async with trio.open_nursery() as nursery:
        await nursery.start(storage.serve)
        yield storage
        nursery.cancel_scope.cancel()


def announce(
    peer: StoragePeer, *faults: Fault, sink: Sink | None = None, source: Source | None = None
) -> JobRun:
    return peer.announce(JobTicket(JOB, KEY, 1, 9, sink=sink, source=source, faults=faults))


@pytest.mark.parametrize("tls", [False, True])
async def test_records_are_kept_as_they_came(peer: StoragePeer, tls: bool) -> None:
    sink = MemorySink()
    run = announce(peer, sink=sink)
    async with storage_link(peer.port, JOB, tls=tls) as link:
        assert await back_up(link, stream_of(3, 300_000)) == GOOD
        await run.done.wait()
    assert (run.status, run.error, sink.status) == ("T", "", "T")
    assert [(r.file_index, r.stream, len(r.data)) for r in sink.records[4:8]] == [
        (2, 1, 29),
        (2, 2, 262144),
        (2, 2, 37856),
        (2, 3, 16),
    ]
    assert ("TLS" in run.cipher) == tls


async def test_the_listener_of_attributes_hears_what_a_director_would(peer: StoragePeer) -> None:
    heard: list[tuple[int, int]] = []
    run = announce(peer, sink=MemorySink(lambda index, stream, record: heard.append((index, stream))))
    async with storage_link(peer.port, JOB) as link:
        await back_up(link, stream_of(2, 10))
        await run.done.wait()
    assert heard == [(1, 1), (1, 3), (2, 1), (2, 3)]


@pytest.mark.parametrize(
    ("commands", "reply"),
    [
        ([b"append data 1\n"], b"3902 Error session not opened\n"),
        ([b"append open session\n", b"append open session\n"], b"3901 Error session already open\n"),
        ([b"append open session\n", b"read data 1\n"], b"3902 Error session not opened\n"),
        ([b"hello?\n"], b"3900 Invalid command\n"),
        ([b"read open session = DummyVolume 1 9 0 0 0 0\n", b"read data 1\n"], b"3000 error\n"),
    ],
)
async def test_commands_out_of_order_are_hung_up_on(
    peer: StoragePeer, commands: list[bytes], reply: bytes
) -> None:
    run = announce(peer, sink=MemorySink())
    async with storage_link(peer.port, JOB) as link:
        replies = [await ask(link, command) for command in commands]
        assert replies[-1] == reply
        assert await link.receive() == -4
        await run.done.wait()
    assert run.status == "f"
    assert "hanging up" in run.error


@pytest.mark.parametrize(
    ("wire", "error"),
    [
        (group(2, 1, b"x"), "FileIndex=2 from FD not positive or sequential=0"),
        (group(1, 1, b"x") + group(3, 1, b"x"), "FileIndex=3 from FD not positive or sequential=1"),
        (packet(b"one 1 0"), "Malformed data header"),
        (packet(b"1 1 0") + b"\xff\xff\xff\xf6", "Unexpected signal from FD: -10"),
        (b"\x00\x0f\x42\x41", "Packet size too big"),
        (group(1, 1, b"x") + EOD + packet(b"append end session 1\n"), "before our reply"),
    ],
)
async def test_a_broken_stream_fails_as_with_the_real_daemon(
    peer: StoragePeer, wire: bytes, error: str
) -> None:
    run = announce(peer, sink=MemorySink())
    async with storage_link(peer.port, JOB) as link:
        await ask(link, b"append open session\n")
        await ask(link, b"append data 1\n")
        await link.send_wire(wire)
        assert [await link.receive() for _ in range(3)] == [
            b"3999 Failed append\n",
            b"3903 Error append data\n",
            -4,
        ]
        await run.done.wait()
    assert run.status == "f"
    assert error in run.error


async def test_an_incomplete_job_goes_on_behind_its_last_file(peer: StoragePeer) -> None:
    sink = MemorySink(after=2**31 - 2)
    run = announce(peer, sink=sink)
    async with storage_link(peer.port, JOB) as link:
        await ask(link, b"append open session\n")
        await ask(link, b"append data 1\n")
        await link.send_wire(group(2**31 - 1, 1, b"x") + group(2**31, 1, b"y"))
        assert await link.receive() == b"3999 Failed append\n"
        await run.done.wait()
    assert sink.records == [StoredRecord(2**31 - 1, 1, b"x")]
    assert "FileIndex=2147483648 from FD not positive" in run.error


@pytest.mark.parametrize("size", [1, 7, 1000, 1 << 20])
def test_any_cut_gives_the_same_figures(size: int) -> None:
    wire = stream_of(20, 300)
    kept: list[tuple[int, int, bytes]] = []
    strict, counting = Figures(), Figures()
    parsers = (
        AppendStream(lambda index, stream, data: kept.append((index, stream, bytes(data))), strict),
        CountingStream(counting),
    )
    for at in range(0, len(wire), size):
        for parser in parsers:
            assert not parser.ended
            parser.feed(wire[at : at + size])
    assert all(parser.ended and not parser.leftover for parser in parsers)
    assert (strict.files, strict.records, strict.size) == (counting.files, counting.records, counting.size)
    assert (strict.files, strict.records) == (20, 60)
    assert kept[58] == (20, 2, bytes(300))


def test_counting_refuses_what_no_daemon_takes() -> None:
    with pytest.raises(StreamRefused):
        CountingStream(Figures()).feed(b"\x7f\xff\xff\xff")


RECORDS = [StoredRecord(1, 1, b"attributes"), StoredRecord(1, 2, b"data"), StoredRecord(1, 2, b"")]


async def read_all(link: Link) -> list[bytes | int]:
    assert await ask(link, b"read open session = DummyVolume 1 9 0 0 0 0\n") == b"3000 OK open ticket = 1\n"
    assert await ask(link, b"read data 1\n") == b"3000 OK data\n"
    got: list[bytes | int] = []
    while not got or got[-1] != -1:
        got.append(await link.receive())
    assert await ask(link, b"read close session 1\n") == b"3000 OK close Status = 84\n"
    await link.send_signal(-4)
    return got


async def test_records_are_sent_as_they_were_kept(peer: StoragePeer) -> None:
    run = announce(peer, source=MemorySource(RECORDS, session_id=3, session_time=9))
    async with storage_link(peer.port, JOB) as link:
        assert await read_all(link) == [
            b"rechdr 3 9 1 1 10",
            b"attributes",
            b"rechdr 3 9 1 2 4",
            b"data",
            b"rechdr 3 9 1 2 0",
            b"",
            -1,
        ]
    await run.done.wait()
    assert run.status == "T"


async def test_a_heartbeat_between_header_and_data(peer: StoragePeer) -> None:
    fault = Fault(Step.RECORDS, Act.SEND, b"\xff\xff\xff\xfa", after=3)
    run = announce(peer, fault, source=MemorySource(RECORDS, session_id=3, session_time=9))
    async with storage_link(peer.port, JOB) as link:
        got = await read_all(link)
    assert got[2:5] == [b"rechdr 3 9 1 2 4", -6, b"data"]
    await run.done.wait()
    assert run.status == "T"


@pytest.mark.parametrize(
    "step",
    [Step.APPEND_OPEN, Step.APPEND_DATA, Step.DATA, Step.DATA_END, Step.APPEND_END, Step.APPEND_CLOSE],
)
@pytest.mark.parametrize("act", [Act.CLOSE, Act.RESET])
async def test_a_planned_end_strikes_at_its_step(peer: StoragePeer, step: Step, act: Act) -> None:
    run = announce(peer, Fault(step, act), sink=MemorySink())
    with pytest.raises(LinkClosed):
        async with storage_link(peer.port, JOB) as link:
            await back_up(link, stream_of(1, 10))
    await run.done.wait()
    assert (run.status, run.error) == ("f", f"planned {act.name} at {step.name}")


@pytest.mark.parametrize("step", [Step.HELLO, Step.AUTHENTICATED])
async def test_a_planned_end_before_the_first_command(peer: StoragePeer, step: Step) -> None:
    run = announce(peer, Fault(step, Act.CLOSE), sink=MemorySink())
    with pytest.raises(LinkClosed):
        async with storage_link(peer.port, JOB) as link:
            await ask(link, b"append open session\n")
    await run.done.wait()
    assert run.error == f"planned CLOSE at {step.name}"


async def test_a_planned_reply_takes_the_place_of_the_answer(peer: StoragePeer) -> None:
    run = announce(peer, Fault(Step.APPEND_DATA, Act.REPLY, b"3999 no\n"), sink=MemorySink())
    async with storage_link(peer.port, JOB) as link:
        await ask(link, b"append open session\n")
        assert await ask(link, b"append data 1\n") == b"3999 no\n"
        assert await link.receive() == -4
        await run.done.wait()
    assert run.status == "f"


async def test_a_stalled_run_ends_when_it_is_canceled(peer: StoragePeer) -> None:
    run = announce(peer, Fault(Step.DATA, Act.STALL, after=1000), sink=DiscardSink())
    async with storage_link(peer.port, JOB) as link:
        await ask(link, b"append open session\n")
        await ask(link, b"append data 1\n")
        await link.send_wire(group(1, 2, bytes(5000)))
        while run.figures.size < 5000:
            await trio.lowlevel.checkpoint()
        run.cancel()
        with pytest.raises(LinkClosed):
            await link.receive()
    await run.done.wait()
    assert (run.status, run.error) == ("A", "canceled")


async def test_strangers_are_closed_without_a_word(peer: StoragePeer) -> None:
    announce(peer, sink=MemorySink())
    for hello in (
        b"Hello Start Job nobody.2026-11-23_05.00\n",
        b"Hello you\n",
        b"GET / HTTP/1.0\r\n\r\n" * 3,
    ):
        link = Link(await trio.open_tcp_stream("127.0.0.1", peer.port))
        await link.send(hello)
        with pytest.raises(LinkClosed):
            await link.receive()
        await link.aclose()


@pytest.mark.parametrize("tls", [False, True])
async def test_a_wrong_key_fails_the_job_or_the_handshake(peer: StoragePeer, tls: bool) -> None:
    run = announce(peer, sink=MemorySink())
    with pytest.raises((AuthenticationFailed, LinkClosed)):
        async with storage_link(peer.port, JOB, key=b"wrong", tls=tls):
            pass
    if not tls:
        await run.done.wait()
        assert run.error == "Unable to authenticate File daemon"


async def test_a_second_connection_of_a_job_is_refused(peer: StoragePeer) -> None:
    announce(peer, sink=MemorySink())
    async with storage_link(peer.port, JOB):
        with pytest.raises(LinkClosed):
            async with storage_link(peer.port, JOB):
                pass


async def test_a_storage_peer_in_another_process() -> None:
    async with storage_process() as outside:
        await outside.announce(JOB.decode(), KEY.decode())
        async with storage_link(outside.port, JOB, tls=True) as link:
            assert await back_up(link, stream_of(5, 100)) == GOOD
        result = await outside.result()
    assert result == {
        "done": JOB.decode(),
        "status": "T",
        "error": "",
        "files": 5,
        "records": 15,
        "bytes": 5 * (29 + 100 + 16),
    }


async def test_a_stored_volume_is_replayed_from_another_process(tmp_path: Path) -> None:
    sink = VolumeSink(
        str(tmp_path / "Vol-1"),
        session_id=3,
        session_time=9,
        label=SessionLabel(1, 0, JOB, b"bak", b"fd", b"fs"),
        volume_label=VolumeLabel(b"Vol-1", 0, 0, b"host"),
    )
    sink.feed(stream_of(3, 300_000))
    sink.finish("T")
    async with storage_process(replay=tmp_path / "Vol-1") as outside:
        for _ in range(2):
            await outside.announce(JOB.decode(), KEY.decode())
            async with storage_link(outside.port, JOB) as link:
                got = await read_all(link)
            assert [item for item in got if isinstance(item, bytes) and item.startswith(b"rechdr")][3:7] == [
                b"rechdr 3 9 1 3 16",
                b"rechdr 3 9 2 1 29",
                b"rechdr 3 9 2 2 262144",
                b"rechdr 3 9 2 2 37856",
            ]
            assert len(got) == 3 * 8 + 1
            assert (await outside.result())["status"] == "T"

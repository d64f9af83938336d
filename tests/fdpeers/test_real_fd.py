"""The peers under the real C++ File daemon: what they believe about the protocol is true."""

from functools import partial
from pathlib import Path

import pytest
import trio

from fdpeers import dialogues
from fdpeers.dialogues import BackupPlan, RestorePlan, StorageAddress
from fdpeers.director import JobEnd
from fdpeers.errors import AuthenticationFailed
from fdpeers.labels import SessionLabel, VolumeLabel
from fdpeers.names import Job
from fdpeers.sinks import DiscardSink, MemorySink, Sink, VolumeSink
from fdpeers.sources import MemorySource, Piece, VolumeSource
from fdpeers.storage import StoragePeer
from fdpeers.storage_session import JobRun, JobTicket
from fdpeers.transcript import Transcript

from .conftest import Bareos, RealFd, storage_config
from .trees import describe, grow

pytestmark = pytest.mark.bareos

KEY = b"ABCD-EFGH-IJKL-MNOP-ABCD-EFGH-IJKL-MNOP"


def job(number: int, name: str) -> Job:
    return Job(number, f"{name}.2026-11-23_05.00.00_{number:02d}".encode(), 1, 1_700_000_000, KEY)


def fileset(*paths: Path, options: str = "MAX", excludes: tuple[Path, ...] = ()) -> list[bytes]:
    lines = ["I\n", f"O {options}\n", "N\n", *(f"F {path}" for path in paths), "N\n", "N\n"]
    if excludes:
        lines += ["E\n", *(f"F {path}" for path in excludes), "N\n", "N\n"]
    return [line.encode() for line in lines]


def volume_sink(folder: Path, which: Job) -> VolumeSink:
    folder.mkdir(exist_ok=True)
    return VolumeSink(
        str(folder / "Vol-1"),
        session_id=which.session_id,
        session_time=which.session_time,
        label=SessionLabel(which.job_id, 0, which.name, b"bak", b"real-fd", b"fs"),
        volume_label=VolumeLabel(b"Vol-1", 0, 0, b"host"),
    )


async def back_up(
    fd: RealFd, which: Job, sink: Sink, lines: list[bytes], transcript: Transcript | None = None
) -> tuple[JobEnd, JobRun]:
    storage = StoragePeer(transcript=transcript)
    async with trio.open_nursery() as nursery:
        port = await nursery.start(storage.serve)
        run = storage.announce(JobTicket(which.name, KEY, which.session_id, which.session_time, sink=sink))
        plan = BackupPlan(lines, StorageAddress("127.0.0.1", port, fd.tls))
        async with fd.director(transcript).connect() as session:
            end = await dialogues.backup(session, which, plan, tls=fd.tls)
            assert not session.malformed
        await run.done.wait()
        nursery.cancel_scope.cancel()
    return end, run


async def test_a_tree_goes_to_a_volume_and_back(cpp_fd: RealFd, tmp_path: Path) -> None:
    tree, volumes = grow(tmp_path / "tree"), tmp_path / "volumes"
    sink = volume_sink(volumes, job(1, "bak"))
    end, run = await back_up(cpp_fd, job(1, "bak"), sink, fileset(tree))
    assert (end.status, end.errors, run.status, run.error) == ("T", 0, "T", "")
    assert end.files == run.figures.files == len(describe(tree))
    assert ("TLS" in run.cipher) == cpp_fd.tls

    storage = StoragePeer()
    target = tmp_path / "restored"
    again = Job(2, b"Restore.2026-11-23_05.00.01_02", 2, 1_700_000_000, KEY)
    async with trio.open_nursery() as nursery:
        port = await nursery.start(storage.serve)
        source = VolumeSource(volumes, [Piece("Vol-1", 1, 1_700_000_000, ((1, end.files),))])
        run = storage.announce(JobTicket(again.name, KEY, 2, 1_700_000_000, source=source))
        plan = RestorePlan(StorageAddress("127.0.0.1", port, cpp_fd.tls), where=bytes(target))
        async with cpp_fd.director().connect() as session:
            restored = await dialogues.restore(session, again, plan, tls=cpp_fd.tls)
        await run.done.wait()
        nursery.cancel_scope.cancel()
    assert (restored.status, restored.files, restored.errors) == ("T", end.files, 0)
    assert run.status == "T", run.error
    assert describe(Path(f"{target}{tree}")) == describe(tree)


async def test_the_real_tools_read_our_volume(bareos: Bareos, cpp_fd: RealFd, tmp_path: Path) -> None:
    tree, volumes = grow(tmp_path / "tree"), tmp_path / "volumes"
    await back_up(cpp_fd, job(1, "bak"), volume_sink(volumes, job(1, "bak")), fileset(tree))
    config = storage_config(bareos, tmp_path, volumes)
    listing = bareos.run("bls", config, "-v", "-V", "Vol-1", "FileStorage")
    assert f"{tree}/deep/er/big.bin" in listing
    assert "End Job Session Record" in listing
    extracted = tmp_path / "extracted"
    extracted.mkdir()
    bareos.run("bextract", config, "-V", "Vol-1", "FileStorage", str(extracted))
    assert describe(Path(f"{extracted}{tree}")) == describe(tree)


async def test_the_counting_storage_sees_the_same_figures(cpp_fd: RealFd, tmp_path: Path) -> None:
    tree = grow(tmp_path / "tree")
    kept, counted = MemorySink(), DiscardSink()
    await back_up(cpp_fd, job(1, "kept"), kept, fileset(tree))
    await back_up(cpp_fd, job(2, "counted"), counted, fileset(tree))
    assert (counted.figures.files, counted.figures.records) == (kept.figures.files, kept.figures.records)
    # Access times change their encoded length at most by nothing: whole seconds of the same magnitude.
    assert counted.figures.size == kept.figures.size


async def test_a_transcript_reads_like_the_recorded_sessions(cpp_fd: RealFd, tmp_path: Path) -> None:
    tree = grow(tmp_path / "tree")
    transcript = Transcript(trio.current_time)
    await back_up(cpp_fd, job(1, "bak"), MemorySink(), fileset(tree), transcript)
    rows = transcript.rows
    assert {row["open"] for row in rows if "open" in row} == {"dir-fd", "fd-sd"}
    texts = [str(row.get("text")) for row in rows]
    assert "2000 OK backup\n" in texts
    assert "3000 OK close Status = 84\n" in texts
    assert [row["signal"] for row in rows if row.get("from") == "fd" and "signal" in row][-1] == -4


async def test_status_estimate_and_cancel(cpp_fd: RealFd, tmp_path: Path) -> None:
    tree = grow(tmp_path / "tree")
    (tree / "large").write_bytes(bytes(30_000_000))
    console = Job(0, b"-Console-.2026-11-23_05.00.00_00", 0, 0, b"dummy")
    plan = BackupPlan(fileset(tree), None)
    async with cpp_fd.director().connect() as session:
        text = await dialogues.estimate(session, console, plan, tls=cpp_fd.tls, listing=True)
    assert b"/large\n" in text
    assert text.endswith(b"\n")
    assert b"2000 OK estimate files=" in text

    storage = StoragePeer()
    slow = job(3, "slow")
    async with trio.open_nursery() as nursery:
        port = await nursery.start(storage.serve)
        run = storage.announce(JobTicket(slow.name, KEY, 3, 1_700_000_000, sink=MemorySink()))
        plan = BackupPlan(fileset(tree), StorageAddress("127.0.0.1", port, cpp_fd.tls), bandwidth=500_000)
        async with cpp_fd.director().connect() as session:
            await dialogues.start_backup(session, slow, plan, tls=cpp_fd.tls)
            async with cpp_fd.director().connect() as other:
                running = await dialogues.status(other)
            assert slow.name in running
            async with cpp_fd.director().connect() as other:
                reply = await dialogues.cancel(other, slow.name)
            assert reply == b"2001 Job %s marked to be canceled.\n" % slow.name
            end = await session.job_end()
        assert end.status == "A"
        await run.done.wait()
        nursery.cancel_scope.cancel()
    assert run.status == "f"


async def test_a_wrong_password_is_refused(cpp_fd: RealFd) -> None:
    with pytest.raises(AuthenticationFailed, match="TLS" if cpp_fd.tls else "1999 Authorization failed"):
        await cpp_fd.director(password="wrong").dial()


async def test_a_passive_client_is_dialled_for_backup_and_restore(cpp_fd: RealFd, tmp_path: Path) -> None:
    tree, target = grow(tmp_path / "tree"), tmp_path / "restored"
    storage, sink = StoragePeer(), MemorySink()
    first, second = job(1, "passive"), job(2, "passive")
    async with trio.open_nursery() as nursery:
        run = storage.announce(JobTicket(first.name, KEY, 1, 1_700_000_000, sink=sink))

        async def connect() -> None:
            nursery.start_soon(partial(storage.dial, "127.0.0.1", cpp_fd.port, run, tls=cpp_fd.tls))
            await run.authenticated.wait()

        async with cpp_fd.director().connect() as session:
            plan = BackupPlan(fileset(tree), None)
            end = await dialogues.backup(session, first, plan, tls=cpp_fd.tls, connect_storage=connect)
        await run.done.wait()
        assert (end.status, run.status, run.error) == ("T", "T", "")
        assert ("TLS" in run.cipher) == cpp_fd.tls

        source = MemorySource(sink.records, session_id=1, session_time=1_700_000_000)
        run = storage.announce(JobTicket(second.name, KEY, 1, 1_700_000_000, source=source))
        async with cpp_fd.director().connect() as session:
            back = RestorePlan(None, where=bytes(target))
            end = await dialogues.restore(session, second, back, tls=cpp_fd.tls, connect_storage=connect)
        await run.done.wait()
        assert (end.status, run.status, run.error) == ("T", "T", "")
    assert describe(Path(f"{target}{tree}")) == describe(tree)

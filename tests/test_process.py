"""The daemon as a process: how it ends, reloads, refuses to start twice, remembers, and reports to its manager."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import trio

from fdaemon.session.history import load, state_path, store
from fdpeers import dialogues
from fdpeers.dialogues import StorageAddress
from fdpeers.director import DirectorPeer
from fdpeers.errors import PeersError
from fdpeers.faults import Act, Fault, Step
from fdpeers.link import TERMINATE
from fdpeers.names import Job
from fdpeers.sources import MemorySource
from fdpeers.storage import StoragePeer
from fdpeers.storage_session import JobTicket

from .session.test_history import job

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 20.0
JOB = Job(7, b"job.2026-11-23_05.00.00_07", 1, 1_700_000_000, b"ABCD-EFGH-IJKL-MNOP-ABCD-EFGH-IJKL-MNOP")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def configure(folder: Path, port: int, *, client: str = "", password: str = "secret") -> Path:
    path = folder / "bareos-fd.conf"
    path.write_text(f"""
Client {{
  Name = fd
  Working Directory = "{folder}"
  Address = 127.0.0.1
  Port = {port}
  {client}
}}
Director {{
  Name = bareos-dir
  Password = "{password}"
}}
Messages {{
  Name = Standard
  Director = bareos-dir = all
  Append = "{folder}/fd.log" = all
}}
""")
    return path


@contextmanager
def running(
    path: Path, folder: Path, *options: str
) -> Iterator[tuple[subprocess.Popen[bytes], socket.socket]]:
    """A daemon that has told its service manager that it is ready, and the manager's socket."""
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    place = folder / "notify"
    place.unlink(missing_ok=True)
    with manager:
        manager.bind(str(place))
        manager.settimeout(LIMIT)
        process = subprocess.Popen(
            [sys.executable, "-m", "fdaemon.cli", "-f", "-c", str(path), *options],
            cwd=ROOT,
            env={**os.environ, "NOTIFY_SOCKET": str(place), "WATCHDOG_USEC": "60000000"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            assert told(manager, b"READY=1") == b"READY=1\nMAINPID=%d" % process.pid
            yield process, manager
        finally:
            process.kill()
            process.communicate()


def told(manager: socket.socket, word: bytes) -> bytes:
    """The next notification that begins with `word`."""
    while True:
        datagram = manager.recv(4096)
        if datagram.startswith(word):
            return datagram


def peer(port: int, password: str = "secret") -> DirectorPeer:
    return DirectorPeer(port=port, password=password)


def test_sigterm_ends_an_idle_daemon_with_status_15(tmp_path: Path) -> None:
    with running(configure(tmp_path, free_port()), tmp_path) as (process, manager):
        process.send_signal(signal.SIGTERM)
        assert told(manager, b"STOPPING=1")
        assert process.wait(LIMIT) == 15


def test_the_watchdog_hears_from_the_daemon(tmp_path: Path) -> None:
    with running(configure(tmp_path, free_port()), tmp_path) as (_, manager):
        assert told(manager, b"WATCHDOG=1")


def test_no_signals_leaves_sigterm_to_the_system(tmp_path: Path) -> None:
    with running(configure(tmp_path, free_port()), tmp_path, "-s") as (process, _):
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT) == -signal.SIGTERM


def test_a_second_daemon_on_the_port_says_so(tmp_path: Path) -> None:
    port = free_port()
    path = configure(tmp_path, port)
    with running(path, tmp_path):
        second = subprocess.run(
            [sys.executable, "-m", "fdaemon.cli", "-f", "-c", str(path)],
            cwd=ROOT,
            capture_output=True,
            timeout=60,
            check=False,
        )
    assert second.returncode == 1
    log = (tmp_path / "fd.log").read_text()
    assert (
        log.count(f"Cannot bind address 127.0.0.1 port {port} ERR=Address already in use. Retrying...\n") == 3
    )
    assert f"cannot bind 127.0.0.1 port {port}: Address already in use\n" in log


async def test_sigterm_ends_a_running_job_with_its_report(tmp_path: Path) -> None:
    """The job waits in a script that would take a minute; its report comes within two seconds."""
    port = free_port()
    with running(configure(tmp_path, port), tmp_path) as (process, _):
        async with peer(port).connect() as session, trio.open_nursery() as nursery:
            replies: list[bytes | int] = []
            began = trio.Event()
            session.on_message = lambda message: began.set() if b"sleep" in message.text else None

            async def listen() -> None:
                while not replies or replies[-1] != TERMINATE:
                    replies.append(await session.reply())

            await dialogues.introduce(session, JOB, tls=True)
            await session.send(b"Run OnSuccess=1 OnFailure=0 AbortOnError=1 When=2 Command=sleep\x0160\n")
            await session.expect(b"2000 OK RunScript\n")
            await session.send(b"RunBeforeNow\n")
            nursery.start_soon(listen)
            await began.wait()
            start = time.monotonic()
            process.send_signal(signal.SIGTERM)
            code = await trio.to_thread.run_sync(process.wait, LIMIT)
            took = time.monotonic() - start
    end = next(reply for reply in replies if isinstance(reply, bytes) and reply.startswith(b"2800"))
    assert end.startswith(b"2800 End Job TermCode=102 ")
    assert session.messages[-1].text == b"fd JobId 7: Fatal error: The File daemon is shutting down.\n"
    assert replies[-1] == TERMINATE
    assert code == 15
    assert took < 2.0


async def test_sigterm_in_a_restore_is_told_in_place_of_the_storages_end(tmp_path: Path) -> None:
    """The Storage daemon waits for a volume. After `2000 OK storage end` the Director would wait with it."""
    port = free_port()
    storage = StoragePeer()
    stall = Fault(Step.READ_DATA, Act.STALL)
    ticket = JobTicket(
        JOB.name, JOB.key, 1, 2, source=MemorySource([], session_id=1, session_time=2), faults=(stall,)
    )
    with running(configure(tmp_path, port), tmp_path) as (process, _):
        async with peer(port).connect() as session, trio.open_nursery() as nursery:
            address = StorageAddress("127.0.0.1", await nursery.start(storage.serve), tls=True)
            run = storage.announce(ticket)
            await dialogues.introduce(session, JOB, tls=True)
            await dialogues.send_storage(session, address, JOB.key)
            await session.send(b"restore replace=a prelinks=0 where=%s\n" % dialogues.bash(bytes(tmp_path)))
            await session.expect(b"2000 OK restore\n")
            with trio.fail_after(LIMIT):
                while not any(command.startswith(b"read data") for command in run.commands):
                    await trio.lowlevel.checkpoint()
            process.send_signal(signal.SIGTERM)
            end = await session.reply()
            nursery.cancel_scope.cancel()
        assert isinstance(end, bytes)
        assert end.startswith(b"2800 End Job TermCode=102 ")
        assert session.messages[-1].text == b"fd JobId 7: Fatal error: The File daemon is shutting down.\n"
        await trio.to_thread.run_sync(process.wait, LIMIT)


async def test_sigterm_ends_the_daemon_though_a_thread_hangs(tmp_path: Path) -> None:
    """Its list of names is a pipe into which nobody writes. What ended before is remembered all the same."""
    port = free_port()
    place = state_path(str(tmp_path), port)
    store(place, [job(41)])
    os.mkfifo(tmp_path / "list")
    with running(configure(tmp_path, port), tmp_path) as (process, _):
        async with peer(port).connect() as session:
            await dialogues.introduce(session, JOB, tls=True)
            for line in (b"fileset\n", b"I\n", b"F <%b\n" % bytes(tmp_path / "list"), b"N\n"):
                await session.send(line)
            await session.send_signal(-1)
            pipe = -1
            with trio.fail_after(LIMIT):
                while pipe < 0:
                    await trio.lowlevel.checkpoint()
                    with suppress(OSError):  # until it reads
                        pipe = os.open(tmp_path / "list", os.O_WRONLY | os.O_NONBLOCK)
            process.send_signal(signal.SIGTERM)
            code = await trio.to_thread.run_sync(process.wait, LIMIT)
            os.close(pipe)
    assert code == 15
    assert [found.job_id for found in load(place)] == [41]


def test_the_list_of_terminated_jobs_survives(tmp_path: Path) -> None:
    port = free_port()
    path = configure(tmp_path, port)
    place = state_path(str(tmp_path), port)
    store(place, [job(41), job(42)])
    with running(path, tmp_path) as (process, _):
        process.send_signal(signal.SIGTERM)
        process.wait(LIMIT)
    assert [found.job_id for found in load(place)] == [41, 42]


async def _greeted(port: int, password: str) -> bool:
    try:
        async with peer(port, password).connect():
            return True
    except PeersError:
        return False


@pytest.mark.parametrize("good", [True, False], ids=["good", "broken"])
def test_sighup_takes_over_a_good_configuration_only(tmp_path: Path, good: bool) -> None:
    port = free_port()
    path = configure(tmp_path, port)
    with running(path, tmp_path) as (process, manager):
        configure(tmp_path, port, password="other", client="" if good else "No Such Word = 1")
        process.send_signal(signal.SIGHUP)
        assert told(manager, b"RELOADING=1")
        assert told(manager, b"READY=1")
        assert trio.run(_greeted, port, "other" if good else "secret")
    log = (tmp_path / "fd.log").read_text()
    assert ("has been read again" in log) == good
    assert ('Keyword "NoSuchWord" not permitted' in log) != good


def test_a_reload_that_nobody_can_be_told_of(tmp_path: Path) -> None:
    """What read the daemon's standard streams is gone, and no destination takes its messages."""
    port = free_port()
    path = configure(tmp_path, port)
    path.write_text(path.read_text().replace("Append =", "#"))
    with running(path, tmp_path) as (process, manager):
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        process.send_signal(signal.SIGHUP)
        assert told(manager, b"RELOADING=1")
        assert told(manager, b"READY=1")
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT) == 15


def test_sigterm_does_not_wait_for_a_reload(tmp_path: Path) -> None:
    path = configure(tmp_path, free_port())
    with running(path, tmp_path) as (process, manager):
        os.mkfifo(tmp_path / "included")  # as slow as a name server that does not answer
        path.write_text(f"{path.read_text()}\n@{tmp_path}/included\n")
        process.send_signal(signal.SIGHUP)
        assert told(manager, b"RELOADING=1")
        process.send_signal(signal.SIGTERM)
        assert told(manager, b"STOPPING=1")
        assert process.wait(LIMIT) == 15

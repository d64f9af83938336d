"""The daemon under test: where it listens, which Directors it knows, and how one is started for a profile."""

import os
import re
import shlex
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import trio

from fdconform import pki_keys
from fdconform.authority import write_certificates
from fdconform.profiles import Director, Profile, configuration

START_LIMIT: Final = 30.0
"""Seconds until a daemon that was started must listen."""
STOP_LIMIT: Final = 10.0
"""Seconds that a daemon has to end after SIGTERM before it is killed."""


class SubjectError(Exception):
    """The daemon cannot be tested at all: it does not start, does not listen, or died."""


class ProfileMissing(SubjectError):
    """This daemon does not run with the configuration that the case needs."""


@dataclass(slots=True)
class Subject:
    """A daemon that listens. `files`: a folder that it sees too, None if it runs elsewhere. `process` is None for a
    daemon that was there before."""

    host: str
    port: int
    directors: Mapping[str, Director]
    files: Path | None
    process: subprocess.Popen[bytes] | None = None
    log: Path | None = None
    folder: Path | None = None

    @property
    def alive(self) -> bool:
        """False once a process of ours has ended."""
        return self.process is None or self.process.poll() is None

    async def listens(self) -> bool:
        """Whether it still takes connections."""
        with trio.move_on_after(5):
            try:
                stream = await trio.open_tcp_stream(self.host, self.port)
            except OSError:
                return False
            await stream.aclose()
            return True
        return False

    def resident(self) -> int:
        """Resident memory now, in bytes; 0 if it cannot be seen."""
        if self.process is None:
            return 0
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text()
        except OSError:
            return 0
        found = re.search(r"VmRSS:\s+(\d+)", status)
        return int(found[1]) * 1024 if found else 0


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def started(command: str, profile: Profile, folder: Path) -> AsyncIterator[Subject]:
    """Start `command` (`{config}` in it is the configuration file; without it `-f -c FILE` is added) and stop it
    at the end. Raises SubjectError."""
    port = free_port()
    process = await trio.to_thread.run_sync(_launch, command, configuration(profile, folder, port), folder)
    subject = Subject(
        "127.0.0.1", port, dict(profile.directors), folder, process, folder / "daemon.log", folder
    )
    try:
        await _listening(subject)
        yield subject
    finally:
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(_stop, process)


def _launch(command: str, text: str, folder: Path) -> subprocess.Popen[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "daemon.conf"
    config.write_text(text)
    if f"{folder}/keys/fd.pem" in text:
        write_certificates(folder / "keys")
    if f"{folder}/keys/pki-" in text:
        pki_keys.write(folder / "keys")
    words = shlex.split(command)
    if any("{config}" in word for word in words):
        words = [word.replace("{config}", str(config)) for word in words]
    else:
        words += ["-f", "-c", str(config)]
    try:
        with (folder / "daemon.log").open("ab") as out:
            return subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=os.environ | {"FDAEMON_TRACE": "1"},
            )
    except OSError as error:
        raise SubjectError(f"cannot start {words[0]}: {error.strerror}") from error


async def _listening(subject: Subject) -> None:
    with trio.move_on_after(START_LIMIT):
        while subject.alive:
            if await subject.listens():
                return
            await trio.sleep(0.02)
    said = subject.log.read_text(errors="replace")[-2000:] if subject.log else ""
    raise SubjectError(f"the daemon does not listen on port {subject.port}; it said:\n{said}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

"""Ends for the peers to talk to: the real C++ File daemon, in the clear and with TLS-PSK, and the volume
tools.
"""

import os
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trio

from fdpeers.director import DirectorPeer
from fdpeers.transcript import Transcript

PASSWORD = "fd secret"


@dataclass(frozen=True)
class Bareos:
    """A Bareos build tree."""

    core: Path

    @property
    def environment(self) -> dict[str, str]:
        folders = ":".join(str(self.core / name) for name in ("lib", "cats", "findlib"))
        return {**os.environ, "LD_LIBRARY_PATH": folders}

    @property
    def backends(self) -> Path:
        """Directory of the file backend, which not every build tree holds: BAREOS_BACKENDS may name
        another.
        """
        folder = Path(os.environ.get("BAREOS_BACKENDS") or self.core / "stored/backends")
        if not (folder / "libbareossd-file.so").exists():
            pytest.skip(f"{folder} has no libbareossd-file.so, so the volume tools cannot read files")
        return folder

    def run(self, tool: str, config: Path, *arguments: str) -> str:
        """Run `bls` or `bextract`; gives what it printed."""
        command = [str(self.core / "stored" / tool), "-c", str(config), *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, check=False)
        printed = (done.stdout + done.stderr).decode(errors="backslashreplace")
        assert done.returncode == 0, printed
        return printed


@dataclass
class RealFd:
    """A running C++ File daemon."""

    port: int
    tls: bool

    def director(self, transcript: Transcript | None = None, **options: Any) -> DirectorPeer:
        options = {"password": PASSWORD, "port": self.port, "tls": self.tls, **options}
        return DirectorPeer("test dir", transcript=transcript, **options)


@pytest.fixture
def bareos() -> Bareos:
    return Bareos(Path(os.environ["BAREOS_BUILD"], "core/src").resolve())


def storage_config(bareos: Bareos, directory: Path, volumes: Path) -> Path:
    """Configuration of a Storage daemon, for the volume tools."""
    path = directory / "sd.conf"
    path.write_text(
        f"""
Storage {{
  Name = tool-sd
  Working Directory = "{directory}"
  Backend Directory = "{bareos.backends}"
}}
Director {{
  Name = tool-dir
  Password = "x"
}}
Device {{
  Name = FileStorage
  Media Type = File
  Archive Device = "{volumes}"
  Device Type = File
  Label Media = yes
  Random Access = yes
  Automatic Mount = yes
  Removable Media = no
  Always Open = no
}}
"""
    )
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def real_fd(bareos: Bareos, directory: Path, *, tls: bool) -> AsyncIterator[RealFd]:
    port = free_port()
    config = directory / "fd.conf"
    config.write_text(
        f"""
Client {{
  Name = real-fd
  Working Directory = "{directory}"
  Port = {port}
  Address = 127.0.0.1
  TLS Enable = {"yes" if tls else "no"}
  Maximum Concurrent Jobs = 10
}}
Director {{
  Name = "test dir"
  Password = "{PASSWORD}"
  TLS Enable = {"yes" if tls else "no"}
}}
Messages {{
  Name = Standard
  Director = "test dir" = all, !skipped, !restored
}}
"""
    )
    command = [str(bareos.core / "filed/bareos-fd"), "-f", "-c", str(config)]
    with (directory / "fd.log").open("wb") as log:
        process = await trio.lowlevel.open_process(
            command, env=bareos.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        with trio.fail_after(30):
            while True:
                assert process.poll() is None, (directory / "fd.log").read_text()
                try:
                    await (await trio.open_tcp_stream("127.0.0.1", port)).aclose()
                    break
                except OSError:
                    await trio.sleep(0.05)
        yield RealFd(port, tls)
    finally:
        with trio.CancelScope(shield=True):
            process.terminate()
            with trio.move_on_after(5):
                await process.wait()
            if process.returncode is None:
                process.kill()
                await process.wait()


@pytest.fixture(params=[False, True], ids=["clear", "tls"])
async def cpp_fd(request: pytest.FixtureRequest, bareos: Bareos, tmp_path: Path) -> AsyncIterator[RealFd]:
    directory = tmp_path / "fd"
    directory.mkdir()
    async with real_fd(bareos, directory, tls=bool(request.param)) as fd:
        yield fd

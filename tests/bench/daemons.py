"""File daemons as processes to measure: ours, and a real one where FDAEMON_BENCH_REFERENCE names its executable."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PASSWORD = "bench"
START_LIMIT = 20.0
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Candidate:
    """An implementation: its name in the report and the command before `-f -c CONFIGURATION`."""

    name: str
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Running:
    """A daemon that listens on `port`."""

    pid: int
    port: int

    def cpu(self) -> float:
        """User and system seconds so far, of the process and of what it has reaped."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / _TICK

    def peak(self) -> int:
        """Peak resident memory in MB."""
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{self.pid}/status").read_text())
        return int(found[1]) // 1024 if found else 0


def candidates() -> list[Candidate]:
    """Ours, and the reference if there is one."""
    ours = Candidate("fdaemon", (sys.executable, "-m", "fdaemon.cli"))
    reference = os.environ.get("FDAEMON_BENCH_REFERENCE")
    return [ours] if not reference else [Candidate("reference", (reference,)), ours]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(candidate: Candidate, place: Path, extra: str = "") -> Iterator[Running]:
    """Start a daemon with TLS-PSK on a free port, and stop it again. `extra`: more lines for its Client resource."""
    port = _free_port()
    work = place / f"work-{candidate.name}"
    work.mkdir(exist_ok=True)
    config = place / f"{candidate.name}.conf"
    config.write_text(
        f'Client {{\n Name = bench-fd\n Port = {port}\n Address = 127.0.0.1\n Working Directory = "{work}"\n'
        f" {extra}\n}}\n"
        f'Director {{\n Name = bareos-dir\n Password = "{PASSWORD}"\n}}\n'
        "Messages {\n Name = Standard\n Director = bareos-dir = all, !skipped, !restored\n}\n"
    )
    with (place / f"{candidate.name}.log").open("wb") as log:
        process = subprocess.Popen(
            [*candidate.command, "-f", "-c", str(config)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        _wait_for(process, port)
        yield Running(process.pid, port)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(START_LIMIT)


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"the daemon on port {port} did not start")

"""A real Director, Storage daemon and C++ File daemon around ours, on free ports, with a database of their own.

What they may do is in `bareos_resources`; what a test asks of them goes through bconsole, as an administrator would.
"""

import getpass
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.bareos_resources import CPP, OURS, Directives, FileSet, Site, write_resources

START_LIMIT = 30.0
STOP_LIMIT = 10.0
JOB_LIMIT = 90.0
DROP_LIMIT = 10.0
CONSOLE_LIMIT = 120.0
PAUSE = 0.05
"""Seconds between two looks at something that only another process can bring about."""

_PROJECT = Path(__file__).parents[2]


def until[T](look: Callable[[], T | None], what: str, limit: float = 30.0) -> T:
    """What `look` gives once it gives something; AssertionError naming `what` after `limit` seconds."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(PAUSE)
    raise AssertionError(f"within {limit:g} s there was no {what}")


@dataclass
class Daemon:
    """One daemon as a process that listens on `port` of the loopback; its output is in `log`."""

    name: str
    command: Sequence[str | Path]
    port: int
    log: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it listens."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                env=self.environment,
                cwd=_PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            until(self._listens, f"listening {self.name}", START_LIMIT)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.output()}") from None

    def _listens(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"{self.name}: {self.output()}"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def output(self) -> str:
        """What it printed so far."""
        return self.log.read_text(errors="backslashreplace")

    def kill(self) -> None:
        """End it by SIGKILL, at once."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def terminate(self) -> None:
        """Ask it to end."""
        if self.process is not None:
            self.process.terminate()

    def wait(self) -> None:
        """Wait for the end that it was asked for, not for ever."""
        if self.process is None:
            return
        try:
            self.process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self.kill()


@dataclass(frozen=True)
class Report:
    """What the Director keeps of a finished job: its whole log."""

    job_id: int
    log: str

    def value(self, key: str) -> str:
        """A field of the summary, without thousands separators: `FD Files Written` and so on."""
        found = re.search(rf"^ *{re.escape(key)}: +(.*)$", self.log, re.MULTILINE)
        assert found is not None, f"no {key} in {self.log}"
        return re.sub(r"(?<=\d),(?=\d)", "", found[1]).strip()

    def number(self, key: str) -> int:
        """A number of the summary."""
        return int(self.value(key).split()[0])

    @property
    def termination(self) -> str:
        """How it ended, as the summary's last line has it: `Backup OK`, `Restore OK -- with errors`."""
        return self.value("Termination").strip("* ")

    def said(self, client: str, kind: str = "") -> list[str]:
        """The messages of one daemon in order: the text behind `NAME JobId N: `, of one `kind` or all."""
        head = re.compile(rf"{re.escape(client)} JobId {self.job_id}: ({re.escape(kind)}.*)")
        return [found[1].strip() for line in self.log.splitlines() if (found := head.search(line))]


@dataclass
class RealDaemons:
    """The running daemons. A client is `CPP` or `OURS`."""

    site: Site
    environment: dict[str, str]
    director: Daemon
    storage: Daemon
    clients: dict[str, Daemon]

    @property
    def tls(self) -> bool:
        return self.site.tls

    def console(self, *commands: str) -> str:
        """What bconsole printed for these commands."""
        done = subprocess.run(
            [self.site.core / "console/bconsole", "-c", self.site.etc / "bconsole.conf"],
            input="".join(f"{command}\n" for command in commands).encode(),
            env=self.environment,
            capture_output=True,
            timeout=CONSOLE_LIMIT,
            check=False,
        )
        return done.stdout.decode(errors="backslashreplace")

    def start(self, command: str) -> int:
        """Queue a job by a whole console command; its JobId."""
        printed = self.console(command)
        found = re.search(r"Job queued\. JobId=(\d+)", printed)
        assert found is not None, printed
        return int(found[1])

    def start_all(self, commands: Sequence[str]) -> list[int]:
        """Queue jobs by whole console commands, one after the other; their JobIds."""
        printed = self.console(*commands)
        found = re.findall(r"Job queued\. JobId=(\d+)", printed)
        assert len(found) == len(commands), printed
        return [int(number) for number in found]

    def finish(self, job_id: int) -> Report:
        """Wait for the job's summary in the catalog, which the Director writes last."""

        def log() -> str | None:
            text = self.log(job_id)
            return text if "Termination:" in text else None

        return Report(job_id, self.until(log, job_id, "report"))

    def until[T](self, look: Callable[[], T | None], job_id: int, what: str) -> T:
        """`until` about a job; the failure says what is known of the job and of the daemons."""
        try:
            return until(look, f"{what} of job {job_id}", JOB_LIMIT)
        except AssertionError as error:
            seen = [self.log(job_id), self.console("status director", "status storage=File")]
            raise AssertionError("\n".join([str(error), *seen, *map(self.status, self.clients)])) from None

    def log(self, job_id: int) -> str:
        """The messages of a job that have reached the catalog."""
        query = f"select logtext from log where jobid = {job_id} order by logid"
        command = ["psql", "-At", "-c", query, self.site.database]
        return subprocess.run(command, capture_output=True, check=True).stdout.decode(
            errors="backslashreplace"
        )

    def backup(self, client: str, fileset: str, *, job: str = "backup", level: str = "Full") -> int:
        """Queue a backup; its JobId."""
        return self.start(f"run job={job} client={client} fileset={fileset} level={level} yes")

    def restore(self, backup: int, source: str, client: str, where: Path, *, job: str = "restore") -> int:
        """Queue a restore of everything that backup number `backup` of `source` holds, by `client`."""
        return self.start(
            f"restore jobid={backup} client={source} restoreclient={client} restorejob={job}"
            f" where={where} all done yes"
        )

    def status(self, client: str) -> str:
        """`status client`."""
        return self.console(f"status client={client}")


def running_lines(status: str) -> list[str]:
    """The lines of `status client` about running jobs: what stands between its two headings."""
    return status.partition("Running Jobs:")[2].partition("====")[0].splitlines()


@contextmanager
def real_daemons(
    place: Path, filesets: Sequence[FileSet], *, tls: bool, lanes: int = 0, client_lines: Directives = ()
) -> Iterator[RealDaemons]:
    """Start all four in the empty directory `place`; skips the test where something they need is missing."""
    core = Path(os.environ["BAREOS_BUILD"], "core/src").resolve()
    backends = Path(os.environ.get("BAREOS_BACKENDS") or core / "stored/backends")
    if not (backends / "libbareossd-file.so").exists():
        pytest.skip(f"{backends} has no libbareossd-file.so, so the Storage daemon cannot write files")
    if not (core / "filed/bareos-fd").is_file():
        pytest.skip("BAREOS_BUILD has no core/src/filed/bareos-fd to compare with")
    libraries = ":".join(str(core / name) for name in ("lib", "cats", "findlib"))
    environment = {**os.environ, "LD_LIBRARY_PATH": libraries}
    dir_port, sd_port, cpp_port, our_port = _free_ports(4)
    with ExitStack() as stack:
        database = stack.enter_context(_database(_schema(core)))
        site = Site(
            place,
            core,
            backends,
            database,
            getpass.getuser(),
            tls,
            dir_port,
            sd_port,
            cpp_port,
            our_port,
            lanes,
            client_lines,
        )
        write_resources(site, filesets)
        daemons: list[Daemon] = []
        stack.callback(_stop, daemons)

        def daemon(name: str, port: int, *program: str | Path) -> Daemon:
            command = (*program, "-f", "-c", site.etc / f"{name}.conf")
            made = Daemon(name, command, port, place / f"{name}.log", environment)
            daemons.append(made)
            made.start()
            return made

        storage = daemon("sd", site.storage_port, core / "stored/bareos-sd")
        clients = {
            CPP: daemon(CPP, site.cpp_port, core / "filed/bareos-fd"),
            OURS: daemon(OURS, site.our_port, sys.executable, "-m", "fdaemon.cli"),
        }
        director = daemon("dir", site.director_port, core / "dird/bareos-dir")
        yield RealDaemons(site, environment, director, storage, clients)


def _stop(daemons: Sequence[Daemon]) -> None:
    """End all daemons at once: each may take some seconds."""
    for each in daemons:
        each.terminate()
    for each in daemons:
        each.wait()


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def _schema(core: Path) -> Path:
    """The catalog's schema, of the sources that the build tree was made from."""
    cache = core.parents[1] / "CMakeCache.txt"
    found = re.search(r"^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$", cache.read_text(), re.MULTILINE)
    assert found is not None, cache
    path = Path(found[1], "core/src/cats/ddl/creates/postgresql.sql")
    if not path.is_file():
        pytest.skip(f"no {path}, so there can be no catalog")
    return path


@contextmanager
def _database(schema: Path) -> Iterator[str]:
    """An empty catalog in a new database of the local PostgreSQL, dropped at the end."""
    if shutil.which("createdb") is None or shutil.which("psql") is None:
        pytest.skip("PostgreSQL's createdb and psql are not installed")
    name = f"fdaemon_test_{secrets.token_hex(5)}"
    encoding = ["-E", "SQL_ASCII", "-T", "template0", "--lc-collate=C", "--lc-ctype=C"]
    made = subprocess.run(["createdb", *encoding, name], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"no database: {made.stderr.strip()}")
    hurry = f"alter database {name} set synchronous_commit = off"
    try:
        subprocess.run(["psql", "-q", name, "-c", hurry, "-f", schema], capture_output=True, check=True)
        yield name
    finally:
        # The server waits for a checkpoint first, and goes on by itself when nobody waits for it.
        with suppress(subprocess.TimeoutExpired):
            subprocess.run(["dropdb", "--force", name], capture_output=True, check=False, timeout=DROP_LIMIT)

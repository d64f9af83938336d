"""The command `bareos-fd` / `fdaemon`: from arguments to a running daemon, and what is printed on the way.

Exit status (page 06 section 8.2): 0 done, 1 cannot start, 15 ended by SIGTERM, 41 command line, 42 configuration.
It knows nothing of connections and jobs: daemon.py runs them.
"""

import contextlib
import ctypes
import fcntl
import gc
import grp
import locale
import os
import pwd
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from fdaemon import __version__
from fdaemon.config.arguments import Request, UsageError, parse_arguments, usage
from fdaemon.config.errors import ConfigError, ConfigMissing, ResourceProblem
from fdaemon.config.export import export_configuration, export_schema
from fdaemon.config.load import check, read
from fdaemon.config.options import Options
from fdaemon.config.resources import Configuration
from fdaemon.process_name import show_as

PROGRAM = "bareos-fd"
COMMAND_LINE = 41
CONFIGURATION = 42

Run = Callable[[Configuration, Options], int]


class CannotStart(Exception):
    """The daemon cannot start; exit status 1. `name` is the daemon's name as far as it is known."""

    def __init__(self, text: str, name: str = PROGRAM) -> None:
        super().__init__(text)
        self.text = text
        self.name = name


def main(arguments: list[str] | None = None, run: Run | None = None) -> int:
    """Run the command with these arguments (default: the process's own) and return the exit status."""
    with contextlib.suppress(locale.Error):
        locale.setlocale(locale.LC_ALL, "")
    try:
        words = sys.argv[1:] if arguments is None else arguments
        options = parse_arguments(words, os.environ, os.path.exists)
    except UsageError as problem:
        tail = "\nRun with --help for more information.\n" if problem.brief else "\n" + usage(PROGRAM)
        _say(problem.text if problem.brief else f"ERROR: {problem.text}", tail, to=sys.stderr)
        return COMMAND_LINE
    if arguments is None and not sys.argv[0].endswith(".py"):
        show_as(sys.argv)
    if isinstance(options, Request):
        _say(usage(PROGRAM) if options is Request.HELP else f"{__version__}\n")
        return 0
    try:
        return _start(options, run)
    except CannotStart as problem:
        _say(f"{problem.name}: ERROR TERMINATION at fdaemon/cli.py\n{problem.text}")
        return 1
    except ConfigError as problem:
        _say(report(problem, time.strftime("%d-%b %H:%M")))
        return CONFIGURATION


def report(problem: ConfigError, now: str) -> str:
    """What is printed about a configuration that cannot be used; `now` is the timestamp of messages."""
    match problem:
        case ResourceProblem():
            head = f"{now} {problem.name}: "
            parts = [
                f"{head}Fatal Error at fdaemon/config/load.py because:\n{text}" for text in problem.texts
            ]
            last = f"{head}ERROR in fdaemon/cli.py Please correct configuration file: {problem.file}\n"
            return "".join([*parts, last])
        case ConfigMissing(text=text) if not text.startswith("Cannot open"):
            return (
                f"{now} {PROGRAM} JobId 0: Error: fdaemon/config/sources.py {text}"
                f"{PROGRAM} Configuration error\nfdaemon/config/sources.py Failed to find config filename.\n"
            )
        case _:
            return f"{PROGRAM}: CONFIG ERROR at fdaemon/config\n{problem.report}"


def _start(options: Options, run: Run | None) -> int:
    if options.keep_readall and not options.user:
        raise CannotStart("-k option has no meaning without -u option.\n")
    pid_file = None
    if options.pid_file and not options.foreground and not options.test_config:
        pid_file = PidFile(options.pid_file)
    drop_privileges(options.user, options.group, keep_readall=options.keep_readall)
    if options.export_schema:
        _say(export_schema(__version__), "\n")
        return 0
    resources = read(options.config_path)
    if options.export_config:
        _say(export_configuration(resources))
        return 0
    configuration = check(resources)
    if configuration.warnings:
        lines = "".join(f" * {warning}\n" for warning in configuration.warnings)
        _say(f"There are configuration warnings:\n{lines}", to=sys.stderr)
    _check_working_directory(configuration)
    if options.test_config:
        return 0
    if not options.foreground and detach(quiet=options.debug_level <= 0):
        return 0
    try:
        if pid_file is not None:
            pid_file.write()
        return (run or _daemon())(configuration, options)
    finally:
        if pid_file is not None:
            pid_file.remove()


def _daemon() -> Run:
    """The daemon's entry, imported late: checks and exports need none of it.

    Nothing that an import makes is garbage: to look for it takes a fifteenth of the start, and again later.
    """
    gc.disable()
    try:
        from fdaemon.daemon import run  # noqa: PLC0415
    finally:
        gc.enable()
    gc.freeze()
    return run


def _say(*texts: str, to: TextIO | None = None) -> None:
    """Write texts; bytes of the configuration that are not UTF-8 come out as they went in."""
    stream = to or sys.stdout
    stream.flush()
    stream.buffer.write("".join(texts).encode("utf-8", "surrogateescape"))
    stream.buffer.flush()


def _check_working_directory(configuration: Configuration) -> None:
    path, name = configuration.client.working_directory, configuration.client.name
    if not os.path.exists(path):
        raise CannotStart(f'Working Directory: "{path}" not found. Cannot continue.\n', name)
    if not os.path.isdir(path):
        raise CannotStart(f'Working Directory: "{path}" is not a directory. Cannot continue.\n', name)


# -- the process


class PidFile:
    """The PID file of page 06 section 9.2: locked as long as the process that wrote it lives."""

    def __init__(self, path: str) -> None:
        """Open the file and see whether another process holds it. Raises CannotStart."""
        self._path = path
        self._written = False
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as problem:
            raise CannotStart(f"Cannot open pid file. {path} ERR={problem.strerror}\n") from None
        self._lock()
        fcntl.lockf(self._fd, fcntl.LOCK_UN)

    def _lock(self) -> None:
        try:
            fcntl.lockf(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            text = f"PID file '{self._path}' is locked; probably '{PROGRAM}' is already running.\n"
            raise CannotStart(text) from None

    def write(self) -> None:
        """Lock it for good and write this process's number. Locks do not survive a fork: call it after."""
        self._lock()
        os.ftruncate(self._fd, 0)
        os.write(self._fd, b"%d\n" % os.getpid())
        self._written = True

    def remove(self) -> None:
        """Delete it at an orderly end, if it is ours; empty it where the dropped privileges do not allow that."""
        if self._written:
            try:
                Path(self._path).unlink(missing_ok=True)
            except OSError:
                os.ftruncate(self._fd, 0)
        os.close(self._fd)


def detach(*, quiet: bool) -> bool:
    """Go on in a background process of its own session; True in the one that is left behind.

    `quiet` puts the standard streams on /dev/null (core/src/lib/daemon.cc: daemon_start).
    """
    sys.stdout.flush()
    sys.stderr.flush()
    if os.fork():
        return True
    os.setsid()
    os.umask(os.umask(0) | 0o026)
    if quiet:
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        os.close(null)
    return False


_PR_SET_KEEPCAPS = 8
_CAPABILITY_VERSION_3 = 0x20080522
_CAP_DAC_READ_SEARCH = 2


def drop_privileges(user: str, group: str, *, keep_readall: bool) -> None:
    """Become this user and group for good (core/src/lib/priv.cc: drop). Raises CannotStart.

    With `keep_readall` the capability to read all files stays, and only that one.
    """
    if not user and not group:
        return
    if os.geteuid() != 0:
        raise CannotStart(
            "The commandline options indicate to run as specified user/group, "
            "but program was not started with required root privileges.\n"
        )
    try:
        account = pwd.getpwnam(user) if user else pwd.getpwuid(os.getuid())
    except KeyError:
        raise CannotStart(f"Could not find userid={user}: ERR=no such user\n") from None
    try:
        number = grp.getgrnam(group).gr_gid if group else account.pw_gid
    except KeyError:
        raise CannotStart(f"Could not find group={group}: ERR=no such group\n") from None
    try:
        os.initgroups(account.pw_name, number)
        if group:
            os.setgid(number)
        if keep_readall:
            _keep_capabilities()
        os.setreuid(account.pw_uid, account.pw_uid)
        if keep_readall:
            _set_capabilities(1 << _CAP_DAC_READ_SEARCH)
    except OSError as problem:
        raise CannotStart(f"Could not set specified userid: {account.pw_name}: {problem}\n") from None


def _keep_capabilities() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl failed")


def _set_capabilities(mask: int) -> None:
    """Set the effective, permitted and inheritable sets of this process to the same low 32 bits."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
    if libc.capset(header, data):
        raise OSError(ctypes.get_errno(), "capset failed")


if __name__ == "__main__":
    sys.exit(main())

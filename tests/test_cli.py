"""The command line of the daemon: options, what is printed where, exit status (page 06 section 8)."""

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from fdaemon import __version__
from fdaemon.cli import PidFile, main
from fdaemon.config.arguments import Request, UsageError, parse_arguments
from fdaemon.config.options import Options
from fdaemon.config.resources import Configuration

GOOD = """Client { Name = x-fd
  Working Directory = "%s"
}
Director { Name = d
  Password = "secret"
}
Messages { Name = m
  director = d = all
}
"""


def parsed(*words: str, environment: Mapping[str, str] | None = None) -> Options | Request:
    return parse_arguments(list(words), environment or {}, lambda path: path != "/none")


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "fd.conf"
    path.write_text(GOOD % tmp_path)
    return str(path)


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ([], Options()),
        (["-fd100"], Options(foreground=True, debug_level=100)),
        (["-tc", "p"], Options(test_config=True, config_path="p")),
        (["-cp"], Options(config_path="p")),
        (["--config=p", "--debug-level", "7"], Options(config_path="p", debug_level=7)),
        (["--dt", "-d", "5", "-d", "6"], Options(debug_timestamps=True, debug_level=5)),
        (["-u", "a", "-g", "b", "-k"], Options(user="a", group="b", keep_readall=True)),
        (
            ["-b", "-v", "-m", "-s"],
            Options(backup_only=True, verbose=True, print_kaboom=True, no_signals=True),
        ),
        (["-r", "-p", "/run/x"], Options(restore_only=True, pid_file="/run/x")),
        (["--restore-only", "--pid-file=/run/x"], Options(restore_only=True, pid_file="/run/x")),
        (["--xc"], Options(export_config=True)),
        (["--export-schema"], Options(export_schema=True)),
        (["-f", "-f", "--foreground=true"], Options(foreground=True)),
        (["--foreground=no"], Options()),
    ],
)
def test_options(words: list[str], options: Options) -> None:
    assert parsed(*words) == options


@pytest.mark.parametrize("word", ["-h", "-?", "--help", "-fh"])
def test_help_goes_before_everything(word: str) -> None:
    assert parsed(word, "--bogus") is Request.HELP


def test_trace_of_transitions_comes_from_the_environment() -> None:
    options = parsed(environment={"FDAEMON_TRACE": "1"})
    assert isinstance(options, Options)
    assert options.trace_transitions


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["-c", "/none"], "--config: Path does not exist: /none"),
        (["-c"], "--config: 1 required <path> missing"),
        (["-c", "-t"], "--config: 1 required <path> missing"),
        (["-c", "a", "-c", "b"], "--config: At Most 1 required but received 2"),
        (["-d", "x"], "Could not convert: --debug-level = x"),
        (["-dt"], "The -dt option has changed.\nUse --dt as given in the help."),
        (["-xc"], "The -xc and -xs options have changed.\nUse --xc and --xs as given in the help."),
        (["-xs"], "The -xc and -xs options have changed.\nUse --xc and --xs as given in the help."),
        (["--bogus"], "The following argument was not expected: --bogus"),
        (["a", "b"], "The following arguments were not expected: a b"),
        (["--", "-t"], "The following argument was not expected: -t"),
        (["-tz"], "The following argument was not expected: -z"),
        (["-f", "-p", "x"], "--foreground excludes --pid-file"),
        (["-t", "-p", "x"], "--test-config excludes --pid-file"),
        (["--xs", "--xc"], "--xc excludes --xs"),
        (["--foreground=maybe"], "Could not convert: --foreground = maybe"),
    ],
)
def test_command_lines_that_are_refused(words: list[str], text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parsed(*words)
    assert caught.value.text == text


def never(configuration: Configuration, options: Options) -> int:
    raise AssertionError("the daemon was started")


def test_good_configuration_prints_nothing(config: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["-t", "-c", config], never) == 0
    assert capfd.readouterr() == ("", "")


def test_daemon_gets_configuration_and_options(config: str) -> None:
    seen: list[tuple[Configuration, Options]] = []

    def run(configuration: Configuration, options: Options) -> int:
        seen.append((configuration, options))
        return 15

    assert main(["-f", "-b", "-c", config], run) == 15
    ((configuration, options),) = seen
    assert (configuration.client.name, options.backup_only, options.config_path) == ("x-fd", True, config)


def test_usage_error_goes_to_the_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["--bogus"], never) == 41
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("ERROR: The following argument was not expected: --bogus\n")
    assert "--keep-readall" in err


def test_old_spelling_gets_a_hint(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["-xc"], never) == 41
    assert capfd.readouterr().err.endswith("in the help.\nRun with --help for more information.\n")


def test_version_and_help(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"], never) == 0
    assert capfd.readouterr().out == f"{__version__}\n"
    assert main(["-?"], never) == 0
    assert "-c,--config <path>" in capfd.readouterr().out


def test_configuration_error(config: str, capfd: pytest.CaptureFixture[str]) -> None:
    Path(config).write_text("Client {\n  Foo = 1\n}\n")
    assert main(["-t", "-c", config], never) == 42
    out, err = capfd.readouterr()
    assert err == ""
    assert out.splitlines()[:2] == [
        "bareos-fd: CONFIG ERROR at fdaemon/config",
        'Config error: Keyword "Foo" not permitted in this resource.',
    ]
    assert f"            : line 2, col 6 of file {config}\n  Foo = 1\n\n" in out


def test_resources_that_make_no_daemon(config: str, capfd: pytest.CaptureFixture[str]) -> None:
    Path(config).write_text("Client { Name = x-fd\n}\n")
    assert main(["-t", "-c", config], never) == 42
    lines = capfd.readouterr().out.splitlines()
    assert [line.split(" x-fd: ")[-1] for line in lines] == [
        "Fatal Error at fdaemon/config/load.py because:",
        f"No Messages resource defined in {config}",
        "Fatal Error at fdaemon/config/load.py because:",
        f"No Director resource defined in {config}",
        f"ERROR in fdaemon/cli.py Please correct configuration file: {config}",
    ]


def test_nothing_to_read(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["-t", "-c", str(tmp_path)], never) == 42
    out = capfd.readouterr().out
    assert f'Failed to find configuration files under directory "{tmp_path}".' in out
    assert out.endswith("Failed to find config filename.\n")


def test_warnings_go_to_the_standard_error(config: str, capfd: pytest.CaptureFixture[str]) -> None:
    text = (GOOD % "/").replace("Name = x-fd", "Name = x-fd\nMaximumConcurrentJobs = 3")
    Path(config).write_text(text)
    assert main(["-t", "-c", config], never) == 0
    assert capfd.readouterr() == (
        "",
        "There are configuration warnings:\n"
        f" * using deprecated keyword MaximumConcurrentJobs on line 2 of file {config}\n",
    )


@pytest.mark.parametrize(("name", "what"), [("none", "not found"), ("fd.conf", "is not a directory")])
def test_working_directory(
    tmp_path: Path, config: str, name: str, what: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    Path(config).write_text(GOOD % path)
    assert main(["-t", "-c", config], never) == 1
    assert capfd.readouterr().out == (
        f'x-fd: ERROR TERMINATION at fdaemon/cli.py\nWorking Directory: "{path}" {what}. Cannot continue.\n'
    )


def test_exports(config: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["--xc", "-c", config], never) == 0
    assert 'Password = "[md5]5ebe2294ecd0e0f08eab7690d2a6ee69"' in capfd.readouterr().out
    assert main(["--xs"], never) == 0
    assert json.loads(capfd.readouterr().out)["component"] == "bareos-fd"


def test_keep_readall_needs_a_user(config: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["-k", "-t", "-c", config], never) == 1
    assert capfd.readouterr().out.endswith("\n-k option has no meaning without -u option.\n")


@pytest.mark.parametrize(
    ("words", "text"),
    [(["-u", "no-such-user"], "Could not find userid="), (["-g", "no-such-group"], "Could not find group=")],
)
def test_unknown_account(config: str, words: list[str], text: str, capfd: pytest.CaptureFixture[str]) -> None:
    wanted = text if os.geteuid() == 0 else "not started with required root privileges"
    assert main([*words, "-t", "-c", config], never) == 1
    assert wanted in capfd.readouterr().out


STATUS = """
import os, sys
from fdaemon.cli import drop_privileges
drop_privileges("nobody", "", keep_readall=sys.argv[1] == "keep")
status = dict(line.split(":\\t") for line in open("/proc/self/status") if ":\\t" in line)
print(os.getuid(), os.geteuid(), int(status["CapEff"], 16))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="dropping privileges needs root")
@pytest.mark.parametrize(("word", "capabilities"), [("keep", 1 << 2), ("none", 0)])
def test_privileges_are_dropped_for_good(word: str, capabilities: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STATUS, word],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    )
    uid, effective, left = map(int, done.stdout.split())
    assert uid == effective != 0
    assert left == capabilities


DAEMON = """
import os, sys
from fdaemon.cli import main
def run(configuration, options):
    text = f"{os.getpid()} {os.getsid(0)} {os.umask(0):o} {open(options.pid_file).read().strip()}"
    with open(sys.argv[3], "w") as answer:
        answer.write(text)
    return 0
sys.exit(main(["-c", sys.argv[1], "-p", sys.argv[2]], run))
"""


def test_background_process_has_its_session_and_pid_file(tmp_path: Path, config: str) -> None:
    answer = tmp_path / "answer"
    os.mkfifo(answer)
    pid_file = tmp_path / "fd.pid"
    previous = os.umask(0o022)
    try:
        process = subprocess.Popen(
            [sys.executable, "-c", DAEMON, config, str(pid_file), str(answer)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            cwd=Path(__file__).parents[1],
        )
    finally:
        os.umask(previous)
    pid, session, mask, written = answer.read_text().split()
    assert process.wait(20) == 0
    assert pid == session == written
    assert int(pid) != process.pid
    assert mask == "26"


def test_pid_file_of_a_running_daemon_is_respected(tmp_path: Path, config: str) -> None:
    path = tmp_path / "fd.pid"
    with path.open("w") as held:
        fcntl.lockf(held, fcntl.LOCK_EX)
        script = f"import sys; from fdaemon.cli import main; sys.exit(main(['-c', {config!r}, '-p', {str(path)!r}]))"
        done = subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            check=False,
            cwd=Path(__file__).parents[1],
        )
    assert done.returncode == 1
    assert done.stdout.endswith(f"PID file '{path}' is locked; probably 'bareos-fd' is already running.\n")


def test_pid_file_is_written_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "fd.pid"
    pid_file = PidFile(str(path))
    pid_file.write()
    assert path.read_bytes() == b"%d\n" % os.getpid()
    assert path.stat().st_mode & 0o777 == 0o600
    pid_file.remove()
    assert not path.exists()


def test_a_pid_file_that_dropped_privileges_cannot_remove_is_emptied(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    path = folder / "fd.pid"
    pid_file = PidFile(str(path))
    pid_file.write()
    folder.chmod(0o500)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        pid_file.remove()
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o700)
    assert path.read_bytes() == b""

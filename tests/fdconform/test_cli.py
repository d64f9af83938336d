"""The command line: what it lists, what it refuses, and the ways to a daemon."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from fdconform.cli import UsageError, main, select
from fdconform.exits import Exit
from fdconform.given import GivenError, read
from fdconform.subject import free_port

OURS = shlex.join([sys.executable, "-m", "fdaemon.cli"])


def test_a_case_is_chosen_by_the_beginning_of_its_number() -> None:
    assert {case.number[:2] for case in select(["1.1"])} == {(1, 1)}
    assert {case.number[0] for case in select(["1,2.1"])} == {1, 2}
    with pytest.raises(UsageError, match="no case 99"):
        select(["99"])


def test_listing_contacts_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--list", "--only", "1.1"]) == Exit.GOOD
    short = capsys.readouterr().out
    assert main(["run", "--dryrun", "--only", "1.1"]) == Exit.GOOD
    long = capsys.readouterr().out
    assert "1.1.1" in short
    assert "Login(" in long
    assert "Login(" not in short


@pytest.mark.parametrize(
    "arguments",
    [["run"], ["run", "--fd", "nowhere"], ["run", "--fd", "localhost:9102"], ["matrix", "/nonexistent.json"]],
)
def test_what_makes_no_sense_is_said(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == Exit.USAGE
    assert capsys.readouterr().err.startswith("fdconform: ")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "at least one table"),
        ("profile = 'none'", "no profile"),
        ("[director.tls]\nname = 'x'", "needs name and password"),
        ("[", "Invalid"),
    ],
)
def test_a_bad_description_says_what_to_write(text: str, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "fdconform.toml"
    path.write_text(text)
    with pytest.raises(GivenError, match=problem):
        read(path)


def test_a_daemon_that_does_not_start_was_not_tested(tmp_path: Path) -> None:
    assert main(["run", "--only", "1.1.1", "--start", str(tmp_path / "nothing")]) == Exit.NOTHING_TESTED


def test_a_daemon_that_runs_already(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    assert main(["configure", str(tmp_path), "--port", str(port)]) == Exit.GOOD
    config, report = tmp_path / "bareos-fd.conf", tmp_path / "report.json"
    arguments = ["run", "--fd", f"127.0.0.1:{port}", "--config", str(tmp_path / "fdconform.toml")]
    arguments += ["--only", "1.1.1", "--json", str(report), "--junit", str(tmp_path / "report.xml")]
    with subprocess.Popen([*shlex.split(OURS), "-f", "-c", str(config)], stdout=subprocess.DEVNULL) as daemon:
        try:
            status = Exit.NOTHING_TESTED
            for _ in range(100):
                status = Exit(main(arguments))
                if status is not Exit.NOTHING_TESTED or daemon.poll() is not None:
                    break
        finally:
            daemon.terminate()
    assert status is Exit.GOOD
    assert [case["verdict"] for case in json.loads(report.read_text())["cases"]] == ["OK"]
    capsys.readouterr()
    assert (
        main(
            ["matrix", str(report), "--html", str(tmp_path / "m.html"), "--markdown", str(tmp_path / "m.md")]
        )
        == 0
    )
    assert "1. Framing" in (tmp_path / "m.md").read_text()

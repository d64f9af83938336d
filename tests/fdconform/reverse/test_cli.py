"""`fdconform reverse`: its cases, its options, its console and what it prints."""

import argparse
import json
import shlex
import sys
from pathlib import Path

import pytest

from fdconform.reverse.all import all_cases
from fdconform.reverse.cli import add_reverse, chosen, reverse, to_json
from fdconform.reverse.console import Console, ConsoleError
from fdconform.reverse.resources import CLIENTS, Surroundings, resources
from fdconform.verdicts import Finding, Result, Verdict


def run(*words: str | Path) -> int:
    """The subcommand with these words."""
    parser = argparse.ArgumentParser()
    add_reverse(parser.add_subparsers())
    return reverse(parser.parse_args(["reverse", *map(str, words)]))


def console(program: str) -> Console:
    """A console that is this Python program."""
    return Console(f"{shlex.quote(sys.executable)} -c {shlex.quote(program)}")


def test_there_are_many_cases_and_each_says_what_is_right() -> None:
    cases = all_cases()

    assert len(cases) >= 100
    for case in cases:
        assert case.title
        assert case.rule.endswith(".")
        assert case.source
        assert case.order.format(backup=1, client="c")
        assert case.needs_backup or "{backup}" not in case.order


def test_cases_are_chosen_by_the_beginning_of_their_number() -> None:
    assert {case.id.split(".")[0] for case in chosen(["R2"])} == {"R2"}
    assert [case.id for case in chosen(["2.1.1"])] == ["R2.1.1"]
    assert chosen(["9"]) == []


def test_the_resources_have_every_client_and_every_job_of_the_cases() -> None:
    text = resources(Surroundings("h", 9000, "pw", tls=False))

    for number, name in enumerate(CLIENTS):
        assert f"Name = {name}\n  Port = {9000 + number}\n" in text
    jobs = {
        word.removeprefix("job=")
        for case in all_cases()
        for word in case.order.split()
        if word.startswith("job=")
    }
    assert jobs
    for job in jobs:
        assert f"Name = {job}\n" in text
    assert "TLS Enable = no" in text


@pytest.mark.parametrize(
    "words", [(), ("--only", "R9", "--console", "true"), ("--listen", "nowhere", "--console", "true")]
)
def test_a_command_line_that_makes_no_sense(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*words) == 2
    assert capsys.readouterr().err.startswith("fdconform: ")


def test_a_list_and_a_configuration_need_no_console(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--list", "--only", "R4.2") == 0
    assert "R4.2.6" in capsys.readouterr().out
    assert run("--configuration", "--listen", "192.0.2.1:4000") == 0
    assert "Address = 192.0.2.1" in capsys.readouterr().out


async def test_a_job_is_over_when_its_summary_is_there(tmp_path: Path) -> None:
    """The first looks find a job that runs, or one without its summary."""
    looks = tmp_path / "looks"
    looks.write_text("0")
    program = f"""
import pathlib, sys
asked = sys.stdin.read()
path = pathlib.Path({str(looks)!r})
look = int(path.read_text())
path.write_text(str(look + 1))
print("jobstatus: " + "RTT"[look])
print(asked)
if look == 2:
    print("Termination: Backup OK")
"""
    outcome = await console(program).outcome(7)

    assert outcome.status == "T"
    assert "llist jobid=7" in outcome.log
    assert looks.read_text() == "3"


async def test_a_console_that_does_not_exist() -> None:
    with pytest.raises(ConsoleError):
        await Console("/nonexistent/console").tell("status")


def test_the_json_form_has_the_transcripts_of_what_went_wrong() -> None:
    cases = all_cases()[:2]
    rows: tuple[dict[str, object], ...] = ({"conn": 1, "open": "dir-fd"},)
    results = [
        Result(cases[0].id, Verdict.OK, (), 0.1, rows),
        Result(cases[1].id, Verdict.FAIL, (Finding(Verdict.FAIL, "why"),), 0.2, rows),
    ]
    entries = json.loads(to_json(cases, results))["reverse"]

    assert [entry["rows"] for entry in entries] == [[], list(rows)]
    assert entries[1]["text"] == "why"
    assert entries[1]["rule"] == cases[1].rule

"""`fdconform reverse`: its cases, its options, its console and what it prints."""

import argparse
import shlex
import socket
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from fdconform.exits import Exit
from fdconform.report import Kind, from_json
from fdconform.report_files import without_good_rows
from fdconform.reverse.all import CHAPTERS, all_cases
from fdconform.reverse.cli import add_reverse, chosen, reverse
from fdconform.reverse.console import Console, ConsoleError
from fdconform.reverse.resources import CLIENTS, Surroundings, resources
from fdconform.verdicts import Finding, Result, Verdict
from tests.support.ports import free_range


def run(*words: str | Path) -> Exit:
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
    assert [case.id for case in chosen(["R2.1.1,4.3.4", "1.1.1"])] == ["R1.1.1", "R2.1.1", "R4.3.4"]
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
    assert run(*words) == Exit.USAGE
    assert capsys.readouterr().err.startswith("fdconform: ")


def test_a_list_and_a_configuration_need_no_console(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--list", "--only", "R4.2") == Exit.GOOD
    assert "R4.2.6" in capsys.readouterr().out
    assert run("--configuration", "--listen", "192.0.2.1:4000") == Exit.GOOD
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


DIRECTOR = """
import pathlib, sys
asked = sys.stdin.read()
print("1000 OK: some-dir Version: 25.1.0 (03 August 2026)")
if asked.startswith("sqlquery"):
    print("no such job")
elif "llist" in asked:
    print("jobstatus: W\\nError: something\\nTermination: Backup OK -- with warnings")
elif asked.startswith("run"):
    print("Job queued. JobId=7")
"""
"""A Director's console that knows of one job, which has ended with warnings before anybody was dialed."""


@pytest.mark.parametrize(("strict", "status"), [((), Exit.GOOD), (("--strict",), Exit.FAILED)])
def test_reports_have_the_form_of_the_other_direction(
    strict: tuple[str, ...], status: Exit, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, junit, page = tmp_path / "r.json", tmp_path / "r.xml", tmp_path / "r.html"
    words = ("--console", console(DIRECTOR).command, "--listen", f"127.0.0.1:{free_range(len(CLIENTS))}")
    files = ("--json", path, "--junit", junit, "--html", page)

    assert run(*words, *files, *strict, "--only", "R4.3.2,4.3.4") == status

    report = from_json(path.read_text())
    assert (report.name, report.version) == ("some-dir", "25.1.0 (03 August 2026)")
    assert report.tested is Kind.DIRECTOR
    assert [(result.case, result.verdict) for result in report.results] == [
        ("R4.3.2", Verdict.INFORMATIONAL),
        ("R4.3.4", Verdict.NON_STRICT),
    ]
    assert "the job ended with W" in report.results[1].text
    assert "1 INFORMATIONAL, 1 NON-STRICT" in capsys.readouterr().out
    suites = ET.fromstring(junit.read_text())
    assert [suite.get("name") for suite in suites] == ["R4 Append sessions of a Storage daemon"]
    assert [suite.get("failures") for suite in suites] == [str(int(status))]
    assert "Directors and Storage daemons" in page.read_text()


def test_a_console_that_reaches_no_director(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    port = free_range(len(CLIENTS))
    words = ("--console", "cat", "--listen", f"127.0.0.1:{port}", "--name", "mine", "--json", path)

    assert run(*words, "--only", "R1.1.1") == Exit.NOTHING_TESTED

    report = from_json(path.read_text())
    assert (report.name, report.version) == ("mine", "")
    assert "starts no job" in report.results[0].text


def test_a_console_that_does_not_exist_tests_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "r.json"
    assert run("--console", "/nonexistent/console", "--json", path) == Exit.NOTHING_TESTED
    assert "/nonexistent/console" in capsys.readouterr().err
    assert not path.exists()


def test_a_port_that_is_taken_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert (
            run("--console", "cat", "--listen", f"127.0.0.1:{port}", "--only", "R1.1.1")
            == Exit.NOTHING_TESTED
        )
    assert "in use" in capsys.readouterr().err


def test_transcripts_of_good_cases_are_left_out() -> None:
    rows: tuple[dict[str, object], ...] = ({"conn": 1, "open": "dir-fd"},)
    results = [
        Result("R1.1.1", Verdict.OK, (), 0.1, rows),
        Result("R1.1.2", Verdict.FAIL, (Finding(Verdict.FAIL, "why"),), 0.2, rows),
    ]
    assert [result.rows for result in without_good_rows(results)] == [(), rows]


def test_the_cases_of_a_chapter_have_its_number() -> None:
    for chapter in CHAPTERS:
        assert chapter.cases
        assert {case.id.split(".")[0] for case in chapter.cases} == {chapter.number}
    assert all_cases() == [case for chapter in CHAPTERS for case in chapter.cases]
    assert [case.number for case in all_cases()] == sorted(case.number for case in all_cases())


def test_the_published_results_are_of_these_cases() -> None:
    page = (Path(__file__).parents[3] / "docs/conformance-matrix.md").read_text()
    for chapter in CHAPTERS:
        assert f"| {chapter.number}. {chapter.title} | {len(chapter.cases)} | " in page
    assert f"| **all** | **{len(all_cases())}** | " in page

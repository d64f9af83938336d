"""`fdconform decode`: recordings as dialogues to read."""

import argparse
import json
from pathlib import Path

import pytest

from fdconform.decode import add_decode, decode, lines_of
from fdconform.rows import read
from tests.support.sessions import RECORDED

RECORDINGS = sorted(RECORDED.glob("*.jsonl*"))


def decoded(*words: str | Path) -> int:
    """Run the subcommand."""
    parser = argparse.ArgumentParser()
    add_decode(parser.add_subparsers())
    return decode(parser.parse_args(["decode", *map(str, words)]))


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "240")


def test_all_recorded_sessions_are_there() -> None:
    assert len(RECORDINGS) >= 43


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.name.split(".")[0])
def test_every_session_can_be_read(path: Path) -> None:
    rows = read(path)
    texts = [text for _, text in lines_of(rows)]

    assert len(texts) == len(rows)
    assert all(text and "\n" not in text for text in texts)
    headers = [text for text in texts if text.startswith(("header:", "record:"))]
    assert not any("unknown" in text for text in headers)


def test_a_backup_as_a_dialogue(capsys: pytest.CaptureFixture[str]) -> None:
    assert decoded(RECORDED / "backup-full-md5.jsonl") == 0

    said = capsys.readouterr().out
    assert "Director connects to File daemon" in said
    assert "storage CLOSE_CONFIRMED → SessionClosed" in said
    assert "header: file 1, stream 1 UNIX_ATTRIBUTES" in said
    assert "attributes of file 1, type" in said
    assert "digest " in said
    assert "[TERMINATE] -4" in said
    assert "director END_JOB_SENT → Drain" in said


def test_a_restore_names_its_records(capsys: pytest.CaptureFixture[str]) -> None:
    assert decoded("--long", RECORDED / "restore-onefile.jsonl") == 0

    assert "stream 2 FILE_DATA" in capsys.readouterr().out


def test_strange_events_and_unreadable_files_show_in_the_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strange = tmp_path / "strange.jsonl"
    said = [
        "Hello Director d calling\n",
        "2000 OK Hello 54\n",
        "2800 End Job TermCode=84 x",
        "2800 End Job TermCode=84 x",
    ]
    entries: list[dict[str, object]] = [{"conn": 1, "open": "dir-fd"}]
    entries += [{"conn": 1, "from": "fd", "len": len(text), "text": text} for text in said]
    strange.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    broken = tmp_path / "broken.jsonl"
    broken.write_text("no recording\n")

    assert decoded(strange) == 1
    assert "not in the chart: director: END_JOB_SENT in Drain" in capsys.readouterr().out
    assert decoded(strange, broken, tmp_path / "absent.jsonl") == 2
    assert capsys.readouterr().err.count("fdconform:") == 2


def test_transcripts_of_a_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"conn": 1, "open": "dir-fd"}, {"conn": 1, "from": "dir", "len": 2, "text": "hi"}]
    run, reverse = tmp_path / "run.json", tmp_path / "reverse.json"
    run.write_text(json.dumps({"cases": [{"id": "1.1.1", "transcript": rows}, {"id": "1.1.2"}]}))
    reverse.write_text(json.dumps({"reverse": [{"case": "R1.1.1", "rows": rows}]}))

    assert decoded(run, reverse) == 0
    said = capsys.readouterr().out
    assert "run.json 1.1.1" in said
    assert "1.1.2" not in said
    assert "reverse.json R1.1.1" in said
    assert decoded("--case", "1.1.2", run) == 2
    (tmp_path / "list.json").write_text("[]")
    assert decoded(tmp_path / "list.json") == 2

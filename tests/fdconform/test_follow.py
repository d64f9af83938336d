"""Recordings as typed rows, and what the charts make of them."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from fdconform.follow import follow
from fdconform.followed import Followed
from fdconform.rows import Kind, RecordingError, Row, read, rows_of
from tests.support.sessions import RECORDED

RECORDINGS = sorted(RECORDED.parent.glob("sessions*/*.jsonl*"))
JOB = b"nightly.2026-11-23_05.00.00_07"
type Said = tuple[str, bytes | int]


def conversation(*said: Said, link: str = "dir-fd") -> list[Row]:
    """One connection as rows: signals as numbers."""
    entries: list[dict[str, object]] = [{"conn": 1, "open": link}]
    for sender, what in said:
        entry = {"signal": what} if isinstance(what, int) else {"len": len(what), "text": what.decode()}
        entries.append({"conn": 1, "from": sender, **entry})
    return rows_of(entries)


LOGIN: tuple[Said, ...] = (("dir", b"Hello Director d calling\n"), ("fd", b"2000 OK Hello 54\n"))
JOB_ORDER: tuple[Said, ...] = (
    ("dir", b"JobId=7 Job=%b SDid=1 SDtime=2 Authorization=k\n" % JOB),
    ("fd", b"2000 OK Job 25.1.0\n"),
)


def moves(followed: Followed, chart: str) -> list[str]:
    """The events of one chart, in order."""
    return [move.event.name for move in followed.edges() if move.chart == chart]


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: f"{path.parent.name}/{path.name.split('.')[0]}")
def test_every_recorded_session_keeps_to_the_charts(path: Path) -> None:
    rows = read(path)
    followed = follow(rows)

    assert followed.strange == []
    assert len(followed.moves) == len(followed.states) == len(rows)
    last = {row.connection: state for row, state in zip(rows, followed.states, strict=True) if state}
    links = {row.connection: row.link for row in rows}
    ends = {"dir-fd": "Closed", "fd-sd": "Terminated", "sd-fd": "Terminated"}
    assert {links[connection]: state for connection, state in last.items()} == {
        link: ends[link] for link in {links[connection] for connection in last}
    }


def test_a_backup_goes_its_whole_way() -> None:
    followed = follow(read(RECORDED / "backup-full-md5.jsonl"))

    assert moves(followed, "job") == [
        "AUTHENTICATED",
        "WALK_STARTED",
        "STORAGE_OPENED",
        "DATA_ENDED",
        "REPORTED",
    ]
    assert moves(followed, "storage") == [
        "DIALED",
        "CONNECTED",
        "TLS_WAIVED",
        "HELLO_SENT",
        "AUTHENTICATED",
        "APPEND_REQUESTED",
        "TICKET_GIVEN",
        "DATA_GRANTED",
        "STREAM_ENDED",
        "APPEND_CONFIRMED",
        "END_CONFIRMED",
        "CLOSE_CONFIRMED",
        "TERMINATED",
    ]
    assert {("fd", 1), ("fd", 2), ("fd", 3)} <= followed.streams


def test_a_cancel_reaches_every_chart_of_the_job() -> None:
    followed = follow(read(RECORDED / "cancel.jsonl"))

    for chart in ("job", "director", "storage"):
        assert "CANCELED" in moves(followed, chart)


def test_orders_are_followed_though_the_director_does_not_wait() -> None:
    rows = conversation(
        *LOGIN,
        JOB_ORDER[0],
        ("dir", b"fileset\n"),
        ("dir", b"I\n"),
        ("dir", -1),
        ("dir", b"getSecureEraseCmd\n"),
        JOB_ORDER[1],
        ("fd", b"2000 OK include\n"),
        ("fd", b"2000 OK FDSecureEraseCmd *None*\n"),
    )
    followed = follow(rows)

    assert followed.strange == []
    assert moves(followed, "director") == [
        "ACCEPTED",
        "AUTHENTICATED",
        "COMMAND_ANSWERED",
        "FILESET_STARTED",
        "LIST_ENDED",
        "COMMAND_ANSWERED",
    ]


@pytest.mark.parametrize(
    ("said", "event"),
    [
        ((("dir", b"flood\n"), ("fd", b"2999 Invalid command\n")), "COMMAND_REFUSED"),
        ((("dir", b"storage what\n"), ("fd", b"2902 Bad storage\n")), "COMMAND_REFUSED"),
        (
            (("dir", b"storage address=h port=1 ssl=0\n"), ("fd", b"2902 Bad storage\n")),
            "FAILED",
        ),
        ((("dir", b"RunBeforeNow\n"), ("fd", b"2905 Failed RunScript\n")), "SCRIPTS_REFUSED"),
        ((("dir", b"fileset\n"), ("dir", b"?\n"), ("dir", -1)), "LIST_REFUSED"),
        ((("dir", b"level = since_utime 5 mtime_only=0 prev_job=\n"), ("dir", -1)), "FAILED"),
        (
            (("dir", b".status nonsense\n"), ("fd", b"2900 Bad .status command\n"), ("fd", -1)),
            "COMMAND_REFUSED",
        ),
        ((("dir", -1),), "DIRECTOR_LEFT"),
    ],
)
def test_what_ends_the_commands(said: tuple[Said, ...], event: str) -> None:
    followed = follow(conversation(*LOGIN, *said, ("fd", -4)))

    assert followed.strange == []
    assert event in moves(followed, "director")
    assert followed.states[-1] == "Closed"
    assert moves(followed, "job")[-2:] == ["COMMANDS_ENDED", "REPORTED"]


def test_a_daemon_that_closes_without_a_word_has_abandoned_the_session() -> None:
    entries: Sequence[dict[str, object]] = [
        {"conn": 1, "open": "dir-fd"},
        {"conn": 1, "from": "dir", "text": "Hello Director d calling\n", "len": 25},
        {"conn": 1, "from": "fd", "text": "2000 OK Hello 54\n", "len": 17},
        {"conn": 1, "from": "fd", "close": True},
    ]
    followed = follow(rows_of(entries))

    assert moves(followed, "director") == ["ACCEPTED", "AUTHENTICATED", "ABANDONED"]


def test_what_no_chart_allows_is_reported_and_not_raised() -> None:
    rows = conversation(
        *LOGIN,
        *JOB_ORDER,
        ("dir", b"verify level=volume\n"),
        ("fd", b"2000 OK verify\n"),
        ("fd", b"2800 End Job TermCode=84 JobFiles=0 ReadBytes=0 JobBytes=0 Errors=0 VSS=0 Encrypt=0\n"),
        ("fd", b"2800 End Job TermCode=84 JobFiles=0 ReadBytes=0 JobBytes=0 Errors=0 VSS=0 Encrypt=0\n"),
    )
    followed = follow(rows)

    assert [(item.row, item.state, item.event) for item in followed.strange] == [
        (len(rows) - 1, "Drain", "END_JOB_SENT")
    ]


@pytest.mark.parametrize(
    ("then", "event"),
    [((("dir", b"endrestore"),), "STORAGE_ENDED"), ((), "JOB_ENDED")],
)
def test_a_daemon_that_leaves_after_a_storage_has_ended_the_job(then: tuple[Said, ...], event: str) -> None:
    followed = follow(
        conversation(
            *LOGIN,
            *JOB_ORDER,
            ("dir", b"restore replace=a prelinks=0 where=/x\n"),
            ("fd", b"2000 OK restore\n"),
            ("fd", b"2000 OK storage end\n"),
            *then,
            ("fd", b"2800 End Job TermCode=102 JobFiles=0 ReadBytes=0 JobBytes=0 Errors=0 VSS=0 Encrypt=0\n"),
            ("fd", -4),
        )
    )

    assert followed.strange == []
    events = moves(followed, "director")
    assert events[events.index("RESTORE_STARTED") + 1] == event
    assert followed.states[-1] == "Closed"


def test_a_digest_without_attributes_is_strange() -> None:
    rows = conversation(
        *LOGIN,
        *JOB_ORDER,
        ("dir", b"verify level=catalog\n"),
        ("fd", b"2000 OK verify\n"),
        ("fd", b"1 3 kAFQmDzST7DWlj99KOF/cg *MD5-1*"),
        ("fd", -1),
    )
    followed = follow(rows)

    assert [(item.chart, item.event) for item in followed.strange] == [("verify", "DIGEST_SENT")]


def test_a_passive_storage_daemon_is_attached() -> None:
    followed = follow(
        conversation(
            ("sd", b"Hello Storage calling Start Job %b\n" % JOB),
            ("fd", b"auth cram-md5 <1.2@R_CLIENT::c> ssl=0\n"),
            ("fd", b"1999 Authorization failed.\n"),
            link="sd-fd",
        )
    )

    assert moves(followed, "storage") == ["ATTACHED", "REFUSED"]
    assert {move.label for move in followed.edges()} == {JOB}


def test_rows_of_a_packed_recording(tmp_path: Path) -> None:
    path = tmp_path / "session.jsonl.gz"
    entries = [
        {"t": 1.5, "conn": 2, "open": "fd-sd"},
        {"t": 1.6, "conn": 2, "from": "fd", "len": 3, "b64": "/wD+"},
        {"t": 1.7, "conn": 2, "from": "sd", "len": 7000, "sha256": "ab", "head_b64": "AAAA"},
        {"conn": 2, "from": "sd", "signal": 0},
        {"conn": 2, "from": "sd", "note": "reset"},
    ]
    with gzip.open(path, "wt") as out:
        out.writelines(json.dumps(entry) + "\n" for entry in entries)

    rows = read(path)

    assert [row.kind for row in rows] == [Kind.OPEN, Kind.PACKET, Kind.PACKET, Kind.PACKET, Kind.CLOSE]
    assert rows[1].payload == b"\xff\0\xfe"
    assert (rows[2].payload, rows[2].size, rows[2].digest, rows[2].receiver) == (None, 7000, "ab", "fd")
    assert (rows[3].payload, rows[3].time, rows[4].note) == (b"", 1.7, "reset")


@pytest.mark.parametrize(
    "entry",
    [{"conn": 1}, {"conn": 5, "from": "fd", "signal": 1}, {"conn": 1, "from": "fd"}, {"open": "dir-fd"}],
)
def test_what_is_no_recording_is_said_so(entry: dict[str, object]) -> None:
    with pytest.raises(RecordingError):
        rows_of([{"conn": 1, "open": "dir-fd"}, entry])

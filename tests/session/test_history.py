"""The list of terminated jobs on disk: the C++ daemon's form, and what is done with a broken one."""

import struct
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fdaemon.session.history import BadHistory, decode_history, encode_history, load, state_path, store
from fdaemon.views import JobView


def job(number: int = 17, name: str = "b-verify.2026-11-23_03.14.00_17", **more: object) -> JobView:
    values: dict[str, object] = {
        "job_id": number,
        "name": name,
        "type": "B",
        "level": "F",
        "director": "",
        "status": "T",
        "started": 1795403640.0,
        "ended": 1795403641.0,
        "files": 43,
        "examined": 43,
        "read_bytes": 3_861_026,
        "job_bytes": 3_861_026,
        "errors": 0,
        "warnings": 0,
        "current": b"",
        "bandwidth": 0,
        "storage_packets": None,
        "storage_fd": -1,
        "key": -1,
    }
    return JobView(**{**values, **more})  # type: ignore[arg-type]


def test_the_places_of_the_fields_are_those_of_the_cpp_daemon() -> None:
    data = encode_history([job(errors=5)])
    assert data[:16] == b"Bareos State\n\0\0\0"
    assert struct.unpack_from("=i", data, 16) == (4,)
    assert struct.unpack_from("=QQ", data, 24) == (192, 0)
    assert struct.unpack_from("=I", data, 192) == (1,)
    assert len(data) == 196 + 200
    record = data[196:]
    assert struct.unpack_from("=iiii", record, 16) == (5, ord("B"), ord("T"), ord("F"))
    assert struct.unpack_from("=I", record, 32) == (17,)
    assert struct.unpack_from("=I", record, 44) == (43,)
    assert struct.unpack_from("=Q", record, 48) == (3_861_026,)
    assert struct.unpack_from("=qq", record, 56) == (1795403640, 1795403641)
    assert record[72:].rstrip(b"\0") == b"b-verify.2026-11-23_03.14.00_17"


def test_jobs_come_back_in_order() -> None:
    jobs = [job(n, f"job{n}", key=-n) for n in range(1, 11)]
    assert list(decode_history(encode_history(jobs))) == jobs


def test_sessions_without_a_job_are_not_recorded() -> None:
    assert decode_history(encode_history([job(0), job(3, type="I"), job(4)])) == (job(4),)


def test_a_header_alone_is_an_empty_list() -> None:
    assert decode_history(encode_history([])[:192]) == ()


@pytest.mark.parametrize(
    "data",
    [b"", b"Bareos State\n", encode_history([job()])[:-1], b"X" + encode_history([job()])[1:]],
    ids=["empty", "cut head", "cut record", "other mark"],
)
def test_what_is_no_list_is_told(data: bytes) -> None:
    with pytest.raises(BadHistory):
        decode_history(data)


@given(st.binary(max_size=600))
def test_no_bytes_do_harm(tail: bytes) -> None:
    for data in (tail, encode_history([])[:192] + tail):
        try:
            decode_history(data)
        except BadHistory:
            continue


def test_a_broken_file_is_an_empty_list(tmp_path: Path) -> None:
    path = state_path(str(tmp_path), 9102)
    assert path.name == "bareos-fd.9102.state"
    assert load(path) == ()
    path.write_bytes(b"rubbish")
    assert load(path) == ()


def test_written_and_read_again(tmp_path: Path) -> None:
    path = state_path(str(tmp_path), 9102)
    assert store(path, [job()]) == ""
    assert store(path, [job(), job(18, "other", key=-2)]) == ""
    assert [found.job_id for found in load(path)] == [17, 18]
    assert path.stat().st_mode & 0o137 == 0
    assert list(tmp_path.iterdir()) == [path]


def test_the_old_file_goes_through_the_secure_erase_command(tmp_path: Path) -> None:
    path = state_path(str(tmp_path), 9102)
    script = tmp_path / "erase"
    script.write_text(
        f"#!{sys.executable}\nimport os, sys\nos.rename(sys.argv[1], sys.argv[1] + '.erased')\n"
    )
    script.chmod(0o755)
    store(path, [job()], str(script))
    store(path, [job(18)], str(script))
    assert [found.job_id for found in load(path)] == [18]
    assert [found.job_id for found in load(Path(f"{path}.erased"))] == [17]


def test_a_directory_that_is_gone_is_told_in_words(tmp_path: Path) -> None:
    assert "No such file or directory" in store(tmp_path / "gone" / "x.state", [job()])


def test_the_list_that_the_cpp_daemon_left_is_found() -> None:
    jobs = load(Path(__file__).parents[1] / "recorded/state/bareos-fd.state")
    assert [(found.job_id, found.type, found.level, found.status) for found in jobs] == [
        (4, "R", " ", "T"),
        (7, "B", "F", "T"),
        (9, "B", "F", "T"),
        (11, "R", " ", "A"),
        (15, "B", "F", "T"),
        (13, "B", "F", "T"),
        (17, "B", "I", "T"),
        (19, "B", "I", "T"),
        (29, "V", "V", "T"),
        (30, "V", "V", "T"),
    ]
    assert (jobs[1].name, jobs[1].files, jobs[1].job_bytes) == (
        "cpp-small.2026-11-23_05.23.39_15",
        101_021,
        829_282_992,
    )


def test_figures_that_do_not_fit_are_cut(tmp_path: Path) -> None:
    """A Director may say `JobId=-1` or `backup FileIndex=-9`, and the daemon lives on."""
    large = job(-1, files=-9, errors=1 << 31, job_bytes=1 << 64)
    assert store(tmp_path / "fd.state", [large, job()]) == ""
    first, second = load(tmp_path / "fd.state")
    assert (first.job_id, first.files, first.errors) == (0xFFFF_FFFF, 0xFFFF_FFF7, 0x7FFF_FFFF)
    assert second.job_id == 17

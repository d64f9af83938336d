"""`setdebug`: what it changes, and where debug output goes."""

from pathlib import Path

import pytest

from .talking import JOB, OK_JOB, connected, house


def reply(level: int, trace: int, timestamp: int, path: Path) -> bytes:
    return b"2000 OK setdebug=%d trace=%d hangup=0 timestamp=%d tracefile=%s\n" % (
        level,
        trace,
        timestamp,
        bytes(path),
    )


async def test_transitions_go_to_the_trace_file_while_it_is_on(tmp_path: Path) -> None:
    where = house(tmp_path)
    trace = tmp_path / "fd.trace"
    async with connected(where) as peer:
        await peer.log_in()
        await peer.send(b"setdebug=100 trace=1 hangup=0 timestamp=0\n")
        assert await peer.hear() == reply(100, 1, 0, trace)
        await peer.send(JOB)
        answer = await peer.hear()
        assert isinstance(answer, bytes)
        assert answer.startswith(OK_JOB)
        await peer.send(b"setdebug=0 trace=0 hangup=0 timestamp=0\n")
        assert await peer.hear() == reply(0, 0, 0, trace)
    lines = trace.read_text().splitlines()
    assert "fd (100): director job.2026-11-23_05.00.00_01: Command --COMMAND_ANSWERED--> Command" in lines
    assert not any("REPORTED" in line for line in lines)


async def test_negative_values_change_nothing(tmp_path: Path) -> None:
    where = house(tmp_path)
    where.services.debug.level = 7
    async with connected(where) as peer:
        await peer.log_in()
        await peer.send(b"setdebug=-1 trace=-1 hangup=-1 timestamp=-1\n")
        assert await peer.hear() == reply(-1, 0, 0, tmp_path / "fd.trace")
    assert where.services.debug.level == 7


async def test_without_trace_it_goes_to_the_standard_output(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    debug = house(tmp_path).services.debug
    debug.level, debug.timestamp, debug.clock = 10, True, lambda: 0.25
    debug.tell(10, "hello")
    debug.tell(11, "too fine")
    shown = capfd.readouterr().out
    assert shown.endswith(":00.250000 fd (10): hello\n")
    assert "1970" in shown
    assert not (tmp_path / "fd.trace").exists()


async def test_a_trace_file_that_cannot_be_written_ends_the_trace(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    debug = house(tmp_path).services.debug
    debug.trace_path, debug.trace, debug.level = str(tmp_path / "gone" / "fd.trace"), True, 1
    debug.tell(1, "hello")
    assert not debug.trace
    assert "No such file or directory" in capfd.readouterr().err

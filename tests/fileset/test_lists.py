"""Programs on the client that outlive their output or themselves: a cancel ends them all the same."""

import os
import select
import signal
from collections.abc import Iterator
from errno import EPERM
from pathlib import Path

import pytest

from fdaemon.errors import JobCanceled
from fdaemon.fileset.lists import program_lines

PATIENCE = 10_000
"""Milliseconds."""


@pytest.fixture
def held(tmp_path: Path) -> Iterator[int]:
    """The reading end of a pipe that the programs of the test hold open, as descriptor 3."""
    os.mkfifo(tmp_path / "held")
    reader = os.open(tmp_path / "held", os.O_RDONLY | os.O_NONBLOCK)
    yield reader
    os.close(reader)


def ended(held: int) -> bool:
    """True once nobody holds the pipe any more."""
    poll = select.poll()
    poll.register(held, select.POLLHUP)
    return bool(poll.poll(PATIENCE))


def test_a_program_that_goes_on_without_output(tmp_path: Path, held: int) -> None:
    def check() -> None:
        try:
            if os.read(held, 1):
                raise JobCanceled("canceled")
        except BlockingIOError:
            return

    program = b"exec 3>%b; exec >/dev/null 2>&1; echo >&3; sleep 1000" % bytes(tmp_path / "held")
    with pytest.raises(JobCanceled):
        list(program_lines([b"sh", b"-c", program], check))
    assert ended(held)


def test_what_a_program_left_behind_goes_with_it(tmp_path: Path, held: int) -> None:
    seen = b""

    def check() -> None:
        nonlocal seen
        if not seen:
            try:
                seen = os.read(held, 100)
            except BlockingIOError:
                return
        if seen and b") Z" in Path(f"/proc/{int(seen)}/stat").read_bytes():
            raise JobCanceled("canceled")

    program = b"exec 3>%b; sleep 1000 & echo $$ >&3" % bytes(tmp_path / "held")
    with pytest.raises(JobCanceled):
        list(program_lines([b"sh", b"-c", program], check))
    assert ended(held)


@pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
def test_a_program_that_may_not_be_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that has become somebody else: it is left alone, and the cancel is what its caller hears of."""
    kill, refused = os.killpg, list[int]()

    def refuse(group: int, number: int) -> None:
        refused.append(group)
        raise PermissionError(EPERM, os.strerror(EPERM))

    def check() -> None:
        raise JobCanceled("canceled")

    monkeypatch.setattr(os, "killpg", refuse)
    monkeypatch.setattr("fdaemon.fileset.lists.KILL_GRACE", 0.01)
    with pytest.raises(JobCanceled):
        list(program_lines([b"sleep", b"1000"], check))
    [group] = refused
    kill(group, signal.SIGKILL)
    os.waitpid(group, 0)


def test_a_program_that_ends_later_than_its_output() -> None:
    program = [b"sh", b"-c", b"echo name; exec >/dev/null 2>&1; sleep 0.1"]
    assert list(program_lines(program, lambda: None)) == [b"name"]

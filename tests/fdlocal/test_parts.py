"""The parts of fdlocal that need no daemon: options, comparison, display."""

import io
import os
from pathlib import Path

import pytest
import trio
import trio.testing
from rich.console import Console

from fdlocal.access import Watch
from fdlocal.compare import compare
from fdlocal.display import Rate, current_file, live, report, shown_path
from fdlocal.errors import UsageError
from fdlocal.options import BackupOptions, fileset, identity
from fdlocal.outcome import ExitCode, Outcome
from fdpeers.append import Figures
from fdpeers.director import JobMessage
from fdpeers.storage_session import JobRun, JobTicket

from ..fdpeers.trees import grow


def test_a_file_set_is_what_a_director_sends() -> None:
    options = BackupOptions((b"/etc",), excludes=(b"*.bak",), compression="lz4", sparse=True)
    assert fileset(options, never=[b"/r[1]"]) == [
        b"I\n",
        b"O S4Zf4sAX\n",
        b"N\n",
        b"F /etc",
        b"N\n",
        b"N\n",
        b"E\n",
        b"F *.bak",
        rb"F /r\[1]",
        b"N\n",
        b"N\n",
    ]
    assert BackupOptions((), hard_links=False, acl=False, xattr=False, digest="none").letters() == "H"
    assert identity([b"ab", b"c"]) != identity([b"a", b"bc"])
    with pytest.raises(UsageError, match="sha3"):
        BackupOptions((), digest="sha3").letters()


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (lambda root: (root / "plain.txt").write_bytes(b"hullo\n"), "content"),
        (lambda root: (root / "empty").unlink(), "missing"),
        (lambda root: (root / "extra").touch(), "not in the original"),
        (lambda root: (root / "deep/er/big.bin").chmod(0o700), "mode"),
        (lambda root: os.utime(root / "empty", (1, 1)), "modification time"),
        (lambda root: ((root / "soft").unlink(), (root / "soft").symlink_to("x")), "link target"),
        (lambda root: ((root / "fifo").unlink(), (root / "fifo").mkdir()), "type"),
        (lambda root: os.chown(root / "empty", 12, 34), "owner"),
        (lambda root: os.setxattr(root / "empty", "user.x", b"1"), "extended attributes"),
        (lambda root: unlink_twin(root), "hard link"),
    ],
)
def test_every_kind_of_difference_is_found(tmp_path: Path, damage: object, what: str) -> None:
    a, b = grow(tmp_path / "a"), grow(tmp_path / "b")
    assert compare(bytes(a), bytes(b)).differences == ()
    assert callable(damage)
    try:
        damage(b)
    except OSError as error:
        pytest.skip(f"this needs root, or a file system with user attributes: {error}")
    assert any(what in difference.what for difference in compare(bytes(a), bytes(b)).differences)


def unlink_twin(root: Path) -> None:
    st = (root / "plain.txt").stat()
    (root / "deep/hard").unlink()
    (root / "deep/hard").write_bytes(b"hello\n")
    os.utime(root / "deep/hard", ns=(st.st_atime_ns, st.st_mtime_ns))


def test_names_are_shown_without_control_characters() -> None:
    assert shown_path(b"/a\x1b[31m\xff\n\xc3\xa4") == "/a\\x1b[31m\\xff\\nä"
    assert current_file(b"3 5 /dir [x]/\0P4A A\0\0\x000\0") == "/dir [x]/"
    assert current_file(b"") == ""


def test_the_rate_follows_slowly() -> None:
    rate = Rate()
    rate.look(100, 0.1)
    assert rate.value == 1000
    rate.look(100, 0.1)
    assert 0 < rate.value < 1000


async def test_the_display_moves(autojump_clock: trio.testing.MockClock) -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=150)
    watch = Watch("backing up", total_files=1234, total_bytes=10_000)
    watch.run = JobRun(JobTicket(b"job", b"key", 1, 1))
    async with live(watch, console):
        watch.run.figures = Figures(12, 30, 4_000, b"12 3 /tree/[bold]name\0P4A\0\0\x000\0")
        await trio.sleep(0.5)
    printed = out.getvalue()
    assert "12 of 1,234 files" in printed
    assert "4.0 kB" in printed
    assert "/tree/[bold]name" in printed


async def test_no_display_where_there_is_no_terminal() -> None:
    out = io.StringIO()
    async with live(Watch(), Console(file=out)):
        pass
    assert out.getvalue() == ""


def outcome(status: str, errors: int = 0, messages: tuple[JobMessage, ...] = (), reason: str = "") -> Outcome:
    return Outcome(
        job_id=3,
        name="n",
        kind="Full backup",
        status=status,
        files=5,
        read_bytes=10,
        job_bytes=4,
        wire_bytes=9,
        errors=errors,
        seconds=0.0,
        cipher="None",
        messages=messages,
        reason=reason,
    )


@pytest.mark.parametrize(
    ("status", "errors", "code"),
    [("T", 0, 0), ("T", 1, 1), ("W", 0, 1), ("f", 1, 3), ("E", 1, 3), ("A", 0, 130), ("D", 0, 4)],
)
def test_exit_codes(status: str, errors: int, code: int) -> None:
    assert outcome(status, errors).exit_code is ExitCode(code)


def test_a_report_shows_what_went_wrong() -> None:
    out = io.StringIO()
    bad = [JobMessage(b"j", 4, 0, b"fd JobId 3: Error: cannot open [/x]\n") for _ in range(25)]
    info = JobMessage(b"j", 6, 0, b"fd JobId 3: Version: 25\n")
    report(outcome("f", 25, (info, *bad), reason="the [disk] is full"), Console(file=out, width=150))
    printed = out.getvalue()
    assert "failed" in printed
    assert "the [disk] is full" in printed
    assert printed.count("cannot open [/x]") == 20
    assert "5 more" in printed
    assert "Version" not in printed

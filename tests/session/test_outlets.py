"""Messages to destinations on this machine, and job messages that take that way too (protocol/06 section 7)."""

import io
import os
import syslog
from dataclasses import replace
from pathlib import Path

import pytest

from fdaemon.config.messages import Destination, MessageDestination, MessagesResource
from fdaemon.jobs.reporter import Reporter, Standing
from fdaemon.outcome import Status
from fdaemon.protocol.messages import MessageType
from fdaemon.session.outlets import WITHOUT_TIME, Outlets, facility

from .talking import HELLO, JOB, OK_JOB, connected, house

ALL = frozenset(range(1, 18))
NOON = 1_700_000_000


def outlets(*destinations: MessageDestination, said: list[tuple[int, str]] | None = None) -> Outlets:
    resource = MessagesResource("Standard", destinations=destinations, accepted=ALL)
    heard = said if said is not None else []
    return Outlets(resource, "fd", "%H.%M", log=lambda number, text: heard.append((number, text)))


def to_file(path: Path, kind: Destination = Destination.APPEND, **more: str) -> MessageDestination:
    return MessageDestination(kind, str(path), frozenset({4, 6}), **more)


@pytest.fixture(autouse=True)
def _universal_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fdaemon.session.outlets.time.localtime", __import__("time").gmtime)


def test_append_has_a_timestamp_before_each_message(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("before\n")
    out = outlets(to_file(path))
    out.write(MessageType.INFO, NOON, "fd JobId 1: one\n")
    out.write(MessageType.WARNING, NOON, "fd JobId 1: not wanted here\n")
    out.write(MessageType.ERROR, WITHOUT_TIME, "fd JobId 1: two\n")
    assert path.read_text() == "before\n22.13 fd JobId 1: one\nfd JobId 1: two\n"


def test_a_destination_has_its_own_timestamp(tmp_path: Path) -> None:
    path = tmp_path / "log"
    outlets(to_file(path, timestamp_format="%Y")).write(MessageType.INFO, NOON, "x\n")
    assert path.read_text() == "2023 x\n"


def test_file_keeps_the_last_portion_only(tmp_path: Path) -> None:
    path = tmp_path / "log"
    out = outlets(to_file(path, Destination.FILE))
    for text in ("one\n", "two\n"):
        out.write(MessageType.INFO, WITHOUT_TIME, text)
    assert path.read_text() == "one\ntwo\n"
    out.end_of_job()
    out.write(MessageType.INFO, WITHOUT_TIME, "three\n")
    assert path.read_text() == "three\n"


def test_a_rotated_file_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "log"
    out = outlets(to_file(path))
    out.write(MessageType.INFO, WITHOUT_TIME, "one\n")
    path.rename(tmp_path / "log.1")
    out.write(MessageType.INFO, WITHOUT_TIME, "two\n")
    assert path.read_text() == "two\n"


def test_a_file_that_cannot_be_written_is_named_once(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = outlets(to_file(tmp_path / "missing" / "log"))
    for _ in range(3):
        out.write(MessageType.INFO, NOON, "x\n")
    assert capfd.readouterr().err.count("No such file or directory") == 1


def test_standard_streams(capfd: pytest.CaptureFixture[str]) -> None:
    out = outlets(
        MessageDestination(Destination.STDOUT, "", frozenset({6})),
        MessageDestination(Destination.STDERR, "", frozenset({4})),
    )
    out.write(MessageType.INFO, NOON, "good\n")
    out.write(MessageType.ERROR, NOON, "bad\n")
    said = capfd.readouterr()
    assert (said.out, said.err) == ("22.13 good\n", "22.13 bad\n")


def test_syslog_takes_no_nul() -> None:
    out = outlets(MessageDestination(Destination.SYSLOG, "daemon", ALL))
    heard: list[str] = []

    def log(_priority: int, text: str) -> None:
        if "\0" in text:
            raise ValueError("embedded null character")  # as the system's function
        heard.append(text)

    out.log = log
    out.write(MessageType.ERROR, NOON, "Bad response to append open: 3000\0garbage\n")
    assert heard == ["Bad response to append open: 3000\\0garbage"]


def test_syslog_gets_a_line_each_with_priority_and_facility() -> None:
    heard: list[tuple[int, str]] = []
    out = outlets(MessageDestination(Destination.SYSLOG, "local3", ALL), said=heard)
    out.write(MessageType.FATAL, NOON, "one\ntwo\n")
    out.write(MessageType.SECURITY, NOON, "three\n")
    assert heard == [
        (syslog.LOG_LOCAL3 | syslog.LOG_CRIT, "one"),
        (syslog.LOG_LOCAL3 | syslog.LOG_CRIT, "two"),
        (syslog.LOG_LOCAL3 | syslog.LOG_NOTICE, "three"),
    ]


@pytest.mark.parametrize(
    ("word", "number"),
    [
        ("", syslog.LOG_DAEMON),
        ("MAIL", syslog.LOG_MAIL),
        ("err", syslog.LOG_DAEMON),
        ("what", syslog.LOG_DAEMON),
    ],
)
def test_facilities(word: str, number: int) -> None:
    assert facility(word) == number


def test_what_goes_to_a_director_is_not_taken_here() -> None:
    out = outlets(MessageDestination(Destination.DIRECTOR, "bareos-dir", ALL))
    assert not any(out.takes(kind) for kind in MessageType)


async def test_a_message_for_nobody_but_named_once_counts_and_is_not_sent() -> None:
    """`all, !error` for the Director: the early filter lets errors pass (protocol/06 section 7.3)."""
    sent: list[bytes] = []

    async def send(packet: bytes) -> None:
        sent.append(packet)

    everything = frozenset(MessageType)
    standing = Standing()
    reporter = Reporter(
        standing,
        send,
        name=b"fd",
        wanted=everything - {MessageType.ERROR, MessageType.FATAL},
        accepted=everything,
    )
    reporter.job_id, reporter.job_name = 7, b"job"
    await reporter.send(MessageType.ERROR, b"broken\n")
    await reporter.send(MessageType.FATAL, b"over\n")
    await reporter.send(MessageType.INFO, b"hello\n")
    assert (standing.counters.errors, standing.status) == (1, Status.FATAL)
    assert len(sent) == 1
    assert sent[0].endswith(b"fd JobId 7: hello\n")


async def test_a_message_that_is_named_nowhere_does_nothing() -> None:
    async def send(_packet: bytes) -> None:
        pytest.fail("nothing is to be sent")

    standing = Standing()
    reporter = Reporter(standing, send, name=b"fd", wanted=frozenset({MessageType.INFO}))
    reporter.job_id = 7
    await reporter.send(MessageType.FATAL, b"over\n")
    assert (standing.counters.errors, standing.status) == (0, Status.CREATED)


async def test_job_messages_also_go_to_the_daemons_own_file(tmp_path: Path) -> None:
    where = house(tmp_path)
    log = tmp_path / "jobs.log"
    client = where.services.configuration
    own = replace(
        client.own_messages,
        destinations=(*client.own_messages.destinations, to_file(log)),
    )
    where.services.configure(replace(client, messages=(own,)))
    async with connected(where) as peer:
        await peer.log_in()
        await peer.send(JOB)
        answer = await peer.hear()
        assert isinstance(answer, bytes)
        assert answer.startswith(OK_JOB)
        await peer.send(b"backup FileIndex=0\n")
        said = await peer.rest()
    messages = [packet for packet in said if isinstance(packet, bytes) and packet.startswith(b"Jmsg")]
    assert any(b"ACL support is disabled" in packet for packet in messages)
    assert "fd JobId 7: ACL support is disabled\n" in log.read_text()
    assert HELLO.decode() not in log.read_text()


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_nobody_reads_the_standard_streams_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stream: str
) -> None:
    """As after a crash of what collects the output: each message is lost, and nothing ends."""
    kind = {"stdout": Destination.STDOUT, "stderr": Destination.STDERR}[stream]
    reading, writing = os.pipe()
    os.close(reading)
    with (
        io.TextIOWrapper(os.fdopen(writing, "wb", buffering=0), write_through=True) as broken,
        monkeypatch.context() as patch,
    ):
        patch.setattr(f"sys.{stream}", broken)
        outlets(MessageDestination(kind, "", ALL)).write(MessageType.INFO, NOON, "x\n")
        debug = house(tmp_path).services.debug
        debug.level = 1
        debug.tell(1, "x")
        debug.trace, debug.trace_path = True, str(tmp_path)
        debug.tell(1, "x")

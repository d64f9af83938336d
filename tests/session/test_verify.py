"""Whole verify sessions: every level's answers, and what a cancel or a lost Director in the middle leaves."""

import math
import os
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from fdaemon.wire.framing import Signal
from tests.session.talking import JOB, OK_JOB, House, Peer, connected, house

EOD, TERMINATE = int(Signal.EOD), int(Signal.TERMINATE)
NAME = JOB.split(b"Job=")[1].split(b" ")[0]
ENDLESS = 1 << 40
"""Bytes of a hole that is being digested for as long as a test lasts."""


async def begin(peer: Peer, lines: Sequence[bytes], level: bytes) -> None:
    """All up to the verify command."""
    await peer.log_in()
    await peer.send(JOB)
    assert await peer.hear() == OK_JOB
    await peer.send(b"fileset vss=1\n", b"I\n", *lines)
    await peer.signal(EOD)
    assert await peer.hear() == b"2000 OK include\n"
    await peer.send(b"verify level=%b\n" % level)
    assert await peer.hear() == b"2000 OK verify\n"


def fileset(top: Path, letters: bytes = b"MVpins5:") -> list[bytes]:
    return [b"O %b\n" % letters, b"N\n", b"F %b\n" % bytes(top), b"N\n"]


def end_job(said: list[bytes | int]) -> dict[str, int]:
    [line] = [one for one in said if isinstance(one, bytes) and one.startswith(b"2800 End Job ")]
    return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", line.decode())}


def messages(said: list[bytes | int]) -> list[bytes]:
    return [one for one in said if isinstance(one, bytes) and one.startswith(b"Jmsg ")]


@pytest.mark.parametrize("level", [b"init", b"CATALOG", b"disk_to_catalog"])
async def test_the_disk_levels_are_one_exchange(tmp_path: Path, level: bytes) -> None:
    top = tmp_path / "top"
    top.mkdir()
    (top / "file").write_bytes(b"abc")
    async with connected(house(tmp_path)) as peer:
        await begin(peer, fileset(top), level)
        said = await peer.rest()
    assert isinstance(said[0], bytes)
    assert said[0].startswith(b"1 1 VVpins5 %b/file\0" % bytes(top))
    assert said[1] == b"1 3 kAFQmDzST7DWlj99KOF/cg *MD5-1*"
    assert isinstance(said[2], bytes)
    assert said[2].startswith(b"2 1 VVpins5 %b/\0" % bytes(top))
    assert said[3:] == [
        EOD,
        b"2800 End Job TermCode=84 JobFiles=2 ReadBytes=3 JobBytes=3 Errors=0 VSS=0 Encrypt=0\n",
        TERMINATE,
    ]


async def test_the_exchange_is_in_the_view_of_the_job(tmp_path: Path) -> None:
    top = tmp_path / "top"
    top.mkdir()
    for number in range(100):
        (top / f"file{number}").write_bytes(b"abc")
    where = house(tmp_path)
    async with connected(where) as peer:
        await begin(peer, fileset(top), b"init")
        await peer.rest()
    [ended] = where.services.registry.recent
    assert {item.chart: item.state for item in ended.conversations} == {
        "director": "Closed",
        "job": "Closed",
        "verify": "Ended",
    }
    assert [step.event for step in ended.transitions if step.chart == "verify"] == [
        "WALK_STARTED",
        "FILE_FOUND",
        "ATTRIBUTES_SENT",
        "DIGEST_SENT",
        "DIGEST_WAIVED",
        "WALK_ENDED",
        "EOD_SENT",
    ]


async def test_a_name_that_is_not_there_counts_one_error(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    async with connected(house(tmp_path)) as peer:
        await begin(peer, fileset(missing), b"init")
        said = await peer.rest()
    assert [text.partition(b" 7: ")[2] for text in messages(said)] == [
        b"     Could not stat %b: ERR=No such file or directory\n" % bytes(missing)
    ]
    assert end_job(said) == {
        "TermCode": ord("T"),
        "JobFiles": 0,
        "ReadBytes": 0,
        "JobBytes": 0,
        "Errors": 1,
        "VSS": 0,
        "Encrypt": 0,
    }


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read everything")
async def test_a_file_that_may_not_be_read_counts_two_errors(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    path.chmod(0)
    async with connected(house(tmp_path)) as peer:
        await begin(peer, fileset(path), b"init")
        said = await peer.rest()
    assert end_job(said)["Errors"] == 2
    assert end_job(said)["TermCode"] == ord("T")


async def test_a_plugin_line_fails_the_walk(tmp_path: Path) -> None:
    place = tmp_path / "plugins"
    place.mkdir()
    async with connected(house(tmp_path, client=f'Plugin Directory = "{place}"')) as peer:
        await begin(peer, [*fileset(tmp_path / "fd.conf")[:-1], b"P python:x\n", b"N\n"], b"init")
        said = await peer.rest()
    assert said.index(messages(said)[0]) < said.index(EOD)
    assert end_job(said)["TermCode"] == ord("f")


async def test_level_data_is_refused_after_the_ok(tmp_path: Path) -> None:
    async with connected(house(tmp_path)) as peer:
        await begin(peer, fileset(tmp_path), b"data")
        said = await peer.rest()
    assert isinstance(said[0], bytes)
    assert said[0].startswith(b"2994 Bad verify level: ")
    assert EOD not in said
    assert end_job(said)["TermCode"] == 67


async def test_the_volume_level_needs_a_storage_daemon(tmp_path: Path) -> None:
    async with connected(house(tmp_path)) as peer:
        await begin(peer, fileset(tmp_path), b"volume")
        said = await peer.rest()
    assert messages(said)[0].endswith(b"Fatal error: Improper calling sequence.\n")
    assert EOD not in said
    assert (end_job(said)["TermCode"], end_job(said)["Errors"]) == (102, 1)


@pytest.fixture
def endless(tmp_path: Path) -> list[bytes]:
    """A FileSet of a directory with one file, and a file whose digest never ends."""
    top = tmp_path / "top"
    top.mkdir()
    (top / "file").write_bytes(b"abc")
    with (tmp_path / "endless").open("wb") as file:
        file.truncate(ENDLESS)
    lines = fileset(top)
    return [*lines[:-1], b"F %b\n" % bytes(tmp_path / "endless"), lines[-1]]


async def verify(peer: Peer, endless: list[bytes]) -> None:
    """Up to where the endless file is being digested: all packets before its own have come."""
    await begin(peer, endless, b"init")
    for index in (b"1 1 ", b"1 3 ", b"2 1 "):
        packet = await peer.hear()
        assert isinstance(packet, bytes)
        assert packet.startswith(index)


async def cancel(where: House) -> None:
    async with connected(where) as other:
        await other.log_in()
        await other.send(b"cancel Job=%b\n" % NAME)
        assert await other.hear() == b"2001 Job %b marked to be canceled.\n" % NAME


async def test_a_cancel_in_mid_verify_ends_it_at_once_and_is_reported(
    tmp_path: Path, endless: list[bytes]
) -> None:
    where = house(tmp_path)
    async with connected(where) as peer:
        await verify(peer, endless)
        await cancel(where)
        said = await peer.rest()
    assert said[0] == EOD
    assert said[-1] == TERMINATE
    report = end_job(said)
    assert (report["TermCode"], report["JobFiles"], report["Errors"]) == (ord("A"), 2, 0)


async def test_a_cancel_does_not_wait_for_a_director_that_has_stopped_reading(
    tmp_path: Path, endless: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As all do that have canceled a verify: its report would hold up the answer to the cancel."""
    monkeypatch.setattr("fdaemon.session.console.REPORT_PATIENCE", math.inf)
    monkeypatch.setattr("fdaemon.session.arrival.FAREWELL_LIMIT", math.inf)
    where = house(tmp_path)
    async with connected(where) as peer:
        await verify(peer, endless)
        async with connected(where) as other:
            await other.log_in()
            await other.send(b"cancel Job=%b\n" % NAME)
            await other.hear()
            assert await other.hear() == EOD
        await peer.packets.aclose()


@pytest.mark.parametrize("goodbye", [True, False])
async def test_a_director_lost_in_mid_verify_ends_the_job(
    tmp_path: Path, endless: list[bytes], goodbye: bool
) -> None:
    where = house(tmp_path)
    async with connected(where) as peer:
        await verify(peer, endless)
        assert [view.type for view in where.services.registry.jobs()] == ["V"]
        if goodbye:
            await peer.signal(TERMINATE)
            assert await peer.rest() == []
        else:
            await peer.packets.stream.aclose()
    assert where.services.registry.jobs() == ()
    [ended] = where.services.registry.recent
    assert (ended.status, ended.files) == ("f", 2)

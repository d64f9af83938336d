"""Volumes: what the real Storage daemon wrote is read, what is written is read back, and damage is found."""

import io
import lzma
import zlib
from base64 import b64encode
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fdpeers import blocks
from fdpeers.errors import VolumeError
from fdpeers.labels import (
    Label,
    SessionLabel,
    SessionTotals,
    VolumeLabel,
    pack_session_label,
    pack_volume_label,
    unpack_session_label,
    unpack_volume_label,
)
from fdpeers.sources import Piece, Replay, VolumeSource
from fdpeers.volume_reader import read_blocks, read_records, read_volume_label, session_label
from fdpeers.volume_writer import VolumeWriter

SESSION = SessionLabel(7, 1_700_000_000_000_000, b"bak.2026-11-23_05.00.00_07", b"bak", b"client", b"fs")
LABEL = VolumeLabel(b"Vol-1", 1_700_000_000_000_000, 1_700_000_000_000_001, b"host")


def write(path: Path, records: list[tuple[int, int, bytes]], block_size: int) -> VolumeWriter:
    with path.open("wb") as file:
        writer = VolumeWriter(file.write, session_id=3, session_time=9, block_size=block_size)
        writer.volume_label(LABEL)
        writer.begin(SESSION)
        for record in records:
            writer.record(*record)
        writer.end(SESSION)
    return writer


def test_a_block_is_the_documented_bytes() -> None:
    out = io.BytesIO()
    writer = VolumeWriter(out.write, session_id=1, session_time=1_700_000_000)
    writer._number = 7
    writer.record(1, 2, b"hello")
    writer.flush()
    documented = "82099209 00000029 00000007 42423032 00000001 6553f100 00000001 00000002 00000005 68656c6c6f"
    assert out.getvalue() == bytes.fromhex(documented)


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 3000), min_size=1, max_size=30),
    block_size=st.integers(1024, 1100),
)
def test_records_survive_any_block_size(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], block_size: int
) -> None:
    path = tmp_path_factory.mktemp("volume") / "Vol-1"
    records = [(at + 1, 2, bytes([at]) * size) for at, size in enumerate(sizes)]
    writer = write(path, records, block_size)
    with path.open("rb") as file:
        found = [(r.file_index, r.stream, r.data) for r in read_records(file) if r.file_index > 0]
        assert found == records
        assert all(len(block.payload) <= block_size for block in read_blocks(file))
    assert writer.position == path.stat().st_size


def test_spans_lead_to_a_file_without_reading_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fdpeers.volume_writer.SPAN", 4096)
    records = [(index, 2, bytes([index]) * 1500) for index in range(1, 40)]
    spans = write(tmp_path / "Vol-1", records, 2048).spans
    assert len(spans) > 5
    for index in (1, 17, 39):
        touched = tuple((s.start, s.end) for s in spans if s.first_index <= index <= s.last_index)
        assert 1 <= len(touched) <= 2
        source = VolumeSource(tmp_path, [Piece("Vol-1", 3, 9, ((index, index),), touched)])
        header, data = source.packets()
        assert header[4:] == b"rechdr 3 9 %d 2 1500" % index
        assert data[4:] == records[index - 1][2]


def test_a_replay_is_the_same_bytes(tmp_path: Path) -> None:
    write(tmp_path / "Vol-1", [(1, 1, b"a" * 5000), (2, 2, b"")], 1024)
    source = VolumeSource(tmp_path, [Piece("Vol-1", 3, 9, ((1, 2),))])
    assert b"".join(Replay.of(source, size=10).packets()) == b"".join(source.packets())


@pytest.mark.parametrize("at", [0, 5, 13, 17, 30, 200, 2000])
def test_a_flipped_byte_is_found(tmp_path: Path, at: int) -> None:
    path = tmp_path / "Vol-1"
    write(path, [(1, 2, bytes(3000))], 1024)
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    with path.open("rb") as file, pytest.raises(VolumeError, match="offset"):
        list(read_records(file))


@pytest.mark.parametrize("cut", [1, 20, 500, 1100])
def test_a_cut_volume_is_found(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "Vol-1"
    write(path, [(1, 2, bytes(3000))], 1024)
    path.write_bytes(path.read_bytes()[:-cut])
    with path.open("rb") as file, pytest.raises(VolumeError):
        list(read_records(file))


def test_a_continuation_needs_its_beginning(tmp_path: Path) -> None:
    buffer = bytearray(64)
    buffer[24:36] = (1).to_bytes(4, "big") + (-2 & 0xFFFFFFFF).to_bytes(4, "big") + (4).to_bytes(4, "big")
    block = bytes(blocks.seal(buffer, 40, number=1, session_id=1, session_time=1))
    assert zlib.crc32(block[4:]) == int.from_bytes(block[:4], "big")
    (tmp_path / "Vol-1").write_bytes(block)
    with (tmp_path / "Vol-1").open("rb") as file, pytest.raises(VolumeError, match="without a beginning"):
        list(read_records(file))


def test_labels_survive() -> None:
    assert unpack_volume_label(pack_volume_label(LABEL)) == LABEL
    assert unpack_session_label(pack_session_label(SESSION), Label.SESSION_START) == SESSION
    closing = SessionLabel(7, 1, b"j", b"b", b"c", b"f", totals=SessionTotals(3, 2**40, 5, 2**33 + 9, 1, "W"))
    assert unpack_session_label(pack_session_label(closing), Label.SESSION_END) == closing
    with pytest.raises(VolumeError, match="too many"):
        unpack_volume_label(pack_volume_label(LABEL) + b"x")
    with pytest.raises(VolumeError):
        unpack_volume_label(pack_volume_label(LABEL)[:-1])
    with pytest.raises(ValueError, match="NUL"):
        pack_volume_label(VolumeLabel(b"a\0b", 0, 0, b"host"))


RECORDED = Path(__file__).parents[1] / "recorded/volumes"
"""A volume that the real Storage daemon wrote, packed, and what the real `bls -v` printed for it."""


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    (tmp_path / "Vol-0002").write_bytes(lzma.decompress((RECORDED / "Vol-0002.xz").read_bytes()))
    return tmp_path


def test_the_real_volume_reads_as_the_real_tool_lists_it(recorded: Path) -> None:
    listed = [
        line.split("|")[0].split()
        for line in (RECORDED / "Vol-0002.bls.txt").read_text(errors="replace").splitlines()
        if line.startswith("FileIndex=")
    ]
    with (recorded / "Vol-0002").open("rb") as file:
        label = read_volume_label(file)
        records = list(read_records(file))
    assert (label.volume, label.pool, label.program) == (b"Vol-0002", b"Full", b"bareos-sd")
    ours = [
        [f"FileIndex={r.file_index}", f"Stream={r.stream}", f"DataLen={len(r.data)}"]
        for r in records
        if r.file_index > 0
    ]
    assert ours == [[words[0], words[1], words[3]] for words in listed]
    digests = [b64encode(r.data).rstrip(b"=").decode() for r in records if r.file_index > 0 and r.stream == 3]
    text = (RECORDED / "Vol-0002.bls.txt").read_text(errors="replace")
    assert digests
    assert all(f"{digest} (base64)" in text for digest in digests)
    sessions = [session for record in records if (session := session_label(record))]
    assert [session.totals is None for session in sessions] == [True, False]
    assert sessions[1].totals is not None
    assert sessions[1].totals.files == records[-2].file_index


def test_what_the_real_daemon_wrote_is_written_alike(recorded: Path) -> None:
    raw = (recorded / "Vol-0002").read_bytes()
    with (recorded / "Vol-0002").open("rb") as file:
        first = next(read_blocks(file))
        records = list(read_records(file))
        label = read_volume_label(file)
    out = io.BytesIO()
    writer = VolumeWriter(out.write, session_id=first.session_id, session_time=first.session_time)
    writer.volume_label(label)
    for record in records[1:]:
        session = session_label(record)
        if session is None:
            writer.record(record.file_index, record.stream, record.data)
        elif session.totals is None:
            writer.begin(session)
        else:
            writer.end(session)
    assert out.getvalue() == raw


def test_the_old_time_of_a_label_is_not_looked_at() -> None:
    packed = pack_session_label(SESSION)
    offset = len(b"Bareos 2.0 immortal\n\0") + 16
    nonsense = packed[:offset] + b"\xff" * 8 + packed[offset + 8 :]
    assert unpack_session_label(nonsense, Label.SESSION_START) == SESSION


def test_a_label_with_a_letter_that_is_none() -> None:
    packed = pack_session_label(SESSION)
    letter = packed.rindex(b"\0\0\0B")
    with pytest.raises(VolumeError, match="letter"):
        unpack_session_label(packed[:letter] + b"\xff" * 4 + packed[letter + 4 :], Label.SESSION_START)

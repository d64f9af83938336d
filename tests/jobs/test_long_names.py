"""Names longer than a packet, as somebody makes who nests directories: left out and told, and the job goes on."""

import os
from pathlib import Path

import pytest

from fdaemon.fileset.entry import Entry
from fdaemon.fileset.model import Compression, Include, Options
from fdaemon.jobs import backup_types
from fdaemon.jobs.backup_small import SMALL
from fdaemon.jobs.batch import SLACK
from fdaemon.jobs.reporter import Reporter, Standing
from fdaemon.protocol.messages import MessageType
from fdaemon.wire.attributes import FileType
from fdaemon.wire.digests import Digest
from fdaemon.wire.framing import MAX_PACKET
from fdaemon.wire.streams import Stream
from tests.jobs.backups import save
from tests.jobs.verifying import verify

MD5 = frozenset({Digest.MD5})
LONG = b"/" + b"d" * (1 << 20)
TEXT = b"     Name of %d bytes is too long; not saved: %b...\n"


def entries(folder: Path, options: Options) -> list[Entry]:
    """A file, one of the same content with the long name, a directory with it, a link to it, and a file."""
    descriptor = os.open(folder, os.O_PATH)
    made: list[Entry] = []
    for kind, name, path, link in (
        (FileType.REG, b"a", b"/a", b""),
        (FileType.REG, b"a", LONG, b""),
        (FileType.DIRBEGIN, b".", LONG, b""),
        (FileType.DIREND, b".", LONG, b""),
        (FileType.LNKSAVED, b"a", b"/short", LONG),
        (FileType.REG, b"a", b"/b", b""),
    ):
        st = os.stat(name, dir_fd=descriptor)
        made.append(Entry(path, name, descriptor, kind, st, options, Include(), b"/", link))
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a").write_bytes(b"content")
    return tmp_path


@pytest.mark.parametrize("compression", [None, (Compression.GZIP, 6)])
def test_a_backup(folder: Path, compression: tuple[Compression, int] | None) -> None:
    found = entries(folder, Options(digests=MD5, compression=compression))
    outcome = save(found)
    os.close(found[0].dir_fd)
    assert [file.attributes.name for file in outcome.files] == [b"/a", b"/b"]
    assert [file.attributes.file_index for file in outcome.files] == [1, 2]
    sizes = [len(LONG), len(LONG), len(LONG) + len(b"/short")]
    shown = [LONG[:200], LONG[:200], b"/short"]
    assert outcome.messages == [
        (MessageType.NOTSAVED, TEXT % (size, name), 1) for size, name in zip(sizes, shown, strict=True)
    ]
    assert outcome.counters.examined == 5


def test_a_verify(folder: Path) -> None:
    found = entries(folder, Options(digests=MD5, verify=b"V5"))
    outcome = verify(entries=found)
    os.close(found[0].dir_fd)
    assert [file.attributes.name for file in outcome.files] == [b"/a", b"/b"]
    assert [text for _, text, _ in outcome.messages] == [
        TEXT % (len(LONG), LONG[:200]),
        TEXT % (len(LONG), LONG[:200]),
        TEXT % (len(LONG) + len(b"/short"), b"/short"),
    ]
    assert sum(batch.skipped for batch in outcome.batches) == 4


def test_the_longest_name_fits_a_packet(folder: Path) -> None:
    found = entries(folder, Options(digests=MD5))[:1]
    found[0].path = b"/" + b"d" * (backup_types.LONGEST_NAME - 1)
    outcome = save(found)  # which reads packets of at most MAX_PACKET bytes
    os.close(found[0].dir_fd)
    assert [file.attributes.name for file in outcome.files] == [found[0].path]


@pytest.mark.parametrize("room", range(92, 144, 8))
def test_a_long_name_and_a_small_file_that_fill_the_buffer(folder: Path, room: int) -> None:
    """The buffer of a batch ends amid what the file has behind its content, or about there."""
    content = bytes(SMALL)
    (folder / "a").write_bytes(content)
    [found, *_] = entries(folder, Options(digests=MD5))
    found.path = b"/" + b"d" * (MAX_PACKET + SLACK - len(content) - room)
    outcome = save([found], block_size=SMALL)
    os.close(found.dir_fd)
    assert outcome.file(found.path).records(Stream.FILE_DATA) == [content]


async def test_a_message_about_one() -> None:
    sent: list[bytes] = []

    async def send(packet: bytes) -> None:
        sent.append(packet)

    reporter = Reporter(Standing(), send, name=b"fd", wanted=frozenset(MessageType))
    reporter.job_id, reporter.job_name = 7, b"job"
    await reporter.send(MessageType.NOTSAVED, b"     Could not open directory %b: ERR=x\n" % LONG)
    assert len(sent[0]) < MAX_PACKET
    assert sent[0].endswith(b"ddd...\n")
    assert len(reporter.standing.recent[0][2]) < MAX_PACKET // 2

"""The volume level of verify: the documented dialogue, cut anywhere, and streams that make no sense."""

from collections.abc import Iterator

import pytest

from fdaemon.channels.verify import VerifyBatch
from fdaemon.errors import JobFailed
from fdaemon.jobs.verify_volume import VolumeVerifier
from fdaemon.wire.framing import EOD, frame, signal

STAT = b"P4A IQUT IGk C A A A D BAA I BrA6za BlU/EA BrA6zZ A A C"
MD5 = bytes.fromhex("7cf4a3876b3ec9844c613e2a47a2252f")
SHA1 = bytes(range(20))


def record(index: int, stream: int, data: bytes, size: int | None = None) -> bytes:
    header = b"rechdr 1 1700000000 %d %d %d" % (index, stream, len(data) if size is None else size)
    return frame(header) + frame(data)


def attributes(index: int, kind: int, name: bytes, link: bytes = b"") -> bytes:
    return record(index, 1, b"%d %d %b\0%b\0%b\0\x000\0" % (index, kind, name, STAT, link))


DOCUMENTED = b"".join(
    [
        attributes(1, 3, b"/etc/foo"),
        record(1, 2, b"data data"),
        record(1, 3, MD5),
        attributes(2, 5, b"/etc/dir/"),
        attributes(3, 4, b"/etc/lnk", b"a.txt"),
        signal(-6),
        attributes(5, 1, b"/etc/hard", b"/etc/foo"),
        record(5, 10, SHA1),
        attributes(9, 23, b"/etc/deleted"),
        record(10, 28, b"10 25 1 1 1 0 0 plugin\0object\0content\0"),
        attributes(11, 3, b"/etc/last"),
        record(11, 1988, b"xattr"),
        record(11, 40, bytes(16)),
    ]
)
PACKETS = [
    b"1 1 pinsug5 /etc/foo\0%b\0\0" % STAT,
    b"1 3 fPSjh2s+yYRMYT4qR6IlLw *MD5-1*",
    b"2 1 pinsug5 /etc/dir/\0%b\0\0" % STAT,
    b"3 1 pinsug5 /etc/lnk\0%b\0a.txt\0" % STAT,
    b"4 1 pinsug5 /etc/hard\0%b\0/etc/foo\0" % STAT,
    b"4 10 AAECAwQFBgcICQoLDA0ODxAREhM *SHA1-4*",
    b"0 1 pinsug5 /etc/deleted\0%b\0\0" % STAT,
    b"6 28 ReStOrEObJeCt /etc/deleted\0\0\0",
    b"7 1 pinsug5 /etc/last\0%b\0\0" % STAT,
    b"7 40 AAAAAAAAAAAAAAAAAAAAAA *XXH128-7*",
]
"""protocol/05 section 9.3 and 9.5."""


def batches(verifier: VolumeVerifier, wire: bytes, step: int) -> Iterator[VerifyBatch]:
    for start in range(0, len(wire), step):
        if not verifier.hungry:
            break
        batch = verifier.feed(wire[start : start + step])
        if batch is not None:
            yield batch
    while (batch := verifier.finish()) is not None:
        yield batch


def run(wire: bytes, step: int, verifier: VolumeVerifier | None = None) -> tuple[bytes, dict[str, int]]:
    """All that is sent to the Director, and the counts of the batches together."""
    sent = b""
    counts: dict[str, int] = dict.fromkeys(("files", "digested", "plain", "objects"), 0)
    for batch in batches(verifier or VolumeVerifier(), wire, step):
        sent += batch.wire
        counts["files"] = batch.files or 0
        for name in ("digested", "plain", "objects"):
            counts[name] += getattr(batch, name)
    return sent, counts


@pytest.mark.parametrize("step", [1, 7, 100, 100_000])
def test_the_documented_records(step: int) -> None:
    verifier = VolumeVerifier()
    sent, counts = run(DOCUMENTED + EOD + b"rest", step, verifier)
    assert sent == b"".join(map(frame, PACKETS))
    assert counts == {"files": 7, "digested": 3, "plain": 3, "objects": 1}
    assert verifier.ended
    assert verifier.rest == b"rest"[: 4 if step > 1 else 0]


def test_nothing_on_the_volume() -> None:
    assert run(EOD, 4) == (b"", {"files": 0, "digested": 0, "plain": 0, "objects": 0})


def test_polls_are_answered() -> None:
    verifier = VolumeVerifier()
    verifier.feed(signal(-5))
    assert verifier.take_replies() == frame(b"2000 OK\n")
    assert verifier.take_replies() == b""


def test_a_digest_that_belongs_to_no_attributes_is_not_sent() -> None:
    """The Director would fail the whole job for its index (protocol/05 section 11.3)."""
    wire = record(1, 3, MD5) + record(1, 28, b"object") + record(1, 3, MD5) + attributes(2, 3, b"/f") + EOD
    sent, counts = run(wire, 1000)
    assert sent == frame(b"1 28 ReStOrEObJeCt \0\0\0") + frame(b"2 1 pinsug5 /f\0%b\0\0" % STAT)
    assert counts == {"files": 2, "digested": 0, "plain": 1, "objects": 1}


GOOD = attributes(1, 3, b"/good")


@pytest.mark.parametrize(
    ("wire", "text"),
    [
        (frame(b"rechdr 1 2 3"), b"Record header scan error: rechdr 1 2 3\n"),
        (record(2, 2, b"data", 99), b"Actual data size 4 not same as header 99\n"),
        (frame(b"rechdr 1 2 3 4 5") + EOD, b"Data record error. ERR="),
        (b"", b"Data record error. ERR="),
        (record(2, 1, b"1 3"), b"Error scanning record header: 1 3\n"),
        (record(2, 3, bytes(15)), b"Digest record of 15 bytes, 16 expected\n"),
    ],
)
@pytest.mark.parametrize("step", [1, 1000])
def test_what_came_before_an_error_is_sent_and_then_it_is_told(wire: bytes, text: bytes, step: int) -> None:
    verifier = VolumeVerifier()
    sent, failure = b"", b""
    try:
        for batch in batches(verifier, GOOD + wire, step):
            sent += batch.wire
    except JobFailed as caught:
        failure = caught.text
    assert failure.startswith(text)
    assert sent == frame(b"1 1 pinsug5 /good\0%b\0\0" % STAT)
    assert not verifier.ended
    assert not verifier.hungry


def test_batches_hold_whole_files_and_are_not_tiny() -> None:
    wire = b"".join(attributes(n, 3, b"/file-%d" % n) + record(n, 3, MD5) for n in range(1, 3001)) + EOD
    verifier, sizes, done = VolumeVerifier(), [], 0
    for start in range(0, len(wire), 1000):
        batch = verifier.feed(wire[start : start + 1000])
        if batch is not None:
            sizes.append(len(batch.wire))
            assert batch.files is not None
            assert batch.wire.endswith(b"*MD5-%d*" % batch.files)
            assert (batch.digested, batch.plain) == (batch.files - done, 0)
            done = batch.files
    last = verifier.finish()
    assert last is not None
    assert last.files == 3000
    assert all(64 * 1024 <= size < 70 * 1024 for size in sizes)

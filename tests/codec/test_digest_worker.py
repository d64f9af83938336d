"""The second process that digests: right digests in order, and what its user sees when it is gone."""

import hashlib
import os
from collections.abc import Iterator

import pytest

from fdaemon.codec.digest_program import Slot, digest_slot, slot_size, slots
from fdaemon.codec.digest_worker import WORKABLE, DigestWorker, WorkerEnded
from fdaemon.wire.digests import Digest

SIZE, CONTENTS = 4096, 10
CONTENT = [b"", b"abc", b"", b"x" * 1000, bytes(100)]


@pytest.fixture
def worker() -> Iterator[DigestWorker]:
    worker = DigestWorker(3, SIZE, CONTENTS)
    yield worker
    worker.close()


def fill(slot: Slot, contents: list[bytes]) -> None:
    at = 0
    for number, content in enumerate(contents):
        slot.content[at : at + len(content)] = content
        at += len(content)
        slot.ends[number] = at


def expected(digest: Digest, contents: list[bytes]) -> bytes:
    return b"".join([hashlib.new(digest.name.lower(), content).digest() for content in contents])


@pytest.mark.parametrize("digest", [digest for digest in Digest if digest in WORKABLE])
def test_digests_of_many_contents(worker: DigestWorker, digest: Digest) -> None:
    orders = [CONTENT, CONTENT[3:], [b"y" * (SIZE // CONTENTS)] * CONTENTS]
    for slot, contents in zip(worker.slots, orders, strict=True):
        fill(slot, contents)
        worker.submit(slot, len(contents), digest)
    for slot, contents in zip(worker.slots, orders, strict=True):
        worker.wait()
        assert slot.digests[: digest.size * len(contents)] == expected(digest, contents)
    assert not worker.ready()


def test_what_it_cannot_do_is_not_offered() -> None:
    assert {digest for digest in Digest if digest.name.lower() in hashlib.algorithms_guaranteed} == WORKABLE


def test_slots_share_nothing() -> None:
    memory = memoryview(bytearray(3 * slot_size(SIZE, CONTENTS)))
    found = slots(memory, SIZE, CONTENTS)
    assert [slot.number for slot in found] == [0, 1, 2]
    for slot in found:
        fill(slot, [b"%d" % slot.number * (SIZE // CONTENTS)] * CONTENTS)
    for slot in found:
        digest_slot(slot, CONTENTS, "sha512")
    for slot in found:
        assert slot.digests == expected(Digest.SHA512, [b"%d" % slot.number * (SIZE // CONTENTS)] * CONTENTS)


def test_a_worker_that_ends(worker: DigestWorker) -> None:
    worker.submit(worker.slots[0], 0, Digest.MD5)
    worker.wait()
    worker.stop()
    with pytest.raises(WorkerEnded):
        worker.wait()
    worker._process.wait(10)
    with pytest.raises(WorkerEnded):
        worker.submit(worker.slots[0], 0, Digest.MD5)


def test_nothing_is_left_behind() -> None:
    before = set(os.listdir("/proc/self/fd"))
    worker = DigestWorker(1, SIZE, CONTENTS)
    worker.submit(worker.slots[0], 0, Digest.MD5)
    worker.close()
    assert set(os.listdir("/proc/self/fd")) == before
    with pytest.raises(ChildProcessError):
        os.waitpid(worker._process.pid, os.WNOHANG)


def test_it_ends_with_its_user() -> None:
    """A daemon that was killed closes nothing itself, but its pipes are closed."""
    worker = DigestWorker(1, SIZE, CONTENTS)
    worker._orders.close()
    assert worker._process.wait(10) == 0
    worker.close()


def test_it_cannot_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(os.listdir("/proc/self/fd"))
    monkeypatch.setattr("sys.executable", "/nonexistent/python")
    with pytest.raises(FileNotFoundError):
        DigestWorker(1, SIZE, CONTENTS)
    assert set(os.listdir("/proc/self/fd")) == before

"""Digests, sparse rules, ordered hashing and the block pipeline."""

import os
import threading
from pathlib import Path

import pytest

from fdaemon.codec.digest import hash_factory
from fdaemon.codec.ordered import OrderedDigests
from fdaemon.codec.pipeline import BlockPipeline, Workers
from fdaemon.codec.sparse import (
    NOWHERE,
    Extents,
    ZeroRule,
    address_prefix,
    is_zero,
    split_address,
)
from fdaemon.wire.digests import Digest

OF_HELLO = {
    Digest.MD5: "5d41402abc4b2a76b9719d911017c592",
    Digest.SHA1: "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d",
    Digest.SHA256: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
    Digest.XXH128: "b5e9c1ad071b3e7fc779cfaa5e523818",
}


@pytest.mark.parametrize("digest", list(Digest))
def test_digests_of_the_protocol_book(digest: Digest) -> None:
    made = hash_factory(digest)()
    made.update(memoryview(b"hello"))
    assert len(made.digest()) == digest.size
    assert made.digest().hex() == OF_HELLO.get(digest, made.digest().hex())


def test_sha512_of_the_protocol_book() -> None:
    made = hash_factory(Digest.SHA512)()
    made.update(b"hello")
    assert made.digest().hex().startswith("9b71d224bd62f378")
    assert made.digest().hex().endswith("bcdec043")


def test_addresses() -> None:
    assert address_prefix(1 << 20) + b"tail!" == bytes.fromhex("0000000000100000 7461696c21")
    address, rest = split_address(memoryview(address_prefix(77) + b"x"))
    assert (address, bytes(rest)) == (77, b"x")
    with pytest.raises(ValueError, match="7 bytes"):
        split_address(memoryview(bytes(7)))


@pytest.mark.parametrize("at", [0, 1, 63, 64, 70_000, 99_999])
def test_one_byte_makes_a_block_worth_sending(at: int) -> None:
    block = bytearray(100_000)
    assert is_zero(memoryview(block))
    block[at] = 1
    assert not is_zero(memoryview(block))


def test_the_last_block_is_never_skipped() -> None:
    for parallel in (False, True):
        rule = ZeroRule(size=1000, block=100, parallel=parallel)
        assert [rule.may_skip(address, 100) for address in (0, 800, 900)] == [True, True, False]
        assert not rule.may_skip(0, 99)
        assert rule.blocks_in_hole(0, NOWHERE) == 9
        assert rule.blocks_in_hole(300, 650) == 3
        assert rule.blocks_in_hole(900, NOWHERE) == 0


def test_two_blocks_are_both_sent_where_the_cpp_daemon_sends_both() -> None:
    assert not ZeroRule(size=200, block=100, parallel=True).may_skip(0, 100)
    assert ZeroRule(size=200, block=100, parallel=False).may_skip(0, 100)


def test_devices_without_a_size_skip_every_zero_block() -> None:
    rule = ZeroRule(size=0, block=100, parallel=False, unsized=True)
    assert rule.may_skip(500, 7)
    assert rule.blocks_in_hole(0, NOWHERE) == 0


def test_extents_follow_the_file(tmp_path: Path) -> None:
    unit = 1 << 20
    with (tmp_path / "f").open("w+b") as file:
        file.seek(2 * unit)
        file.write(bytes(unit))
        file.truncate(8 * unit)
        file.flush()
        extents = Extents(file.fileno(), os.fstat(file.fileno()))
        assert extents.next_data(0) == 2 * unit
        assert extents.next_data(2 * unit + 5) == 2 * unit + 5
        assert extents.next_data(3 * unit) == NOWHERE
        assert extents.next_data(7 * unit) == NOWHERE


def test_a_file_without_holes_is_data_from_end_to_end(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(bytes(5000))
    with (tmp_path / "f").open("rb") as file:
        extents = Extents(file.fileno(), os.fstat(file.fileno()))
        assert [extents.next_data(at) for at in (0, 4999)] == [0, 4999]


def test_blocks_are_hashed_in_order_and_tickets_wait_for_them() -> None:
    digests = OrderedDigests()
    one, other = hash_factory(Digest.MD5)(), hash_factory(Digest.SHA1)()
    blocks = [bytes([n]) * 5000 for n in range(200)]
    tickets = [digests.submit([one, other], memoryview(block)) for block in blocks]
    digests.wait(tickets[100])
    digests.wait(tickets[3])
    digests.wait_all()
    digests.close()
    digests.close()
    expected = hash_factory(Digest.MD5)()
    expected.update(b"".join(blocks))
    assert one.digest() == expected.digest()


def test_results_come_in_the_order_of_the_blocks() -> None:
    digests = OrderedDigests()
    workers = Workers(3)
    emitted: list[tuple[bytes, bytes]] = []
    pipeline = BlockPipeline(workers, 10, digests, lambda prefix, packed: emitted.append((prefix, packed)))
    gate = threading.Event()

    def pack(block: memoryview) -> bytes:
        if block[0] == 0:
            gate.wait(10)
        else:
            gate.set()
        return bytes(block) * 2

    for number in range(50):
        buffer = pipeline.next_buffer()
        buffer[:2] = bytes((number, number))
        pipeline.submit(pack, buffer[:2], b"%d" % number, 0)
    pipeline.drain()
    workers.close()
    assert emitted == [(b"%d" % n, bytes((n,)) * 4) for n in range(50)]


def test_an_error_of_the_packer_comes_out() -> None:
    workers = Workers(1)
    pipeline = BlockPipeline(workers, 10, OrderedDigests(), lambda prefix, packed: None)

    def fail(block: memoryview) -> bytes:
        raise ValueError(f"no good: {len(block)}")

    pipeline.submit(fail, pipeline.next_buffer(), b"", 0)
    with pytest.raises(ValueError, match="no good: 10"):
        pipeline.drain()
    pipeline.discard()
    workers.close()
    workers.close()

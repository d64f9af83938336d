"""Encrypted and signed backups: against the recorded session, and opened again."""

import hashlib
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from fdaemon.codec.compress import decompress
from fdaemon.codec.encrypt import ContentCipher, cipher_of_name
from fdaemon.codec.pki import KeyPair, Keys, Seal, load_key_pair
from fdaemon.fileset.model import Compression, Option
from fdaemon.fileset.walk import walk
from fdaemon.wire.attributes import FileType
from fdaemon.wire.digests import Digest
from fdaemon.wire.stat import decode_stat
from fdaemon.wire.streams import Stream
from tests.jobs.backups import Outcome, fileset, options, save
from tests.support.decorated import decorate
from tests.support.keys import pair_pem
from tests.support.saved import SavedFile, digest_of, from_session
from tests.support.sessions import shared
from tests.support.tree import RECORDED_ROOT, build
from tests.support.unsealing import unsealed

R = 262_144
AES = cipher_of_name("aes128")
SIZES = [0, 1, 11, 12, 13, R - 4, R, R + 1, 3 * R + 5]


@pytest.fixture(scope="module")
def own() -> KeyPair:
    return load_key_pair(pair_pem("own"))


def blocks_of(file: SavedFile, stream: int, keys: Keys) -> Iterator[bytes]:
    """The plain blocks of an encrypted file."""
    [session] = file.records(Stream.ENCRYPTED_SESSION_DATA)
    decryptor = keys.open_session(session)()
    records = file.records(stream)
    plain = unsealed(decryptor, records) if records else b""
    while plain:
        size = int.from_bytes(plain[:4], "big")
        assert len(plain) >= 4 + size
        yield plain[4 : 4 + size]
        plain = plain[4 + size :]


def cut(content: bytes, moved: int) -> Iterator[bytes]:
    """Into blocks; a last one of fewer than `moved` bytes gets as many from the one before."""
    size, at = len(content), 0
    while at < size:
        end = min(at + R, size)
        if 0 < size - end < moved:
            end -= moved
        yield content[at:end]
        at = end


def check_signature(file: SavedFile, content: bytes, keys: Keys) -> None:
    [signature] = file.records(Stream.SIGNED_DIGEST)
    assert keys.check_signature(signature, hashlib.sha256(content).digest(), b"/f")


def job_bytes(outcome: Outcome) -> int:
    """What counts as job bytes: content and session records as sent, not digests and signatures."""
    counted = (
        Stream.ENCRYPTED_SESSION_DATA,
        Stream.ENCRYPTED_FILE_DATA,
        Stream.ENCRYPTED_FILE_COMPRESSED_DATA,
    )
    return sum(
        record.size
        for file in outcome.files
        for number, records in file.streams
        if number in counted
        for record in records
    )


@pytest.mark.parametrize("compression", [None, (Compression.GZIP, 3), (Compression.LZ4, 1)])
def test_encrypted_files_can_be_opened(
    tmp_path: Path, own: KeyPair, compression: tuple[Compression, int] | None
) -> None:
    contents = {b"/%d" % size: random.Random(size).randbytes(size) for size in SIZES}
    for name, content in contents.items():
        (tmp_path / name[1:].decode()).write_bytes(content)
    block = options(Option.SPARSE, digests=frozenset({Digest.SHA256}), compression=compression)
    outcome = save(root=bytes(tmp_path), block=block, seal=Seal(own, cipher=AES))
    stream = Stream.ENCRYPTED_FILE_DATA if compression is None else Stream.ENCRYPTED_FILE_COMPRESSED_DATA
    keys = Keys(own)
    for name, content in contents.items():
        file = outcome.file(name)
        around = [Stream.SIGNED_DIGEST, Stream.SHA256_DIGEST]
        assert file.numbers == [Stream.ENCRYPTED_SESSION_DATA, *([stream] if content else []), *around]
        assert decode_stat(file.attributes.stat).stream == stream
        blocks = list(blocks_of(file, stream, keys))
        plain = blocks if compression is None else [decompress(each) for each in blocks]
        assert plain == list(cut(content, moved=16 if compression is None else 0))
        check_signature(file, content, keys)
        assert file.records(Stream.SHA256_DIGEST) == [digest_of(Digest.SHA256, content)]
    folder = outcome.files[-1]
    expected = Stream.SPARSE_DATA if compression is None else Stream.SPARSE_COMPRESSED_DATA
    assert (folder.attributes.type, folder.streams) == (FileType.DIREND, [])
    assert decode_stat(folder.attributes.stat).stream == expected
    assert outcome.counters.job_bytes == job_bytes(outcome)
    assert outcome.counters.read_bytes == sum(SIZES)


def test_a_file_that_lost_its_short_last_block_is_whole(tmp_path: Path, own: KeyPair) -> None:
    content = random.Random(1).randbytes(R + 5)
    (tmp_path / "f").write_bytes(content)
    entries = list(walk(fileset(bytes(tmp_path / "f"), options())))
    os.truncate(tmp_path / "f", R)
    outcome = save(entries, seal=Seal(own, cipher=AES))
    blocks = list(blocks_of(outcome.file(b"/f"), Stream.ENCRYPTED_FILE_DATA, Keys(own)))
    assert blocks == [content[: R - 16], content[R - 16 : R]]


def test_a_job_that_only_signs_sends_plain_content(tmp_path: Path, own: KeyPair) -> None:
    (tmp_path / "f").write_bytes(b"x" * 600_000)
    outcome = save(root=bytes(tmp_path), block=options(), seal=Seal(own))
    file = outcome.file(b"/f")
    assert file.numbers == [Stream.FILE_DATA, Stream.SIGNED_DIGEST]
    assert b"".join(file.records(Stream.FILE_DATA)) == b"x" * 600_000
    check_signature(file, b"x" * 600_000, Keys(own))


def test_the_same_tree_is_sealed_as_the_cpp_daemon_seals_it(tmp_path: Path, own: KeyPair) -> None:
    theirs = {file.attributes.name: file for file in from_session(shared("backup-pki"))}
    root = tmp_path / "data"
    build(bytes(root))
    decorate(root)
    block = options(Option.ACL, Option.XATTR, Option.NO_HARDLINKS, digests=frozenset({Digest.MD5}))
    outcome = save(root=bytes(root), block=block, seal=Seal(own, cipher=AES))
    for ours in outcome.files:
        recorded = theirs.pop(ours.attributes.name.replace(bytes(root), RECORDED_ROOT))
        assert ours.numbers == recorded.numbers
        assert ours.attributes.type == recorded.attributes.type
        assert decode_stat(ours.attributes.stat).stream == decode_stat(recorded.attributes.stat).stream
        for (number, mine), (_, others) in zip(ours.streams, recorded.streams, strict=True):
            if number == Stream.ENCRYPTED_SESSION_DATA:
                assert len(mine) == len(others) == 1
            elif number in (Stream.ENCRYPTED_FILE_DATA, Stream.SIGNED_DIGEST):
                assert [each.size for each in mine] == [each.size for each in others]
            else:
                assert mine == others
    assert not theirs


@pytest.mark.parametrize("cipher", [None, AES])
@pytest.mark.parametrize("compression", [None, (Compression.GZIP, 3), (Compression.LZ4, 1)])
def test_workers_seal_the_same_bytes(
    tmp_path: Path, own: KeyPair, cipher: ContentCipher | None, compression: tuple[Compression, int] | None
) -> None:
    root = tmp_path / "data"
    build(bytes(root))
    decorate(root)
    for number, size in enumerate(SIZES * 20):
        (root / f"file {number}").write_bytes(
            random.Random(number).randbytes(size if number < 40 else size % 999)
        )
    (root / "reached twice").hardlink_to(root / "file 17")
    seal = Seal(own, cipher=cipher)
    block = options(Option.ACL, Option.XATTR, digests=frozenset({Digest.MD5}), compression=compression)
    # the first time it is read a file may get another access time
    _, alone, helped = (save(root=bytes(root), block=block, seal=seal, workers=count) for count in (0, 0, 3))
    assert alone.files == helped.files
    assert alone.counters == helped.counters

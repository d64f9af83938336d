"""Encrypted and signed content, as the C++ daemon's client would have sent it."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from fdaemon.codec.compress import Algorithm, Compressor
from fdaemon.codec.encrypt import cipher_of_name
from fdaemon.codec.pki import Certificate, KeyPair, Keys, Seal
from fdaemon.protocol.messages import MessageType
from fdaemon.wire.attributes import FileType
from fdaemon.wire.streams import Stream
from tests.jobs.restoring import Restoring, attributes, record, regular

CONTENT = os.urandom(5000) + b"text " * 20_000


def key_pair(name: bytes) -> KeyPair:
    private = rsa.generate_private_key(65537, 2048)
    return KeyPair(Certificate(name, private.public_key()), private)


@pytest.fixture(scope="module")
def own() -> KeyPair:
    return key_pair(b"own key")


@pytest.fixture(scope="module")
def stranger() -> KeyPair:
    return key_pair(b"another")


def sealed(seal: Seal, *blocks: bytes) -> bytes:
    """The whole cipher text of a file."""
    encryptor = seal.new_encryptor()
    out: list[bytes] = []
    for block in blocks:
        target = bytearray(encryptor.room(len(block)))
        size = encryptor.seal_into(block, memoryview(target))
        out.append(bytes(target[:size]))
    return b"".join([*out, encryptor.finish()])


def cut(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def a_file(
    index: int, name: bytes, seal: Seal, *, size: int = 70_000, stream: Stream = Stream.ENCRYPTED_FILE_DATA
) -> bytes:
    blocks = [CONTENT[:60_000], CONTENT[60_000:]]
    if stream == Stream.ENCRYPTED_FILE_COMPRESSED_DATA:
        blocks = [Compressor(Algorithm.GZIP, 6).compress(block) for block in blocks]
    text = sealed(seal, *blocks)
    records = [
        attributes(index, FileType.REG, name, size=len(CONTENT), stream=stream),
        record(index, Stream.ENCRYPTED_SESSION_DATA, seal.session_data),
        *[record(index, stream, piece) for piece in cut(text, size)],
        record(index, Stream.SIGNED_DIGEST, seal.sign(hashlib.sha256(CONTENT).digest())),
        record(index, Stream.MD5_DIGEST, hashlib.md5(CONTENT).digest()),
    ]
    return b"".join(records)


@pytest.mark.parametrize("stream", [Stream.ENCRYPTED_FILE_DATA, Stream.ENCRYPTED_FILE_COMPRESSED_DATA])
@pytest.mark.parametrize("size", [7, 16, 4096, 200_000])
def test_decrypted(tmp_path: Path, own: KeyPair, stream: Stream, size: int) -> None:
    seal = Seal(own, cipher=cipher_of_name("aes128"))
    restoring = Restoring(tmp_path, keys=Keys(own), check_signatures=True)
    restoring.run(a_file(1, b"/a", seal, size=size, stream=stream), a_file(2, b"/b", seal, stream=stream))
    assert restoring.messages == []
    for name in ("a", "b"):
        assert (tmp_path / name).read_bytes() == CONTENT
    assert restoring.counters.job_bytes == 2 * len(CONTENT)


def test_empty_file(tmp_path: Path, own: KeyPair) -> None:
    seal = Seal(own, cipher=cipher_of_name("aes256"))
    restoring = Restoring(tmp_path, keys=Keys(own), check_signatures=True).run(
        attributes(1, FileType.REGE, b"/a", stream=Stream.ENCRYPTED_FILE_DATA),
        record(1, Stream.ENCRYPTED_SESSION_DATA, seal.session_data),
        record(1, Stream.SIGNED_DIGEST, seal.sign(hashlib.sha256().digest())),
    )
    assert restoring.messages == []


def test_cut_cipher_text(tmp_path: Path, own: KeyPair) -> None:
    seal = Seal(own, cipher=cipher_of_name("aes128"))
    text = sealed(seal, CONTENT)
    for end in (16, len(text) - 16, len(text) - 5):
        restoring = Restoring(tmp_path, keys=Keys(own)).run(
            attributes(1, FileType.REG, b"/a", size=len(CONTENT), stream=Stream.ENCRYPTED_FILE_DATA),
            record(1, Stream.ENCRYPTED_SESSION_DATA, seal.session_data),
            record(1, Stream.ENCRYPTED_FILE_DATA, text[:end]),
        )
        (error,) = restoring.texts(MessageType.ERROR)
        assert error.startswith(b"Decryption error. ")


def test_other_key(tmp_path: Path, own: KeyPair, stranger: KeyPair) -> None:
    seal = Seal(stranger, cipher=cipher_of_name("aes128"))
    restoring = Restoring(tmp_path, keys=Keys(own)).run(a_file(1, b"/a", seal), regular(2, b"/b", b"x"))
    text = b"Missing private key required to decrypt encrypted backup data.\n"
    assert restoring.messages == [(MessageType.ERROR, text)]


def test_signatures(tmp_path: Path, own: KeyPair, stranger: KeyPair) -> None:
    good, strange = Seal(own), Seal(stranger)
    digest = hashlib.sha256(b"content").digest()

    def signed(index: int, *signatures: bytes) -> bytes:
        name = b"/%d" % index
        records = [record(index, Stream.SIGNED_DIGEST, signature) for signature in signatures]
        return regular(index, name, b"content") + b"".join(records)

    restoring = Restoring(tmp_path, keys=Keys(own), check_signatures=True).run(
        signed(1, good.sign(digest)),
        signed(2),
        signed(3, good.sign(hashlib.sha256(b"other").digest())),
        signed(4, strange.sign(digest)),
        signed(5, b"nonsense"),
        signed(6, good.sign(digest), good.sign(digest)),
        attributes(7, FileType.LNK, b"/link", link=b"x"),
    )
    where = os.fsencode(tmp_path)
    assert restoring.messages == [
        (MessageType.ERROR, b"Missing cryptographic signature for %b/2\n" % where),
        (
            MessageType.ERROR,
            b"Signature validation failed for file %b/3: ERR=Signature is invalid\n" % where,
        ),
        (MessageType.WARNING, b"Signature of %b/4 is by nobody whom this client trusts.\n" % where),
        (MessageType.ERROR, b"Failed to decode message signature for %b/5\n" % where),
        (MessageType.ERROR, b"Unexpected cryptographic signature data stream.\n"),
    ]
    assert (tmp_path / "3").read_bytes() == b"content"
    quiet = Restoring(tmp_path, keys=Keys(own)).run(signed(2), signed(5, b"nonsense"))
    assert quiet.messages == []


def test_signature_of_a_large_file(tmp_path: Path, own: KeyPair) -> None:
    seal = Seal(own, cipher=cipher_of_name("aes128"))
    content = CONTENT * 50
    text = sealed(seal, *cut(content, 262_144))
    files = [
        b"".join(
            (
                attributes(index, FileType.REG, name, size=len(content), stream=Stream.ENCRYPTED_FILE_DATA),
                record(index, Stream.ENCRYPTED_SESSION_DATA, seal.session_data),
                *[record(index, Stream.ENCRYPTED_FILE_DATA, piece) for piece in cut(text, 262_144)],
                record(index, Stream.SIGNED_DIGEST, seal.sign(hashlib.sha256(signed).digest())),
                record(index, Stream.MD5_DIGEST, hashlib.md5(content).digest()),
            )
        )
        for index, name, signed in ((1, b"/a", content), (2, b"/b", content), (3, b"/c", content + b"!"))
    ]
    restoring = Restoring(tmp_path, keys=Keys(own), check_signatures=True).run(*files)
    assert restoring.messages == [
        (
            MessageType.ERROR,
            b"Signature validation failed for file %b/c: ERR=Signature is invalid\n" % bytes(tmp_path),
        )
    ]
    assert all((tmp_path / name).read_bytes() == content for name in ("a", "b", "c"))

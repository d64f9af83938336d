"""The decoders of the conformance tester against bytes that the C++ daemon and its libraries made."""

import struct
import zlib

import pytest

from fdconform import pki_keys
from fdconform.decoding import (
    DecodeError,
    attributes,
    fastlz,
    joined,
    number,
    packed,
    plain,
    stat_fields,
    xattrs,
)
from fdconform.making import packed as pack
from fdconform.making import xattr_record
from fdconform.moves import encoded
from fdconform.sealing import CIPHERS, decode_session, encode_session, sealed, sign, unsealed, verify

END = b"FastLZ\0\xc8" + bytes(8)
SIXTY_FIVE = {
    b"FZFZ": bytes.fromhex("466173744c5a00c80a00000041000000016161e0330102616161") + END,
    b"FZ4L": bytes.fromhex("466173744c5a00c80b000000410000001f61010028506161616161") + END,
    b"LZOX": bytes.fromhex("026161616161200b10000d" + "61" * 16 + "110000"),
}


@pytest.mark.parametrize(
    ("text", "value"),
    [(b"A", 0), (b"B", 1), (b"-B", -1), (b"/", 63), (b"BA", 64), (b"IGk", 33188), (b"BlU/EA", 1_700_000_000)],
)
def test_numbers(text: bytes, value: int) -> None:
    assert number(text) == value
    assert encoded(value) == text


@pytest.mark.parametrize("text", [b"", b"-", b"AB", b"x y", b"="])
def test_what_is_no_number(text: bytes) -> None:
    with pytest.raises(DecodeError):
        number(text)


def test_stat_of_the_protocol_pages() -> None:
    fields = stat_fields(b"P4A gAB IGk B Po Po A DA5 BAA g BlU/EA Bku1qA Bku1qB H A d")
    assert fields["dev"] == 65024
    assert fields["size"] == 12345
    assert fields["mtime"] == 1_690_000_000
    assert (fields["link_index"], fields["stream"]) == (7, 29)


def test_attributes_want_all_parts() -> None:
    record = b"4 1 /etc/h\0P4A gAB IGk C Po Po A M BAA I BlU/EA Bku1qA Bku1qB B A C\0/etc/motd\0\0000\0"
    found = attributes(record)
    assert (found.index, found.type, found.name, found.link) == (4, 1, b"/etc/h", b"/etc/motd")
    for wrong in (record[:-1], record + b"x", record[1:], record.replace(b"\0\0", b"\0")):
        with pytest.raises(DecodeError):
            attributes(wrong)


@pytest.mark.parametrize("kind", SIXTY_FIVE)
def test_blocks_of_the_c_libraries(kind: bytes) -> None:
    data = SIXTY_FIVE[kind]
    block = struct.pack(">4sIHH", kind, len(data), 1, 1) + data
    assert packed(block) == (kind, 1, b"a" * 65)
    for wrong in (block[:-1], block + b"x", block[:11] + b"\2" + block[12:], b"NONE" + block[4:]):
        with pytest.raises(DecodeError):
            packed(wrong)


@pytest.mark.parametrize("kind", [b"GZIP", b"LZOX", b"FZFZ", b"FZ4L", b"FZ4H"])
def test_own_blocks(kind: bytes) -> None:
    content = bytes(range(256)) * 40
    assert packed(pack(kind, content))[2] == content


def test_fastlz_references_stay_inside() -> None:
    with pytest.raises(DecodeError):
        fastlz(b"\x00a\x20\x05")
    with pytest.raises(DecodeError):
        fastlz(b"\x00a\x20")


def test_gzip_must_end_with_its_block() -> None:
    data = zlib.compress(b"hello") + b"more"
    with pytest.raises(DecodeError):
        packed(struct.pack(">4sIHH", b"GZIP", len(data), 6, 1) + data)


def test_sparse_blocks() -> None:
    blocks = plain(6, [bytes(8) + b"ab", (6).to_bytes(8, "big") + b"c"])
    assert joined(blocks, 9) == b"ab\0\0\0\0c\0\0"


def test_extended_attributes() -> None:
    record = xattr_record((b"user.a", b"1"), (b"user.empty", b""))
    assert (
        record.hex() == "005c588400000006757365722e610000000131005c58840000000a757365722e656d70747900000000"
    )
    assert xattrs(record) == {b"user.a": b"1", b"user.empty": b""}
    with pytest.raises(DecodeError):
        xattrs(record[:-1])


def test_the_encryption_vector() -> None:
    key, iv = bytes(range(16)), bytes(range(16, 32))
    secret = bytes.fromhex("50dd2a6466f61d66742c1ae7870b4720")
    assert unsealed("aes128", key, iv, [secret]) == [b"hello"]
    assert sealed("aes128", key, iv, [b"hello"]) == [secret]
    with pytest.raises(DecodeError):
        unsealed("aes128", key, iv, [secret[:-1]])


@pytest.mark.parametrize("cipher", CIPHERS)
def test_every_cipher_there_and_back(cipher: str) -> None:
    kind = CIPHERS[cipher]
    key, iv = bytes(range(kind.key_size)), bytes(kind.block)
    blocks = [b"x" * 1000, b"", b"yz"]
    assert unsealed(cipher, key, iv, sealed(cipher, key, iv, blocks)) == blocks


def test_session_data_and_signatures() -> None:
    client, stranger = pki_keys.pair("client"), pki_keys.pair("stranger")
    record = encode_session("aes128", b"k" * 16, b"i" * 16, [client])
    assert len(record) == 340
    session = decode_session(record)
    assert session.opened(client) == b"k" * 16
    with pytest.raises(DecodeError):
        session.opened(stranger)
    signature = sign(client, b"content")
    assert len(signature) == 322
    verify(signature, client, b"content")
    for signer, content in ((client, b"other"), (stranger, b"content")):
        with pytest.raises(DecodeError):
            verify(signature, signer, content)

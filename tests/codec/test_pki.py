"""Keys, session records and signature records, against their documented bytes and against hostile ones."""

import hashlib

import pytest

from fdaemon.codec.encrypt import CIPHERS, cipher_of_name
from fdaemon.codec.pki import (
    Keys,
    Seal,
    decode_session,
    decode_signature,
    load_certificate,
    load_key_pair,
)
from fdaemon.errors import FileProblem
from tests.support.keys import certificate_pem, key_pem, pair_pem
from tests.support.unsealing import unsealed

AES128 = cipher_of_name("aes128")
SHA256 = hashlib.sha256(b"content").digest()


def test_a_session_record_has_the_documented_form() -> None:
    own = load_key_pair(pair_pem("own"))
    record = Seal(own, cipher=AES128, random=lambda size: bytes(size)).session_data
    assert len(record) == 340
    assert record[:35].hex() == "30820150" + "020100" + "0609608648016503040102" + "0410" + "00" * 15
    assert (
        record[36:51].hex() == "3182012c" + "30820128" + "020100" + "0414" + own.certificate.key_id.hex()[:4]
    )
    assert record[69:84].hex() == "06092a864886f70d010101" + "04820100"


def test_a_signature_record_has_the_documented_form() -> None:
    own = load_key_pair(pair_pem("own"))
    record = Seal(own).sign(SHA256)
    sha256 = "0609608648016503040201"
    assert len(record) == 322
    assert record[:20].hex() == "3082013e" + "020100" + "31820137" + "30820133" + "020100" + "0414"
    assert record[20:40] == own.certificate.key_id
    assert record[40:66].hex() == sha256 + sha256 + "04820100"


@pytest.mark.parametrize("cipher", CIPHERS, ids=lambda cipher: cipher.name)
def test_what_one_key_seals_it_and_the_master_keys_open(cipher: object) -> None:
    chosen = next(each for each in CIPHERS if each is cipher)
    own, master = load_key_pair(pair_pem("own")), load_key_pair(pair_pem("master"))
    seal = Seal(own, [master.certificate], chosen)
    encryptor = seal.new_encryptor()
    target = memoryview(bytearray(200))
    size = encryptor.seal_into(b"attack at dawn", target)
    sealed = bytes(target[:size]) + encryptor.finish()
    for pair in (own, master):
        decryptor = Keys(pair).open_session(seal.session_data)()
        assert unsealed(decryptor, [sealed]) == b"\0\0\0\x0eattack at dawn"
    _, _, recipients = decode_session(seal.session_data)
    assert set(recipients) == {own.certificate.key_id, master.certificate.key_id}


def test_recipients_stand_in_the_order_of_their_encoding() -> None:
    own, master = load_key_pair(pair_pem("own")), load_key_pair(pair_pem("master"))
    _, _, recipients = decode_session(Seal(own, [master.certificate], AES128).session_data)
    assert list(recipients) == sorted(recipients)


def test_a_stranger_cannot_open_a_session() -> None:
    record = Seal(load_key_pair(pair_pem("own")), cipher=AES128).session_data
    with pytest.raises(FileProblem) as caught:
        Keys(load_key_pair(pair_pem("stranger"))).open_session(record)
    assert caught.value.text == b"Missing private key required to decrypt encrypted backup data.\n"


def test_a_job_that_only_signs_has_no_session() -> None:
    seal = Seal(load_key_pair(pair_pem("own")))
    assert (seal.encrypts, seal.session_data) == (False, b"")
    with pytest.raises(ValueError, match="does not encrypt"):
        seal.new_encryptor()


def test_a_session_record_is_read_whole_or_not_at_all() -> None:
    keys = Keys(load_key_pair(pair_pem("own")))
    record = Seal(load_key_pair(pair_pem("own")), cipher=AES128).session_data
    for size in range(len(record)):
        with pytest.raises(ValueError, match=r"DER|version|Unsupported"):
            decode_session(record[:size])
    for broken in (record + b"\0", b"", record[:5] + b"\2" + record[6:]):
        with pytest.raises(FileProblem) as caught:
            keys.open_session(broken)
        assert caught.value.text.startswith(
            b"An error occurred while decoding encrypted session data stream: "
        )
    unknown = record.replace(bytes.fromhex("0609608648016503040102"), bytes.fromhex("0609608648016503040103"))
    with pytest.raises(FileProblem) as caught:
        keys.open_session(unknown)
    assert caught.value.text.endswith(b": Unsupported encryption algorithm\n")


def test_a_trusted_signature_is_checked() -> None:
    own, other = load_key_pair(pair_pem("own")), load_key_pair(pair_pem("other"))
    record = Seal(other).sign(SHA256)
    assert Keys(own, [other.certificate]).check_signature(record, SHA256, b"/f")
    assert not Keys(own).check_signature(record, SHA256, b"/f")
    with pytest.raises(FileProblem) as caught:
        Keys(other).check_signature(record, hashlib.sha256(b"other content").digest(), b"/f")
    assert caught.value.text == b"Signature validation failed for file /f: ERR=Signature is invalid\n"
    md5 = record.replace(bytes.fromhex("0609608648016503040201"), bytes.fromhex("0609608648016503040203"))
    with pytest.raises(FileProblem) as caught:
        Keys(other).check_signature(md5, SHA256, b"/f")
    assert caught.value.text == b"Signature validation failed for /f: Unsupported digest algorithm\n"


def test_a_signature_record_is_read_whole_or_not_at_all() -> None:
    keys = Keys(load_key_pair(pair_pem("own")))
    record = Seal(load_key_pair(pair_pem("own"))).sign(SHA256)
    assert list(decode_signature(record)) == [load_key_pair(pair_pem("own")).certificate.key_id]
    for broken in (record[:-1], record + b"\0", b"\x30\x80\0\0"):
        with pytest.raises(FileProblem) as caught:
            keys.check_signature(broken, SHA256, b"/f")
        assert caught.value.text == b"Failed to decode message signature for /f\n"


def test_keys_that_cannot_serve_are_refused() -> None:
    with pytest.raises(ValueError, match="does not include the required subjectKeyIdentifier extension"):
        load_certificate(certificate_pem("own", key_id=False))
    with pytest.raises(ValueError, match="Unsupported key type provided"):
        load_certificate(certificate_pem("own", elliptic=True))
    with pytest.raises(ValueError, match=r".+"):
        load_key_pair(certificate_pem("own"))
    with pytest.raises(ValueError, match=r".+"):
        load_key_pair(key_pem("own"))

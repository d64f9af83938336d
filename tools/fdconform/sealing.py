"""Session data, encrypted content and signatures (protocol/04 §5), made and taken apart without the daemon's own
code. Raises DecodeError."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.decrepit.ciphers import algorithms as old
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher, CipherAlgorithm, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from fdconform.decoding import DecodeError
from fdconform.pki_keys import Pair

RSA_OID: Final = "1.2.840.113549.1.1.1"
SHA256_OID: Final = "2.16.840.1.101.3.4.2.1"


@dataclass(frozen=True, slots=True)
class Kind:
    """A cipher in CBC mode; sizes in bytes."""

    oid: str
    algorithm: type[CipherAlgorithm]
    key_size: int
    block: int = 16


CIPHERS: Final = {
    "aes128": Kind("2.16.840.1.101.3.4.1.2", AES, 16),
    "aes192": Kind("2.16.840.1.101.3.4.1.22", AES, 24),
    "aes256": Kind("2.16.840.1.101.3.4.1.42", AES, 32),
    "camellia128": Kind("1.2.392.200011.61.1.1.1.2", old.Camellia, 16),
    "camellia192": Kind("1.2.392.200011.61.1.1.1.3", old.Camellia, 24),
    "camellia256": Kind("1.2.392.200011.61.1.1.1.4", old.Camellia, 32),
    "3des": Kind("1.2.840.113549.3.7", old.TripleDES, 24, 8),
    "blowfish": Kind("1.3.6.1.4.1.3029.1.2", old.Blowfish, 16, 8),
}


@dataclass(frozen=True, slots=True)
class Session:
    """Session data: the cipher's OID, its IV, and the encrypted key for each key identifier."""

    cipher: str
    iv: bytes
    recipients: dict[bytes, bytes]

    def opened(self, pair: Pair) -> bytes:
        """The session key, decrypted with the private key of one recipient."""
        if pair.identifier not in self.recipients:
            raise DecodeError("not a recipient")
        try:
            return pair.key.decrypt(self.recipients[pair.identifier], padding.PKCS1v15())
        except ValueError as error:
            raise DecodeError(f"the session key: {error}") from error


def decode_session(record: bytes) -> Session:
    """A CryptoData record, recipients sorted by their encoding."""
    version, cipher, iv, recipients = _sequence(record, 4)
    if version != b"\x02\x01\x00":
        raise DecodeError(f"version {version.hex()}")
    found: dict[bytes, bytes] = {}
    for item in _set(recipients):
        version, identifier, algorithm, key = _sequence(item, 4)
        if version != b"\x02\x01\x00" or _oid(algorithm) != RSA_OID:
            raise DecodeError(f"recipient with version {version.hex()}, algorithm {_oid(algorithm)}")
        found[_value(identifier, 4)] = _value(key, 4)
    return Session(_oid(cipher), _value(iv, 4), found)


def encode_session(cipher: str, key: bytes, iv: bytes, recipients: Iterable[Pair]) -> bytes:
    """A CryptoData record; `cipher` is a name of CIPHERS."""
    items = [
        _der(
            0x30,
            _der(2, b"\0")
            + _der(4, pair.identifier)
            + _encode_oid(RSA_OID)
            + _der(4, pair.key.public_key().encrypt(key, padding.PKCS1v15())),
        )
        for pair in recipients
    ]
    body = _der(2, b"\0") + _encode_oid(CIPHERS[cipher].oid) + _der(4, iv)
    return _der(0x30, body + _der(0x31, b"".join(sorted(items))))


def unsealed(cipher: str, key: bytes, iv: bytes, messages: Sequence[bytes]) -> list[bytes]:
    """The blocks in an encrypted stream, their lengths taken off."""
    kind = CIPHERS[cipher]
    if len(key) != kind.key_size or len(iv) != kind.block:
        raise DecodeError(f"a key of {len(key)} and an IV of {len(iv)} bytes for {cipher}")
    sealed = b"".join(messages)
    if not sealed or len(sealed) % kind.block:
        raise DecodeError(f"{len(sealed)} encrypted bytes")
    decryptor = Cipher(kind.algorithm(key), modes.CBC(iv)).decryptor()  # type: ignore[call-arg]
    plain = decryptor.update(sealed) + decryptor.finalize()
    pad = plain[-1]
    if not 1 <= pad <= kind.block or plain[-pad:] != bytes([pad]) * pad:
        raise DecodeError(f"padding {plain[-kind.block :].hex()}")
    plain, blocks, at = plain[:-pad], [], 0
    while at < len(plain):
        size = int.from_bytes(plain[at : at + 4], "big")
        if at + 4 + size > len(plain):
            raise DecodeError(f"a block of {size} bytes where {len(plain) - at - 4} are left")
        blocks.append(plain[at + 4 : at + 4 + size])
        at += 4 + size
    return blocks


def sealed(cipher: str, key: bytes, iv: bytes, blocks: Sequence[bytes]) -> list[bytes]:
    """The data messages of an encrypted stream, cut as the C++ daemon cuts them."""
    kind = CIPHERS[cipher]
    encryptor = Cipher(kind.algorithm(key), modes.CBC(iv)).encryptor()  # type: ignore[call-arg]
    size, out = 0, []
    for block in blocks:
        plain = len(block).to_bytes(4, "big") + block
        size += len(plain)
        out.append(encryptor.update(plain))
    pad = kind.block - size % kind.block
    out.append(encryptor.update(bytes([pad]) * pad) + encryptor.finalize())
    return [message for message in out if message]


def verify(record: bytes, signer: Pair, content: bytes) -> None:
    """A SignatureData record by this signer over this content. Raises DecodeError where it is not."""
    version, signers = _sequence(record, 2)
    if version != b"\x02\x01\x00":
        raise DecodeError(f"version {version.hex()}")
    for item in _set(signers):
        _, identifier, digest, _, signature = _sequence(item, 5)
        if _value(identifier, 4) == signer.identifier:
            if _oid(digest) != SHA256_OID:
                raise DecodeError(f"digest algorithm {_oid(digest)}")
            try:
                signer.key.public_key().verify(
                    _value(signature, 4), content, padding.PKCS1v15(), hashes.SHA256()
                )
            except InvalidSignature:
                raise DecodeError("the signature is not that of the content") from None
            return
    raise DecodeError("no signature by this key")


def sign(signer: Pair, content: bytes) -> bytes:
    """A SignatureData record."""
    signature = signer.key.sign(content, padding.PKCS1v15(), hashes.SHA256())
    algorithm = _encode_oid(SHA256_OID)
    info = _der(2, b"\0") + _der(4, signer.identifier) + algorithm + algorithm + _der(4, signature)
    return _der(0x30, _der(2, b"\0") + _der(0x31, _der(0x30, info)))


def _elements(data: bytes) -> list[bytes]:
    """The DER elements in `data`, each with its tag and length."""
    found, at = [], 0
    while at < len(data):
        head = 2
        size = data[at + 1] if at + 1 < len(data) else 1 << 30
        if 0x80 < size <= 0x84:
            more = size & 0x7F
            size = int.from_bytes(data[at + 2 : at + 2 + more], "big")
            head += more
        end = at + head + size
        if end > len(data):
            raise DecodeError(f"DER that stops short: {data[:16].hex()}")
        found.append(data[at:end])
        at = end
    return found


def _value(element: bytes, tag: int) -> bytes:
    if element[0] != tag:
        raise DecodeError(f"DER tag {element[0]:#x}, not {tag:#x}")
    head = 2 + (element[1] & 0x7F if element[1] & 0x80 else 0)
    return element[head:]


def _sequence(data: bytes, count: int) -> list[bytes]:
    outer = _elements(data)
    if len(outer) != 1:
        raise DecodeError(f"{len(outer)} DER elements")
    parts = _elements(_value(outer[0], 0x30))
    if len(parts) != count:
        raise DecodeError(f"a sequence of {len(parts)}, not {count}")
    return parts


def _set(element: bytes) -> list[bytes]:
    items = _elements(_value(element, 0x31))
    if items != sorted(items):
        raise DecodeError("a DER set that is not sorted")
    return items


def _oid(element: bytes) -> str:
    body = _value(element, 6)
    if not body:
        raise DecodeError("an empty OID")
    numbers, value = [body[0] // 40 if body[0] < 80 else 2, body[0] % 40 if body[0] < 80 else body[0] - 80], 0
    for byte in body[1:]:
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            numbers.append(value)
            value = 0
    return ".".join(map(str, numbers))


def _encode_oid(text: str) -> bytes:
    first, second, *rest = map(int, text.split("."))
    body = bytearray([first * 40 + second])
    for number in rest:
        parts = [number & 0x7F]
        while number := number >> 7:
            parts.append(number & 0x7F | 0x80)
        body += bytes(reversed(parts))
    return _der(6, bytes(body))


def _der(tag: int, body: bytes) -> bytes:
    if len(body) < 0x80:
        return bytes([tag, len(body)]) + body
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + body

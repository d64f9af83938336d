"""Keys of data encryption and signing: the session record of a job, the signature record of a file, both directions.

Records: protocol/04 section 5 (core/src/lib/crypto_openssl.cc). Reads no files: keys come as PEM text.
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from fdaemon.codec import der
from fdaemon.codec.der import DerReader, Tag
from fdaemon.codec.encrypt import CIPHERS, ContentCipher, Decryptor, Encryptor
from fdaemon.errors import FileProblem

_RSA = der.encode_oid("1.2.840.113549.1.1.1")
_SHA256 = der.encode_oid("2.16.840.1.101.3.4.2.1")
_CIPHER_OF_OID = {der.encode_oid(cipher.oid): cipher for cipher in CIPHERS}


@dataclass(frozen=True, slots=True)
class Certificate:
    """A public RSA key and the subjectKeyIdentifier octets by which records name it."""

    key_id: bytes
    public: RSAPublicKey


@dataclass(frozen=True, slots=True)
class KeyPair:
    """The own certificate with its private key."""

    certificate: Certificate
    private: RSAPrivateKey


def load_certificate(pem: bytes) -> Certificate:
    """The first certificate in `pem`. ValueError with the C++ daemon's words when it cannot serve."""
    from cryptography import x509  # noqa: PLC0415 - a tenth of the start-up time, and most daemons have no keys

    certificate = x509.load_pem_x509_certificate(pem)
    public = certificate.public_key()
    if not isinstance(public, RSAPublicKey):
        raise ValueError(f"Unsupported key type provided: {type(public).__name__}")
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    except x509.ExtensionNotFound:
        text = "Provided certificate does not include the required subjectKeyIdentifier extension."
        raise ValueError(text) from None
    return Certificate(extension.value.digest, public)


def load_key_pair(pem: bytes) -> KeyPair:
    """Certificate and private key (without passphrase) in one PEM text. ValueError when either is missing."""
    try:
        private = load_pem_private_key(pem, None)
    except (TypeError, UnsupportedAlgorithm) as error:
        raise ValueError(str(error)) from error
    if not isinstance(private, RSAPrivateKey):
        raise ValueError(f"Unsupported key type provided: {type(private).__name__}")
    return KeyPair(load_certificate(pem), private)


class Seal:
    """What a backup job signs with, and encrypts with when it has a cipher.

    One random key and IV for the whole job, as in C++: `session_data` is the record that carries them, encrypted for
    every recipient; empty when the job only signs.
    """

    def __init__(
        self,
        own: KeyPair,
        masters: Iterable[Certificate] = (),
        cipher: ContentCipher | None = None,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._own = own
        self._cipher = cipher
        self._key = self._iv = self.session_data = b""
        if cipher is not None:
            self._key, self._iv = random(cipher.key_size), random(cipher.block_size)
            self.session_data = encode_session(cipher, self._key, self._iv, [own.certificate, *masters])

    @property
    def encrypts(self) -> bool:
        """False when the job only signs."""
        return self._cipher is not None

    def new_encryptor(self) -> Encryptor:
        """For one file; only when the job encrypts."""
        if self._cipher is None:
            raise ValueError("this job does not encrypt")
        return Encryptor(self._cipher, self._key, self._iv)

    def sign(self, sha256: bytes) -> bytes:
        """The signature record for content with this digest."""
        signature = self._own.private.sign(sha256, PKCS1v15(), Prehashed(hashes.SHA256()))
        return encode_signature(self._own.certificate.key_id, signature)


class Keys:
    """What a restore decrypts and checks signatures with: the own pair and the trusted signers."""

    def __init__(self, own: KeyPair, signers: Iterable[Certificate] = ()) -> None:
        self._own = own
        self._opened: tuple[bytes, Callable[[], Decryptor]] | None = None
        self._signers = {each.key_id: each.public for each in (own.certificate, *signers)}

    def open_session(self, record: bytes, /) -> Callable[[], Decryptor]:
        """What makes decryptors for the files of a session record. FileProblem with the C++ text.

        All files of a job carry the same record, so the key of the last one is kept.
        """
        if self._opened is not None and self._opened[0] == record:
            return self._opened[1]
        try:
            cipher, iv, recipients = decode_session(record)
        except ValueError as error:
            text = b"An error occurred while decoding encrypted session data stream: %b\n"
            raise FileProblem(text % str(error).encode()) from error
        wrapped = recipients.get(self._own.certificate.key_id)
        if wrapped is None:
            raise FileProblem(b"Missing private key required to decrypt encrypted backup data.\n")
        try:
            key = self._own.private.decrypt(wrapped, PKCS1v15())
        except ValueError as error:
            raise FileProblem(b"Decrypt of the session key failed.\n") from error
        self._opened = (record, lambda: Decryptor(cipher, key, iv))
        return self._opened[1]

    def check_signature(self, record: bytes, sha256: bytes, name: bytes) -> bool:
        """True if a trusted signer signed this digest, False if only others did.

        FileProblem with the C++ text for file `name` if the record cannot be read or a trusted signature is wrong.
        """
        try:
            signatures = decode_signature(record)
        except ValueError as error:
            raise FileProblem(b"Failed to decode message signature for %b\n" % name) from error
        for key_id, (digest, signature) in signatures.items():
            public = self._signers.get(key_id)
            if public is None:
                continue
            if digest != _SHA256:
                text = b"Signature validation failed for %b: Unsupported digest algorithm\n"
                raise FileProblem(text % name)
            try:
                public.verify(signature, sha256, PKCS1v15(), Prehashed(hashes.SHA256()))
            except InvalidSignature as error:
                text = b"Signature validation failed for file %b: ERR=Signature is invalid\n"
                raise FileProblem(text % name) from error
            return True
        return False


def encode_session(cipher: ContentCipher, key: bytes, iv: bytes, recipients: Iterable[Certificate]) -> bytes:
    """The CryptoData record (stream 22)."""
    infos = [
        der.encode(
            Tag.SEQUENCE,
            der.encode_small(0)
            + der.encode(Tag.OCTET_STRING, each.key_id)
            + _RSA
            + der.encode(Tag.OCTET_STRING, each.public.encrypt(key, PKCS1v15())),
        )
        for each in recipients
    ]
    content = der.encode_small(0) + der.encode_oid(cipher.oid) + der.encode(Tag.OCTET_STRING, iv)
    return der.encode(Tag.SEQUENCE, content + der.encode_set(infos))


def decode_session(record: bytes) -> tuple[ContentCipher, bytes, dict[bytes, bytes]]:
    """Cipher, IV, and the encrypted key for each key id. ValueError for anything but a regular record."""
    outer = DerReader(record)
    data = outer.enter(Tag.SEQUENCE)
    outer.finish()
    data.read_version()
    cipher = _CIPHER_OF_OID.get(der.encode(Tag.OBJECT_IDENTIFIER, data.read(Tag.OBJECT_IDENTIFIER)))
    if cipher is None:
        raise ValueError("Unsupported encryption algorithm")
    iv = data.read(Tag.OCTET_STRING)
    infos = data.enter(Tag.SET)
    data.finish()
    recipients: dict[bytes, bytes] = {}
    while not infos.exhausted:
        info = infos.enter(Tag.SEQUENCE)
        info.read_version()
        key_id = info.read(Tag.OCTET_STRING)
        if der.encode(Tag.OBJECT_IDENTIFIER, info.read(Tag.OBJECT_IDENTIFIER)) != _RSA:
            raise ValueError("Unsupported encryption algorithm")
        recipients[key_id] = info.read(Tag.OCTET_STRING)
        info.finish()
    return cipher, iv, recipients


def encode_signature(key_id: bytes, signature: bytes) -> bytes:
    """The SignatureData record (stream 19). Like C++ it names the digest where the signature algorithm belongs."""
    info = der.encode(
        Tag.SEQUENCE,
        der.encode_small(0)
        + der.encode(Tag.OCTET_STRING, key_id)
        + _SHA256
        + _SHA256
        + der.encode(Tag.OCTET_STRING, signature),
    )
    return der.encode(Tag.SEQUENCE, der.encode_small(0) + der.encode_set([info]))


def decode_signature(record: bytes) -> dict[bytes, tuple[bytes, bytes]]:
    """Digest algorithm (encoded) and signature for each key id. ValueError for anything irregular."""
    outer = DerReader(record)
    data = outer.enter(Tag.SEQUENCE)
    outer.finish()
    data.read_version()
    infos = data.enter(Tag.SET)
    data.finish()
    found: dict[bytes, tuple[bytes, bytes]] = {}
    while not infos.exhausted:
        info = infos.enter(Tag.SEQUENCE)
        info.read_version()
        key_id = info.read(Tag.OCTET_STRING)
        digest = der.encode(Tag.OBJECT_IDENTIFIER, info.read(Tag.OBJECT_IDENTIFIER))
        info.read(Tag.OBJECT_IDENTIFIER)
        found[key_id] = (digest, info.read(Tag.OCTET_STRING))
        info.finish()
    return found

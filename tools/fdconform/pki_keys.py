"""PKI key pairs for the daemon under test and for the tester: RSA 2048 with self-signed certificates, made once a
process and written where a profile says `{keys}`. Nothing here protects anything."""

import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from fdconform.stage import Stage

CLIENT: Final = "client"
"""The key pair of the daemon; `master` is the one whose certificate alone it has, `stranger` is nobody it knows."""
NAMES: Final = (CLIENT, "master", "stranger")
_MAKING: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class Pair:
    """A private key, the certificate and its subjectKeyIdentifier."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate

    @property
    def identifier(self) -> bytes:
        """What session data and signatures call this key."""
        extension = self.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        return extension.value.digest

    def pem(self, *, private: bool) -> bytes:
        """The certificate, with the unencrypted key before it if `private`."""
        key = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        certificate = self.certificate.public_bytes(serialization.Encoding.PEM)
        return key + certificate if private else certificate


@cache
def _made(name: str) -> Pair:
    key = rsa.generate_private_key(65537, 2048)
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"fdconform {name}")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Pair(key, certificate)


def pair(name: str) -> Pair:
    """A key pair of this process."""
    with _MAKING:
        return _made(name)


def write(folder: Path) -> None:
    """Everything a daemon needs, and for later runs on the same daemon the private keys too. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        made = pair(name)
        for suffix, private in (("pem", True), ("cert", False)):
            path = folder / f"pki-{name}.{suffix}"
            path.touch(0o600)
            path.write_bytes(made.pem(private=private))


def of(stage: "Stage", name: str) -> Pair:
    """A key pair as the daemon under test knows it; one of this process for a daemon that has no keys."""
    folder = stage.subject.folder
    if folder is None:
        if stage.subject.files is None:
            return pair(name)
        folder = stage.subject.files.parent / "work"
    path = folder / "keys" / f"pki-{name}.pem"
    if not path.exists():
        return pair(name)
    return _read(path.read_bytes())


@cache
def _read(text: bytes) -> Pair:
    key = serialization.load_pem_private_key(text, None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, rsa.RSAPrivateKey)
    return Pair(key, x509.load_pem_x509_certificate(text))

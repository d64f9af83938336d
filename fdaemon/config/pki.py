"""Whether the key files of the PKI directives can be used at all; the keys themselves are not kept here."""

from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from fdaemon.config.resources import ClientResource


def key_faults(client: ClientResource, path: str) -> list[str]:
    """The problems of the PKI key files in the C++ daemon's words (page 06 section 5.2), each a line."""
    where = f'File daemon "{client.name}" in {path}.\n'
    faults: list[str] = []
    if not has_certificate(client.pki_keypair):
        faults.append(f"Failed to load public certificate for {where}")
    if not has_private_key(client.pki_keypair):
        faults.append(f"Failed to load private key for {where}")
    for name in client.pki_signers:
        if not has_certificate(name):
            faults.append(f"Failed to load trusted signer certificate from file {name} for {where}")
        elif b"PRIVATE KEY-----" in _content(name) and not has_private_key(name):
            faults.append(f"Failed to load private key from file {name} for {where}")
    for name in client.pki_master_keys:
        if not has_certificate(name):
            faults.append(f"Failed to load master key certificate from file {name} for {where}")
    return faults


def has_certificate(name: str) -> bool:
    """True when the file holds a PEM certificate with an RSA key and a subject key identifier."""
    try:
        certificate = x509.load_pem_x509_certificate(_content(name))
        certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        return isinstance(certificate.public_key(), RSAPublicKey)
    except (ValueError, x509.ExtensionNotFound):
        return False


def has_private_key(name: str) -> bool:
    """True when the file holds a PEM private key without a passphrase."""
    try:
        load_pem_private_key(_content(name), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True


def _content(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError:
        return b""

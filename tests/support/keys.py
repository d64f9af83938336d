"""Key pairs and certificates for tests, made once a run."""

import datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

_START = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
_END = datetime.datetime(2040, 1, 1, tzinfo=datetime.UTC)


@cache
def private_key(name: str) -> rsa.RSAPrivateKey:
    """An RSA key of 2048 bits for each name."""
    del name
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def certificate_pem(name: str, *, key_id: bool = True, elliptic: bool = False) -> bytes:
    """A self-signed certificate, without subject key identifier or with another kind of key if so wished."""
    signer = ec.generate_private_key(ec.SECP256R1()) if elliptic else private_key(name)
    title = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(title)
        .issuer_name(title)
        .public_key(signer.public_key())
        .serial_number(7)
        .not_valid_before(_START)
        .not_valid_after(_END)
    )
    if key_id:
        identifier = x509.SubjectKeyIdentifier.from_public_key(signer.public_key())
        builder = builder.add_extension(identifier, critical=False)
    return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def key_pem(name: str) -> bytes:
    """The private key of `name` without passphrase."""
    return private_key(name).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def pair_pem(name: str) -> bytes:
    """Certificate and private key in one text, as `Pki Key Pair` wants them."""
    return certificate_pem(name) + key_pem(name)

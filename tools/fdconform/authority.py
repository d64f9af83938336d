"""A certificate authority for TLS with certificates: what the daemon under test and the tester show each other.
Made once a process, written where a profile says `{keys}`. Nothing here protects anything."""

import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

TRUSTED: Final = "authority"
"""Signs everybody but `foreign`; its file is what `TLS CA Certificate File` names."""
_MAKING: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class _Holder:
    """Somebody with a certificate: `name` is its CN, `days` how long it is good yet."""

    name: str
    days: int = 3650
    signer: str = TRUSTED


_HOLDERS: Final = {
    "fd": _Holder("conform-fd"),
    "dir": _Holder("conform-dir"),
    "guest": _Holder("conform-guest"),
    "stale": _Holder("conform-dir", days=-1),
    "foreign": _Holder("conform-dir", signer="rival"),
}
"""By the name of their files."""


@dataclass(frozen=True, slots=True)
class _Pair:
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: str, signer: ec.EllipticCurvePrivateKey, days: int
) -> x509.Certificate:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=name == issuer, path_length=None), critical=True)
        .sign(signer, hashes.SHA256())
    )


@cache
def _signer(name: str) -> _Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    title = f"fdconform {name}"
    return _Pair(key, _certificate(title, key, title, key, 3650))


@cache
def _pair(name: str) -> _Pair:
    holder = _HOLDERS[name]
    signer = _signer(holder.signer)
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = f"fdconform {holder.signer}"
    return _Pair(key, _certificate(holder.name, key, issuer, signer.key, holder.days))


def write_certificates(folder: Path) -> None:
    """`authority.pem`, and for everybody a certificate `NAME.pem` and its key `NAME.key`. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    with _MAKING:
        certificates = {TRUSTED: _signer(TRUSTED).certificate}
        certificates |= {name: _pair(name).certificate for name in _HOLDERS}
        for name, certificate in certificates.items():
            (folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        for name in _HOLDERS:
            (folder / f"{name}.key").write_bytes(
                _pair(name).key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
            )

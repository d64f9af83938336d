"""Two ends of a TLS connection in memory, and certificates made on the spot."""

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import trio
import trio.testing
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from fdaemon.net.tls import TlsSettings, TlsStream, client_context, server_context

IDENTITY = "R_DIRECTOR\x1ebareos-dir"
KEY = b"5ebe2294ecd0e0f08eab7690d2a6ee69"
VERSIONS = {"TLSv1.2": "-TLSv1.3", "TLSv1.3": "-TLSv1.2"}


def lookup(identity: str | None) -> bytes:
    """Knows one identity."""
    return KEY if identity == IDENTITY else b""


@dataclass(frozen=True, slots=True)
class Credentials:
    """PEM files of a self-signed certificate and its key."""

    certificate: str
    key: str


def self_signed(folder: Path, common_name: str = "storage.example", dns: str | None = None) -> Credentials:
    """A fresh self-signed certificate, its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    )
    if dns is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(dns)]), critical=False)
    certificate = builder.sign(key, hashes.SHA256())
    files = Credentials(str(folder / f"{common_name}.pem"), str(folder / f"{common_name}.key"))
    Path(files.certificate).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    Path(files.key).write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return files


def revocation_list(files: Credentials, *, revoked: bool) -> str:
    """File of a revocation list that the self-signed certificate issues, with itself on it or empty."""
    certificate = x509.load_pem_x509_certificate(Path(files.certificate).read_bytes())
    key = serialization.load_pem_private_key(Path(files.key).read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(certificate.subject)
        .last_update(now - datetime.timedelta(days=1))
        .next_update(now + datetime.timedelta(days=1))
    )
    if revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(certificate.serial_number)
        builder = builder.add_revoked_certificate(entry.revocation_date(now).build())
    path = Path(f"{files.certificate}.crl")
    path.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return str(path)


async def handshake_errors(client: TlsStream, server: TlsStream) -> dict[str, Exception]:
    """Shake hands at both ends; what each end raised. A failed end closes its transport, as a daemon does."""
    errors: dict[str, Exception] = {}

    async def shake(end: str, stream: TlsStream) -> None:
        try:
            await stream.handshake(limit=30)
        except Exception as error:
            errors[end] = error
            await stream.transport.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(shake, "client", client)
        nursery.start_soon(shake, "server", server)
    return errors


def make_pair(
    *,
    client: TlsSettings | None = None,
    server: TlsSettings | None = None,
    identity: str | None = IDENTITY,
    key: bytes = KEY,
    psk_lookup: Callable[[str | None], bytes] = lookup,
    host: str | None = None,
    transports: tuple[trio.abc.Stream, trio.abc.Stream] | None = None,
) -> tuple[TlsStream, TlsStream]:
    """Client and server end, before the handshake."""
    left, right = transports or trio.testing.memory_stream_pair()
    return (
        TlsStream(left, client_context(client or TlsSettings(), identity, key), host=host),
        TlsStream(right, server_context(server or TlsSettings(), psk_lookup)),
    )


async def connected_pair(
    version: str = "TLSv1.3", transports: tuple[trio.abc.Stream, trio.abc.Stream] | None = None
) -> tuple[TlsStream, TlsStream]:
    """Client and server end after a good PSK handshake in `version`."""
    settings = TlsSettings(protocol=VERSIONS[version])
    client, server = make_pair(client=settings, server=settings, transports=transports)
    errors = await handshake_errors(client, server)
    assert not errors, errors
    return client, server

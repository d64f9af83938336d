"""Whom a TLS end lets in, as client and as server."""

import gc
import ssl
import weakref
from pathlib import Path

import pytest
import trio
import trio.testing

from fdaemon.errors import PeerGone, RemoteProtocolError
from fdaemon.net.tls import TlsSettings, TlsSetupError, TlsStream, client_context, server_context
from fdaemon.net.tls_settings import parse_protocol
from tests.net.tls_pairs import (
    IDENTITY,
    KEY,
    VERSIONS,
    connected_pair,
    handshake_errors,
    lookup,
    make_pair,
    revocation_list,
    self_signed,
)

versions = pytest.mark.parametrize("version", list(VERSIONS))


@pytest.mark.parametrize(
    ("version", "text"),
    [
        ("TLSv1.2", "ECDHE-PSK-CHACHA20-POLY1305 TLSv1.2"),
        ("TLSv1.3", "TLS_CHACHA20_POLY1305_SHA256 TLSv1.3"),
    ],
)
async def test_psk_handshake(version: str, text: str) -> None:
    client, server = await connected_pair(version)
    assert (client.describe(), server.describe()) == (text, text)
    assert client.psk_used
    assert server.psk_used
    assert server.psk_identity == IDENTITY


async def test_default_is_tls_1_3() -> None:
    client, server = make_pair()
    assert not await handshake_errors(client, server)
    assert client.describe() == "TLS_CHACHA20_POLY1305_SHA256 TLSv1.3"


async def test_identity_beyond_ascii() -> None:
    name = "R_JOB\x1eSicherung-für-Grüße"
    client, server = make_pair(identity=name, psk_lookup=lambda identity: KEY if identity == name else b"")
    assert not await handshake_errors(client, server)
    assert server.psk_identity == name


async def test_nothing_stays_of_a_connection_that_is_over() -> None:
    """A daemon sees thousands of them. The callbacks hold what they use, which the collector does not see."""
    contexts: list[weakref.ref[ssl.SSLContext]] = []
    for key in (KEY, b"wrong"):
        ours, theirs = (
            client_context(TlsSettings(), IDENTITY, key),
            server_context(TlsSettings(), lookup),
        )
        contexts += [weakref.ref(each.ssl_context) for each in (ours, theirs)]
        left, right = trio.testing.memory_stream_pair()
        client, server = TlsStream(left, ours), TlsStream(right, theirs)
        await handshake_errors(client, server)
        del ours, theirs, client, server
    gc.collect()
    assert [context() for context in contexts] == [None] * 4


@versions
async def test_wrong_key(version: str) -> None:
    settings = TlsSettings(protocol=VERSIONS[version])
    client, server = make_pair(client=settings, server=settings, key=b"wrong")
    errors = await handshake_errors(client, server)
    assert set(errors) == {"client", "server"}
    assert all(isinstance(error, RemoteProtocolError) for error in errors.values())
    assert "illegal parameter" in str(errors["client"]) or "bad record mac" in str(errors["client"])
    assert server.psk_identity is None


@versions
async def test_unknown_identity(version: str) -> None:
    settings = TlsSettings(protocol=VERSIONS[version])
    client, server = make_pair(client=settings, server=settings, identity="R_DIRECTOR\x1enobody")
    errors = await handshake_errors(client, server)
    assert set(errors) == {"client", "server"}
    assert "handshake failure" in str(errors["client"]) or "unknown psk identity" in str(errors["client"])


@versions
async def test_client_refuses_certificate_in_place_of_the_key(version: str, tmp_path: Path) -> None:
    files = self_signed(tmp_path)
    settings = TlsSettings(files.certificate, files.key, protocol=VERSIONS[version])
    client, server = make_pair(client=TlsSettings(protocol=VERSIONS[version]), server=settings)
    errors = await handshake_errors(client, server)
    assert type(errors["client"]) is RemoteProtocolError
    assert "pre-shared key" in str(errors["client"])
    assert not client.psk_used
    with pytest.raises(Exception, match="before its handshake"):
        await client.send_all(b"secret")


@versions
async def test_certificate_accepted_where_certificates_are_set_up(version: str, tmp_path: Path) -> None:
    files = self_signed(tmp_path)
    server_side = TlsSettings(files.certificate, files.key, protocol=VERSIONS[version])
    for client_side in (
        TlsSettings(files.certificate, files.key, protocol=VERSIONS[version]),
        TlsSettings(ca_file=files.certificate, protocol=VERSIONS[version]),
        TlsSettings(ca_file=files.certificate, verify_peer=True, allowed_cns=("x", "storage.example")),
    ):
        client, server = make_pair(client=client_side, server=server_side)
        assert not await handshake_errors(client, server)
        assert not client.psk_used
        assert not server.psk_used
        assert server.psk_identity is None


@versions
async def test_untrusted_certificate_is_refused(version: str, tmp_path: Path) -> None:
    files, other = self_signed(tmp_path), self_signed(tmp_path, "other.example")
    server_side = TlsSettings(files.certificate, files.key, protocol=VERSIONS[version])
    client, server = make_pair(
        client=TlsSettings(ca_file=other.certificate, protocol=VERSIONS[version], verify_peer=True),
        server=server_side,
    )
    errors = await handshake_errors(client, server)
    assert "certificate verify failed" in str(errors["client"])
    assert "unknown ca" in str(errors["server"])


async def test_without_verification_any_certificate_will_do(tmp_path: Path) -> None:
    """Bareos's own test with certificates relies on it: they have expired."""
    files, other = self_signed(tmp_path), self_signed(tmp_path, "other.example")
    client, server = make_pair(
        client=TlsSettings(ca_file=other.certificate), server=TlsSettings(files.certificate, files.key)
    )
    assert not await handshake_errors(client, server)
    assert not client.psk_used


@pytest.mark.parametrize(
    ("host", "good"),
    [
        ("sd.example", True),
        ("SD.Example", True),
        ("storage.EXAMPLE", True),
        ("other.example", False),
        (None, False),
    ],
)
async def test_host_name_check(host: str | None, good: bool, tmp_path: Path) -> None:
    files = self_signed(tmp_path, dns="sd.example")
    client, server = make_pair(
        client=TlsSettings(ca_file=files.certificate, verify_peer=True),
        server=TlsSettings(files.certificate, files.key),
        host=host,
    )
    errors = await handshake_errors(client, server)
    if good:
        assert not errors
    else:
        error = errors["client"]
        assert isinstance(error, RemoteProtocolError)
        assert (
            error.fatal
            == (
                f'TLS host certificate verification failed. Host name "{host or ""}"'
                " did not match presented certificate\n"
            ).encode()
        )


@pytest.mark.parametrize(("allowed", "good"), [("client.example", True), ("Client.example", False)])
async def test_server_checks_the_common_name(allowed: str, good: bool, tmp_path: Path) -> None:
    files, mine = self_signed(tmp_path), self_signed(tmp_path, "client.example")
    client, server = make_pair(
        client=TlsSettings(mine.certificate, mine.key),
        server=TlsSettings(
            files.certificate, files.key, mine.certificate, verify_peer=True, allowed_cns=(allowed,)
        ),
    )
    errors = await handshake_errors(client, server)
    if good:
        assert not errors
    else:
        error = errors["server"]
        assert isinstance(error, RemoteProtocolError)
        assert error.fatal is not None
        assert error.fatal.endswith(b"did not match a required commonName\n")


@pytest.mark.parametrize("revoked", [False, True])
async def test_revocation_list_is_honoured(revoked: bool, tmp_path: Path) -> None:
    files = self_signed(tmp_path)
    client, server = make_pair(
        client=TlsSettings(
            ca_file=files.certificate,
            crl=revocation_list(files, revoked=revoked),
            verify_peer=True,
            allowed_cns=("storage.example",),
        ),
        server=TlsSettings(files.certificate, files.key),
    )
    errors = await handshake_errors(client, server)
    assert bool(errors) == revoked
    if revoked:
        assert "certificate revoked" in str(errors["client"])


async def test_server_with_verification_refuses_a_peer_without_certificate(tmp_path: Path) -> None:
    files = self_signed(tmp_path)
    client, server = make_pair(
        client=TlsSettings(ca_file=files.certificate),
        server=TlsSettings(files.certificate, files.key, files.certificate, verify_peer=True),
    )
    errors = await handshake_errors(client, server)
    assert "peer did not return a certificate" in str(errors["server"])
    with pytest.raises(RemoteProtocolError, match="certificate required"):
        await client.receive_some()


async def test_verification_refuses_a_key_handshake() -> None:
    client, server = make_pair(server=TlsSettings(verify_peer=True))
    errors = await handshake_errors(client, server)
    error = errors["server"]
    assert isinstance(error, RemoteProtocolError)
    assert error.fatal == b"Peer failed to present a TLS certificate\n"


async def test_cipher_suites_are_enforced() -> None:
    client, server = make_pair(client=TlsSettings(cipher_suites="TLS_AES_128_GCM_SHA256"))
    errors = await handshake_errors(client, server)
    assert "TLS_CHACHA20_POLY1305_SHA256 is not among" in str(errors["client"])


async def test_failing_lookup_is_raised_not_printed() -> None:
    def fail(identity: str | None) -> bytes:
        raise LookupError(identity)

    client, server = make_pair(psk_lookup=fail)
    errors = await handshake_errors(client, server)
    assert isinstance(errors["server"], LookupError)


async def test_garbage_instead_of_tls() -> None:
    left, right = trio.testing.memory_stream_pair()
    server = TlsStream(right, server_context(TlsSettings(), lambda _identity: KEY))
    await left.send_all(b"GET / HTTP/1.0\r\n\r\n")
    with pytest.raises(RemoteProtocolError, match="http request"):
        await server.handshake()


async def test_peer_that_hangs_up_during_the_handshake() -> None:
    left, right = trio.testing.memory_stream_pair()
    client = TlsStream(left, client_context(TlsSettings(), IDENTITY, KEY))
    await right.aclose()
    with pytest.raises(PeerGone):
        await client.handshake()


async def test_handshake_has_a_deadline(autojump_clock: trio.testing.MockClock) -> None:
    left, right = trio.testing.memory_stream_pair()
    client = TlsStream(left, client_context(TlsSettings(), IDENTITY, KEY))
    with pytest.raises(PeerGone, match="no TLS handshake within 60 seconds"):
        await client.handshake()
    assert trio.current_time() >= 60
    await client.aclose()
    await right.aclose()


@pytest.mark.parametrize(
    ("text", "lowest", "highest"),
    [
        ("", "TLSv1_2", "TLSv1_3"),
        ("TLSv1.2", "TLSv1_2", "TLSv1_3"),
        ("-TLSv1.3", "TLSv1_2", "TLSv1_2"),
        ("-ALL, tlsv1.2", "TLSv1_2", "TLSv1_2"),
        ("ALL,-SSLv3,-TLSv1,-TLSv1.1,-TLSv1.2", "TLSv1_3", "TLSv1_3"),
    ],
)
def test_protocol_directive(text: str, lowest: str, highest: str) -> None:
    low, high = parse_protocol(text)
    assert (low.name, high.name) == (lowest, highest)


@pytest.mark.parametrize(
    "settings",
    [
        TlsSettings(protocol="TLSv9"),
        TlsSettings(protocol="-ALL"),
        TlsSettings(cipher_list="nothing"),
        TlsSettings(certificate="/nonexistent/file.pem"),
        TlsSettings(ca_file="/nonexistent/file.pem"),
        TlsSettings(dh_file="/nonexistent/file.pem"),
        TlsSettings(crl="/nonexistent/file.pem"),
    ],
)
def test_unusable_settings(settings: TlsSettings) -> None:
    with pytest.raises(TlsSetupError):
        server_context(settings, lambda _identity: KEY)


def test_unusable_identity() -> None:
    with pytest.raises(TlsSetupError):
        client_context(TlsSettings(), "R_JOB\x1e" + "j" * 300, KEY)
    with pytest.raises(TlsSetupError):
        client_context(TlsSettings(), IDENTITY, b"")

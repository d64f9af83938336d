"""The certificates that the tester makes: who trusts whom, and who has expired."""

import ssl
from pathlib import Path

import pytest

from fdconform.authority import write_certificates


def _shake(keys: Path, certificate: str) -> None:
    """A handshake of a client with this certificate and a server that verifies it."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(keys / "fd.pem", keys / "fd.key")
    server.load_verify_locations(keys / "authority.pem")
    server.verify_mode = ssl.CERT_REQUIRED
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.load_verify_locations(keys / "authority.pem")
    client.load_cert_chain(keys / f"{certificate}.pem", keys / f"{certificate}.key")
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(4):
        for end in tuple(ends):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            ends.remove(end)
    assert not ends


@pytest.mark.parametrize("certificate", ["fd", "dir", "guest"])
def test_the_authority_is_trusted(tmp_path: Path, certificate: str) -> None:
    write_certificates(tmp_path)
    _shake(tmp_path, certificate)


@pytest.mark.parametrize("certificate", ["stale", "foreign"])
def test_nobody_else_is(tmp_path: Path, certificate: str) -> None:
    write_certificates(tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError):
        _shake(tmp_path, certificate)


def test_a_second_daemon_gets_the_same_certificates(tmp_path: Path) -> None:
    write_certificates(tmp_path / "one")
    write_certificates(tmp_path / "two")
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()

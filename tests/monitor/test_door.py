"""Who is let in, and what becomes of those who are not."""

import json
import resource
import socket
import ssl
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
import trio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from trio.testing import MockClock, memory_stream_pair

from fdaemon.monitor.door import MOST_NEWCOMERS, NEWCOMER_LIMIT, Door
from fdaemon.monitor.feed import Feed
from fdaemon.monitor.request import METRICS_PATH, MOST_HEAD
from fdmon.errors import Refused
from fdmon.source import Target, calling, first_view

from .pictures import Watched, daemon, job
from .serving import TOKEN, head, say, serving


async def test_a_viewer_with_the_token_sees_the_jobs() -> None:
    async with serving() as site:
        view = json.loads(await first_view(Target(TOKEN, port=site.port)))
        assert view["jobs"][0]["job_id"] == 17


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (head(token=None), b"401"),
        (head(token="wrong-token-wrong-token"), b"401"),
        (head(token=TOKEN + "x"), b"401"),
        (head(token=TOKEN[:-1]), b"401"),
        (head(token=""), b"401"),
        (head(token=None, extra=f"Authorization: Basic {TOKEN}\r\n"), b"401"),
        (head(token="wrong", extra=f"Authorization: Bearer {TOKEN}\r\n"), b"400"),
        (head(path=f"/v1/feed?token={TOKEN}", token=None), b"401"),
        (head(path="/other"), b"404"),
        (f"GET /v1/feed HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode(), b"426"),
        (b"POST /v1/feed HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /v1/feed\r\n\r\n", b"400"),
        (b"GET /v1/feed HTTP/1.1\r\nno colon\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400"),
        (b"Hello Director bareos-dir calling\n", b"400"),
        (b"GET " + b"x" * (2 * MOST_HEAD), b"400"),
    ],
)
async def test_everybody_else_is_refused(request_head: bytes, status: bytes) -> None:
    async with serving() as site:
        answer = await say(site.port, request_head)
        assert answer.split(b" ")[1] == status
        assert b"nightly" not in answer
        assert (site.door.tally.admitted, site.door.viewers) == (0, 0)


async def test_fdmon_says_why_it_is_refused() -> None:
    async with serving() as site:
        with pytest.raises(Refused, match="refused with 401"):
            await first_view(Target("x" * 20, port=site.port))


async def test_garbage_after_the_handshake_ends_the_viewer_only() -> None:
    async with serving() as site:
        async with await trio.open_tcp_stream("127.0.0.1", site.port) as stream:
            await stream.send_all(head())
            answer = b""
            while b'"kind":"view"' not in answer:
                answer += await stream.receive_some()
            await stream.send_all(b"\xff" * 300)
            while await stream.receive_some():
                pass
        await site.all_left()
        assert json.loads(await first_view(Target(TOKEN, port=site.port)))["kind"] == "view"


async def test_a_stuck_viewer_holds_up_nobody() -> None:
    async with serving() as site:
        stuck = trio.socket.socket()
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        await stuck.connect(("127.0.0.1", site.port))
        await stuck.send(head())
        async with calling(Target(TOKEN, port=site.port)) as viewer:
            for number in range(4):
                site.view = daemon(*(job(key, files=number) for key in range(1, 200)))
                assert await viewer.get_message()
            assert site.door.viewers == 2
        stuck.close()


async def test_who_says_nothing_is_sent_away(autojump_clock: MockClock) -> None:
    logged: list[str] = []
    door = Door(Feed(Watched(daemon()).look), TOKEN.encode(), logged.append)
    near, far = memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(door.serve, far)
        began = trio.current_time()
        assert await near.receive_some(1) == b""
        assert trio.current_time() - began == pytest.approx(NEWCOMER_LIMIT, abs=0.1)
    assert door.tally.dropped == 1
    assert not logged


@pytest.fixture
def many_descriptors() -> Iterator[int]:
    """How many connections this process may hold open now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_thousands_of_silent_connections_keep_nobody_out(many_descriptors: int) -> None:
    count = min(5000, many_descriptors - 500)
    if count < 1000:
        pytest.skip(f"this process may open only {many_descriptors} files")
    async with serving() as site:
        door = site.door
        silent = []
        most = 0
        for number in range(count):
            one = trio.socket.socket()
            await one.connect(("127.0.0.1", site.port))
            silent.append(one)
            if not number % 100:
                most = max(most, len(door.newcomers))
        assert json.loads(await first_view(Target(TOKEN, port=site.port)))["kind"] == "view"
        assert most <= MOST_NEWCOMERS
        assert door.tally.dropped >= count - 2 * MOST_NEWCOMERS
        for one in silent:
            one.close()


async def test_a_unix_socket_is_ours_alone_and_goes_with_us(tmp_path: Path) -> None:
    path = tmp_path / "feed"
    async with serving(listens=False, socket=str(path)):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert json.loads(await first_view(Target(TOKEN, socket=str(path))))["kind"] == "view"
        async with serving(listens=False, socket=str(path)) as second:
            assert second.served is None
            assert "somebody listens" in second.logged[0]
        assert path.exists()
    assert not path.exists()
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    async with serving(listens=False, socket=str(path)):
        assert json.loads(await first_view(Target(TOKEN, socket=str(path))))["kind"] == "view"


async def test_metrics_stand_behind_the_same_token() -> None:
    async with serving() as site:
        plain = f"GET {METRICS_PATH.decode()} HTTP/1.1\r\nHost: x\r\n"
        assert b" 401 " in await say(site.port, f"{plain}\r\n".encode())
        answer = await say(site.port, f"{plain}Authorization: Bearer {TOKEN}\r\n\r\n".encode())
        assert answer.startswith(b"HTTP/1.1 200 OK\r\nContent-Type: application/openmetrics-text")
        assert b'fdaemon_job_files{client="client-fd",jobname="nightly"' in answer
        assert answer.endswith(b"# EOF\n")


async def test_beyond_loopback_only_with_tls(tmp_path: Path) -> None:
    async with serving(address="0.0.0.0") as open_door:
        assert open_door.served is None
        assert "beyond loopback" in open_door.logged[0]
    pem = certificate(tmp_path)
    async with serving(address="0.0.0.0", certificate=str(pem)) as site:
        target = Target(TOKEN, port=site.port, tls=True, authority=str(pem))
        assert json.loads(await first_view(target))["kind"] == "view"
        assert await say(site.port, head()) == b""
        async with await trio.open_tcp_stream("127.0.0.1", site.port) as stream:
            context = ssl.create_default_context(cafile=str(pem))
            secure = trio.SSLStream(stream, context, server_hostname="127.0.0.1")
            await secure.send_all(head(token="wrong"))
            assert b" 401 " in await secure.receive_some()


def certificate(place: Path) -> Path:
    """A certificate for 127.0.0.1 and its key in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "monitor")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.KeyUsage(True, False, False, False, False, True, False, False, False), critical=True
        )
        .sign(key, hashes.SHA256())
    )
    path = place / "monitor.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return path


async def test_a_viewer_that_upsets_us_ends_no_other() -> None:
    async with serving() as site:
        greeting = head(extra="Sec-WebSocket-Protocol: \xff\r\n").decode().encode("latin-1")
        assert await say(site.port, greeting) == b""
        assert json.loads(await first_view(Target(TOKEN, port=site.port)))["jobs"]
        (said,) = site.logged
        assert said.startswith("The live monitor drops a viewer: ")

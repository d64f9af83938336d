"""A client that we did not write: the FileDaemon class of python-bareos logs in to our daemon and asks how it is."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trio
from bareos.bsock.filedaemon import FileDaemon
from bareos.exceptions import AuthenticationError

from fdaemon.config.lexer import Source
from fdaemon.config.load import check, parse
from fdaemon.config.options import Options
from fdaemon.daemon import serve
from fdaemon.session.services import Services

DIRECTOR = "some-dir"
PASSWORD = "director secret"


class Listening(FileDaemon):  # type: ignore[misc]  # python-bareos has no types
    """Writes down every single packet of the login in `heard`."""

    def __init__(self, heard: list[bytes], **arguments: Any) -> None:
        self.heard = heard
        super().__init__(address="127.0.0.1", **arguments)

    def recv(self) -> Any:
        packet = super().recv()
        self.heard.append(bytes(packet))
        return packet


@asynccontextmanager
async def daemon(place: Path, *, tls: bool) -> AsyncIterator[int]:
    """Our daemon on a free port of the loopback; gives the port."""
    enable = "yes" if tls else "no"
    text = f"""
Client {{
  Name = our-fd
  Working Directory = "{place}"
  Address = 127.0.0.1
  TLS Enable = {enable}
}}
Director {{
  Name = {DIRECTOR}
  Password = "{PASSWORD}"
  TLS Enable = {enable}
}}
Messages {{
  Name = Standard
  Director = {DIRECTOR} = all
}}
"""
    settings = check(parse([Source("test", text.encode())]))
    anywhere = tuple(replace(address, port=0) for address in settings.client.addresses)
    settings = replace(settings, client=replace(settings.client, addresses=anywhere))
    async with trio.open_nursery() as nursery:

        async def start(*, task_status: trio.TaskStatus[Services]) -> None:
            await serve(settings, Options(), task_status=task_status)

        services = await nursery.start(start)
        yield services.addresses[0][1]
        nursery.cancel_scope.cancel()


async def refusal(port: int, **arguments: Any) -> tuple[Exception, list[bytes]]:
    """What a login fails with, and the packets it heard."""
    heard: list[bytes] = []

    def log_in() -> None:
        Listening(heard, port=port, **arguments)

    with pytest.raises((AuthenticationError, ssl.SSLError)) as caught:
        await trio.to_thread.run_sync(log_in)
    return caught.value, heard


@pytest.mark.parametrize("tls", [True, False], ids=["tls", "clear"])
async def test_it_logs_in_and_reads_the_status(tmp_path: Path, tls: bool) -> None:
    heard: list[bytes] = []

    def talk(port: int) -> tuple[object, dict[str, str]]:
        client = Listening(
            heard,
            port=port,
            name=DIRECTOR,
            password=PASSWORD,
            tls_psk_enable=tls,
            tls_psk_require=tls,
        )
        try:
            commands = ("status", "cancel Job=none")
            return client.get_cipher(), {word: client.call(word).decode() for word in commands}
        finally:
            client.close()

    async with daemon(tmp_path, tls=tls) as port:
        cipher, answers = await trio.to_thread.run_sync(talk, port)
    assert (cipher is not None) == tls
    challenge, accepted, _response = heard
    assert challenge.startswith(b"auth cram-md5 <")
    assert b"@R_CLIENT::our-fd>" in challenge
    assert accepted == b"1000 OK auth\n"
    status = answers["status"]
    assert "our-fd Version: " in status
    assert f"{DIRECTOR} (director) connected at: " in status
    assert status.index("Running Jobs:") < status.index("Terminated Jobs:")
    assert answers["cancel Job=none"] == "2901 Job none not found.\n"


async def test_a_wrong_password_is_refused_in_clear(tmp_path: Path) -> None:
    async with daemon(tmp_path, tls=False) as port:
        error, heard = await refusal(port, name=DIRECTOR, password="wrong", tls_psk_enable=False)
    assert isinstance(error, AuthenticationError)
    assert heard[0].startswith(b"auth cram-md5 <")
    assert heard[1:] == [b"1999 Authorization failed.\n"]


async def test_an_unknown_director_is_hung_up_on_in_clear(tmp_path: Path) -> None:
    async with daemon(tmp_path, tls=False) as port:
        error, heard = await refusal(port, name="other-dir", password=PASSWORD, tls_psk_enable=False)
    assert "terminate" in str(error).lower()
    assert heard == []


@pytest.mark.parametrize(
    ("name", "password"),
    [(DIRECTOR, "wrong"), ("other-dir", PASSWORD)],
    ids=["wrong-password", "unknown-director"],
)
async def test_a_stranger_gets_no_further_than_the_handshake(
    tmp_path: Path, name: str, password: str
) -> None:
    async with daemon(tmp_path, tls=True) as port:
        error, heard = await refusal(port, name=name, password=password, tls_psk_require=True)
    assert isinstance(error, ssl.SSLError)
    assert heard == []


async def test_a_daemon_with_tls_says_nothing_in_clear(tmp_path: Path) -> None:
    async with daemon(tmp_path, tls=True) as port:
        error, heard = await refusal(port, name=DIRECTOR, password=PASSWORD, tls_psk_enable=False)
    assert "terminate" in str(error).lower()
    assert heard == []

"""The configuration is read again: who is new is let in, what runs goes on as it began."""

from dataclasses import replace
from pathlib import Path

import pytest

from fdaemon.config.options import Options
from fdaemon.protocol.messages import MessageType
from fdaemon.session.reload import load_again
from fdaemon.wire.framing import Signal

from .talking import HELLO, JOB, KEY, OK_JOB, House, connected, house


def reloadable(folder: Path) -> House:
    where = house(folder)
    where.services.options = replace(Options(), config_path=str(folder / "fd.conf"))
    return where


def rewrite(folder: Path, old: str, new: str) -> None:
    path = folder / "fd.conf"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


async def test_a_running_session_keeps_its_director(tmp_path: Path) -> None:
    where = reloadable(tmp_path)
    async with connected(where) as peer:
        await peer.log_in()
        rewrite(tmp_path, "Name = bareos-dir\n", "Name = other-dir\n")
        assert await load_again(where.services)
        await peer.send(JOB)
        answer = await peer.hear()
        assert isinstance(answer, bytes)
        assert answer.startswith(OK_JOB)
    async with connected(where) as peer:
        await peer.send(HELLO)
        assert await peer.rest() == [Signal.TERMINATE]
    async with connected(where) as peer:
        await peer.send(HELLO.replace(b"bareos-dir", b"other-dir"))
        challenge = await peer.hear()
        assert isinstance(challenge, bytes)
        assert challenge.startswith(b"auth cram-md5")
        assert KEY not in challenge


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("Director {", "Directr {", "Directr"),
        (
            'Working Directory = "',
            'PKI Key Pair = "/gone"\n  PKI Signatures = yes\n  Working Directory = "',
            "Failed to load public certificate",
        ),
    ],
    ids=["unknown resource", "missing key"],
)
async def test_what_cannot_be_used_changes_nothing(tmp_path: Path, old: str, new: str, text: str) -> None:
    where = reloadable(tmp_path)
    before = where.services.configuration
    rewrite(tmp_path, old, new)
    assert not await load_again(where.services)
    assert where.services.configuration is before
    ((kind, said),) = where.logged
    assert kind is MessageType.ERROR
    assert said.startswith("Reload: the configuration is not taken over: ")
    assert text in said


async def test_new_listening_addresses_want_a_restart(tmp_path: Path) -> None:
    where = reloadable(tmp_path)
    before = where.services.configuration.client.addresses
    rewrite(tmp_path, "TLS Enable = no\n", "TLS Enable = no\n  Port = 29999\n")
    assert await load_again(where.services)
    assert where.services.configuration.client.addresses == before
    assert (MessageType.WARNING, "Reload: new listening addresses need a restart.\n") in where.logged


async def test_messages_go_where_the_new_configuration_says(tmp_path: Path) -> None:
    where = reloadable(tmp_path)
    assert not where.services.outlets.takes(MessageType.INFO)
    rewrite(tmp_path, "Director = bareos-dir = all", f'Append = "{tmp_path}/log" = all')
    assert await load_again(where.services)
    assert where.services.outlets.takes(MessageType.INFO)
    assert where.services.wanted_messages() == frozenset()


async def test_new_settings_of_the_monitor_want_a_restart(tmp_path: Path) -> None:
    """Every reload says so: the configuration in use is what is served."""
    where = reloadable(tmp_path)
    rewrite(tmp_path, "Client {", "Client {\n  Monitor Port = 29999")
    for times in (1, 2):
        assert await load_again(where.services)
        warning = (MessageType.WARNING, "Reload: new settings of the monitor need a restart.\n")
        assert where.logged.count(warning) == times
    assert where.services.configuration.client.monitor_port == 0


async def test_warnings_of_the_new_configuration_are_told(tmp_path: Path) -> None:
    where = reloadable(tmp_path)
    rewrite(tmp_path, "Client {", "Client {\n  Maximum Network Buffer Size = 4")
    assert await load_again(where.services)
    (said,) = (text for kind, text in where.logged if kind is MessageType.WARNING)
    assert said.startswith('Reload: "Maximum Network Buffer Size" must be ')

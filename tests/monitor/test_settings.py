"""The token and where it comes from; what the configuration may not ask for; nothing secret is shown."""

import stat
from pathlib import Path

import pytest

from fdaemon.config.errors import ResourceProblem
from fdaemon.config.lexer import Source
from fdaemon.config.load import check, parse
from fdaemon.daemon import monitor_settings
from fdaemon.monitor.settings import MonitorFailed, MonitorSettings, read_token, tls_context

from .serving import file_with


def configured(lines: str) -> MonitorSettings:
    text = (
        f"Client {{\n Name = c\n Working Directory = /srv/fd\n {lines}\n}}\n"
        "Director {\n Name = d\n Password = p\n}\nMessages {\n Name = m\n}\n"
    )
    return monitor_settings(check(parse([Source("c.conf", text.encode())])))


def test_it_is_off_unless_it_is_configured() -> None:
    assert not configured("").wanted
    assert not configured("Monitor Token = 0123456789abcdef").wanted
    assert configured("Monitor Port = 9105").has_door
    assert configured("Monitor Socket = /run/s").has_door
    only_file = configured("Monitor Metrics File = /m.prom")
    assert (only_file.wanted, only_file.has_door) == (True, False)


def test_loopback_is_the_default() -> None:
    settings = configured("Monitor Port = 9105")
    assert (settings.address, settings.port) == ("127.0.0.1", 9105)
    assert settings.token_file == "/srv/fd/c.monitor-token"


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ("Monitor Port = 9105\n Monitor Address = 0.0.0.0", "beyond loopback needs TLS"),
        ('Monitor Port = 9105\n Monitor Address = "::"', "beyond loopback needs TLS"),
        ("Monitor Port = 70000", "below 65536"),
        ("Monitor Port = 9105\n Monitor Address = fd.example.com", "numeric address"),
        ("Monitor Token = short", "at least 16"),
        ("Monitor Token = 0123456789abcdef\n Monitor Token File = /t", "not both"),
    ],
)
def test_what_is_refused_at_once(lines: str, fault: str) -> None:
    with pytest.raises(ResourceProblem) as caught:
        configured(lines)
    assert fault in "".join(caught.value.texts)


def test_beyond_loopback_with_a_certificate() -> None:
    settings = configured("Monitor Port = 1\n Monitor Address = 0.0.0.0\n Monitor Certificate = /nowhere.pem")
    with pytest.raises(MonitorFailed, match="cannot use certificate"):
        tls_context(settings)


def test_the_guard_does_not_trust_the_configuration() -> None:
    with pytest.raises(MonitorFailed, match="beyond loopback"):
        tls_context(MonitorSettings(address="192.0.2.1", listens=True))


def test_a_token_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "token"
    settings = MonitorSettings(token_file=str(path))
    token = read_token(settings)
    assert len(token) >= 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_token(settings) == token


@pytest.mark.parametrize(
    ("text", "mode", "fault"),
    [
        ("0123456789abcdef\n", 0o644, "everybody"),
        ("short\n", 0o600, "characters"),
        ("x" * 2000, 0o600, "characters"),
    ],
)
def test_a_token_file_that_is_no_good(tmp_path: Path, text: str, mode: int, fault: str) -> None:
    path = file_with(tmp_path / "token", text, mode)
    with pytest.raises(MonitorFailed, match=fault):
        read_token(MonitorSettings(token_file=str(path)))


def test_the_token_shows_nowhere() -> None:
    secret = "0123456789abcdef"
    settings = configured(f"Monitor Port = 9105\n Monitor Token = {secret}")
    assert settings.token == secret.encode()
    assert secret not in repr(settings)
    client = f"Client {{ Name = c\n Monitor Token = {secret}\n}}\n"
    text = client + "Director { Name = d\n Password = p\n}\nMessages { Name = m }\n"
    assert secret not in repr(check(parse([Source("c", text.encode())])))

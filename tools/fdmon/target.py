"""Which feed to watch: from the command line, the environment, or the daemon's own configuration."""

import os
from argparse import Namespace
from pathlib import Path
from urllib.parse import urlsplit

from fdaemon.config.errors import ConfigError
from fdaemon.config.load import load
from fdaemon.daemon import monitor_settings
from fdaemon.monitor.settings import MonitorFailed, read_token
from fdmon.errors import MonitorError
from fdmon.source import Target

ENVIRONMENT_TOKEN = "FDMON_TOKEN"


def find_target(options: Namespace) -> Target:
    """The feed to watch. Raises MonitorError that says what is missing."""
    if options.feed is None:
        return _configured(options.config)
    token = _token(options.token_file)
    if options.feed.startswith(("ws://", "wss://")):
        parts = urlsplit(options.feed)
        try:
            port = parts.port
        except ValueError:
            port = None
        if not parts.hostname or port is None:
            raise MonitorError(f"{options.feed}: host and port are needed")
        tls = parts.scheme == "wss"
        return Target(token, parts.hostname, port, tls=tls, authority=options.ca or "")
    if "/" in options.feed:
        return Target(token, socket=options.feed)
    host, _colon, port_text = options.feed.rpartition(":")
    if not port_text.isdigit():
        raise MonitorError(
            f"{options.feed} is neither HOST:PORT, nor ws:// or wss:// URL, nor path of a socket"
        )
    return Target(
        token,
        host.strip("[]") or "127.0.0.1",
        int(port_text),
        tls=bool(options.ca),
        authority=options.ca or "",
    )


def _token(path: Path | None) -> str:
    if path is None:
        token = os.environ.get(ENVIRONMENT_TOKEN, "")
        if not token:
            raise MonitorError(f"a token is needed: --token-file, or the variable {ENVIRONMENT_TOKEN}")
        return token
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise MonitorError(f"{path}: {error}") from None


def _configured(path: str | None) -> Target:
    """What the daemon's configuration says; the socket first, because it needs no network."""
    try:
        settings = monitor_settings(load(path))
    except ConfigError as error:
        raise MonitorError(f"no feed was named, and the configuration cannot be used: {error}") from None
    if not settings.has_door:
        raise MonitorError("the configuration has neither Monitor Port nor Monitor Socket: the feed is off")
    if not settings.token and not Path(settings.token_file).exists():
        raise MonitorError(f"{settings.token_file} is not there yet: does the daemon run?")
    try:
        token = read_token(settings).decode()
    except MonitorFailed as error:
        raise MonitorError(str(error)) from None
    if settings.socket:
        return Target(token, socket=settings.socket)
    tls = bool(settings.certificate)
    return Target(token, settings.address, settings.port, tls=tls, authority=settings.certificate)

"""Reads the configuration again while the daemon runs (SIGHUP). Jobs that run keep what they began with."""

from dataclasses import fields, replace

import trio

from fdaemon.config.errors import ConfigError
from fdaemon.config.load import check, read
from fdaemon.config.resources import ClientResource, Configuration
from fdaemon.protocol.messages import MessageType
from fdaemon.session.keys import KeyRing, load_keys
from fdaemon.session.services import Services

_MONITOR = tuple(field.name for field in fields(ClientResource) if field.name.startswith("monitor_"))


async def load_again(services: Services) -> bool:
    """Take over the configuration as it is on disk now; False, and a message, when it cannot be used.

    The listening sockets and the monitor stay as they are until a restart.
    """
    old = services.configuration
    try:
        new, keys = await trio.to_thread.run_sync(_read, services.options.config_path, abandon_on_cancel=True)
    except (ConfigError, OSError, ValueError) as error:
        services.log(MessageType.ERROR, f"Reload: the configuration is not taken over: {_text(error)}\n")
        return False
    if old.client.addresses != new.client.addresses:
        services.log(MessageType.WARNING, "Reload: new listening addresses need a restart.\n")
        new = replace(new, client=replace(new.client, addresses=old.client.addresses))
    if any(getattr(old.client, name) != getattr(new.client, name) for name in _MONITOR):
        services.log(MessageType.WARNING, "Reload: new settings of the monitor need a restart.\n")
    for warning in new.warnings:
        services.log(MessageType.WARNING, f"Reload: {warning}\n")
    services.keys = keys
    services.configure(new)
    services.log(MessageType.INFO, f"Reload: {new.path} has been read again.\n")
    return True


def _read(path: str | None) -> tuple[Configuration, KeyRing | None]:
    configuration = check(read(path))
    return configuration, load_keys(configuration.client)


def _text(error: Exception) -> str:
    shown = error.report if isinstance(error, ConfigError) else str(error)
    return " ".join(shown.split())

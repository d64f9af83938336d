"""Reads the configuration again while the daemon runs (SIGHUP). Jobs that run keep what they began with."""

from dataclasses import fields, replace

import trio

from fdaemon.config.errors import ConfigError
from fdaemon.config.load import check, read
from fdaemon.config.resources import ClientResource, Configuration
from fdaemon.protocol.messages import MessageType
from fdaemon.session.keys import KeyRing, load_keys
from fdaemon.session.services import Services

_UNTIL_RESTART = {
    "listening addresses": ("addresses",),
    "settings of the monitor": tuple(
        field.name for field in fields(ClientResource) if field.name.startswith("monitor_")
    ),
}
"""Fields of the Client resource whose values stay as they were at the start."""


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
    for what, names in _UNTIL_RESTART.items():
        kept = {name: getattr(old.client, name) for name in names}
        if any(getattr(new.client, name) != value for name, value in kept.items()):
            services.log(MessageType.WARNING, f"Reload: new {what} need a restart.\n")
            new = replace(new, client=replace(new.client, **kept))
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

"""The Bareos configuration language for a File Daemon: files in, frozen resources out. It never listens."""

from fdaemon.config.errors import ConfigError, ConfigMissing, ResourceProblem
from fdaemon.config.load import load
from fdaemon.config.messages import Destination, MessageDestination, MessagesResource
from fdaemon.config.resources import ClientResource, Configuration, DirectorResource, TlsConfig

__all__ = [
    "ClientResource",
    "ConfigError",
    "ConfigMissing",
    "Configuration",
    "Destination",
    "DirectorResource",
    "MessageDestination",
    "MessagesResource",
    "ResourceProblem",
    "TlsConfig",
    "load",
]

"""From a `-c` argument to a checked configuration (page 06 sections 1 and 5.2). The door for other rooms."""

import os
from collections.abc import Mapping
from dataclasses import replace

from fdaemon.config import sources
from fdaemon.config.addresses import Resolver, resolve
from fdaemon.config.advice import advice
from fdaemon.config.errors import ResourceProblem
from fdaemon.config.lexer import Lexer, Source
from fdaemon.config.monitor import monitor_faults
from fdaemon.config.parse import Parser
from fdaemon.config.resources import Configuration, Resources
from fdaemon.config.stores import Surroundings


def load(path: str | None = None) -> Configuration:
    """Read, parse and check a configuration file or directory (None: the default directory).

    Raises ConfigError (its subclasses ConfigMissing and ResourceProblem included).
    """
    return check(read(path))


def read(path: str | None = None) -> Resources:
    """Read and parse without checking, as the export does. Raises ConfigError."""
    found = sources.find(path)
    return parse(sources.open_first(found), found, os.environ, resolve)


def parse(
    files: list[Source],
    path: str = "",
    environment: Mapping[str, str] | None = None,
    resolver: Resolver = resolve,
) -> Resources:
    """Parse sources in the given order; `path` is what messages call them together. Raises ConfigError."""
    lexer = Lexer(files, sources.open_sources)
    return Parser(lexer, Surroundings(environment or {}, resolver)).parse(path or files[0].name)


def check(resources: Resources) -> Configuration:
    """The rules over resources (core/src/filed/filed_utils.cc: CheckResources); raises ResourceProblem.

    What follows from other directives is set: encryption signs too.
    """
    path = resources.path
    faults: list[str] = []
    client = resources.clients[0] if resources.clients else None
    if client is None:
        faults.append(f"No File daemon resource defined in {path}\nWithout that I don't know who I am :-(\n")
    else:
        if client.pki_encryption:
            client = replace(client, pki_signatures=True)
        if len(resources.clients) > 1:
            faults.append(f"Only one Client resource permitted in {path}\n")
        if not resources.messages:
            faults.append(f"No Messages resource defined in {path}\n")
        if client.pki_signatures and not client.pki_keypair:
            faults.append(
                f'"PKI Key Pair" must be defined for File daemon "{client.name}" in {path} if either'
                ' "PKI Sign" or "PKI Encrypt" are enabled.\n'
            )
        elif client.pki_signatures and not faults:
            from fdaemon.config.pki import key_faults  # noqa: PLC0415 - a tenth of the start-up time

            faults += key_faults(client, path)
        faults += monitor_faults(client, path)
    if not resources.directors:
        faults.append(f"No Director resource defined in {path}\n")
    if faults or client is None:
        raise ResourceProblem(path, tuple(faults), client.name if client else "bareos-fd")
    warnings = (*resources.warnings, *advice(client, resources.directors, path))
    return Configuration(path, client, resources.directors, resources.messages, warnings)

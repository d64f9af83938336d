"""From a `-c` argument to a checked configuration (page 06 sections 1 and 5.2). The only door for other rooms."""

import os
from collections.abc import Mapping

from fdaemon.config import sources
from fdaemon.config.addresses import Resolver, resolve
from fdaemon.config.errors import ResourceProblem
from fdaemon.config.lexer import Lexer, Source
from fdaemon.config.parse import Parser
from fdaemon.config.pki import key_faults
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
    """The rules over all resources (core/src/filed/filed_utils.cc: CheckResources); raises ResourceProblem."""
    path = resources.path
    faults: list[str] = []
    name = "bareos-fd"
    if not resources.clients:
        faults.append(f"No File daemon resource defined in {path}\nWithout that I don't know who I am :-(\n")
    else:
        client = resources.clients[0]
        if len(resources.clients) > 1:
            faults.append(f"Only one Client resource permitted in {path}\n")
        name = client.name
        if not resources.messages:
            faults.append(f"No Messages resource defined in {path}\n")
        if client.pki_signatures or client.pki_encryption:
            if not client.pki_keypair:
                faults.append(
                    f'"PKI Key Pair" must be defined for File daemon "{name}" in {path} if either'
                    ' "PKI Sign" or "PKI Encrypt" are enabled.\n'
                )
            if not faults:
                faults += key_faults(client, path)
    if not resources.directors:
        faults.append(f"No Director resource defined in {path}\n")
    if faults:
        raise ResourceProblem(path, tuple(faults), name)
    return Configuration(
        path, resources.clients[0], resources.directors, resources.messages, resources.warnings
    )

"""The address directives: Port, Address, Addresses, SourceAddress as one growing list (page 06 section 4.5).

Names are resolved while the configuration is read, by the resolver that is passed in.
"""

import errno
import ipaddress
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

DEFAULT_PORT = 9102


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """One address to bind: `family` is AF_INET or AF_INET6, `host` numeric, `port` in host order."""

    family: int
    host: str
    port: int


ANY = {socket.AF_INET: "0.0.0.0", socket.AF_INET6: "::"}
DEFAULT_ADDRESSES = tuple(ListenAddress(family, host, DEFAULT_PORT) for family, host in ANY.items())

Resolver = Callable[[str, int], list[tuple[int, str]]]
"""(host, family or 0) -> (family, numeric address) pairs; OSError when the name has no address."""


class AddressFault(Exception):
    """The reason, in the words of the C++ daemon, why an address was not taken."""


def resolve(host: str, family: int) -> list[tuple[int, str]]:
    """Ask the system for the stream addresses of `host`, each once, in its order."""
    try:
        name = host.encode("utf-8", "surrogateescape")
        found = socket.getaddrinfo(name, None, family, socket.SOCK_STREAM)
    except UnicodeError as problem:
        raise OSError(errno.EINVAL, str(problem), host) from None
    return list(dict.fromkeys((int(item[0]), str(item[4][0])) for item in found if item[0] in ANY))


class Style(Enum):
    """How the entries of a list came in; the styles cannot be mixed."""

    DEFAULT = 0
    SINGLE = 1
    MULTIPLE = 2


@dataclass(slots=True)
class AddressList:
    """The list while a resource is being read; the defaults it starts with go with the first entry."""

    resolver: Resolver
    default_port: int = DEFAULT_PORT
    style: Style = Style.DEFAULT
    entries: list[ListenAddress] = field(default_factory=lambda: list(DEFAULT_ADDRESSES))

    def port(self, text: str) -> None:
        """`Port = text`: both families, or the port of an address that was named before."""
        number = self._port(text)
        if self.style is Style.SINGLE:
            first = self.entries[0]
            self.entries[0] = ListenAddress(first.family, first.host, number)
            return
        self._begin(Style.SINGLE)
        self.entries += [ListenAddress(family, host, number) for family, host in ANY.items()]

    def address(self, text: str) -> None:
        """`Address = text`: only this one; it keeps a port that was named before."""
        family = socket.AF_INET6 if ":" in text else socket.AF_INET
        self._begin(Style.SINGLE)
        number = self.entries[0].port if self.entries else self.default_port
        found, host = self._resolve(text, family)[0]
        self.entries = [ListenAddress(found, host, number)]

    def block(self, family: int, host: str, port: str) -> None:
        """One `ip = { … }` of `Addresses`: all addresses of the name; an empty host is any address."""
        self._begin(Style.MULTIPLE)
        number = self._port(port) if port else self.default_port
        pairs = self._resolve(host, family) if host else [(family, ANY[socket.AddressFamily(family)])]
        for found, numeric in pairs:
            entry = ListenAddress(found, numeric, number)
            if entry not in self.entries:
                self.entries.append(entry)

    def _begin(self, style: Style) -> None:
        if self.style is Style.DEFAULT:
            self.entries = []
            self.style = style
        elif self.style is not style:
            raise AddressFault("the old style addresses cannot be mixed with new style")

    def _resolve(self, host: str, family: int) -> list[tuple[int, str]]:
        """The addresses of a host; a numeric one is taken whatever family was asked for."""
        try:
            number = ipaddress.ip_address(host)
        except ValueError:
            pass
        else:
            return [(socket.AF_INET if number.version == 4 else socket.AF_INET6, str(number))]
        try:
            found = self.resolver(host, family)
        except OSError as problem:
            raise AddressFault(f"can't resolve hostname({host}) {problem.strerror or problem}") from None
        if not found:
            raise AddressFault(f"can't resolve hostname({host}) no address")
        return found

    @staticmethod
    def _port(text: str) -> int:
        """A port number (leading digits count) or the name of a TCP service."""
        digits = re.match(r"[ \t\n\v\f\r]*0*([0-9]{1,5})(?![0-9])", text)
        if digits and 0 < int(digits[1]) < 0xFFFF:
            return int(digits[1])
        try:
            return socket.getservbyname(text, "tcp")
        except (OSError, UnicodeError):
            raise AddressFault(f"can't resolve service({text})") from None

"""Which message type goes to which destination, as data (page 06 section 7). Nothing is sent here."""

from dataclasses import dataclass, field
from enum import Enum

TYPE_NAMES: dict[str, int] = {
    "abort": 1,
    "debug": 2,
    "fatal": 3,
    "error": 4,
    "warning": 5,
    "info": 6,
    "saved": 7,
    "notsaved": 8,
    "skipped": 9,
    "mount": 10,
    "terminate": 12,
    "restored": 13,
    "security": 14,
    "alert": 15,
    "volmgmt": 16,
    "audit": 17,
}
"""Names and numbers of the message types; 11 (error_term) has no name."""

ALL_TYPES = frozenset(range(1, 18))
ALWAYS_PASS = frozenset({1, 11})
"""ABORT and ERROR_TERM pass the early filter whatever is configured (page 06 section 7.3)."""


class Destination(Enum):
    """Kinds of destinations; the value is the code of the schema."""

    SYSLOG = 1
    MAIL = 2
    FILE = 3
    APPEND = 4
    STDOUT = 5
    STDERR = 6
    DIRECTOR = 7
    OPERATOR = 8
    CONSOLE = 9
    MAIL_ON_ERROR = 10
    MAIL_ON_SUCCESS = 11
    CATALOG = 12

    @property
    def keyword(self) -> str:
        """The directive as it is exported: lower case, no blanks."""
        return self.name.lower().replace("_", "")

    @property
    def is_named(self) -> bool:
        """True where the export shows `where` (a path, addresses, a Director name)."""
        return self not in (
            Destination.SYSLOG,
            Destination.STDOUT,
            Destination.STDERR,
            Destination.CONSOLE,
            Destination.CATALOG,
        )


@dataclass(frozen=True, slots=True)
class MessageDestination:
    """One place messages go to.

    `where` is the path (file, append), the syslog facility, or names separated by blanks; `types` are message
    type numbers; `command` belongs to the mail and operator kinds; an empty `timestamp_format` means the
    daemon's own.
    """

    kind: Destination
    where: str
    types: frozenset[int]
    command: str = ""
    timestamp_format: str = ""


@dataclass(frozen=True, slots=True)
class MessagesResource:
    """A Messages resource. `accepted`: every type ever added to a destination; others are dropped at once."""

    name: str
    description: str = ""
    mail_command: str = ""
    operator_command: str = ""
    timestamp_format: str = ""
    destinations: tuple[MessageDestination, ...] = ()
    accepted: frozenset[int] = frozenset()

    def accepts(self, message_type: int) -> bool:
        """False for a type that the early filter drops, before it fails or counts anything (section 7.3)."""
        return message_type in self.accepted or message_type in ALWAYS_PASS

    def destinations_for(self, message_type: int) -> tuple[MessageDestination, ...]:
        """The destinations of a message of this type, in the order of definition."""
        if not self.accepts(message_type):
            return ()
        return tuple(destination for destination in self.destinations if message_type in destination.types)


@dataclass(slots=True)
class _Link:
    kind: Destination
    where: str
    command: str
    timestamp_format: str
    types: set[int] = field(default_factory=set)


@dataclass(slots=True)
class DestinationChain:
    """The destinations while a Messages resource is being read."""

    links: list[_Link] = field(default_factory=list)
    accepted: set[int] = field(default_factory=set)

    def add(self, kind: Destination, where: str, types: set[int], command: str, timestamp: str) -> None:
        """Add types to the last destination of this kind and place, or to a new one."""
        link = next((link for link in reversed(self.links) if (link.kind, link.where) == (kind, where)), None)
        if link is None:
            link = _Link(kind, where, command, timestamp)
            self.links.append(link)
        link.types |= types
        self.accepted |= types

    def remove(self, kind: Destination, where: str, message_type: int) -> None:
        """Take a type away from the first destination of this kind and place that has it."""
        for link in self.links:
            if (link.kind, link.where) == (kind, where) and message_type in link.types:
                link.types.discard(message_type)
                return

    def frozen(self) -> tuple[MessageDestination, ...]:
        """The destinations as values."""
        return tuple(
            MessageDestination(
                link.kind, link.where, frozenset(link.types), link.command, link.timestamp_format
            )
            for link in self.links
        )


def types_text(types: frozenset[int]) -> str:
    """A set of types as the export writes it: names, or `all,!name` when most are set (section 8.4)."""
    have = [name for name, number in TYPE_NAMES.items() if number in types]
    lack = [f"!{name}" for name, number in TYPE_NAMES.items() if number not in types]
    return ",".join(["all", *lack] if len(have) > len(lack) else have)

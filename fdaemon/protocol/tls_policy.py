"""TLS policy numbers, the choice of TLS after authentication, PSK identities. Opens no connection."""

from dataclasses import dataclass
from enum import Enum, IntEnum, auto

RECORD_SEPARATOR = b"\x1e"
"""Between the resource type and the name (core/src/lib/ascii_control_characters.h)."""
PLACEHOLDER_KEY = b"dummy"
"""The session key of jobs that need no Storage daemon; never a valid PSK (protocol/01 section 5.3)."""
REFUSED_TEXT = b"Tls handshake failed.\n"
"""Fatal job message when the two policies do not fit (protocol/01 section 5.6)."""


class Policy(IntEnum):
    """The numbers behind `ssl=` (core/src/lib/tls_conf.h)."""

    NONE = 0
    ENABLED = 1
    REQUIRED = 2
    AUTO = 4
    UNKNOWN = 254
    DENY = 255


def policy_of(*, enable: bool, require: bool) -> Policy:
    """The policy of a resource (core/src/lib/tls_conf.cc: GetPolicy, as since release 23)."""
    if not enable:
        return Policy.NONE
    return Policy.REQUIRED if require else Policy.ENABLED


class Selection(Enum):
    """What follows CRAM-MD5 when TLS is not up yet."""

    CLEAR = auto()
    TLS = auto()
    REFUSE = auto()


def select(own: int, peer: int | None) -> Selection:
    """Late TLS or not; `peer` is the number after `ssl=`, None when missing (protocol/01 section 5.6)."""
    if peer == Policy.NONE:
        return Selection.REFUSE if own == Policy.REQUIRED else Selection.CLEAR
    if own == Policy.NONE and peer == Policy.ENABLED:
        return Selection.CLEAR
    if own == Policy.NONE and peer == Policy.REQUIRED:
        return Selection.REFUSE
    return Selection.TLS


class IdentityKind(Enum):
    """Resource type words of PSK identities that this project uses."""

    DIRECTOR = b"R_DIRECTOR"
    JOB = b"R_JOB"
    CLIENT = b"R_CLIENT"
    CONSOLE = b"R_CONSOLE"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a TLS-PSK peer says it is; `name` has real spaces and the bytes of the configuration."""

    kind: IdentityKind
    name: bytes

    def encode(self) -> bytes:
        """The wire form: type, 0x1E, name."""
        return self.kind.value + RECORD_SEPARATOR + self.name


def parse_identity(identity: bytes | str) -> Identity | None:
    """The identity that a File daemon accepts as TLS server, or None.

    Only the exact types R_DIRECTOR and R_JOB with a name count; fields after the name are ignored as in C++
    (protocol/01 section 5.3). A `str` is what Python's ssl module hands to its callback.
    """
    raw = identity.encode("utf-8", "surrogateescape") if isinstance(identity, str) else identity
    word, *names = raw.split(RECORD_SEPARATOR)
    if not names or not names[0]:
        return None
    for kind in (IdentityKind.DIRECTOR, IdentityKind.JOB):
        if word == kind.value:
            return Identity(kind, names[0])
    return None


def usable_session_key(key: bytes) -> bool:
    """False for the wiped (empty) key and for the placeholder: neither may open a TLS session."""
    return key not in (b"", PLACEHOLDER_KEY)

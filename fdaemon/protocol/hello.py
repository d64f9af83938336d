"""Who is calling: the first bytes of a connection, all hello lines and the greetings. Decides, never answers.

Source: protocol/01 sections 4.2, 4.3 and 7.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto

from fdaemon.errors import RemoteProtocolError
from fdaemon.protocol.tls_policy import Identity, IdentityKind, Policy
from fdaemon.wire.scan import Scanner
from fdaemon.wire.text import bash, c_string, unbash

PROTOCOL_VERSION = 54
GREETING = b"2000 OK Hello 54\n"
"""What an authenticated Director gets (protocol/01 section 7.3)."""
FIRST_BYTES = 10
"""Bytes needed to tell a clear-text hello from TLS: the length word and `Hello `."""
REFUSAL_DELAY = 6.0
"""Seconds before a refused Director or Storage daemon is hung up on, one at a time for the whole daemon
(core/src/filed/authenticate.cc: delay)."""
CONNECTION_DELAY = 5.0
"""Seconds before a connection without a usable hello is hung up on (core/src/filed/socket_server.cc)."""
RETRY_DELAY = 60.0
"""Seconds between two attempts to reach a Director (protocol/01 section 8.3)."""


class FirstBytes(Enum):
    """What a connection starts with."""

    UNDECIDED = auto()
    CLEARTEXT = auto()
    TLS = auto()


def classify(peeked: bytes) -> FirstBytes:
    """Clear text or TLS, from the first bytes of a connection (peeked at, not consumed).

    Fewer than ten bytes leave it open: the C++ daemon refuses such a peer, and to wait for more is the improvement
    that protocol/01 section 4.2 allows.
    """
    if len(peeked) >= FIRST_BYTES:
        return FirstBytes.CLEARTEXT if peeked[4:10] == b"Hello " else FirstBytes.TLS
    return FirstBytes.UNDECIDED


class Caller(Enum):
    """Who says hello."""

    DIRECTOR = auto()
    STORAGE_FOR_JOB = auto()
    STORAGE_TO_STORAGE = auto()
    CLIENT_FOR_JOB = auto()
    STORAGE = auto()
    CLIENT = auto()
    CONSOLE = auto()

    @property
    def is_job(self) -> bool:
        """The name is that of a job."""
        return self in (Caller.STORAGE_FOR_JOB, Caller.STORAGE_TO_STORAGE, Caller.CLIENT_FOR_JOB)


@dataclass(frozen=True, slots=True)
class Hello:
    """A parsed hello. `release`: 26-style version; `protocol`: an FD's number; `console`: its version."""

    caller: Caller
    name: bytes
    release: tuple[int, int, int] | None = None
    protocol: int | None = None
    console: bytes | None = None

    def encode(self) -> bytes:
        """The wire form, with a version only where one is set."""
        match self.caller:
            case Caller.DIRECTOR:
                line = b"Hello Director %b calling" % bash(self.name)
            case Caller.STORAGE_FOR_JOB:
                line = b"Hello Storage calling Start Job %b" % self.name
            case Caller.STORAGE_TO_STORAGE:
                line = b"Hello Start Storage Job %b" % self.name
            case Caller.CLIENT_FOR_JOB:
                line = b"Hello Start Job %b" % self.name
            case Caller.STORAGE:
                line = b"Hello Storage %b" % bash(self.name)
            case Caller.CLIENT:
                protocol = b"" if self.protocol is None else b" FdProtocolVersion=%d" % self.protocol
                line = b"Hello Client %b%b calling" % (self.name, protocol)
            case Caller.CONSOLE:
                console = b"" if self.console is None else b" version %b" % self.console
                line = b"Hello %b calling%b" % (bash(self.name), console)
        release = b"" if self.release is None else b' Version="%d.%d.%d"' % self.release
        return line + release + b"\n"


_NAME = rb"(?P<name>\S+)"
_FORMS = (
    (Caller.STORAGE_FOR_JOB, re.compile(rb"Hello Storage calling Start Job " + _NAME)),
    (Caller.STORAGE_TO_STORAGE, re.compile(rb"Hello Start Storage Job " + _NAME)),
    (Caller.CLIENT_FOR_JOB, re.compile(rb"Hello Start Job " + _NAME)),
    (Caller.DIRECTOR, re.compile(rb"Hello Director " + _NAME + rb" calling")),
    (Caller.STORAGE, re.compile(rb"Hello Storage " + _NAME)),
    (
        Caller.CLIENT,
        re.compile(rb"Hello Client " + _NAME + rb"(?: FdProtocolVersion=(?P<protocol>\d{1,9}))? calling"),
    ),
    (Caller.CONSOLE, re.compile(rb"Hello " + _NAME + rb" calling(?: version (?P<console>\S+))?")),
)
_RELEASE = re.compile(rb' Version="(\d{1,9})\.(\d{1,9})\.(\d{1,9})"')


def parse_hello(packet: bytes) -> Hello:
    """Any hello of releases 18.2 to 26, trailing text ignored; RemoteProtocolError for anything else."""
    line = c_string(packet)
    for caller, form in _FORMS:
        match = form.match(line)
        if match is None:
            continue
        fields = match.groupdict()
        name = match["name"] if caller.is_job or caller is Caller.CLIENT else unbash(match["name"])
        version = _RELEASE.match(line, match.end())
        release = (int(version[1]), int(version[2]), int(version[3])) if version is not None else None
        protocol = fields.get("protocol")
        return Hello(
            caller, name, release, None if protocol is None else int(protocol), fields.get("console")
        )
    raise RemoteProtocolError(f"not a hello: {line[:80]!r}")


def cleartext_hello(peeked: bytes) -> Hello | None:
    """The caller of a clear-text connection from its first bytes (length word included), or None to refuse
    it.

    Unlike `parse_hello` the line may be incomplete; only the name is needed (protocol/01 section 4.3).
    """
    line = c_string(peeked[4:255])
    for prefix, caller, word in _CLEARTEXT:
        if not line.startswith(prefix):
            continue
        words = line.split(b" ")
        if len(words) <= word or not words[word].strip(b"\n"):
            return None
        return Hello(caller, unbash(words[word].replace(b"\n", b"")))
    return None


_CLEARTEXT = (
    (b"Hello Storage calling Start Job", Caller.STORAGE_FOR_JOB, 5),
    (b"Hello Start Storage Job", Caller.STORAGE_TO_STORAGE, 4),
    (b"Hello Start Job", Caller.CLIENT_FOR_JOB, 3),
    (b"Hello Director", Caller.DIRECTOR, 2),
    (b"Hello Storage", Caller.STORAGE, 2),
    (b"Hello Client", Caller.CLIENT, 2),
    (b"Hello", Caller.CONSOLE, 1),
)


def cleartext_allowed(caller: Caller, policy: int | None) -> bool:
    """Whether `caller` is served without TLS; `policy` is that of its resource or job, None if unknown."""
    if policy is None:
        return False
    if caller is Caller.CLIENT:
        return policy != Policy.REQUIRED
    return policy == Policy.NONE


def identity_matches(identity: Identity, hello: Hello) -> bool:
    """Whether the PSK identity is the caller of the hello, as release 26 checks (protocol/01 section 7.4)."""
    if identity.name != hello.name:
        return False
    match identity.kind:
        case IdentityKind.DIRECTOR:
            return hello.caller is Caller.DIRECTOR
        case IdentityKind.JOB:
            return hello.caller.is_job
        case IdentityKind.CLIENT:
            return hello.caller is Caller.CLIENT
        case IdentityKind.CONSOLE:
            return hello.caller is Caller.CONSOLE


_DIRECTOR = Scanner("Hello Director %s calling")
_STORAGE = Scanner("Hello Storage calling Start Job %127s")


def director_name(packet: bytes, address: bytes) -> bytes:
    """The Director's name in its hello; RemoteProtocolError carries the fatal text of the C++ daemon."""
    if not 25 <= len(packet) <= 500:
        text = b"Bad Hello command from Director at %b. Len=%d.\n" % (address, len(packet))
        raise RemoteProtocolError("hello of impossible length", fatal=text)
    values = _DIRECTOR.scan(packet)
    if values is None or not isinstance(values[0], bytes):
        text = b"Bad Hello command from Director at %b: %b\n" % (address, c_string(packet)[:100])
        raise RemoteProtocolError("hello does not scan", fatal=text)
    return unbash(values[0])


def unknown_director(name: bytes, address: bytes) -> bytes:
    """Fatal text for a Director without a resource."""
    return b"Connection from unknown Director %b at %b rejected.\n" % (name, address)


def director_not_wanted(name: bytes) -> bytes:
    """Fatal text when `Connection From Director To Client` is off."""
    return b"Connection from Director %b rejected.\n" % name


def unable_to_authenticate_director(name: bytes) -> bytes:
    """Fatal text after a failed CRAM-MD5."""
    return b"Unable to authenticate Director %b.\n" % name


def storage_job(packet: bytes, address: bytes) -> bytes:
    """The job name in a passive Storage daemon's hello; RemoteProtocolError carries the daemon message."""
    if not 25 <= len(packet) <= 256:
        text = b"Invalid connection from %b. Len=%d\n" % (address, len(packet))
        raise RemoteProtocolError("hello of impossible length", fatal=text)
    values = _STORAGE.scan(packet)
    if values is None or not isinstance(values[0], bytes):
        text = b"Bad Hello command from Director at %b: %b\n" % (address, c_string(packet)[:100])
        raise RemoteProtocolError("hello does not scan", fatal=text)
    return values[0]


def storage_hello(job: bytes) -> bytes:
    """What a File daemon says to a Storage daemon."""
    return Hello(Caller.CLIENT_FOR_JOB, job).encode()


def client_hello(name: bytes) -> bytes:
    """What a File daemon says to a Director it has dialled; the name is not bashed."""
    return Hello(Caller.CLIENT, name, protocol=PROTOCOL_VERSION).encode()


def is_director_greeting(packet: bytes) -> bool:
    """Whether a Director that we dialled has accepted us (`1000 OK: …`)."""
    return packet.startswith(b"1000 OK")

"""CRAM-MD5, both ways: challenges, answers and the two sides of the exchange. Moves no packet, waits for
nothing.

Time and randomness are arguments; the waits of the protocol are data for the driver. Source: protocol/01
section 6.
"""

import hashlib
import hmac
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from enum import Enum, auto

from fdaemon.errors import FdaemonError, LocalProtocolError
from fdaemon.wire.numbers import base64_bareos, base64_standard
from fdaemon.wire.scan import Scanner
from fdaemon.wire.text import bash, c_string

OK = b"1000 OK auth\n"
FAILED = b"1999 Authorization failed.\n"
ERROR_DELAY = 5.0
"""Seconds a side waits after a failed step (core/src/lib/bsock.cc: sleep_time_after_authentication_error)."""
STEP_TIMEOUT = 180.0
"""Seconds to wait for a response or a result (core/src/lib/cram_md5.cc)."""
TOTAL_TIMEOUT = 600.0
"""Seconds for the whole exchange (core/src/include/baconfig.h: AUTH_TIMEOUT)."""

_FORMS = (
    (Scanner("auth cram-md5c %s ssl=%d"), True),
    (Scanner("auth cram-md5 %s ssl=%d"), False),
    (Scanner("auth cram-md5 %s"), False),
)
_TEXT = Scanner("<%u.%u@%s")


class Reason(Enum):
    """Why an exchange failed; each has its job message (protocol/01 section 6.5)."""

    NETWORK = auto()
    HASH = auto()
    FORMAT = auto()
    REPLAY = auto()


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed exchange. The driver sends what `receive` returned, waits `delay_before` seconds, issues the
    message, sends FAILED, waits `delay_after` seconds, and goes on to its own refusal.
    """

    reason: Reason
    delay_before: float = 0.0
    delay_after: float = ERROR_DELAY

    def message(self, address: bytes) -> bytes:
        """Text of the fatal job message; `address` is the peer's IP address."""
        match self.reason:
            case Reason.NETWORK:
                return b"Network error during CRAM MD5 with %b\n" % address
            case Reason.HASH:
                return b"Authorization key rejected by %b.\n" % address
            case Reason.FORMAT:
                return b"Wrong format of the CRAM challenge with %b.\n" % address
            case Reason.REPLAY:
                return (
                    b"Warning! Attack detected: I will not answer to my own challenge. "
                    b"Please check integrity of the host at IP address: %b\n" % address
                )


CANCELED_TEXT = b"TwoWayAuthenticate failed, because job was canceled.\n"
RESET_TEXT = b"TwoWayAuthenticate failed, because connection was reset by destination peer.\n"


class ChallengeError(FdaemonError):
    """A challenge that must not be answered; `failure` says what to do."""

    def __init__(self, failure: Failure, replies: tuple[bytes, ...] = ()) -> None:
        super().__init__(f"bad challenge: {failure.reason.name}")
        self.failure = failure
        self.replies = replies


@dataclass(frozen=True, slots=True)
class Challenge:
    """A parsed challenge. `text` is what is hashed, brackets included; `policy` None without `ssl=`."""

    text: bytes
    policy: int | None
    standard: bool

    @property
    def name(self) -> bytes:
        """The bashed qualified name of the challenger."""
        values = _TEXT.scan(self.text)
        return bytes(values[2])[:-1] if values is not None and isinstance(values[2], bytes) else b""


def password_key(password: bytes) -> bytes:
    """The key made of a configured password: lower-case hex MD5, or the digits after `[md5]` as written."""
    if password.startswith(b"[md5]"):
        return password[5:]
    return hashlib.md5(password, usedforsecurity=False).hexdigest().encode()


def challenge_text(nonce: int, now: int, qualified_name: bytes) -> bytes:
    """`<R.T@NAME>`: `nonce` any non-negative random number, `now` Unix seconds, the name with its spaces."""
    return b"<%d.%d@%b>" % (nonce, now, bash(qualified_name))


def make_challenge(text: bytes, policy: int) -> bytes:
    """The packet that carries a challenge text."""
    return b"auth cram-md5 %b ssl=%d\n" % (text, policy)


def parse_challenge(packet: bytes) -> Challenge:
    """A challenge packet of any accepted form; raises ChallengeError (format) for anything else."""
    for scanner, standard in _FORMS:
        values = scanner.scan(packet)
        if values is None:
            continue
        text = values[0]
        assert isinstance(text, bytes)
        policy = int(values[1]) if len(values) > 1 else None
        parts = _TEXT.scan(text)
        if parts is None or not isinstance(parts[2], bytes) or len(parts[2]) < 2:
            raise ChallengeError(Failure(Reason.FORMAT))
        return Challenge(text, policy, standard)
    raise ChallengeError(Failure(Reason.FORMAT, delay_before=ERROR_DELAY), (FAILED,))


def is_replay(challenge: Challenge, own_name: bytes) -> bool:
    """True when a peer hands us a challenge that carries our own qualified name (CVE-2020-4042)."""
    return challenge.name == bash(own_name) and b"R_STORAGE" not in challenge.text


def answer(challenge: Challenge, key: bytes) -> bytes:
    """The answer packet: 22 base-64 characters and a NUL, in the notation the challenge asked for."""
    digest = hmac.digest(key, challenge.text, "md5")
    return (base64_standard(digest) if challenge.standard else base64_bareos(digest)) + b"\0"


def is_answer(packet: bytes, text: bytes, key: bytes) -> bool:
    """Whether `packet` answers the challenge `text`, in either notation, compared in constant time."""
    digest = hmac.digest(key, text, "md5")
    got = c_string(packet)
    plain = hmac.compare_digest(got, base64_standard(digest))
    bareos = hmac.compare_digest(got, base64_bareos(digest))
    return plain or bareos


class _Step(Enum):
    ANSWER = auto()
    CHALLENGE = auto()
    RESULT = auto()
    DONE = auto()


@dataclass(slots=True)
class _Exchange(ABC):
    """What both sides share: prove the peer's knowledge of the key, and our own.

    `name` is our qualified name (`R_CLIENT::fd`), `policy` our number behind `ssl=`.
    """

    key: bytes = field(repr=False)
    name: bytes
    policy: int
    nonce: int
    now: int
    peer_policy: int | None = field(default=None, init=False)
    failure: Failure | None = field(default=None, init=False)
    _step: _Step = field(default=_Step.DONE, init=False)

    @property
    def done(self) -> bool:
        """Both sides have proved themselves; `peer_policy` is what the peer sent behind `ssl=`."""
        return self._step is _Step.DONE and self.failure is None

    @property
    def _own_text(self) -> bytes:
        return challenge_text(self.nonce, self.now, self.name)

    def receive(self, packet: bytes | int) -> list[bytes]:
        """Take the peer's packet or signal, return the packets to send; then look at `done` and `failure`."""
        if self.failure is not None or self._step is _Step.DONE:
            raise LocalProtocolError("the CRAM-MD5 exchange is over")
        if isinstance(packet, int) or not packet:
            return self._fail(Failure(Reason.NETWORK, delay_before=ERROR_DELAY))
        match self._step:
            case _Step.ANSWER:
                if not is_answer(packet, self._own_text, self.key):
                    return self._fail(Failure(Reason.HASH, delay_before=ERROR_DELAY), FAILED)
                return self._proved()
            case _Step.CHALLENGE:
                return self._challenged(packet)
            case _Step.RESULT:
                if c_string(packet) != OK:
                    return self._fail(Failure(Reason.HASH, delay_before=ERROR_DELAY))
                return self._accepted()

    def lost(self) -> None:
        """The connection broke or a time limit passed: the exchange fails for a network reason."""
        self._fail(Failure(Reason.NETWORK, delay_before=ERROR_DELAY))

    def _challenged(self, packet: bytes) -> list[bytes]:
        try:
            challenge = parse_challenge(packet)
        except ChallengeError as error:
            return self._fail(error.failure, *error.replies)
        if is_replay(challenge, self.name):
            return self._fail(Failure(Reason.REPLAY))
        self.peer_policy = challenge.policy
        self._step = _Step.RESULT
        return [answer(challenge, self.key)]

    def _fail(self, failure: Failure, *replies: bytes) -> list[bytes]:
        self.failure = failure
        return list(replies)

    @abstractmethod
    def _proved(self) -> list[bytes]: ...

    @abstractmethod
    def _accepted(self) -> list[bytes]: ...


class Acceptor(_Exchange):
    """The side that accepted the connection: it challenges first."""

    def start(self) -> bytes:
        """The first packet of the exchange, ours."""
        self._step = _Step.ANSWER
        return make_challenge(self._own_text, self.policy)

    def _proved(self) -> list[bytes]:
        self._step = _Step.CHALLENGE
        return [OK]

    def _accepted(self) -> list[bytes]:
        self._step = _Step.DONE
        return []


class Initiator(_Exchange):
    """The side that dialled and said hello: it answers first."""

    def start(self) -> None:
        """Nothing to send: the acceptor challenges first."""
        self._step = _Step.CHALLENGE

    def _accepted(self) -> list[bytes]:
        self._step = _Step.ANSWER
        return [make_challenge(self._own_text, self.policy)]

    def _proved(self) -> list[bytes]:
        self._step = _Step.DONE
        return [OK]

"""Steps of the CRAM-MD5 exchange, one packet at a time, right and wrong (protocol/01 §6)."""

import re
from dataclasses import dataclass
from typing import Final

import trio

from fdconform.expect import CLOSED, Like, shown
from fdconform.profiles import Director
from fdconform.stage import Stage
from fdconform.talk import GREETING, PATIENCE, Hear, Say, judge
from fdconform.verdicts import Verdict
from fdpeers import cram
from fdpeers.cram import password_key

CHALLENGE: Final = Like(rb"auth cram-md5c? <\d+\.\d+@R_CLIENT::{client}> ssl=[0124]\n")
"""The daemon's own challenge."""
OK: Final = cram.OK
REFUSED: Final = cram.REFUSED
FAILED: Final = b"2999 Authentication failed.\n"
_TEXT: Final = re.compile(rb"auth cram-md5c? (<[^\s]*>)")


def _key(stage: Stage, on: str, key: bytes | None) -> bytes:
    director: Director = stage.line(on).director
    return password_key(director.password) if key is None else stage.fill(key)


def _answers(text: bytes, key: bytes) -> dict[str, bytes]:
    """The answer in both notations, without the NUL."""
    bareos = cram.answer(b"auth cram-md5 %b" % text, key)
    standard = cram.answer(b"auth cram-md5c %b" % text, key)
    return {"bareos": bareos.rstrip(b"\0"), "standard": standard.rstrip(b"\0")}


@dataclass(frozen=True, slots=True)
class Asked:
    """Say hello and hear the daemon's challenge, which is kept under the name `challenge`."""

    hello: bytes | None = None
    on: str = "dir"
    policy: bytes | None = None

    async def play(self, stage: Stage) -> None:
        director = stage.line(self.on).director
        name = director.name.replace(" ", "\x01").encode()
        await Say(self.hello or b"Hello Director %b calling\n" % name, self.on).play(stage)
        await Hear(CHALLENGE, on=self.on, raw=True).play(stage)
        packet = stage.heard[-1]
        found = _TEXT.match(packet)
        assert found is not None
        stage.names["challenge"] = found[1]
        if self.policy is not None and not packet.endswith(b" ssl=%b\n" % self.policy):
            raise stage.fail(f"wanted ssl={self.policy.decode()}, got {shown(packet)}")


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer the daemon's challenge. `notation` of the base64; `key` in the place of the Director's; `tail` what
    follows the 22 characters. The answer is kept under the name `called`."""

    notation: str = "bareos"
    key: bytes | None = None
    tail: bytes = b"\0"
    on: str = "dir"
    called: str = "answer"

    async def play(self, stage: Stage) -> None:
        text = stage.names["challenge"]
        answer = _answers(text, _key(stage, self.on, self.key))[self.notation]
        stage.names[self.called] = answer
        await Say(answer + self.tail, self.on).play(stage)


@dataclass(frozen=True, slots=True)
class Challenge:
    """Challenge the daemon with `packet`, in which `<…>` is the text, and judge its answer. `notation` is the one it
    must have; the answer has 22 characters and a NUL."""

    packet: bytes = b"auth cram-md5 <1804289383.1700000000@R_DIRECTOR::conform> ssl=0\n"
    notation: str = "bareos"
    key: bytes | None = None
    on: str = "dir"

    async def play(self, stage: Stage) -> None:
        await Say(self.packet, self.on).play(stage)
        found = _TEXT.match(stage.fill(self.packet))
        assert found is not None
        right = _answers(found[1], _key(stage, self.on, self.key))[self.notation]
        got = await stage.hear(self.on, PATIENCE, raw=True)
        judge(stage, got, right + b"\0", (right,))


@dataclass(frozen=True, slots=True)
class Proved:
    """Both sides have proved themselves: consent, and the greeting."""

    consent: bytes = OK
    on: str = "dir"

    async def play(self, stage: Stage) -> None:
        await Say(self.consent, self.on).play(stage)
        await Hear(GREETING, on=self.on, raw=True).play(stage)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a Director that is refused hears: in this order and nothing else, each not before its time in seconds.
    Texts (not the replies that begin with a digit) may be missing or worded in another way: NON-STRICT. The end of
    the connection is waited for if `end` says when it may come at the earliest, and at the latest."""

    said: tuple[tuple[float, bytes | Like], ...]
    end: tuple[float, float] | None = None
    on: str = "dir"

    async def play(self, stage: Stage) -> None:
        began = trio.current_time()
        for earliest, wanted in self.said:
            got = await stage.hear(self.on, 8, raw=True)
            if isinstance(wanted, Like) and not (isinstance(got, bytes) and not got[:1].isdigit()):
                raise stage.fail(f"wanted {shown(wanted)}, got {shown(got)}")
            judge(stage, got, wanted, (Like(rb"\D.*"),) if isinstance(wanted, Like) else ())
            self._in_time(stage, began, earliest, shown(got))
        if self.end is None:
            return
        earliest, latest = self.end
        got = await stage.hear(self.on, latest - (trio.current_time() - began), raw=True)
        if got == -4:
            stage.note(Verdict.NON_STRICT, "TERMINATE comes before the end of the connection")
            got = await stage.hear(self.on, 5, raw=True)
        judge(stage, got, CLOSED)
        self._in_time(stage, began, earliest, "the end of the connection")

    def _in_time(self, stage: Stage, began: float, earliest: float, what: str) -> None:
        seconds = trio.current_time() - began
        if seconds < earliest:
            stage.note(Verdict.NON_STRICT, f"after {seconds:.1f} s came {what}, before {earliest:g} s")


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """The whole exchange as most Directors have it, on a connection that stands."""

    hello: bytes | None = None
    on: str = "dir"

    async def play(self, stage: Stage) -> None:
        await Asked(self.hello, self.on).play(stage)
        await Answer(on=self.on).play(stage)
        await Hear(OK, on=self.on, raw=True).play(stage)
        await Challenge(on=self.on).play(stage)
        await Proved(on=self.on).play(stage)

"""Steps on the control connection: dial, log in, say, hear, hang up."""

import struct
from contextlib import suppress
from dataclasses import dataclass

import trio

from fdconform.case import Step
from fdconform.expect import CLOSED, Got, Like, Wanted, meets, shown
from fdconform.profiles import Director
from fdconform.stage import Line, Stage
from fdconform.verdicts import CaseOver, Verdict
from fdpeers.cram import password_key
from fdpeers.errors import AuthenticationFailed, LinkClosed, PeersError
from fdpeers.link import TERMINATE, challenge, respond

PATIENCE = 10.0
"""Seconds to wait for something that is due at once."""
GREETING = Like(rb"2000 OK Hello \d+\n")


def director_of(stage: Stage, role: str) -> Director:
    """The Director that plays `role` for this daemon. Raises CaseOver (skipped) if it knows none."""
    try:
        return stage.subject.directors[role]
    except KeyError:
        raise CaseOver(Verdict.SKIPPED, f"no Director plays {role!r} here") from None


@dataclass(frozen=True, slots=True)
class Dial:
    """Open a connection and say nothing. `tls` None: as the role does it. `name` and `password` in the place of
    the role's own; `refused`: TLS must not come about."""

    role: str = "clear"
    on: str = "dir"
    tls: bool | None = None
    name: str | None = None
    password: str | None = None
    refused: bool = False

    async def play(self, stage: Stage) -> None:
        known = director_of(stage, self.role)
        director = Director(
            self.name if self.name is not None else known.name,
            self.password if self.password is not None else known.password,
            known.tls if self.tls is None else self.tls,
        )
        try:
            await stage.open(self.on, director, tls=director.tls)
        except PeersError as error:
            if self.refused:
                return
            raise stage.fail(f"cannot connect: {error}") from error
        if self.refused:
            raise stage.fail("the TLS handshake came about")


@dataclass(frozen=True, slots=True)
class Login:
    """Connect as the Director of this role, up to its greeting, which must have the right form."""

    role: str = "tls"
    on: str = "dir"

    async def play(self, stage: Stage) -> None:
        await Dial(self.role, self.on).play(stage)
        await Introduce(on=self.on).play(stage)


@dataclass(frozen=True, slots=True)
class Introduce:
    """Hello, both challenges and the greeting, on a connection that stands. `hello` in the place of the usual one."""

    hello: bytes | None = None
    on: str = "dir"
    greeting: Wanted = GREETING

    async def play(self, stage: Stage) -> None:
        line = stage.line(self.on)
        director = line.director
        name = director.name.replace(" ", "\x01").encode()
        hello = b"Hello Director %s calling\n" % name if self.hello is None else stage.fill(self.hello)
        key = password_key(director.password)
        try:
            with trio.fail_after(PATIENCE):
                await line.link.send(hello)
                await respond(line.link, key)
                await challenge(
                    line.link,
                    b"R_DIRECTOR::" + director.name.encode(),
                    key,
                    policy=4 if director.tls else 0,
                    compatible=False,
                )
        except (AuthenticationFailed, LinkClosed, trio.TooSlowError) as error:
            raise stage.fail(f"login failed: {error or 'no answer'}") from error
        await Hear(self.greeting, on=self.on, raw=True).play(stage)
        line.greeting = stage.heard[-1]


@dataclass(frozen=True, slots=True)
class Say:
    """Send one packet."""

    text: bytes
    on: str = "dir"

    async def play(self, stage: Stage) -> None:
        await _send(stage, self.on, struct.pack(">i", len(filled := stage.fill(self.text))) + filled)


@dataclass(frozen=True, slots=True)
class SayRaw:
    """Send bytes as they are, framed or not, in pieces of `cut` bytes with a pause of `pause` seconds between."""

    data: bytes
    on: str = "dir"
    cut: int = 0
    pause: float = 0.0

    async def play(self, stage: Stage) -> None:
        size = self.cut or max(1, len(self.data))
        for at in range(0, len(self.data), size):
            await _send(stage, self.on, self.data[at : at + size])
            if self.pause:
                await trio.sleep(self.pause)


@dataclass(frozen=True, slots=True)
class SaySignal:
    """Send a bare signal."""

    number: int
    on: str = "dir"

    async def play(self, stage: Stage) -> None:
        await _send(stage, self.on, struct.pack(">i", self.number))


@dataclass(frozen=True, slots=True)
class Hear:
    """Wait for the next thing on a connection, which must be `wanted`.

    `lenient` are answers that a Director copes with (NON-STRICT). `raw`: take everything; else only what a
    Director's filter lets through: replies and signals, not job messages, heartbeats and free text.
    """

    wanted: Wanted
    lenient: tuple[Wanted, ...] = ()
    on: str = "dir"
    raw: bool = False
    within: float = PATIENCE

    async def play(self, stage: Stage) -> None:
        got = await stage.hear(self.on, self.within, raw=self.raw)
        judge(stage, got, self.wanted, self.lenient)


def judge(stage: Stage, got: Got, wanted: Wanted, lenient: tuple[Wanted, ...] = ()) -> None:
    """Compare, and remember packets in `stage.heard`. Raises CaseOver when it is neither right nor tolerable."""
    if isinstance(got, bytes):
        stage.heard.append(got)
    wanted = stage.filled(wanted)
    if meets(got, wanted):
        return
    text = f"wanted {shown(wanted)}, got {shown(got)}"
    if any(meets(got, stage.filled(other)) for other in lenient):
        stage.note(Verdict.NON_STRICT, text)
        return
    raise stage.fail(text)


@dataclass(frozen=True, slots=True)
class HearText:
    """Free text up to a signal, as for `status`; it must be `wanted` as a whole. It is kept in `stage.heard`."""

    wanted: Wanted
    lenient: tuple[Wanted, ...] = ()
    on: str = "dir"
    within: float = PATIENCE

    async def play(self, stage: Stage) -> None:
        got: Got = CLOSED
        with trio.move_on_after(self.within) as scope:
            with suppress(LinkClosed):
                got = await stage.line(self.on).session.text()
        if scope.cancelled_caught:
            raise stage.fail(f"no end of the text within {self.within:g} s")
        judge(stage, got, self.wanted, self.lenient)


@dataclass(frozen=True, slots=True)
class Ends:
    """The daemon must end this connection. Everything it says before must be one of `through`, each at most once
    and in this order; those in `must` may not be missing. TERMINATE may come before the end, if `terminate` is not
    set it is optional; set it must (True) or must not (False) come."""

    through: tuple[Wanted, ...] = ()
    must: tuple[Wanted, ...] = ()
    terminate: bool | None = None
    on: str = "dir"
    within: float = 30.0

    async def play(self, stage: Stage) -> None:
        left = [stage.filled(item) for item in (*self.through,)]
        owed = [stage.filled(item) for item in self.must]
        terminated = False
        deadline = trio.current_time() + self.within
        while (got := await stage.hear(self.on, deadline - trio.current_time(), raw=True)) is not CLOSED:
            if not isinstance(got, bytes | int):
                raise stage.fail(f"the connection is still open after {self.within:g} s")
            if got == TERMINATE and not isinstance(got, bytes):
                terminated = True
                continue
            if isinstance(got, bytes):
                stage.heard.append(got)
            owed = [item for item in owed if not meets(got, item)]
            for at, item in enumerate(left):
                if meets(got, item):
                    del left[: at + 1]
                    break
            else:
                if not any(meets(got, stage.filled(item)) for item in self.must):
                    raise stage.fail(f"before the end of the connection came {shown(got)}")
        if owed:
            raise stage.fail(f"the connection ended without {shown(owed[0])}")
        if self.terminate is not None and terminated is not self.terminate:
            what = "without TERMINATE" if self.terminate else "with TERMINATE"
            raise stage.fail(f"the connection ended {what}")


@dataclass(frozen=True, slots=True)
class HangUp:
    """Close a connection: in order with TERMINATE, without, or half (`half`: only our direction)."""

    on: str = "dir"
    terminate: bool = False
    half: bool = False

    async def play(self, stage: Stage) -> None:
        line = stage.line(self.on)
        if self.terminate:
            await _send(stage, self.on, struct.pack(">i", TERMINATE))
        if self.half and isinstance(line.link.stream, trio.SocketStream):
            await line.link.stream.send_eof()
            return
        await line.link.aclose()
        del stage.lines[self.on]


@dataclass(frozen=True, slots=True)
class Alive:
    """The daemon still serves: a new session of `role` logs in, and its status ends in order."""

    role: str = "clear"
    on: str = "alive"

    async def play(self, stage: Stage) -> None:
        await Login(self.role, self.on).play(stage)
        await Say(b".status header", self.on).play(stage)
        await HearText(Like(rb".* Version: .*"), on=self.on).play(stage)
        await HangUp(self.on, terminate=True).play(stage)


@dataclass(frozen=True, slots=True)
class Pause:
    """Let time pass: `seconds`."""

    seconds: float

    async def play(self, stage: Stage) -> None:
        await trio.sleep(self.seconds)


@dataclass(frozen=True, slots=True)
class Together:
    """Several dialogues at once; each is a sequence of steps."""

    dialogues: tuple[tuple[Step, ...], ...]

    async def play(self, stage: Stage) -> None:
        async def one(steps: tuple[Step, ...]) -> None:
            for step in steps:
                await step.play(stage)

        async with trio.open_nursery() as nursery:
            for steps in self.dialogues:
                nursery.start_soon(one, steps)


async def _send(stage: Stage, name: str, data: bytes) -> None:
    line: Line = stage.line(name)
    try:
        with trio.fail_after(PATIENCE):
            await line.link.send_wire(data)
    except LinkClosed as error:
        raise stage.fail(f"the daemon has hung up before we had said everything: {error}") from error
    except trio.TooSlowError as error:
        raise stage.fail(f"the daemon does not read: {len(data)} bytes could not be sent") from error

"""Steps for a daemon that calls its Director (client-initiated connections, protocol/01 section 8.3).

The daemon under test has been started before anybody could listen, so these start another one like it.
"""

import shlex
from dataclasses import dataclass
from typing import Final, cast

import trio

from fdconform.profiles import Director, Profile
from fdconform.stage import Line, Stage
from fdconform.subject import started
from fdpeers.director import DirectorPeer
from fdpeers.errors import PeersError

PASSWORD: Final = "conform secret"
_LISTENER: Final = "listener of the called Director"
_CALLER: Final = "scope of the calling daemon"
_CALL_LIMIT: Final = 25.0
"""Seconds for a daemon to start and to call."""


@dataclass(frozen=True, slots=True)
class Summon:
    """Listen as a Director, and start a daemon that calls there."""

    async def play(self, stage: Stage) -> None:
        command = _command(stage)
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        port = int(listener.socket.getsockname()[1])
        stage.kept[_LISTENER] = listener
        calls = ("Connection From Client To Director = yes", "Address = 127.0.0.1", f"Port = {port}")
        profile = Profile("calling", directors=(("tls", Director("conform-dir", PASSWORD, extra=calls)),))
        await stage.nursery.start(_running, stage, command, profile)


async def _running(
    stage: Stage,
    command: str,
    profile: Profile,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Run the daemon until the case is over; its output then stands behind that of the one under test."""
    folder = stage.folder / "caller"
    try:
        with trio.CancelScope() as scope:
            async with started(command, profile, folder):
                stage.kept[_CALLER] = scope
                task_status.started()
                await trio.sleep_forever()
    finally:
        cast(trio.SocketListener, stage.kept[_LISTENER]).socket.close()
        if stage.subject.log is not None and (folder / "daemon.log").exists():
            with stage.subject.log.open("a") as log:
                log.write((folder / "daemon.log").read_text(errors="replace"))


@dataclass(frozen=True, slots=True)
class StopCaller:
    """Tell the calling daemon to end."""

    async def play(self, stage: Stage) -> None:
        cast(trio.CancelScope, stage.kept[_CALLER]).cancel()


def _command(stage: Stage) -> str:
    """What started the daemon under test, for another configuration."""
    process, folder = stage.subject.process, stage.subject.folder
    if process is None or folder is None or not isinstance(process.args, list):
        raise stage.fail("the tester has not started this daemon")
    config = str(folder / "daemon.conf")
    return shlex.join(str(word).replace(config, "{config}") for word in process.args)


@dataclass(frozen=True, slots=True)
class TakeCall:
    """Take the next call within `within` seconds as a Director with this password; `refused`: it must not come
    about. The connection then is parked."""

    on: str = "dir"
    password: str = PASSWORD
    refused: bool = False
    within: float = _CALL_LIMIT

    async def play(self, stage: Stage) -> None:
        listener = cast(trio.SocketListener, stage.kept[_LISTENER])
        peer = DirectorPeer("conform-dir", password=self.password, port=0, transcript=stage.transcript)
        with trio.move_on_after(self.within):
            transport = await listener.accept()
            try:
                session = await peer.adopt(transport)
            except PeersError as error:
                await trio.aclose_forcefully(transport)
                if self.refused:
                    return
                raise stage.fail(f"the daemon calls, but {error}") from error
            if self.refused:
                raise stage.fail("the daemon takes a Director that does not know the password")
            session.on_message = stage.messages.append
            stage.lines[self.on] = Line(session.link, Director("conform-dir", self.password), session)
            return
        raise stage.fail(f"the daemon does not call within {self.within:g} s")

"""Connections that the daemon begins: it calls its Director and parks there until the Director wants something
(protocol/01 section 8.3). A parked connection is silent, and each one that is taken up is replaced at once.
"""

from dataclasses import dataclass
from typing import NoReturn

import trio

from fdaemon.channels.authenticate import AuthenticationFailed, authenticate, fresh
from fdaemon.config import DirectorResource
from fdaemon.errors import FdaemonError, PeerGone, RemoteProtocolError
from fdaemon.net.dial import dial
from fdaemon.net.packets import PacketStream
from fdaemon.net.tls import TlsStream, client_context
from fdaemon.protocol import hello as hellos
from fdaemon.protocol.cram import Initiator
from fdaemon.protocol.messages import MessageType
from fdaemon.protocol.tls_policy import Identity, IdentityKind, Selection, select
from fdaemon.session.arrival import Meeting, converse
from fdaemon.session.contain import contained
from fdaemon.session.services import Services, tls_policy, tls_settings
from fdaemon.wire.framing import frame
from statecharts.director import DirectorEvent

FIRST_PAUSE = 1.0
"""Seconds before the next call when a Director drops a parked connection without having used it. It doubles each
time, up to RETRY_DELAY: the C++ daemon calls again at once and hammers such a Director."""
LASTING = 60.0
"""A connection that was parked for this many seconds was wanted: the pause begins anew."""
GREETING_LIMIT = 180.0
"""Seconds for the Director's greeting; the C++ daemon has no limit here."""


@dataclass(slots=True)
class Pause:
    """How long to wait before the next call."""

    seconds: float = FIRST_PAUSE

    async def __call__(self) -> None:
        """Wait, longer each time."""
        seconds, self.seconds = self.seconds, min(self.seconds * 2, hellos.RETRY_DELAY)
        await trio.sleep(seconds)

    def reset(self) -> None:
        """All is well."""
        self.seconds = FIRST_PAUSE


async def call_director(services: Services, director: DirectorResource, sessions: trio.Nursery) -> NoReturn:
    """Keep one connection parked at this Director, until cancelled; what it asks for is served in `sessions`."""
    while True:
        with contained(services, "the Director is called again"):
            await _keep_parked(services, director, sessions)
        await trio.sleep(hellos.RETRY_DELAY)


async def _keep_parked(services: Services, director: DirectorResource, sessions: trio.Nursery) -> NoReturn:
    pause = Pause()
    while True:
        meeting = Meeting.begin(services)
        meeting.tracker.fire(DirectorEvent.DIAL_STARTED)
        try:
            packets = await _reach(services, director)
        except FdaemonError as error:
            meeting.give_up(DirectorEvent.ABANDONED)
            services.debug.tell(10, f"{director.name}: {error}")
            services.log(
                MessageType.ERROR,
                f'Failed to connect to Director "{director.name}". Retry in {hellos.RETRY_DELAY:.0f}s.\n',
            )
            await trio.sleep(hellos.RETRY_DELAY)
            continue
        meeting.tracker.fire(DirectorEvent.PARKED)
        parked = trio.current_time()
        try:
            wanted = await _parked(packets)
        except BaseException:
            await trio.aclose_forcefully(packets.stream)
            raise
        if wanted:
            meeting.tracker.fire(DirectorEvent.TAKEN_UP)
            sessions.start_soon(_serve, services, director, packets, meeting)
            pause.reset()
            continue
        meeting.give_up(DirectorEvent.FAILED)
        await packets.aclose()
        if trio.current_time() - parked >= LASTING:
            pause.reset()
        await pause()


async def _serve(
    services: Services, director: DirectorResource, packets: PacketStream, meeting: Meeting
) -> None:
    services.registry.enter(meeting.job)
    with contained(services):
        await converse(services, director, packets, meeting)


async def _parked(packets: PacketStream) -> bool:
    """Wait for the first command. False when the Director hung up, or sent anything else."""
    try:
        first = await packets.receive()
    except RemoteProtocolError:
        return False
    if not isinstance(first, bytes):
        return False
    packets.unread_wire(frame(first))
    return True


async def _reach(services: Services, director: DirectorResource) -> PacketStream:
    """A connection that this Director has greeted. Raises what went wrong as a FdaemonError."""
    client = services.configuration.client
    stream: trio.abc.Stream = await dial(
        director.address,
        director.port,
        source=client.source_address or None,
        keepalive=client.heartbeat_interval,
        limit=0,
    )
    try:
        if director.tls.enable:
            identity = (
                Identity(IdentityKind.CLIENT, services.name).encode().decode("utf-8", "surrogateescape")
            )
            context = client_context(tls_settings(director.tls), identity, director.password_key)
            stream = tls = TlsStream(stream, context, host=director.address)
            await tls.handshake()
        packets = PacketStream(stream, "Director")
        await _greet(services, director, packets)
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise
    return packets


async def _greet(services: Services, director: DirectorResource, packets: PacketStream) -> None:
    async def tell(text: bytes) -> None:
        services.log(MessageType.FATAL, text.decode("utf-8", "backslashreplace"))

    await packets.send(hellos.client_hello(services.name))
    policy = tls_policy(director.tls)
    exchange = Initiator(*fresh(director.password_key, b"R_CLIENT::" + services.name, policy))
    await authenticate(packets, exchange, tell)
    encrypted = isinstance(packets.stream, TlsStream)
    if not encrypted and select(policy, exchange.peer_policy) is not Selection.CLEAR:
        raise AuthenticationFailed(f"Director at {packets.address}: TLS policies do not fit")
    greeting: bytes | int = b""
    with trio.move_on_after(GREETING_LIMIT):
        greeting = await packets.receive()
    if not isinstance(greeting, bytes) or not hellos.is_director_greeting(greeting):
        raise PeerGone(f"Director at {packets.address} did not greet: {greeting!r}")

"""A new connection: clear text or TLS, who it is, and whether it is let in.

A Director gets a session; a Storage daemon that calls a passive client is attached to its job.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial

import trio

from fdaemon.channels.authenticate import AuthenticationFailed, authenticate, fresh
from fdaemon.channels.storage import StorageChannel
from fdaemon.config import DirectorResource
from fdaemon.errors import PeerGone, RemoteProtocolError
from fdaemon.jobs.job import Job
from fdaemon.jobs.trail import Trail
from fdaemon.net.listen import ClearHello, classify, refuse
from fdaemon.net.packets import PacketStream
from fdaemon.net.sockets import peer_address
from fdaemon.net.tls import TlsSettings, TlsStream, server_context
from fdaemon.net.tls_settings import PskLookup
from fdaemon.outcome import Status
from fdaemon.protocol import hello as hellos
from fdaemon.protocol import replies
from fdaemon.protocol.cram import Acceptor
from fdaemon.protocol.hello import Caller
from fdaemon.protocol.messages import MessageType
from fdaemon.protocol.storage import PASSIVE_AUTHENTICATION_FAILED
from fdaemon.protocol.tls_policy import (
    REFUSED_TEXT,
    IdentityKind,
    Selection,
    parse_identity,
    select,
    usable_session_key,
)
from fdaemon.session.contain import contained
from fdaemon.session.control import DirectorSession
from fdaemon.session.services import Services, tls_policy, tls_settings
from fdaemon.wire.framing import Signal
from statecharts.director import DIRECTOR, DirectorEvent, DirectorState
from statecharts.job import JOB, JobEvent
from statecharts.storage import STORAGE, StorageEvent
from statecharts.tracker import Tracker

HELLO_LIMIT = 60.0
"""Seconds for the hello of a new connection; C++ has no limit (protocol/01 section 4.5)."""

FAREWELL_LIMIT = 2.0
"""Seconds for a Director to take the report of a job that it has canceled."""


async def serve_connection(services: Services, transport: trio.abc.Stream) -> None:
    """Serve one accepted connection to its end. Never raises, whatever happens on it."""
    with contained(services):
        async with transport:
            serve: Serve | None = None
            with services.newcomers.waiting() as scope:
                serve = await _meet(services, transport)
            if scope.cancelled_caught:
                address, _ = peer_address(transport)
                services.log(
                    MessageType.ERROR, f"Connection from {address} closed: too many are not authenticated.\n"
                )
            elif serve is not None:
                await serve()


type Serve = Callable[[], Awaitable[None]]
"""What is left to do for a peer that has proved who it is."""


async def _meet(services: Services, transport: trio.abc.Stream) -> Serve | None:
    """Find out who it is, and that it is; None when it is not let in."""
    try:
        newcomer = await classify(transport)
        if isinstance(newcomer, ClearHello):
            packets = PacketStream(newcomer.stream, "client")
            identity = None
        else:
            tls = TlsStream(newcomer.stream, server_context(*_tls_side(services)))
            await tls.handshake()
            packets, identity = PacketStream(tls, "client"), tls.psk_identity
    except (PeerGone, RemoteProtocolError):
        await refuse(transport)
        return None
    hello = await _first_packet(packets)
    if hello is None:
        services.log(MessageType.ERROR, f"Connection request from {packets.address} failed.\n")
        await _hang_up(packets)
    elif isinstance(newcomer, ClearHello) and not _cleartext_allowed(services, hello):
        await refuse(transport)
    elif identity is not None and not _is_caller(identity, hello):
        services.log(MessageType.ERROR, f"Invalid connection from {packets.address}: not who its key says\n")
        await _hang_up(packets)
    elif hello.startswith(b"Hello Director"):
        packets.name = "Director"
        return await _meet_director(services, packets, hello)
    elif hello.startswith(b"Hello Storage"):
        packets.name = "Storage daemon"
        return await _meet_storage(services, packets, hello)
    else:
        services.log(MessageType.ERROR, f"Invalid connection from {packets.address}. Len={len(hello)}\n")
        await _hang_up(packets)
    return None


def _tls_side(services: Services) -> tuple[TlsSettings, PskLookup]:
    def key_of(identity: str | None) -> bytes:
        who = None if identity is None else parse_identity(identity)
        if who is None:
            return b""
        if who.kind is IdentityKind.DIRECTOR:
            director = services.director(who.name)
            return b"" if director is None else director.password_key
        job = services.registry.find(who.name)
        return job.storage_key if job is not None and usable_session_key(job.storage_key) else b""

    return tls_settings(services.configuration.client.tls), key_of


async def _first_packet(packets: PacketStream) -> bytes | None:
    with trio.move_on_after(HELLO_LIMIT):
        try:
            packet = await packets.receive()
        except RemoteProtocolError:
            return None
        return packet if isinstance(packet, bytes) and packet else None
    return None


def _cleartext_allowed(services: Services, packet: bytes) -> bool:
    hello = hellos.cleartext_hello(b"\0\0\0\0" + packet)
    if hello is None:
        return False
    policy: int | None = None
    if hello.caller.is_job:
        job = services.registry.find(hello.name)
        policy = None if job is None else job.spec.storage_policy
    elif hello.caller is Caller.DIRECTOR:
        director = services.director(hello.name)
        policy = None if director is None else tls_policy(director.tls)
    return hellos.cleartext_allowed(hello.caller, policy)


def _is_caller(identity: str, packet: bytes) -> bool:
    """The name in the hello is the one whose key protects the connection, as release 26 demands."""
    who = parse_identity(identity)
    try:
        return who is not None and hellos.identity_matches(who, hellos.parse_hello(packet))
    except RemoteProtocolError:
        return not packet.startswith(b"Hello Storage")  # refused in words where there are words for it


async def _hang_up(packets: PacketStream) -> None:
    """Refuse after the pause that all daemons make."""
    await trio.sleep(hellos.CONNECTION_DELAY)
    await packets.send_signal(Signal.TERMINATE)
    await packets.aclose()


@dataclass(frozen=True, slots=True)
class Meeting:
    """A Director connection from its first moment: its job, and where the control channel stands."""

    job: Job
    tracker: Tracker[DirectorState, DirectorEvent]

    @classmethod
    def begin(cls, services: Services) -> "Meeting":
        """Nobody has said a word yet."""
        trail = Trail()
        observers = (*services.observers, trail.observe)
        bursting = services.configuration.client.allow_bandwidth_bursting
        job = Job(Tracker(JOB, b"", observers), bursting=bursting, trail=trail)
        return cls(job, Tracker(DIRECTOR, b"", observers))

    def give_up(self, event: DirectorEvent) -> None:
        """It came to nothing."""
        self.tracker.fire(event)
        self.job.tracker.fire(JobEvent.REFUSED)


class Refused(Enum):
    """How a Director that is not let in is hung up on."""

    AT_ONCE = auto()
    SLOWLY = auto()


async def _meet_director(services: Services, packets: PacketStream, hello: bytes) -> Serve | None:
    meeting = Meeting.begin(services)
    meeting.tracker.fire(DirectorEvent.ACCEPTED)
    director = await _admit(services, packets, hello)
    if not isinstance(director, DirectorResource):
        meeting.give_up(DirectorEvent.REFUSED)
        if director is Refused.SLOWLY:
            async with services.refusals:
                await trio.sleep(hellos.REFUSAL_DELAY)
        await packets.aclose()
        return None
    services.registry.enter(meeting.job)  # not before: who guesses passwords takes no place from the jobs
    meeting.tracker.fire(DirectorEvent.AUTHENTICATED)
    return partial(converse, services, director, packets, meeting, greeting=hellos.GREETING)


async def converse(
    services: Services,
    director: DirectorResource,
    packets: PacketStream,
    meeting: Meeting,
    *,
    greeting: bytes | None = None,
) -> None:
    """Serve a Director that has proved itself to the end of the session; its job is in the registry and leaves it."""
    job = meeting.job
    job.director = director.name
    job.tracker.fire(JobEvent.AUTHENTICATED)
    try:
        if greeting is not None:
            await packets.send(greeting)
        await DirectorSession(services, director, packets, job, meeting.tracker).run()
    finally:
        job.close()
        if services.registry.leave(job):
            services.outlets.end_of_job()
        services.left.set()
        try:
            if job.storage is not None:
                await job.storage.abandon()
            if job.awaited:
                await _until_taken(packets)
        finally:
            job.told.set()
            await packets.aclose()


async def _until_taken(packets: PacketStream) -> None:
    """Wait until the Director has read all: it says TERMINATE itself, or hangs up."""
    with trio.move_on_after(FAREWELL_LIMIT):
        try:
            while await packets.receive() != Signal.TERMINATE:
                pass
        except RemoteProtocolError:
            return


async def _admit(services: Services, packets: PacketStream, hello: bytes) -> DirectorResource | Refused:
    """The resource of a Director that has proved itself, or how it was refused (protocol/01 section 7.2)."""
    address = packets.address.encode()
    client = services.configuration.client
    name = b""
    if len(services.registry) >= client.maximum_concurrent_jobs:
        # Hung up on at once and without a word (core/src/filed/dir_cmd.cc: handle_director_connection).
        services.log(MessageType.ERROR, "Number of Jobs exhausted, please increase MaximumConcurrentJobs\n")
        return Refused.AT_ONCE
    try:
        name = hellos.director_name(hello, address)
        director = services.director(name)
        if director is None:
            raise RemoteProtocolError("unknown Director", fatal=hellos.unknown_director(name, address))
        if not director.connection_from_director_to_client:
            raise RemoteProtocolError("Director not wanted", fatal=hellos.director_not_wanted(name))
        await _prove(services, packets, director)
    except AuthenticationFailed as error:
        await packets.send(replies.AUTHENTICATION_FAILED)
        await packets.send(hellos.unable_to_authenticate_director(name))
        services.log(MessageType.ERROR, f"{error}\n")
    except RemoteProtocolError as error:
        if error.fatal is not None:
            await packets.send(error.fatal)
        services.log(MessageType.ERROR, f"{error}\n")
    else:
        return director
    return Refused.SLOWLY


async def _prove(services: Services, packets: PacketStream, director: DirectorResource) -> None:
    policy = tls_policy(director.tls)
    exchange = Acceptor(*fresh(director.password_key, b"R_CLIENT::" + services.name, policy))
    await authenticate(packets, exchange, packets.send)
    if isinstance(packets.stream, TlsStream) or select(policy, exchange.peer_policy) is Selection.CLEAR:
        return
    # Late TLS, which only releases before 18.2 start, needs certificates on both sides.
    await packets.send(REFUSED_TEXT)
    raise AuthenticationFailed(f"Director at {packets.address}: TLS policies do not fit")


async def _meet_storage(services: Services, packets: PacketStream, hello: bytes) -> Serve | None:
    """A Storage daemon calls for one of our jobs (protocol/01 section 8.2). Its session takes the channel over, and is
    waited for."""
    try:
        name = hellos.storage_job(hello, packets.address.encode())
    except RemoteProtocolError as error:
        services.log(MessageType.ERROR, (error.fatal or b"").decode("utf-8", "backslashreplace"))
        await _hang_up(packets)
        return None
    job = services.registry.find(name)
    if job is None or job.storage is not None or job.storage_calling or not job.storage_key:
        shown = name.decode("utf-8", "backslashreplace")
        services.log(MessageType.FATAL, f"SD connect failed: Job name not found: {shown}\n")
        await packets.aclose()
        return None
    job.storage_calling = True
    packets.throttle = job.throttle
    tracker = Tracker(STORAGE, name, (*services.observers, job.trail.observe))
    tracker.fire(StorageEvent.ATTACHED)
    policy = tls_policy(services.configuration.client.tls)
    exchange = Acceptor(*fresh(job.storage_key, b"R_CLIENT::" + services.name, policy))
    job.storage_key = b""  # one key, one attempt (protocol/01 section 6.5); another may be set meanwhile
    over = trio.Event()
    problem = PASSIVE_AUTHENTICATION_FAILED
    try:
        await authenticate(packets, exchange, _nobody)
        encrypted = isinstance(packets.stream, TlsStream)
        if not encrypted and select(policy, exchange.peer_policy) is not Selection.CLEAR:
            problem = REFUSED_TEXT
            raise AuthenticationFailed("the TLS policies do not fit")
    except AuthenticationFailed:
        tracker.fire(StorageEvent.REFUSED)
        job.standing.announce(Status.FATAL)
        job.storage_problem = problem
        job.storage_arrived.set()
        await packets.aclose()
        return None
    finally:
        job.storage_calling = False
    tracker.fire(StorageEvent.AUTHENTICATED)
    encryption = packets.stream.describe().encode() if isinstance(packets.stream, TlsStream) else None
    services.limit_waits(packets)
    channel = StorageChannel(packets, tracker, encryption, over)
    if job.over or job.storage is not None:
        await channel.close()
        return None
    job.storage = channel
    job.storage_arrived.set()
    return over.wait


async def _nobody(text: bytes) -> None:
    """The job's own session tells the Director that its Storage daemon failed."""

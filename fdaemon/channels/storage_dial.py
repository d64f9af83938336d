"""Calls a Storage daemon for a job: connect, TLS, hello, authentication. Never streams anything."""

from collections.abc import Callable
from dataclasses import dataclass, field

import trio

from fdaemon.channels.authenticate import AuthenticationFailed, Tell, authenticate, fresh
from fdaemon.channels.storage import StorageChannel, StorageTracker
from fdaemon.errors import JobFailed, RemoteProtocolError
from fdaemon.net.dial import RETRY_EVERY, DialFailed, NameNotFound, dial
from fdaemon.net.packets import Charger, PacketStream
from fdaemon.net.tls import TlsSettings, TlsSetupError, TlsStream, client_context
from fdaemon.protocol import storage as texts
from fdaemon.protocol.cram import Initiator
from fdaemon.protocol.hello import storage_hello
from fdaemon.protocol.messages import MessageType
from fdaemon.protocol.tls_policy import REFUSED_TEXT, Identity, IdentityKind, Policy, Selection, select
from statecharts.storage import StorageEvent

NAME = "Storage daemon"
WARN_EVERY = 30
"""Attempts between two warnings that nobody answers: five minutes (protocol/01 section 8.1)."""

type Issue = Callable[[MessageType, bytes], None]
"""Queues a job message."""


@dataclass(frozen=True, slots=True)
class StorageCall:
    """Whom to call, for which job, as whom. `tls_policy` is the number that the Director sent with `ssl=`."""

    address: bytes
    port: int
    tls_policy: int
    job: bytes
    key: bytes = field(repr=False)
    client: bytes
    own_policy: int
    tls: TlsSettings
    source: str | None
    keepalive: int
    limit: float


async def call_storage(
    call: StorageCall, tracker: StorageTracker, *, issue: Issue, tell: Tell, inform: Tell, throttle: Charger
) -> StorageChannel:
    """A channel in state Ready.

    `issue` queues a message, `tell` sends a fatal one, `inform` an info one. Raises JobFailed with the last
    fatal text; earlier ones have been sent.
    """
    stream = await _connect(call, tracker, issue, tell)
    packets = PacketStream(stream, NAME, throttle=throttle)
    encryption = stream.describe().encode() if isinstance(stream, TlsStream) else None
    shown = (packets.address.encode() or call.address, packets.port or call.port)
    try:
        if encryption is not None:
            issue(MessageType.INFO, texts.connected(*shown, encryption))
        await inform(texts.encryption_line(encryption))
        await packets.send(storage_hello(call.job))
        tracker.fire(StorageEvent.HELLO_SENT)
        exchange = Initiator(*fresh(call.key, b"R_CLIENT::" + call.client, call.own_policy))
        await authenticate(packets, exchange, tell)
        if encryption is None:
            if select(call.own_policy, exchange.peer_policy) is not Selection.CLEAR:
                # Late TLS needs certificates on both sides and is what releases before 18.2 did.
                await tell(REFUSED_TEXT)
                raise AuthenticationFailed("the TLS policies do not fit")
            issue(MessageType.INFO, texts.connected(*shown, None))
        tracker.fire(StorageEvent.AUTHENTICATED)
        return StorageChannel(packets, tracker, encryption)
    except AuthenticationFailed:
        tracker.fire(StorageEvent.REFUSED)
        await packets.aclose()
        raise JobFailed(texts.AUTHENTICATION_FAILED) from None
    except BaseException:
        packets.terminate()
        await packets.aclose()
        raise


async def _connect(call: StorageCall, tracker: StorageTracker, issue: Issue, tell: Tell) -> trio.abc.Stream:
    tracker.fire(StorageEvent.DIALED)

    def failed(attempt: int, why: str) -> None:
        tracker.fire(StorageEvent.DIAL_FAILED)
        if attempt >= 2 and (attempt - 2) % WARN_EVERY == 0:
            issue(MessageType.WARNING, texts.retrying(call.address, call.port, why.encode()))

    try:
        transport = await dial(
            call.address.decode("utf-8", "surrogateescape"),
            call.port,
            source=call.source,
            keepalive=call.keepalive,
            limit=call.limit,
            retry_every=RETRY_EVERY,
            on_failure=failed,
        )
    except NameNotFound as error:
        issue(MessageType.ERROR, texts.name_not_resolved(call.address, str(error).encode()))
        tracker.fire(StorageEvent.FAILED)
        raise JobFailed(texts.failed_to_connect(call.address, call.port)) from None
    except DialFailed as error:
        await tell(texts.unable_to_connect(call.address, call.port, str(error).encode()))
        tracker.fire(StorageEvent.FAILED)
        raise JobFailed(texts.failed_to_connect(call.address, call.port)) from None
    tracker.fire(StorageEvent.CONNECTED)
    if call.tls_policy != Policy.AUTO:
        tracker.fire(StorageEvent.TLS_WAIVED)
        return transport
    identity = Identity(IdentityKind.JOB, call.job).encode().decode("utf-8", "surrogateescape")
    try:
        stream = TlsStream(
            transport, client_context(call.tls, identity, call.key), host=call.address.decode()
        )
        await stream.handshake()
    except (TlsSetupError, RemoteProtocolError) as error:
        await transport.aclose()
        issue(MessageType.FATAL, b"Connect failure: ERR=%b\n" % str(error).encode())
        tracker.fire(StorageEvent.FAILED)
        raise JobFailed(texts.TLS_FAILED) from None
    except BaseException:
        await trio.aclose_forcefully(transport)
        raise
    tracker.fire(StorageEvent.TLS_ESTABLISHED)
    return stream

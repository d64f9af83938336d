"""TLS over any trio stream, fast for tiny records and for large buffers. Reads no packet and knows no
command.

Theory. An SSLObject between two memory BIOs never blocks: reading takes ciphertext from the incoming BIO,
writing leaves some in the outgoing BIO. trio.SSLStream goes to the transport, and through its locks, for
every record; the Storage daemon sends one record for each 20-byte packet, so here one wake-up reads as much
ciphertext as there is and empties every record out of it, and one send encrypts its whole buffer and hands
it over in one piece.

Full duplex without locks between the directions: after the handshake the receiving side never sends. What
OpenSSL wants to say while it reads (a key update, an alert) stays in the outgoing BIO and leaves with the
next send or with the close, which is all that TLS asks; renegotiation, the one case that would have to
wait, is switched off. So neither direction ever waits for the other, and none can deadlock.
"""

import contextlib
import ssl
import threading

import trio

from fdaemon.errors import FdaemonError, LocalProtocolError, PeerGone
from fdaemon.net.edge import EDGE, FOREIGN, OneOwner, translate
from fdaemon.net.sockets import send_bulk
from fdaemon.net.tls_settings import TlsContext, TlsSettings, TlsSetupError, client_context, server_context

__all__ = ["TlsContext", "TlsSettings", "TlsSetupError", "TlsStream", "client_context", "server_context"]

RECEIVE_SIZE = 256 * 1024
"""Ciphertext bytes asked from the transport at a time: hundreds of tiny records or sixteen full ones."""
RECORD_SIZE = 16 * 1024
"""Largest plaintext of one TLS record."""
SEND_SIZE = 128 * 1024
"""Plaintext bytes encrypted before they go to the transport: few enough that the ciphertext is still in the cache
when the kernel copies it, many enough to pay for a system call."""
HANDSHAKE_LIMIT = 60.0
"""Seconds; the C++ daemon has no limit (protocol/01 section 4.5)."""
CLOSE_LIMIT = 2.0
"""Seconds to wait for the peer's close_notify (core/src/lib/tls_openssl.cc: TlsBsockShutdown)."""


class TlsStream(trio.abc.Stream):
    """A TLS connection over `transport`. One task may send while another receives.

    All foreign errors leave as PeerGone or RemoteProtocolError. `host` is the dialled address, for name
    checks.
    """

    def __init__(self, transport: trio.abc.Stream, context: TlsContext, *, host: str | None = None) -> None:
        self.transport = transport
        self._context = context
        self._host = host
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.ssl_context.wrap_bio(
            self._incoming, self._outgoing, server_side=context.server_side
        )
        self._sending = OneOwner("another task is sending on this TLS stream")
        self._receiving = OneOwner("another task is receiving on this TLS stream")
        self._ready = False
        self._closed = False
        self._ended = False
        self._send_broken = False
        self._failure: FdaemonError | None = None
        self._surplus = b""
        self._exclusive = threading.Lock()
        """OpenSSL's object may be used by one thread at a time, and `unseal` is called by others."""

    @property
    def psk_identity(self) -> str | None:
        """Identity of the pre-shared key that protects this connection; None when none was used."""
        return self._context.psk.identity if self._ready and self.psk_used else None

    @property
    def psk_used(self) -> bool:
        """True when the handshake rests on a pre-shared key."""
        return self._ready and self._context.psk_used(self._tls)

    def describe(self) -> str:
        """Cipher and protocol as job messages show them, e.g. `TLS_CHACHA20_POLY1305_SHA256 TLSv1.3`."""
        cipher = self._tls.cipher()
        return f"{cipher[0] if cipher else 'unknown'} {self._tls.version() or 'unknown'}"

    async def handshake(self, limit: float = HANDSHAKE_LIMIT) -> None:
        """Shake hands and check the peer, within `limit` seconds.

        Raises RemoteProtocolError or PeerGone. The alert has then gone out and the transport is still open,
        so that the caller can refuse in clear text.
        """
        with EDGE, self._sending, self._receiving:
            try:
                with trio.fail_after(limit):
                    await self._shake()
            except trio.TooSlowError:
                self._send_broken = True
                raise PeerGone(f"no TLS handshake within {limit:g} seconds") from None
            except FOREIGN:
                with trio.move_on_after(CLOSE_LIMIT):
                    await self._flush()
                if self._context.psk.error is not None:
                    raise self._context.psk.error from None
                raise
            if self._context.psk.error is not None:
                raise self._context.psk.error
            self._context.check_peer(self._tls, self._host)
            self._ready = True

    async def _shake(self) -> None:
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._fill()
                if self._ended:
                    raise PeerGone("connection closed during the TLS handshake") from None
            else:
                await self._flush()
                return

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Encrypt and send all of `data`; like `send_bulk` a checkpoint only when it has to wait.

        A send that was cancelled while it waited leaves the connection unusable.
        """
        with EDGE, self._sending:
            self._check_open()
            if self._send_broken:
                raise PeerGone("an earlier send on this TLS stream did not finish")
            view = memoryview(data)
            for start in range(0, view.nbytes, SEND_SIZE):
                part = view[start : start + SEND_SIZE]
                with self._exclusive:
                    written = self._tls.write(part)
                    while written < part.nbytes:
                        written += self._tls.write(part[written:])
                await self._flush()

    async def _flush(self) -> None:
        if self._outgoing.pending:
            self._send_broken = True
            await send_bulk(self.transport, self._outgoing.read())
            self._send_broken = False

    async def wait_send_all_might_not_block(self) -> None:
        """As the trio interface says."""
        with EDGE, self._sending:
            self._check_open()
            await self.transport.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """All that can be decrypted now, as one object (up to about 256 KiB); b"" after the peer's
        close_notify.

        Raises PeerGone when the transport ends without a close_notify, RemoteProtocolError on a bad record.
        """
        with EDGE, self._receiving:
            self._check_open()
            data = self._surplus or self._decrypt()
            if data:
                await trio.lowlevel.checkpoint()
            while not data and not self._ended:
                if self._failure is not None:
                    raise self._failure
                await self._fill()
                data = self._decrypt()
            if max_bytes is not None and len(data) > max_bytes:
                self._surplus = data[max_bytes:]
                return data[:max_bytes]
            self._surplus = b""
            return data

    async def receive_sealed(self) -> bytes:
        """Ciphertext for `unseal` as the transport gives it; b"" at its end. What was received before comes first
        out of `unseal`, so call that once with b"" before this.
        """
        with EDGE, self._receiving:
            self._check_open()
            return bytes(await self.transport.receive_some(RECEIVE_SIZE))

    def unseal(self, sealed: bytes | None) -> bytes:
        """All that can be decrypted with `sealed` (None: the transport ended), while no task receives. In any thread.

        For the thread that uses the bytes: OpenSSL lets go of the GIL for every record, and if another thread is
        always there to take it, that costs more than the decryption. Raises what broke the connection once all that
        was good before is out.
        """
        with EDGE, self._exclusive:
            if sealed is None:
                self._incoming.write_eof()
            elif sealed:
                self._incoming.write(sealed)
            if self._failure is not None:
                raise self._failure
            data, self._surplus = self._surplus + self._decrypt(), b""
            if not data and self._failure is not None:
                raise self._failure
            return data

    async def _fill(self) -> None:
        data = await self.transport.receive_some(RECEIVE_SIZE)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
            self._ended = not self._ready

    def _decrypt(self) -> bytes:
        """Empty every complete record; a failure after good records waits for the next call."""
        parts: list[bytes] = []
        read, append = self._tls.read, parts.append
        try:
            while data := read(RECORD_SIZE):
                append(data)
            self._ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self._ended = True
        except ssl.SSLError as error:
            self._failure = translate(error)
            self._failure.__cause__ = error
        return b"".join(parts)

    def _check_open(self) -> None:
        if self._closed:
            raise trio.ClosedResourceError
        if not self._ready:
            raise LocalProtocolError("TLS stream used before its handshake")

    async def aclose(self) -> None:
        """Send close_notify, wait up to two seconds for the peer's, close the transport. Failures are
        ignored.
        """
        if self._closed:
            await trio.lowlevel.checkpoint()
            return
        self._closed = True
        try:
            if not self._sending.busy and not self._send_broken:
                with trio.move_on_after(CLOSE_LIMIT), contextlib.suppress(FdaemonError):
                    await self._say_goodbye()
        except FOREIGN:
            pass  # the peer is gone already; protocol/01 section 5.10: failures are ignored
        finally:
            await self.transport.aclose()

    async def _say_goodbye(self) -> None:
        if not self._ready:
            await self._flush()
            return
        if not self._receiving.busy and self._failure is None:
            self._decrypt()  # unread data would make OpenSSL refuse to look for the peer's close_notify
        try:
            self._tls.unwrap()
            complete = True
        except ssl.SSLWantReadError:
            complete = False
        except ssl.SSLError:
            complete = True
        await self._flush()
        while not complete and not self._ended and self._failure is None and not self._receiving.busy:
            await self._fill()
            self._decrypt()

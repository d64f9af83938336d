"""TLS with a pre-shared key over any trio stream (protocol/01 §5). Moves large chunks: all TLS records of
one arrival are read at once.
"""

import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import trio
from trio.abc import Stream

from fdpeers.errors import AuthenticationFailed, LinkClosed

CHUNK: Final = 1 << 18
"""Bytes asked of the transport at a time: sixteen full TLS records."""

CIPHERS: Final = "ALL:!ADH:!LOW:!EXP:!MD5:@STRENGTH"
"""The daemons' default TLS Cipher List (core/src/lib/tls_openssl_private.cc); Python's own default has no
PSK suites.
"""


def _context(protocol: int) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers(CIPHERS)
    return context


def client_context(identity: bytes, key: bytes) -> ssl.SSLContext:
    """Context that offers `identity` (`R_DIRECTOR` 0x1e name) with `key`, the ASCII text of the secret."""
    context = _context(ssl.PROTOCOL_TLS_CLIENT)
    name = identity.decode("utf-8", "surrogateescape")
    context.set_psk_client_callback(lambda _hint: (name, key))
    return context


def server_context(lookup: Callable[[str], bytes]) -> ssl.SSLContext:
    """Context that asks `lookup` for the key of an identity; an empty key refuses the handshake."""
    context = _context(ssl.PROTOCOL_TLS_SERVER)
    context.set_psk_server_callback(lambda identity: lookup(identity or ""))
    return context


class TlsStream(Stream):
    """One TLS connection over `transport`. One task may read while another writes."""

    def __init__(
        self, transport: Stream, context: ssl.SSLContext, *, server: bool, early: bytes = b""
    ) -> None:
        self.transport = transport
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._incoming.write(early)
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=server)
        self._scratch = bytearray(CHUNK)
        self._sending = trio.Lock()

    async def handshake(self) -> None:
        """Finish the handshake. Raises AuthenticationFailed when the peer does not share the key,
        LinkClosed when it leaves.
        """
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                try:
                    await self._flush()
                    await self._fill()
                except trio.BrokenResourceError as error:
                    raise LinkClosed(f"TLS handshake: {error}") from error
            except ssl.SSLError as error:
                with suppress(trio.BrokenResourceError):
                    await self._flush()
                raise AuthenticationFailed(f"TLS: {error}") from error
            else:
                await self._flush()
                return

    @property
    def cipher(self) -> str:
        """Cipher suite and protocol, as the daemons print them."""
        suite = self._tls.cipher()
        return f"{suite[0]} {self._tls.version()}" if suite else "None"

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """All decrypted bytes at hand, at least one; b"" at an orderly end."""
        limit = CHUNK if max_bytes is None else min(max_bytes, CHUNK)
        scratch = memoryview(self._scratch)
        filled = 0
        while True:
            try:
                while filled < limit:
                    count = self._tls.read(limit - filled, scratch[filled:limit])
                    assert isinstance(count, int)
                    if not count:
                        break
                    filled += count
            except ssl.SSLWantReadError:
                if not filled:
                    await self._flush()
                    await self._fill()
                    continue
            except ssl.SSLZeroReturnError:
                pass
            except ssl.SSLError as error:
                if not filled:
                    raise LinkClosed(f"TLS: {error}") from error
            return bytes(scratch[:filled])

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Encrypt and send `data` whole."""
        view = memoryview(data)
        for at in range(0, len(view), CHUNK):
            try:
                self._tls.write(view[at : at + CHUNK])
            except ssl.SSLError as error:
                raise LinkClosed(f"TLS: {error}") from error
            await self._flush()

    async def wait_send_all_might_not_block(self) -> None:
        """As in `trio.abc.SendStream`."""
        await self.transport.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Say close_notify if the peer still listens, then close the transport."""
        try:
            with trio.move_on_after(1):
                with suppress(ssl.SSLError, ValueError):
                    self._tls.unwrap()
                await self._flush()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            await trio.aclose_forcefully(self.transport)

    async def _flush(self) -> None:
        async with self._sending:
            if data := self._outgoing.read():
                await self.transport.send_all(data)

    async def _fill(self) -> None:
        data = await self.transport.receive_some(CHUNK)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

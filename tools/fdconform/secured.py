"""Steps below the packets of a TLS connection: how it is begun, and how it ends."""

import ssl
from dataclasses import dataclass
from typing import Final

import trio
from trio.abc import Stream

from fdconform.case import Step
from fdconform.profiles import Director
from fdconform.stage import DIAL_LIMIT, Stage
from fdconform.talk import PATIENCE, director_of
from fdconform.verdicts import CaseOver, Verdict
from fdpeers.cram import password_key
from fdpeers.errors import AuthenticationFailed, LinkClosed
from fdpeers.tls import CIPHERS, TlsStream

_VERSIONS: Final = {
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}


class Pieces(Stream):
    """A transport that sends its first bytes whole and all others one by one."""

    def __init__(self, inner: Stream, first: int) -> None:
        self._inner, self._first = inner, first

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """As in `trio.abc.SendStream`."""
        whole, self._first = data[: self._first], max(0, self._first - len(data))
        if whole:
            await self._inner.send_all(whole)
        for at in range(len(whole), len(data)):
            await self._inner.send_all(data[at : at + 1])

    async def wait_send_all_might_not_block(self) -> None:
        """As in `trio.abc.SendStream`."""
        await self._inner.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """As in `trio.abc.ReceiveStream`."""
        return await self._inner.receive_some(max_bytes)

    async def aclose(self) -> None:
        """As in `trio.abc.AsyncResource`."""
        await self._inner.aclose()


@dataclass(frozen=True, slots=True)
class Secure:
    """Dial TLS and say nothing. `identity` and `key` in the place of the role's own, `psk` False: none is offered.
    `version` is the only one offered; `ciphers` an OpenSSL list for TLS 1.2; `certificate` the name of a pair in the
    keys folder; `trusts` of a certificate that must have signed the daemon's. `pieces`: all but so many bytes go
    singly. `refused`: the handshake, or the first read, must fail, with one of these alerts (`alerts`, upper case, as
    OpenSSL names them) if any are given; other alerts are NON-STRICT."""

    role: str = "tls"
    on: str = "dir"
    identity: bytes | None = None
    key: bytes | None = None
    psk: bool = True
    version: str = ""
    ciphers: str = CIPHERS
    certificate: str = ""
    trusts: str = ""
    pieces: int = 0
    refused: bool = False
    alerts: tuple[str, ...] = ()

    async def play(self, stage: Stage) -> None:
        director = director_of(stage, self.role)
        context = await trio.to_thread.run_sync(self._context, stage, director)
        with trio.fail_after(DIAL_LIMIT):
            transport: Stream = await trio.open_tcp_stream(stage.subject.host, stage.subject.port)
        if self.pieces:
            transport = Pieces(transport, self.pieces)
        tls = TlsStream(transport, context, server=False)
        try:
            with trio.fail_after(PATIENCE):
                await tls.handshake()
                if self.refused:
                    await self._first_read(stage, tls)
        except (AuthenticationFailed, LinkClosed, trio.BrokenResourceError) as error:
            await trio.aclose_forcefully(transport)
            if not self.refused:
                raise stage.fail(f"no TLS: {error}") from error
            if self.alerts and not any(alert in str(error).upper() for alert in self.alerts):
                stage.note(Verdict.NON_STRICT, f"refused with {error}, not {' or '.join(self.alerts)}")
            return
        except trio.TooSlowError:
            await trio.aclose_forcefully(transport)
            raise stage.fail(f"neither a handshake nor a refusal within {PATIENCE:g} s") from None
        stage.adopt(self.on, tls, director)
        stage.names["cipher"] = tls.cipher.encode()

    async def _first_read(self, stage: Stage, tls: TlsStream) -> None:
        """In TLS 1.3 a client hears only now that the server does not want it."""
        if not await tls.receive_some():
            raise LinkClosed("the daemon closed the connection after the handshake")
        raise stage.fail("the TLS handshake came about, and the daemon speaks")

    def _context(self, stage: Stage, director: Director) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_ciphers(self.ciphers)
        if self.version:
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = context.minimum_version = _VERSIONS[self.version]
        if self.psk:
            identity = b"R_DIRECTOR\x1e" + director.name.encode() if self.identity is None else self.identity
            name = stage.fill(identity).decode()
            key = password_key(director.password) if self.key is None else stage.fill(self.key)
            context.set_psk_client_callback(lambda _hint: (name, key))
        if self.certificate or self.trusts:
            folder = stage.subject.folder
            if folder is None:
                raise stage.fail("the case needs the daemon's keys")
            keys = folder / "keys"
            if self.certificate:
                context.load_cert_chain(keys / f"{self.certificate}.pem", keys / f"{self.certificate}.key")
            if self.trusts:
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(keys / f"{self.trusts}.pem")
        return context


@dataclass(frozen=True, slots=True)
class Attempted:
    """Take these steps, and put into the report whether they came about."""

    steps: tuple[Step, ...]
    what: str

    async def play(self, stage: Stage) -> None:
        try:
            for step in self.steps:
                await step.play(stage)
        except CaseOver as over:
            stage.note(Verdict.INFORMATIONAL, f"{self.what} is refused: {over.finding.text}")
        else:
            stage.note(Verdict.INFORMATIONAL, f"{self.what} is accepted")


@dataclass(frozen=True, slots=True)
class Negotiated:
    """The TLS that came about has this cipher or version (a part of their names); other ones are NON-STRICT."""

    part: bytes

    async def play(self, stage: Stage) -> None:
        cipher = stage.names["cipher"]
        if self.part not in cipher:
            stage.note(Verdict.NON_STRICT, f"{cipher.decode()} was negotiated, not {self.part.decode()}")


def _tls_of(stage: Stage, name: str) -> TlsStream:
    stream = stage.line(name).link.stream
    if not isinstance(stream, TlsStream):
        raise stage.fail(f"the connection {name} has no TLS")
    return stream


@dataclass(frozen=True, slots=True)
class EndsInOrder:
    """A TLS close_notify and the end; TERMINATE has been heard already."""

    on: str = "dir"

    async def play(self, stage: Stage) -> None:
        tls = _tls_of(stage, self.on)
        said = b""
        with trio.move_on_after(PATIENCE) as scope:
            try:
                while more := await tls.receive_some():
                    said += more
            except LinkClosed as error:
                stage.note(Verdict.NON_STRICT, f"the connection ended without close_notify: {error}")
        if scope.cancelled_caught:
            raise stage.fail(f"the connection is still open after {PATIENCE:g} s")
        if said:
            raise stage.fail(f"after TERMINATE came {said!r}")


@dataclass(frozen=True, slots=True)
class Rubbish:
    """Send `data` on the transport below TLS, or without any cut the transport off."""

    data: bytes
    on: str = "dir"

    async def play(self, stage: Stage) -> None:
        transport = _tls_of(stage, self.on).transport
        if self.data:
            await transport.send_all(self.data)
        else:
            await trio.aclose_forcefully(transport)
            del stage.lines[self.on]

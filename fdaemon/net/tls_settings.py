"""TLS settings, contexts and the rules for whom we accept. Must never let a peer through that proved
nothing.

One context serves one connection, as in the C++ daemon: nothing can be resumed from an earlier connection,
whose key may have been wiped since, and a record can be kept of the pre-shared key that its handshake asked
for. The callbacks get that record and never the context: Python's collector does not see what they refer to, so
a context that they held would stay for ever.
"""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

from fdaemon.errors import FdaemonError, RemoteProtocolError
from fdaemon.net.edge import reason

DEFAULT_CIPHERS = "ALL:!ADH:!LOW:!EXP:!MD5:@STRENGTH"
"""core/src/lib/tls_openssl_private.cc; Python's own default has no PSK ciphers for TLS 1.2."""
MAX_IDENTITY = 256
"""Bytes (OpenSSL 3: PSK_MAX_IDENTITY_LEN)."""
MAX_KEY = 512
"""Bytes (OpenSSL 3: PSK_MAX_PSK_LEN)."""

type PskLookup = Callable[[str | None], bytes]
"""Key of a PSK identity; b"" for an unknown one."""


class TlsSetupError(FdaemonError):
    """The TLS settings of this side cannot be used: a file that does not load, a cipher list without a
    cipher.
    """


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """The TLS directives of one resource (protocol/01 section 5.5); file names as OpenSSL takes them.

    Without `verify_peer` no certificate is checked, as in the C++ daemon: trust comes from CRAM-MD5 then.
    """

    certificate: str | None = None
    key: str | None = None
    ca_file: str | None = None
    ca_dir: str | None = None
    crl: str | None = None
    verify_peer: bool = False
    allowed_cns: tuple[str, ...] = ()
    cipher_list: str = ""
    cipher_suites: str = ""
    protocol: str = ""
    dh_file: str | None = None

    @property
    def uses_certificates(self) -> bool:
        """True when this side was set up for certificates; then a server may answer our PSK with one."""
        return bool(self.certificate or self.ca_file or self.ca_dir or self.verify_peer)


@dataclass(slots=True)
class PskRecord:
    """What the callbacks of one context saw: whether a key was asked for, under which identity, and what went wrong."""

    asked: bool = False
    identity: str | None = None
    error: Exception | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class TlsContext:
    """An OpenSSL context for one connection, with what its callbacks saw. Made by the two functions below."""

    ssl_context: ssl.SSLContext
    settings: TlsSettings
    server_side: bool
    psk: PskRecord

    def psk_used(self, tls: ssl.SSLObject) -> bool:
        """True when the finished handshake of `tls` rests on the pre-shared key.

        The callback having run is not enough: in TLS 1.3 it runs before the server chooses. There, OpenSSL
        counts an external key as a resumption, and nothing else can be resumed in a fresh context.
        """
        if not self.psk.asked:
            return False
        if tls.version() == "TLSv1.3":
            return bool(tls.session_reused)
        cipher = tls.cipher()
        return cipher is not None and "PSK" in cipher[0]

    def check_peer(self, tls: ssl.SSLObject, host: str | None) -> None:
        """Refuse a peer after the handshake of `tls`; raises RemoteProtocolError with the job message text.

        `host` is the address that a client dialled, for the name check of `verify_peer`.
        """
        settings = self.settings
        self._check_suite(tls)
        used = self.psk_used(tls)
        certificate = tls.getpeercert(binary_form=True)
        if not self.server_side and not settings.uses_certificates and (certificate is not None or not used):
            raise RemoteProtocolError(
                "the peer offered a certificate instead of proving the pre-shared key,"
                " and no certificate settings allow that here",
                fatal=b"TLS negotiation failed\n",
            )
        if self.server_side and not used and not settings.certificate:
            raise RemoteProtocolError("TLS without a pre-shared key", fatal=b"TLS negotiation failed\n")
        if not settings.verify_peer:
            return
        if certificate is None:
            text = "Peer failed to present a TLS certificate"
            raise RemoteProtocolError(text, fatal=text.encode() + b"\n")
        self._check_name(tls, host)

    def _check_name(self, tls: ssl.SSLObject, host: str | None) -> None:
        names, alternatives = _names(tls)
        allowed = self.settings.allowed_cns
        if allowed:
            if not names or names[0] not in allowed:
                text = (
                    "TLS certificate verification failed."
                    " Peer certificate did not match a required commonName"
                )
                raise RemoteProtocolError(text, fatal=text.encode() + b"\n")
            return
        if self.server_side:
            return
        wanted = (host or "").lower()
        if not wanted or wanted not in {name.lower() for name in (*alternatives, *names)}:
            text = (
                f'TLS host certificate verification failed. Host name "{host or ""}"'
                " did not match presented certificate"
            )
            raise RemoteProtocolError(text, fatal=text.encode() + b"\n")

    def _check_suite(self, tls: ssl.SSLObject) -> None:
        # The ssl module cannot set TLS 1.3 suites, so a configured list is enforced on the outcome.
        wanted = self.settings.cipher_suites
        cipher = tls.cipher()
        if wanted and tls.version() == "TLSv1.3" and (cipher is None or cipher[0] not in wanted.split(":")):
            raise RemoteProtocolError(
                f"TLS cipher suite {cipher[0] if cipher else 'unknown'} is not among the configured {wanted}",
                fatal=b"TLS negotiation failed\n",
            )


def _names(tls: ssl.SSLObject) -> tuple[list[str], list[str]]:
    """Common names and DNS alternative names of the verified peer certificate."""
    certificate = tls.getpeercert() or {}
    common: list[str] = []
    alternatives: list[str] = []
    for part in certificate.get("subject", ()):
        common += [str(pair[1]) for pair in part if isinstance(pair, tuple) and pair[0] == "commonName"]
    for pair in certificate.get("subjectAltName", ()):
        if isinstance(pair, tuple) and pair[0] == "DNS":
            alternatives.append(str(pair[1]))
    return common, alternatives


def server_context(settings: TlsSettings, psk_lookup: PskLookup) -> TlsContext:
    """Context for one accepted connection. `psk_lookup` returns b"" for an unknown identity.

    Raises TlsSetupError when the settings cannot be used.
    """
    context = _prepare(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), settings)
    context.num_tickets = 0
    context.verify_mode = ssl.CERT_REQUIRED if settings.verify_peer else ssl.CERT_NONE
    psk = PskRecord()

    def find_key(identity: str | None) -> bytes:
        psk.asked, psk.identity = True, identity
        try:
            key = psk_lookup(identity)
        except (
            Exception
        ) as error:  # the ssl module would only print it; the stream raises it after the handshake
            psk.error = error
            return b""
        return key if len(key) <= MAX_KEY else b""

    context.set_psk_server_callback(find_key)
    return TlsContext(context, settings, True, psk)


def client_context(settings: TlsSettings, identity: str | None, key: bytes) -> TlsContext:
    """Context for one dialled connection, offering the pre-shared `key` under `identity` (None: no key at
    all).

    Raises TlsSetupError when the settings, identity or key cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED if settings.verify_peer else ssl.CERT_NONE
    _prepare(context, settings)
    psk = PskRecord(identity=identity)
    made = TlsContext(context, settings, False, psk)
    if identity is None:
        return made
    if len(identity.encode("utf-8", "surrogateescape")) > MAX_IDENTITY or not 0 < len(key) <= MAX_KEY:
        raise TlsSetupError(f"pre-shared key or identity of an impossible length for {identity!r}")

    def offer(_hint: str | None) -> tuple[str | None, bytes]:
        psk.asked = True
        return identity, key

    context.set_psk_client_callback(offer)
    return made


def _prepare(context: ssl.SSLContext, settings: TlsSettings) -> ssl.SSLContext:
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
    try:
        context.set_ciphers(settings.cipher_list or DEFAULT_CIPHERS)
        context.minimum_version, context.maximum_version = parse_protocol(settings.protocol)
        if settings.certificate:
            context.load_cert_chain(settings.certificate, settings.key, password=_no_passphrase)
        if settings.ca_file or settings.ca_dir:
            context.load_verify_locations(settings.ca_file, settings.ca_dir)
        if settings.crl:
            context.load_verify_locations(settings.crl)
            context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN
        if settings.dh_file:
            context.load_dh_params(settings.dh_file)
    except (OSError, ValueError) as error:
        raise TlsSetupError(f"TLS settings cannot be used: {reason(error)}") from error
    return context


def _no_passphrase() -> str:
    raise ValueError("a key file with a passphrase is not supported")


_VERSIONS = {"tlsv1.2": ssl.TLSVersion.TLSv1_2, "tlsv1.3": ssl.TLSVersion.TLSv1_3}
_RETIRED = frozenset({"sslv2", "sslv3", "tlsv1", "tlsv1.1"})


def parse_protocol(text: str) -> tuple[ssl.TLSVersion, ssl.TLSVersion]:
    """Lowest and highest version for a `TLS Protocol` directive, read like OpenSSL's `Protocol` command.

    Comma-separated names, each switched on, or off with a leading `-`, starting from all; so `TLSv1.2`
    alone changes nothing and `-ALL,TLSv1.2` leaves one. Versions before 1.2 are known names that stay off.
    ValueError otherwise.
    """
    enabled = set(_VERSIONS)
    for word in filter(None, (part.strip().lower() for part in text.split(","))):
        name = word.lstrip("+-")
        chosen = set(_VERSIONS) if name == "all" else {name}
        if name != "all" and name not in _VERSIONS and name not in _RETIRED:
            raise ValueError(f"unknown TLS protocol {name!r}")
        enabled = enabled - chosen if word.startswith("-") else enabled | (chosen & set(_VERSIONS))
    if not enabled:
        raise ValueError(f"TLS protocol {text!r} leaves no version")
    versions = sorted(_VERSIONS[name] for name in enabled)
    return versions[0], versions[-1]

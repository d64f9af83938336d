"""Chapter 2, section 8: TLS with certificates."""

from fdconform.case import Case, Need
from fdconform.expect import Like
from fdconform.proof import REFUSED, Answer, Asked, LoggedIn
from fdconform.secured import Negotiated, Secure
from fdconform.talk import Alive, Hear, HearText, Say

_CERTIFICATES = "01 §5.5; core/src/lib/tls_openssl.cc"
_STATUS = (Say(b".status header"), HearText(Like(rb".* Version: .*")))
_NEEDS = frozenset({Need.PROCESS})

_SERVER = tuple(
    Case(
        id=f"2.8.{number}",
        title=title,
        rule="A daemon with a certificate shows it, and lets in whoever proves itself with CRAM-MD5.",
        source=_CERTIFICATES,
        profile="certificate",
        needs=_NEEDS,
        play=(dial, LoggedIn(), *_STATUS),
    )
    for number, title, dial in (
        (1, "a Director that offers a key", Secure()),
        (2, "a Director without a key", Secure(psk=False, ciphers="DEFAULT")),
        (
            3,
            "a Director that checks the certificate",
            Secure(psk=False, ciphers="DEFAULT", trusts="authority"),
        ),
        (4, "a Director with a certificate", Secure(psk=False, ciphers="DEFAULT", certificate="dir")),
        (5, "TLS 1.2 without a key", Secure(psk=False, ciphers="DEFAULT", version="1.2")),
        (6, "TLS 1.2 with a key", Secure(version="1.2")),
        (7, "a certificate that the daemon cannot check", Secure(psk=False, certificate="foreign")),
        (8, "another Director", Secure("other")),
    )
)

_CHECKED = tuple(
    Case(
        id=f"2.8.{number}",
        title=title,
        rule="With TLS Verify Peer whoever has a certificate of the authority is let in, and nobody else.",
        source=_CERTIFICATES,
        profile=profile,
        needs=_NEEDS,
        play=(Secure(psk=False, ciphers="DEFAULT", certificate=certificate), LoggedIn(), *_STATUS),
    )
    for number, title, profile, certificate in (
        (20, "a certificate of the authority", "verifying", "dir"),
        (21, "any name, where none is asked for", "verifying", "guest"),
        (22, "a certificate with the name that is asked for", "choosing", "dir"),
    )
)

_REFUSED = tuple(
    Case(
        id=f"2.8.{number}",
        title=title,
        rule="With TLS Verify Peer a peer without a certificate of the authority gets no connection, nor one whose "
        "name is not allowed.",
        source=_CERTIFICATES,
        profile=profile,
        needs=_NEEDS,
        play=(dial, Secure(psk=False, certificate="dir"), LoggedIn()),
    )
    for number, title, profile, dial in (
        (
            30,
            "no certificate",
            "verifying",
            Secure(psk=False, refused=True, alerts=("CERTIFICATE_REQUIRED",)),
        ),
        (
            31,
            "no certificate, TLS 1.2",
            "verifying",
            Secure(psk=False, version="1.2", ciphers="DEFAULT", refused=True, alerts=("HANDSHAKE_FAILURE",)),
        ),
        (32, "a key in the place of a certificate", "verifying", Secure(refused=True)),
        (
            33,
            "a key in the place of a certificate, TLS 1.2",
            "verifying",
            Secure(version="1.2", refused=True),
        ),
        (
            34,
            "a certificate of another authority",
            "verifying",
            Secure(psk=False, certificate="foreign", refused=True, alerts=("UNKNOWN_CA",)),
        ),
        (
            35,
            "a certificate that has expired",
            "verifying",
            Secure(psk=False, certificate="stale", refused=True, alerts=("CERTIFICATE_EXPIRED",)),
        ),
        (
            36,
            "a certificate with another name",
            "choosing",
            Secure(psk=False, certificate="guest", refused=True),
        ),
        (37, "no certificate where a name is asked for", "choosing", Secure(psk=False, refused=True)),
    )
)

CASES = (
    *_SERVER,
    *_CHECKED,
    *_REFUSED,
    Case(
        id="2.8.40",
        title="a wrong password behind a certificate",
        rule="A certificate takes nobody's place: the password is still asked for.",
        source="01 §5.1",
        profile="certificate",
        needs=_NEEDS,
        play=(Secure(psk=False), Asked(), Answer(key=b"0" * 32), Hear(REFUSED, raw=True), Alive("tls")),
    ),
    Case(
        id="2.8.41",
        title="a wrong password behind a checked certificate",
        rule="A certificate takes nobody's place: the password is still asked for.",
        source="01 §5.1",
        profile="choosing",
        needs=_NEEDS,
        play=(
            Secure(psk=False, certificate="dir"),
            Asked(),
            Answer(key=b"0" * 32),
            Hear(REFUSED, raw=True),
        ),
    ),
    Case(
        id="2.8.42",
        title="key or certificate",
        rule="Of a server that has both OpenSSL uses the certificate, though the client offers its key.",
        source=_CERTIFICATES,
        profile="certificate",
        needs=_NEEDS,
        play=(Secure(version="1.3"), Negotiated(b"TLS_AES_256_GCM_SHA384"), LoggedIn()),
    ),
)

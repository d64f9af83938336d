"""Chapter 2, section 7: TLS with pre-shared keys."""

from fdconform.case import Case, Need
from fdconform.expect import CLOSED, Like, Signal
from fdconform.poke import HearOneOf, Poke, Unserved
from fdconform.proof import LoggedIn
from fdconform.secured import Attempted, Negotiated, Secure
from fdconform.talk import Alive, Dial, HangUp, HearText, Login, Say

_PSK = "01 §5.3, §5.4; core/src/lib/tls_openssl_private.cc: psk_server_cb"
_STATUS = (Say(b".status header"), HearText(Like(rb".* Version: .*")))

_GOOD = (
    Case(
        id="2.7.1",
        title="TLS 1.3",
        rule="TLS 1.3 is negotiated with everybody who has it.",
        source=_PSK,
        play=(Secure(), LoggedIn(), Negotiated(b"TLSv1.3"), *_STATUS),
    ),
    Case(
        id="2.7.2",
        title="TLS 1.3 alone",
        rule="The suite is one with SHA-256, which pre-shared keys need; OpenSSL prefers CHACHA20.",
        source=_PSK,
        play=(Secure(version="1.3"), LoggedIn(), Negotiated(b"SHA256"), *_STATUS),
    ),
    Case(
        id="2.7.3",
        title="TLS 1.2 alone",
        rule="TLS 1.2 works too, with ECDHE-PSK where the client has it.",
        source=_PSK,
        play=(Secure(version="1.2"), LoggedIn(), Negotiated(b"ECDHE-PSK"), *_STATUS),
    ),
    *(
        Case(
            id=f"2.7.{number}",
            title=f"TLS 1.2 with {cipher}",
            rule="Every PSK suite of the default TLS Cipher List can be chosen.",
            source=_PSK,
            play=(
                Secure(version="1.2", ciphers=cipher),
                LoggedIn(),
                Negotiated(cipher.encode()),
                *_STATUS,
            ),
        )
        for number, cipher in (
            (4, "ECDHE-PSK-CHACHA20-POLY1305"),
            (5, "ECDHE-PSK-AES128-CBC-SHA256"),
            (6, "PSK-AES128-GCM-SHA256"),
            (7, "PSK-AES256-GCM-SHA384"),
            (8, "PSK-CHACHA20-POLY1305"),
        )
    ),
    Case(
        id="2.7.9",
        title="a handshake in single bytes",
        rule="The records of a handshake may come in any segmentation, once ten bytes have come.",
        source="01 §1.1, §4.2",
        play=(Secure(pieces=16), LoggedIn(), *_STATUS),
    ),
    Case(
        id="2.7.10",
        title="a certificate besides the key",
        rule="A client with a certificate of its own still uses the key, as the daemon does not ask for one.",
        source="01 §5.5",
        profile="certificate",
        needs=frozenset({Need.PROCESS}),
        play=(Secure(certificate="dir"), LoggedIn(), *_STATUS),
    ),
    Case(
        id="2.7.11",
        title="another field in the identity",
        rule="Fields behind the name of an identity are ignored or make it unknown.",
        source="01 §5.3; App. C",
        informational=True,
        play=(
            Attempted(
                (Secure(identity=b"R_DIRECTOR\x1econform-dir\x1eextra"), LoggedIn()), "such an identity"
            ),
        ),
    ),
)

_ALERTS_13 = ("HANDSHAKE_FAILURE", "HANDSHAKE FAILURE")
_ALERTS_12 = ("UNKNOWN_PSK_IDENTITY", "UNKNOWN PSK IDENTITY")

_REFUSED = tuple(
    Case(
        id=f"2.7.{number}",
        title=f"{title}, TLS {version}",
        rule="A key or an identity that the daemon does not have makes no TLS connection.",
        source=_PSK,
        play=(
            Secure(identity=identity, key=key, version=version, refused=True, alerts=alerts),
            Alive("tls"),
        ),
    )
    for number, title, version, identity, key, alerts in (
        (20, "a wrong key", "1.3", None, b"0" * 32, ("ILLEGAL_PARAMETER", "DECRYPT_ERROR")),
        (21, "a wrong key", "1.2", None, b"0" * 32, ("BAD_RECORD_MAC", "DECRYPT")),
        (22, "a short key", "1.3", None, b"0", ("ILLEGAL_PARAMETER", "DECRYPT_ERROR")),
        (
            23,
            "the key in capitals",
            "1.3",
            None,
            b"5EBE2294ECD0E0F08EAB7690D2A6EE69",
            ("ILLEGAL_PARAMETER", "DECRYPT_ERROR"),
        ),
        (24, "an unknown Director", "1.3", b"R_DIRECTOR\x1enobody", None, _ALERTS_13),
        (25, "an unknown Director", "1.2", b"R_DIRECTOR\x1enobody", None, _ALERTS_12),
        (26, "an unknown job", "1.3", b"R_JOB\x1enobody.2026-11-23_05.00.00_01", None, _ALERTS_13),
        (27, "an unknown job", "1.2", b"R_JOB\x1enobody.2026-11-23_05.00.00_01", None, _ALERTS_12),
        (28, "a console", "1.3", b"R_CONSOLE\x1econform-dir", None, _ALERTS_13),
        (29, "a name without a type", "1.3", b"conform-dir", None, _ALERTS_13),
        (30, "a name without a type", "1.2", b"conform-dir", None, _ALERTS_12),
        (31, "a type in small letters", "1.3", b"r_director\x1econform-dir", None, _ALERTS_13),
        (32, "a name with a blank as 0x01", "1.3", b"R_DIRECTOR\x1econform-dir\x01", None, _ALERTS_13),
        (33, "an identity of 200 bytes", "1.3", b"R_DIRECTOR\x1e" + b"n" * 189, None, _ALERTS_13),
    )
)

_NO_PSK = tuple(
    Case(
        id=f"2.7.{number}",
        title=title,
        rule="Without a key and without a certificate of the daemon there is no TLS connection.",
        source="01 §5.4, §5.5",
        play=(
            Secure(psk=False, version=version, ciphers=ciphers, refused=True, alerts=_ALERTS_13),
            Alive("tls"),
        ),
    )
    for number, title, version, ciphers in (
        (40, "no key offered, TLS 1.3", "1.3", "DEFAULT"),
        (41, "no key offered, TLS 1.2", "1.2", "DEFAULT"),
        (42, "only suites for certificates", "1.2", "ECDHE-RSA-AES128-GCM-SHA256"),
    )
)

_OLD = tuple(
    Case(
        id=f"2.7.{number}",
        title=title,
        rule="SSL 2 and 3 are off, and a handshake below TLS is answered with an alert or TERMINATE.",
        source="01 §5.4",
        play=(Poke(data), Alive("tls")),
    )
    for number, title, data in (
        (
            43,
            "an SSL 3 hello",
            bytes.fromhex("1603000031" + "0100002d0300")
            + bytes(range(32))
            + b"\0\0\x06\0\x2f\0\x35\0\x0a\x01\0",
        ),
        (
            44,
            "an SSL 2 hello",
            bytes.fromhex("802e0100020015000000100100800200800300800400800500800600400700c0") + bytes(16),
        ),
    )
)

CASES = (
    *_GOOD,
    *_REFUSED,
    *_NO_PSK,
    *_OLD,
    Case(
        id="2.7.45",
        title="TLS again inside TLS",
        rule="A ClientHello inside a TLS connection is a header above 1,000,000.",
        source="01 §1.3",
        profile="refusing",
        play=(Dial("tls"), Say(b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"), Unserved(), Alive()),
    ),
    Case(
        id="2.7.46",
        title="a hello in the clear after the identity of another one",
        rule="The password of the Director in the hello counts, not the identity: the CRAM-MD5 exchange follows with "
        "its key, or (release 26) the connection is refused.",
        source="01 §5.1, §7.4",
        play=(
            Secure("other"),
            Say(b"Hello Director conform-clear calling\n"),
            HearOneOf((Signal(-4), CLOSED, Like(rb"auth cram-md5 .*"))),
        ),
    ),
    Case(
        id="2.7.47",
        title="two TLS sessions of one Director",
        rule="Every connection has a handshake of its own, nothing is resumed.",
        source="01 §5.4",
        play=(Login("tls", "one"), Login("tls", "two"), HangUp("one", terminate=True), Alive("tls")),
    ),
)

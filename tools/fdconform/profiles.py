"""The configurations that cases ask for, as data, and the text of each in the Bareos configuration language."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from fdconform.case import PLAIN

CLIENT: Final = "conform-fd"
"""Name of the Client resource."""


@dataclass(frozen=True, slots=True)
class Director:
    """A Director resource. `tls`: the tester dials it with TLS-PSK; `extra` are more directives."""

    name: str
    password: str
    tls: bool = True
    extra: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """One configuration of the daemon. `client` are more directives of the Client resource; `{folder}` in any
    directive is the folder of the daemon's own files, `{keys}` the one of certificates and keys."""

    name: str
    client: tuple[str, ...] = ()
    directors: tuple[tuple[str, Director], ...] = ()

    def director(self, role: str) -> Director:
        """The Director that plays `role`. Raises KeyError."""
        return dict(self.directors)[role]


_TLS: Final = Director("conform-dir", "conform secret")
_CLEAR: Final = Director("conform-clear", "clear secret", tls=False, extra=("TLS Enable = no",))
_STANDARD: Final = (
    ("tls", _TLS),
    ("clear", _CLEAR),
    ("monitor", Director("conform-mon", "monitor secret", extra=("Monitor = yes",))),
    ("other", Director("conform-other", "other secret")),
)
_CHOOSY: Final = (
    *_STANDARD,
    (
        "restorer",
        Director("conform-rest", "r", tls=False, extra=("TLS Enable = no", "Allowed Job Command = restore")),
    ),
    (
        "scripted",
        Director(
            "conform-run",
            "s",
            tls=False,
            extra=("TLS Enable = no", "Allowed Job Command = runscript", "Allowed Script Dir = /bin"),
        ),
    ),
)
"""Directors that may not do everything; the Client's own list holds for the others."""

_SIGNED: Final = ("PKI Signatures = yes", 'PKI Key Pair = "{keys}/pki-client.pem"')
_SEALED: Final = (*_SIGNED, "PKI Encryption = yes", 'PKI Master Key = "{keys}/pki-master.cert"')

_CERTIFICATE: Final = ('TLS Certificate = "{keys}/fd.pem"', 'TLS Key = "{keys}/fd.key"')
_VERIFYING: Final = (
    *_CERTIFICATE,
    'TLS CA Certificate File = "{keys}/authority.pem"',
    "TLS Verify Peer = yes",
)
_SPECIAL: Final = (
    *_STANDARD,
    ("optional", Director("conform-opt", "optional secret", extra=("TLS Enable = yes", "TLS Require = no"))),
    (
        "outbound",
        Director("conform-out", "outbound secret", extra=("Connection From Director To Client = no",)),
    ),
    ("hashed", Director("conform-md5", "[md5]5ebe2294ecd0e0f08eab7690d2a6ee69")),
    ("spoken", Director("conform with blanks", "a secret with blanks")),
    (
        "spoken-clear",
        Director("conform clear blanks", "blank secret", tls=False, extra=("TLS Enable = no",)),
    ),
    ("long", Director("conform-" + "l" * 119, "long secret")),
    ("umlaut", Director("conform-secret", "schöne Grüße §")),
    ("restricted", Director("conform-some", "some secret", extra=("Allowed Job Command = backup",))),
    (
        "quiet",
        Director("conform-quiet", "quiet secret", tls=False, extra=("TLS Enable = no", "Monitor = yes")),
    ),
)
"""Directors with all that can be said of one that has to do with letting it in."""

PROFILES: Final = {
    profile.name: profile
    for profile in (
        Profile(PLAIN, directors=_STANDARD),
        Profile("limited", ("Maximum Concurrent Jobs = 2",), _STANDARD),
        Profile("heartbeat", ("Heartbeat Interval = 1",), _STANDARD),
        Profile("bare", ("TLS Enable = no",), _STANDARD),
        Profile("serial", ("Maximum Workers Per Job = 0",), _STANDARD),
        Profile("special", directors=_SPECIAL),
        Profile("refusing", directors=_STANDARD),
        Profile("cleartext", ("TLS Enable = no",), _STANDARD),
        Profile("certificate", _CERTIFICATE, _STANDARD),
        Profile("verifying", _VERIFYING, _STANDARD),
        Profile("choosing", (*_VERIFYING, "TLS Allowed CN = conform-dir"), _STANDARD),
        Profile("signed", _SIGNED, _STANDARD),
        Profile("sealed", _SEALED, _STANDARD),
        Profile("sealed-aes256", (*_SEALED, "PKI Cipher = aes256"), _STANDARD),
        Profile("small-buffer", ("Maximum Network Buffer Size = 65536",), _STANDARD),
        Profile("choosy", ("Allowed Job Command = backup",), _CHOOSY),
        Profile("status", directors=_STANDARD),
        Profile("debug", directors=_STANDARD),
        Profile("impatient", ("SD Connect Timeout = 2",), _STANDARD),
    )
}
"""By name. More are made with `variant`."""


def variant(name: str, profile: Profile, *client: str) -> Profile:
    """`profile` under another name, with more directives of the Client."""
    return replace(profile, name=name, client=(*profile.client, *client))


def configuration(profile: Profile, folder: Path, port: int, host: str = "127.0.0.1") -> str:
    """The whole configuration file for a daemon that keeps its files in `folder`."""
    lines = [
        "Client {",
        f"  Name = {CLIENT}",
        f"  FD Port = {port}",
        f"  FD Address = {host}",
        f'  Working Directory = "{folder}"',
        *(f"  {line}" for line in profile.client),
        "}",
    ]
    for _, director in profile.directors:
        lines += ["Director {", f'  Name = "{director.name}"', f'  Password = "{director.password}"']
        lines += [*(f"  {line}" for line in director.extra), "}"]
    lines += ["Messages {", "  Name = Standard"]
    first = profile.directors[0][1].name if profile.directors else "conform-dir"
    # One destination only: the C++ daemon says everything once for each, to whatever Director is connected.
    lines.append(f"  Director = {first} = all, !skipped, !restored")
    lines.append("}")
    return "\n".join(lines).replace("{folder}", str(folder)).replace("{keys}", str(folder / "keys")) + "\n"

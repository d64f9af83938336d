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

PROFILES: Final = {
    profile.name: profile
    for profile in (
        Profile(PLAIN, directors=_STANDARD),
        Profile("limited", ("Maximum Concurrent Jobs = 2",), _STANDARD),
        Profile("heartbeat", ("Heartbeat Interval = 1",), _STANDARD),
        Profile("serial", ("Maximum Workers Per Job = 0",), _STANDARD),
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
        f"  Port = {port}",
        f"  Address = {host}",
        f'  Working Directory = "{folder}"',
        *(f"  {line}" for line in profile.client),
        "}",
    ]
    for _, director in profile.directors:
        lines += ["Director {", f"  Name = {director.name}", f'  Password = "{director.password}"']
        lines += [*(f"  {line}" for line in director.extra), "}"]
    lines += ["Messages {", "  Name = Standard"]
    lines += [f"  Director = {director.name} = all, !skipped, !restored" for _, director in profile.directors]
    lines.append("}")
    return "\n".join(lines).replace("{folder}", str(folder)).replace("{keys}", str(folder / "keys")) + "\n"

"""A daemon that runs already: what the tester must be told of it (a TOML file), and the files that
`fdconform configure` writes to set one up. Starts nothing."""

import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fdconform import pki_keys
from fdconform.authority import write_certificates
from fdconform.profiles import PROFILES, Director, Profile, configuration
from fdconform.subject import ProfileMissing, Subject, SubjectError


class GivenError(ValueError):
    """The file that describes the daemon cannot be used; the text says what to write."""


@dataclass(frozen=True, slots=True)
class Given:
    """`profile`: the one its configuration follows; `files`: a folder that daemon and tester both see, or None."""

    profile: str
    directors: dict[str, Director]
    files: Path | None


def read(path: Path) -> Given:
    """The description in `path`. Raises GivenError."""
    try:
        document = tomllib.loads(path.read_text())
    except OSError as error:
        raise GivenError(f"cannot read {path}: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise GivenError(f"{path}: {error}") from error
    profile = document.get("profile", "plain")
    if profile not in PROFILES:
        raise GivenError(f"{path}: there is no profile {profile!r}; known are {', '.join(PROFILES)}")
    tables = document.get("director")
    if not isinstance(tables, dict) or not tables:
        raise GivenError(f"{path}: write at least one table [director.tls] with name and password")
    files = document.get("files")
    directors = {role: _director(path, role, table) for role, table in tables.items()}
    return Given(profile, directors, Path(files) if files else None)


def _director(path: Path, role: str, table: Any) -> Director:
    match table:
        case {"name": str(name), "password": str(password), **rest}:
            return Director(name, password, tls=bool(rest.get("tls", True)))
        case _:
            raise GivenError(f"{path}: [director.{role}] needs name and password, both text")


def describe(profile: Profile, files: Path) -> str:
    """The TOML text for a daemon that was configured by `configuration`."""
    lines = [f'profile = "{profile.name}"', f'files = "{files}"']
    for role, director in profile.directors:
        lines += ["", f"[director.{role}]", f'name = "{director.name}"', f'password = "{director.password}"']
        lines.append(f"tls = {'true' if director.tls else 'false'}")
    return "\n".join(lines) + "\n"


def configure(folder: Path, profile: Profile, host: str, port: int) -> tuple[Path, Path]:
    """Write the daemon's configuration and its description for the tester into `folder`; gives both paths.
    Raises OSError."""
    work, files = folder / "work", folder / "files"
    for place in (work, files):
        place.mkdir(parents=True, exist_ok=True)
    config, description = folder / "bareos-fd.conf", folder / "fdconform.toml"
    config.write_text(text := configuration(profile, work, port, host))
    if f"{work}/keys/pki-" in text:
        pki_keys.write(work / "keys")
    if f"{work}/keys/fd.pem" in text:
        write_certificates(work / "keys")
    description.write_text(describe(profile, files))
    return config, description


@asynccontextmanager
async def running(given: Given, host: str, port: int, profile: Profile) -> AsyncIterator[Subject]:
    """The daemon, if it follows this profile. Raises ProfileMissing, or SubjectError if it does not listen."""
    if profile.name != given.profile:
        raise ProfileMissing(
            f"needs the profile {profile.name!r}: start the daemon with --start, or set one up with "
            f"`fdconform configure --profile {profile.name}`"
        )
    subject = Subject(host, port, given.directors, given.files)
    if not await subject.listens():
        raise SubjectError(f"no File daemon listens on {host}:{port}")
    yield subject

"""How the monitor is to be served, as plain values, and the token that guards it. Knows no configuration."""

import os
import secrets
import ssl
import stat
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from fdaemon.errors import FdaemonError

TOKEN_BYTES = 24
"""Random bytes of a token we make."""
LONGEST_TOKEN = 1024


class MonitorFailed(FdaemonError):
    """The monitor cannot be served; the daemon works without it."""


@dataclass(frozen=True, slots=True)
class MonitorSettings:
    """What was configured. Empty strings and port 0 with `listens` False mean: not wanted.

    `history` is the file in the working directory with the figures of earlier jobs.
    """

    address: str = "127.0.0.1"
    port: int = 0
    listens: bool = False
    socket: str = ""
    token: bytes = field(default=b"", repr=False)
    token_file: str = ""
    certificate: str = ""
    key: str = ""
    metrics_file: str = ""
    history: str = ""

    @property
    def wanted(self) -> bool:
        """True when there is something to serve or to write."""
        return self.listens or bool(self.socket) or bool(self.metrics_file)

    @property
    def has_door(self) -> bool:
        """True when viewers can come."""
        return self.listens or bool(self.socket)


def tls_context(settings: MonitorSettings) -> ssl.SSLContext | None:
    """The context of the port, None for clear text. Raises MonitorFailed beyond loopback without TLS."""
    if not settings.certificate:
        if settings.listens and not ip_address(settings.address).is_loopback:
            raise MonitorFailed(f"{settings.address} is beyond loopback and there is no certificate")
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.certificate, settings.key or None)
    except (OSError, ssl.SSLError) as error:
        raise MonitorFailed(f"cannot use certificate {settings.certificate}: {error}") from error
    return context


def read_token(settings: MonitorSettings) -> bytes:
    """The configured token, or the one in the file, which is made if it is not there (mode 0600).

    Blocking. Raises MonitorFailed for a file that others may read, that is too short, or that cannot be read.
    """
    if settings.token:
        return settings.token
    path = Path(settings.token_file)
    try:
        token = _existing(path)
        if token is None:
            return _made(path)
    except OSError as error:
        raise MonitorFailed(f"token file {path}: {error.strerror}") from error
    if len(token) < TOKEN_BYTES // 2 or len(token) > LONGEST_TOKEN:
        raise MonitorFailed(f"token file {path}: the token must have 12 to {LONGEST_TOKEN} characters")
    return token


def _existing(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & stat.S_IRWXO:
                raise MonitorFailed(f"token file {path}: everybody may read or write it")
            return file.read(LONGEST_TOKEN + 2).strip()
    except FileNotFoundError:
        return None


def _made(path: Path) -> bytes:
    token = secrets.token_urlsafe(TOKEN_BYTES).encode()
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(token + b"\n")
    return token

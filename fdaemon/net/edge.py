"""Where foreign errors become ours: one table for the kernel, OpenSSL and trio. Decides nothing else."""

import os
import re
import ssl
from types import TracebackType

import trio

from fdaemon.errors import FdaemonError, PeerGone, RemoteProtocolError

_SOURCE = re.compile(r"^\[[^]]*\] |\s*\(_ssl\.c:\d+\)$")
CLOSED_HERE = "Socket is closed"
"""Reason text when the connection was closed by this side."""

# First match wins: ssl.SSLError is an OSError, and its own subclasses come before it.
_TABLE: tuple[tuple[type[Exception], type[RemoteProtocolError], str | None], ...] = (
    (ssl.SSLCertVerificationError, RemoteProtocolError, None),
    (ssl.SSLEOFError, PeerGone, "TLS connection ended without a close_notify"),
    (ssl.SSLZeroReturnError, PeerGone, "TLS connection was closed by the peer"),
    (ssl.SSLError, RemoteProtocolError, None),
    (OSError, PeerGone, None),
    (trio.BrokenResourceError, PeerGone, None),
    (trio.ClosedResourceError, PeerGone, CLOSED_HERE),
    (trio.TooSlowError, PeerGone, os.strerror(110)),
)
FOREIGN: tuple[type[Exception], ...] = tuple(dict.fromkeys(row[0] for row in _TABLE))
"""Every error type that `translate` knows; nothing else is caught at the edge."""


def reason(error: BaseException) -> str:
    """The text that stands for `error` in job messages after `ERR=`: the system's own words where there are
    any.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate verify failed: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        # some alerts, and the errors that the ssl module makes itself, have no symbol but a text with a source line
        symbol: str | None = getattr(error, "reason", None)
        return symbol.replace("_", " ").lower() if symbol else _SOURCE.sub("", str(error.args[-1]))
    if isinstance(error, OSError):
        # trio puts the address into strerror; the resolver's numbers are negative and have their text there
        if error.errno is not None and error.errno > 0:
            return os.strerror(error.errno)
        return error.strerror or str(error)
    if isinstance(error, trio.BrokenResourceError):
        cause = error.__cause__
        return reason(cause) if isinstance(cause, OSError) else os.strerror(32)
    return str(error)


def translate(error: Exception) -> FdaemonError:
    """Our error for a foreign one: PeerGone for a connection that broke, RemoteProtocolError for bad TLS.

    Its text is the reason as job messages show it. An error of ours passes through.
    """
    if isinstance(error, FdaemonError):
        return error
    for foreign, ours, text in _TABLE:
        if isinstance(error, foreign):
            return ours(text if text is not None else reason(error))
    raise error


class Edge:
    """Context manager that lets only our errors out of the block; cancellation and bugs pass untouched."""

    __slots__ = ()

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, FOREIGN):
            raise translate(error) from error


EDGE = Edge()


class OneOwner:
    """Guards one direction of a channel: a second task that enters while the first is inside gets
    BusyResourceError.
    """

    __slots__ = ("_text", "busy")

    def __init__(self, text: str) -> None:
        self._text = text
        self.busy = False

    def __enter__(self) -> None:
        if self.busy:
            raise trio.BusyResourceError(self._text)
        self.busy = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.busy = False

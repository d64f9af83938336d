"""Foreign errors become ours, with the system's words."""

import errno
import os
import ssl

import pytest
import trio

from fdaemon.errors import FdaemonError, JobFailed, PeerGone, RemoteProtocolError
from fdaemon.net.edge import EDGE, OneOwner, translate


def broken(cause: Exception | None) -> trio.BrokenResourceError:
    error = trio.BrokenResourceError("socket connection broken")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (
            ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET)),
            PeerGone,
            "Connection reset by peer",
        ),
        (OSError("no number"), PeerGone, "no number"),
        (broken(OSError(errno.ETIMEDOUT, "Connection timed out")), PeerGone, "Connection timed out"),
        (broken(None), PeerGone, "Broken pipe"),
        (trio.ClosedResourceError(), PeerGone, "Socket is closed"),
        (trio.TooSlowError(), PeerGone, "Connection timed out"),
        (ssl.SSLEOFError(8, "EOF"), PeerGone, "TLS connection ended without a close_notify"),
        (ssl.SSLZeroReturnError(6, "closed"), PeerGone, "TLS connection was closed by the peer"),
        (ssl.SSLError(1, "[SSL] tlsv1 alert x (_ssl.c:10)"), RemoteProtocolError, "tlsv1 alert x"),
        (ssl.SSLError(1, "made by the module"), RemoteProtocolError, "made by the module"),
    ],
)
def test_table(error: Exception, kind: type, text: str) -> None:
    with pytest.raises(FdaemonError) as caught, EDGE:
        raise error
    assert type(caught.value) is kind
    assert str(caught.value) == text
    assert caught.value.__cause__ is error


def test_our_own_and_bugs_pass() -> None:
    ours = JobFailed(b"x\n")
    assert translate(ours) is ours
    with pytest.raises(JobFailed), EDGE:
        raise ours
    with pytest.raises(KeyError), EDGE:
        raise KeyError("bug")
    with pytest.raises(trio.BusyResourceError), EDGE:
        raise trio.BusyResourceError("bug")


def test_owner() -> None:
    owner = OneOwner("two of them")
    with owner:
        assert owner.busy
        with pytest.raises(trio.BusyResourceError, match="two of them"), owner:
            raise AssertionError("never inside")
        assert owner.busy
    with owner:
        pass
    assert not owner.busy

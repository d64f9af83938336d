"""What one connection meets stays with it: an error of the peer, or a fault of ours, ends no other session."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from fdaemon.errors import FdaemonError
from fdaemon.protocol.messages import MessageType
from fdaemon.session.services import Services


@contextmanager
def contained(services: Services, end: str = "the connection is closed") -> Iterator[None]:
    """Serve a connection inside this block; the nurseries in it have ended with it. `end` is what a fault leads to.

    A FdaemonError is logged in one line. Any other exception is a fault of this program, or there is no memory or no
    thread: it is logged with its traceback, and the daemon lives on for its other jobs. Cancellation passes.
    """
    try:
        yield
    except FdaemonError as error:
        services.log(MessageType.ERROR, f"{error}\n")
    except Exception:
        services.log(
            MessageType.ERROR,
            f"Internal error, please report it; {end}.\n{traceback.format_exc()}",
        )

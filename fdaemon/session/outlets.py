"""The Messages destinations on this machine: files, syslog and the standard streams (protocol/06 section 7).

What goes to a Director is not written here. A destination that cannot be written loses its message, once said so.
"""

import contextlib
import sys
import syslog
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TextIO, assert_never

from fdaemon.config.messages import Destination, MessageDestination, MessagesResource
from fdaemon.protocol.messages import MessageType

WITHOUT_TIME = 1
"""The pseudo time of a message that is shown without a timestamp (protocol/06 section 7.3)."""

LOCAL = frozenset(
    {Destination.SYSLOG, Destination.FILE, Destination.APPEND, Destination.STDOUT, Destination.STDERR}
)
"""The kinds written here. Mail and operator are not served (docs/configuration.md), console and catalog are not a
File daemon's."""

_PRIORITIES = {
    MessageType.ERROR: syslog.LOG_ERR,
    MessageType.FATAL: syslog.LOG_CRIT,
    MessageType.ABORT: syslog.LOG_CRIT,
    MessageType.ERROR_TERM: syslog.LOG_CRIT,
    MessageType.WARNING: syslog.LOG_WARNING,
    MessageType.DEBUG: syslog.LOG_DEBUG,
    MessageType.INFO: syslog.LOG_INFO,
    MessageType.NOTSAVED: syslog.LOG_INFO,
    MessageType.RESTORED: syslog.LOG_INFO,
    MessageType.SAVED: syslog.LOG_INFO,
    MessageType.SKIPPED: syslog.LOG_INFO,
    MessageType.TERM: syslog.LOG_INFO,
}
"""Priorities; all others are notices (core/src/lib/message.cc: MessageTypeToLogPriority)."""


_FACILITIES = {
    "auth": syslog.LOG_AUTH,
    "authpriv": 10 << 3,
    "cron": syslog.LOG_CRON,
    "daemon": syslog.LOG_DAEMON,
    "ftp": 11 << 3,
    "kern": syslog.LOG_KERN,
    "lpr": syslog.LOG_LPR,
    "mail": syslog.LOG_MAIL,
    "news": syslog.LOG_NEWS,
    "syslog": syslog.LOG_SYSLOG,
    "user": syslog.LOG_USER,
    "uucp": syslog.LOG_UUCP,
    **{f"local{number}": (16 + number) << 3 for number in range(8)},
}


def facility(name: str) -> int:
    """The number of a syslog facility's word, "daemon" for one that is unknown."""
    return _FACILITIES.get(name.lower(), syslog.LOG_DAEMON)


@dataclass(slots=True)
class Outlets:
    """Writes messages to the local destinations of one Messages resource, in their order.

    `name` is the daemon's, `timestamp` the daemon's LogTimestampFormat. Any thread may write; `log` is
    `syslog.syslog` or takes its place.
    """

    resource: MessagesResource
    name: str
    timestamp: str
    log: Callable[[int, str], object] = syslog.syslog
    _truncated: set[str] = field(default_factory=set)
    _broken: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def takes(self, kind: MessageType) -> bool:
        """True when some local destination wants messages of this type."""
        return any(found.kind in LOCAL for found in self.resource.destinations_for(int(kind)))

    def write(self, kind: MessageType, when: int, text: str) -> None:
        """Write one message, whose text has its prefix and its newline. `when` in Unix seconds."""
        with self._lock:
            for destination in self.resource.destinations_for(int(kind)):
                if destination.kind in LOCAL:
                    self._write_one(destination, kind, when, text)

    def end_of_job(self) -> None:
        """A job or a connection is over: `File` destinations begin anew with the next message."""
        with self._lock:
            self._truncated.clear()

    def _write_one(self, destination: MessageDestination, kind: MessageType, when: int, text: str) -> None:
        line = text if when == WITHOUT_TIME else f"{self._stamp(destination, when)} {text}"
        match destination.kind:
            case Destination.SYSLOG:
                priority = facility(destination.where) | _PRIORITIES.get(kind, syslog.LOG_NOTICE)
                # a reply of the peer, or a script's output, may hold a NUL, which the system's function does not take
                for part in filter(None, text.replace("\0", "\\0").split("\n")):
                    self.log(priority, part.encode("utf-8", "backslashreplace").decode())
            case Destination.STDOUT:
                say(sys.stdout, line)
            case Destination.STDERR:
                say(sys.stderr, line)
            case Destination.APPEND:
                self._to_file(destination.where, "ab", line)
            case Destination.FILE:
                begun = destination.where in self._truncated
                self._truncated.add(destination.where)
                self._to_file(destination.where, "ab" if begun else "wb", line)
            case (
                Destination.MAIL
                | Destination.DIRECTOR
                | Destination.OPERATOR
                | Destination.CONSOLE
                | Destination.MAIL_ON_ERROR
                | Destination.MAIL_ON_SUCCESS
                | Destination.CATALOG
            ):
                pass
            case _:
                assert_never(destination.kind)

    def _stamp(self, destination: MessageDestination, when: int) -> str:
        return time.strftime(destination.timestamp_format or self.timestamp, time.localtime(when))

    def _to_file(self, path: str, mode: Literal["ab", "wb"], line: str) -> None:
        """Open, write, close: a file that log rotation has moved away is made again."""
        try:
            with Path(path).open(mode) as file:
                file.write(line.encode("utf-8", "surrogateescape"))
        except OSError as error:
            if path not in self._broken:
                self._broken.add(path)
                say(sys.stderr, f"{self.name}: fopen {path} failed: ERR={error.strerror}\n")
        else:
            self._broken.discard(path)


def say(stream: TextIO, text: str) -> None:
    """Write to a standard stream. Nobody may listen there any more, and no daemon ends for that: the text is lost."""
    with contextlib.suppress(OSError, ValueError):
        stream.write(text.encode("utf-8", "backslashreplace").decode())
        stream.flush()

"""The `Secure Erase Command`: runs it over files that a restore replaces. Without a shell, in the worker's thread.

Source: protocol/04 section 8.7 (core/src/lib/bsys.cc: SecureErase). Better than C++: only regular files are given to
it, and never by a path that somebody else may turn into another one.
"""

from collections.abc import Callable
from dataclasses import dataclass

from fdaemon.errors import JobFailed
from fdaemon.fileset.lists import ProgramFailed, program_lines, split_command
from fdaemon.fs.erase import erase
from fdaemon.jobs.backup_types import Report
from fdaemon.protocol.messages import MessageType

_NOT_STARTED = 200
"""Statuses from here on say that the program could not be started (core/src/lib/bpipe_unix.cc)."""


@dataclass(frozen=True, slots=True)
class Eraser:
    """Erases files by `command`; its output and its failure become job messages through `report`."""

    command: bytes
    report: Report
    check_cancelled: Callable[[], None]

    def __call__(self, dir_fd: int, name: bytes, shown: bytes) -> None:
        """Erase `name` in an open directory; `shown` is its whole path, for messages. What is no regular file stays.

        Raises JobFailed when the command fails, OSError when the file cannot be given to it.
        """

        def run(private: int) -> None:
            self.report(MessageType.INFO, b'SecureErase: executing %b "%b"\n' % (self.command, shown), 0)
            words = [*split_command(self.command), b"./" + name]
            for line in program_lines(words, self.check_cancelled, b"/proc/self/fd/%d" % private):
                self.report(MessageType.INFO, b"SecureErase: %b\n" % line.rstrip(b"\r\n "), 0)

        try:
            erase(dir_fd, name, run)
        except ProgramFailed as failure:
            if failure.status >= _NOT_STARTED:
                text = b"SecureErase: %b could not execute. ERR=%b\n" % (self.command, failure.text)
            else:
                text = b"SecureErase: %b returned non-zero status=%d. ERR=%b\n"
                text %= (self.command, failure.status, failure.text)
            raise JobFailed(text) from failure

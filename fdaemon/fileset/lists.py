"""Names from a program (`|command`) or a file (`<path>`) on the client. Blocking: run in a worker thread,
never on trio's.

Facts: protocol/03 section 1.6 (core/src/filed/fileset.cc: AddFileToFileset, core/src/lib/bpipe_unix.cc).
"""

import os
import selectors
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from errno import E2BIG, EACCES, EFAULT, EINTR, ENAMETOOLONG, ENOENT, ENOEXEC, ENOMEM, ETXTBSY

from fdaemon.errors import FdaemonError, JobFailed

MAX_ARGUMENTS = 100
"""Words of a command beyond this are dropped (core/src/lib/bpipe_unix.cc: MAX_ARGV)."""
PIECE = 65536
"""Bytes after which an endless line is cut (C++ cuts at 999, and saves the halves of a long name as two
names).
"""
EXEC_FAILED = 200
"""Status of a program that could not be started, to which the place of the errno in the next table is
added.
"""
_EXEC_ERRORS = (EACCES, ENOEXEC, EFAULT, EINTR, E2BIG, ENAMETOOLONG, ENOMEM, ETXTBSY, ENOENT)
_EXEC_UNKNOWN = 255
POLL_SECONDS = 0.5
"""How often a silent program is interrupted to see whether the job was canceled."""
KILL_GRACE = 5.0
"""Seconds to wait for a killed program to be gone."""
_JUNK = b"\n\r "


def split_command(command: bytes) -> list[bytes]:
    """The words of a command: blanks separate, a word may be quoted whole with `'` or `"`, there are no
    escapes.
    """
    words: list[bytes] = []
    rest = command.lstrip(b" \t")
    while rest and len(words) < MAX_ARGUMENTS:
        quote = rest[:1]
        if quote in (b'"', b"'"):
            word, _, rest = rest[1:].partition(quote)
        else:
            word, _, rest = rest.partition(b" ")
        words.append(word)
        rest = rest.lstrip(b" \t")
    return words


def edit_codes(text: bytes, code: Callable[[bytes], bytes | None]) -> bytes:
    """`text` with each `%x` replaced by `code(b"x")`; unknown ones and a `%` at the end stay, `%%` is one
    `%`.
    """
    out: list[bytes] = []
    position = 0
    while (found := text.find(b"%", position)) >= 0 and found + 1 < len(text):
        letter = text[found + 1 : found + 2]
        value = b"%" if letter == b"%" else code(letter)
        out += (text[position:found], b"%" + letter if value is None else value)
        position = found + 2
    out.append(text[position:])
    return b"".join(out)


def names_from_file(path: bytes) -> Iterator[bytes]:
    """One name a line, trailing blanks and empty lines dropped. Raises JobFailed with the C++ text."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC), "rb") as lines:
            for line in lines:
                if name := line.rstrip(_JUNK).partition(b"\0")[0]:
                    yield name
    except OSError as error:
        text = os.strerror(error.errno or 0).encode()
        raise JobFailed(b"Cannot open FileSet input file: %b. ERR=%b\n" % (path, text)) from error


def names_from_program(
    item: bytes, edited: bytes, check_cancelled: Callable[[], None] = lambda: None
) -> Iterator[bytes]:
    """The output lines (stdout and stderr) of the command `edited`; `item` is it as received, for messages.

    Raises JobFailed when it cannot start or does not exit with 0, and whatever `check_cancelled` raises.
    """
    try:
        for line in program_lines(split_command(edited), check_cancelled):
            if name := line.rstrip(_JUNK).partition(b"\0")[0]:
                yield name
    except ProgramFailed as failure:
        text = b"Error running program: %b. status=%d: ERR=%b\n" % (item, failure.status, failure.text)
        raise JobFailed(text) from failure


class ProgramFailed(FdaemonError):
    """A program could not be started or did not end well; `status` and `text` as the C++ daemon words them."""

    def __init__(self, status: int, text: bytes) -> None:
        super().__init__(text.decode("utf-8", "replace"))
        self.status = status
        self.text = text


def program_lines(
    words: list[bytes], check_cancelled: Callable[[], None], directory: bytes | None = None
) -> Iterator[bytes]:
    """Run a program in `directory` without a shell and yield its output lines (stdout and stderr).

    Raises ProgramFailed, and whatever `check_cancelled` raises: then the program and what it started are killed, as far
    as that is permitted.
    """
    try:
        if not words or not words[0]:
            raise FileNotFoundError(ENOENT, os.strerror(ENOENT))
        # A process group of its own, so that what the program starts goes with it when the job is canceled.
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,
            cwd=directory,
        )
    except OSError as error:
        raise ProgramFailed(*_start_failure(error)) from error
    assert process.stdout is not None
    try:
        yield from _lines(process.stdout.fileno(), check_cancelled)
        code = _wait(process, check_cancelled)
    finally:
        if process.returncode is None:  # nobody has waited for it, so the group's number is still its own
            with suppress(ProcessLookupError, PermissionError):  # a program may run as somebody else by now
                os.killpg(process.pid, signal.SIGKILL)
            with suppress(subprocess.TimeoutExpired):
                process.wait(KILL_GRACE)
        process.stdout.close()
    if code > 0:
        raise ProgramFailed(code, b"Child exited with code %d" % code)
    if code < 0:
        raise ProgramFailed(-code, b"Child died from signal %d: %b" % (-code, _signal_name(-code)))


def _wait(process: subprocess.Popen[bytes], check_cancelled: Callable[[], None]) -> int:
    """Its exit code. A program may go on for long after it has closed its output."""
    while True:
        check_cancelled()
        with suppress(subprocess.TimeoutExpired):
            return process.wait(POLL_SECONDS)


def _lines(descriptor: int, check_cancelled: Callable[[], None]) -> Iterator[bytes]:
    pending = b""
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while True:
            check_cancelled()
            if not selector.select(POLL_SECONDS):
                continue
            chunk = os.read(descriptor, 65536)
            if not chunk:
                break
            *whole, pending = (pending + chunk).split(b"\n")
            yield from whole
            while len(pending) > PIECE:
                yield pending[:PIECE]
                pending = pending[PIECE:]
    if pending:
        yield pending


def _start_failure(error: OSError) -> tuple[int, bytes]:
    """Exit code and text with which the C++ child reports that exec failed (core/src/lib/bpipe_unix.cc)."""
    number = error.errno or 0
    status = EXEC_FAILED + _EXEC_ERRORS.index(number) if number in _EXEC_ERRORS else _EXEC_UNKNOWN
    return status, os.strerror(number).encode()


def _signal_name(number: int) -> bytes:
    return (signal.strsignal(number) or "unknown signal").encode()

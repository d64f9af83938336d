"""Where configuration comes from: the search path, includes, output of commands (page 06, 1 and 2.6)."""

import errno
import glob
import os
import shlex
import subprocess
from pathlib import Path

from fdaemon.config.errors import ConfigMissing
from fdaemon.config.lexer import Source

DEFAULT_DIRECTORY = "/etc/bareos"
FILE_NAME = "bareos-fd.conf"
DIRECTORY_NAME = "bareos-fd.d"


def find(path: str | None) -> str:
    """The path or pattern to read for a `-c` argument (None: the default place).

    A file is taken as it is; in a directory bareos-fd.conf goes before bareos-fd.d/*/*.conf. Raises
    ConfigMissing.
    """
    given = path or DEFAULT_DIRECTORY
    if path and os.path.exists(path) and not os.path.isdir(path):
        return path
    single = os.path.join(given, FILE_NAME)
    parts = os.path.join(given, DIRECTORY_NAME)
    if path and not os.path.exists(path):
        raise ConfigMissing(path, 0, f'Failed to read config file "{path}"\n')
    if os.path.exists(single):
        return single
    if os.path.isdir(parts):
        return os.path.join(parts, "*", "*.conf")
    if path:
        raise ConfigMissing(
            path,
            0,
            f'Failed to find configuration files under directory "{path}". Did look for "{single}"'
            f' (config file path) and "{parts}" (config include directory).\n',
        )
    raise ConfigMissing(
        given,
        0,
        f'Failed to read config file at the default locations "{single}" (config file path) and "{parts}"'
        " (config include directory).\n",
    )


def open_sources(path: str) -> list[Source]:
    """The sources behind a path, pattern or `|command`, in the order of reading: reverse alphabetical.

    A pattern with `*` or `?` may match nothing. Raises OSError.
    """
    if path.startswith("|"):
        return [Source(path, _output(path[1:]))]
    names = sorted(glob.glob(path), key=os.fsencode, reverse=True)
    if not names and os.path.lexists(path):
        names = [path]
    if not names and not ("*" in path or "?" in path):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    return [Source(name, Path(name).read_bytes()) for name in names]


def open_first(path: str) -> list[Source]:
    """The sources of the configuration itself: as `open_sources`, but something has to be there.

    Raises ConfigMissing with the text of the C++ daemon.
    """
    try:
        sources = open_sources(path)
        if sources:
            return sources
        reason = os.strerror(errno.ENOENT)
    except OSError as problem:
        reason = problem.strerror or str(problem)
    raise ConfigMissing(path, 0, f'Cannot open config file "{path}": {reason}\n')


def _output(command: str) -> bytes:
    """Standard output of a command, split into words without a shell; a failing command is an OSError."""
    try:
        words = shlex.split(command)
    except ValueError as problem:
        raise OSError(errno.EINVAL, str(problem), command) from None
    if not words:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), command)
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise OSError(errno.EIO, f"the command ended with status {done.returncode}", command)
    return done.stdout

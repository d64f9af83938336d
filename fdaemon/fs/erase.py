"""Takes a file out of reach before an erase command gets it, and away when nothing is left to erase.

The command sees a private directory with nothing but the file in it. So whoever may write where the file was cannot
slip a link under the command, as they could under a path.
"""

import os
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress

from fdaemon.fs.beneath import DIRECTORY_FLAGS


def erase(dir_fd: int, name: bytes, run: Callable[[int], None]) -> bool:
    """Move the regular file `name` of an open directory into a private directory there and call `run` with that.

    `run` erases `name` in the directory whose descriptor it gets; what it leaves is unlinked. False when `name` is no
    regular file: nothing was done then. Raises OSError, and what `run` raises; then the file is back in its place.
    """
    if not stat.S_ISREG(os.stat(name, dir_fd=dir_fd, follow_symlinks=False).st_mode):
        return False
    private = b".erase-" + secrets.token_hex(8).encode()
    os.mkdir(private, 0o700, dir_fd=dir_fd)
    fd = -1
    try:
        fd = os.open(private, DIRECTORY_FLAGS, dir_fd=dir_fd)
        st = os.fstat(fd)
        if st.st_uid != os.geteuid() or stat.S_IMODE(st.st_mode) & 0o077:
            raise PermissionError(1, os.strerror(1))  # somebody has put another directory in its place
        os.rename(name, name, src_dir_fd=dir_fd, dst_dir_fd=fd)
        regular = stat.S_ISREG(os.stat(name, dir_fd=fd, follow_symlinks=False).st_mode)
        if regular:
            try:
                run(fd)
            except BaseException:
                _put_back(fd, dir_fd, name)
                raise
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=fd)
        return True
    finally:
        if fd >= 0:
            os.close(fd)
        with suppress(OSError):
            os.rmdir(private, dir_fd=dir_fd)


def _put_back(fd: int, dir_fd: int, name: bytes) -> None:
    """By a link, which replaces nothing that has come there meanwhile; by moving it where there are no hard links."""
    try:
        os.link(name, name, src_dir_fd=fd, dst_dir_fd=dir_fd, follow_symlinks=False)
    except FileExistsError:
        pass
    except OSError:
        with suppress(OSError):
            os.rename(name, name, src_dir_fd=fd, dst_dir_fd=dir_fd)
        return
    with suppress(OSError):
        os.unlink(name, dir_fd=fd)

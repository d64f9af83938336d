"""Lets the process show under the name it was started by, so that `pidof bareos-fd`, `killall` and monitoring find it.

Without this they find an interpreter. Linux only; elsewhere, or where the kernel says no, nothing changes.
"""

import ctypes
import os
from collections.abc import Sequence
from pathlib import Path

_PR_SET_NAME = 15
_ARG_START, _ARG_END = 45, 46
"""Places of the two addresses in /proc/self/stat behind the closing bracket (proc_pid_stat(5): fields 48 and 49)."""


def show_as(words: Sequence[str]) -> bool:
    """Write `words` where the kernel reads this process's command line. False when that cannot be done.

    The space is what the real command line takes: the interpreter's name is gone from it, so there is room.
    """
    try:
        fields = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
        start, end = int(fields[_ARG_START]), int(fields[_ARG_END])
        libc = ctypes.CDLL(None, use_errno=True)
        name = os.fsencode(words[0])
        text = b"".join(os.fsencode(word) + b"\0" for word in words)
        size = end - start
        if start <= 0 or size < len(text):
            return False
        ctypes.memmove(start, text.ljust(size, b"\0"), size)
        libc.prctl(_PR_SET_NAME, ctypes.c_char_p(os.path.basename(name)[:15]), 0, 0, 0)
    except (OSError, ValueError, IndexError, AttributeError):
        return False
    return True

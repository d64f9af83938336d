"""Access times put back after reading, to the nanosecond and without touching the modification time; and times of
files as calendar dates, whatever number they are.
"""

import ctypes
import os
import time

_UTIME_OMIT = (1 << 30) - 2
LAST_DAY = 253_402_214_400
"""Unix seconds of the last day with a year of four digits."""
_libc = ctypes.CDLL(None, use_errno=True)


class _TimeSpec(ctypes.Structure):
    _fields_ = (("tv_sec", ctypes.c_long), ("tv_nsec", ctypes.c_long))


_libc.futimens.argtypes = [ctypes.c_int, ctypes.POINTER(_TimeSpec)]


def restore_atime(descriptor: int, st: os.stat_result) -> bool:
    """Give the open file or directory its access time from `st` back; False when the system does not let us.

    The C++ daemon loses the nanoseconds here and gives directories the times of their last child (protocol/03
    section 2.12).
    """
    seconds, nanoseconds = divmod(st.st_atime_ns, 10**9)
    times = (_TimeSpec * 2)(_TimeSpec(seconds, nanoseconds), _TimeSpec(0, _UTIME_OMIT))
    return not _libc.futimens(descriptor, times)


def local_time(seconds: float) -> time.struct_time:
    """As `time.localtime`; a time that no calendar has is shown as 1970 or 9999, by its sign."""
    try:
        return time.localtime(seconds)
    except (OSError, OverflowError, ValueError):
        return time.localtime(0 if seconds < 0 else LAST_DAY)

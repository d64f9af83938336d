"""Access times put back after reading, to the nanosecond and without touching the modification time."""

import ctypes
import os

_UTIME_OMIT = (1 << 30) - 2
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

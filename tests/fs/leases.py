"""Another process that holds a lease on a file, as a file server does, and gives it up a while after it is asked."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

HOLDER = """
import fcntl, os, signal, sys, time
held = os.open(sys.argv[1], os.O_RDWR)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGIO])
try:
    fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_WRLCK)
except OSError:
    sys.exit(77)
print(flush=True)
signal.sigwait([signal.SIGIO])
time.sleep(float(sys.argv[2]))
fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_UNLCK)
print("given up", flush=True)
"""
REFUSED = 77


@contextmanager
def leased(path: Path, seconds: float) -> Iterator[subprocess.Popen[bytes]]:
    """Holds a lease until `seconds` after somebody wants to open `path`. Skips where there are no leases."""
    command = [sys.executable, "-I", "-S", "-c", HOLDER, str(path), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        try:
            if not holder.stdout.readline():
                assert holder.wait() == REFUSED
                pytest.skip("the file system has no leases")
            yield holder
        finally:
            holder.kill()

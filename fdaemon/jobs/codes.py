"""Values of the `%x` codes in script commands and file lists, for one job at one moment (protocol/02 section 2.13)."""

import os
from collections.abc import Callable

from fdaemon.jobs.job import Job
from fdaemon.outcome import Status
from fdaemon.protocol.formats import level_text, suffixed, type_text
from fdaemon.protocol.status import short_name

_STATUS = {
    Status.TERMINATED: "OK",
    Status.WARNINGS: "OK -- with warnings",
    Status.ERROR: "Error",
    Status.FATAL: "Fatal Error",
    Status.CANCELED: "Canceled",
    Status.DIFFERENCES: "Differences",
}


def job_codes(job: Job, client: bytes) -> Callable[[bytes], bytes | None]:
    """A lookup by code letter; None for an unknown one. `%d` yields the client's name, as in C++."""

    def value(letter: bytes) -> bytes | None:
        counters, spec = job.standing.counters, job.spec
        match letter:
            case b"c" | b"d":
                return client
            case b"D":
                return job.director.encode()
            case b"e":
                return _STATUS.get(job.standing.status, "Unknown term code").encode()
            case b"i":
                return b"%d" % spec.job_id
            case b"j":
                return spec.name
            case b"n":
                return os.fsencode(short_name(os.fsdecode(spec.name)))
            case b"l":
                return level_text(spec.level.value).encode()
            case b"m":
                return b"%d" % spec.since
            case b"t":
                return type_text(job.type).encode()
            case b"b":
                return b"%d" % counters.job_bytes
            case b"B":
                return suffixed(counters.job_bytes).encode() + b"B"
            case b"F":
                return b"%d" % counters.files
            case b"P":
                return b"%d" % os.getpid()
            case b"s":
                return b"*None*"
            case b"r" | b"v":
                return b""
            case _:
                return None

    return value

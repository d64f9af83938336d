"""Names and keys that a Director and a Storage daemon invent for a job (protocol/07 §2.2). Pure: time and
randomness are arguments.
"""

import time
from dataclasses import dataclass
from typing import Final

_LONGEST: Final = 121


@dataclass(frozen=True, slots=True)
class Job:
    """One job as all three daemons know it. `name` is unique, `key` the Storage daemon's session key."""

    job_id: int
    name: bytes
    session_id: int
    session_time: int
    key: bytes


def unique_job_name(base: str, local: time.struct_time, counter: int) -> bytes:
    """`<base>.<date>_<time>_<counter>`, blanks replaced, cut to 121 bytes (core/src/dird/job.cc:
    CreateUniqueJobName).
    """
    tail = time.strftime(".%Y-%m-%d_%H.%M.%S_", local).encode() + b"%02d" % (counter % 60)
    return base.replace(" ", "_").encode()[: _LONGEST - len(tail)] + tail

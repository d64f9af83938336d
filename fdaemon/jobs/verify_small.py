"""The fast path of a verify: a small plain file, digested at once by the thread that met it, or read for the worker.

Does nothing at all when anything about the file is out of the ordinary, so that the general path can start afresh.
"""

import os

from fdaemon.codec.digest import digest_of
from fdaemon.fileset.entry import Entry
from fdaemon.jobs.backup_plan import OPEN_FLAGS
from fdaemon.jobs.verify_chunk import Chunk, attribute_packet, digest_packet
from fdaemon.jobs.verify_plan import VerifyPlan

TINY = 32 * 1024
"""Files up to this size are digested by the walking thread while there is no worker. To hand one over to another thread
costs two changes of the GIL's owner, which is as much CPU as digesting this much: at 8 KiB, 100,000 small files changed
threads 40,000 times, for 0.5 s."""


def put_tiny(entry: Entry, plan: VerifyPlan, chunk: Chunk, index: int) -> bool:
    """Add both packets of a file of at most TINY bytes, whose plan is `direct`. False: nothing done."""
    size = entry.stat.st_size
    try:
        descriptor = os.open(entry.name, OPEN_FLAGS, dir_fd=entry.dir_fd)
        try:
            content = os.read(descriptor, size + 1)
        finally:
            os.close(descriptor)
    except OSError:
        return False
    if len(content) != size or plan.new_hash is None:
        return False
    number = b"%d" % index
    attributes = attribute_packet(plan, number, entry.path, entry.stat)
    digest = digest_packet(plan, number, digest_of(plan.new_hash, content))
    chunk.add(b"".join((attributes, digest)), index, entry.path)
    chunk.digested += 1
    chunk.missed += plan.workable
    chunk.hashed += size
    return True


def put_shared(entry: Entry, plan: VerifyPlan, chunk: Chunk, index: int) -> bool:
    """Read a file, whose plan is `direct`, into the chunk, which has room for it. False: nothing done."""
    start = chunk.used
    end = start + entry.stat.st_size
    try:
        descriptor = os.open(entry.name, OPEN_FLAGS, dir_fd=entry.dir_fd)
        try:
            count = os.readv(descriptor, (chunk.buffer[start : end + 1],))
        finally:
            os.close(descriptor)
    except OSError:
        return False
    if count != end - start:
        return False
    number = b"%d" % index
    attributes = attribute_packet(plan, number, entry.path, entry.stat)
    chunk.add_content((attributes, plan, number, end), index, entry.path)
    return True

"""Chapter 5, section 14: files that cannot be stored, and jobs that store nothing."""

import hashlib
import os
import shutil
from pathlib import Path
from typing import Final

from fdconform.dialogue import lines
from fdconform.moves import Requires
from fdconform.plays import backed_up, block, include
from fdconform.stage import Check, Stage
from fdconform.stored import (
    has_content,
    has_record,
    has_streams,
    is_type,
    names_are,
    of_file,
    stores,
)
from fdconform.trees import Change, File
from fdconform.work import EndJob, Said

_FAILURES: Final = "03 §2.11; core/src/filed/backup.cc: SaveFile"

_NO_FILE: Final = rb'.*     Could not stat "{tree}/none": ERR=No such file or directory\n'
SYSFS: Final = "/sys/bus/platform/drivers_probe"
_SHORT: Final = "/sys/class/net/lo/mtu"
UNREADABLE: Final = "/sys/class/net/lo/speed"


def fails(path: str, *, at_open: bool) -> bool:
    """Whether this file fails with EACCES when it is opened, or else when it is read, for root too."""
    try:
        file = os.open(path, os.O_RDONLY)
    except PermissionError:
        return at_open
    except OSError:
        return False
    try:
        os.read(file, 10)
    except OSError:
        return not at_open
    finally:
        os.close(file)
    return False


def _short(stage: Stage) -> str | None:
    """What was read of a file that claims to be longer."""
    content = Path(_SHORT).read_bytes()
    return has_content_of(_SHORT.encode(), content)(stage)


def has_content_of(name: bytes, content: bytes) -> Check:
    """The data messages of a file, whatever size its stat record claims."""

    def look(file: object, stage: Stage) -> str | None:
        got = b"".join(record.data for record in stage.records if record.stream == 2)
        return None if got == content else f"{got!r}, not {content!r}"

    return of_file(name, look)


_FAILING: Final = (
    backed_up(
        "5.14.1",
        "a name that is not there",
        "A name of the file set that is not there is told of and counted, and the job goes on.",
        _FAILURES,
        (File(b"a", b"x"),),
        stores(b"a", root=False),
        rows=lines(b"M", b"{tree}/none", b"{tree}/a"),
        said=(Said(_NO_FILE, type=8, times=1),),
        end=EndJob("T", files=1, errors=1),
    ),
    backed_up(
        "5.14.2",
        "vanished before the walk",
        "A name of the file set that vanishes after the orders is told of and counted.",
        _FAILURES,
        (File(b"a", b"x"), File(b"none", b"y")),
        stores(b"a", root=False),
        rows=lines(b"M", b"{tree}/none", b"{tree}/a"),
        orders=None,
        between=(Change(lambda tree: (tree / "none").unlink()),),
        said=(Said(_NO_FILE, type=8, times=1),),
        end=EndJob("T", files=1, errors=1),
    ),
    backed_up(
        "5.14.3",
        "changed between orders and walk",
        "What counts is the file when the walk meets it.",
        _FAILURES,
        (File(b"a", b"x" * 100), File(b"d/b", b"y")),
        stores(b"a"),
        has_content(b"a", b"short"),
        between=(
            Change(lambda tree: (tree / "a").write_bytes(b"short")),
            Change(lambda tree: shutil.rmtree(tree / "d")),
        ),
    ),
    backed_up(
        "5.14.4",
        "a file that cannot be opened",
        "A file that cannot be opened has attributes and nothing more; it is told of and counted once.",
        _FAILURES,
        (File(b"a", b"x"),),
        names_are(SYSFS.encode(), b"{tree}/a"),
        is_type(SYSFS.encode(), 3),
        has_streams(SYSFS.encode()),
        rows=lines(b"MAX", SYSFS.encode(), b"{tree}/a"),
        between=(Requires(lambda: fails(SYSFS, at_open=True), f"{SYSFS}, which cannot be opened"),),
        said=(
            Said(rb'.*     Cannot open "%b": ERR=Permission denied\.\n' % SYSFS.encode(), type=8, times=1),
        ),
        end=EndJob("T", files=2, errors=1, read_bytes=1),
        root=True,
    ),
    backed_up(
        "5.14.5",
        "a file that cannot be read",
        "A read error is a message and counted twice; the digest is that of what could be read.",
        "04 §3.2",
        (File(b"a", b"x"),),
        names_are(UNREADABLE.encode(), b"{tree}/a"),
        has_record(UNREADABLE.encode(), 3, hashlib.md5(b"").digest()),
        rows=lines(b"M", UNREADABLE.encode(), b"{tree}/a"),
        between=(Requires(lambda: fails(UNREADABLE, at_open=False), f"{UNREADABLE}, which cannot be read"),),
        said=(Said(rb".*Read error on file %b\. ERR=.*" % UNREADABLE.encode(), type=4, times=1),),
        end=EndJob("T", files=2, errors=2),
    ),
    backed_up(
        "5.14.6",
        "a file shorter than it says",
        "A file that ends before its size is stored as it was read.",
        "04 §3.1",
        (),
        _short,
        rows=lines(b"M", _SHORT.encode()),
        between=(Requires(lambda: os.path.exists(_SHORT), _SHORT),),
    ),
    backed_up(
        "5.14.7",
        "a file set without names",
        "A file set without names makes a job without files that ends well.",
        "03 §2",
        (),
        names_are(),
        rows=(b"I\n", b"O M\n", b"N\n", b"N\n", b"N\n"),
        end=EndJob("T", files=0, errors=0, read_bytes=0, job_bytes=0),
    ),
    backed_up(
        "5.14.8",
        "nothing but names that are not there",
        "A job in which nothing could be stored ends with its errors counted.",
        _FAILURES,
        (),
        names_are(),
        rows=lines(b"M", b"{tree}/none", b"{tree}/no/where"),
        said=(Said(_NO_FILE, type=8, times=1),),
        end=EndJob("T", files=0, errors=2),
    ),
    backed_up(
        "5.14.9",
        "a directory below a file",
        "A name below a file is told of with the reason.",
        _FAILURES,
        (File(b"a", b"x"),),
        names_are(b"{tree}/a"),
        rows=lines(b"M", b"{tree}/a/below", b"{tree}/a"),
        said=(Said(rb'.*     Could not stat "{tree}/a/below": ERR=Not a directory\n', type=8, times=1),),
        end=EndJob("T", files=1, errors=1),
    ),
    backed_up(
        "5.14.10",
        "support for extended attributes and ACLs is told",
        "Before it accepts a backup the daemon tells what the file set asks for.",
        "03 §1.9",
        (File(b"a", b"x"),),
        rows=include((block(b"MX"),)),
        said=(
            Said(rb".*Extended attribute support is enabled\n", type=6, times=1, strict=False),
            Said(rb".*ACL support is disabled\n", type=6, times=1, strict=False),
        ),
    ),
)

CASES: Final = _FAILING

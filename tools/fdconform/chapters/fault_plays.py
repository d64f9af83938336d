"""What the cases of chapter 8 share: trees of three sizes, restores, and waiting for a Storage daemon's state."""

import os
from pathlib import Path

from fdaemon.wire.attributes import encode_attributes
from fdaemon.wire.stat import encode_stat
from fdconform.dialogue import Steps, erase, introduce, storage
from fdconform.expect import Like
from fdconform.stage import Stage
from fdconform.talk import Hear, Login, Say
from fdconform.trees import File, Tree
from fdconform.work import Announce, Until
from fdpeers.faults import Fault
from fdpeers.faults import Step as At
from fdpeers.sinks import StoredRecord

SMALL = Tree((File(b"a", b"hello"),))
BIG = Tree((File(b"big", b"", holes=256 << 20),))
"""More than all buffers between two daemons hold."""
LARGE = Tree((File(b"large", b"", holes=64 << 20),))
"""A backup of it takes a moment."""
GIBI = Tree((File(b"gibi", b"", holes=1 << 30),))
"""A digest of it takes a moment."""
HUGE = Tree((File(b"huge", b"", holes=2 << 30),))
"""A file that takes long to read and no room."""
DEEP = Tree((File(b"/".join((b"n" * 250,) * 5), b""),))
"""A file with a long name: a few thousand of it fill all buffers."""

_ATTRIBUTES, _DATA = 1, 2
_REGULAR = 3
_COMMANDS = {
    At.APPEND_OPEN: b"append open",
    At.APPEND_DATA: b"append data",
    At.DATA: b"append data",
    At.DATA_END: b"append data",
    At.APPEND_END: b"append end",
    At.APPEND_CLOSE: b"append close",
    At.READ_OPEN: b"read open",
    At.READ_DATA: b"read data",
    At.RECORDS: b"read data",
    At.RECORDS_END: b"read data",
    At.READ_CLOSE: b"read close",
}


def taken() -> Until:
    """The File daemon has called the Storage daemon."""
    return Until(lambda stage: stage.runs["sd"].taken, "the call to the Storage daemon")


def append(step: At) -> Until:
    """The backup has come to the command of this step, as far as the Storage daemon knows."""
    return _reached(step)


def reading(step: At) -> Until:
    """The restore has come to the command of this step."""
    return _reached(step)


def _reached(step: At) -> Until:
    def reached(stage: Stage) -> bool:
        run = stage.runs["sd"]
        if step is At.AUTHENTICATED:
            return run.taken
        sink = run.ticket.sink
        if step is At.DATA_END and not (sink is not None and sink.ended):
            return False
        return bool(run.commands) and run.commands[-1].startswith(_COMMANDS[step])

    return Until(reached, f"the state {step.name}")


def records(stage: Stage) -> list[StoredRecord]:
    """Two files of the tree, as a backup has stored them; their content is this room."""
    found: list[StoredRecord] = []
    content = Path(__file__).read_bytes()
    for index, name in enumerate((b"a", b"b"), 1):
        path = stage.fill(b"{tree}/") + name
        stat = encode_stat(os.stat(__file__), 0, _DATA)
        found.append(StoredRecord(index, _ATTRIBUTES, encode_attributes(index, _REGULAR, path, stat)))
        found.append(StoredRecord(index, _DATA, content))
    return found


def restore_orders() -> Steps:
    """Everything of a restore before its command."""
    return (Login("tls"), *introduce(), *erase(), *storage(key=True))


def restoring(*faults: Fault) -> Steps:
    """A restore up to its acceptance, from a Storage daemon with these faults."""
    return (
        Announce(restore=records, faults=faults),
        *restore_orders(),
        Say(b"restore replace=a prelinks=0 where={where}\n"),
        Hear(Like(rb"2000 OK restore\n")),
    )

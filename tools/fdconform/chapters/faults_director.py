"""Chapter 8, section 2: a Director that is lost, in every state and in every way."""

from fdconform.case import Case, Need, Step
from fdconform.chapters.fault_plays import BIG, DEEP, GIBI, LARGE, SMALL, append, reading, restoring, taken
from fdconform.dialogue import Steps, backup, backup_orders, fileset, lines, verify
from fdconform.ending import Closed, DropStorage, Gone, NoReport, Reset, Running
from fdconform.expect import Like, Signal
from fdconform.openings import CLEAR, GOES_ON, begun, job, script
from fdconform.stage import Stage
from fdconform.talk import Alive, HangUp, Hear, Pause, Say, SayRaw, SaySignal
from fdconform.trees import Tree
from fdconform.work import Announce, Until
from fdpeers.faults import Act, Fault
from fdpeers.faults import Step as At

_RULE = "02 §4.2, §7.4; 07 §8.2; core/src/filed/dir_cmd.cc: process_director_commands"
_STORE = b"storage address={sd_host} port={sd_port} ssl=4\n"
_SINCE = b"level = since_utime 1700000000 mtime_only=0 prev_job=\n"


def _backup_stalled(step: At) -> Steps:
    tree = BIG if step is At.DATA else SMALL
    return (tree, Announce(faults=(Fault(step, Act.STALL),)), *backup(lines()), append(step))


_STATES: tuple[tuple[int, str, Steps, Steps], ...] = (
    (0, "before any order", (CLEAR,), ()),
    (1, "after JobId=", job(), ()),
    (2, "amid a packet", (*job(), SayRaw(b"\0\0\1\0fileset")), ()),
    (3, "amid the questions for the clock", (*job(), Say(_SINCE), Hear(Signal(-9), raw=True)), ()),
    (4, "amid the file set", (*job(), Say(b"fileset\n"), Say(b"I\n"), Say(b"O M\n")), ()),
    (5, "amid the accurate list", (*job(), Say(b"accurate files=9\n"), Say(b"/a\0P4A\0\x000")), ()),
    (6, "while a script runs", (*job(), *script(b"/bin/sleep 1"), Say(b"RunBeforeNow\n"), Pause(0.2)), ()),
    (
        7,
        "while the Storage daemon is silent",
        (Announce(faults=(Fault(At.HELLO, Act.STALL),)), *job("tls"), Say(_STORE), taken()),
        (DropStorage(),),
    ),
    (8, "with a connected Storage daemon", (SMALL, Announce(), *backup_orders(lines())), ()),
    (9, "while the backup is opened", _backup_stalled(At.APPEND_OPEN), (DropStorage(),)),
    (10, "while the backup stands still", _backup_stalled(At.DATA), (DropStorage(),)),
    (11, "while the backup runs", (LARGE, Announce(keep=False), *backup(lines(b"M")), append(At.DATA)), ()),
    (12, "while the backup is closed", _backup_stalled(At.APPEND_CLOSE), (DropStorage(),)),
    (
        13,
        "while a restore stands still",
        (*restoring(Fault(At.RECORDS, Act.STALL)), reading(At.RECORDS)),
        (DropStorage(),),
    ),
    (
        14,
        "between restore and endrestore",
        (*restoring(), Hear(b"2000 OK storage end\n")),
        (),
    ),
    (
        15,
        "amid a verify",
        (DEEP, *verify(b"init", lines(b"V1:", *(b"{tree}",) * 2000)), Hear(Like(rb"1 1 V.*"))),
        (),
    ),
    (
        16,
        "amid an estimate",
        (
            DEEP,
            *(CLEAR, *fileset(lines(b"M", *(b"{tree}",) * 2000))),
            *(Say(b"estimate listing=1\n"), Hear(Like(rb"[-d]r.*"), raw=True)),
        ),
        (),
    ),
)
_WAYS: tuple[tuple[int, str, Step], ...] = (
    (1, "closes", HangUp()),
    (2, "resets", Reset()),
    (3, "says TERMINATE and closes", HangUp(terminate=True)),
)


def _lost(number: int, way: int, state: str, verb: str, before: Steps, leave: Step, after: Steps) -> Case:
    play = (*before, leave, *after, Gone(within=30.0), Alive())
    files = any(isinstance(step, Tree | Announce) for step in play)
    return Case(
        id=f"8.2.{10 * number + way}",
        title=f"the Director {verb} {state}",
        rule="The job is over soon, whatever it was doing, and the daemon serves the next session.",
        source=_RULE,
        play=play,
        needs=frozenset({Need.FILES}) if files else frozenset(),
    )


def _storage_done(stage: Stage) -> bool:
    return stage.runs["sd"].done.is_set()


CASES = (
    *(
        _lost(number, way, state, verb, before, leave, after)
        for number, state, before, after in _STATES
        for way, verb, leave in _WAYS
    ),
    Case(
        id="8.2.201",
        title="the Director says TERMINATE while the backup runs, and stays",
        rule="The job ends, finished or not, and the connection with it.",
        source=_RULE,
        needs=frozenset({Need.FILES}),
        play=(
            SMALL,
            Announce(),
            *backup(lines()),
            SaySignal(-4),
            Closed(),
            Until(_storage_done, "the end of the Storage daemon's connection"),
            Gone(),
        ),
    ),
    Case(
        id="8.2.202",
        title="the Director says nothing for a while between two orders",
        rule="There is no limit for the next order.",
        source="02 §7.1",
        play=(
            *job(),
            Pause(3.0),
            *GOES_ON,
            *begun(b"bootstrap\n", b"2000 OK bootstrap\n")[:1],
            SaySignal(-1),
        ),
    ),
    Case(
        id="8.2.203",
        title="half a connection",
        rule="A Director that closes its half amid a list has ended it and the session.",
        source=_RULE,
        play=(*job(), Say(b"fileset\n"), Say(b"I\n"), HangUp(half=True), NoReport(), Gone(), Alive()),
    ),
    Case(
        id="8.2.204",
        title="a Director that closes amid a huge file",
        rule="Reading a file for a Director that has left ends soon.",
        source=_RULE,
        needs=frozenset({Need.FILES}),
        play=(GIBI, *verify(b"init", lines(b"V1:M")), Running(), HangUp(), Gone(within=30.0), Alive()),
    ),
)

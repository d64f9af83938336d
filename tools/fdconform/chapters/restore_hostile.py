"""Chapter 6, sections 10 and 11: hostile names, and the dialogue around a restore."""

from dataclasses import dataclass
from typing import Final

from fdconform.case import Case
from fdconform.dialogue import erase, introduce, storage
from fdconform.expect import Like
from fdconform.made import absent, inside, is_file
from fdconform.making import Put, folder, hard_link, plain, records, symlink
from fdconform.plays import FILES, restored
from fdconform.stage import Stage
from fdconform.talk import Hear, Login, Say
from fdconform.trees import File, Tree
from fdconform.verdicts import Verdict
from fdconform.work import Announce, Checked, EndJob, Records, Said
from fdpeers.faults import Act, Fault
from fdpeers.faults import Step as SdStep
from fdpeers.sinks import MemorySink
from fdpeers.sources import MemorySource
from fdpeers.storage import StoragePeer
from fdpeers.storage_session import JobTicket

_HOSTILE: Final = "04 §9"


def _hostile(number: int, title: str, *puts: Put, outside: tuple[bytes, ...], good: bool = True) -> Case:
    """The job goes on; nothing may be made outside of where."""
    return restored(
        f"6.10.{number}",
        title,
        "Whatever names a volume holds, nothing is made outside of where.",
        _HOSTILE,
        records(*puts, plain(b"/good")),
        inside(*outside),
        *((is_file(b"good"),) if good else ()),
        before=(Tree((File(b"precious", b"mine"),), b"{folder}/victim"),),
        said=(),
        end=EndJob("TEW"),
        hostile=True,
    )


_HOSTILES: Final = (
    _hostile(1, "two dots", plain(b"/../escaped"), outside=(b"{folder}/escaped",)),
    _hostile(2, "two dots further on", plain(b"/a/../../escaped"), outside=(b"{folder}/escaped",)),
    _hostile(3, "two dots at the end", folder(b"/../made"), outside=(b"{folder}/made",)),
    _hostile(
        4,
        "a file below a link that came before it",
        symlink(b"/l", b"{folder}/victim"),
        plain(b"/l/escaped"),
        outside=(b"{folder}/victim/escaped",),
    ),
    _hostile(
        5,
        "a file below a relative link",
        symlink(b"/l", b"../victim"),
        plain(b"/l/deep/escaped"),
        outside=(b"{folder}/victim/deep",),
    ),
    _hostile(
        6,
        "a directory below a link",
        symlink(b"/l", b"{folder}/victim"),
        folder(b"/l/made"),
        outside=(b"{folder}/victim/made",),
    ),
    _hostile(
        7,
        "a link of a link",
        symlink(b"/one", b"two"),
        symlink(b"/two", b"{folder}/victim"),
        plain(b"/one/escaped"),
        outside=(b"{folder}/victim/escaped",),
    ),
    restored(
        "6.10.8",
        "a hard link to what is outside",
        "A hard link with two dots in its first name does not reach outside of where.",
        _HOSTILE,
        records(folder(b"/d"), hard_link(b"/h", b"/../victim/precious"), plain(b"/good")),
        lambda stage: absent(b"h")(stage) and _outside(stage),
        is_file(b"good"),
        before=(Tree((File(b"precious", b"mine"),), b"{folder}/victim"),),
        said=(),
        end=EndJob("TEW"),
        hostile=True,
    ),
    restored(
        "6.10.9",
        "a file over a link to what is outside",
        "A file that comes where a link came before replaces the link.",
        _HOSTILE,
        records(symlink(b"/a", b"{folder}/victim/precious"), plain(b"/a"), plain(b"/good")),
        is_file(b"a"),
        is_file(b"{folder}/victim/precious", b"mine", mtime=None),
        is_file(b"good"),
        before=(Tree((File(b"precious", b"mine"),), b"{folder}/victim"),),
        end=EndJob("T", files=3, errors=0),
    ),
    restored(
        "6.10.10",
        "names without a file name",
        "A name that is empty, a dot or two is an error, and the job goes on.",
        _HOSTILE,
        records(plain(b"/"), plain(b"/d/.."), plain(b"/d/."), plain(b"/good")),
        is_file(b"good"),
        said=(Said(rb".*", type=4),),
        end=EndJob("E", lenient="TW"),
    ),
)


def _outside(stage: Stage) -> str | None:
    stage.note(Verdict.NON_STRICT, "a hard link reaches outside of where")
    return None


@dataclass(frozen=True, slots=True)
class Second:
    """Another Storage daemon for the same job, with another key: {sd2_port}, {key2}."""

    restore: Records

    async def play(self, stage: Stage) -> None:
        peer = StoragePeer("conform-sd2", stage.transcript)
        port = await stage.nursery.start(peer.serve)
        stage.names |= {"sd2_port": b"%d" % port, "key2": b"EFGH-IJKL-MNOP-ABCD-EFGH-IJKL-MNOP-ABCD"}
        made = self.restore(stage)
        assert not isinstance(made, bytes)
        session = (int(stage.names["session_id"]), int(stage.names["session_time"]))
        source = MemorySource(made, session_id=session[0], session_time=session[1])
        ticket = JobTicket(
            stage.names["job"], stage.names["key2"], *session, sink=MemorySink(), source=source
        )
        stage.runs["sd2"] = peer.announce(ticket)


_RESTORE: Final = b"restore replace=a prelinks=0 where={where}\n"
_PASS: Final = (Say(_RESTORE), Hear(b"2000 OK restore\n"), Hear(b"2000 OK storage end\n", within=25))

_DIALOGUES: Final = (
    Case(
        id="6.11.1",
        title="two storages",
        rule="A restore from two storages is two passes in one job; the figures are sums.",
        source="02 §2.5",
        needs=FILES,
        play=(
            Announce(restore=records(plain(b"/a"), plain(b"/b"))),
            Second(records(plain(b"/c"), plain(b"/d/e"))),
            Login("tls"),
            *introduce(),
            *erase(),
            *storage(key=True),
            *_PASS,
            Say(b"storage address={sd_host} port={sd2_port} ssl=4 Authorization={key2}\n"),
            Hear(b"2000 OK storage\n"),
            *_PASS,
            Say(b"endrestore"),
            EndJob("T", files=4, errors=0, job_bytes=20),
            Checked(tuple(is_file(name) for name in (b"a", b"b", b"c", b"d/e"))),
        ),
    ),
    Case(
        id="6.11.2",
        title="restore objects",
        rule="Restore objects come before the restore and are answered once, at their end.",
        source="02 §1.3; 04 §7.3",
        needs=FILES,
        play=(
            Announce(restore=records(plain(b"/a"))),
            Login("tls"),
            *introduce(),
            *storage(key=True),
            Say(b"restoreobject JobId={job_id} 3,3,1,25,0,1,python:module_name=x\n"),
            Say(b"the object"),
            Say(b"abc"),
            Say(b"restoreobject end\n"),
            Hear(b"2000 OK ObjectRestored\n"),
            *_PASS,
            Say(b"endrestore"),
            EndJob("T", files=1, errors=0),
            Checked((is_file(b"a"),)),
        ),
    ),
    Case(
        id="6.11.3",
        title="a bad expression",
        rule="A regexwhere that is none ends the job with a fatal message.",
        source="04 §8.1",
        needs=FILES,
        play=(
            Announce(restore=records()),
            Login("tls"),
            *introduce(),
            *storage(key=True),
            Say(b"restore replace=a prelinks=0 regexwhere=nonsense\n"),
            EndJob("f"),
            Said(rb".*Bad where regexp\. where=nonsense\n", type=3, times=1),
        ),
    ),
    Case(
        id="6.11.4",
        title="a bad command",
        rule="A restore command that cannot be read ends the job with a fatal message.",
        source="04 §8.1",
        needs=FILES,
        play=(
            Announce(restore=records()),
            Login("tls"),
            *introduce(),
            *storage(key=True),
            Say(b"restore everything\n"),
            EndJob("f"),
            Said(rb".*Bad replace command\. CMD=.*", type=3, times=1),
        ),
    ),
    Case(
        id="6.11.5",
        title="a restore without a storage",
        rule="A restore before the storage command ends with a fatal message.",
        source="02 §5.4",
        play=(
            Login("tls"),
            *introduce(),
            Say(_RESTORE),
            Hear(Like(rb"2000 OK restore\n|2000 OK storage end\n|2800 End Job TermCode=102 .*")),
        ),
    ),
    Case(
        id="6.11.6",
        title="the Storage daemon refuses to read",
        rule="If the Storage daemon does not open the session the job fails.",
        source="02 §5.4",
        needs=FILES,
        play=(
            Announce(
                restore=records(plain(b"/a")),
                faults=(Fault(SdStep.READ_OPEN, Act.REPLY, b"3900 Open session command error\n"),),
            ),
            Login("tls"),
            *introduce(),
            *storage(key=True),
            Say(_RESTORE),
            Hear(b"2000 OK restore\n"),
            Hear(b"2000 OK storage end\n", within=25),
            EndJob("fE"),
            Said(rb".*Bad response .*read open.*", type=3, strict=False),
        ),
    ),
    Case(
        id="6.11.7",
        title="the Storage daemon refuses the data",
        rule="If the Storage daemon does not send the data the job fails.",
        source="02 §5.4",
        needs=FILES,
        play=(
            Announce(
                restore=records(plain(b"/a")), faults=(Fault(SdStep.READ_DATA, Act.REPLY, b"3000 error\n"),)
            ),
            Login("tls"),
            *introduce(),
            *storage(key=True),
            Say(_RESTORE),
            Hear(b"2000 OK restore\n"),
            Hear(b"2000 OK storage end\n", within=25),
            EndJob("fE"),
            Said(rb".*", type=3),
        ),
    ),
)

CASES: Final = (*_HOSTILES, *_DIALOGUES)

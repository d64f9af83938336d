"""The `fileset` command and what hangs on it, said to our daemon and to the real one: both must answer alike."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fdaemon.wire.stat import encode_stat
from fdlocal.daemon import file_daemon
from fdpeers import dialogues
from fdpeers.dialogues import BackupPlan, Level, Since
from fdpeers.director import DirectorPeer, DirectorSession
from fdpeers.errors import LinkClosed
from fdpeers.link import EOD, TERMINATE
from fdpeers.names import Job

from ..fdpeers.conftest import Bareos, real_fd

FATAL, WARNING = 3, 5
DUMMY = Job(0, b"-Console-.2026-11-23_05.00.00_01", 0, 0, b"dummy")
JOB = Job(7, b"job.2026-11-23_05.00.00_07", 1, 1_700_000_000, b"ABCD-EFGH-IJKL-MNOP-ABCD-EFGH-IJKL-MNOP")


@pytest.fixture(params=["ours", pytest.param("real", marks=pytest.mark.bareos)])
async def director(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[DirectorPeer]:
    if request.param == "ours":
        async with file_daemon() as access:
            yield access.director
    else:
        place = tmp_path / "fd"
        place.mkdir()
        bareos: Bareos = request.getfixturevalue("bareos")
        async with real_fd(bareos, place, tls=True) as fd:
            yield fd.director()


@pytest.fixture
def bareos() -> Bareos:
    import os

    return Bareos(Path(os.environ["BAREOS_BUILD"], "core/src").resolve())


@dataclass(slots=True)
class Heard:
    """What came back: replies and signals in order, job messages as (type, text without prefix)."""

    replies: list[bytes | int] = field(default_factory=list)
    messages: list[tuple[int, bytes]] = field(default_factory=list)

    @property
    def term_code(self) -> int | None:
        """Of the End Job line, None when the session goes on."""
        for reply in self.replies:
            if isinstance(reply, bytes) and reply.startswith(b"2800 End Job TermCode="):
                return int(reply.split(b"=")[1].split()[0])
        return None


def bare(text: bytes) -> bytes:
    """Without the daemon's name and what goes with the type."""
    text = text.partition(b": ")[2]
    for word in (b"Fatal error: ", b"Warning: ", b"Error: "):
        text = text.removeprefix(word)
    return text


async def listen(session: DirectorSession, *, until: bytes) -> Heard:
    heard = Heard()
    try:
        while True:
            got = await session.reply()
            heard.replies.append(got)
            if got == TERMINATE or (isinstance(got, bytes) and got.startswith(until)):
                break
    except LinkClosed:
        heard.replies.append(TERMINATE)
    heard.messages = [(message.type, bare(message.text)) for message in session.messages]
    return heard


async def send_fileset(session: DirectorSession, lines: Sequence[bytes]) -> None:
    await session.send(b"fileset vss=1\n")
    for line in lines:
        await session.send(line)
    await session.send_signal(EOD)


async def told(director: DirectorPeer, *lines: bytes) -> Heard:
    """What is answered to a FileSet of these lines in a Full job."""
    async with director.connect() as session:
        await dialogues.introduce(session, JOB, tls=director.tls)
        await dialogues.send_level(session, BackupPlan((), None))
        await send_fileset(session, lines)
        heard = await listen(session, until=b"2000 OK include")
        if heard.replies != [b"2000 OK include\n"]:
            return heard
        await session.send(b"getSecureEraseCmd\n")
        after = await listen(session, until=b"2000 OK FDSecureEraseCmd")
        return Heard(heard.replies + after.replies[1:], after.messages)


GOOD = (b"I\n", b"O MHAX\n", b"N\n")


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"Q what\n", b"Invalid FileSet command: what\n"),
        (b"\n", b"Invalid FileSet command: \n"),
        (b"R [\n", b"REGEX [ compile error. ERR="),
        (b"RD (\n", b"REGEX ( compile error. ERR="),
    ],
)
async def test_a_bad_line_ends_the_session_fatally(director: DirectorPeer, line: bytes, text: bytes) -> None:
    heard = await told(director, *GOOD, line, b"F /x", b"N\n", b"N\n")
    assert heard.term_code == ord("f")
    assert [kind for kind, _ in heard.messages] == [FATAL]
    assert heard.messages[0][1].startswith(text)


@pytest.mark.parametrize("line", [b"RQ x\n", b"WQ x\n", b"XQ x\n", b"IQ\n"])
async def test_a_bad_second_letter_ends_the_session_silently(director: DirectorPeer, line: bytes) -> None:
    heard = await told(director, *GOOD, line, b"N\n", b"N\n")
    assert (heard.term_code, heard.messages) == (ord("C"), [])


async def test_a_second_fileset_ends_the_session_without_a_reply(director: DirectorPeer) -> None:
    async with director.connect() as session:
        await dialogues.introduce(session, JOB, tls=director.tls)
        await dialogues.send_fileset(session, (*GOOD, b"F /x", b"N\n", b"N\n"))
        await session.send(b"fileset vss=1\n")
        heard = await listen(session, until=b"2000 OK include")
    assert heard.term_code == ord("C")
    assert heard.messages == []


@pytest.mark.parametrize("letters", [b"!MHAX", b"zabc:HAX", b"MHACmc", b"HAXd", b"MHAXS"])
async def test_strange_letters_do_no_harm(director: DirectorPeer, letters: bytes) -> None:
    heard = await told(director, b"I\n", b"O %b\n" % letters, b"N\n", b"F /x", b"N\n", b"N\n")
    assert heard.replies == [b"2000 OK include\n"]
    assert FATAL not in [kind for kind, _ in heard.messages]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"F </nonexistent/list", b"Cannot open FileSet input file: /nonexistent/list. ERR=No such file"),
        (
            b"F |/nonexistent/program",
            b"Error running program: /nonexistent/program. status=208: ERR=No such file or directory\n",
        ),
        (
            b"F |/bin/sh -c 'exit 3'",
            b"Error running program: /bin/sh -c 'exit 3'. status=3: ERR=Child exited",
        ),
        (b"P bpipe:x", b'Plugin Directory not defined. Cannot use plugin: "bpipe:x"\n'),
    ],
)
async def test_what_cannot_be_listed_is_fatal_to_the_job_alone(
    director: DirectorPeer, line: bytes, text: bytes
) -> None:
    heard = await told(director, *GOOD, line, b"N\n", b"N\n")
    assert heard.replies == [b"2000 OK include\n"]
    ((kind, said),) = heard.messages
    assert kind == FATAL
    assert said.startswith(text)


async def estimated(
    director: DirectorPeer,
    lines: Sequence[bytes],
    *,
    level: Level = Level.FULL,
    accurate: Sequence[bytes] | None = None,
    word: bytes | None = None,
) -> list[bytes]:
    """The text packets of an estimate with listing, the listed ones by name alone."""
    since = Since(4_000_000_000, b"before.2026-11-23_05.00.00_01")
    plan = BackupPlan(lines, None, level, None if level is Level.FULL else since, accurate)
    async with director.connect() as session:
        await dialogues.introduce(session, DUMMY, tls=director.tls)
        if word is not None:
            await session.send(b"level = %b\n" % word)
        await dialogues.send_level(session, plan)
        await dialogues.send_fileset(session, lines)
        if accurate is not None:
            await dialogues.send_accurate(session, accurate)
        await session.send(b"estimate listing=1\n")
        text = await session.text()
        text += b"".join(session.malformed)
    return [line.rpartition(b"  ")[2] for line in text.splitlines()]


def block(*names: Path, letters: str = "MHAX") -> list[bytes]:
    return [
        b"I\n",
        f"O {letters}\n".encode(),
        b"N\n",
        *(b"F " + bytes(name) for name in names),
        b"N\n",
        b"N\n",
    ]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    top = tmp_path / "tree"
    (top / "a" / "b").mkdir(parents=True)
    (top / "a" / "b" / "f").write_text("f")
    (top / "c").mkdir()
    (top / "c" / "g").write_text("g")
    return top


@pytest.mark.parametrize(("letter", "removes"), [("d1", False), ("d2", True), ("d3", False), ("d4", True)])
async def test_shadowed_names_are_told_and_removed(
    director: DirectorPeer, tree: Path, letter: str, removes: bool
) -> None:
    async with director.connect() as session:
        await dialogues.introduce(session, JOB, tls=director.tls)
        await send_fileset(session, block(tree / "a", tree / "a" / "b", letters="MHAX" + letter))
        heard = await listen(session, until=b"2000 OK include")
        assert (heard.replies, heard.messages) == ([b"2000 OK include\n"], [])
        await session.send(b"getSecureEraseCmd\n")
        heard = await listen(session, until=b"2000 OK FDSecureEraseCmd")
    end = b" removing it from fileset\n" if removes else b"\n"
    text = b"Fileset include block entry %b shadows %b%b" % (bytes(tree / "a/b"), bytes(tree / "a"), end)
    assert heard.messages == [(WARNING, text)]


@pytest.mark.parametrize(("letter", "times"), [("d1", 2), ("d2", 2), ("d3", 2), ("d4", 1)])
async def test_includes_shadow_each_other_only_globally(
    director: DirectorPeer, tree: Path, letter: str, times: int
) -> None:
    lines = block(tree / "a", letters="HAX" + letter) + block(tree / "a" / "b", letters="HAX" + letter)
    listed = await estimated(director, lines)
    assert listed.count(bytes(tree / "a/b/f")) == times


async def test_a_name_that_is_not_there_is_told_by_the_shadowing_check(
    director: DirectorPeer, tree: Path
) -> None:
    async with director.connect() as session:
        await dialogues.introduce(session, JOB, tls=director.tls)
        await dialogues.send_fileset(session, block(tree / "no", tree / "a", letters="HAXd1"))
        await session.send(b"getSecureEraseCmd\n")
        heard = await listen(session, until=b"2000 OK FDSecureEraseCmd")
    text = b"Cannot stat file %b: ERR=No such file or directory\n" % bytes(tree / "no")
    assert heard.messages == [(WARNING, text)]


async def test_accurate_mode_without_a_list_takes_everything(director: DirectorPeer, tree: Path) -> None:
    since_alone = await estimated(director, block(tree), level=Level.INCREMENTAL)
    assert len(since_alone) == 1
    listed = await estimated(director, block(tree), level=Level.INCREMENTAL, word=b"accurate_incremental")
    assert len(listed) == 6 + 1


async def test_job_codes_of_a_client_program(director: DirectorPeer, tree: Path) -> None:
    codes = b"F |/bin/echo %i %j %n %l %t %m %D %b %B %F [%r] %s %v %e %% %q"
    async with director.connect() as session:
        await dialogues.introduce(session, JOB, tls=director.tls)
        await dialogues.send_level(session, BackupPlan((), None))
        lines = [b"I\n", b"O HAXd1\n", b"N\n", codes, b"F " + bytes(tree), b"N\n", b"N\n"]
        await dialogues.send_fileset(session, lines)
        await session.send(b"getSecureEraseCmd\n")
        heard = await listen(session, until=b"2000 OK FDSecureEraseCmd")
    ((kind, text),) = heard.messages
    assert kind == WARNING
    name = director.name.encode()
    assert text.startswith(b"Cannot stat file 7 job.2026-11-23_05.00.00_07 job Full ")
    rest = b" 0 %b 0 0 B 0 [] *None* Unknown term code %% %%q: ERR=No such file or directory\n"
    assert text.endswith(rest % name)


async def test_a_long_accurate_list_is_taken_whole(director: DirectorPeer, tree: Path) -> None:
    st = (tree / "c/g").stat()
    known = b"%b\0%b\0\0000" % (bytes(tree / "c/g"), encode_stat(st))
    others = [b"/nowhere/%d\0A A A A A A A A A A A A A A A A\0\0000" % number for number in range(20_000)]
    entries = [*others[:10_000], known, *others[10_000:]]
    listed = await estimated(
        director, block(tree), level=Level.INCREMENTAL, accurate=entries, word=b"accurate_incremental"
    )
    assert bytes(tree / "c/g") not in listed
    assert bytes(tree / "a/b/f") in listed
    assert len(listed) == 5 + 1

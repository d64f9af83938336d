"""Chapter 3, sections 4 and 5: the lines of a FileSet and the accurate list, right and wrong."""

from fdconform.case import Case, Need, Step
from fdconform.dialogue import backup_orders, fileset, level, lines, since, storage
from fdconform.expect import QUIET, Like, Signal
from fdconform.openings import (
    CLEAR,
    CREATED,
    FATAL,
    GOES_ON,
    TERMINATED,
    asked,
    begun,
    disk_job,
    job,
    listed,
    said_then,
)
from fdconform.stage import Stage
from fdconform.talk import Alive, Hear, HearText, Say, SaySignal
from fdconform.trees import Directory, File, Tree
from fdconform.work import Announce, Checked, EndJob, Said, Unsaid

_FILESET = "02 §1.3 fileset; 03 §1.3, §1.4; core/src/filed/fileset.cc: AddFileset"
_BAD = "03 §1.10; core/src/filed/fileset.cc: AddFileset, TermFileset"
_ACCURATE = "02 §1.3 accurate; core/src/filed/accurate.cc: AccurateCmd"
_OK = b"2000 OK include\n"
_EOD = SaySignal(-1)
_FILES = frozenset({Need.FILES})

type Rows = tuple[bytes, ...]

_RIGHT: tuple[tuple[int, str, Rows], ...] = (
    (1, "of release 25", lines(b"HAXM", b"/etc/hostname")),
    (2, "with everything a Director can send", (
        *(b"I\n", b"Z .nobackup\n", b"O eKHAX\n", b"R r.x\n", b"RD rd\n", b"RF rf\n", b"W *.w\n"),
        *(b"WD */wd\n", b"WF /a/wf*\n", b"WF wb*\n", b"WB w\n", b"X ext4\n", b"XD fixed\n", b"N\n"),
        *(b"O SZf4Cmcs5:Vpin5:P2:z1k-2m:fhs0rwpmkiRKcNd1x000\n", b"N\n", b"F /etc/hostname", b"N\n", b"N\n"),
        *(b"E\n", b"O HAX\n", b"N\n", b"F /tmp/*.bak", b"N\n", b"N\n"),
    )),
    (3, "of release 22, without options", (b"I\n", b"F /etc/hostname", b"N\n", b"N\n")),
    (4, "with accumulated letters", (b"I\n", b"O M\n", b"O S\n", b"F /etc/hostname", b"N\n", b"N\n")),
    (5, "that is empty", ()),
    (6, "with a sub-code that is overwritten", (b"I\n", b"OX M\n", b"N\n", b"FX /etc/hostname", b"N\n", b"N\n")),
    (7, "cut inside of letters", (b"I\n", b"O MHAXVpinsmc\n", b"N\n", b"F /etc/hostname", b"N\n", b"N\n")),
    (8, "with an empty name", (b"I\n", b"O M\n", b"N\n", b"F ", b"F", b"N\n", b"N\n")),
    (9, "with names of any bytes", (b"I\n", b"O M\n", b"N\n", b"F /\xff\xfe\n\x01x", b"N\n", b"N\n")),
)  # fmt: skip
_TOLD: tuple[tuple[int, str, Rows, bytes], ...] = (
    (20, "an unknown code", (b"I\n", b"Q /what\n"), rb"Invalid FileSet command: /what\n"),
    (21, "an empty line", (b"I\n", b""), rb"Invalid FileSet command: \n"),
    (22, "a code in small letters", (b"I\n", b"f /etc\n"), rb"Invalid FileSet command: /etc\n"),
    (23, "a bad regex", (b"I\n", b"O M\n", b"R [\n", b"N\n"), rb"REGEX \[ compile error\. ERR=.*"),
    (24, "a bad RegexDir", (b"I\n", b"O M\n", b"RD (\n", b"N\n"), rb"REGEX \( compile error\. ERR=.*"),
)
_SILENT: tuple[tuple[int, str, Rows], ...] = (
    (26, "RX", (b"I\n", b"O M\n", b"RX foo\n")),
    (27, "WX", (b"I\n", b"O M\n", b"WX foo\n")),
    (28, "XF", (b"I\n", b"O M\n", b"XF ext4\n")),
)
_LATER: tuple[tuple[int, str, bytes, bytes], ...] = (
    (
        30,
        "a list that cannot be read",
        b"F </no/such/list",
        rb"Cannot open FileSet input file: /no/such/list\. .*",
    ),
    (31, "a program that fails", b"F |/bin/false", rb"Error running program: /bin/false\. status=1: ERR=.*"),
    (
        32,
        "a program that is missing",
        b"F |/no/such/program",
        rb"Error running program: /no/such/program\. .*",
    ),
    (
        33,
        "a plugin without a plugin folder",
        b"P python",
        rb"Plugin Directory not defined\. Cannot use plugin: .*",
    ),
)


def _fileset(number: int, title: str, rule: str, *play: Step, source: str = _FILESET) -> Case:
    return Case(id=f"3.4.{number}", title=f"file set: {title}", rule=rule, source=source, play=play)


_FILESETS = (
    *(
        _fileset(
            number,
            title,
            "The file set is taken as a whole after the signal: 2000 OK include.",
            *(*job(), *listed(rows, _EOD), Hear(_OK), *GOES_ON),
        )
        for number, title, rows in _RIGHT
    ),
    _fileset(
        10,
        "ended by a heartbeat",
        "Any signal ends the list.",
        *(*job(), *listed(lines(b"M", b"/etc/hostname"), SaySignal(-6)), Hear(_OK), *GOES_ON),
    ),
    _fileset(
        11,
        "fileset without vss",
        "The word may stand alone; only Windows looks at vss=.",
        *(*job(), Say(b"fileset\n"), Say(b"I\n"), _EOD, Hear(_OK), *GOES_ON),
    ),
    _fileset(
        12,
        "with letters nobody knows",
        "Unknown letters are passed over: the answer is OK and the job goes on without an error.",
        *(*job(), *fileset(lines(b"M?!j", b"/etc/hostname")), *GOES_ON, _EOD, EndJob("C", errors=0)),
        source=_BAD,
    ),
    _fileset(
        13,
        "with lines of releases up to 23",
        "B lines and J letters, which Directors of 22 and 23 send, are taken; 24 and later daemons refuse B.",
        *(*job(), *listed((b"I\n", b"O MJspug5:\n", b"B x\n", b"N\n", b"F /etc/hostname", b"N\n"), _EOD)),
        Hear(_OK, lenient=(Like(rb"2800 End Job TermCode=102 .*"),)),
        source="03 §1.5 requirement; 02 §1.3 fileset",
    ),
    *(
        _fileset(
            number,
            title,
            "The message is fatal, the rest of the list is swallowed, no reply, TermCode 102.",
            *(*job(), *listed((*rows, b"F /etc\n", b"Q again\n"), _EOD), *FATAL),
            *(Said(rb".*" + text, type=3, times=1),),
            source=_BAD,
        )
        for number, title, rows, text in _TOLD
    ),
    _fileset(
        25,
        "an unknown code without a job",
        "Without a job the message is bare text; no reply, no End Job line.",
        *(CLEAR, *listed((b"I\n", b"Q x\n"), _EOD)),
        *(Hear(said_then(rb"Invalid FileSet command: x\n"), raw=True), *TERMINATED),
        source=f"{_BAD}; 02 §0.5",
    ),
    *(
        _fileset(
            number,
            f"the sub-code {title}",
            "A wrong sub-code of R, W or X is an error without a message: no reply, TermCode 67.",
            *(*job(), *listed(rows, _EOD), *CREATED),
            source=_BAD,
        )
        for number, title, rows in _SILENT
    ),
    *(
        _fileset(
            number,
            title,
            "The message is fatal, but the list is answered with OK; the job ends with TermCode 102.",
            *(*job(), *listed((b"I\n", b"O M\n", b"N\n", row, b"N\n", b"N\n"), _EOD), Hear(_OK)),
            *(*GOES_ON, _EOD, *FATAL, Said(rb".*" + text, type=3)),
            source=_BAD,
        )
        for number, title, row, text in _LATER
    ),
    _fileset(
        40,
        "a second one",
        "A session takes one file set: the second is not answered, and the session ends with TermCode 67.",
        *(*job(), *fileset(lines(b"M", b"/etc/hostname")), Say(b"fileset vss=1\n"), *CREATED),
    ),
    _fileset(
        41,
        "that never ends",
        "The daemon waits for the end of the list; a Director that leaves gets nothing.",
        *(*job(), Say(b"fileset\n"), Say(b"I\n"), Hear(QUIET, within=0.3), SaySignal(-4), Alive()),
        source=_BAD,
    ),
    Case(
        id="3.4.42",
        title="file set: blanks behind a name",
        rule="Blanks, CR and LF behind a name are stripped, tabs are not.",
        source="03 §1.4; core/src/lib/scan.cc: StripTrailingJunk",
        needs=_FILES,
        play=(
            Tree((File(b"a", b"12"), File(b"b\t", b"123"))),
            *job(),
            *level(),
            *fileset(lines(b"M", b"{tree}/a \r\n ", b"{tree}/b\t")),
            Say(b"estimate listing=0\n"),
            Hear(b"2000 OK estimate files=2 bytes=5\n"),
        ),
    ),
    Case(
        id="3.4.43",
        title="file set: names from a program",
        rule="Each line that the program prints is a name; job codes in the command are replaced.",
        source="03 §1.6; core/src/filed/fileset.cc: AddFileToFileset",
        needs=_FILES,
        play=(
            Tree((File(b"a", b"12"), File(b"b", b"123"), File(b"c", b"1234"))),
            *job(),
            *level(),
            *fileset(lines(b"M", b'|/bin/sh -c "ls {tree}/[ab]; test %i = {job_id}"')),
            Say(b"estimate listing=0\n"),
            Hear(b"2000 OK estimate files=2 bytes=5\n"),
        ),
    ),
    Case(
        id="3.4.44",
        title="file set: names from a list",
        rule="Each line of the file is a name, stripped of blanks at its end; empty ones are passed over.",
        source="03 §1.6; core/src/filed/fileset.cc: AddFileToFileset",
        needs=_FILES,
        play=(
            Tree((File(b"a", b"12"), File(b"b", b"123"))),
            Tree((File(b"list", b"/etc/hosts.never \r\n\n/no/such"),), below=b"{folder}/lists"),
            *disk_job(),
            *fileset(lines(b"M", b"<{folder}/lists/list")),
            *begun(b"verify level=init\n", b"2000 OK verify\n"),
            HearText(Like(rb"")),
            EndJob("T", files=0, errors=2),
            Said(rb".*Could not stat /etc/hosts\.never: ERR=.*", type=8),
            Said(rb".*Could not stat /no/such: ERR=.*", type=8),
        ),
    ),
    Case(
        id="3.4.45",
        title="file set: shadowed names",
        rule="The warning about names that contain each other comes after the answer.",
        source="03 §5; core/src/findlib/shadowing.cc: CheckIncludeListShadowing",
        needs=_FILES,
        play=(
            Tree((Directory(b"sub"),)),
            *job(),
            *listed(lines(b"Md1", b"{tree}", b"{tree}/sub"), _EOD),
            Hear(_OK, raw=True),
            Hear(
                Like(rb"Jmsg .* type=5 .*Fileset include block entry {tree}/sub shadows {tree}\n"), raw=True
            ),
        ),
    ),
)


def _entry(path: bytes, stat: bytes = b"P4A BAA IGk B A A A M BAA I BlU+Nk BlU+Nk BlU+Nk A A A") -> bytes:
    return b"%b\0%b\0\x000" % (path, stat)


def _accurate(number: int, title: str, rule: str, *play: Step, source: str = _ACCURATE) -> Case:
    return Case(
        id=f"3.5.{number}",
        title=f"accurate: {title}",
        rule=rule,
        source=source,
        play=play,
        needs=_FILES if any(isinstance(step, Tree) for step in play) else frozenset(),
    )


def _deleted(stage: Stage) -> str | None:
    names = [record.data.split(b"\0")[0].split(b" ", 2)[1:] for record in stage.records if record.stream == 1]
    gone = [name for kind, name in names if kind == b"23"]
    wanted = [stage.fill(b"{tree}/gone")]
    return None if gone == wanted else f"deleted: {gone}, not {wanted}"


_LISTS: tuple[tuple[int, str, bytes, Rows], ...] = (
    (1, "empty", b"accurate files=0\n", ()),
    (2, "without its number", b"accurate files=\n", (_entry(b"/a"),)),
    (3, "with a wrong number", b"accurate files=5000\n", (_entry(b"/a"),)),
    (4, "without a newline", b"accurate files=1", (_entry(b"/a"),)),
    (5, "without a blank", b"accuratefiles=1\n", (_entry(b"/a"),)),
    (
        6,
        "with checksums",
        b"accurate files=2\n",
        (b"/a\0P4A BAA\0rL0Y20zC+Fzt72VPzMSk2A\x000", b"/b\0P\0x\x007"),
    ),
    (7, "with short entries", b"accurate files=3\n", (b"/a", b"/b\0", b"/c\0P4A", b"\0\0\0")),
    (8, "with an empty packet", b"accurate files=1\n", (b"", _entry(b"/a"))),
    (9, "with a name twice", b"accurate files=2\n", (_entry(b"/a"), _entry(b"/a"))),
    (10, "with a name of 100,000 bytes", b"accurate files=1\n", (_entry(b"/" + b"x" * 100_000),)),
)

_ACCURATES = (
    *(
        _accurate(
            number,
            title,
            "The list is taken without a reply; entries that cannot be parsed are passed over.",
            *(*job(), Say(command), *(Say(row) for row in rows), _EOD, *GOES_ON, _EOD, EndJob("C")),
        )
        for number, title, command, rows in _LISTS
    ),
    _accurate(
        11,
        "ended by a heartbeat",
        "Any signal ends the list.",
        *(*job(), Say(b"accurate files=1\n"), Say(_entry(b"/a")), SaySignal(-6), *GOES_ON),
    ),
    *(
        _accurate(
            number,
            f"malformed: {title}",
            "2991 Bad accurate command, without a message, and the session ends.",
            *(*job(), *asked(text, b"2991 Bad accurate command\n"), *CREATED),
        )
        for number, title, text in (
            (20, "no files=", b"accurate\n"),
            (21, "another word", b"accurate entries=5\n"),
        )
    ),
    _accurate(
        22,
        "malformed, without a job",
        "2991, TERMINATE, the end.",
        *(CLEAR, *asked(b"accurate 5\n", b"2991 Bad accurate command\n"), *TERMINATED),
    ),
    _accurate(
        30,
        "what is gone",
        "An incremental accurate backup reports listed files that it did not meet with records of type 23.",
        Tree((File(b"kept", b"12"),)),
        Announce(),
        *job("tls"),
        *since(b"accurate_incremental", 1_900_000_000),
        *fileset(lines(b"MCmcs:", b"{tree}")),
        *(Say(b"accurate files=3\n"), Say(_entry(b"{tree}/gone")), _EOD),
        *storage(),
        *begun(b"backup FileIndex=0\n", b"2000 OK backup\n"),
        EndJob("T", errors=0),
        Checked((_deleted,)),
        source="02 §2.3; core/src/filed/accurate.cc: AccurateFinish",
    ),
    _accurate(
        31,
        "a list without an accurate level",
        "accurate alone switches accurate mode on; a full backup then still saves every file.",
        Tree((File(b"a", b"12"),)),
        Announce(),
        *backup_orders(lines(b"M")),
        *(Say(b"accurate files=1\n"), Say(_entry(b"{tree}/other")), _EOD),
        *begun(b"backup FileIndex=0\n", b"2000 OK backup\n"),
        EndJob("T", files=2, errors=0),
        Unsaid(),
        source="02 §2.3",
    ),
    _accurate(
        32,
        "in an estimate",
        "An estimate counts what an accurate backup would save: the file that is not on the list.",
        Tree((File(b"a", b"12"),)),
        *disk_job(),
        *since(b"accurate_incremental", 1_900_000_000),
        *fileset(lines(b"MCmcs:", b"{tree}")),
        *(Say(b"accurate files=1\n"), Say(_entry(b"{tree}/b")), _EOD),
        *(Say(b"estimate listing=0\n"), Hear(b"2000 OK estimate files=2 bytes=2\n"), Hear(Signal(-1))),
        source="02 §2.7; 03 §4",
    ),
)

CASES = (*_FILESETS, *_ACCURATES)

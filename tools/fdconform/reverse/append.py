"""R4: the append session of the Storage daemon: good ones, and what a File daemon can do wrong in it."""

from fdconform.expect import Like
from fdconform.reverse.case import (
    CLOSE_APPEND,
    CLOSED,
    CONTENT,
    EMPTY_BACKUP,
    FAILED_END,
    FILES,
    GRANTED,
    OPEN_APPEND,
    TERMINATE_SIGNAL,
    Expected,
    Piece,
    Plan,
    ReverseCase,
    SdClose,
    SdHear,
    SdMove,
    SdSay,
    SdSignal,
    a_file,
    append,
    attributes,
    sent,
)
from fdconform.reverse.data import oversized

_SOURCE = "07 §4.2, §4.3; core/src/stored/fd_cmds.cc, append.cc"
_HANGS_UP: tuple[SdMove, ...] = (SdHear(TERMINATE_SIGNAL, lenient=(CLOSED,)),)
_END: tuple[SdMove, ...] = (SdSignal(-1), SdHear(b"3000 OK append data\n"), *CLOSE_APPEND)


def _bad(number: int, title: str, rule: str, moves: tuple[SdMove, ...], *log: str) -> ReverseCase:
    return ReverseCase(
        id=f"R4.2.{number}",
        title=title,
        rule=rule,
        source=_SOURCE,
        plan=Plan(data=moves, end=(FAILED_END,)),
        expected=Expected(status="fE", log=log),
    )


_GOOD = tuple(
    ReverseCase(
        id=f"R4.1.{number}", title=title, rule=rule, source=_SOURCE, plan=Plan(data=moves), expected=expected
    )
    for number, (title, rule, moves, expected) in enumerate(
        (
            (
                "two files and their directory",
                "What was appended is in the catalog, with its digest.",
                append(),
                Expected(
                    status="T",
                    log=("FD Files Written: +3", "SD Files Written: +3"),
                    query="select count(*), max(md5) from file where jobid={job_id} and md5 <> '0'",
                    found=r"\| +2 +\| +Gnmk1g3mcY6OWzJuM4rlMw +\|",
                ),
            ),
            (
                "no record at all",
                "A session without a record is a good session.",
                EMPTY_BACKUP,
                Expected(status="T", log=("FD Files Written: +0",)),
            ),
            (
                "unknown stream",
                "A stream that the Storage daemon does not know is stored like any other.",
                append((*FILES, *a_file(4, b"/conform/odd"), Piece(4, 1234, (b"odd",)))),
                Expected(status="T", log=("SD Files Written: +4",)),
            ),
            (
                "empty records",
                "A packet of no bytes is a record of no bytes.",
                append((attributes(1, b"/conform/empty"), Piece(1, 2, (b"", CONTENT, b"")))),
                Expected(status="T", log=("SD Files Written: +1",)),
            ),
            (
                "a stream without packets",
                "A stream that ends at once stores nothing and harms nothing.",
                append((attributes(1, b"/conform/none"), Piece(1, 2, ()))),
                Expected(status="T", log=("SD Files Written: +1",)),
            ),
            (
                "packets of the greatest size",
                "Packets of 1,000,000 bytes with their header are taken.",
                append((attributes(1, b"/conform/big"), Piece(1, 2, (b"z" * 999_996, b"z" * 999_996)))),
                Expected(status="T", log=("FD Bytes Written: +1,999,992",)),
            ),
            (
                "the same file and stream twice",
                "Several groups of one file and stream are allowed.",
                append((attributes(1, b"/conform/x"), Piece(1, 1998, (b"a",)), Piece(1, 1998, (b"b",)))),
                Expected(status="T"),
            ),
            (
                "signals between commands",
                "Heartbeats between commands are passed over.",
                (*OPEN_APPEND, SdSignal(-6), *append()[2:]),
                Expected(status="T"),
            ),
            (
                "a name of 4,000 bytes",
                "Long names reach the catalog whole.",
                append((attributes(1, b"/conform/" + b"n" * 4000),)),
                Expected(
                    status="T",
                    query="select length(name) from file where jobid={job_id}",
                    found=r"\| +4,?000 +\|",
                ),
            ),
        ),
        1,
    )
)
_WRONG = (
    _bad(
        1,
        "data before open",
        "append data without a session is answered with 3902, and the Storage daemon hangs up.",
        (SdSay(b"append data 1\n"), SdHear(b"3902 Error session not opened\n"), *_HANGS_UP),
    ),
    _bad(
        2,
        "end before open",
        "append end without a session is answered with 3902 at most, and the Storage daemon hangs up.",
        (
            SdSay(b"append end session 1\n"),
            SdHear(b"3902 Error session not opened\n", lenient=(TERMINATE_SIGNAL, CLOSED)),
        ),
    ),
    _bad(
        3,
        "open twice",
        "A second open is answered with 3901, and the Storage daemon hangs up.",
        (
            *OPEN_APPEND,
            SdSay(b"append open session\n"),
            SdHear(b"3901 Error session already open\n"),
            *_HANGS_UP,
        ),
    ),
    _bad(
        4,
        "unknown command",
        "What is no command is answered with 3900, and the Storage daemon hangs up.",
        (SdSay(b"flood\n"), SdHear(Like(rb"3900 .*")), *_HANGS_UP),
    ),
    _bad(
        5,
        "FileIndex that begins with 2",
        "The first FileIndex of a job is 1.",
        (*GRANTED, *sent((attributes(2, b"/conform/two"),)), SdSignal(-1), SdHear(Like(rb"3(999|903) .*"))),
    ),
    _bad(
        6,
        "FileIndex that jumps",
        "A FileIndex is the last one or one more.",
        (
            *GRANTED,
            *sent((attributes(1, b"/conform/a"), attributes(3, b"/conform/c"))),
            SdSignal(-1),
            SdHear(Like(rb"3(999|903) .*")),
        ),
    ),
    _bad(
        7,
        "FileIndex 0",
        "A FileIndex is positive.",
        (*GRANTED, *sent((attributes(0, b"/conform/a"),)), SdSignal(-1), SdHear(Like(rb"3(999|903) .*"))),
    ),
    _bad(
        8,
        "FileIndex that goes back",
        "A FileIndex never goes back.",
        (
            *GRANTED,
            *sent((attributes(1, b"/conform/a"), attributes(2, b"/conform/b"), attributes(1, b"/conform/a"))),
            SdSignal(-1),
            SdHear(Like(rb"3(999|903) .*")),
        ),
    ),
    _bad(
        9,
        "header without numbers",
        "A header that does not have two numbers fails the job.",
        (*GRANTED, SdSay(b"nonsense"), SdSignal(-1), SdSignal(-1), SdHear(Like(rb"3(999|903) .*"))),
    ),
    _bad(
        10,
        "TERMINATE among the records",
        "A signal other than EOD among the records fails the job.",
        (
            *GRANTED,
            *sent(FILES),
            SdSignal(-4),
            SdHear(Like(rb"3(999|903) .*"), lenient=(CLOSED, TERMINATE_SIGNAL)),
        ),
    ),
    _bad(
        11,
        "closed among the records",
        "A File daemon that goes away among the records fails the job.",
        (*GRANTED, SdSay(b"1 1 0"), SdClose()),
    ),
    _bad(
        12,
        "end of the data missing",
        "A command in the place of EOD is no header.",
        (
            *GRANTED,
            *sent(FILES),
            SdSay(b"append end session {ticket}\n"),
            SdSignal(-1),
            SdHear(Like(rb"3(999|903) .*")),
        ),
    ),
    _bad(
        13,
        "header above the limit",
        "A packet above 1,000,000 bytes ends the connection and fails the job.",
        (
            *GRANTED,
            SdSay(b"1 1 0"),
            oversized(),
            SdHear(Like(rb"3999 .*"), lenient=(TERMINATE_SIGNAL, CLOSED)),
        ),
    ),
    _bad(
        14,
        "closed before the session is closed",
        "A session that was not closed is not a good job, whatever was stored.",
        (*GRANTED, *sent(FILES), SdSignal(-1), SdHear(b"3000 OK append data\n"), SdClose()),
    ),
)
_OTHERS = (
    ReverseCase(
        id="R4.3.1",
        title="wrong ticket",
        rule="The ticket is not looked at.",
        source=_SOURCE,
        plan=Plan(
            data=(*OPEN_APPEND, SdSay(b"append data 4711\n"), SdHear(b"3000 OK data\n"), *sent(FILES), *_END)
        ),
        expected=Expected(status="TfE"),
        informational=True,
    ),
    ReverseCase(
        id="R4.3.2",
        title="attributes that are none",
        rule="Attributes that cannot be read are not a good job's, or are reported.",
        source="07 §5.3; core/src/dird/catreq.cc: UpdateAttribute",
        plan=Plan(data=append((Piece(1, 1, (b"nonsense",)),))),
        expected=Expected(status="TWfE"),
        informational=True,
    ),
    ReverseCase(
        id="R4.3.3",
        title="digest before the attributes",
        rule="A digest that follows no attributes does not reach the catalog.",
        source="07 §5.3; core/src/dird/catreq.cc: UpdateAttribute",
        plan=Plan(data=append((Piece(1, 3, (bytes(16),)), *a_file(2, b"/conform/b")))),
        expected=Expected(
            status="TWfE", query="select count(*) from file where jobid={job_id}", found=r"\| +[01] +\|"
        ),
        informational=True,
    ),
    ReverseCase(
        id="R4.3.4",
        title="good report of a failed session",
        rule="When the Storage daemon failed, the job is not good, though the File daemon says so.",
        source="02 §4.4; core/src/dird/backup.cc: WaitForJobTermination",
        plan=Plan(data=(SdSay(b"append data 1\n"), SdHear(b"3902 Error session not opened\n"))),
        expected=Expected(status="fE", lenient="W"),
    ),
)
CASES = (*_GOOD, *_WRONG, *_OTHERS)

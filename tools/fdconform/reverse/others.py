"""R5: restores, verifies, and what the console asks of a File daemon."""

from fdconform.reverse.case import (
    END,
    FAILED_END,
    READ,
    Answer,
    Expected,
    Plan,
    ReverseCase,
    SdHear,
    SdSay,
)

_RESTORE = "restore jobid={backup} client={client} restorejob=conform-restore all done yes"
_RESTORE_SOURCE = "02 §2.5; 07 §4.4, §4.5; core/src/dird/restore.cc, core/src/stored/read.cc"
_VERIFY_SOURCE = "02 §2.7, §6.4; 05; core/src/dird/verify.cc"
_STAT = b"P4A IQUT IGk C A A A M BAA I BrA6za BlU/EA BrA6zZ A A C"
_DIGEST = b"Gnmk1g3mcY6OWzJuM4rlMw"


def _attributes(index: int, name: bytes, options: bytes = b"Vpins5") -> bytes:
    return b"%d 1 %b %b\0%b\0\0" % (index, options, name, _STAT)


def _digest(index: int, of: int = 0) -> bytes:
    return b"%d 3 %b *MD5-%d*" % (of or index, _DIGEST, index)


_TREE = (
    _attributes(1, b"/conform/one"),
    _digest(1),
    _attributes(2, b"/conform/two"),
    _digest(2),
    _attributes(3, b"/conform/"),
)
_RESTORES = (
    ReverseCase(
        id="R5.1.1",
        title="restore",
        rule="The Storage daemon sends the records of all selected files, and the job ends well.",
        source=_RESTORE_SOURCE,
        order=_RESTORE,
        needs_backup=True,
        plan=Plan(data=READ),
        expected=Expected(
            status="T", reached=(b"storage ", b"restore ", b"endrestore"), log=("Files Restored: +3",)
        ),
    ),
    ReverseCase(
        id="R5.1.2",
        title="restore refused",
        rule="A File daemon that refuses the restore fails the job.",
        source=f"{_RESTORE_SOURCE}; 02 §7.2",
        order=_RESTORE,
        needs_backup=True,
        plan=Plan(answers=(Answer(b"restore ", (FAILED_END, -4), close=True),)),
        expected=Expected(status="fE", log=("Bad response to Restore command",)),
    ),
    ReverseCase(
        id="R5.1.3",
        title="no end of the storage",
        rule="Something else than 2000 OK storage end fails the job.",
        source=f"{_RESTORE_SOURCE}; 02 §7.2",
        order=_RESTORE,
        needs_backup=True,
        plan=Plan(
            data=READ, answers=(Answer(b"end of storage", (b"2999 no\n", FAILED_END, -4), close=True),)
        ),
        expected=Expected(status="fE", log=("Bad response to",)),
    ),
    ReverseCase(
        id="R5.1.4",
        title="fewer files than were sent",
        rule="A count of files that differs from what was selected is a warning, not a good silence.",
        source=f"{_RESTORE_SOURCE}; 02 §7.3",
        order=_RESTORE,
        needs_backup=True,
        plan=Plan(data=READ, end=(END.replace(b"{files}", b"2"),)),
        expected=Expected(status="TW", log=("File count mismatch: expected=3 , restored=2",)),
    ),
    ReverseCase(
        id="R5.1.5",
        title="append in a restore",
        rule="What a Storage daemon answers to an append session of a restore job is left open; the job fails.",
        source=_RESTORE_SOURCE,
        order=_RESTORE,
        needs_backup=True,
        plan=Plan(
            data=(SdSay(b"read data 1\n"), SdHear(b"3902 Error session not opened\n")), end=(FAILED_END,)
        ),
        expected=Expected(status="fE"),
    ),
    ReverseCase(
        id="R5.1.6",
        title="warnings",
        rule="A restore that ended with warnings is one that ended with warnings.",
        source="02 §4.4; core/src/dird/restore.cc: NativeRestoreCleanup",
        order=_RESTORE,
        needs_backup=True,
        plan=Plan(data=READ, end=(END.replace(b"TermCode=84", b"TermCode=87"),)),
        expected=Expected(status="W", lenient="T"),
    ),
)
_VERIFIES = (
    ReverseCase(
        id="R5.2.1",
        title="verify that records",
        rule="What a File daemon reports for InitCatalog is kept.",
        source=_VERIFY_SOURCE,
        order="run job=conform-init client={client} yes",
        plan=Plan(reports=_TREE),
        expected=Expected(status="T", reached=(b"verify level=init",)),
    ),
    ReverseCase(
        id="R5.2.2",
        title="verify without differences",
        rule="What is the same as in the catalog is no difference.",
        source=_VERIFY_SOURCE,
        order="run job=conform-disk client={client} yes",
        needs_backup=True,
        plan=Plan(reports=_TREE),
        expected=Expected(status="T", reached=(b"verify level=disk_to_catalog",), silent=("differ",)),
    ),
    ReverseCase(
        id="R5.2.3",
        title="verify with another digest",
        rule="A digest that differs from the catalog's is named.",
        source=_VERIFY_SOURCE,
        order="run job=conform-disk client={client} yes",
        needs_backup=True,
        plan=Plan(reports=(*_TREE[:1], b"1 3 AAAAAAAAAAAAAAAAAAAAAA *MD5-1*", *_TREE[2:])),
        expected=Expected(status="DWE", log=("/conform/one", "(MD5|[Dd]igest).*differ")),
    ),
    ReverseCase(
        id="R5.2.4",
        title="verify that misses a file",
        rule="A file of the catalog that is not reported is named as missing.",
        source=_VERIFY_SOURCE,
        order="run job=conform-disk client={client} yes",
        needs_backup=True,
        plan=Plan(reports=_TREE[:2]),
        expected=Expected(status="DWE", log=("missing", "/conform/two")),
    ),
    ReverseCase(
        id="R5.2.5",
        title="verify with a new file",
        rule="A file that the catalog does not have is named as new.",
        source=_VERIFY_SOURCE,
        order="run job=conform-disk client={client} yes",
        needs_backup=True,
        plan=Plan(reports=(*_TREE, _attributes(4, b"/conform/new"))),
        expected=Expected(status="DWE", log=("New file.*|.*not in catalog", "/conform/new")),
    ),
    ReverseCase(
        id="R5.2.6",
        title="verify with the digest of another file",
        rule="A digest with another index than the attributes before fails the job.",
        source=f"{_VERIFY_SOURCE}; 02 §7.3",
        order="run job=conform-disk client={client} yes",
        needs_backup=True,
        plan=Plan(reports=(_TREE[0], _digest(7, of=7))),
        expected=Expected(status="fE", log=("not same as attributes",)),
    ),
    ReverseCase(
        id="R5.2.7",
        title="verify packet of two fields",
        rule="A packet that lacks a field is not taken for a file that is the same as in the catalog.",
        source=f"{_VERIFY_SOURCE}; 02 §7.3",
        order="run job=conform-disk client={client} yes",
        needs_backup=True,
        plan=Plan(reports=(b"1 1",)),
        expected=Expected(status="fED"),
    ),
    ReverseCase(
        id="R5.2.8",
        title="verify of a volume",
        rule="For VolumeToCatalog the Storage daemon sends the records of the job.",
        source=f"{_VERIFY_SOURCE}; 07 §3.8",
        order="run job=conform-volume client={client} yes",
        needs_backup=True,
        plan=Plan(data=READ, reports=tuple(item.replace(b"Vpins5", b"pinsug5") for item in _TREE)),
        expected=Expected(status="T", reached=(b"verify level=volume",)),
    ),
    ReverseCase(
        id="R5.2.9",
        title="verify refused",
        rule="2994 fails the job.",
        source=f"{_VERIFY_SOURCE}; 02 §7.2",
        order="run job=conform-init client={client} yes",
        plan=Plan(
            answers=(Answer(b"verify", (b"2994 Bad verify command: no\n", FAILED_END, -4), close=True),)
        ),
        expected=Expected(status="fE", log=("Bad response to Verify command",)),
    ),
)
_QUESTIONS = (
    ReverseCase(
        id="R5.3.1",
        title="status",
        rule="The console shows the status text up to the first signal.",
        source="02 §1.16; core/src/dird/ua_status.cc",
        order="status client={client}",
        expected=Expected(log=("conform-fd Version: 25.1.0", "No Jobs running"), reached=(b"status",)),
    ),
    ReverseCase(
        id="R5.3.2",
        title="status that is cut",
        rule="A File daemon that closes in the status text does not harm the Director.",
        source="02 §1.16, §7.2",
        order="status client={client}\nstatus dir",
        plan=Plan(answers=(Answer(b"status", (b"half a st\n\0",), close=True),)),
        expected=Expected(log=("half a st", "conform-|Running Jobs|No Jobs running")),
    ),
    ReverseCase(
        id="R5.3.3",
        title="estimate",
        rule="The console shows the estimate's text.",
        source="02 §2.8; core/src/dird/ua_cmds.cc: EstimateCmd",
        order="estimate job=conform-backup client={client} level=Full",
        expected=Expected(log=("2000 OK estimate files=3 bytes=24",), reached=(b"estimate listing=0",)),
    ),
    ReverseCase(
        id="R5.3.4",
        title="estimate with names",
        rule="With a listing, names come before the figures.",
        source="02 §2.8",
        order="estimate job=conform-backup client={client} level=Full listing",
        plan=Plan(
            answers=(
                Answer(
                    b"estimate",
                    (b"-rw-r--r-- /conform/listed\n", b"2000 OK estimate files=1 bytes=12\n", -1),
                ),
            )
        ),
        expected=Expected(log=("/conform/listed", "files=1 bytes=12"), reached=(b"estimate listing=1",)),
    ),
    ReverseCase(
        id="R5.3.5",
        title="setdebug, setbandwidth, resolve",
        rule="One-packet and text answers reach the console.",
        source="02 §1.17; core/src/dird/ua_cmds.cc",
        order="setdebug level=0 trace=0 client={client}\nresolve client={client} localhost",
        plan=Plan(answers=(Answer(b"resolve", (b"conform-fd resolves localhost to 127.0.0.1\n", -1)),)),
        expected=Expected(
            log=("2000 OK setdebug", "resolves localhost"), reached=(b"setdebug=", b"resolve ")
        ),
    ),
)
CASES = (*_RESTORES, *_VERIFIES, *_QUESTIONS)

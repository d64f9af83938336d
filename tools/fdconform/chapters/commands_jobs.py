"""Chapter 3, sections 8 and 9: estimate, and the commands that start work, malformed and out of order."""

from fdconform.case import Case, Need, Step
from fdconform.dialogue import estimate, fileset, level, lines, storage
from fdconform.expect import Like, Signal
from fdconform.openings import (
    CLEAR,
    CREATED,
    FATAL,
    GOES_ON,
    TERMINATED,
    asked,
    begun,
    connected,
    disk_job,
    job,
    listed,
    run_now,
    said_then,
    script,
)
from fdconform.talk import Ends, Hear, HearText, Say, SaySignal
from fdconform.trees import Directory, File, Link, Tree
from fdconform.work import Announce, EndJob, Said

_ESTIMATE = "02 §1.3 estimate, §2.7; 03 §4; core/src/filed/estimate.cc"
_STORAGE = "02 §1.3 storage; core/src/filed/dir_cmd.cc: StorageCmd"
_BACKUP = "02 §1.3 backup; core/src/filed/dir_cmd.cc: BackupCmd"
_RESTORE = "02 §1.3 restore; core/src/filed/dir_cmd.cc: RestoreCmd"
_VERIFY = "02 §1.3 verify; core/src/filed/dir_cmd.cc: VerifyCmd"
_FILES = frozenset({Need.FILES})
_TREE = Tree((File(b"a", b"12345"), Directory(b"d"), File(b"d/b", b"x" * 1234), Link(b"l", b"a")))
_ROW = rb"-rw-r--r--   1 \S+ +\S+ +%b \d{4}-\d\d-\d\d \d\d:\d\d:\d\d  {tree}/%b\n"
_LISTING = rb"(?=.*" + _ROW % (b"5", b"a") + rb")(?=.*" + _ROW % (b"1234", b"d/b") + rb")"
_LISTING += rb"(?=.*lrwxrwxrwx   1 [^\n]*  {tree}/l -> a\n)(?=.*drwxr-xr-x   2 [^\n]*  {tree}/d\n)"
_DONE = rb"2000 OK estimate files=5 bytes=1,239\n"


def _case(
    number: str, title: str, rule: str, source: str, *play: Step, needs: frozenset[Need] = frozenset()
) -> Case:
    return Case(id=f"3.{number}", title=title, rule=rule, source=source, play=play, needs=needs)


_ESTIMATES = (
    _case(
        "8.1",
        "estimate without a listing",
        "The sums alone, with commas, and EOD; the loop goes on.",
        _ESTIMATE,
        *(_TREE, *estimate(lines(), role="clear")[:-1], HearText(Like(_DONE)), *GOES_ON),
        needs=_FILES,
    ),
    _case(
        "8.2",
        "estimate with a listing",
        "One line in the manner of ls for every counted entry, then the sums.",
        _ESTIMATE,
        *(_TREE, *estimate(lines(), 1, role="clear")[:-1]),
        *(HearText(Like(_LISTING + rb"(?:[^\n]*\n){5}" + _DONE)), *GOES_ON),
        needs=_FILES,
    ),
    _case(
        "8.3",
        "estimate twice",
        "An estimate does not use up anything: the second counts the same.",
        _ESTIMATE,
        *(_TREE, *estimate(lines(), role="clear")),
        *(
            Say(b"estimate listing=0\n"),
            HearText(Like(_DONE), lenient=(b"2000 OK estimate files=10 bytes=2,478\n",)),
        ),
        needs=_FILES,
    ),
    _case(
        "8.4",
        "estimate of nothing",
        "Without a file set there is nothing to count.",
        _ESTIMATE,
        *(CLEAR, Say(b"estimate listing=0\n")),
        HearText(b"2000 OK estimate files=0 bytes=0\n"),
    ),
    _case(
        "8.5",
        "estimate of what is missing",
        "What cannot be read is not counted and not reported.",
        _ESTIMATE,
        *estimate(lines(b"M", b"/no/such/folder"), role="clear")[:-1],
        HearText(b"2000 OK estimate files=0 bytes=0\n"),
    ),
    _case(
        "8.6",
        "estimate with a newline and no digits",
        "Missing digits are 0: no listing.",
        f"{_ESTIMATE}; 02 §0.3",
        *(CLEAR, Say(b"estimate listing=\n")),
        HearText(b"2000 OK estimate files=0 bytes=0\n"),
    ),
    _case(
        "8.7",
        "estimate, malformed",
        "The message is bare text, then 2992 Bad estimate command, and the session ends.",
        _ESTIMATE,
        *(CLEAR, *asked(b"estimate all\n", said_then(rb"Bad estimate command: estimate all\n+"))),
        *(Hear(b"2992 Bad estimate command.\n"), *TERMINATED),
    ),
    _case(
        "8.8",
        "estimate, malformed, in a job",
        "FATAL Bad estimate command, 2992, TermCode 102.",
        _ESTIMATE,
        *(*job(), Say(b"estimate all\n"), Hear(b"2992 Bad estimate command.\n"), *FATAL),
    ),
    _case(
        "8.9",
        "estimate after a file set with a fatal message",
        "Without a job a fatal message has no effect: the estimate goes on.",
        "02 §0.5; 03 §1.10",
        *(CLEAR, *listed((b"I\n", b"O M\n", b"N\n", b"F </no/such\n"), SaySignal(-1))),
        Hear(said_then(rb"Cannot open FileSet input file: /no/such\. .*"), raw=True),
        *(Hear(b"2000 OK include\n", raw=True), Say(b"estimate listing=0\n")),
        HearText(b"2000 OK estimate files=0 bytes=0\n"),
    ),
)

_BAD_STORAGES = (
    (10, "truncated", b"storage address=127.0.0.1\n"),
    (11, "another order", b"storage port=1 address=127.0.0.1 ssl=0\n"),
    (12, "nothing", b"storage \n"),
)
_BAD_RESTORES = (
    (30, "no where", b"restore replace=a prelinks=0\n"),
    (31, "another word", b"restore nothing\n"),
    (32, "an empty regex", b"restore replace=a prelinks=0 regexwhere=\n"),
)
_BAD_WHERES = (
    (33, "no separators", b"restore replace=a prelinks=0 regexwhere=abc\n"),
    (34, "a bad pattern", b"restore replace=a prelinks=0 regexwhere=!(!x!\n"),
)

_ORDERS = (
    _case(
        "9.1",
        "backup without a storage",
        "FATAL Cannot contact Storage daemon, 2902 Bad backup, TermCode 102.",
        _BACKUP,
        *(*job(), *level(), *fileset(lines(b"M", b"/dev/null")), Say(b"backup FileIndex=0\n")),
        *(Hear(b"2902 Bad backup\n"), *FATAL, Said(rb".*Cannot contact Storage daemon\n", type=3)),
    ),
    _case(
        "9.2",
        "backup without anything",
        "Without a job the messages are bare text; 2902 Bad backup and no End Job line.",
        _BACKUP,
        *(CLEAR, Say(b"backup FileIndex=0\n")),
        Ends(
            through=(
                *(Like(rb"Extended attribute support is (en|dis)abled\n"),),
                *(Like(rb"ACL support is (en|dis)abled\n"), said_then(rb"Cannot contact Storage daemon\n")),
                *(Like(rb"2902 Bad backup\n"),),
            ),
            must=(b"2902 Bad backup\n",),
            terminate=True,
        ),
    ),
    _case(
        "9.3",
        "backup with encryption that is not configured",
        "FATAL Fileset forces encryption but encryption is not configured, 2902.",
        _BACKUP,
        *(*job(), *fileset(lines(b"MEf", b"/dev/null")), Say(b"backup FileIndex=0\n")),
        *(Hear(b"2902 Bad backup\n"), *FATAL),
        Said(rb".*Fileset forces encryption but encryption is not configured\n", type=3),
    ),
    _case(
        "9.4",
        "backup with a cipher and no key pair",
        "FATAL Fileset contains cipher settings but PKI Key Pair is not configured, 2902.",
        _BACKUP,
        *(*job(), *fileset(lines(b"MEa1", b"/dev/null")), Say(b"backup FileIndex=0\n")),
        *(Hear(b"2902 Bad backup\n"), *FATAL),
        Said(rb".*Fileset contains cipher settings but PKI Key Pair is not configured\n", type=3),
    ),
    _case(
        "9.5",
        "backup with two ciphers",
        "FATAL about the ciphers, 2902; which of the two things that are wrong is named is open.",
        _BACKUP,
        *job(),
        *fileset((b"I\n", b"O MEa1\n", b"N\n", b"O MEa3\n", b"N\n", b"F /dev/null", b"N\n", b"N\n")),
        Say(b"backup FileIndex=0\n"),
        Hear(b"2902 Bad backup\n"),
        *FATAL,
        Said(rb".*Fileset contains (multiple cipher settings|cipher settings but PKI Key .*)\n", type=3),
    ),
    _case(
        "9.6",
        "backup without an index",
        "A number that cannot be read leaves the file counter at its start.",
        _BACKUP,
        *(Tree((File(b"a", b"1"),)), Announce()),
        *(*job("tls"), *level(), *fileset(lines()), *storage()),
        *begun(b"backup FileIndex=\n", b"2000 OK backup\n"),
        EndJob("T", files=2),
        needs=_FILES,
    ),
    _case(
        "9.7",
        "backup without a level",
        "A level is not needed: everything is saved.",
        _BACKUP,
        Tree((File(b"a", b"1"),)),
        Announce(),
        *(*job("tls"), *fileset(lines()), *storage()),
        *(*begun(b"backup FileIndex=0\n", b"2000 OK backup\n"), EndJob("T", files=2)),
        needs=_FILES,
    ),
    _case(
        "9.8",
        "backup without a file set",
        "There is nothing to save: a good job with no files.",
        _BACKUP,
        *(Announce(), *connected(), *begun(b"backup FileIndex=0\n", b"2000 OK backup\n")),
        EndJob("T", files=0, job_bytes=0),
    ),
    _case(
        "9.9",
        "backup in an unusual order",
        "The order of the orders is free: storage, file set, scripts, level.",
        _BACKUP,
        Tree((File(b"a", b"1"),)),
        Announce(),
        *(*job("tls"), *storage(), *fileset(lines())),
        *(*script(b"/bin/true"), *run_now(), *level()),
        *(*begun(b"backup FileIndex=0\n", b"2000 OK backup\n"), EndJob("T", files=2, errors=0)),
        needs=_FILES,
    ),
    *(
        _case(
            f"9.{number}",
            f"storage, malformed: {title}",
            "FATAL Bad storage command, 2902 Bad storage, TermCode 102.",
            _STORAGE,
            *(*job("tls"), Say(text), Hear(b"2902 Bad storage\n"), *FATAL),
            Said(rb".*Bad storage command: .*", type=3),
        )
        for number, title, text in _BAD_STORAGES
    ),
    _case(
        "9.13",
        "storage with an empty key",
        "An empty Authorization changes nothing: the key of JobId= serves.",
        _STORAGE,
        *(Announce(), *job("tls")),
        Say(b"storage address={sd_host} port={sd_port} ssl=4 Authorization=\n"),
        *(Hear(b"2000 OK storage\n"), *GOES_ON),
    ),
    _case(
        "9.20",
        "restore without a storage",
        "2000 OK restore, then FATAL Improper calling sequence and the end with TermCode 102.",
        f"{_RESTORE}; 02 §5.4",
        *(*job(), Say(b"restore replace=a prelinks=0 where=/tmp\n")),
        *(Hear(b"2000 OK restore\n"), *FATAL, Said(rb".*Improper calling sequence\.\n", type=3)),
    ),
    *(
        _case(
            f"9.{number}",
            f"restore, malformed: {title}",
            "FATAL Bad replace command, no reply, TermCode 102."
            if b"regex" not in text
            else "FATAL Bad where regexp, no reply, TermCode 102.",
            _RESTORE,
            *(*job(), Say(text), *FATAL),
            Said(rb".*Bad (replace command\. CMD|where regexp\. where)=.*", type=3),
        )
        for number, title, text in (*_BAD_RESTORES, *_BAD_WHERES)
    ),
    _case(
        "9.40",
        "verify, malformed",
        "2994 Bad verify command, TermCode as it stands.",
        _VERIFY,
        *(*disk_job(), Say(b"verify now\n"), Hear(Like(rb"2994 Bad verify command.*")), *CREATED),
    ),
    _case(
        "9.41",
        "verify of an unknown level",
        "2994 Bad verify level, TermCode as it stands.",
        _VERIFY,
        *(*disk_job(), Say(b"verify level=sideways\n"), Hear(Like(rb"2994 Bad verify level.*"))),
        *CREATED,
    ),
    _case(
        "9.42",
        "verify of the level data",
        "2000 OK verify, then 2994: the level is not there.",
        _VERIFY,
        *(*disk_job(), *begun(b"verify level=data\n", b"2000 OK verify\n")),
        *(Hear(Like(rb"2994 Bad verify level.*")), EndJob("CRTf")),
    ),
    _case(
        "9.43",
        "verify with its level in capitals",
        "The words of verify are recognized in any case.",
        _VERIFY,
        *(*disk_job(), *begun(b"verify level=INIT\n", b"2000 OK verify\n"), Hear(Signal(-1))),
        EndJob("T", files=0),
    ),
    _case(
        "9.44",
        "verify of a volume without a storage",
        "FATAL Improper calling sequence, TermCode 102; an EOD before the End Job line is right too.",
        f"{_VERIFY}; 02 §7.3",
        *(*disk_job(), *begun(b"verify level=volume\n", b"2000 OK verify\n")),
        Ends(
            through=(
                Like(rb"Jmsg .*Improper calling sequence.*"),
                Signal(-1),
                Like(rb"2800 End Job TermCode=102 .*"),
            ),
            must=(Like(rb"2800 End Job TermCode=102 .*"),),
        ),
    ),
)


CASES = (*_ESTIMATES, *_ORDERS)

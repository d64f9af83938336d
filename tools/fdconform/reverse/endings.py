"""R3: the end of a job and what is said during it."""

from fdconform.reverse.case import BACKUP, END, Expected, Plan, ReverseCase

_SOURCE = "02 §4, §7.3; core/src/dird/backup.cc: WaitForJobTermination"


def _end(letter: str, errors: int = 0) -> bytes:
    figures = b"JobFiles={files} ReadBytes={bytes} JobBytes={bytes} Errors=%d VSS=0 Encrypt=0" % errors
    return b"2800 End Job TermCode=%d %b\n" % (ord(letter), figures)


_LETTERS = tuple(
    ReverseCase(
        id=f"R3.1.{number}",
        title=f"TermCode {letter}, Errors={errors}",
        rule=rule,
        source=_SOURCE,
        plan=Plan(end=(_end(letter, errors),)),
        expected=Expected(status=wanted, lenient=lenient),
    )
    for number, (letter, errors, wanted, lenient, rule) in enumerate(
        (
            ("T", 0, "T", "", "A job that ended well is a good job."),
            (
                "T",
                2,
                "TW",
                "",
                "Errors that were counted make a warning of a job that ended well, not a failure.",
            ),
            ("E", 1, "Ef", "", "A job that ended with errors is a failed job."),
            ("f", 1, "fE", "", "A job that ended fatally is a failed job."),
            ("A", 0, "A", "fE", "A job that the File daemon calls canceled is a canceled job."),
            ("?", 0, "fE?", "", "A letter that means nothing is not a good job."),
        ),
        1,
    )
)
_FORMS = tuple(
    ReverseCase(
        id=f"R3.2.{number}",
        title=title,
        rule=rule,
        source=_SOURCE,
        plan=plan,
        expected=expected,
    )
    for number, (title, rule, plan, expected) in enumerate(
        (
            (
                "no End Job at all",
                "A session that ends without End Job is a failed job.",
                Plan(end=()),
                Expected(status="fE", log=("No Job status returned from FD",)),
            ),
            (
                "closed instead of End Job",
                "A connection that breaks before End Job is a failed job.",
                Plan(end=(), leaves=True),
                Expected(status="fE", log=("No Job status returned from FD",)),
            ),
            (
                "End Job twice",
                "The first End Job counts, the second is a warning.",
                Plan(end=(END, _end("f", 1))),
                Expected(status="TW", log=("Unexpected Client Job message: 2800",)),
            ),
            (
                "End Job without Encrypt",
                "End Job needs all seven numbers, else there was none.",
                Plan(end=(END.replace(b" Encrypt=0", b""),)),
                Expected(status="fE", log=("No Job status returned from FD",)),
            ),
            (
                "End Job without VSS and Encrypt",
                "End Job needs all seven numbers, else there was none.",
                Plan(end=(END.replace(b" VSS=0 Encrypt=0", b""),)),
                Expected(status="fE", log=("No Job status returned from FD",)),
            ),
            (
                "EOD before End Job",
                "Any signal ends the waiting for End Job.",
                Plan(end=(-1, END)),
                Expected(status="fE", log=("No Job status returned from FD",)),
            ),
            (
                "closed without TERMINATE",
                "A job whose End Job was heard is over, even if TERMINATE does not follow.",
                Plan(leaves=True),
                Expected(status="TfE"),
            ),
            (
                "another figure for the files",
                "The File daemon's count of files is reported as it says.",
                Plan(end=(END.replace(b"{files}", b"77"),)),
                Expected(status="TW", log=(r"FD Files Written: +77",)),
            ),
            (
                "figures of the size of the world",
                "Byte counts above 2^32 are taken whole.",
                Plan(end=(END.replace(b"{bytes}", b"5000000000"),)),
                Expected(status="T", log=(r"FD Bytes Written: +5,000,000,000",)),
            ),
            (
                "a message after End Job",
                "Messages may follow End Job and reach the log.",
                Plan(end=(END, b"Jmsg Job={job} type=6 level=1700000000 a late word\n")),
                Expected(status="T", log=("a late word",)),
            ),
        ),
        1,
    )
)
_TYPES = tuple(
    ReverseCase(
        id=f"R3.3.{number}",
        title=f"job message of type {kind} ({word})",
        rule="A message reaches the log with its text; whether its type alone fails a job is left open.",
        source="01 §9; 07 §2.4; core/src/include/message_severity.h",
        plan=Plan(during=(b"Jmsg Job={job} type=%d level=1700000000 conform message %d\n" % (kind, kind),)),
        expected=Expected(status=status, log=log),
    )
    for number, (kind, word, status, log) in enumerate(
        (
            (1, "abort", "TWfEA", ()),
            (3, "fatal", "TWfE", ("conform message 3",)),
            (4, "error", "TW", ("conform message 4",)),
            (5, "warning", "TW", ("conform message 5",)),
            (6, "info", "T", ("conform message 6",)),
            (7, "saved", "T", ()),
            (8, "not saved", "T", ("conform message 8",)),
            (9, "skipped", "T", ()),
            (14, "security", "TW", ()),
            (15, "alert", "TW", ()),
        ),
        1,
    )
)
_STRAYS: tuple[tuple[str, str, tuple[bytes | int, ...], Expected], ...] = (
    (
        "message without a level",
        "A message that lacks a field is malformed, and the job goes on.",
        (b"Jmsg Job={job} type=6 conform\n",),
        Expected(status="TW", log=("Malformed message",)),
    ),
    (
        "message without a job",
        "A message that names no job is malformed, and the job goes on.",
        (b"Jmsg something\n",),
        Expected(status="TW", log=("Malformed message",)),
    ),
    (
        "message of an unknown type",
        "A type that means nothing does not harm the job.",
        (b"Jmsg Job={job} type=99 level=1700000000 conform message 99\n",),
        Expected(status="TW"),
    ),
    (
        "empty packet",
        "An empty packet does not harm the job.",
        (b"",),
        Expected(status="TW"),
    ),
    (
        "message of 100,000 bytes",
        "A long message reaches the log and harms nothing.",
        (b"Jmsg Job={job} type=6 level=1700000000 conform " + b"x" * 100_000 + b"\n",),
        Expected(status="T", log=("conform x{1000}",)),
    ),
    (
        "heartbeats during the job",
        "Heartbeats are passed over while the job runs.",
        (-6, -6, -6),
        Expected(status="T", silent=("unknown bnet signal",)),
    ),
    (
        "a reply that nobody asked for",
        "A reply in the place of End Job is a warning.",
        (b"2000 OK by the way\n",),
        Expected(status="TW", log=("Unexpected Client Job message: 2000 OK by the way",)),
    ),
    (
        "message for another job",
        "A message that names a job which does not run does not harm this one.",
        (b"Jmsg Job=other.2026-11-23_05.00.00_01 type=6 level=1700000000 conform stray\n",),
        Expected(status="TW"),
    ),
)
_ODD = tuple(
    ReverseCase(
        id=f"R3.4.{number}",
        title=title,
        rule=rule,
        source="07 §2.4; 02 §7.3; core/src/dird/getmsg.cc: BgetDirmsg",
        plan=Plan(during=during),
        expected=expected,
    )
    for number, (title, rule, during, expected) in enumerate(_STRAYS, 1)
)
_CANCEL = (
    ReverseCase(
        id="R3.5.1",
        title="cancel",
        rule="A cancel reaches the File daemon on a connection of its own, and the job ends as canceled.",
        source="02 §2.9, §6.6; 07 §3.9",
        order=BACKUP,
        meanwhile="cancel jobid={job_id} yes",
        plan=Plan(awaits_cancel=True, end=(_end("A"),)),
        expected=Expected(status="A", reached=(b"cancel Job=",)),
    ),
)
CASES = (*_LETTERS, *_FORMS, *_TYPES, *_ODD, *_CANCEL)

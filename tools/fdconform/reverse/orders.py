"""R2: answers of the File daemon that are wrong, missing or followed by nothing, at every order of a backup."""

from fdconform.reverse.case import FAILED_END, Answer, Expected, Plan, ReverseCase

_SOURCE = "02 §7.2; core/src/dird/fd_cmds.cc, getmsg.cc: response"
_STEPS: tuple[tuple[bytes, str], ...] = (
    (b"level = ", "[Ll]evel"),
    (b"fileset", "[Ii]nclude|[Ff]ileset"),
    (b"storage ", "[Ss]torage"),
    (b"backup", "[Bb]ackup"),
)


def _title(order: bytes) -> str:
    return order.decode().strip(" =")


_WRONG = tuple(
    ReverseCase(
        id=f"R2.1.{number}",
        title=f"{_title(order)}: another answer",
        rule="An answer that is not the expected one, byte for byte, fails the job with a message that has both.",
        source=_SOURCE,
        plan=Plan(answers=(Answer(order, (b"2000 OK so be it\n", FAILED_END, -4), close=True),)),
        expected=Expected(status="fE", log=(f"Bad response to ({word})",)),
    )
    for number, (order, word) in enumerate(_STEPS, 1)
)
_CLOSED = tuple(
    ReverseCase(
        id=f"R2.2.{number}",
        title=f"{_title(order)}: connection closed",
        rule="A File daemon that goes away instead of an answer fails the job, and the Director does not hang.",
        source=_SOURCE,
        plan=Plan(answers=(Answer(order, (), close=True),)),
        expected=Expected(status="fE", log=("Fatal error",)),
    )
    for number, order in enumerate((b"JobId=", *(order for order, _ in _STEPS)), 1)
)
_SIGNALS = tuple(
    ReverseCase(
        id=f"R2.3.{number}",
        title=f"{_title(order)}: TERMINATE",
        rule="TERMINATE instead of an answer fails the job.",
        source=_SOURCE,
        plan=Plan(answers=(Answer(order, (-4,), close=True),)),
        expected=Expected(status="fE", log=("Fatal error",)),
    )
    for number, (order, _) in enumerate(_STEPS, 1)
)
_BEFORE = tuple(
    ReverseCase(
        id=f"R2.4.{number}",
        title=title,
        rule=rule,
        source="02 §0.4, §7.2; 07 §2.4; core/src/dird/getmsg.cc: BgetDirmsg",
        plan=Plan(answers=(Answer(b"fileset", first=first),)),
        expected=expected,
    )
    for number, (title, rule, first, expected) in enumerate(
        (
            (
                "heartbeats before an answer",
                "Heartbeats are passed over.",
                (-6, -7, -6),
                Expected(status="T", silent=("unknown bnet signal",)),
            ),
            (
                "a poll before an answer",
                "A POLL is answered and the answer waited for.",
                (-5,),
                Expected(status="T", reached=(b"1000 OK",)),
            ),
            (
                "BTIME before an answer",
                "A File daemon may ask for the time at any point.",
                (-9,),
                Expected(status="T", reached=(b"btime ",)),
            ),
            (
                "a job message before an answer",
                "Job messages may come before an answer and reach the log.",
                (b"Jmsg Job={job} type=6 level=1700000000 conform says hello\n",),
                Expected(status="T", log=("conform says hello",)),
            ),
            (
                "text that is no message before an answer",
                "Text without a digit in front that is no message is reported as malformed and passed over.",
                (b"this is not a message\n",),
                Expected(status="TW", log=("Malformed message: this is not a message",)),
            ),
        ),
        1,
    )
)
_SINGLE = (
    ReverseCase(
        id="R2.5.1",
        title="job refused",
        rule="An answer to JobId that does not begin with 2000 OK Job fails the job.",
        source=f"{_SOURCE}: SendJobInfoToFileDaemon",
        plan=Plan(answers=(Answer(b"JobId=", (b"2901 Bad Job\n", FAILED_END, -4), close=True),)),
        expected=Expected(status="fE", log=("rejected Job command",)),
    ),
    ReverseCase(
        id="R2.5.2",
        title="secure erase refused",
        rule="An unexpected answer to getSecureEraseCmd is a warning at most; the job goes on.",
        source=f"{_SOURCE}: SendSecureEraseReqToFd",
        plan=Plan(answers=(Answer(b"getSecureEraseCmd", (b"2999 what\n",)),)),
        expected=Expected(status="TW", reached=(b"backup",)),
    ),
    ReverseCase(
        id="R2.5.3",
        title="scripts",
        rule="Client scripts are sent, then the order to run those that come before.",
        source="02 §1.8; core/src/dird/fd_cmds.cc: SendRunscriptsCommands",
        order="run job=conform-scripts client={client} level=Full yes",
        expected=Expected(status="T", reached=(b"Run OnSuccess=", b"RunBeforeNow")),
    ),
    ReverseCase(
        id="R2.5.4",
        title="script refused",
        rule="2905 Failed RunScript fails the job before any data flows.",
        source="02 §1.8, §7.2",
        order="run job=conform-scripts client={client} level=Full yes",
        plan=Plan(
            answers=(Answer(b"RunBeforeNow", (b"2905 Failed RunScript\n", FAILED_END, -4), close=True),)
        ),
        expected=Expected(status="fE", log=("RunScript failed",), unreached=(b"backup",)),
    ),
    ReverseCase(
        id="R2.5.5",
        title="clock comparison of an incremental",
        rule="The Director answers ten questions for the time before it takes the level as set.",
        source="02 §1.2; 07 §3.5",
        order="run job=conform-base client={client} level=Incremental yes",
        needs_backup=True,
        expected=Expected(
            status="T", reached=(b"level = accurate_incremental", b"level = since_utime", b"backup")
        ),
    ),
    ReverseCase(
        id="R2.5.6",
        title="the list of an accurate job",
        rule="An accurate job gets the list of known files, and no answer to it is waited for.",
        source="02 §1.7; 07 §3.6",
        order="run job=conform-base client={client} level=Incremental yes",
        needs_backup=True,
        expected=Expected(status="T", reached=(b"accurate files=", b"backup")),
    ),
)
CASES = (*_WRONG, *_CLOSED, *_SIGNALS, *_BEFORE, *_SINGLE)

"""R1: how a Director and a Storage daemon are let in, and let in. All end with a job that says why."""

from fdconform.reverse.case import GOOD, Answer, DataLogin, Expected, Login, Plan, ReverseCase

_FD_AUTH = "01 §6, §7; core/src/dird/authenticate.cc: AuthenticateWithFileDaemon"
_SD_AUTH = "01 §8.1; core/src/stored/authenticate.cc, fd_cmds.cc: HandleFiledConnection"


def _refused(number: int, title: str, rule: str, plan: Plan, *log: str) -> ReverseCase:
    return ReverseCase(
        id=f"R1.2.{number}",
        title=title,
        rule=rule,
        source=_FD_AUTH,
        plan=plan,
        expected=Expected(status="fE", log=log, unreached=(b"JobId=",)),
    )


CASES = (
    ReverseCase(
        id="R1.1.1",
        title="hello, both challenges, greeting",
        rule="A Director that dials a File daemon answers its challenge, checks its answer and then names the job.",
        source=_FD_AUTH,
        expected=Expected(
            status="T", reached=(b"JobId=", b"level = full", b"fileset", b"storage ", b"backup")
        ),
    ),
    ReverseCase(
        id="R1.1.2",
        title="greeting without a version",
        rule="A greeting in the form of old releases, without a number, is accepted.",
        source=f"{_FD_AUTH}; 07 §3.2",
        plan=Plan(greeting=b"2000 OK Hello\n"),
        expected=Expected(status="TfE", reached=(b"JobId=",)),
        informational=True,
    ),
    ReverseCase(
        id="R1.1.3",
        title="a later protocol version in the greeting",
        rule="A greeting with a version above the Director's own is accepted.",
        source=_FD_AUTH,
        plan=Plan(greeting=b"2000 OK Hello 99\n"),
    ),
    _refused(
        1,
        "wrong answer to the Director's challenge",
        "A File daemon that does not know the password gets no job.",
        Plan(login=Login.WRONG_ANSWER),
    ),
    _refused(
        2,
        "reflected challenge",
        "A Director does not answer its own challenge, and gives a File daemon that reflects it no job.",
        Plan(login=Login.REFLECTED),
    ),
    _refused(
        3,
        "the Director's answer refused",
        "When the File daemon refuses it, the Director fails the job.",
        Plan(login=Login.SUSPICIOUS),
    ),
    _refused(
        4,
        "closed after the Hello",
        "When the File daemon closes instead of greeting, the Director fails the job.",
        Plan(login=Login.SILENT_CLOSE),
    ),
    _refused(
        5,
        "greeting of another kind",
        "A File daemon that greets with something else than 2000 OK Hello gets no job.",
        Plan(greeting=b"2001 Welcome\n"),
        "rejected Hello|[Aa]uthenticat|[Cc]onnect",
    ),
    ReverseCase(
        id="R1.2.6",
        title="a File daemon that only speaks in the clear",
        rule="Where TLS is not required, a Director falls back to the clear; where it is, the job fails.",
        source=f"{_FD_AUTH}; 02 §7.1",
        plan=Plan(login=Login.CLEAR_ONLY),
        expected=Expected(status="TfE"),
        informational=True,
    ),
    ReverseCase(
        id="R1.3.1",
        title="right key for the Storage daemon",
        rule="The Storage daemon lets in whoever has the session key that it gave to the Director.",
        source=_SD_AUTH,
        expected=GOOD,
    ),
    ReverseCase(
        id="R1.3.2",
        title="wrong key for the Storage daemon",
        rule="The Storage daemon does not let in a File daemon with another key, and the job fails.",
        source=_SD_AUTH,
        plan=Plan(data_login=DataLogin.WRONG_KEY),
        expected=Expected(status="fE", unreached=(b"backup",)),
    ),
    ReverseCase(
        id="R1.3.3",
        title="unknown job at the Storage daemon",
        rule="The Storage daemon closes a connection for a job that it does not know, and the job fails.",
        source=_SD_AUTH,
        plan=Plan(data_login=DataLogin.UNKNOWN_JOB),
        expected=Expected(status="fE", unreached=(b"backup",)),
    ),
    ReverseCase(
        id="R1.3.4",
        title="a command in the place of the Hello",
        rule="The Storage daemon takes no command from who has not said Hello.",
        source=_SD_AUTH,
        plan=Plan(data_login=DataLogin.NO_HELLO),
        expected=Expected(status="fE", unreached=(b"backup",)),
    ),
    ReverseCase(
        id="R1.4.1",
        title="no Storage daemon reached",
        rule="2902 Bad storage fails the job with the File daemon's reason.",
        source="02 §1.11, §7.2",
        plan=Plan(
            answers=(
                Answer(
                    b"storage ",
                    (
                        b"Jmsg Job={job} type=3 level=1 Unable to connect to Storage daemon on conform.\n",
                        b"2902 Bad storage\n",
                        b"2800 End Job TermCode=102 JobFiles=0 ReadBytes=0 JobBytes=0 Errors=1 VSS=0 Encrypt=0\n",
                        -4,
                    ),
                    close=True,
                ),
            )
        ),
        expected=Expected(
            status="fE",
            log=("Unable to connect to Storage daemon on conform", "Bad response to Storage command"),
        ),
    ),
)

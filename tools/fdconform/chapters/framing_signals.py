"""Chapter 1, section 4: signals where a Director should send a command or a list."""

from fdconform.case import Case
from fdconform.dialogue import introduce
from fdconform.expect import CLOSED, Like
from fdconform.talk import Ends, Hear, HearText, Login, Say, SaySignal

_LOOP = "01 §3.2 (b), §12.1; core/src/filed/dir_cmd.cc: process_director_commands"

_NAMES = {
    -1: "EOD",
    -2: "EOD_POLL",
    -3: "STATUS",
    -5: "POLL",
    -6: "HEARTBEAT",
    -7: "HB_RESPONSE",
    -8: "the old PROMPT",
    -9: "BTIME",
    -10: "BREAK",
    -11: "START_SELECT",
    -12: "END_SELECT",
    -13: "INVALID_CMD",
    -14: "CMD_FAILED",
    -15: "CMD_OK",
    -16: "CMD_BEGIN",
    -17: "MSGS_PENDING",
    -18: "MAIN_PROMPT",
    -19: "SELECT_INPUT",
    -20: "WARNING_MSG",
    -21: "ERROR_MSG",
    -22: "INFO_MSG",
    -23: "RUN_CMD",
    -24: "YESNO",
    -25: "START_RTREE",
    -26: "END_RTREE",
    -27: "SUB_PROMPT",
    -28: "TEXT_INPUT",
    -29: "the first number without a name",
    -1000: "a number without a name",
    -(2**31): "the lowest number",
}

_COMMAND_LOOP = tuple(
    Case(
        id=f"1.4.{order}",
        title=f"signal {number} as a command ({name})",
        rule="Any signal in the place of a command ends the session: TERMINATE and the end of the connection, "
        "no answer to the signal.",
        source=_LOOP,
        play=(Login("clear"), SaySignal(number), Ends(terminate=True, within=10)),
    )
    for order, (number, name) in enumerate(_NAMES.items(), 1)
)

_END_OF_JOB = tuple(
    Case(
        id=f"1.4.{order}",
        title=f"signal {number} after a JobId command",
        rule="A session that has a job reports it with 2800 End Job before its TERMINATE.",
        source=_LOOP,
        play=(
            Login("tls"),
            *introduce(),
            SaySignal(number),
            Hear(
                Like(
                    rb"2800 End Job TermCode=67 JobFiles=0 ReadBytes=0 JobBytes=0 Errors=0 VSS=0 Encrypt=0\n"
                ),
                lenient=(Like(rb"2800 End Job TermCode=\d+ JobFiles=0 ReadBytes=0 JobBytes=0 .*"),),
            ),
            Ends(terminate=True, within=10),
        ),
    )
    for order, number in ((31, -1), (32, -5), (33, -6))
)

_LISTS = tuple(
    Case(
        id=f"1.4.{order}",
        title=f"signal {number} at the end of a file set",
        rule="Any signal ends a list, and gets no answer of its own.",
        source="01 §3.2 (b); core/src/filed/dir_cmd.cc: FilesetCmd",
        play=(
            Login("tls"),
            *introduce(),
            Say(b"fileset vss=1\n"),
            Say(b"I\n"),
            Say(b"N\n"),
            SaySignal(number),
            Hear(b"2000 OK include\n", raw=True),
            Say(b".status header"),
            HearText(Like(rb".* Version: .*")),
        ),
    )
    for order, number in ((34, -2), (35, -5), (36, -6), (37, -20))
)

CASES = (
    *_COMMAND_LOOP,
    *_END_OF_JOB,
    *_LISTS,
    Case(
        id="1.4.38",
        title="a list that TERMINATE ends",
        rule="TERMINATE ends a list too, and nothing is sent any more.",
        source="01 §1.2, §3.2 (b)",
        play=(
            Login("tls"),
            *introduce(),
            Say(b"fileset vss=1\n"),
            Say(b"I\n"),
            SaySignal(-4),
            Hear(CLOSED, raw=True),
        ),
    ),
)

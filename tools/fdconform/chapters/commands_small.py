"""Chapter 3, section 6: the small commands, each right, malformed and out of place."""

import zlib

from fdconform.case import Case, Step
from fdconform.expect import Like, Signal, Wanted
from fdconform.openings import CLEAR, CREATED, FATAL, GOES_ON, TERMINATED, asked, job, said_then
from fdconform.talk import Ends, Hear, Say, SaySignal
from fdconform.work import EndJob, Said

_DIR = "core/src/filed/dir_cmd.cc"
_OBJECT = b"restoreobject JobId=4 5,5,1,26,0,7,plugin\n"
_PACKED = zlib.compress(b"hello" * 100)
_PACKED_OBJECT = b"restoreobject JobId=4 %d,500,1,26,1,7,plugin\n" % len(_PACKED)

type Told = tuple[int, str, bytes, Wanted]

_ANSWERED: tuple[Told, ...] = (
    (1, "getSecureEraseCmd", b"getSecureEraseCmd\n", b"2000 OK FDSecureEraseCmd *None*\n"),
    (2, "pluginoptions", b"pluginoptions python:module_path=/x:a=b\n", b"2000 OK PluginOptions\n"),
    (3, "pluginoptions with nothing", b"pluginoptions\n", b"2000 OK PluginOptions\n"),
    (4, "pluginoptions, 5000 bytes", b"pluginoptions " + b"x" * 5000 + b"\n", b"2000 OK PluginOptions\n"),
    (5, "setauthorization", b"setauthorization Authorization=KEY\n", b"2000 OK Authorization\n"),
    (6, "setauthorization, empty", b"setauthorization Authorization=\n", b"2000 OK Authorization\n"),
    (7, "session", b"session Vol1 3 1700000000 0 0 0 0\n", b"2000 OK session\n"),
    (8, "session with nothing", b"session\n", Like(rb"2000 OK session\n")),
    (9, "restoreobject end", b"restoreobject end\n", b"2000 OK ObjectRestored\n"),
    (10, "setbandwidth of the job", b"setbandwidth=1000000 Job={job}\n", b"2000 OK Bandwidth\n"),
    (11, "setbandwidth 0", b"setbandwidth=0 Job={job}\n", b"2000 OK Bandwidth\n"),
)


def _case(number: int, title: str, rule: str, source: str, *play: Step) -> Case:
    return Case(id=f"3.6.{number}", title=title, rule=rule, source=f"02 §1.3; {_DIR}: {source}", play=play)


CASES = (
    *(
        _case(
            number,
            title,
            "The command has its answer, and the loop goes on.",
            title.split(" ")[0].split(",")[0],
            *(*job(), Say(text), Hear(answer), *GOES_ON),
        )
        for number, title, text, answer in _ANSWERED
    ),
    _case(
        20,
        "setauthorization without its word",
        "2902 Bad setauthorization, and the session ends.",
        "SetauthorizationCmd",
        *(*job(), Say(b"setauthorization Key=K\n"), Hear(b"2902 Bad setauthorization\n")),
        EndJob("Cf"),
    ),
    _case(
        21,
        "session with a word for a number",
        "A number without digits is 0, so nearly every line scans.",
        "SessionCmd",
        *(*job(), *asked(b"session Vol1 3 1700000000 x\n", b"2000 OK session\n")),
    ),
    _case(
        22,
        "bootstrap",
        "The lines up to any signal are taken: 2000 OK bootstrap.",
        "BootstrapCmd",
        *(*job(), Say(b"bootstrap\n"), Say(b"Volume=Full-0001\n"), Say(b"VolSessionId=1\n"), SaySignal(-1)),
        *(Hear(b"2000 OK bootstrap\n"), *GOES_ON),
    ),
    _case(
        23,
        "bootstrap, empty",
        "An empty bootstrap is one too.",
        "BootstrapCmd",
        *(*job(), Say(b"bootstrap\n"), SaySignal(-1), Hear(b"2000 OK bootstrap\n"), *GOES_ON),
    ),
    _case(
        30,
        "restoreobject",
        "Header, name and bytes of an object are not answered; the end of all objects is.",
        "RestoreObjectCmd",
        *(*job(), Say(_OBJECT), Say(b"object.xml"), Say(b"hello")),
        *(*asked(b"restoreobject end\n", b"2000 OK ObjectRestored\n"), *GOES_ON),
    ),
    _case(
        31,
        "restoreobject without a plugin",
        "The form of releases before protocol 5 has no plugin name.",
        "RestoreObjectCmd",
        *(*job(), Say(b"restoreobject JobId=4 5,5,1,26,0,7\n"), Say(b"object"), Say(b"hello"), *GOES_ON),
    ),
    _case(
        32,
        "restoreobject, compressed",
        "A compressed object is taken as well.",
        "RestoreObjectCmd",
        *(*job(), Say(_PACKED_OBJECT), Say(b"object"), Say(_PACKED)),
        *(*asked(b"restoreobject end\n", b"2000 OK ObjectRestored\n"), *GOES_ON),
    ),
    _case(
        33,
        "restoreobject, three of them",
        "As many objects as the Director has, without an answer between them.",
        "RestoreObjectCmd",
        *(*job(), *(Say(text) for _ in range(3) for text in (_OBJECT, b"object", b"hello"))),
        *asked(b"restoreobject end\n", b"2000 OK ObjectRestored\n"),
    ),
    *(
        _case(
            number,
            f"restoreobject, {title}",
            "FATAL Bad RestoreObject command, 2909, and the session ends.",
            "RestoreObjectCmd",
            *(*job(), Say(text), Hear(b"2909 Bad RestoreObject command.\n"), *FATAL),
            Said(rb".*Bad RestoreObject command: .*", type=3),
        )
        for number, title, text in (
            (34, "no numbers", b"restoreobject\n"),
            (35, "the end with another end", b"restoreobject end"),
            (36, "a field too few", b"restoreobject JobId=4 5,5,1,26,0\n"),
        )
    ),
    _case(
        37,
        "restoreobject, a signal in place of the name",
        "2909 without a message, and the session ends.",
        "RestoreObjectCmd",
        *(*job(), Say(_OBJECT), SaySignal(-1), Hear(b"2909 Bad RestoreObject command.\n"), *CREATED),
    ),
    _case(
        38,
        "restoreobject, a signal in place of the bytes",
        "2909 without a message, and the session ends.",
        "RestoreObjectCmd",
        *(*job(), Say(_OBJECT), Say(b"object"), SaySignal(-1)),
        *(Hear(b"2909 Bad RestoreObject command.\n"), *CREATED),
    ),
    _case(
        40,
        "setbandwidth of an unknown job",
        "2901 Job not found, and then also 2000 OK Bandwidth.",
        "SetbandwidthCmd",
        CLEAR,
        *asked(b"setbandwidth=5 Job=nobody\n", b"2901 Job nobody not found.\n", b"2000 OK Bandwidth\n"),
        *GOES_ON,
    ),
    *(
        _case(
            number,
            f"setbandwidth, {title}",
            "2991 with the line as it came, and the session ends.",
            "SetbandwidthCmd",
            *(CLEAR, *asked(text, b"2991 Bad setbandwidth command: " + text + b"\n"), *TERMINATED),
        )
        for number, title, text in (
            (41, "negative", b"setbandwidth=-1 Job=x\n"),
            (42, "no job", b"setbandwidth=5\n"),
        )
    ),
    _case(
        43,
        "endrestore without a restore",
        "endrestore has no answer; the session ends as it stands.",
        "EndRestoreCmd",
        *(*job(), Say(b"endrestore"), *CREATED),
    ),
    _case(
        44,
        "endrestore without a job",
        "Only TERMINATE comes.",
        "EndRestoreCmd",
        CLEAR,
        Say(b"endrestore"),
        *TERMINATED,
    ),
    _case(
        45,
        "RunBeforeNow without scripts",
        "Nothing to run: OK, twice as well.",
        "RunbeforenowCmd",
        *(*job(), *asked(b"RunBeforeNow\n", b"2000 OK RunBeforeNow\n")),
        *(*asked(b"RunBeforeNow\n", b"2000 OK RunBeforeNow\n"), *GOES_ON),
    ),
    *(
        _case(
            number,
            f"{word} is no command",
            "What older or other daemons know is unknown here: 2999.",
            "SelectCommandByName",
            *(CLEAR, *asked(text, b"2999 Invalid command\n"), *TERMINATED),
        )
        for number, word, text in (
            (50, "sm_dump", b"sm_dump\n"),
            (51, "exit", b"exit\n"),
            (52, "include", b"include\n"),
            (53, "exclude", b"exclude\n"),
        )
    ),
    _case(
        54,
        "RunBeforeJob of release 22",
        "Since 23 the old script commands fall into Run and are refused with 2905 Failed RunScript.",
        "RunscriptCmd",
        *(*job(), Say(b"RunBeforeJob /bin/true\n"), Hear(b"2905 Failed RunScript\n"), *FATAL),
    ),
    _case(
        60,
        "resolve",
        "The name with all its addresses, and EOD; the loop goes on.",
        "ResolveCmd",
        *(
            CLEAR,
            *asked(
                b"resolve localhost", Like(rb"{client} resolves localhost to (host\[ipv[46];[^]]+\] )+\n")
            ),
        ),
        *(Hear(Signal(-1)), *GOES_ON),
    ),
    _case(
        61,
        "resolve an address",
        "A literal address resolves to itself.",
        "ResolveCmd",
        CLEAR,
        *asked(b"resolve 192.0.2.1", b"{client} resolves 192.0.2.1 to host[ipv4;192.0.2.1] \n", Signal(-1)),
    ),
    _case(
        62,
        "resolve nothing",
        "No name is not resolved, or to whatever the system makes of it; EOD, and the loop goes on.",
        "ResolveCmd",
        *(
            CLEAR,
            *asked(b"resolve ", Like(rb"{client}(: Failed to resolve| resolves  to [^\n]*) ?\n"), Signal(-1)),
        ),
        *GOES_ON,
    ),
    _case(
        63,
        "resolve what does not exist",
        "Failed to resolve, EOD, and the loop goes on.",
        "ResolveCmd",
        *(
            CLEAR,
            Say(b"resolve 256.300.1.1"),
            Hear(Like(rb"{client}: Failed to resolve 256\.300\.1\.1\n"), raw=True),
        ),
        *(Hear(Signal(-1)), *GOES_ON),
    ),
    _case(
        64,
        "verify, malformed and without a job",
        "2994, TERMINATE, the end, without an End Job line.",
        "VerifyCmd",
        *(CLEAR, *asked(b"verify now\n", Like(rb"2994 Bad verify command.*")), Ends(terminate=True)),
    ),
    _case(
        65,
        "restore, malformed and without a job",
        "The message is bare text, there is no reply, and the session ends.",
        "RestoreCmd",
        *(CLEAR, *asked(b"restore nothing\n", said_then(rb"Bad replace command\. CMD=restore nothing\n+"))),
        *TERMINATED,
    ),
)

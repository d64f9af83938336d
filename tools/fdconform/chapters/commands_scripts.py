"""Chapter 3, section 7: client scripts before and after the job, their output, failures and job codes."""

from fdconform.case import Case, Need, Step
from fdconform.dialogue import fileset, level, lines, storage
from fdconform.expect import Like
from fdconform.openings import CREATED, FATAL, GOES_ON, asked, begun, disk_job, job, run_now, script
from fdconform.stage import Stage
from fdconform.talk import Hear, HearText, Say, SaySignal
from fdconform.trees import File, Tree
from fdconform.work import Announce, Checked, EndJob, Said, Unsaid

_RUN = "02 §1.3 Run, §2.13; core/src/lib/runscript.cc: RunScripts"
_PIPE = "02 §2.13; core/src/lib/bpipe_unix.cc: BuildArgcArgv, OpenBpipe"
_CODES = "02 §2.13; core/src/lib/util.cc: edit_job_codes"
_BEFORE = rb".*shell command: run ClientBeforeJob "
_FAILED = b"2905 Failed RunScript\n"
_BACK = (SaySignal(-1),)

_EXPANDED: tuple[tuple[int, bytes, bytes], ...] = (
    (20, b"%i %j %n", rb"{job_id} {job} conform-\d+"),
    (21, b"%c %d", rb"{client} {client}"),
    (22, b"%D", rb"conform-clear"),
    (23, b"%e %l", rb"(?:OK|Unknown term code) Full"),
    (24, b"%t", rb"System or Console"),
    (25, b"%% %x", rb"% %x"),
    (26, b"%b %B %F", rb"0 0 B 0"),
    (27, b"%s", rb"\*None\*"),
    (28, b"%P", rb"\d+"),
    (29, b"%m", rb"0"),
)
_BAD_RUNS = (
    (40, "no command", b"Run OnSuccess=1 OnFailure=0 AbortOnError=1 When=2\n"),
    (41, "another order", b"Run OnFailure=0 OnSuccess=1 AbortOnError=1 When=2 Command=/bin/true\n"),
    (42, "nothing", b"Run\n"),
)
_EXITS = (
    (50, "exits with 1", b"/bin/false", rb"status=1\. ERR=Child exited with code 1"),
    (51, "exits with 7", b"/bin/sh -c 'exit 7'", rb"status=7\. ERR=Child exited with code 7"),
    (52, "is killed", b"/bin/sh -c 'kill -9 $$'", rb"status=9\. ERR=Child died from signal 9.*"),
    (53, "does not exist", b"/no/such/program", rb"status=\d+\. ERR=.*"),
)


def _case(number: int, title: str, rule: str, *play: Step, source: str = _RUN) -> Case:
    return Case(
        id=f"3.7.{number}",
        title=f"scripts: {title}",
        rule=rule,
        source=source,
        play=play,
        needs=frozenset({Need.FILES}) if any(isinstance(step, Tree) for step in play) else frozenset(),
    )


def _verify(*scripts: Step) -> tuple[Step, ...]:
    """A job that ends well at once, with these scripts."""
    return (
        *disk_job(),
        *fileset(lines(b"M", b"/dev/null")),
        *scripts,
        *begun(b"verify level=init\n", b"2000 OK verify\n"),
        HearText(Like(rb".*")),
    )


def _order(*wanted: bytes) -> Checked:
    def check(stage: Stage) -> str | None:
        said = [m.text.rstrip().split(b": ")[-1] for m in stage.messages if b"JobId" in m.text]
        came = [text for text in said if text in wanted]
        return None if came == list(wanted) else f"the order was {came}"

    return Checked((check,))


CASES = (
    _case(
        1,
        "before the job",
        "The script runs at RunBeforeNow; command and output come as INFO messages before the answer.",
        *(*job(), *level(), *script(b"/bin/echo hello world"), *run_now()),
        Said(_BEFORE + rb'"/bin/echo hello world"\n', type=6, times=1),
        Said(rb".*ClientBeforeJob: hello world\n", type=6, times=1),
        *(*GOES_ON, *_BACK, *CREATED),
    ),
    _case(
        2,
        "after the job",
        "An After script runs at the end of a good job, before the End Job line.",
        *_verify(*script(b"/bin/echo done", 1, abort=0)),
        EndJob("T", errors=0),
        Said(rb".*ClientAfterJob: done\n", type=6, times=1),
    ),
    _case(
        3,
        "before and after",
        "When=3 runs in both phases.",
        *_verify(*script(b"/bin/echo both", 3), *run_now()),
        EndJob("T", errors=0),
        Said(rb".*ClientBeforeJob: both\n", times=1),
        Said(rb".*ClientAfterJob: both\n", times=1),
    ),
    _case(
        4,
        "in the order received",
        "Scripts of one phase run one after the other in the order in which they came.",
        *(*job(), *script(b"/bin/echo one"), *script(b"/bin/echo two"), *script(b"/bin/echo three")),
        *(*run_now(), *_BACK, *CREATED),
        _order(b"one", b"two", b"three"),
    ),
    _case(
        5,
        "not after a job that never began",
        "With status C no After script runs, neither for success nor for failure.",
        *(*job(), *script(b"/bin/echo good", 1), *script(b"/bin/echo bad", 1, success=0, failure=1)),
        *(*_BACK, *CREATED, Unsaid(rb".*shell command.*", types=(6,))),
    ),
    _case(
        6,
        "after a job that failed",
        "OnFailure scripts run after a fatal message, OnSuccess scripts do not.",
        *(*job(), *script(b"/bin/echo good", 1), *script(b"/bin/echo bad", 1, success=0, failure=1)),
        *(Say(b"level = odd \n"), *FATAL, Said(rb".*ClientAfterJob: bad\n", times=1)),
        Unsaid(rb".*ClientAfterJob: good\n", types=(6,)),
    ),
    _case(
        7,
        "OnFailure before a good job",
        "A Before script for failures does not run in a job that stands well.",
        *(*job(), *script(b"/bin/echo bad", 2, success=0, failure=1), *run_now()),
        *(*_BACK, *CREATED, Unsaid(rb".*ClientBeforeJob.*", types=(6,))),
    ),
    _case(
        8,
        "AfterVSS",
        "Scripts after VSS snapshots (When=4) are taken and never run on Unix.",
        *_verify(*script(b"/bin/echo vss", 4), *run_now()),
        EndJob("T"),
        Unsaid(rb".*(ClientAfterVSS|vss).*", types=(3, 4, 5, 6)),
    ),
    _case(
        9,
        "RunBeforeNow twice",
        "Since 25.1 a phase runs once: the second RunBeforeNow answers OK.",
        *(*job(), *script(b"/bin/echo once"), *run_now(), *run_now(), *_BACK, *CREATED),
        Said(rb".*ClientBeforeJob: once\n", times=1),
        source="02 §0.7, §2.13",
    ),
    _case(
        10,
        "in an unanswered session",
        "A session without a job sends what scripts print as bare text.",
        *(*job()[:1], *script(b"/bin/echo bare"), Say(b"RunBeforeNow\n")),
        Hear(Like(rb'shell command: run ClientBeforeJob "/bin/echo bare"\n'), raw=True),
        Hear(b"ClientBeforeJob: bare\n", raw=True),
        Hear(b"2000 OK RunBeforeNow\n", raw=True),
        source="02 §0.5, §2.13",
    ),
    _case(
        11,
        "a whole backup with scripts",
        "Before, backup, After: the job ends well and both have run in their place.",
        Tree((File(b"a", b"1"),)),
        Announce(),
        *(*job("tls"), *level(), *fileset(lines())),
        *(*script(b"/bin/echo early"), *script(b"/bin/echo late %t %F", 1, abort=0), *run_now()),
        *(*storage(), *begun(b"backup FileIndex=0\n", b"2000 OK backup\n"), EndJob("T", errors=0)),
        Said(rb".*ClientBeforeJob: early\n", times=1),
        Said(rb".*ClientAfterJob: late Backup 2\n", times=1),
        _order(b"early", b"late Backup 2"),
        source="02 §2.1",
    ),
    *(
        _case(
            number,
            f"job codes {codes.decode()}",
            "The File daemon replaces the job codes when the script runs.",
            *(*job(), *level(), *script(b"/bin/echo [" + codes + b"]"), *run_now()),
            Said(rb".*ClientBeforeJob: \[" + text + rb"\]\n", type=6),
            source=_CODES,
        )
        for number, codes, text in _EXPANDED
    ),
    _case(
        30,
        "no shell",
        "The command is split at blanks and run without a shell; words may stand in quotes.",
        *(*job(), *script(b"/bin/echo \"a  b\" 'c d' $HOME ; *"), *run_now()),
        Said(rb".*ClientBeforeJob: a  b c d \$HOME ; \*\n"),
        source=_PIPE,
    ),
    _case(
        31,
        "standard error",
        "Standard output and standard error both become messages.",
        *(*job(), *script(b"/bin/sh -c 'echo out; echo err >&2'"), *run_now()),
        Said(rb".*ClientBeforeJob: out\n", type=6),
        Said(rb".*ClientBeforeJob: err\n", type=6),
        source=_PIPE,
    ),
    _case(
        32,
        "standard input",
        "A script that reads gets the end of its input at once.",
        *(*job(), *script(b"/bin/cat"), *run_now(), *_BACK, *CREATED),
        source=_PIPE,
    ),
    _case(
        33,
        "much output",
        "Two thousand lines all become messages.",
        *(*job(), *script(b"/bin/sh -c 'seq 1 2000'"), *run_now()),
        Said(rb".*ClientBeforeJob: \d+\n", times=2000),
        source=_PIPE,
    ),
    *(
        _case(
            number,
            f"Run, malformed: {title}",
            "FATAL Bad RunScript command, 2905, and the session ends.",
            *(*job(), Say(text), Hear(_FAILED), *FATAL, Said(rb".*Bad RunScript command: .*", type=3)),
            source="02 §1.3 Run; core/src/filed/dir_cmd.cc: RunscriptCmd",
        )
        for number, title, text in _BAD_RUNS
    ),
    _case(
        43,
        "Run with an empty command",
        "An empty command scans: it is taken.",
        *(
            *job(),
            *asked(b"Run OnSuccess=1 OnFailure=0 AbortOnError=0 When=1 Command=\n", b"2000 OK RunScript\n"),
        ),
        *GOES_ON,
        source="02 §0.3; core/src/filed/dir_cmd.cc: RunscriptCmd",
    ),
    *(
        _case(
            number,
            f"one that {title}, and matters",
            "An ERROR message; with AbortOnError RunBeforeNow is answered 2905, and the job ends with TermCode 69.",
            *(*job(), *script(command), *run_now(_FAILED), EndJob("E", errors=1)),
            Said(rb".*Runscript: ClientBeforeJob returned non-zero " + text + rb"\n?", type=4, times=1),
        )
        for number, title, command, text in _EXITS
    ),
    _case(
        54,
        "one that fails and does not matter",
        "An ERROR message; without AbortOnError the loop goes on, the error is counted.",
        *(*job(), *script(b"/bin/false", abort=0), *run_now(), *GOES_ON, *_BACK, EndJob("C", errors=1)),
        Said(rb".*Runscript: ClientBeforeJob returned non-zero status=1\..*", type=4, times=1),
    ),
    _case(
        55,
        "the next one after a failure",
        "A script that fails does not keep the following ones from running.",
        *(*job(), *script(b"/bin/false"), *script(b"/bin/echo still", failure=1), *run_now(_FAILED)),
        *(EndJob("E"), Said(rb".*ClientBeforeJob: still\n", times=1)),
    ),
    _case(
        56,
        "one after the job that fails and matters",
        "An After script that fails with AbortOnError makes a good job TermCode 69.",
        *_verify(*script(b"/bin/false", 1)),
        EndJob("E", errors=1),
    ),
    _case(
        57,
        "one after the job that fails and does not matter",
        "Without AbortOnError the job stays good, the error is counted.",
        *_verify(*script(b"/bin/false", 1, abort=0)),
        EndJob("T", errors=1),
    ),
)

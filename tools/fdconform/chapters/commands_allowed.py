"""Chapter 3, section 10: what Allowed Job Command and Allowed Script Dir refuse."""

from fdconform.case import Case, Step
from fdconform.dialogue import fileset, level, lines
from fdconform.expect import Like
from fdconform.openings import CLEAR, FATAL, GOES_ON, TERMINATED, asked, job, run_now, script
from fdconform.talk import Hear, Say
from fdconform.work import EndJob, Said, Unsaid

_ALLOWED = "02 §1.1 Allowed Job Command; core/src/filed/dir_cmd.cc: ValidateCommand"
_SCRIPTS = "02 §2.13 directory check; core/src/lib/runscript.cc: ScriptDirAllowed"
_DECLINED = rb".*Illegal \"%b\" command not allowed by Allowed Job Cmds setting of this filed\.\n"


def _refused(number: int, title: str, rule: str, *play: Step, source: str = _ALLOWED) -> Case:
    return Case(id=f"3.10.{number}", title=title, rule=rule, source=source, play=play, profile="choosy")


def _told(word: bytes) -> Said:
    return Said(_DECLINED % word, type=3, times=1)


CASES = (
    _refused(
        1,
        "backup not allowed",
        "FATAL Illegal command, no reply, TermCode 102.",
        *(*job("restorer"), Say(b"backup FileIndex=0\n"), *FATAL, _told(b"backup")),
    ),
    _refused(
        2,
        "restore not allowed",
        "FATAL Illegal command, no reply, TermCode 102.",
        *(*job("clear"), Say(b"restore replace=a prelinks=0 where=/tmp\n"), *FATAL, _told(b"restore")),
    ),
    _refused(
        3,
        "verify not allowed",
        "FATAL Illegal command, 2994, TermCode 102.",
        *(*job("clear"), Say(b"verify level=init\n"), Hear(Like(rb"2994 Bad verify command.*")), *FATAL),
        _told(b"verify"),
    ),
    _refused(
        4,
        "estimate not allowed",
        "The message as bare text, 2992 without EOD, and the session ends.",
        *(
            CLEAR,
            *asked(b"estimate listing=0\n", Like(_DECLINED % b"estimate"), b"2992 Bad estimate command.\n"),
        ),
        *TERMINATED,
    ),
    _refused(
        5,
        "scripts not allowed",
        "FATAL Illegal command, 2905, TermCode 102.",
        *(*job("restorer"), Say(b"Run OnSuccess=1 OnFailure=0 AbortOnError=1 When=2 Command=/bin/true\n")),
        *(Hear(b"2905 Failed RunScript\n"), *FATAL, _told(b"runscript")),
    ),
    _refused(
        6,
        "backup allowed for the client",
        "The Client's list holds where the Director has none.",
        *(*job("clear"), Say(b"backup FileIndex=0\n"), Hear(b"2902 Bad backup\n"), *FATAL),
        Said(rb".*Cannot contact Storage daemon\n"),
    ),
    _refused(
        7,
        "restore allowed for the Director",
        "The Director's list takes the place of the Client's.",
        *(
            *job("restorer"),
            Say(b"restore replace=a prelinks=0 where=/tmp\n"),
            Hear(b"2000 OK restore\n"),
            *FATAL,
        ),
    ),
    _refused(
        8,
        "other commands",
        "Everything else is not subject to the list: status, level, fileset, RunBeforeNow.",
        *(*job("restorer"), *level(), *fileset(lines(b"M", b"/dev/null")), *run_now(), *GOES_ON),
    ),
    _refused(
        20,
        "a script in an allowed folder",
        "It runs.",
        *(*job("scripted"), *script(b"/bin/echo yes"), *run_now(), Said(rb".*ClientBeforeJob: yes\n")),
        source=_SCRIPTS,
    ),
    *(
        _refused(
            number,
            f"a script {title}",
            "ERROR could not execute, not in one of the allowed scripts dirs; 2905, TermCode 69 even without "
            "AbortOnError.",
            *(*job("scripted"), *script(command, abort=0), *run_now(b"2905 Failed RunScript\n"), EndJob("E")),
            Said(rb".*could not execute, not in one of the allowed scripts dirs\n", type=4, times=1),
            source=_SCRIPTS,
        )
        for number, title, command in (
            (21, "in another folder", b"/usr/bin/env"),
            (22, "in a folder below", b"/bin/sub/echo"),
            (23, "with two dots", b"/bin/../bin/echo no"),
            (24, "without a folder", b"echo no"),
        )
    ),
    _refused(
        25,
        "a script with a slash in its arguments",
        "The folder is the text up to the last slash of the whole command, arguments included.",
        *(*job("scripted"), *script(b"/bin/ls /etc/hostname", abort=0)),
        *(*run_now(b"2905 Failed RunScript\n"), EndJob("E")),
        source=_SCRIPTS,
    ),
    _refused(
        26,
        "scripts after a refused one",
        "The remaining scripts are skipped.",
        *(*job("scripted"), *script(b"/etc/no", abort=0), *script(b"/bin/echo later")),
        *(*run_now(b"2905 Failed RunScript\n"), EndJob("E")),
        *(Said(rb".*could not execute.*", times=1), Unsaid(rb".*ClientBeforeJob: later\n", types=(6,))),
        source=_SCRIPTS,
    ),
)

"""Chapter 2, section 10: a Storage daemon calls (passive client)."""

from fdconform.case import Case, Need, Step
from fdconform.dialogue import OK_JOB, fileset, introduce, level, lines
from fdconform.expect import CLOSED, QUIET
from fdconform.meanwhile import CallClient
from fdconform.poke import Unserved
from fdconform.proof import OK, REFUSED, Answer, Asked, Challenge
from fdconform.secured import Attempted, Secure
from fdconform.talk import Alive, Dial, HangUp, Hear, Login, Pause, Say
from fdconform.trees import File, Tree
from fdconform.work import Announce, EndJob

_PASSIVE = "01 §8.2; core/src/filed/sd_cmds.cc: handle_stored_connection"
_KEY = b"{key}"
_IDENTITY = b"R_JOB\x1e{job}"
_HELLO = b"Hello Storage calling Start Job {job}\n"
_CHALLENGE = b"auth cram-md5 <2106656612.1795403318@File\x01daemon> ssl=2\n"


def _job(ssl: bytes = b" ssl=4", key: bytes = _KEY) -> tuple[Step, ...]:
    line = b"JobId={job_id} Job={job} SDid={session_id} SDtime={session_time} Authorization=%b%b\n"
    return Login("tls"), Say(line % (key, ssl)), Hear(OK_JOB)


def _dial(on: str = "sd", key: bytes = _KEY) -> Secure:
    return Secure(on=on, identity=_IDENTITY, key=key)


def _proof(on: str = "sd", hello: bytes = _HELLO, key: bytes = _KEY) -> tuple[Step, ...]:
    return (
        Asked(hello, on),
        Answer(key=key, on=on),
        Hear(OK, on=on, raw=True),
        Challenge(_CHALLENGE, key=key, on=on),
        Say(OK, on),
        Hear(QUIET, on=on, raw=True, within=0.5),
    )


_NOT_TWICE = Secure(on="again", identity=_IDENTITY, key=_KEY, refused=True)

_HELLOS = tuple(
    Case(
        id=f"2.10.{number}",
        title=f"the call of a Storage daemon, {title}",
        rule="A Storage daemon that knows the job and its key is let in without a greeting; it then waits.",
        source=_PASSIVE,
        play=(*_job(), _dial(), *_proof(hello=hello)),
    )
    for number, title, hello in (
        (1, "since 18.2", _HELLO),
        (2, "without a newline", _HELLO[:-1]),
        (3, "release 26", _HELLO[:-1] + b' Version="26.0.0"\n'),
        (4, "with a NUL", _HELLO + b"\0"),
    )
)

CASES = (
    *_HELLOS,
    Case(
        id="2.10.5",
        title="a call with a key that setauthorization has set",
        rule="setauthorization replaces the key of the job.",
        source="01 §8.2 (1), §8.4",
        play=(
            *_job(key=b"dummy-key-that-is-replaced"),
            Say(b"setauthorization Authorization={key}\n"),
            Hear(b"2000 OK Authorization\n"),
            _dial(),
            *_proof(),
        ),
    ),
    Case(
        id="2.10.6",
        title="a call with the key that was replaced",
        rule="The old key is worth nothing.",
        source="01 §8.4",
        play=(
            *_job(key=b"OLDK-EYKE-YKEY"),
            Say(b"setauthorization Authorization={key}\n"),
            Hear(b"2000 OK Authorization\n"),
            Secure(on="sd", identity=_IDENTITY, key=b"OLDK-EYKE-YKEY", refused=True),
        ),
    ),
    Case(
        id="2.10.7",
        title="a wrong key",
        rule="Without the job's key there is no TLS connection.",
        source="01 §5.2, §5.3",
        play=(*_job(), Secure(on="sd", identity=_IDENTITY, key=b"0" * 39, refused=True), _dial(), *_proof()),
    ),
    Case(
        id="2.10.8",
        title="a wrong answer inside TLS",
        rule="A wrong answer is refused with 1999 at once.",
        source=_PASSIVE,
        play=(
            *_job(),
            _dial(),
            Asked(_HELLO, "sd"),
            Say(b"wrong\0", on="sd"),
            Hear(REFUSED, on="sd", raw=True),
        ),
    ),
    Case(
        id="2.10.9",
        title="a second call after a good one",
        rule="A key is good for one login: a second Storage daemon finds the job's key gone.",
        source="01 §6.5 (last paragraph), §8.2",
        play=(*_job(), _dial(), *_proof(), _NOT_TWICE, Hear(QUIET, on="sd", raw=True, within=0.2)),
    ),
    Case(
        id="2.10.10",
        title="a second call after a bad one",
        rule="A key is good for one attempt: it is gone when a wrong answer has been dealt with, which takes 10 s.",
        source="01 §6.5 (last paragraph)",
        profile="refusing",
        play=(
            *_job(),
            _dial(),
            Asked(_HELLO, "sd"),
            Say(b"wrong\0", on="sd"),
            Hear(REFUSED, on="sd", raw=True),
            Pause(11),
            _NOT_TWICE,
        ),
    ),
    Case(
        id="2.10.11",
        title="a call after the session of the job",
        rule="A job that is over is unknown.",
        source=_PASSIVE,
        play=(
            *_job(),
            HangUp(terminate=True),
            Alive(),
            Secure(on="sd", identity=_IDENTITY, key=_KEY, refused=True),
        ),
    ),
    Case(
        id="2.10.12",
        title="the key of one job and the name of another",
        rule="A Storage daemon that names a job which does not exist is closed without an answer, or (release 26) "
        "refused.",
        source="01 §7.4, §8.2 (4)",
        play=(
            *_job(),
            _dial(),
            Say(b"Hello Storage calling Start Job nobodys.2026-11-23_05.00.00_01\n", on="sd"),
            Unserved("sd"),
            Alive(),
        ),
    ),
    Case(
        id="2.10.13",
        title="a call in the clear for a job with TLS",
        rule="A job that was announced with ssl=4 takes no Storage daemon in the clear.",
        source="01 §4.3, §8.2",
        play=(*_job(), Dial("clear", "sd"), Say(_HELLO, on="sd"), Unserved("sd", within=2), Alive()),
    ),
    Case(
        id="2.10.14",
        title="a call in the clear where all is in the clear",
        rule="A job that was announced without ssl= takes a Storage daemon in the clear.",
        source="01 §4.3, §8.2",
        profile="cleartext",
        play=(
            Login("clear"),
            *introduce("clear"),
            Dial("clear", "sd"),
            Asked(_HELLO, "sd", policy=b"0"),
            Answer(key=_KEY, on="sd"),
            Hear(OK, on="sd", raw=True),
            Challenge(b"auth cram-md5 <2106656612.1795403318@File\x01daemon> ssl=0\n", key=_KEY, on="sd"),
            Say(OK, "sd"),
            Hear(QUIET, on="sd", raw=True, within=0.5),
        ),
    ),
    Case(
        id="2.10.15",
        title="a call that is too short",
        rule="A hello of a Storage daemon needs 25 to 256 bytes.",
        source="01 §8.2 (4)",
        profile="refusing",
        play=(*_job(), _dial(), Say(b"Hello Storage calling\n", on="sd"), Unserved("sd"), Alive()),
    ),
    Case(
        id="2.10.16",
        title="a call that is too long",
        rule="A hello of a Storage daemon needs 25 to 256 bytes.",
        source="01 §8.2 (4)",
        profile="refusing",
        play=(*_job(), _dial(), Say(_HELLO + b"x" * 300, on="sd"), Unserved("sd"), Alive()),
    ),
    Case(
        id="2.10.17",
        title="the placeholder for a key",
        rule="The key `dummy` of jobs without Storage daemon lets nobody in since release 26; earlier ones take it.",
        source="01 §5.3, §13",
        informational=True,
        play=(
            *_job(key=b"dummy"),
            Attempted((Secure(on="sd", identity=_IDENTITY, key=b"dummy"),), "TLS with the key dummy"),
        ),
    ),
    Case(
        id="2.10.18",
        title="the reflected challenge of a Storage daemon",
        rule="A Storage daemon that hands the daemon's challenge back gets no answer to it.",
        source="01 §6.2 (replay check)",
        play=(
            *_job(),
            _dial(),
            Asked(_HELLO, "sd"),
            Answer(key=_KEY, on="sd"),
            Hear(OK, on="sd", raw=True),
            Say(b"auth cram-md5 {challenge} ssl=2\n", on="sd"),
            Hear(REFUSED, (CLOSED,), on="sd", raw=True),
        ),
    ),
    Case(
        id="2.10.20",
        title="a backup of a passive client",
        rule="Without a storage command the data goes over the connection that the Storage daemon has opened.",
        source="01 §8.2; core/src/dird/backup.cc",
        needs=frozenset({Need.FILES}),
        play=(
            Tree((File(b"a", b"hello" * 100), File(b"b", b"x"))),
            Announce(),
            *_job(),
            *level(),
            *fileset(lines(b"M")),
            CallClient(),
            Pause(0.5),
            Say(b"backup FileIndex=0\n"),
            Hear(b"2000 OK backup\n"),
            EndJob("T", files=3, errors=0),
        ),
    ),
    Case(
        id="2.10.21",
        title="a backup of a passive client in the clear",
        rule="Without a storage command the data goes over the connection that the Storage daemon has opened.",
        source="01 §8.2",
        profile="cleartext",
        needs=frozenset({Need.FILES}),
        play=(
            Tree((File(b"a", b"hello" * 100), File(b"b", b"x"))),
            Announce(),
            Login("clear"),
            *introduce("clear"),
            *level(),
            *fileset(lines(b"M")),
            CallClient(tls=False),
            Pause(0.5),
            Say(b"backup FileIndex=0\n"),
            Hear(b"2000 OK backup\n"),
            EndJob("T", files=3, errors=0),
        ),
    ),
)

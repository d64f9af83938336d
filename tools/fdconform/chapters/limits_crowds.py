"""Chapter 9, sections 4 and 5: many connections, many commands, and what they cost."""

from fdconform.case import Case, Need
from fdconform.dialogue import backup, introduce, lines
from fdconform.expect import Like
from fdconform.meanwhile import Quick
from fdconform.poke import Unserved
from fdconform.pressing import Bounded, Crowd
from fdconform.proof import LoggedIn
from fdconform.repeated import Repeat, SayLong
from fdconform.talk import Alive, Dial, HangUp, Hear, HearText, Login, Pause, Say, SayRaw, SaySignal
from fdconform.trees import File, Tree
from fdconform.work import Announce, EndJob

_HEADER = Like(rb".* Version: .*")
_MEGABYTE = 1 << 20
_SERVER = "01 §4.1, §4.5; core/src/lib/bnet_server_tcp.cc"
_CLEAR_HELLO = b"\0\x0f\x42\x40Hello Director conform-clear calling"
"""Announces a megabyte and brings little of it."""

_SESSION = (Login("clear", "brief"), SaySignal(-4, "brief"), HangUp("brief"))

CASES = (
    Case(
        id="9.4.1",
        title="more Directors than Maximum Concurrent Jobs",
        rule="A Director beyond Maximum Concurrent Jobs is not served, until another one has left.",
        source="01 §4.5; core/src/filed/dir_cmd.cc: handle_director_connection",
        profile="limited",
        alone=True,
        play=(
            Login("tls", "one"),
            Login("clear", "two"),
            Dial("tls", "three"),
            Say(b"Hello Director conform-dir calling\n", on="three"),
            Unserved("three", within=2),
            HangUp("three"),
            Say(b".status header", on="one"),
            HearText(_HEADER, on="one"),
            HangUp("one", terminate=True),
            HangUp("two", terminate=True),
            Pause(0.3),
            Login("tls", "four"),
        ),
    ),
    Case(
        id="9.4.2",
        title="as many Directors as Maximum Concurrent Jobs",
        rule="Sessions that have ended do not count.",
        source="01 §4.5",
        profile="limited",
        alone=True,
        play=(
            Pause(0.3),
            Repeat(5, (*_SESSION, Pause(0.1))),
            Login("tls", "one"),
            Login("tls", "two"),
        ),
    ),
    Case(
        id="9.4.3",
        title="two hundred commands in a session",
        rule="A session has no limit of commands.",
        source="01 §7.2",
        play=(
            Login("clear"),
            Repeat(100, (Say(b".status header"), HearText(_HEADER))),
            Repeat(100, (Say(b"cancel Job=nobody\n"), HearText(Like(rb"2901 .*")))),
        ),
    ),
    Case(
        id="9.4.4",
        title="fifty sessions one after the other",
        rule="Sessions that have ended leave nothing behind.",
        source="01 §12.1",
        play=(Repeat(50, _SESSION), Alive()),
    ),
    Case(
        id="9.4.5",
        title="forty sessions at the same time",
        rule="Sessions are served at the same time.",
        source=_SERVER,
        play=(
            *(Login("clear", f"line{number}") for number in range(40)),
            *(Say(b".status header", on=f"line{number}") for number in range(40)),
            *(HearText(_HEADER, on=f"line{number}") for number in range(40)),
        ),
    ),
    *(
        Case(
            id=f"9.4.{number}",
            title=title,
            rule="Connections that do not get on keep nobody from being served.",
            source=_SERVER,
            needs=frozenset({Need.FILES}),
            play=(
                Tree((File(b"a", b"hello"),)),
                Announce(),
                Crowd(
                    200,
                    data,
                    (Quick((Alive(), Alive("tls")), 6), *backup(lines(b"M")), EndJob("T", files=2, errors=0)),
                ),
            ),
        )
        for number, title, data in (
            (6, "two hundred connections that say nothing", b""),
            (7, "two hundred half ClientHellos", bytes.fromhex("16030100c8010000c40303") + bytes(20)),
            (
                8,
                "two hundred hellos without an answer to the challenge",
                b"\0\0\0\x25" + _CLEAR_HELLO[4:] + b"\n",
            ),
        )
    ),
    Case(
        id="9.5.1",
        title="a hundred packets of a megabyte",
        rule="The memory of a session does not grow with the number of its packets.",
        source="01 §11.1 (read buffer)",
        needs=frozenset({Need.PROCESS}),
        alone=True,
        play=(
            Bounded(
                (
                    Login("clear"),
                    Repeat(100, (SayLong(b".status header", 990_000, b" "), HearText(_HEADER))),
                ),
                48 * _MEGABYTE,
            ),
        ),
    ),
    Case(
        id="9.5.2",
        title="two hundred callers that announce a megabyte each",
        rule="A length word alone takes no memory: whoever is not known yet must not be able to fill it.",
        source="01 §1.1, §4.5",
        needs=frozenset({Need.PROCESS}),
        alone=True,
        play=(Bounded((Crowd(200, _CLEAR_HELLO, (Pause(0.5), Alive())),), 64 * _MEGABYTE),),
    ),
    Case(
        id="9.5.3",
        title="sessions that come and go",
        rule="A session that has ended gives its memory back.",
        source="01 §12.1",
        needs=frozenset({Need.PROCESS}),
        alone=True,
        play=(Repeat(20, _SESSION), Bounded((Repeat(100, _SESSION), Pause(0.2)), 32 * _MEGABYTE)),
    ),
    Case(
        id="9.5.4",
        title="a megabyte of file set",
        rule="A list that is given up is forgotten.",
        source="02 §1.3",
        needs=frozenset({Need.PROCESS}),
        alone=True,
        play=(
            Bounded(
                (
                    Login("clear"),
                    *introduce("clear"),
                    Say(b"fileset vss=1\n"),
                    Say(b"I\n"),
                    Say(b"N\n"),
                    Repeat(2000, (Say(b"F /nowhere/at/all"),)),
                    SayRaw(b"\xff\xff\xff\xfc"),
                    Pause(0.2),
                    Alive(),
                ),
                64 * _MEGABYTE,
            ),
        ),
    ),
    Case(
        id="9.4.9",
        title="a Director among many that are refused",
        rule="Refusals in a row keep nobody from logging in.",
        source="01 §6.5",
        play=(
            *(
                step
                for number in range(10)
                for step in (
                    Dial("tls", f"bad{number}"),
                    Say(b"Hello Director conform-dir x\n", on=f"bad{number}"),
                )
            ),
            *(Hear(Like(rb".*Bad Hello.*"), on=f"bad{number}", raw=True) for number in range(10)),
            Quick((Dial("tls"), LoggedIn()), 4),
        ),
    ),
)

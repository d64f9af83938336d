"""Chapter 2, section 9: several callers at once, good ones and bad ones."""

from fdconform.case import Case
from fdconform.dialogue import introduce
from fdconform.expect import Like
from fdconform.meanwhile import Quick
from fdconform.proof import REFUSED, Answer, Asked
from fdconform.talk import Alive, Dial, Hear, HearText, Login, Say, SayRaw, SaySignal, Together

_HEADER = Like(rb".* Version: .*")
_ALONE = "01 §6.5, §4.5; core/src/lib/bnet_server_tcp.cc: BnetThreadServerTcp"


def _session(role: str, on: str) -> tuple[Login, Say, HearText, SaySignal]:
    return Login(role, on), Say(b".status header", on), HearText(_HEADER, on=on), SaySignal(-4, on)


CASES = (
    *(
        Case(
            id=f"2.9.{number}",
            title=title,
            rule="Directors are served at the same time, each on its own connection.",
            source=_ALONE,
            play=(
                Quick(
                    (Together(tuple(_session(role, f"{role}{n}") for role in roles for n in range(times))),),
                    8,
                ),
            ),
        )
        for number, title, roles, times in (
            (1, "ten logins at once inside TLS", ("tls",), 10),
            (2, "ten logins at once in the clear", ("clear",), 10),
            (3, "all Directors at once", ("tls", "clear", "monitor", "other"), 4),
        )
    ),
    Case(
        id="2.9.4",
        title="two sessions of one Director",
        rule="Sessions of one Director know nothing of each other.",
        source=_ALONE,
        play=(
            Login("tls", "one"),
            *introduce(on="one"),
            Say(b"fileset vss=1\n", on="one"),
            Login("tls", "two"),
            Say(b".status header", on="two"),
            HearText(_HEADER, on="two"),
            SaySignal(-1, on="one"),
            Hear(b"2000 OK include\n", on="one"),
        ),
    ),
    Case(
        id="2.9.5",
        title="a wrong password delays nobody else",
        rule="While one caller waits out the delay of its wrong password, others log in at once.",
        source=_ALONE,
        play=(
            Dial("tls", "bad"),
            Asked(on="bad"),
            Answer(key=b"0" * 32, on="bad"),
            Hear(REFUSED, on="bad", raw=True),
            Quick((Alive(), Alive("tls"), Alive("other")), 4),
        ),
    ),
    Case(
        id="2.9.6",
        title="refused callers delay nobody else",
        rule="While refused callers wait one after the other for their ends, others log in at once.",
        source=_ALONE,
        play=(
            *(Dial("tls", f"bad{n}") for n in range(3)),
            *(Say(b"Hello Director conform-dir says\n", on=f"bad{n}") for n in range(3)),
            *(Hear(Like(rb".*Bad Hello command.*"), on=f"bad{n}", raw=True) for n in range(3)),
            Quick((Alive(), Alive("tls")), 4),
        ),
    ),
    Case(
        id="2.9.7",
        title="wrong passwords at the same time",
        rule="Every wrong password is refused at once; only what follows is delayed.",
        source=_ALONE,
        play=(
            Quick(
                (
                    Together(
                        tuple(
                            (
                                Dial("clear", f"bad{n}"),
                                *(Asked(on=f"bad{n}"), Say(b"wrong\0", on=f"bad{n}")),
                                Hear(REFUSED, on=f"bad{n}", raw=True),
                            )
                            for n in range(5)
                        )
                    ),
                ),
                4,
            ),
            Alive(),
        ),
    ),
    Case(
        id="2.9.8",
        title="half a TLS handshake delays nobody",
        rule="A caller in the middle of its handshake does not keep others from being served.",
        source=_ALONE,
        play=(
            Dial("clear", "slow"),
            SayRaw(bytes.fromhex("16030100c8010000c40303") + bytes(20), on="slow"),
            Quick((Alive(), Alive("tls")), 4),
        ),
    ),
    Case(
        id="2.9.9",
        title="half a hello delays nobody",
        rule="A caller in the middle of its hello does not keep others from being served.",
        source=_ALONE,
        play=(
            Dial("clear", "slow"),
            SayRaw(b"\0\0\0\x26Hello Director conform-clear call", on="slow"),
            Quick((Alive(), Alive("tls")), 4),
        ),
    ),
    Case(
        id="2.9.10",
        title="the right password after a wrong one",
        rule="A refusal is forgotten: nobody is locked out.",
        source=_ALONE,
        play=(
            Dial("other", "bad"),
            Asked(on="bad"),
            Say(b"wrong\0", on="bad"),
            Hear(REFUSED, on="bad", raw=True),
            *_session("other", "good"),
        ),
    ),
)

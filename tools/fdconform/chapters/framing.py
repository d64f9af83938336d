"""Chapter 1: packets and signals."""

from fdconform.case import Case, Chapter, Need
from fdconform.dialogue import backup, lines
from fdconform.expect import CLOSED, Like
from fdconform.talk import Alive, Ends, Hear, Login, Say, SayRaw
from fdconform.trees import File, Tree
from fdconform.work import Announce, EndJob

_CASES = (
    Case(
        id="1.1.1",
        title="header above the limit",
        rule="A header above 1,000,000 ends the connection, and nothing is sent.",
        source="01 §1.3; core/src/lib/bsock_tcp.cc: recv",
        play=(
            Login("clear"),
            SayRaw((1_000_001).to_bytes(4, "big") + b"x" * 16),
            Hear(CLOSED, raw=True),
            Alive(),
        ),
    ),
    Case(
        id="1.1.2",
        title="a command in single bytes",
        rule="Packets may come in any TCP segmentation.",
        source="01 §1.1",
        play=(
            Login("clear"),
            SayRaw((14).to_bytes(4, "big") + b".status header", cut=1, pause=0.002),
            Hear(Like(rb".* Version: .*"), raw=True),
        ),
    ),
    Case(
        id="1.2.1",
        title="unknown command",
        rule="An unknown command is answered with 2999 Invalid command, TERMINATE and the end of the connection.",
        source="02 §1.1",
        play=(Login("tls"), Say(b"flood"), Hear(b"2999 Invalid command\n"), Ends(terminate=True)),
    ),
    Case(
        id="1.9.1",
        title="a backup",
        rule="A full backup of two files ends well.",
        source="02 §2.1",
        needs=frozenset({Need.FILES}),
        play=(
            Tree((File(b"a", b"hello"), File(b"b", b"world" * 1000))),
            Announce(),
            *backup(lines(b"M")),
            EndJob("T", files=3, errors=0),
        ),
    ),
)

CHAPTER = Chapter(1, "Framing and signals", _CASES)

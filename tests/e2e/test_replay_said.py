"""The comparison of the replays itself: a daemon that says anything else must be seen."""

from dataclasses import replace

import pytest

from tests.support import replay_said as said
from tests.support.sessions import Packet, Session, shared


def told(session: Session, old: bytes, new: bytes) -> Session:
    """The session as it would be if the File daemon had said something else once."""
    events = list(session.events)
    at = next(
        at
        for at, event in enumerate(events)
        if isinstance(event, Packet) and event.sender == "fd" and old in (event.payload or b"")
    )
    event = events[at]
    assert isinstance(event, Packet)
    assert event.payload is not None
    events[at] = replace(event, payload=event.payload.replace(old, new))
    return replace(session, events=tuple(events))


def everything(session: Session) -> list[object]:
    """All that the replays compare."""
    result: list[object] = []
    for connection, link in session.connections.items():
        if link == "dir-fd":
            result += said.control(session, connection)
        elif link != "dir-sd":
            result += said.storage(session, connection, appends="restore" not in session.name)
            if "restore" not in session.name:
                files = said.saved_files(session)
                result += [
                    said.files(files),
                    said.links(files),
                    said.unpacked(files, files),
                    said.sealed(files),
                ]
    return result


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("backup-full-md5", b"2000 OK include", b"2000 OK  include"),
        ("backup-full-md5", b"Encryption: None", b"Encryption: Some"),
        ("backup-full-md5", b"JobBytes=3861316", b"JobBytes=3861317"),
        ("backup-full-md5", b"append end session", b"append  end session"),
        ("backup-full-md5", b" IGk B ", b" IGl B "),
        ("backup-full-md5", b"/srv/data/skip/secret.txt", b"/srv/data/skip/secret.tex"),
        ("backup-full-md5", b"skipped when", b"Skipped when"),
        ("backup-nosig", b"../docs/readme.txt", b"../docs/readme.tex"),
        ("backup-gzip", b"\0\x06\0\x01", b"\0\x05\0\x01"),
        ("backup-sparse", b"file daemon\n", b"file daemon\r"),
        ("incremental", b"Unchanged file skipped: /srv/data/skip\n", b"Unchanged file skipped: /srv\n"),
        (
            "restore-plain",
            b"03:13:15  /srv/restore/srv/data/skip/\n",
            b"03:13:16  /srv/restore/srv/data/skip/\n",
        ),
        ("restore-again-never", b"Already exists", b"already exists"),
        ("restore-onefile", b"read close session", b"read end session"),
        ("estimate", b"files=43", b"files=42"),
        ("status", b"Jobs: run=19", b"Jobs: run=20"),
        ("verify-initcatalog", b"pinsug1 /srv/data/empty-dir/", b"pinsug5 /srv/data/empty-dir/"),
        ("verify-initcatalog", b"V/84Tc3nA17Dg4a0teLEeuXZaDU", b"V/84Tc3nA17Dg4a0teLEeuXZaDV"),
        ("auth-wrong-password", b"2999 Auth", b"2998 Auth"),
    ],
)
def test_a_difference_is_seen(name: str, old: bytes, new: bytes) -> None:
    session = shared(name)
    assert everything(session) == everything(session)
    assert everything(told(session, old, new)) != everything(session)

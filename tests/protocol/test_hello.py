"""Hellos, first bytes, greetings and TLS identities, against the tables of protocol/01."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fdaemon.errors import RemoteProtocolError
from fdaemon.protocol.hello import (
    GREETING,
    Caller,
    FirstBytes,
    Hello,
    classify,
    cleartext_allowed,
    cleartext_hello,
    client_hello,
    director_name,
    director_not_wanted,
    identity_matches,
    is_director_greeting,
    parse_hello,
    storage_hello,
    storage_job,
    unable_to_authenticate_director,
    unknown_director,
)
from fdaemon.protocol.tls_policy import (
    Identity,
    IdentityKind,
    Policy,
    Selection,
    parse_identity,
    policy_of,
    select,
    usable_session_key,
)
from fdaemon.wire.framing import frame
from tests.support.sessions import Packet, every_session

JOB = b"backup-bareos-fd.2026-11-23_03.10.00_07"
RELEASE = (26, 0, 1)

FORMS = [
    (b"Hello Director bareos-dir calling\n", Hello(Caller.DIRECTOR, b"bareos-dir")),
    (b"Hello Director my\x01dir calling\n", Hello(Caller.DIRECTOR, b"my dir")),
    (b'Hello Director bareos-dir calling Version="26.0.1"\n', Hello(Caller.DIRECTOR, b"bareos-dir", RELEASE)),
    (b"Hello Start Job %b\n" % JOB, Hello(Caller.CLIENT_FOR_JOB, JOB)),
    (b'Hello Start Job %b Version="26.0.1"\n' % JOB, Hello(Caller.CLIENT_FOR_JOB, JOB, RELEASE)),
    (b"Hello Storage calling Start Job %b\n" % JOB, Hello(Caller.STORAGE_FOR_JOB, JOB)),
    (
        b'Hello Storage calling Start Job %b Version="26.0.1"\n' % JOB,
        Hello(Caller.STORAGE_FOR_JOB, JOB, RELEASE),
    ),
    (b"Hello Start Storage Job %b\n" % JOB, Hello(Caller.STORAGE_TO_STORAGE, JOB)),
    (
        b"Hello Client bareos-fd FdProtocolVersion=54 calling\n",
        Hello(Caller.CLIENT, b"bareos-fd", protocol=54),
    ),
    (
        b'Hello Client bareos-fd FdProtocolVersion=54 calling Version="26.0.1"\n',
        Hello(Caller.CLIENT, b"bareos-fd", RELEASE, protocol=54),
    ),
    (b"Hello Client bareos-fd calling\n", Hello(Caller.CLIENT, b"bareos-fd")),
    (b"Hello *UserAgent* calling version 25.1.0\n", Hello(Caller.CONSOLE, b"*UserAgent*", console=b"25.1.0")),
    (b"Hello *UserAgent* calling\n", Hello(Caller.CONSOLE, b"*UserAgent*")),
    (
        b'Hello con calling version 26.0.1 Version="26.0.1"\n',
        Hello(Caller.CONSOLE, b"con", RELEASE, console=b"26.0.1"),
    ),
    (b"Hello Storage sd\n", Hello(Caller.STORAGE, b"sd")),
]
"""protocol/01 section 7.1."""


@pytest.mark.parametrize(("packet", "hello"), FORMS)
def test_every_form(packet: bytes, hello: Hello) -> None:
    assert parse_hello(packet) == hello
    assert hello.encode() == packet
    assert parse_hello(packet.rstrip(b"\n")) == hello


@pytest.mark.parametrize(
    "packet", [b"", b"Hello", b"Hello Director x\n", b"hello a calling", b"status", b"Hello  calling"]
)
def test_not_a_hello(packet: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        parse_hello(packet)


def test_what_we_say_ourselves() -> None:
    assert storage_hello(JOB) == b"Hello Start Job %b\n" % JOB
    assert client_hello(b"my fd") == b"Hello Client my fd FdProtocolVersion=54 calling\n"
    assert GREETING == b"2000 OK Hello 54\n"
    assert is_director_greeting(b"1000 OK: bareos-dir Version: 25.1.0 (03 August 2026)\n")
    assert not is_director_greeting(b"1999 You are not authorized.\n")


@pytest.mark.parametrize(
    ("peeked", "verdict"),
    [
        (b"", FirstBytes.UNDECIDED),
        (frame(b"Hello Director x calling\n")[:9], FirstBytes.UNDECIDED),
        (frame(b"Hello Director x calling\n")[:10], FirstBytes.CLEARTEXT),
        (frame(b"Hello Director x calling\n"), FirstBytes.CLEARTEXT),
        (b"\xff\xff\xff\xffHello ", FirstBytes.CLEARTEXT),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03", FirstBytes.TLS),
        (b"GET / HTTP/1.0\r\n\r\n", FirstBytes.TLS),
        (frame(b"hello Director x calling\n"), FirstBytes.TLS),
    ],
)
def test_first_bytes(peeked: bytes, verdict: FirstBytes) -> None:
    assert classify(peeked) is verdict


@pytest.mark.parametrize(
    ("text", "hello"),
    [
        (b"Hello Storage calling Start Job j.1\n", Hello(Caller.STORAGE_FOR_JOB, b"j.1")),
        (b"Hello Start Storage Job j.1\n", Hello(Caller.STORAGE_TO_STORAGE, b"j.1")),
        (b"Hello Start Job j.1\n", Hello(Caller.CLIENT_FOR_JOB, b"j.1")),
        (b"Hello Director a\x01b calling\n", Hello(Caller.DIRECTOR, b"a b")),
        (b"Hello Director a", Hello(Caller.DIRECTOR, b"a")),
        (b"Hello Storage s\n", Hello(Caller.STORAGE, b"s")),
        (b"Hello Client c FdProtocolVersion=54 calling\n", Hello(Caller.CLIENT, b"c")),
        (b"Hello x calling\n", Hello(Caller.CONSOLE, b"x")),
        (b"Hello ", None),
        (b"Hello Director", None),
        (b"Hello Director \n", None),
        (b"Good day", None),
    ],
)
def test_cleartext_callers(text: bytes, hello: Hello | None) -> None:
    assert cleartext_hello(frame(text)) == hello


@pytest.mark.parametrize("caller", list(Caller))
def test_cleartext_policy(caller: Caller) -> None:
    allowed = [policy for policy in (0, 1, 2, 4, None) if cleartext_allowed(caller, policy)]
    assert allowed == ([0, 1, 4] if caller is Caller.CLIENT else [0])


def test_director_hello_checks() -> None:
    assert director_name(b"Hello Director a\x01b calling tomorrow\n", b"::1") == b"a b"
    assert unknown_director(b"x", b"::1") == b"Connection from unknown Director x at ::1 rejected.\n"
    assert director_not_wanted(b"x") == b"Connection from Director x rejected.\n"
    assert unable_to_authenticate_director(b"x") == b"Unable to authenticate Director x.\n"


@pytest.mark.parametrize(
    ("packet", "fatal"),
    [
        (b"Hello Director x\n", b"Bad Hello command from Director at 10.1.1.1. Len=17.\n"),
        (b"x" * 501, b"Bad Hello command from Director at 10.1.1.1. Len=501.\n"),
        (
            b"Hello Director x " + b"y" * 200,
            b"Bad Hello command from Director at 10.1.1.1: Hello Director x " + b"y" * 83 + b"\n",
        ),
    ],
)
def test_bad_director_hello(packet: bytes, fatal: bytes) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        director_name(packet, b"10.1.1.1")
    assert caught.value.fatal == fatal


def test_storage_hello_checks() -> None:
    assert storage_job(b"Hello Storage calling Start Job j.1 Version=\n", b"::1") == b"j.1"
    for packet, fatal in (
        (b"Hello Storage x\n", b"Invalid connection from ::1. Len=16\n"),
        (
            b"Hello Storage is ringing Start Job\n",
            b"Bad Hello command from Director at ::1: Hello Storage is ringing Start Job\n\n",
        ),
    ):
        with pytest.raises(RemoteProtocolError) as caught:
            storage_job(packet, b"::1")
        assert caught.value.fatal == fatal


def test_identities() -> None:
    director = Identity(IdentityKind.DIRECTOR, b"bareos-dir")
    assert director.encode() == bytes.fromhex("525f4449524543544f521e626172656f732d646972")
    assert parse_identity(director.encode()) == director
    assert parse_identity("R_JOB\x1ebäckup.1") == Identity(IdentityKind.JOB, "bäckup.1".encode())
    assert parse_identity(b"R_DIRECTOR\x1ebareos-dir\x1eextra") == director


@pytest.mark.parametrize(
    "identity",
    [
        b"",
        b"R_DIRECTOR",
        b"R_DIRECTOR\x1e",
        b"R_CLIENT\x1efd",
        b"R_STORAGE\x1es",
        b"XR_JOB\x1ej",
        b"R_JOBS\x1ej",
        b"r_job\x1ej",
    ],
)
def test_identities_that_are_refused(identity: bytes) -> None:
    assert parse_identity(identity) is None


@given(st.binary(min_size=1).filter(lambda name: b"\x1e" not in name))
def test_identity_round_trip(name: bytes) -> None:
    identity = Identity(IdentityKind.JOB, name)
    assert parse_identity(identity.encode()) == identity


def test_identity_must_be_the_caller() -> None:
    job = Identity(IdentityKind.JOB, b"x")
    matching = {caller for caller in Caller if identity_matches(job, Hello(caller, b"x"))}
    assert matching == {Caller.STORAGE_FOR_JOB, Caller.STORAGE_TO_STORAGE, Caller.CLIENT_FOR_JOB}
    assert identity_matches(Identity(IdentityKind.DIRECTOR, b"x"), Hello(Caller.DIRECTOR, b"x"))
    assert not identity_matches(Identity(IdentityKind.DIRECTOR, b"x"), Hello(Caller.DIRECTOR, b"y"))
    assert identity_matches(Identity(IdentityKind.CLIENT, b"x"), Hello(Caller.CLIENT, b"x"))
    assert identity_matches(Identity(IdentityKind.CONSOLE, b"x"), Hello(Caller.CONSOLE, b"x"))


TABLE = {
    0: "CLEAR CLEAR REFUSE",
    1: "CLEAR TLS TLS",
    2: "REFUSE TLS TLS",
    4: "TLS TLS TLS",
    77: "TLS TLS TLS",
    None: "TLS TLS TLS",
}
"""protocol/01 section 5.6: the peer's number, then what comes of it with our policy 0, 1 and 2."""


@pytest.mark.parametrize("peer", list(TABLE))
def test_policy_table(peer: int | None) -> None:
    assert [select(own, peer) for own in (0, 1, 2)] == [Selection[word] for word in TABLE[peer].split()]


def test_policies() -> None:
    assert policy_of(enable=False, require=True) is Policy.NONE
    assert policy_of(enable=True, require=False) is Policy.ENABLED
    assert policy_of(enable=True, require=True) is Policy.REQUIRED
    assert [int(policy) for policy in Policy] == [0, 1, 2, 4, 254, 255]
    assert usable_session_key(b"ABCD")
    assert not usable_session_key(b"dummy")
    assert not usable_session_key(b"")


def test_recorded_hellos_come_back() -> None:
    callers = set()
    for session in every_session():
        for connection in session.connections:
            first = next((e.payload for e in session.traffic(connection) if isinstance(e, Packet)), None)
            if first is None:
                continue
            hello = parse_hello(first)
            assert hello.encode() == first
            assert classify(frame(first)) is FirstBytes.CLEARTEXT
            early = cleartext_hello(frame(first))
            assert early is not None
            assert (early.caller, early.name) == (hello.caller, hello.name)
            callers.add(hello.caller)
    assert {Caller.DIRECTOR, Caller.CLIENT_FOR_JOB} <= callers

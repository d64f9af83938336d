"""CRAM-MD5: computed vectors, both sides against each other, every documented failure, every recorded answer."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fdaemon.errors import LocalProtocolError
from fdaemon.protocol.cram import (
    ERROR_DELAY,
    FAILED,
    OK,
    Acceptor,
    ChallengeError,
    Initiator,
    Reason,
    answer,
    challenge_text,
    is_answer,
    is_replay,
    make_challenge,
    parse_challenge,
    password_key,
)
from fdaemon.wire.framing import frame
from tests.support.sessions import DIRECTOR_PASSWORD, STORAGE_PASSWORD, Session, every_session, recorded

SECRET = b"5ebe2294ecd0e0f08eab7690d2a6ee69"
SESSION_KEY = b"KFFD-NIOB-MEDF-PBAH-GLCE-JKDA-ONMI-HGFE"

VECTORS = [
    (
        b"<1804289383.1700000000@R_CLIENT::bareos-fd>",
        SECRET,
        b"lU6JSiYuafgjDJv/8iQEyA",
        b"lU+JSiYua/gjD5//8iQEyA",
    ),
    (
        b"<846930886.1700000000@R_DIRECTOR::bareos-dir>",
        SECRET,
        b"EJ0t4gQPsktw35LIjXcA2w",
        b"E50t4gQPsktw35/IjXcA2D",
    ),
    (
        b"<1681692777.1700000000@R_STORAGE::bareos-sd>",
        SESSION_KEY,
        b"xJeAmgXQ9dYSnJdJpiUhOQ",
        b"x5+Amg/Q99YSn5dJpiUhOB",
    ),
    (
        b"<1714636915.1700000000@File\x01daemon>",
        SESSION_KEY,
        b"ATija2TQRWHnTEq9jE7KeQ",
        b"AT+ja2/QRW/nTE+9jE/KeB",
    ),
]
"""protocol/01 section B.1."""


def test_keys() -> None:
    assert password_key(b"secret") == SECRET
    assert password_key(b"[md5]" + SECRET.upper()) == SECRET.upper()


@pytest.mark.parametrize(("text", "key", "standard", "bareos"), VECTORS)
def test_documented_answers(text: bytes, key: bytes, standard: bytes, bareos: bytes) -> None:
    plain = parse_challenge(make_challenge(text, 2))
    assert (plain.text, plain.policy, plain.standard) == (text, 2, False)
    assert answer(plain, key) == bareos + b"\0"
    compatible = parse_challenge(b"auth cram-md5c %b ssl=0\n" % text)
    assert answer(compatible, key) == standard + b"\0"
    for reply in (bareos, standard, bareos + b"\0", standard + b"\0tail"):
        assert is_answer(reply, text, key)
    for reply in (b"", bareos[:-1], bareos + b"\n", b" " + bareos, standard.swapcase()):
        assert not is_answer(reply, text, key)
    assert not is_answer(bareos, text, key + b"x")


def test_the_documented_packet() -> None:
    packet = answer(parse_challenge(make_challenge(VECTORS[0][0], 2)), SECRET)
    wire = "00000017 6c55 2b4a5369597561 2f676a4435 2f2f386951457941 00"
    assert frame(packet) == bytes.fromhex(wire)


@pytest.mark.parametrize(
    ("packet", "policy"),
    [
        (b"auth cram-md5 <1.2@n> ssl=1\n", 1),
        (b"auth cram-md5 <1.2@n> ssl=0", 0),
        (b"auth cram-md5 <1.2@n> ssl=2 qualified-name=R_CLIENT::a b\n", 2),
        (b"auth cram-md5 <1.2@n>\n", None),
        (b"auth cram-md5 <99999999999.2@n> ssl=0\n", 0),
        (b"auth cram-md5 <1.2@n> ssl=0\n\0", 0),
    ],
)
def test_accepted_challenges(packet: bytes, policy: int | None) -> None:
    challenge = parse_challenge(packet)
    assert challenge.policy == policy
    assert challenge.name == b"n"


@pytest.mark.parametrize(
    ("packet", "at_once"),
    [
        (b"foo bar\n", (FAILED,)),
        (b"", (FAILED,)),
        (b"auth cram-md6 <1.2@n> ssl=0\n", (FAILED,)),
        (b"auth cram-md5 abc ssl=0\n", ()),
        (b"auth cram-md5 <1.2@> ssl=0\n", ()),
        (b"auth cram-md5 <1.2@ ssl=0\n", ()),
        (b"auth cram-md5 \n", ()),
    ],
)
def test_refused_challenges(packet: bytes, at_once: tuple[bytes, ...]) -> None:
    with pytest.raises(ChallengeError) as caught:
        parse_challenge(packet)
    assert caught.value.failure.reason is Reason.FORMAT
    assert caught.value.replies == at_once
    assert caught.value.failure.delay_before == (ERROR_DELAY if at_once else 0.0)


def acceptor(key: bytes = SECRET, name: bytes = b"R_CLIENT::bareos-fd", policy: int = 2) -> Acceptor:
    return Acceptor(key=key, name=name, policy=policy, nonce=803102369, now=1795403067)


def initiator(key: bytes = SECRET, name: bytes = b"R_DIRECTOR::bareos dir", policy: int = 0) -> Initiator:
    return Initiator(key=key, name=name, policy=policy, nonce=2**40, now=1795403068)


def test_both_sides_prove_themselves() -> None:
    ours, theirs = acceptor(), initiator()
    theirs.start()
    first = ours.start()
    assert first == b"auth cram-md5 <803102369.1795403067@R_CLIENT::bareos-fd> ssl=2\n"
    (reply,) = theirs.receive(first)
    assert ours.receive(reply) == [OK]
    assert not ours.done
    (challenge,) = theirs.receive(OK)
    assert challenge == b"auth cram-md5 <1099511627776.1795403068@R_DIRECTOR::bareos\x01dir> ssl=0\n"
    (second,) = ours.receive(challenge)
    assert theirs.receive(second) == [OK]
    assert theirs.done
    assert ours.receive(OK) == []
    assert ours.done
    assert (ours.peer_policy, theirs.peer_policy) == (0, 2)
    with pytest.raises(LocalProtocolError):
        ours.receive(OK)


@given(st.binary(min_size=1, max_size=100), st.integers(0, 2**64), st.integers(0, 2**40))
def test_any_key_and_challenge(key: bytes, nonce: int, now: int) -> None:
    ours = Acceptor(key=key, name=b"R_CLIENT::x", policy=0, nonce=nonce, now=now)
    theirs = Initiator(key=key, name=b"R_DIRECTOR::y", policy=4, nonce=now, now=nonce)
    theirs.start()
    (reply,) = theirs.receive(ours.start())
    assert ours.receive(reply) == [OK]
    (second,) = ours.receive(theirs.receive(OK)[0])
    assert theirs.receive(second) == [OK]
    assert theirs.done


def test_wrong_password_at_the_acceptor() -> None:
    ours = acceptor()
    theirs = initiator(key=password_key(b"wrong"))
    theirs.start()
    assert ours.receive(theirs.receive(ours.start())[0]) == [FAILED]
    assert ours.failure is not None
    assert (ours.failure.reason, ours.failure.delay_before, ours.failure.delay_after) == (
        Reason.HASH,
        5.0,
        5.0,
    )
    assert ours.failure.message(b"127.0.0.1") == b"Authorization key rejected by 127.0.0.1.\n"
    assert not ours.done
    assert theirs.receive(FAILED) == []
    assert theirs.failure is not None
    assert theirs.failure.reason is Reason.HASH


def test_a_result_with_other_words_is_no_success() -> None:
    for result in (b"1000 OK auth", b"1000 OK auth\n\n", b"1000 ok auth\n"):
        theirs = initiator()
        theirs.start()
        theirs.receive(acceptor().start())
        assert theirs.receive(result) == []
        assert theirs.failure is not None


def test_our_own_challenge_comes_back() -> None:
    ours = acceptor()
    ours.receive(answer(parse_challenge(ours.start()), SECRET))
    assert ours.receive(make_challenge(b"<7.8@R_CLIENT::bareos-fd>", 0)) == []
    assert ours.failure is not None
    assert ours.failure.reason is Reason.REPLAY
    assert ours.failure.delay_before == 0.0
    assert ours.failure.message(b"10.0.0.9") == (
        b"Warning! Attack detected: I will not answer to my own challenge. "
        b"Please check integrity of the host at IP address: 10.0.0.9\n"
    )


def test_storage_daemons_may_share_a_name() -> None:
    challenge = parse_challenge(make_challenge(b"<1.2@R_STORAGE::sd>", 0))
    assert not is_replay(challenge, b"R_STORAGE::sd")
    assert is_replay(parse_challenge(make_challenge(b"<1.2@R_CLIENT::a\x01b>", 0)), b"R_CLIENT::a b")


@pytest.mark.parametrize("packet", [-4, -1, b""])
def test_signal_or_nothing_is_a_network_error(packet: bytes | int) -> None:
    ours = acceptor()
    ours.start()
    assert ours.receive(packet) == []
    assert ours.failure is not None
    assert ours.failure.reason is Reason.NETWORK
    assert ours.failure.message(b"::1") == b"Network error during CRAM MD5 with ::1\n"


def test_a_lost_connection() -> None:
    theirs = initiator()
    theirs.start()
    theirs.lost()
    assert theirs.failure is not None
    assert theirs.failure.reason is Reason.NETWORK


def test_bad_challenge_to_the_initiator() -> None:
    theirs = initiator()
    theirs.start()
    assert theirs.receive(b"foo bar\n") == [FAILED]
    assert theirs.failure is not None
    assert theirs.failure.message(b"::1") == b"Wrong format of the CRAM challenge with ::1.\n"


def test_the_key_is_not_shown() -> None:
    assert SECRET.decode() not in repr(acceptor()) + repr(initiator())


def keys(session: Session) -> dict[str, list[bytes]]:
    """The keys in use on each kind of connection; session keys are in the Director's commands."""
    found: list[bytes] = []
    for payload in session.payloads("dir-fd", "dir") + session.payloads("dir-sd", "sd"):
        if b"Authorization=" in payload:
            found += payload.partition(b"Authorization=")[2].split()[:1]
    return {
        "dir-fd": [password_key(DIRECTOR_PASSWORD)],
        "dir-sd": [password_key(STORAGE_PASSWORD)],
        "fd-sd": found,
        "sd-fd": found,
    }


def test_every_recorded_answer_can_be_computed() -> None:
    checked: dict[str, int] = {}
    for session in every_session():
        if session.name == "auth-wrong-password":
            continue
        known = keys(session)
        for connection, link in session.connections.items():
            packets = [p.payload for p in session.packets(link) if p.connection == connection]
            for packet, reply in pairwise(packets[:8]):
                if packet is None or reply is None or not packet.startswith(b"auth cram-md5 "):
                    continue
                challenge = parse_challenge(packet)
                assert make_challenge(challenge.text, challenge.policy or 0) == packet
                nonce, _, when = challenge.text[1:].partition(b"@")[0].partition(b".")
                assert challenge_text(int(nonce), int(when), challenge.name) == challenge.text
                assert any(answer(challenge, key) == reply for key in known[link]), (session.name, packet)
                checked[link] = checked.get(link, 0) + 1
    assert checked["dir-fd"] >= 10
    assert checked["fd-sd"] >= 4
    assert checked["dir-sd"] >= 4


def test_the_recorded_refusal_is_ours_too() -> None:
    """The File daemon had another password than the Director: it says 1999, and 5 seconds later why."""
    session = recorded("auth-wrong-password")
    theirs = session.payloads("dir-fd", "dir")
    said = session.payloads("dir-fd", "fd")
    nonce, _, when = parse_challenge(said[0]).text[1:].partition(b"@")[0].partition(b".")
    assert is_answer(theirs[1], parse_challenge(said[0]).text, password_key(DIRECTOR_PASSWORD))
    ours = Acceptor(
        key=password_key(b"other"), name=b"R_CLIENT::fd", policy=0, nonce=int(nonce), now=int(when)
    )
    assert [ours.start(), *ours.receive(theirs[1])] == said[:2]
    assert ours.failure is not None
    assert [ours.failure.message(b"127.0.0.1"), FAILED] == said[2:4]
    late, early = session.packets("dir-fd", "fd")[2], session.packets("dir-fd", "fd")[1]
    assert round(late.time - early.time) == ours.failure.delay_before

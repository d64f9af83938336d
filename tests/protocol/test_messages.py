"""Job messages: documented text, what each type does to a job, and every recorded message encoded again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fdaemon.errors import RemoteProtocolError
from fdaemon.outcome import Status
from fdaemon.protocol.messages import (
    Effect,
    JobMessage,
    MessageType,
    decode_job_message,
    encode_job_message,
    format_text,
)
from tests.support.sessions import every_session

JOB = b"backup-bareos-fd.2026-11-23_03.10.00_07"
DOCUMENTED = (
    b"Jmsg Job=backup-bareos-fd.2026-11-23_03.10.00_07 type=6 level=1795403276 "
    b"bareos-fd JobId 12: Extended attribute support is disabled\n"
)


def test_the_documented_message() -> None:
    text = format_text(b"bareos-fd", 12, MessageType.INFO, b"Extended attribute support is disabled\n")
    assert encode_job_message(JOB, MessageType.INFO, 1795403276, text) == DOCUMENTED
    assert len(DOCUMENTED) == 132
    assert decode_job_message(DOCUMENTED) == JobMessage(JOB, 6, 1795403276, text)


def test_types_and_prefixes() -> None:
    assert [int(kind) for kind in MessageType] == list(range(1, 18))
    prefixes = {kind.name: kind.prefix for kind in MessageType if kind.prefix}
    assert prefixes == {
        "FATAL": b"Fatal error: ",
        "ERROR": b"Error: ",
        "WARNING": b"Warning: ",
        "SECURITY": b"Security violation: ",
    }
    keywords = "abort debug fatal error warning info saved notsaved skipped mount"
    assert [kind.keyword for kind in MessageType][:10] == keywords.split()
    assert MessageType.TERM.keyword == "terminate"


def test_effects() -> None:
    effects = {kind.name: kind.effect for kind in MessageType if kind.effect != Effect()}
    assert effects == {
        "FATAL": Effect(status=Status.FATAL, errors_at_least=1),
        "ERROR": Effect(errors=1),
        "WARNING": Effect(warnings=1),
    }
    assert [MessageType.FATAL.effect.errors_after(n) for n in (0, 1, 5)] == [1, 1, 5]
    assert [MessageType.ERROR.effect.errors_after(n) for n in (0, 5)] == [1, 6]
    assert MessageType.INFO.effect.errors_after(3) == 3


def test_a_nul_ends_the_text() -> None:
    assert encode_job_message(b"j", MessageType.INFO, 5, b"a\0b\n") == b"Jmsg Job=j type=6 level=5 a"


@pytest.mark.parametrize("kind", [MessageType.ABORT, MessageType.ERROR_TERM])
def test_types_that_would_end_a_daemon_are_never_sent(kind: MessageType) -> None:
    assert encode_job_message(b"j", kind, 5, b"x\n") == b"Jmsg Job=j type=4 level=5 x\n"


def test_leading_blanks_of_the_text_survive() -> None:
    packet = encode_job_message(b"j", MessageType.NOTSAVED, 5, b"fd JobId 1:      Could not stat\n")
    assert decode_job_message(packet).text == b"fd JobId 1:      Could not stat\n"
    assert decode_job_message(b"Jmsg Job=j type=8 level=5  two").text == b" two"


@given(
    st.integers(0, 2**40),
    st.sampled_from(sorted(set(MessageType) - {1, 11})),
    st.binary(max_size=60).map(lambda raw: raw.replace(b"\0", b"")),
)
def test_round_trip(when: int, kind: MessageType, text: bytes) -> None:
    assert decode_job_message(encode_job_message(b"j.1", kind, when, text)) == JobMessage(
        b"j.1", kind, when, text
    )


@pytest.mark.parametrize("packet", [b"", b"Jmsg Job=j type=6", b"Jmsg Job=j type=6 level=5", b"2000 OK\n"])
def test_not_a_message(packet: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        decode_job_message(packet)


def test_recorded_messages_come_back() -> None:
    seen = set()
    for session in every_session():
        for payload in session.payloads("dir-fd", "fd"):
            if not payload.startswith(b"Jmsg "):
                continue
            message = decode_job_message(payload)
            kind = MessageType(message.type)
            assert encode_job_message(message.job, kind, message.when, message.text) == payload
            head, _, rest = message.text.partition(b": ")
            name, job_id = head.split(b" JobId ")
            assert rest.startswith(kind.prefix)
            again = format_text(name, int(job_id), kind, rest[len(kind.prefix) :])
            assert again == message.text
            seen.add(kind)
    assert {MessageType.INFO, MessageType.RESTORED} <= seen

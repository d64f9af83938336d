"""Replies to the Director and the dialogue with the Storage daemon: exact texts, and every recorded one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fdaemon.errors import JobFailed, RemoteProtocolError
from fdaemon.outcome import Status
from fdaemon.protocol import replies, storage
from fdaemon.protocol.replies import EndJob, end_job, parse_end_job
from tests.support.sessions import every_session


def test_formatted_replies() -> None:
    assert replies.ok_job(b"25.1.0", b"03Aug26", b"Debian GNU/Linux 12 (bookworm)", b"debian") == (
        b"2000 OK Job 25.1.0 (03Aug26) Debian GNU/Linux 12 (bookworm),debian"
    )
    assert replies.ok_secure_erase(None) == b"2000 OK FDSecureEraseCmd *None*\n"
    assert replies.ok_secure_erase(b"/bin/shred") == b"2000 OK FDSecureEraseCmd /bin/shred\n"
    assert replies.ok_estimate(43, 3861026) == b"2000 OK estimate files=43 bytes=3,861,026\n"
    assert replies.ok_debug(0, 0, 0, 0, b"/var/lib/bareos/fd.trace") == (
        b"2000 OK setdebug=0 trace=0 hangup=0 timestamp=0 tracefile=/var/lib/bareos/fd.trace\n"
    )
    assert replies.ok_debug(5, 1, 1, None, b"/w/fd.trace") == (
        b"2000 OK setdebug=5 trace=1 hangup=1 tracefile=/w/fd.trace\n"
    )
    assert replies.marked_canceled(b"j.1") == b"2001 Job j.1 marked to be canceled.\n"
    assert replies.job_not_found(b"j.1") == b"2901 Job j.1 not found.\n"
    assert replies.resolved(b"fd", b"h", [(6, b"::1"), (4, b"127.0.0.1")]) == (
        b"fd resolves h to host[ipv6;::1] host[ipv4;127.0.0.1] \n"
    )
    assert replies.not_resolved(b"fd", b"h") == b"fd: Failed to resolve h\n"
    assert replies.illegal_command(b"verify") == (
        b'Illegal "verify" command not allowed by Allowed Job Cmds setting of this filed.\n'
    )


def test_the_documented_end_job() -> None:
    line = b"2800 End Job TermCode=84 JobFiles=7 ReadBytes=5016 JobBytes=5016 Errors=0 VSS=0 Encrypt=0\n"
    assert end_job(Status.TERMINATED, 7, 5016, 5016, 0) == line
    assert len(line) == 90
    assert parse_end_job(line) == EndJob(84, 7, 5016, 5016, 0)


@given(
    st.builds(
        EndJob,
        code=st.integers(65, 116),
        files=st.integers(0, 2**32 - 1),
        read_bytes=st.integers(0, 2**64 - 1),
        job_bytes=st.integers(0, 2**64 - 1),
        errors=st.integers(0, 2**32 - 1),
        vss=st.integers(0, 1),
        encrypt=st.integers(0, 1),
    )
)
def test_end_job_round_trip(end: EndJob) -> None:
    assert parse_end_job(end.encode()) == end


@pytest.mark.parametrize("packet", [b"", b"2800 End Job TermCode=84\n", b"2000 OK backup\n"])
def test_not_an_end_job(packet: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        parse_end_job(packet)


CONSTANTS = {value for name, value in vars(replies).items() if name.isupper() and isinstance(value, bytes)}


def test_recorded_replies_are_among_ours() -> None:
    """Every digit-led line of a recorded File daemon that is not a verify packet is one we would send."""
    seen = set()
    for session in every_session():
        for payload in session.payloads("dir-fd", "fd"):
            if payload[:1] != b"2" or not payload[:4].isdigit() or payload[4:5] != b" ":
                continue
            if payload.startswith(b"2800 "):
                assert parse_end_job(payload).encode() == payload
                seen.add(b"2800")
            elif payload.startswith((b"2000 OK Job ", b"2000 OK Hello", b"2001 ", b"2901 ")):
                seen.add(payload.split(b" ")[0])
            elif payload.startswith(b"2000 OK estimate "):
                files, size = (int(part.split(b"=")[1].replace(b",", b"")) for part in payload.split()[3:5])
                assert replies.ok_estimate(files, size) == payload
            elif payload.startswith(b"2000 OK setdebug="):
                level, trace, hangup, stamp = (int(part.split(b"=")[1]) for part in payload.split()[2:6])
                tracefile = payload.split(b"tracefile=")[1].rstrip(b"\n")
                assert replies.ok_debug(level, trace, hangup, stamp, tracefile) == payload
            elif payload.startswith(b"2000 OK FDSecureEraseCmd "):
                assert replies.ok_secure_erase(None) == payload
            else:
                assert payload in CONSTANTS, payload
                seen.add(payload)
    assert {b"2800", b"2001", b"2901"} <= seen
    assert {replies.OK_LEVEL, replies.OK_FILESET, replies.OK_BACKUP, replies.OK_STORAGE_END} <= seen


def test_storage_commands() -> None:
    assert storage.append_data(7) == b"append data 7\n"
    assert storage.append_end(7) == b"append end session 7\n"
    assert storage.append_close(7) == b"append close session 7\n"
    assert storage.read_open(3, 1795400000) == b"read open session = DummyVolume 3 1795400000 0 0 0 0\n"
    assert storage.read_data(7) == b"read data 7\n"
    assert storage.read_close(7) == b"read close session 7\n"


def failure(call: object, *args: object) -> bytes:
    """The fatal text of a call that must fail."""
    assert callable(call)
    with pytest.raises(JobFailed) as caught:
        call(*args)
    return caught.value.text


def test_tickets() -> None:
    assert storage.append_ticket(b"3000 OK open ticket = 7\n") == 7
    assert storage.read_ticket(b"3000 OK open ticket = 8\n") == 8
    refusal = b"3901 Error session already open\n"
    assert failure(storage.append_ticket, refusal) == b"Bad response to append open: %b\n" % refusal
    assert failure(storage.read_ticket, refusal) == b"Bad response to SD read open: %b\n" % refusal
    for nothing in (-1, -4, None):
        assert failure(storage.append_ticket, nothing) == b"Bad response from stored to open command\n"
        assert failure(storage.read_ticket, nothing) == b"Bad response from stored to read open command\n"


def test_replies_of_the_storage_daemon() -> None:
    storage.check_reply(storage.DATA_OK, storage.DATA_OK, storage.APPEND_DATA)
    text = failure(storage.check_reply, b"3000 error\n", storage.DATA_OK, storage.READ_DATA)
    assert text == b"Bad response to Read Data command. Wanted 3000 OK data\n, got 3000 error\n\n"
    text = failure(storage.check_reply, -1, storage.END_OK, storage.APPEND_END)
    assert text == b"Bad response to Append End command. Wanted 3000 OK end\n, got \n"
    assert storage.connection_lost(storage.APPEND_DATA, b"Connection reset by peer").text == (
        b"Comm error with SD. bad response to Append Data. ERR=Connection reset by peer\n"
    )
    assert storage.send_failed(b"Broken pipe").text == b"Network send error to SD. ERR=Broken pipe\n"


def test_the_close_of_a_backup() -> None:
    for status in (84, 87):
        assert storage.close_status(b"3000 OK close Status = %d\n" % status) == status
        storage.check_close(status)
    assert storage.close_status(b"3999 Failed append\n") is None
    assert failure(storage.check_close, None) == b"Append Close with SD failed.\n"
    assert failure(storage.check_close, 102) == b"Bad status 102 returned from Storage Daemon.\n"


def test_messages_about_the_connection() -> None:
    assert storage.connected(b"sd", 9103, None) == b"Connected Storage daemon at sd:9103, encryption: None\n"
    assert storage.encryption_line(b"TLS_X TLSv1.3") == b" Encryption: TLS_X TLSv1.3\n"
    assert storage.encryption_line(None) == b" Encryption: None\n"
    assert storage.retrying(b"sd", 1, b"e") == (
        b"Could not connect to Storage daemon on sd:1. ERR=e\nRetrying ...\n"
    )
    assert (
        storage.unable_to_connect(b"sd", 1, b"e") == b"Unable to connect to Storage daemon on sd:1. ERR=e\n"
    )
    assert storage.failed_to_connect(b"sd", 1) == b"Failed to connect to Storage daemon: sd:1\n"
    assert storage.name_not_resolved(b"sd", b"e") == b'BnetHost2IpAddrs() for host "sd" failed: ERR=e\n'


def test_recorded_storage_dialogues() -> None:
    """Say to the recorded Storage daemon what we would say, with its own answers in hand."""
    backups = restores = 0
    for session in every_session():
        for connection, link in session.connections.items():
            if link not in ("fd-sd", "sd-fd"):
                continue
            both = [(p.sender, p.payload) for p in session.packets(link) if p.connection == connection]
            ours = [payload for sender, payload in both if sender == "fd"]
            theirs = [payload for sender, payload in both if sender == "sd" and payload is not None]
            tickets = [reply for reply in theirs if reply.startswith(b"3000 OK open ticket")]
            if not tickets:
                continue
            ticket = storage.append_ticket(tickets[0])
            if storage.APPEND_OPEN in ours:
                backups += 1
                assert storage.append_data(ticket) in ours
                if storage.append_end(ticket) in ours:  # not after a hang-up that was asked for
                    assert ours.index(storage.append_end(ticket)) < ours.index(storage.append_close(ticket))
                    assert storage.END_OK in theirs
                    storage.check_close(storage.close_status(theirs[-1]))
            else:
                restores += 1
                opened = next(p for p in ours if p is not None and p.startswith(b"read open"))
                numbers = [int(word) for word in opened.split()[5:7]]
                assert storage.read_open(numbers[0], numbers[1]) == opened
                assert storage.read_data(ticket) in ours
                assert storage.read_close(ticket) in ours
            assert storage.DATA_OK in theirs
    assert backups >= 2
    assert restores >= 1

"""Status texts: number and time formats, every line from a view, and recorded answers rendered again byte for byte."""

import calendar
import re
import time
from dataclasses import replace

import pytest

from fdaemon.protocol.commands import StatusWord
from fdaemon.protocol.formats import date_iso, date_short, level_text, suffixed, type_text
from fdaemon.protocol.status import dot_status, header, running, short_name, status, terminated
from fdaemon.views import DaemonView, JobView, SessionView
from tests.support.sessions import Session, Signalled, every_session, recorded

NOON = 1795403475.0
"""2026-11-23 03:11:15 UTC."""

JOB = JobView(
    job_id=101,
    name="bkp.2026-11-23_03.10.00_101",
    type="B",
    level="F",
    director="bareos-dir",
    status="R",
    started=NOON,
    ended=None,
    files=1,
    examined=1,
    read_bytes=0,
    job_bytes=0,
    errors=0,
    warnings=0,
    current=b"/data/z",
    bandwidth=0,
    storage_packets=5,
    storage_fd=5,
)
VIEW = DaemonView(
    name="w02-fd",
    release="25.1.0",
    release_date="03 August 2026",
    system="Debian GNU/Linux 12 (bookworm)",
    started=NOON - 240,
    finished_jobs=2,
    debug=0,
    trace=False,
    bandwidth=0,
    secure_erase="",
    warnings=(),
    jobs=(JOB,),
    sessions=(SessionView("bareos-dir", NOON + 1),),
    recent=(),
)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 "),
        (16, "16 "),
        (999, "999 "),
        (1000, "1.000 K"),
        (5016, "5.016 K"),
        (85560, "85.56 K"),
        (237500, "237.5 K"),
        (60000000, "60.00 M"),
        (123456789, "123.4 M"),
        (1234567890, "1.234 G"),
        (10**18, "1.000 E"),
    ],
)
def test_suffixed_numbers(number: int, text: str) -> None:
    assert suffixed(number) == text


def test_dates_and_words() -> None:
    assert date_short(NOON, time.gmtime) == "23-Nov-26 03:11"
    assert date_short(0, time.gmtime) == "01-Jan-70 00:00"
    assert date_iso(NOON, time.gmtime) == "2026-11-23 03:11:15"
    assert [level_text(letter) for letter in "BFIDS CVOdA?"] == [
        *("Base", "Full", "Incremental", "Differential", "Since", " ", "Verify Catalog", "Init Catalog"),
        *("Volume to Catalog", "Disk to Catalog", "Data", "Unknown Job Level"),
    ]
    assert [type_text(letter) for letter in "BVRI?"] == [
        "Backup",
        "Verify",
        "Restore",
        "System or Console",
        "Unknown Type",
    ]
    assert short_name("bkp.2026-11-23_03.10.00_101") == "bkp"
    assert short_name("a.b.2026-11-23_03.10.00_101") == "a.b"
    assert [short_name(name) for name in ("plain", "a.b", "a.b.c")] == ["plain", "a", "a"]


def test_the_documented_header() -> None:
    assert header(VIEW, time.gmtime) == [
        b"w02-fd Version: 25.1.0 (03 August 2026) Debian GNU/Linux 12 (bookworm)\n\0",
        b"Daemon started 23-Nov-26 03:07. Jobs: run=2 running=1, self-compiled binary\n\0",
        b" Sizeof: boffset_t=8 size_t=8 debug=0 trace=0 bwlimit=0kB/s\n\0",
    ]


def test_optional_header_lines() -> None:
    view = replace(
        VIEW, secure_erase="/bin/shred -u", warnings=("odd",), bandwidth=2_500_000, trace=True, debug=5
    )
    assert header(view, time.gmtime)[2:] == [
        b" Sizeof: boffset_t=8 size_t=8 debug=5 trace=1 bwlimit=2,441kB/s\n\0",
        b" secure erase command='/bin/shred -u'\n\0",
        b"\nThere are WARNINGS for this filedaemon's configuration!\n"
        b"See output of 'bareos-fd -t' for details.\n\0",
    ]


def test_the_documented_running_job() -> None:
    assert running(VIEW, NOON + 3, time.gmtime) == [
        b"\nRunning Jobs:\n\0",
        b"JobId 101 Job bkp.2026-11-23_03.10.00_101 is running.\n\0",
        b"    Full Backup Job started: 23-Nov-26 03:11\n\0",
        b"    Files=1 Bytes=0 Bytes/sec=0 Errors=0\n    Bwlimit=0\n\0",
        b"    Files Examined=1\n\0",
        b"    Processing file: /data/z\n\0",
        b"    SDReadSeqNo=5 fd=5\n\0",
        b"bareos-dir (director) connected at: 23-Nov-26 03:11\n\0",
        b"====\n\0",
    ]


def test_a_job_before_its_command_and_without_a_storage_daemon() -> None:
    early = replace(JOB, type="I", level="", files=0, current=b"", storage_packets=None)
    view = replace(VIEW, jobs=(early,), sessions=(SessionView("", NOON - 1),))
    assert running(view, NOON, time.gmtime)[1:] == [
        b"Unknown connection, started at: 23-Nov-26 03:11\n\0",
        b"JobId 101 Job bkp.2026-11-23_03.10.00_101 is running.\n\0",
        b"      System or Console Job started: 23-Nov-26 03:11\n\0",
        b"    Files=0 Bytes=0 Bytes/sec=0 Errors=0\n    Bwlimit=0\n\0",
        b"    Files Examined=1\n\0",
        b"    SDSocket closed.\n\0",
        b"====\n\0",
    ]


def test_an_estimate_is_shown_as_a_director() -> None:
    view = replace(VIEW, jobs=(replace(JOB, job_id=0),), sessions=())
    assert running(view, NOON, time.gmtime)[1:] == [
        b"bareos-dir (director) connected at: 23-Nov-26 03:11\n\0",
        b"No Jobs running.\n\0",
        b"====\n\0",
    ]
    assert dot_status(StatusWord.RUNNING, view, NOON, time.gmtime) == [
        b"DirectorConnected=2026-11-23 03:11:15\n\0"
    ]
    assert dot_status(StatusWord.CURRENT, view, NOON, time.gmtime) == [b"2000 OK .status\n"]


def test_running_fields() -> None:
    job = replace(JOB, job_bytes=5000, bandwidth=1024, current=b"/data/\xff")
    fields = dot_status(StatusWord.RUNNING, replace(VIEW, jobs=(job,)), NOON + 10, time.gmtime)
    assert fields == [
        b"JobId=101\n Job=bkp.2026-11-23_03.10.00_101\n\0",
        b" VSS=0\n Level=F\n JobType=B\n JobStarted=2026-11-23 03:11:15\n\0",
        b" Files=1\n Bytes=5000\n Bytes/sec=500\n Errors=0\n Bwlimit=1024\n\0",
        b" Files Examined=1\n\0",
        b" Processing file=/data/\xff\n\0",
        b" SDReadSeqNo=5\n fd=5\n\0",
        b"DirectorConnected=2026-11-23 03:11:16\n\0",
    ]
    closed = replace(job, storage_packets=None, files=0, level="")
    fields = dot_status(StatusWord.RUNNING, replace(VIEW, jobs=(closed,)), NOON, time.gmtime)
    assert fields[1] == b" VSS=0\n Level= \n JobType=B\n JobStarted=2026-11-23 03:11:15\n\0"
    assert fields[4] == b" SDSocket=closed\n\0"


ROWS = [
    (
        77,
        "F",
        "B",
        7,
        5016,
        "T",
        "bkp",
        b"    77  Full          7    5.016 K  OK       23-Nov-26 03:11 bkp\n\0",
    ),
    (
        90,
        "I",
        "B",
        7,
        16,
        "T",
        "bkp",
        b"    90  Incr          7        16   OK       23-Nov-26 03:11 bkp\n\0",
    ),
    (
        101,
        "F",
        "B",
        1,
        0,
        "A",
        "bkp",
        b"   101  Full          1         0   Cancel   23-Nov-26 03:11 bkp\n\0",
    ),
    (115, "F", "R", 2, 12, "T", "R", b"   115                2        12   OK       23-Nov-26 03:11 R\n\0"),
    (
        121,
        "C",
        "V",
        7,
        0,
        "T",
        "Verify",
        b"   121  Veri          7         0   OK       23-Nov-26 03:11 Verify\n\0",
    ),
    (
        140,
        "F",
        "B",
        2,
        5000,
        "I",
        "bkp",
        b"   140  Full          2    5.000 K  Other    23-Nov-26 03:11 bkp\n\0",
    ),
]


@pytest.mark.parametrize(("job_id", "level", "kind", "files", "size", "state", "name", "row"), ROWS)
def test_documented_rows(
    job_id: int, level: str, kind: str, files: int, size: int, state: str, name: str, row: bytes
) -> None:
    job = replace(
        JOB,
        job_id=job_id,
        level=level,
        type=kind,
        files=files,
        job_bytes=size,
        status=state,
        name=f"{name}.2026-11-23_03.10.00_01",
        ended=NOON,
    )
    view = replace(VIEW, recent=(job,))
    assert terminated(view, time.gmtime)[3] == row
    (tabbed,) = dot_status(StatusWord.TERMINATED, view, NOON, time.gmtime)
    assert len(tabbed.split(b"\t")) == 7
    assert tabbed.replace(b"\t", b" ").split() == row.split()


@pytest.mark.parametrize(
    ("state", "word"),
    [
        *zip(
            "CfEDATWIR",
            ["Created", "Error", "Error", "Diffs", "Cancel", "OK", "Other", "Other", "Other"],
            strict=True,
        )
    ],
)
def test_status_words(state: str, word: str) -> None:
    view = replace(VIEW, recent=(replace(JOB, status=state, ended=NOON),))
    assert terminated(view, time.gmtime)[3][36:43].rstrip() == word.encode()


def test_only_the_last_ten_rows() -> None:
    recent = tuple(replace(JOB, job_id=number, ended=NOON) for number in range(1, 15))
    rows = terminated(replace(VIEW, recent=recent), time.gmtime)[3:-1]
    assert [int(row.split()[0]) for row in rows] == list(range(5, 15))
    assert terminated(VIEW, time.gmtime) == [b"\nTerminated Jobs:\n\0", b"====\n\0"]
    assert dot_status(StatusWord.TERMINATED, VIEW, NOON, time.gmtime) == []


def test_current_and_last() -> None:
    recent = (replace(JOB, job_id=1), replace(JOB, job_id=2, status="T", errors=3))
    view = replace(VIEW, recent=recent)
    assert dot_status(StatusWord.CURRENT, view, NOON, time.gmtime) == [
        b"2000 OK .status\n",
        b"JobId=101 JobStatus=R JobErrors=0\n",
    ]
    assert dot_status(StatusWord.LAST, view, NOON, time.gmtime) == [
        b"2000 OK .status\n",
        b"JobId=2 JobStatus=T JobErrors=3\n",
    ]
    assert dot_status(StatusWord.LAST, VIEW, NOON, time.gmtime) == [b"2000 OK .status\n"]
    assert dot_status(StatusWord.HEADER, VIEW, NOON, time.gmtime) == header(VIEW, time.gmtime)


def answers(session: Session) -> list[list[bytes]]:
    """The packets of each recorded answer to `status`, up to its EOD."""
    found: list[list[bytes]] = []
    for connection, link in session.connections.items():
        open_answer: list[bytes] | None = None
        for event in session.traffic(connection) if link == "dir-fd" else ():
            if isinstance(event, Signalled):
                open_answer = None
            elif event.sender == "dir" and event.payload == b"status":
                open_answer = []
                found.append(open_answer)
            elif open_answer is not None and event.sender == "fd" and event.payload is not None:
                open_answer.append(event.payload)
    return found


def epoch(text: str) -> float:
    return float(calendar.timegm(time.strptime(text, "%d-%b-%y %H:%M")))


def amount(text: str) -> int:
    """A number that prints as `text`."""
    number, _, letter = text.strip().partition(" ")
    return round(float(number) * 1000.0 ** "_KMGTPE".index(letter or "_"))


ROW = re.compile(r"([ \d]{6})  (.{6}) (.{8}) (.{10})  (.{7})  (.{15}) (.*)\n\0")
LETTERS = {"Full": "F", "Incr": "I", "Diff": "D", "Init": "V", "Volu": "O", "Disk": "d", "Veri": "C", "": "F"}


def parse_row(line: str) -> JobView:
    """A job that prints as the recorded row."""
    match = ROW.fullmatch(line)
    assert match is not None, line
    job_id, level, files, size, state, ended, name = match.groups()
    word = level.strip()
    return replace(
        JOB,
        job_id=int(job_id),
        type="B" if word else "R",
        level=LETTERS[word],
        files=int(files.replace(",", "")),
        job_bytes=amount(size),
        status={"OK": "T", "Cancel": "A", "Error": "E", "Other": "W"}[state.strip()],
        ended=epoch(ended),
        name=f"{name}.2026-11-23_03.10.00_01",
    )


def parse_view(packets: list[bytes]) -> DaemonView:
    """A view that prints as the recorded answer."""
    lines = [packet.decode() for packet in packets]
    text = "".join(lines)
    version = re.search(r"^(\S+) Version: (\S+) \((.*?)\) (.*)\n", text, re.M)
    started = re.search(r"Daemon started (.{15})\. Jobs: run=(\d+) running=\d+, (\S+) binary", text)
    assert version is not None
    assert started is not None
    job = re.search(
        r"JobId (\d+) Job (\S+) is running\.\n\0    Full Backup Job started: (.{15})\n\0"
        r"    Files=(\d+) Bytes=([\d,]+) Bytes/sec=[\d,]+ Errors=(\d+)\n    Bwlimit=([\d,]+)\n\0"
        r"    Files Examined=(\d+)\n\0    Processing file: (.*)\n\0    SDReadSeqNo=(\d+) fd=(\d+)\n",
        text,
    )
    jobs: tuple[JobView, ...] = ()
    if job is not None:
        numbers = [int(job[group].replace(",", "")) for group in (1, 4, 5, 6, 7, 8, 10, 11)]
        job_id, files, size, errors, limit, examined, packets_read, descriptor = numbers
        jobs = (
            replace(
                JOB,
                job_id=job_id,
                name=job[2],
                started=epoch(job[3]),
                files=files,
                job_bytes=size,
                errors=errors,
                bandwidth=limit,
                examined=examined,
                current=job[9].encode(),
                storage_packets=packets_read,
                storage_fd=descriptor,
            ),
        )
    director = re.search(r"([^\s\0]+) \(director\) connected at: (.{15})\n", text)
    assert director is not None
    return replace(
        VIEW,
        name=version[1],
        release=version[2],
        release_date=version[3],
        system=version[4],
        started=epoch(started[1]),
        finished_jobs=int(started[2]),
        binary=started[3],
        jobs=jobs,
        sessions=(SessionView(director[1], epoch(director[2]) + 1),),
        recent=tuple(parse_row(line) for line in lines if ROW.fullmatch(line)),
    )


def test_recorded_answers_render_again_byte_for_byte() -> None:
    rendered = with_job = 0
    for session in every_session():
        for packets in answers(session):
            view = parse_view(packets)
            assert status(view, NOON, time.gmtime) == packets, session.name
            rendered += 1
            with_job += bool(view.jobs)
    assert rendered >= 2
    assert with_job >= 1


def test_the_recorded_answer_has_the_documented_shape() -> None:
    for packets in answers(recorded("status")):
        assert packets[0] == b"\n"
        assert all(packet.endswith(b"\n\0") for packet in packets[1:])

"""Every command of a Director: what real ones send, what the scanner lets pass, and what a bad line costs."""

from collections.abc import Sequence

import pytest

from fdaemon.protocol import commands as c
from fdaemon.protocol.commands import Command, CommandError, JobLevel, StatusWord
from fdaemon.protocol.dispatch import CommandName, parse_command, select_command
from tests.support.sessions import every_session

KEY = b"KFFD-NIOB-MEDF-PBAH-GLCE-JKDA-ONMI-HGFE"
SINCE = b"level = since_utime 1700000000 mtime_only=0 prev_job=bkp.2026-01-01_00.00.00_01\n"

GOOD: list[tuple[bytes, Command]] = [
    (
        b"JobId=12 Job=bkp.1 SDid=3 SDtime=1795400000 Authorization=%b ssl=4\n" % KEY,
        c.JobInfo(12, b"bkp.1", 3, 1795400000, KEY, 4),
    ),
    (b"JobId=5 Job=j SDid=1 SDtime=2 Authorization=K\n", c.JobInfo(5, b"j", 1, 2, b"K", None)),
    (b"JobId= Job=a SDid= SDtime= Authorization=\n", c.JobInfo(0, b"a", 0, 0, b"", None)),
    (b"level = full  mtime_only=0 \n", c.Level(JobLevel.FULL, False, False)),
    (b"level = full rerunning  mtime_only=0 \n", c.Level(JobLevel.FULL, False, True)),
    (b"level = base  mtime_only=0 \n", c.Level(JobLevel.BASE, False, False)),
    (b"level = differential  mtime_only=0 \n", c.Level(JobLevel.DIFFERENTIAL, False, False)),
    (b"level = accurate_differential  mtime_only=0 \n", c.Level(JobLevel.DIFFERENTIAL, True, False)),
    (b"level = incremental  mtime_only=0 \n", c.Level(JobLevel.INCREMENTAL, False, False)),
    (b"level = accurate_incremental  mtime_only=0 \n", c.Level(JobLevel.INCREMENTAL, True, False)),
    (SINCE, c.SinceLevel(1700000000, 0, b"bkp.2026-01-01_00.00.00_01", SINCE)),
    (
        b"level = since_utime 1700000000 mtime_only=1 prev_job=\n",
        c.SinceLevel(1700000000, 1, b"", b"level = since_utime 1700000000 mtime_only=1 prev_job=\n"),
    ),
    (
        b"level = since_utime 17x mtime_only=0\n",
        c.SinceLevel(17, 0, b"", b"level = since_utime 17x mtime_only=0\n"),
    ),
    (b"fileset\n", c.FilesetStart(False)),
    (b"fileset vss=1\n", c.FilesetStart(True)),
    (b"accurate files=43\n", c.AccurateStart(43)),
    (b"accurate files=\n", c.AccurateStart(0)),
    (b"backup FileIndex=0\n", c.Backup(0)),
    (b"backup FileIndex=17\n", c.Backup(17)),
    (b"backup\n", c.Backup(None)),
    (b"restore replace=a prelinks=0 where=/srv/my\x01place\n", c.Restore("a", False, b"/srv/my place")),
    (b"restore replace=n prelinks=1 where=\n", c.Restore("n", True)),
    (b"restore replace=w prelinks=0 where=/\n", c.Restore("w", False)),
    (
        b"restore replace=o prelinks=0 regexwhere=!/srv/a\x01b!/x!\n",
        c.Restore("o", False, b"", b"!/srv/a b!/x!"),
    ),
    (
        b"restore replace=a prelinks=0 where=/" + b"d" * 3000 + b"\n",
        c.Restore("a", False, b"/" + b"d" * 3000),
    ),
    (b"verify level=init\n", c.Verify(JobLevel.VERIFY_INIT)),
    (b"verify level=CATALOG\n", c.Verify(JobLevel.VERIFY_CATALOG)),
    (b"verify level=volume", c.Verify(JobLevel.VERIFY_VOLUME)),
    (b"verify level=disk_to_catalog\n", c.Verify(JobLevel.VERIFY_DISK)),
    (b"verify level=data\n", c.Verify(JobLevel.VERIFY_DATA)),
    (b"estimate listing=0\n", c.Estimate(False)),
    (b"estimate listing=1\n", c.Estimate(True)),
    (b"storage address=sd port=9103 ssl=4\n", c.Storage(b"sd", 9103, 4, None)),
    (b"storage address=sd port=9103 ssl=4 Authorization=\n", c.Storage(b"sd", 9103, 4, b"")),
    (
        b"storage address=10.0.0.1 port=9103 ssl=0 Authorization=%b\n" % KEY,
        c.Storage(b"10.0.0.1", 9103, 0, KEY),
    ),
    (b"setauthorization Authorization=%b\n" % KEY, c.SetAuthorization(KEY)),
    (b"setauthorization Authorization=\n", c.SetAuthorization(b"")),
    (b"cancel Job=bkp.1\n", c.Cancel(b"bkp.1")),
    (b"cancel Job=\n", c.Cancel(b"")),
    (b"setdebug=100 trace=1 hangup=-1 timestamp=0\n", c.SetDebug(100, 1, -1, 0)),
    (b"setdebug=5 trace=1 hangup=3\n", c.SetDebug(5, 1, 3, None)),
    (b"setdebug=5 trace=1\n", c.SetDebug(5, 1, -1, None)),
    (b"setbandwidth=5000000 Job=bkp.1\n", c.SetBandwidth(5000000, b"bkp.1")),
    (b"setbandwidth=0 Job=\n", c.SetBandwidth(0, b"")),
    (b"setbandwidth=9000000000 Job=\n", c.SetBandwidth(9000000000, b"")),
    (b"status", c.Status()),
    (b"status and more", c.Status()),
    (b".status header", c.DotStatus(StatusWord.HEADER)),
    (b".status RUNNING api=2", c.DotStatus(StatusWord.RUNNING)),
    (b".status terminated\n", c.DotStatus(StatusWord.TERMINATED)),
    (b".status current", c.DotStatus(StatusWord.CURRENT)),
    (b".status last", c.DotStatus(StatusWord.LAST)),
    (b"resolve localhost", c.Resolve(b"localhost")),
    (b"getSecureEraseCmd\n", c.GetSecureErase()),
    (b"getSecureEraseCmdXYZ", c.GetSecureErase()),
    (
        b"Run OnSuccess=1 OnFailure=0 AbortOnError=1 When=2 Command=/usr/bin/foo\x01arg\n",
        c.RunScript(True, False, True, 2, b"/usr/bin/foo arg"),
    ),
    (b"RunBeforeNow\n", c.RunBeforeNow()),
    (
        b"restoreobject JobId=7 10,20,1,2,1,5,python\x01plugin\n",
        c.RestoreObjectHeader(7, 10, 20, 1, 2, 1, 5, b"python plugin"),
    ),
    (b"restoreobject JobId=7 10,20,1,2,0,5\n", c.RestoreObjectHeader(7, 10, 20, 1, 2, 0, 5, b"")),
    (b"restoreobject end\n", c.RestoreObjectEnd()),
    (b"pluginoptions python:a=b\x01c\n", c.PluginOptions(b"python:a=b c")),
    (b"pluginoptions\n", c.PluginOptions(b"")),
    (b"bootstrap\n", c.Bootstrap()),
    (b"session Vol-1 1 2 3 4 5 6\n", c.SessionCommand(b"Vol-1", 1, 2, 3, 4, 5, 6)),
    (b"session\n", c.SessionCommand(b"", 0, 0, 0, 0, 0, 0)),
    (b"endrestore", c.EndRestore()),
]


@pytest.mark.parametrize(
    ("packet", "command"), GOOD, ids=[packet.decode()[:40].strip() for packet, _ in GOOD]
)
def test_commands(packet: bytes, command: Command) -> None:
    assert parse_command(packet) == command
    assert parse_command(packet + b"\0anything") == command


def test_every_command_is_tried_here() -> None:
    assert {select_command(packet) for packet, _ in GOOD} == set(CommandName)
    assert {type(command) for _, command in GOOD} == set(Command.__value__.__args__)


BAD: list[tuple[bytes, bytes | None, bytes | None]] = [
    (b"JobId=1 Jobs=x\n", b"2901 Bad Job\n", b"Bad Job Command: JobId=1 Jobs=x\n\n"),
    (b"level = yearly mtime_only=0 \n", None, b"Unknown backup level: yearly\n"),
    (b"level = \n", None, b"Unknown backup level: \n"),
    (b"level = since_utime\n", None, b"Bad level command: level = since_utime\n\n"),
    (b"accurate file=1", b"2991 Bad accurate command\n", None),
    (b"accurate\n", b"2991 Bad accurate command\n", None),
    (b"restore where=/x\n", None, b"Bad replace command. CMD=restore where=/x\n\n"),
    (b"restore replace=a prelinks=0\n", None, b"Bad replace command. CMD=restore replace=a prelinks=0\n\n"),
    (b"verify\n", b"2994 Bad verify command: verify\n", None),
    (b"verify level=\n", b"2994 Bad verify level: verify level=\n", None),
    (b"verify level=all\n", b"2994 Bad verify level: verify level=all\n", None),
    (b"estimate\n", b"2992 Bad estimate command.\n", b"Bad estimate command: estimate\n\n"),
    (b"storage adress=x\n", b"2902 Bad storage\n", b"Bad storage command: storage adress=x\n\n"),
    (b"setauthorization\n", b"2902 Bad setauthorization\n", None),
    (b"cancel bkp.1\n", b"2902 Error scanning cancel command.\n", None),
    (b"setdebug=1\n", b"2991 Bad setdebug command: setdebug=1\n\n", None),
    (b"setbandwidth=-1 Job=\n", b"2991 Bad setbandwidth command: setbandwidth=-1 Job=\n\n", None),
    (b"setbandwidth=1000\n", b"2991 Bad setbandwidth command: setbandwidth=1000\n\n", None),
    (b".status all", b"2900 Bad .status command, wrong argument.\n", b"Bad .status command: .status all\n"),
    (b".status", b"2900 Bad .status command, wrong argument.\n", b"Bad .status command: .status\n"),
    (
        b".status Current",
        b"2900 Bad .status command, wrong argument.\n",
        b"Bad .status command: .status Current\n",
    ),
    (b"Run\n", b"2905 Failed RunScript\n", b"Bad RunScript command: Run\n\n"),
    (b"RunAfterJob x\n", b"2905 Failed RunScript\n", b"Bad RunScript command: RunAfterJob x\n\n"),
    (
        b"restoreobject end",
        b"2909 Bad RestoreObject command.\n",
        b"Bad RestoreObject command: restoreobject end\n",
    ),
    (b"restore\n", b"2999 Invalid command\n", None),
    (b"resolve", b"2999 Invalid command\n", None),
    (b"storage\n", b"2999 Invalid command\n", None),
    (b"level=full\n", b"2999 Invalid command\n", None),
    (b"Status", b"2999 Invalid command\n", None),
    (b"quit", b"2999 Invalid command\n", None),
    (b"", b"2999 Invalid command\n", None),
    (b"\0status", b"2999 Invalid command\n", None),
    (b"\xff\xff", b"2999 Invalid command\n", None),
]


@pytest.mark.parametrize(("packet", "reply", "fatal"), BAD)
def test_bad_lines(packet: bytes, reply: bytes | None, fatal: bytes | None) -> None:
    with pytest.raises(CommandError) as caught:
        parse_command(packet)
    assert (caught.value.reply, caught.value.fatal) == (reply, fatal)
    assert caught.value.end_of_data == packet.startswith((b"cancel", b".status"))
    assert caught.value.goes_on == packet.startswith(b"cancel")


def test_a_job_named_accurate_does_not_switch_accurate_on() -> None:
    since = parse_command(b"level = since_utime 1 mtime_only=0 prev_job=accurate-rerunning.1\n")
    assert isinstance(since, c.SinceLevel)
    full = parse_command(b"level = full  mtime_only=0 accurate rerunning\n")
    assert full == c.Level(JobLevel.FULL, accurate=False, rerunning=False)


def test_which_levels_are_answered() -> None:
    answered = [level for level in JobLevel if c.Level(level, False, False).answered]
    assert answered == [JobLevel.BASE, JobLevel.FULL]


def test_a_monitor_sees_status_only() -> None:
    for packet, command in GOOD:
        if isinstance(command, c.Status | c.DotStatus):
            assert parse_command(packet, monitor=True) == command
            continue
        with pytest.raises(CommandError) as caught:
            parse_command(packet, monitor=True)
        assert caught.value.reply == b"2997 Invalid command for a Director with Monitor directive enabled.\n"
        assert caught.value.end_of_data
        assert not caught.value.goes_on


def test_an_unknown_command_of_a_monitor_is_just_unknown() -> None:
    with pytest.raises(CommandError) as caught:
        parse_command(b"quit", monitor=True)
    assert (caught.value.reply, caught.value.end_of_data) == (b"2999 Invalid command\n", False)


def test_words_of_allowed_job_command() -> None:
    words = {name.name: name.job_word for name in CommandName if name.job_word}
    assert words == {
        "BACKUP": b"backup",
        "ESTIMATE": b"estimate",
        "RESTORE": b"restore",
        "RUN": b"runscript",
        "VERIFY": b"verify",
    }
    refusals = {name.name: name.refusal(b"verify level=init\n") for name in CommandName if name.job_word}
    assert refusals == {
        "BACKUP": None,
        "ESTIMATE": b"2992 Bad estimate command.\n",
        "RESTORE": None,
        "RUN": b"2905 Failed RunScript\n",
        "VERIFY": b"2994 Bad verify command: verify level=init\n",
    }


def test_keys_are_not_shown() -> None:
    for packet, command in GOOD:
        if KEY in packet:
            assert KEY.decode() not in repr(command)


def test_every_recorded_command_parses_to_the_right_kind() -> None:
    """Play the Director's packets: after a list command, what follows up to the signal is not a command."""
    kinds: dict[str, int] = {}
    for session in every_session():
        for connection, link in session.connections.items():
            if link != "dir-fd":
                continue
            for line in commands_of(session.traffic(connection, "dir")):
                command = parse_command(line)
                kinds[type(command).__name__] = kinds.get(type(command).__name__, 0) + 1
    assert {"JobInfo", "Level", "SinceLevel", "FilesetStart", "AccurateStart", "Backup", "Storage"} <= set(
        kinds
    )
    assert {"Restore", "EndRestore", "Verify", "Estimate", "Status", "Cancel", "SetDebug", "Resolve"} <= set(
        kinds
    )


def commands_of(events: Sequence[object]) -> list[bytes]:
    """The command lines among what a Director sent on one connection."""
    found: list[bytes] = []
    in_list = False
    for event in events:
        payload = getattr(event, "payload", None)
        if not isinstance(payload, bytes):
            in_list = False
            continue
        answering = payload.startswith(
            (b"Hello ", b"auth ", b"1000 OK", b"1999 ", b"btime ")
        ) or payload.endswith(b"\0")
        if in_list or answering:
            continue
        found.append(payload)
        in_list = isinstance(parse_command(payload), c.FilesetStart | c.AccurateStart)
    return found

"""From a Director's line to a command: the dispatch table and one scanner a command. Pure.

The first table entry that is a prefix of the line decides, without a word boundary (protocol/02 section 1.1).
"""

import re
from collections.abc import Callable
from enum import Enum

from fdaemon.protocol import commands as c
from fdaemon.protocol import replies
from fdaemon.protocol.commands import Command, CommandError, JobLevel, StatusWord
from fdaemon.wire.scan import Scanner
from fdaemon.wire.text import c_string, unbash


class CommandName(Enum):
    """The dispatch table in its order; values are the prefixes, trailing blanks included."""

    ACCURATE = b"accurate"
    BACKUP = b"backup"
    BOOTSTRAP = b"bootstrap"
    CANCEL = b"cancel"
    ENDRESTORE = b"endrestore"
    ESTIMATE = b"estimate"
    FILESET = b"fileset"
    JOB = b"JobId="
    LEVEL = b"level = "
    PLUGINOPTIONS = b"pluginoptions"
    RUNBEFORENOW = b"RunBeforeNow"
    RUN = b"Run"
    RESTOREOBJECT = b"restoreobject"
    RESTORE = b"restore "
    RESOLVE = b"resolve "
    SECUREERASE = b"getSecureEraseCmd"
    SESSION = b"session"
    SETAUTHORIZATION = b"setauthorization"
    SETBANDWIDTH = b"setbandwidth="
    SETDEBUG = b"setdebug="
    STATUS = b"status"
    DOTSTATUS = b".status"
    STORAGE = b"storage "
    VERIFY = b"verify"

    @property
    def for_monitor(self) -> bool:
        """Whether a Director resource with `Monitor = yes` may use it."""
        return self in (CommandName.STATUS, CommandName.DOTSTATUS)

    @property
    def job_word(self) -> bytes | None:
        """What `Allowed Job Command` must name before the line is even scanned; None: always allowed."""
        return _JOB_WORDS.get(self)

    def refusal(self, line: bytes) -> bytes | None:
        """The reply that follows the fatal message of a command that is not allowed; None: no reply."""
        match self:
            case CommandName.RUN:
                return replies.FAILED_RUN_SCRIPT
            case CommandName.ESTIMATE:
                return replies.BAD_ESTIMATE
            case CommandName.VERIFY:
                return replies.bad_verify_command(line)
            case _:
                return None


_JOB_WORDS = {
    CommandName.BACKUP: b"backup",
    CommandName.ESTIMATE: b"estimate",
    CommandName.RESTORE: b"restore",
    CommandName.RUN: b"runscript",
    CommandName.VERIFY: b"verify",
}
_BY_LETTER: dict[int, list[CommandName]] = {}
for _name in CommandName:
    _BY_LETTER.setdefault(_name.value[0], []).append(_name)


def select_command(packet: bytes) -> CommandName | None:
    """The table entry of a line, or None for an unknown command (an empty packet is one)."""
    for name in _BY_LETTER.get(packet[0], ()) if packet else ():
        if packet.startswith(name.value):
            return name
    return None


def parse_command(packet: bytes, *, monitor: bool = False) -> Command:
    """The command in a Director's packet. Raises CommandError with the exact reply and fatal text.

    `monitor`: the Director resource has `Monitor = yes`. Fields that C++ cuts at 1000 bytes (`where=`,
    `regexwhere=`, `Command=`, plugin options and names) are taken whole, as protocol/02 section 8 allows.
    """
    line = c_string(packet)
    name = select_command(line)
    if name is None:
        raise CommandError(reply=replies.INVALID_COMMAND)
    if monitor and not name.for_monitor:
        raise CommandError(reply=replies.MONITOR_REFUSED, end_of_data=True)
    return _PARSERS[name](line)


_JOB_SSL = Scanner("JobId=%d Job=%127s SDid=%u SDtime=%u Authorization=%100s ssl=%d\n")
_JOB = Scanner("JobId=%d Job=%127s SDid=%u SDtime=%u Authorization=%100s\n")
_LEVEL = Scanner("level = %s ")
_SINCE_JOB = Scanner("level = since_utime %s mtime_only=%d prev_job=%127s")
_SINCE = Scanner("level = since_utime %s mtime_only=%d")
_ACCURATE = Scanner("accurate files=%u")
_BACKUP = Scanner("backup FileIndex=%ld\n")
_WHERE = Scanner("restore replace=%c prelinks=%d where=%s\n", limit=None)
_REGEX_WHERE = Scanner("restore replace=%c prelinks=%d regexwhere=%s\n", limit=None)
_VERIFY = Scanner("verify level=%30s")
_ESTIMATE = Scanner("estimate listing=%d")
_STORAGE_KEY = Scanner("storage address=%s port=%d ssl=%d Authorization=%100s")
_STORAGE = Scanner("storage address=%s port=%d ssl=%d")
_AUTHORIZATION = Scanner("setauthorization Authorization=%100s")
_CANCEL = Scanner("cancel Job=%127s")
_DEBUG_2 = Scanner("setdebug=%d trace=%d hangup=%d timestamp=%d")
_DEBUG_1 = Scanner("setdebug=%d trace=%d hangup=%d")
_DEBUG_0 = Scanner("setdebug=%d trace=%d")
_BANDWIDTH = Scanner("setbandwidth=%lld Job=%127s")
_DOT_STATUS = Scanner(".status %s\n")
_RESOLVE = Scanner("resolve %s")
_RUN = Scanner("Run OnSuccess=%d OnFailure=%d AbortOnError=%d When=%d Command=%s", limit=None)
_OBJECT_PLUGIN = Scanner("restoreobject JobId=%u %d,%d,%d,%d,%d,%d,%s", limit=None)
_OBJECT = Scanner("restoreobject JobId=%u %d,%d,%d,%d,%d,%d\n")
_PLUGIN_OPTIONS = Scanner("pluginoptions %s", limit=None)
_SESSION = Scanner("session %127s %ld %ld %ld %ld %ld %ld\n")

_LEADING_DIGITS = re.compile(rb"\d{0,20}")
_VERIFY_LEVELS = {
    b"init": JobLevel.VERIFY_INIT,
    b"catalog": JobLevel.VERIFY_CATALOG,
    b"volume": JobLevel.VERIFY_VOLUME,
    b"data": JobLevel.VERIFY_DATA,
    b"disk_to_catalog": JobLevel.VERIFY_DISK,
}


def _number(value: int | bytes) -> int:
    assert isinstance(value, int)
    return value


def _bytes(value: int | bytes) -> bytes:
    assert isinstance(value, bytes)
    return value


def _numbers(values: tuple[int | bytes, ...]) -> list[int]:
    return [_number(value) for value in values]


def _job(line: bytes) -> Command:
    values = _JOB_SSL.scan(line) or _JOB.scan(line)
    if values is None:
        raise CommandError(reply=replies.BAD_JOB, fatal=b"Bad Job Command: %b\n" % line)
    job_id, job, session_id, session_time, key, *policy = values
    return c.JobInfo(
        job_id=_number(job_id),
        job=_bytes(job),
        session_id=_number(session_id),
        session_time=_number(session_time),
        authorization=_bytes(key),
        tls_policy=_number(policy[0]) if policy else None,
    )


def _level(line: bytes) -> Command:
    values = _LEVEL.scan(line)
    word = _bytes(values[0]) if values else b""
    if word == b"since_utime":
        return _since(line)
    if word == b"base":
        level = JobLevel.BASE
    elif word == b"full":
        level = JobLevel.FULL
    elif b"differential" in word:
        level = JobLevel.DIFFERENTIAL
    elif b"incremental" in word:
        level = JobLevel.INCREMENTAL
    else:
        raise CommandError(fatal=b"Unknown backup level: %b\n" % word)
    rerunning = line[len(CommandName.LEVEL.value) :].split()[1:2] == [b"rerunning"]
    return c.Level(level, accurate=b"accurate" in word, rerunning=rerunning)


def _since(line: bytes) -> Command:
    values = _SINCE_JOB.scan(line) or _SINCE.scan(line)
    if values is None:
        raise CommandError(fatal=b"Bad level command: %b\n" % line)
    digits = _LEADING_DIGITS.match(_bytes(values[0]))
    since = int(digits.group() or b"0") if digits is not None else 0
    previous = _bytes(values[2]) if len(values) == 3 else b""
    return c.SinceLevel(since, _number(values[1]), previous, line)


def _accurate(line: bytes) -> Command:
    values = _ACCURATE.scan(line)
    if values is None:
        raise CommandError(reply=replies.BAD_ACCURATE)
    return c.AccurateStart(_number(values[0]))


def _backup(line: bytes) -> Command:
    values = _BACKUP.scan(line)
    return c.Backup(None if values is None else _number(values[0]))


def _restore(line: bytes) -> Command:
    for scanner in (_WHERE, _REGEX_WHERE):
        values = scanner.scan(line)
        if values is None:
            continue
        replace = _bytes(values[0]).decode("latin-1")
        place = unbash(_bytes(values[2]))
        if scanner is _REGEX_WHERE:
            return c.Restore(replace, bool(values[1]), regex_where=place)
        return c.Restore(replace, bool(values[1]), where=b"" if place == b"/" else place)
    raise CommandError(fatal=b"Bad replace command. CMD=%b\n" % line)


def _verify(line: bytes) -> Command:
    values = _VERIFY.scan(line)
    if values is None:
        raise CommandError(reply=replies.bad_verify_command(line))
    level = _VERIFY_LEVELS.get(_bytes(values[0]).lower())
    if level is None:
        raise CommandError(reply=replies.bad_verify_level(line))
    return c.Verify(level)


def _estimate(line: bytes) -> Command:
    values = _ESTIMATE.scan(line)
    if values is None:
        raise CommandError(reply=replies.BAD_ESTIMATE, fatal=b"Bad estimate command: %b\n" % line)
    return c.Estimate(bool(values[0]))


def _storage(line: bytes) -> Command:
    values = _STORAGE_KEY.scan(line) or _STORAGE.scan(line)
    if values is None:
        raise CommandError(reply=replies.BAD_STORAGE, fatal=b"Bad storage command: %b\n" % line)
    address, port, policy, *key = values
    authorization = _bytes(key[0]) if key else None
    return c.Storage(_bytes(address), _number(port), _number(policy), authorization)


def _set_authorization(line: bytes) -> Command:
    values = _AUTHORIZATION.scan(line)
    if values is None:
        raise CommandError(reply=replies.BAD_AUTHORIZATION)
    return c.SetAuthorization(_bytes(values[0]))


def _cancel(line: bytes) -> Command:
    values = _CANCEL.scan(line)
    if values is None:
        raise CommandError(reply=replies.BAD_CANCEL, end_of_data=True, goes_on=True)
    return c.Cancel(_bytes(values[0]))


def _set_debug(line: bytes) -> Command:
    if (values := _DEBUG_2.scan(line)) is not None:
        level, trace, hangup, timestamp = _numbers(values)
        return c.SetDebug(level, trace, hangup, timestamp)
    if (values := _DEBUG_1.scan(line)) is not None:
        level, trace, hangup = _numbers(values)
        return c.SetDebug(level, trace, hangup, None)
    if (values := _DEBUG_0.scan(line)) is not None:
        level, trace = _numbers(values)
        return c.SetDebug(level, trace, -1, None)
    raise CommandError(reply=replies.bad_set_debug(line))


def _set_bandwidth(line: bytes) -> Command:
    values = _BANDWIDTH.scan(line)
    if values is None or _number(values[0]) < 0:
        raise CommandError(reply=replies.bad_set_bandwidth(line))
    return c.SetBandwidth(_number(values[0]), _bytes(values[1]))


def _dot_status(line: bytes) -> Command:
    values = _DOT_STATUS.scan(line)
    word = unbash(_bytes(values[0])) if values else b""
    for known in StatusWord:
        exact = known in (StatusWord.CURRENT, StatusWord.LAST)
        if (word if exact else word.lower()) == known.value.encode():
            return c.DotStatus(known)
    raise CommandError(reply=replies.BAD_STATUS, fatal=b"Bad .status command: %b\n" % line, end_of_data=True)


def _resolve(line: bytes) -> Command:
    values = _RESOLVE.scan(line)
    return c.Resolve(_bytes(values[0]) if values else b"")


def _run(line: bytes) -> Command:
    values = _RUN.scan(line)
    if values is None:
        raise CommandError(reply=replies.FAILED_RUN_SCRIPT, fatal=b"Bad RunScript command: %b\n" % line)
    success, failure, abort, when = _numbers(values[:4])
    return c.RunScript(bool(success), bool(failure), bool(abort), when, unbash(_bytes(values[4])))


def _restore_object(line: bytes) -> Command:
    if line == b"restoreobject end\n":
        return c.RestoreObjectEnd()
    values = _OBJECT_PLUGIN.scan(line) or _OBJECT.scan(line)
    if values is None:
        raise CommandError(reply=replies.BAD_RESTORE_OBJECT, fatal=b"Bad RestoreObject command: %b\n" % line)
    job_id, size, full_size, index, kind, compression, file_index = _numbers(values[:7])
    plugin = unbash(_bytes(values[7])) if len(values) == 8 else b""
    return c.RestoreObjectHeader(job_id, size, full_size, index, kind, compression, file_index, plugin)


def _plugin_options(line: bytes) -> Command:
    values = _PLUGIN_OPTIONS.scan(line)
    return c.PluginOptions(unbash(_bytes(values[0])) if values else b"")


def _session(line: bytes) -> Command:
    values = _SESSION.scan(line)
    if values is None:
        raise CommandError(fatal=b"Bad session command: %b\n" % line)
    return c.SessionCommand(_bytes(values[0]), *_numbers(values[1:]))


_PARSERS: dict[CommandName, Callable[[bytes], Command]] = {
    CommandName.ACCURATE: _accurate,
    CommandName.BACKUP: _backup,
    CommandName.BOOTSTRAP: lambda line: c.Bootstrap(),
    CommandName.CANCEL: _cancel,
    CommandName.ENDRESTORE: lambda line: c.EndRestore(),
    CommandName.ESTIMATE: _estimate,
    CommandName.FILESET: lambda line: c.FilesetStart(b"vss=1" in line),
    CommandName.JOB: _job,
    CommandName.LEVEL: _level,
    CommandName.PLUGINOPTIONS: _plugin_options,
    CommandName.RUNBEFORENOW: lambda line: c.RunBeforeNow(),
    CommandName.RUN: _run,
    CommandName.RESTOREOBJECT: _restore_object,
    CommandName.RESTORE: _restore,
    CommandName.RESOLVE: _resolve,
    CommandName.SECUREERASE: lambda line: c.GetSecureErase(),
    CommandName.SESSION: _session,
    CommandName.SETAUTHORIZATION: _set_authorization,
    CommandName.SETBANDWIDTH: _set_bandwidth,
    CommandName.SETDEBUG: _set_debug,
    CommandName.STATUS: lambda line: c.Status(),
    CommandName.DOTSTATUS: _dot_status,
    CommandName.STORAGE: _storage,
    CommandName.VERIFY: _verify,
}

"""What a Director says in which order (protocol/07 §3, protocol/02 §2), reply by reply as strictly as the
real one. No state of its own.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import assert_never

from fdpeers.director import DirectorSession, JobEnd
from fdpeers.errors import Unexpected
from fdpeers.link import EOD, MAX_PAYLOAD
from fdpeers.names import Job

Connect = Callable[[], Awaitable[None]]
"""Has the Storage peer dial the File Daemon; returns when it has authenticated."""


class Level(Enum):
    """Backup levels; the value is the letter on labels and in catalogs."""

    FULL = "F"
    DIFFERENTIAL = "D"
    INCREMENTAL = "I"


@dataclass(frozen=True, slots=True)
class StorageAddress:
    """Where the File Daemon finds the Storage daemon, and whether it shall use TLS there."""

    host: str
    port: int
    tls: bool


@dataclass(frozen=True, slots=True)
class Since:
    """The job that an incremental or differential job builds on: its start (seconds since 1970) and unique
    name.
    """

    start: int
    job: bytes


@dataclass(frozen=True, slots=True)
class BackupPlan:
    """A backup. `fileset` holds the lines between `fileset` and end of data; `accurate` is the list, or
    None without.

    `scripts` are whole `Run …` commands; `storage` is None for a passive client.
    """

    fileset: Sequence[bytes]
    storage: StorageAddress | None
    level: Level = Level.FULL
    since: Since | None = None
    accurate: Sequence[bytes] | None = None
    scripts: Sequence[bytes] = ()
    bandwidth: int = 0
    first_index: int = 0


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """A restore below `where` (or renamed by `regexwhere`). `replace` is one of a w n v (always, if newer,
    never, if older).
    """

    storage: StorageAddress | None
    where: bytes = b""
    regexwhere: bytes = b""
    replace: str = "a"
    prefix_links: bool = False
    scripts: Sequence[bytes] = ()


class VerifyLevel(Enum):
    """Verify levels with their word on the wire; `data` never works and is left out."""

    INIT = b"init"
    CATALOG = b"catalog"
    DISK_TO_CATALOG = b"disk_to_catalog"
    VOLUME = b"volume"


@dataclass(frozen=True, slots=True)
class VerifyPlan:
    """A verify job; `storage` only for the volume level of an active client."""

    fileset: Sequence[bytes]
    level: VerifyLevel
    storage: StorageAddress | None = None
    scripts: Sequence[bytes] = ()


def policy(tls: bool) -> int:
    """The number after `ssl=`."""
    return 4 if tls else 0


def bash(text: bytes) -> bytes:
    """Blanks become 0x01."""
    return text.replace(b" ", b"\x01")


async def introduce(session: DirectorSession, job: Job, *, tls: bool) -> bytes:
    """The JobId command; gives the client's version text. Clear Directors leave `ssl=` out, as recorded."""
    line = b"JobId=%d Job=%s SDid=%d SDtime=%d Authorization=%s" % (
        job.job_id,
        job.name,
        job.session_id,
        job.session_time,
        job.key,
    )
    await session.send(line + (b" ssl=4\n" if tls else b"\n"))
    return await session.expect_prefix(b"2000 OK Job ")


async def send_level(session: DirectorSession, plan: BackupPlan) -> None:
    """Level, and for a job on top of another one the clock exchange, whose BTIME questions the session
    answers.
    """
    accurate = b"accurate_" if plan.accurate is not None else b""
    match plan.level:
        case Level.FULL:
            await session.send(b"level = full  mtime_only=0 \n")
        case Level.DIFFERENTIAL | Level.INCREMENTAL:
            word = b"differential" if plan.level is Level.DIFFERENTIAL else b"incremental"
            if plan.since is None:
                raise ValueError(f"a {word.decode()} job needs the job before it")
            await session.send(b"level = %s%s  mtime_only=0 \n" % (accurate, word))
            await session.send(
                b"level = since_utime %d mtime_only=0 prev_job=%s\n" % (plan.since.start, plan.since.job)
            )
            await session.expect_signal(EOD)
        case _:
            assert_never(plan.level)
    await session.expect(b"2000 OK level\n")


async def send_fileset(session: DirectorSession, lines: Iterable[bytes]) -> None:
    """The file set, line by line."""
    await session.send(b"fileset vss=1\n")
    for line in lines:
        await session.send(line)
    await session.send_signal(EOD)
    await session.expect(b"2000 OK include\n")


async def send_scripts(session: DirectorSession, scripts: Sequence[bytes]) -> None:
    """Run scripts, if there are any, and wait for those that run before the job."""
    for script in scripts:
        await session.send(script)
        await session.expect(b"2000 OK RunScript\n")
    if scripts:
        await session.send(b"RunBeforeNow\n")
        await session.expect(b"2000 OK RunBeforeNow\n")


async def send_accurate(session: DirectorSession, entries: Sequence[bytes]) -> None:
    """The list of files known from earlier jobs; there is no reply to it."""
    await session.send(b"accurate files=%d\n" % len(entries))
    batch = bytearray()
    for entry in entries:
        if len(entry) > MAX_PAYLOAD:
            raise ValueError("accurate entry too long")
        batch += len(entry).to_bytes(4, "big") + entry
        if len(batch) > 1 << 18:
            await session.link.send_wire(batch)
            batch = bytearray()
    await session.link.send_wire(batch)
    await session.send_signal(EOD)


async def send_storage(session: DirectorSession, storage: StorageAddress, key: bytes | None) -> None:
    """Have the File Daemon connect to the Storage daemon; the reply comes only after it has authenticated
    there.
    """
    line = b"storage address=%s port=%d ssl=%d" % (storage.host.encode(), storage.port, policy(storage.tls))
    await session.send(line + (b"\n" if key is None else b" Authorization=%s\n" % key))
    await session.expect(b"2000 OK storage\n")


async def ask_secure_erase(session: DirectorSession) -> bytes:
    """`getSecureEraseCmd`; gives the configured command or `*None*`."""
    await session.send(b"getSecureEraseCmd\n")
    return (await session.expect_prefix(b"2000 OK FDSecureEraseCmd ")).rstrip(b"\n")


async def start_backup(
    session: DirectorSession, job: Job, plan: BackupPlan, *, tls: bool, connect_storage: Connect | None = None
) -> None:
    """Everything up to and with `2000 OK backup`. `connect_storage` has the Storage peer dial a passive
    client.
    """
    await introduce(session, job, tls=tls)
    await send_level(session, plan)
    await send_fileset(session, plan.fileset)
    await ask_secure_erase(session)
    if plan.bandwidth:
        await session.send(b"setbandwidth=%d Job=%s\n" % (plan.bandwidth, job.name))
        await session.expect(b"2000 OK Bandwidth\n")
    await send_scripts(session, plan.scripts)
    if plan.accurate is not None:
        await send_accurate(session, plan.accurate)
    if plan.storage is not None:
        await send_storage(session, plan.storage, None)
    if connect_storage is not None:
        await connect_storage()
    await session.send(b"backup FileIndex=%d\n" % plan.first_index)
    await session.expect(b"2000 OK backup\n")


async def backup(
    session: DirectorSession, job: Job, plan: BackupPlan, *, tls: bool, connect_storage: Connect | None = None
) -> JobEnd:
    """A whole backup. Raises Unexpected where a real Director would fail the job."""
    await start_backup(session, job, plan, tls=tls, connect_storage=connect_storage)
    return await session.job_end()


async def restore(
    session: DirectorSession,
    job: Job,
    plan: RestorePlan,
    *,
    tls: bool,
    connect_storage: Connect | None = None,
) -> JobEnd:
    """A whole restore from one storage. For a passive client `connect_storage` has the Storage peer dial
    it.
    """
    await introduce(session, job, tls=tls)
    await ask_secure_erase(session)
    if plan.storage is not None:
        await send_storage(session, plan.storage, job.key)
    else:
        await session.send(b"setauthorization Authorization=%s\n" % job.key)
        await session.expect(b"2000 OK Authorization\n")
        if connect_storage is not None:
            await connect_storage()
    await send_scripts(session, plan.scripts)
    target = b"regexwhere=%s" % bash(plan.regexwhere) if plan.regexwhere else b"where=%s" % bash(plan.where)
    await session.send(
        b"restore replace=%s prelinks=%d %s\n" % (plan.replace.encode(), plan.prefix_links, target)
    )
    await session.expect(b"2000 OK restore\n")
    await session.expect(b"2000 OK storage end\n")
    await session.send(b"endrestore")
    return await session.job_end()


async def verify(
    session: DirectorSession, job: Job, plan: VerifyPlan, on_packet: Callable[[bytes], object], *, tls: bool
) -> JobEnd:
    """A whole verify job; every packet about a file goes to `on_packet`. Raises Unexpected."""
    if plan.level is VerifyLevel.VOLUME:
        await introduce(session, job, tls=tls)
    else:
        await session.send(
            b"JobId=%d Job=%s SDid=0 SDtime=0 Authorization=dummy ssl=254\n" % (job.job_id, job.name)
        )
        await session.expect_prefix(b"2000 OK Job ")
    await send_fileset(session, plan.fileset)
    if plan.storage is not None:
        # A real Director has forgotten the key by now: the File Daemon must keep the one it got first.
        await send_storage(session, plan.storage, b"")
    await send_scripts(session, plan.scripts)
    await session.send(b"verify level=%s\n" % plan.level.value)
    await session.expect(b"2000 OK verify\n")
    while isinstance(got := await session.reply(), bytes):
        if got.startswith(b"2800 End Job "):
            raise Unexpected("end of data before the end of the job", got)
        on_packet(got)
    if got != EOD:
        raise Unexpected("end of data", got)
    return await session.job_end()


async def estimate(
    session: DirectorSession, job: Job, plan: BackupPlan, *, tls: bool, listing: bool = False
) -> bytes:
    """The text of an estimate, the closing `2000 OK estimate …` line included. `job` has JobId 0 and the
    key `dummy`.
    """
    await introduce(session, job, tls=tls)
    await send_level(session, plan)
    await send_fileset(session, plan.fileset)
    if plan.accurate is not None:
        await send_accurate(session, plan.accurate)
    await session.send(b"estimate listing=%d\n" % listing)
    return await session.text()


async def status(session: DirectorSession, word: str = "") -> bytes:
    """`status`, or `.status` with a word (header, running, terminated …)."""
    await session.send(b".status %s" % word.encode() if word else b"status")
    return await session.text()


async def cancel(session: DirectorSession, job: bytes) -> bytes:
    """Cancel a running job by its unique name; gives the reply."""
    await session.send(b"cancel Job=%s\n" % job)
    return await session.text()


async def one_line(session: DirectorSession, command: bytes) -> bytes:
    """A console command with a single reply: `setdebug=…`, `setbandwidth=…`."""
    await session.send(command)
    reply = await session.reply()
    if isinstance(reply, int):
        raise Unexpected("a reply line", reply)
    return reply

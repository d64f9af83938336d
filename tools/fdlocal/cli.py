"""The command `fdlocal`. Exit status: 0 done; 1 done, but some files had errors; 2 wrong command line or
repository; 3 the job failed;
4 a comparison or verify found differences; 130 interrupted."""

import argparse
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

import trio
from rich.console import Console

from fdlocal import listing
from fdlocal.access import Access, Watch
from fdlocal.backup import LEVELS, back_up
from fdlocal.daemon import file_daemon
from fdlocal.demo import demo
from fdlocal.display import live, report
from fdlocal.errors import JobError, LocalError, UsageError
from fdlocal.options import COMPRESSIONS, DIGESTS, BackupOptions
from fdlocal.outcome import ExitCode, Outcome
from fdlocal.repository import Repository, open_repository
from fdlocal.restore import REPLACE, restore
from fdlocal.verify import AGAINST, verify

Work = Callable[[Access, Repository, Watch], Awaitable[Outcome]]


def parser() -> argparse.ArgumentParser:
    """The command line."""
    main_parser = argparse.ArgumentParser(prog="fdlocal", description=__doc__)
    commands = main_parser.add_subparsers(dest="command", required=True)

    command = commands.add_parser("backup", help="back up paths into a repository, made if it is not there")
    command.add_argument("paths", nargs="+", metavar="PATH")
    command.add_argument("--to", required=True, type=Path, metavar="DIR", help="the repository")
    command.add_argument("--level", default="auto", choices=["auto", *LEVELS])
    command.add_argument(
        "--name", default="backup", help="name of the job; levels build on jobs of the same name"
    )
    command.add_argument("--exclude", action="append", default=[], metavar="PATTERN")
    command.add_argument("--digest", default="xxh128", choices=list(DIGESTS))
    command.add_argument("--compress", default="none", choices=list(COMPRESSIONS), metavar="ALGORITHM")
    command.add_argument("--sparse", action="store_true", help="leave runs of zeros out of sparse files")
    command.add_argument(
        "--cross-file-systems", action="store_true", help="go into mounted file systems below PATH"
    )
    command.set_defaults(action=_backup)
    _common(command)

    command = commands.add_parser("list", help="list the jobs of a repository, or the files of a backup")
    command.add_argument(
        "--from", dest="repository", required=True, type=Path, metavar="DIR", help="the repository"
    )
    command.add_argument("--job", type=int, metavar="N", help="show the messages and volumes of this job")
    command.add_argument("--files", action="store_true", help="show the files as they were after the job")
    command.set_defaults(action=_list)

    command = commands.add_parser("restore", help="restore a backup, or some of its paths, below a directory")
    command.add_argument(
        "paths", nargs="*", metavar="PATH", help="absolute, as backed up; everything without"
    )
    command.add_argument(
        "--from", dest="repository", required=True, type=Path, metavar="DIR", help="the repository"
    )
    command.add_argument("--to", required=True, type=Path, metavar="DIR", help="`/` restores in place")
    command.add_argument("--job", type=int, metavar="N", help="the state after this job; default the newest")
    command.add_argument("--replace", default="always", choices=list(REPLACE))
    command.set_defaults(action=_restore)
    _common(command)

    command = commands.add_parser("verify", help="compare a backup's volume, or the disk, with the catalog")
    command.add_argument(
        "--from", dest="repository", required=True, type=Path, metavar="DIR", help="the repository"
    )
    command.add_argument("--job", type=int, metavar="N", help="this backup; default the newest")
    command.add_argument("--against", default="volume", choices=list(AGAINST))
    command.set_defaults(action=_verify)
    _common(command)

    command = commands.add_parser(
        "demo", help="back up a directory, restore it elsewhere, and compare the two"
    )
    command.add_argument("path", nargs="?", type=Path, default=Path(), help="default: the working directory")
    command.set_defaults(action=_demo)
    _common(command)
    return main_parser


def _common(command: argparse.ArgumentParser) -> None:
    command.add_argument("--no-tls", action="store_true", help="no TLS between the daemons of this program")
    command.add_argument(
        "--states", action="store_true", help="show the paths through the daemon's state charts"
    )
    command.add_argument(
        "--quiet", action="store_true", help="no display, and a report only when something went wrong"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; gives the exit status."""
    options = parser().parse_args(argv)
    console = Console(quiet=getattr(options, "quiet", False), highlight=False)
    try:
        return int(options.action(options, console))
    except UsageError as error:
        print(f"fdlocal: {error}", file=sys.stderr)
        return ExitCode.USAGE
    except LocalError as error:
        print(f"fdlocal: {error}", file=sys.stderr)
        return ExitCode.FAILED


def _backup(options: argparse.Namespace, console: Console) -> ExitCode:
    wanted = BackupOptions(
        paths=tuple(_existing(path) for path in options.paths),
        excludes=tuple(os.fsencode(pattern) for pattern in options.exclude),
        digest=options.digest,
        compression=options.compress,
        sparse=options.sparse,
        cross_file_systems=options.cross_file_systems,
    )

    async def work(access: Access, repository: Repository, watch: Watch) -> Outcome:
        return await back_up(access, repository, wanted, watch, base=options.name, level=options.level)

    with open_repository(options.to, create=True) as repository:
        return _run(options, console, repository, "backing up", work)


def _restore(options: argparse.Namespace, console: Console) -> ExitCode:
    names = [os.path.normpath(os.fsencode(path)) for path in options.paths]
    target = options.to.absolute()

    async def work(access: Access, repository: Repository, watch: Watch) -> Outcome:
        return await restore(
            access,
            repository,
            watch,
            target=target,
            names=names,
            job_id=options.job,
            replace_files=options.replace,
        )

    with open_repository(options.repository) as repository:
        return _run(options, console, repository, "restoring", work)


def _verify(options: argparse.Namespace, console: Console) -> ExitCode:
    async def work(access: Access, repository: Repository, watch: Watch) -> Outcome:
        return await verify(access, repository, watch, job_id=options.job, against=options.against)

    with open_repository(options.repository) as repository:
        return _run(options, console, repository, "verifying", work)


def _list(options: argparse.Namespace, console: Console) -> ExitCode:
    with open_repository(options.repository) as repository:
        if options.files:
            listing.files(repository, console, options.job)
        elif options.job is not None:
            listing.job(repository, console, options.job)
        else:
            listing.jobs(repository, console)
    return ExitCode.DONE


def _demo(options: argparse.Namespace, console: Console) -> ExitCode:
    path = _existing(str(options.path))
    return run_trio(partial(demo, Path(os.fsdecode(path)), console, tls=not options.no_tls))


def _existing(path: str) -> bytes:
    absolute = os.path.abspath(os.fsencode(path))
    if not os.path.lexists(absolute):
        raise UsageError(f"{path} does not exist")
    return absolute


def _run(
    options: argparse.Namespace, console: Console, repository: Repository, title: str, work: Work
) -> ExitCode:
    """One job under the display; SIGINT and SIGTERM cancel it in order."""
    outcome = run_trio(partial(_job, repository, Watch(title), console, work, tls=not options.no_tls))
    if options.quiet and outcome.exit_code is not ExitCode.DONE:
        console = Console(stderr=True, highlight=False)
    report(outcome, console, states=options.states)
    return outcome.exit_code


async def _job(repository: Repository, watch: Watch, console: Console, work: Work, *, tls: bool) -> Outcome:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_cancel_on_signal, watch)
        async with file_daemon(tls=tls) as access, live(watch, console):
            outcome = await work(access, repository, watch)
        nursery.cancel_scope.cancel()
    return outcome


async def _cancel_on_signal(watch: Watch) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            watch.canceled.set()


def run_trio[Result](work: Callable[[], Awaitable[Result]]) -> Result:
    """`trio.run`, with the one error of ours that comes out of nested nurseries unwrapped."""
    try:
        return trio.run(work)
    except BaseExceptionGroup as group:
        ours = group.subgroup(LocalError)
        if ours is None or group.subgroup(
            lambda error: not isinstance(error, LocalError | BaseExceptionGroup)
        ):
            raise
        error: BaseException = ours
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None


__all__ = ["JobError", "main", "parser"]

"""Makes what a restored attributes record describes, of every file type, inside a target. Writes no content.

Rules and texts: protocol/04 section 8.3; core/src/findlib/create_file.cc. Better than C++: device nodes are made,
and a file is created only where nothing is (O_EXCL), so nobody can slip a link under it.
"""

import errno
import os
import stat
import time
from collections.abc import Callable
from enum import Enum

from fdaemon.errors import FileProblem
from fdaemon.fs.apply import Attributes, nanoseconds, remove
from fdaemon.fs.extended import error_text
from fdaemon.fs.problem import Problem, Severity
from fdaemon.fs.target import Directory, Target
from fdaemon.wire.attributes import FileType
from fdaemon.wire.restored import RestoredFile

NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
READER_SECONDS = 60
"""How long a pipe waits for its reader (core/src/findlib/create_file.cc: StartThreadTimer)."""
POLL_SECONDS = 0.1


class Made(Enum):
    """What became of a record when no content follows."""

    SKIPPED = "skipped"
    FAILED = "failed"
    CREATED = "created"


type Tell = Callable[[Problem], None]
type Erase = Callable[[int, bytes, bytes], None]
"""Called with directory descriptor, name and the whole path for messages before a file is removed."""

_NOT_SAVED = frozenset(range(FileType.NOACCESS, FileType.NOOPEN + 1))


class Creator:
    """Creates files. `replace` is the letter of the restore command (a, w, n, o; others count as a).

    After `create`, `directory` and `name` say where the file is (name empty: the directory itself); both are
    valid until the next call. `tell` gets the messages that do not end in an exception.
    """

    def __init__(
        self,
        target: Target,
        replace: str,
        tell: Tell,
        *,
        check_cancelled: Callable[[], None] = lambda: None,
        erase: Erase | None = None,
    ) -> None:
        self.attributes = Attributes()
        self.directory: Directory | None = None
        self.name = b""
        self._target = target
        self._replace = replace
        self._careful = replace in "wno"
        self._tell = tell
        self._check_cancelled = check_cancelled
        self._erase = erase

    def create(
        self, item: RestoredFile, below: bytes, shown: bytes, link: bytes, source: bytes = b""
    ) -> int | Made:
        """Make one file: a descriptor to write its content to, or what became of it.

        `below` is its name below the target's root, `shown` the whole output name for messages, `link` what a
        symbolic link points to or a hard link's whole first name, `source` that name below the root. Raises
        FileProblem.
        """
        kind = item.type
        if kind == FileType.REG or kind == FileType.REGE:
            return self._regular(item, below, shown)
        if kind in (FileType.DIREND, FileType.DIRBEGIN, FileType.REPARSE):
            return self._make_directory(item, below, shown)
        if kind in (FileType.LNK, FileType.LNKSAVED, FileType.SPEC, FileType.RAW, FileType.FIFO):
            return self._other(item, below, shown, link, source)
        if kind == FileType.JUNCTION:
            self._target.directory(below.rstrip(b"/").rpartition(b"/")[0])
            return Made.CREATED
        if kind == FileType.DELETED:
            text = b"Original file %b have been deleted: type=%d\n" % (item.name, kind)
            self._tell(Problem(Severity.INFO, text))
            return Made.FAILED
        if kind in _NOT_SAVED:
            raise FileProblem(b"Original file %b not saved: type=%d\n" % (item.name, kind))
        raise FileProblem(b"Unknown file type %d; not restored: %b\n" % (kind, item.name))

    def _place(self, item: RestoredFile, below: bytes, shown: bytes) -> tuple[Directory, bytes]:
        head, _, name = below.rpartition(b"/")
        if not name:
            raise FileProblem(b"Zero length filename: %b\n" % item.name)
        if name == b"." or name == b"..":
            raise FileProblem(b"Refused to restore %b: its name is no file name.\n" % shown)
        directory = self.directory = self._target.directory(head)
        self.name = name
        directory.touched = True
        return directory, name

    def _regular(self, item: RestoredFile, below: bytes, shown: bytes) -> int | Made:
        directory, name = self._place(item, below, shown)
        if self._careful and self._keep(_stat(directory, name), item, shown):
            return Made.SKIPPED
        try:
            return os.open(name, NEW_FILE, 0, dir_fd=directory.fd)
        except FileExistsError:
            pass
        except OSError as error:
            raise _failed(b"Could not create %b", shown, error) from None
        self._clear(directory, name, shown)
        try:
            return os.open(name, NEW_FILE, 0, dir_fd=directory.fd)
        except OSError as error:
            raise _failed(b"Could not create %b", shown, error) from None

    def _keep(self, existing: os.stat_result | None, item: RestoredFile, shown: bytes) -> bool:
        """True when the replace rule leaves the existing file alone (told as information)."""
        if existing is None:
            return False
        seconds = existing.st_mtime_ns // 1_000_000_000
        if self._replace == "n":
            reason = b"Already exists"
        elif self._replace == "w" and item.mtime <= seconds:
            reason = b"Not newer"
        elif self._replace == "o" and item.mtime >= seconds:
            reason = b"Not older"
        else:
            return False
        self._tell(Problem(Severity.INFO, b"File skipped. %b: %b\n" % (reason, shown)))
        return True

    def _clear(self, directory: Directory, name: bytes, shown: bytes) -> None:
        """Get rid of what is in the way. A failure is told; the creation after it then fails by itself."""
        try:
            if self._erase is not None:
                self._erase(directory.fd, name, shown)
            remove(directory.fd, name)
        except OSError as error:
            text = b"File %b already exists and could not be replaced. ERR=%b.\n" % (shown, error_text(error))
            self._tell(Problem(Severity.ERROR, text))

    def _make_directory(self, item: RestoredFile, below: bytes, shown: bytes) -> Made:
        path = below.rstrip(b"/")
        if self._careful:
            existing = self._target.exists(path)
            ident = (existing.st_dev, existing.st_ino) if existing is not None else None
            if not self._target.was_created(ident) and self._keep(existing, item, shown):
                return Made.SKIPPED
        directory = self._target.directory(path, (item.uid, item.gid, item.mode))
        self.attributes.set_open(directory.fd, item, shown)
        self._target.finish(directory, nanoseconds(item))
        self.directory, self.name = directory, b""
        return Made.CREATED

    def _other(
        self, item: RestoredFile, below: bytes, shown: bytes, link: bytes, source: bytes
    ) -> int | Made:
        directory, name = self._place(item, below, shown)
        existing = _stat(directory, name)
        if self._careful and self._keep(existing, item, shown):
            return Made.SKIPPED
        if existing is not None and item.type == FileType.LNKSAVED and self._is_linked(existing, source):
            return Made.CREATED
        if existing is not None and not self._stays(existing, item):
            self._clear(directory, name, shown)
            existing = None
        if item.type == FileType.LNK:
            self._symlink(directory, name, link, shown)
        elif item.type == FileType.LNKSAVED:
            self._hard_link(directory, name, source, shown, link)
            return (
                Made.CREATED
            )  # the inode has its attributes already; a second chown would drop capabilities
        elif item.type == FileType.RAW and not stat.S_ISFIFO(item.mode):
            return self._raw(directory, name, item, shown, missing=existing is None)
        elif stat.S_ISSOCK(item.mode) or not self._node(directory, name, item, shown, existing):
            return Made.CREATED
        elif item.type != FileType.SPEC:
            return self._pipe(directory, name, shown)
        self.attributes.set_named(directory.fd, name, item, shown)
        return Made.CREATED

    def _stays(self, existing: os.stat_result, item: RestoredFile) -> bool:
        """True for a node that is kept: the device or pipe that the record wants.

        Content of a raw device goes to the device only at its original location. Below a `where` directory the
        node may be one that the volume planted, so the content goes to a new regular file.
        """
        if stat.S_IFMT(existing.st_mode) != stat.S_IFMT(item.mode):
            return False
        if stat.S_ISFIFO(item.mode):
            return item.type in (FileType.RAW, FileType.FIFO)
        if item.type == FileType.RAW:
            return not self._target.confined
        return item.type == FileType.SPEC and existing.st_rdev == item.rdev

    def _symlink(self, directory: Directory, name: bytes, link: bytes, shown: bytes) -> None:
        try:
            os.symlink(link, name, dir_fd=directory.fd)
            if not self._target.confined:
                self._target.note_link(os.stat(name, dir_fd=directory.fd, follow_symlinks=False))
        except OSError as error:
            text = b"Could not symlink %b -> %b: ERR=%b\n" % (shown, link, error_text(error))
            raise FileProblem(text) from None

    def _is_linked(self, existing: os.stat_result, source: bytes) -> bool:
        """True when the file in the way is the one to link to already; to clear the way could be to lose it.

        So it is where the backup stripped two names of an inode to the same one.
        """
        head, _, first = source.rpartition(b"/")
        if first in (b"", b".", b".."):
            return False
        try:
            found = _stat(self._target.directory(head, make=False), first)
        except OSError:
            return False
        return found is not None and os.path.samestat(found, existing)

    def _hard_link(self, directory: Directory, name: bytes, source: bytes, shown: bytes, link: bytes) -> None:
        head, _, first = source.rpartition(b"/")
        try:
            if first in (b"", b".", b".."):
                raise FileNotFoundError(errno.ENOENT, "")
            found = self._target.directory(head, make=False)
            os.link(first, name, src_dir_fd=found.fd, dst_dir_fd=directory.fd, follow_symlinks=False)
        except OSError as error:
            text = b"Could not hard link %b -> %b: ERR=%b\n" % (shown, link, error_text(error))
            raise FileProblem(text) from None

    def _node(
        self,
        directory: Directory,
        name: bytes,
        item: RestoredFile,
        shown: bytes,
        existing: os.stat_result | None,
    ) -> bool:
        """Make a pipe or device node unless it is there; False when there is nothing to give attributes to."""
        if existing is not None:
            return True
        pipe = stat.S_ISFIFO(item.mode)
        try:
            if pipe:
                os.mkfifo(name, 0o600, dir_fd=directory.fd)
            else:
                os.mknod(name, stat.S_IFMT(item.mode) | 0o600, item.rdev, dir_fd=directory.fd)
        except (OSError, OverflowError) as error:
            reason = error_text(error) if isinstance(error, OSError) else b"Value out of range"
            what = b"Cannot make fifo" if pipe else b"Cannot make node"
            text = b"%b %b: ERR=%b\n" % (what, shown, reason)
            if pipe or not isinstance(error, PermissionError):
                raise FileProblem(text) from None
            self._tell(Problem(Severity.WARNING, text))  # C++ never makes devices, so this is no error for it
            return False
        return True

    def _raw(
        self, directory: Directory, name: bytes, item: RestoredFile, shown: bytes, *, missing: bool
    ) -> int:
        """Open a device for its content, or a new regular file where there is none."""
        if missing and shown == item.name:
            raise FileProblem(b"Device restore on root failed, device %b missing.\n" % item.name)
        flags = NEW_FILE if missing else os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            return os.open(name, flags, 0, dir_fd=directory.fd)
        except OSError as error:
            raise _failed(b"Could not open %b", shown, error) from None

    def _pipe(self, directory: Directory, name: bytes, shown: bytes) -> int:
        """Open a pipe for its content; a reader must come within a minute.

        The descriptor stays non-blocking: a reader that does not read must not keep a canceled job.
        """
        deadline = time.monotonic() + READER_SECONDS
        flags = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        while True:
            try:
                fd = os.open(name, flags, dir_fd=directory.fd)
            except OSError as error:
                if error.errno != errno.ENXIO or time.monotonic() > deadline:
                    raise _failed(b"Could not open %b", shown, error) from None
                self._check_cancelled()
                time.sleep(POLL_SECONDS)
                continue
            if not stat.S_ISFIFO(os.fstat(fd).st_mode):  # somebody has put another file in its place
                os.close(fd)
                raise _failed(b"Could not open %b", shown, OSError(errno.ENXIO, ""))
            return fd


def _stat(directory: Directory, name: bytes) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=directory.fd, follow_symlinks=False)
    except OSError:
        return None


def _failed(what: bytes, shown: bytes, error: OSError) -> FileProblem:
    return FileProblem(what % shown + b": ERR=%b\n" % error_text(error))

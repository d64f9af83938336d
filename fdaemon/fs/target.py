"""Where a restore puts its files: directories as descriptors, never reached through what the volume planted.

With a `where` directory the tree is *confined*: below it no symbolic link is passed and `..` is refused;
`where` itself belongs to the administrator and may be reached through links. Without it (original location) links
that were on disk before are the administrator's too and are followed, but never one that this job made.
Descriptors of recently used directories are kept, so that many files in one directory cost one resolution.
"""

import errno
import os
import stat
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field

from fdaemon.errors import FileProblem
from fdaemon.fs.beneath import DIRECTORY_FLAGS, Opener
from fdaemon.fs.extended import error_text

KEPT_OPEN = 64
"""Directory descriptors kept: more than a restored path is deep, far below the usual limit of 1024."""
MAX_LINKS = 40
"""Links passed in one path before it counts as a loop, as in the kernel."""

type Ident = tuple[int, int]


class Directory:
    """An open directory of the target.

    `times` (access and modification, nanoseconds) are set once its own record was restored: what is created
    in it afterwards must not leave a trace on them.
    """

    __slots__ = ("fd", "ident", "times", "touched")

    def __init__(self, fd: int, ident: Ident, times: tuple[int, int] | None) -> None:
        self.fd = fd
        self.ident = ident
        self.times = times
        self.touched = False

    def close(self) -> None:
        """Put the times back if something was created here meanwhile, and close."""
        if self.touched and self.times is not None:
            _stamp(self.fd, self.times)
        os.close(self.fd)


@dataclass(frozen=True, slots=True)
class Traces:
    """What one job made, by (st_dev, st_ino): directories, those that have their attributes, symbolic links."""

    created: set[Ident] = field(default_factory=set[Ident])
    finished: set[Ident] = field(default_factory=set[Ident])
    links: set[Ident] = field(default_factory=set[Ident])


class Target:
    """The directory tree that a restore writes to. `root` empty: the whole file system.

    Paths given to the methods are below the root; a leading `/` means nothing. Problems are FileProblem with
    the C++ text where there is one. `remember_created`: keep what `was_created` needs (replace = never).
    `earlier`: what passes of the same job over other storages made; this one adds to it.
    """

    def __init__(
        self,
        root: bytes,
        *,
        remember_created: bool = False,
        kept: int = KEPT_OPEN,
        earlier: Traces | None = None,
    ) -> None:
        self.confined = bool(root)
        self._root_path = root or b"/"
        self._root: Directory | None = None
        self._opener = Opener(confined=self.confined)
        self._open: OrderedDict[bytes, Directory] = OrderedDict()
        self._kept = kept
        self._remember_created = remember_created
        self._traces = Traces() if earlier is None else earlier

    def directory(
        self, path: bytes, owner: tuple[int, int, int] | None = None, *, make: bool = True
    ) -> Directory:
        """The directory `path`, made with its parents when missing.

        Valid until the next call. `owner`: user id, group id and mode for the parents that had to be made
        (protocol/04 section 8.8); without it they keep what mkdir gives them. Raises FileProblem, and without
        `make` FileNotFoundError.
        """
        found = self._open.get(path)
        if found is not None:
            self._open.move_to_end(path)
            return found
        if len(self._open) >= self._kept:
            self._open.popitem(last=False)[1].close()
        fd = self._resolve(path, owner, make=make)
        st = os.fstat(fd)
        ident = (st.st_dev, st.st_ino)
        times = (st.st_atime_ns, st.st_mtime_ns) if ident in self._traces.finished else None
        found = self._open[path] = Directory(fd, ident, times)
        return found

    def finish(self, directory: Directory, times: tuple[int, int]) -> None:
        """The directory's own attributes were set: keep its times from here on."""
        directory.times = times
        directory.touched = False
        self._traces.finished.add(directory.ident)

    def was_created(self, ident: Ident | None) -> bool:
        """True if this job made the directory with this (st_dev, st_ino)."""
        return ident in self._traces.created

    def exists(self, path: bytes) -> os.stat_result | None:
        """What is at `path`, its last part not followed, or None; nothing is made. Raises FileProblem."""
        head, _, tail = path.rpartition(b"/")
        try:
            fd = self._walk(head, make=False, owner=None)
        except FileNotFoundError:
            return None
        try:
            return os.stat(tail or b".", dir_fd=fd, follow_symlinks=False)
        except OSError:
            return None
        finally:
            os.close(fd)

    def note_link(self, st: os.stat_result) -> None:
        """This job made a symbolic link: it will not be followed."""
        if not self.confined:
            self._traces.links.add((st.st_dev, st.st_ino))

    def close(self) -> None:
        """Close all descriptors; times of finished directories are put back."""
        while self._open:
            self._open.popitem()[1].close()
        if self._root is not None:
            self._root.close()
            self._root = None

    def _root_fd(self) -> int:
        if self._root is None:
            try:
                os.makedirs(self._root_path, exist_ok=True)
                fd = os.open(self._root_path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            except OSError as error:
                raise _not_made(self._root_path, error) from None
            self._root = Directory(fd, (0, 0), None)
        return self._root.fd

    def _start(self, path: bytes) -> int:
        root = self._root_fd()
        try:
            return os.dup(root)
        except OSError as error:  # no descriptor is left
            raise _not_made(self._shown(path), error) from None

    def _resolve(self, path: bytes, owner: tuple[int, int, int] | None, *, make: bool) -> int:
        if self._opener.available and b".." not in path:
            try:
                fd = self._opener.open(self._root_fd(), path.strip(b"/") or b".")
            except OSError as error:
                raise _not_made(self._shown(path), error) from None
            if fd is not None:
                return fd
            parent, _, name = path.strip(b"/").rpartition(b"/")
            if make and parent and name not in (b"", b"."):
                fd = self._open_above(parent)
                if fd is not None:
                    return self._walk(path, make=make, owner=owner, start=fd, todo=[name])
        return self._walk(path, make=make, owner=owner)

    def _open_above(self, parent: bytes) -> int | None:
        """A descriptor of what a directory is to be made in, if no link is on the way: a long way then costs little."""
        try:
            return self._opener.open(self._root_fd(), parent)
        except OSError:
            return None  # the walk will say what is wrong

    def _shown(self, path: bytes) -> bytes:
        return self._root_path.rstrip(b"/") + b"/" + path.strip(b"/")

    def _walk(
        self,
        path: bytes,
        *,
        make: bool,
        owner: tuple[int, int, int] | None,
        start: int | None = None,
        todo: list[bytes] | None = None,
    ) -> int:
        """Go down component by component, links not followed unless they are the administrator's.

        From the root, or from the descriptor `start` (closed here) if only the components `todo` are left.
        """
        if todo is None:
            todo = [part for part in reversed(path.split(b"/")) if part and part != b"."]
        if self.confined and b".." in todo:
            raise _refused(self._shown(path), b"its name leaves the target directory")
        fd = self._start(path) if start is None else start
        links = unmade = 0
        try:
            while todo:
                part = todo.pop()
                unmade = max(0, unmade - 1)
                try:
                    below = os.open(part, DIRECTORY_FLAGS, dir_fd=fd)
                except FileNotFoundError:
                    if not make:
                        raise
                    if unmade:  # in the target of a dangling link: C++ cannot make that either
                        raise _not_made(self._shown(path), FileExistsError(errno.EEXIST, "")) from None
                    below = self._make(fd, part, owner, last=not todo, shown=self._shown(path))
                except OSError as error:
                    if error.errno not in (errno.ELOOP, errno.ENOTDIR):
                        raise _not_made(self._shown(path), error) from None
                    parts = self._follow(fd, part, self._shown(path))
                    links += 1
                    if links > MAX_LINKS:
                        raise _not_made(self._shown(path), OSError(errno.ELOOP, "")) from None
                    below = os.dup(fd if parts[0] else self._root_fd())
                    parts = [part for part in parts if part and part != b"."]
                    unmade += len(parts)
                    todo += reversed(parts)
                os.close(fd)
                fd = below
        except BaseException:
            os.close(fd)
            raise
        return fd

    def _follow(self, fd: int, part: bytes, shown: bytes) -> list[bytes]:
        """The components of the link `part`; the first is empty for an absolute one."""
        st = os.stat(part, dir_fd=fd, follow_symlinks=False)
        if not stat.S_ISLNK(st.st_mode):
            raise FileProblem(b"%b exists but is not a directory.\n" % shown)
        if self.confined or (st.st_dev, st.st_ino) in self._traces.links:
            raise _refused(shown, b"a symbolic link is in its path")
        return os.readlink(part, dir_fd=fd).split(b"/")

    def _make(
        self, fd: int, part: bytes, owner: tuple[int, int, int] | None, *, last: bool, shown: bytes
    ) -> int:
        """Make the directory `part` in `fd` and open it."""
        st = os.fstat(fd)
        try:
            os.mkdir(part, 0o777, dir_fd=fd)
            below = os.open(part, DIRECTORY_FLAGS, dir_fd=fd)
        except OSError as error:
            raise _not_made(shown, error) from None
        ident = (st.st_dev, st.st_ino)
        if ident in self._traces.finished:
            _stamp(fd, (st.st_atime_ns, st.st_mtime_ns))
        if self._remember_created:
            made = os.fstat(below)
            self._traces.created.add((made.st_dev, made.st_ino))
        if owner is not None and not last:
            user, group, mode = owner
            try:
                os.fchown(below, user, group)
                os.fchmod(below, mode & 0o7777 | 0o300)
            except OSError:
                pass  # only root may give files away; the C++ daemon is silent about it as well
        return below


def _stamp(fd: int, times: tuple[int, int]) -> None:
    with suppress(OSError):  # somebody else's directory: its times are then not ours to keep
        os.utime(fd, ns=times)


def _not_made(shown: bytes, error: OSError) -> FileProblem:
    return FileProblem(b"Cannot create directory %b: ERR=%b\n" % (shown, error_text(error)))


def _refused(shown: bytes, reason: bytes) -> FileProblem:
    return FileProblem(b"Refused to restore %b: %b.\n" % (shown, reason))

"""ACL and attribute records of a restore: which apply, to which device, and how much is said about failures.

Rules: protocol/04 sections 6.2 and 6.4. Never follows a link and never ends the job.
"""

import os

from fdaemon.fs.extended_apply import apply_acl, apply_xattrs
from fdaemon.fs.problem import Problem, Severity
from fdaemon.jobs.backup_types import Report
from fdaemon.protocol.messages import MessageType
from fdaemon.wire import streams
from fdaemon.wire.streams import Stream

REPORTED_ACL_ERRORS = 25
"""ACL errors of a job that get a message each (core/src/findlib/acl.h: ACL_REPORT_ERR_MAX_PER_JOB)."""

MESSAGE_TYPES = {
    Severity.INFO: MessageType.INFO,
    Severity.WARNING: MessageType.WARNING,
    Severity.ERROR: MessageType.ERROR,
}

_ACCESS = (Stream.ACL_LINUX_ACCESS_ACL, Stream.UNIX_ACCESS_ACL)
_DEFAULT = (Stream.ACL_LINUX_DEFAULT_ACL, Stream.UNIX_DEFAULT_ACL)


class ExtendedWriter:
    """Applies the records of one job. `report(type, text, 0)` gets what there is to say."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._acl_errors = 0
        self._xattr_errors = 0
        self._without_acl: set[int] = set()
        self._without_xattr: dict[int, set[bytes]] = {}

    def apply(self, target: int | bytes, stream: int, data: bytes, name: bytes) -> None:
        """Apply one record to an open descriptor, or to a path that is not followed. `name` is for messages."""
        if stream in streams.ACLS:
            self._apply_acl(target, stream, data, name)
        else:
            self._apply_xattrs(target, stream, data, name)

    def finish(self) -> None:
        """The sums at the end of the job."""
        for kind, count in ((b"acl", self._acl_errors), (b"xattr", self._xattr_errors)):
            if count:
                text = b"Encountered %d %b errors while doing restore\n" % (count, kind)
                self._report(MessageType.WARNING, text, 0)

    def _apply_acl(self, target: int | bytes, stream: int, data: bytes, name: bytes) -> None:
        if stream not in _ACCESS and stream not in _DEFAULT:
            text = b"Can't restore ACLs of %b - incompatible acl stream encountered - %d\n" % (name, stream)
            self._report(MessageType.WARNING, text, 0)
            self._acl_errors += 1
            return
        if self._without_acl and _device(target) in self._without_acl:
            self._acl_errors += 1
            return
        problem = apply_acl(target, data, default=stream in _DEFAULT, name=name)
        if problem is None:
            return
        if problem.unsupported:
            self._without_acl.add(_device(target))
        if self._acl_errors < REPORTED_ACL_ERRORS:
            self._tell(problem)
        self._acl_errors += 1

    def _apply_xattrs(self, target: int | bytes, stream: int, data: bytes, name: bytes) -> None:
        if stream != Stream.XATTR_LINUX:
            text = (
                b"Can't restore Extended Attributes of %b - incompatible xattr stream encountered - %d\n"
                % (name, stream)
            )
            self._report(MessageType.WARNING, text, 0)
            return
        unsupported = self._without_xattr.setdefault(_device(target), set())
        self._xattr_errors += bool(unsupported)
        for problem in apply_xattrs(target, data, name=name, unsupported=unsupported):
            self._xattr_errors += problem.counted
            self._tell(problem)

    def _tell(self, problem: Problem) -> None:
        self._report(MESSAGE_TYPES[problem.severity], problem.text, 0)


def _device(target: int | bytes) -> int:
    try:
        return os.stat(target).st_dev if isinstance(target, int) else os.lstat(target).st_dev
    except OSError:
        return -1

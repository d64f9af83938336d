"""Failures of fdlocal that the user is told in one line."""


class LocalError(Exception):
    """Root of what fdlocal reports itself."""


class UsageError(LocalError):
    """What was asked cannot be done: a wrong path, no repository, nothing to restore."""


class JobError(LocalError):
    """The job could not be run or was given up."""

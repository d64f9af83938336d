"""What can go wrong for fdmon itself."""


class MonitorError(Exception):
    """Nothing can be shown; the text says why."""


class Refused(MonitorError):
    """The daemon does not let us in: trying again is no use."""

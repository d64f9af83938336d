"""fdaemon: the Bareos File Daemon as a Trio program. Nothing is imported here: every room loads alone."""

__version__ = "25.1.0"

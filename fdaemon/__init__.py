"""fdaemon: the Bareos File Daemon as a Trio program. Nothing is imported here, so that every room stays small to load."""

__version__ = "25.1.0"

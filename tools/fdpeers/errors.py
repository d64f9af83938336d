"""What can go wrong around the peers, by whose fault it is. Nothing here is shared with the daemon under
test.
"""


class PeersError(Exception):
    """Root of the errors that the peers raise on purpose."""


class LinkClosed(PeersError):
    """The connection ended: end of file, reset, a TLS failure, or a TERMINATE signal before this read."""


class Unexpected(PeersError):
    """The File Daemon said something that a real Director or Storage daemon would not have accepted.

    `wanted` describes what was due, `got` is the packet payload, the signal number, or None for the end of
    the connection.
    """

    def __init__(self, wanted: str, got: bytes | int | None) -> None:
        super().__init__(f"wanted {wanted}, got {got!r}")
        self.wanted = wanted
        self.got = got


class AuthenticationFailed(PeersError):
    """One of the two CRAM-MD5 challenges failed, or TLS with the pre-shared key did."""


class StreamRefused(PeersError):
    """The append stream broke a rule that the real Storage daemon enforces; the text is the daemon's job
    message.
    """


class VolumeError(PeersError):
    """A volume does not follow the Bareos volume format; the text names the byte offset."""


class CatalogError(PeersError):
    """The catalog cannot give what was asked of it: unknown job, no usable earlier job, nothing selected."""

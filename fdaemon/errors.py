"""Who is to blame, in the type. Every foreign error becomes one of these at the edge where it is met."""


class FdaemonError(Exception):
    """Root of all errors that this project raises on purpose."""


class LocalProtocolError(FdaemonError):
    """Our own code tried to break the protocol: a bug, never the peer's doing."""


class RemoteProtocolError(FdaemonError):
    """The peer broke the protocol.

    `reply` is the packet payload to answer with before the conversation ends, or None for silence;
    `fatal` is the job message (without the "Fatal error: " prefix) that the Director gets, or None.
    """

    def __init__(self, text: str, *, reply: bytes | None = None, fatal: bytes | None = None) -> None:
        super().__init__(text)
        self.reply = reply
        self.fatal = fatal


class PeerGone(RemoteProtocolError):
    """The connection ended or broke: end of file, reset, or a TERMINATE signal that closed it for both directions."""


class FileProblem(FdaemonError):
    """One file could not be saved or restored; it is reported and counted, and the job goes on.

    `text` is the whole job message text, bytes because it holds a file name, ending in a newline.
    """

    def __init__(self, text: bytes) -> None:
        super().__init__(text.decode("utf-8", "backslashreplace"))
        self.text = text


class JobFailed(FdaemonError):
    """The job cannot go on. `text` is the job message text (newline-terminated) sent with type fatal."""

    def __init__(self, text: bytes) -> None:
        super().__init__(text.decode("utf-8", "backslashreplace"))
        self.text = text


class JobCanceled(FdaemonError):
    """Raised inside worker threads when their job was canceled, so that they stop between two files or blocks."""

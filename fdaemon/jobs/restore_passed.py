"""Records that a restore on Linux passes over: what is said about each kind, and the sums at the end of the job.

Texts: protocol/04 sections 1.5, 7.1 and 8.4 (core/src/filed/restore.cc: DoRestore, core/src/findlib/bfile.cc).
"""

from fdaemon.jobs.backup_types import Report
from fdaemon.protocol.messages import MessageType
from fdaemon.wire import streams
from fdaemon.wire.streams import Stream

_SUPPORTED = (
    streams.FILE_DATA
    | streams.ATTRIBUTES
    | streams.DIGESTS
    | streams.PROGRAM
    | {Stream.NONE, Stream.SIGNED_DIGEST}
)
"""Data streams that an attributes record may name (core/src/findlib/bfile.cc: IsRestoreStreamSupported)."""

_NAMES: dict[int, bytes] = {
    Stream.MACOS_FORK_DATA: b"MacOS Fork data",
    Stream.HFSPLUS_ATTRIBUTES: b"HFS+ attribs",
    Stream.ENCRYPTED_MACOS_FORK_DATA: b"Encrypted MacOS fork data",
}


PLUGINS = 100
"""Plugin commands that get a message each."""


def is_supported(stream: int) -> bool:
    """True if files whose content is in this stream can be restored here."""
    return stream in _SUPPORTED


class PassedOver:
    """Counts what is left out, so that nothing is left out in silence."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._unsupported = 0
        self._forks = 0
        self._finder_infos = 0
        self._programs = 0
        self._plugins: set[bytes] = set()

    def unsupported(self, stream: int) -> None:
        """A whole file is left out because of its data stream; told once a job."""
        if not self._unsupported:
            name = _NAMES.get(stream, b"%d" % stream)
            self._report(MessageType.WARNING, b"%b stream not supported on this Client.\n" % name, 0)
        self._unsupported += 1

    def take(self, stream: int, data: bytes) -> None:
        """A record that is neither attributes, content, digest, ACL nor extended attributes."""
        if stream in (Stream.MACOS_FORK_DATA, Stream.ENCRYPTED_MACOS_FORK_DATA):
            self._forks += 1
        elif stream == Stream.HFSPLUS_ATTRIBUTES:
            self._finder_infos += 1
        elif stream in streams.PROGRAM:
            self._programs += 1
        elif stream == Stream.PLUGIN_NAME:
            self._plugin(data)
        elif stream not in streams.KNOWN_ON_RESTORE:
            text = b"Unknown stream=%d ignored. This shouldn't happen!\n" % stream
            self._report(MessageType.WARNING, text, 0)

    def finish(self) -> None:
        """The sums."""
        if self._unsupported > 1:
            text = b"%d non-supported data streams and 0 non-supported attrib streams ignored.\n"
            self._report(MessageType.WARNING, text % self._unsupported, 0)
        for count, what in (
            (self._forks, b"resource fork"),
            (self._finder_infos, b"Finder Info"),
            (self._programs, b"program"),
        ):
            if count:
                text = b"%d non-supported %b streams ignored.\n" % (count, what)
                self._report(MessageType.INFO, text, 0)

    def _plugin(self, data: bytes) -> None:
        """A file that a plugin saved: it is restored like any other. Told once for each plugin command."""
        fields = data.rstrip(b"\0").split(b" ", 3)
        if len(fields) != 4 or fields[1] != b"1":
            return
        command = fields[3][:1000]
        if command not in self._plugins and len(self._plugins) < PLUGINS:
            self._plugins.add(command)
            self._report(MessageType.WARNING, b"Plugin=%b not found.\n" % command, 0)

"""What a volume holds, for a verify: the Storage daemon's records in, packets to the Director out. Pure.

Facts: protocol/05 section 9 (core/src/filed/verify_vol.cc: DoVerifyVolume).
"""

from fdaemon.channels.verify import VerifyBatch
from fdaemon.errors import JobFailed, RemoteProtocolError
from fdaemon.protocol.records import RecordReader
from fdaemon.protocol.verify import restore_object, volume_attributes, volume_digest
from fdaemon.wire.attributes import decode_attributes
from fdaemon.wire.digests import Digest
from fdaemon.wire.framing import frame
from fdaemon.wire.streams import Stream

BATCH = 64 * 1024
"""Packet bytes that are worth a hand-over to the Director's side: some 500 files."""

_ATTRIBUTES = frozenset({int(Stream.UNIX_ATTRIBUTES), int(Stream.UNIX_ATTRIBUTES_EX)})
_OBJECT = int(Stream.RESTORE_OBJECT)


class VolumeVerifier:
    """Feed it the record stream; it counts files itself, as the C++ daemon does, and ignores all content.

    A file's attributes wait for its digest, so that a batch holds whole files. A digest that follows no attributes is
    not sent: the Director would fail the job for its index.
    """

    def __init__(self) -> None:
        self._records = RecordReader()
        self._failure: JobFailed | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self._index = 0
        self._name = b""
        self._open: bytes | None = None
        self._digested = self._plain = self._objects = 0

    @property
    def ended(self) -> bool:
        """True once the Storage daemon said that there is no more, and all of it made sense."""
        return self._records.ended and self._failure is None

    @property
    def hungry(self) -> bool:
        """True while more bytes are wanted."""
        return not self._records.ended and self._failure is None

    @property
    def rest(self) -> bytes:
        """What came after the end of the data."""
        return self._records.rest

    @property
    def packets(self) -> int:
        """Packets and signals taken."""
        return self._records.packets

    def feed(self, data: bytes) -> VerifyBatch | None:
        """Take some bytes; a batch when enough has come together, or what came before an error.

        Raises JobFailed when that batch has been taken and the stream still makes no sense.
        """
        self._raise_failure()
        try:
            for _, stream, payload in self._records.feed(data):
                self._take(stream, payload)
            if self._records.error is not None:
                raise self._records.error
        except RemoteProtocolError as error:
            self._failure = JobFailed(error.fatal or b"%b\n" % str(error).encode())
            batch = self._batch()
            if batch is None:
                self._raise_failure()
            return batch
        return self._batch() if self._size >= BATCH else None

    def take_replies(self) -> bytes:
        """What has to be sent back to the Storage daemon."""
        replies = bytes(self._records.replies)
        self._records.replies.clear()
        return replies

    def finish(self) -> VerifyBatch | None:
        """The last batch, when no more bytes come. JobFailed as for `feed`."""
        if self.hungry:
            self._records.receive_eof()
            return self.feed(b"")
        self._raise_failure()
        return self._batch()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _take(self, stream: int, payload: bytes | memoryview) -> None:
        if stream in _ATTRIBUTES:
            self._close_file()
            try:
                record = decode_attributes(bytes(payload))
            except RemoteProtocolError as error:
                shown = bytes(payload[:200]).partition(b"\0")[0]
                text = b"Error scanning record header: %b\n" % shown
                raise RemoteProtocolError(str(error), fatal=text) from None
            self._index += 1
            self._name = record.name
            self._open = frame(volume_attributes(self._index, record))
        elif stream == _OBJECT:
            self._close_file()
            self._index += 1
            self._add(frame(restore_object(self._index, self._name)))
            self._objects += 1
        elif (digest := Digest.of_stream(stream)) is not None and self._open is not None:
            self._add(self._open + frame(volume_digest(self._index, digest, bytes(payload))))
            self._open = None
            self._digested += 1

    def _close_file(self) -> None:
        """The file before gets no digest."""
        if self._open is not None:
            self._add(self._open)
            self._open = None
            self._plain += 1

    def _add(self, wire: bytes) -> None:
        self._parts.append(wire)
        self._size += len(wire)

    def _batch(self) -> VerifyBatch | None:
        if self._records.ended or self._failure is not None:
            self._close_file()
        if not self._parts:
            return None
        batch = VerifyBatch(
            b"".join(self._parts),
            files=self._index - (self._open is not None),
            current=self._name,
            digested=self._digested,
            plain=self._plain,
            objects=self._objects,
        )
        self._parts.clear()
        self._size = self._digested = self._plain = self._objects = 0
        return batch

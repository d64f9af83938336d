"""What a backup said, cut into files and streams again, from our wire bytes or from a recorded session."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from fdaemon.codec.digest import hash_factory
from fdaemon.wire.attributes import AttributeRecord, decode_attributes
from fdaemon.wire.digests import Digest
from fdaemon.wire.framing import PacketReader, Signal
from fdaemon.wire.headers import parse_stream_header
from tests.support.sessions import Packet, Session, Signalled


@dataclass(frozen=True, slots=True)
class Payload:
    """One record: its bytes, or for a big recorded one only size and SHA-256."""

    size: int
    sha256: str
    data: bytes | None = field(compare=False, repr=False)


@dataclass(slots=True)
class SavedFile:
    """One file as it was sent: its attributes and the streams after them, in order."""

    attributes: AttributeRecord
    streams: list[tuple[int, list[Payload]]]

    def records(self, stream: int) -> list[bytes]:
        """The records of a stream as bytes; they must be known whole."""
        found: list[bytes] = []
        for number, records in self.streams:
            if number == stream:
                for record in records:
                    assert record.data is not None
                    found.append(record.data)
        return found

    @property
    def numbers(self) -> list[int]:
        """The streams after the attributes."""
        return [number for number, _ in self.streams]


def payload_of(data: bytes) -> Payload:
    """A record that is known whole."""
    return Payload(len(data), hashlib.sha256(data).hexdigest(), data)


def _group(items: Iterable[Payload | None]) -> list[SavedFile]:
    """Files from packets and ends of data (None); strict about order and about the index."""
    files: list[SavedFile] = []
    header: tuple[int, int] | None = None
    records: list[Payload] = []
    for item in items:
        if header is None:
            assert item is not None
            assert item.data is not None
            parsed = parse_stream_header(item.data)
            header, records = (parsed.file_index, parsed.stream), []
        elif item is not None:
            records.append(item)
        else:
            index, stream = header
            header = None
            if stream == 1:
                [record] = records
                assert record.data is not None
                attributes = decode_attributes(record.data)
                assert (
                    attributes.file_index
                    == index
                    == (files[-1].attributes.file_index + 1 if files else index)
                )
                files.append(SavedFile(attributes, []))
            else:
                assert index == files[-1].attributes.file_index
                files[-1].streams.append((stream, records))
    assert header is None
    return files


def from_wire(wire: bytes) -> list[SavedFile]:
    """The files in what a backup sends between `3000 OK data` and the final end of data."""
    reader = PacketReader()
    reader.receive_data(wire)
    items: list[Payload | None] = []
    while (packet := reader.next_packet()) is not None:
        if isinstance(packet, int):
            assert packet == Signal.EOD
            items.append(None)
        else:
            items.append(payload_of(packet))
    assert not reader.pending
    return _group(items)


def from_session(session: Session) -> list[SavedFile]:
    """The files that the recorded File daemon sent, whoever called whom."""
    [connection] = [number for number, link in session.connections.items() if link in ("fd-sd", "sd-fd")]
    traffic = session.traffic(connection, "fd")
    start = next(
        number
        for number, event in enumerate(traffic)
        if isinstance(event, Packet) and (event.payload or b"").startswith(b"append data")
    )
    items: list[Payload | None] = []
    for event in traffic[start + 1 :]:
        if isinstance(event, Signalled):
            assert event.number == Signal.EOD
            items.append(None)
            if len(items) > 1 and items[-2] is None:
                break
        elif event.payload is not None:
            items.append(payload_of(event.payload))
        else:
            items.append(Payload(event.size, event.digest, None))
    return _group(items[:-1])


def digest_of(digest: Digest, *pieces: bytes) -> bytes:
    """The digest of some bytes."""
    made = hash_factory(digest)()
    for piece in pieces:
        made.update(piece)
    return made.digest()

"""Feed a byte-stream parser whole, byte by byte, and with a tail (as h11's tests do)."""

from collections.abc import Callable, Iterable

from fdaemon.wire.framing import PacketReader

type Feed = Callable[[PacketReader, bytes], list[bytes | int]]


def drain(reader: PacketReader) -> list[bytes | int]:
    """Everything the reader can hand out now."""
    packets: list[bytes | int] = []
    while (packet := reader.next_packet()) is not None:
        packets.append(packet)
    return packets


def whole(reader: PacketReader, data: bytes) -> list[bytes | int]:
    """In one piece."""
    reader.receive_data(data)
    return drain(reader)


def byte_by_byte(reader: PacketReader, data: bytes) -> list[bytes | int]:
    """One byte at a time, looking for a packet after each."""
    packets: list[bytes | int] = []
    for byte in data:
        reader.receive_data(bytes((byte,)))
        packets += drain(reader)
    return packets


def in_pieces(reader: PacketReader, pieces: Iterable[bytes]) -> list[bytes | int]:
    """In the given pieces."""
    packets: list[bytes | int] = []
    for piece in pieces:
        reader.receive_data(piece)
        packets += drain(reader)
    return packets

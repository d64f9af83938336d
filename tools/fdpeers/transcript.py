"""Keeps one ordered log of all packets, in the format of the recorded sessions: one JSON object a line.
Never blocks, never decides.
"""

import base64
import hashlib
import json
import struct
from collections.abc import Callable
from typing import Final, TextIO

LONG: Final = 6000
"""Packets above this many bytes are kept as a digest and their first 64 bytes."""


class Transcript:
    """All connections of one run. Entries stay in `rows`; with `out` each is also written as a line of JSON.

    `clock` gives seconds; entries carry them relative to the first call.
    """

    def __init__(self, clock: Callable[[], float], out: TextIO | None = None) -> None:
        self.rows: list[dict[str, object]] = []
        self._clock = clock
        self._start = clock()
        self._out = out
        self._connections = 0

    def open(self, kind: str, near: str, far: str) -> "Recording":
        """Note a new connection, `kind` being who dialled whom (`dir-fd`), and give its recorder. `near` is
        our end's name.
        """
        self._connections += 1
        self.add({"conn": self._connections, "open": kind})
        return Recording(self, self._connections, near, far)

    def add(self, row: dict[str, object]) -> None:
        """Append one entry, stamped with the time."""
        stamped = {"t": round(self._clock() - self._start, 3), **row}
        self.rows.append(stamped)
        if self._out is not None:
            self._out.write(json.dumps(stamped) + "\n")


class Recording:
    """One connection of a transcript. `sent` and `received` take raw bytes in any cut and note whole
    packets.
    """

    def __init__(self, transcript: Transcript, connection: int, near: str, far: str) -> None:
        self._transcript = transcript
        self._connection = connection
        self._near = near
        self._far = far
        self._partial = {near: bytearray(), far: bytearray()}

    def sent(self, data: bytes | bytearray | memoryview) -> None:
        """Our end put `data` on the wire."""
        self._feed(self._near, data)

    def received(self, data: bytes | bytearray | memoryview) -> None:
        """The other end's `data` arrived."""
        self._feed(self._far, data)

    def closed(self, by_far: bool) -> None:
        """The connection ended."""
        self._note(self._far if by_far else self._near, {"close": True})

    def _note(self, sender: str, row: dict[str, object]) -> None:
        self._transcript.add({"conn": self._connection, "from": sender, **row})

    def _feed(self, sender: str, data: bytes | bytearray | memoryview) -> None:
        partial = self._partial[sender]
        partial += data
        at = 0
        while len(partial) - at >= 4:
            (length,) = struct.unpack_from(">i", partial, at)
            if length < 0:
                self._note(sender, {"signal": length})
                at += 4
                continue
            if len(partial) - at - 4 < length:
                break
            self._note(sender, describe(bytes(partial[at + 4 : at + 4 + length])))
            at += 4 + length
        del partial[:at]


def describe(payload: bytes) -> dict[str, object]:
    """How one packet appears in a transcript: as text, base64, or digest and head."""
    if len(payload) > LONG:
        digest = hashlib.sha256(payload).hexdigest()
        return {"len": len(payload), "sha256": digest, "head_b64": base64.b64encode(payload[:64]).decode()}
    try:
        return {"len": len(payload), "text": payload.decode()}
    except UnicodeDecodeError:
        return {"len": len(payload), "b64": base64.b64encode(payload).decode()}

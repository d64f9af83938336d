"""The first words of a viewer: an HTTP request head, and whether it may come in. Pure; sends nothing."""

import hmac
from dataclasses import dataclass
from enum import Enum

MOST_HEAD = 8192
"""Bytes of a request head."""
FEED_PATH = b"/v1/feed"
METRICS_PATH = b"/metrics"


class Wish(Enum):
    """What a request asks for."""

    FEED = "the live feed"
    METRICS = "the metrics"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is refused: HTTP status and its reason."""

    status: int
    reason: str

    def answer(self) -> bytes:
        """The whole response."""
        extra = "WWW-Authenticate: Bearer\r\n" if self.status == 401 else ""
        return response(
            self.status, self.reason, "text/plain; charset=utf-8", f"{self.reason}\n".encode(), extra
        )


BAD_REQUEST = Refusal(400, "Bad Request")
UNAUTHORIZED = Refusal(401, "Unauthorized")
NOT_FOUND = Refusal(404, "Not Found")
UPGRADE_NEEDED = Refusal(426, "Upgrade Required")
FULL = Refusal(503, "Service Unavailable")


def judge(head: bytes, token: bytes) -> Wish | Refusal:
    """What the complete head (up to the blank line) asks for, if it shows the token.

    The token is compared in constant time, and before anything else is told. A request from a web page cannot
    carry it, so a browser that visits a hostile page gives nothing away.
    """
    lines = head.split(b"\r\n")
    words = lines[0].split(b" ")
    if len(words) != 3 or words[0] != b"GET" or not words[2].startswith(b"HTTP/1.1"):
        return BAD_REQUEST
    headers: dict[bytes, bytes] = {}
    for line in lines[1:]:
        if not line:
            continue
        name, colon, value = line.partition(b":")
        if not colon or (name.lower() in headers and name.lower() == b"authorization"):
            return BAD_REQUEST
        headers[name.strip().lower()] = value.strip()
    if not token or not hmac.compare_digest(headers.get(b"authorization", b""), b"Bearer " + token):
        return UNAUTHORIZED
    path = words[1].partition(b"?")[0]
    if path == METRICS_PATH:
        return Wish.METRICS
    if path != FEED_PATH:
        return NOT_FOUND
    if headers.get(b"upgrade", b"").lower() != b"websocket":
        return UPGRADE_NEEDED
    return Wish.FEED


def response(status: int, reason: str, kind: str, body: bytes, extra: str = "") -> bytes:
    """An HTTP response that ends the connection."""
    head = (
        f"HTTP/1.1 {status} {reason}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        f"{extra}Cache-Control: no-store\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body

"""A process of its own that holds viewers of a feed: most read, the last one never does, so that it gets stuck.

`python -m tests.bench.viewers SOCKET TOKEN COUNT` prints `ready`, then serves until its standard input ends.
"""

import base64
import os
import select
import socket
import sys


def request(token: str) -> bytes:
    """The opening of a WebSocket."""
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        "GET /v1/feed HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nAuthorization: Bearer {token}\r\n\r\n"
    ).encode()


def main(path: str, token: str, count: int) -> None:
    """Hold `count` viewers, one of them stuck when there are more than one."""
    viewers = []
    for _ in range(count):
        viewer = socket.socket(socket.AF_UNIX)
        viewer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        viewer.connect(path)
        viewer.sendall(request(token))
        if not viewer.recv(1).startswith(b"H"):
            raise SystemExit("refused")
        viewers.append(viewer)
    poll = select.poll()
    poll.register(sys.stdin.fileno(), select.POLLIN | select.POLLHUP)
    known = {viewer.fileno(): viewer for viewer in (viewers[:-1] if count > 1 else viewers)}
    for handle in known:
        poll.register(handle, select.POLLIN)
    print("ready", flush=True)
    while True:
        for handle, _event in poll.poll():
            if handle == sys.stdin.fileno():
                return
            if not known[handle].recv(1 << 16):
                poll.unregister(handle)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))

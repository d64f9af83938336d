"""The File daemon's end of a Storage connection, for tests of the Storage peer: says what the recorded
sessions say.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
from trio.abc import Stream

from fdpeers.link import Link, challenge, packet, respond
from fdpeers.tls import TlsStream, client_context

KEY = b"ABCD-EFGH-IJKL-MNOP-ABCD-EFGH-IJKL-MNOP"
EOD = b"\xff\xff\xff\xff"


@asynccontextmanager
async def storage_link(port: int, job: bytes, *, key: bytes = KEY, tls: bool = False) -> AsyncIterator[Link]:
    """An authenticated connection to the Storage peer."""
    stream: Stream = await trio.open_tcp_stream("127.0.0.1", port)
    if tls:
        wrapped = TlsStream(stream, client_context(b"R_JOB\x1e" + job, key), server=False)
        try:
            await wrapped.handshake()
        except BaseException:
            await trio.aclose_forcefully(stream)
            raise
        stream = wrapped
    link = Link(stream)
    try:
        await link.send(b"Hello Start Job %s\n" % job)
        await respond(link, key)
        await challenge(link, b"R_CLIENT::fd", key, policy=0, compatible=False)
        yield link
    finally:
        with trio.CancelScope(shield=True, deadline=trio.current_time() + 5):
            await link.aclose()


async def ask(link: Link, command: bytes) -> bytes | int:
    """One command, one reply."""
    await link.send(command)
    return await link.receive()


def group(index: int, stream: int, *packets: bytes) -> bytes:
    """Wire bytes of one stream of one file."""
    return packet(b"%d %d 0" % (index, stream)) + b"".join(map(packet, packets)) + EOD


def stream_of(files: int, size: int) -> bytes:
    """Wire bytes of a backup of `files` files of `size` bytes, the end of data included."""
    parts = []
    for index in range(1, files + 1):
        parts.append(group(index, 1, b"%d 3 /tree/file-%d\0P4A A A\0\0\x000\0" % (index, index)))
        parts.append(group(index, 2, *(bytes(min(262144, size - at)) for at in range(0, size, 262144))))
        parts.append(group(index, 3, bytes(16)))
    return b"".join([*parts, EOD])


async def back_up(link: Link, wire: bytes) -> list[bytes | int]:
    """A whole append session; gives the replies from the one to the end of data on."""
    assert await ask(link, b"append open session\n") == b"3000 OK open ticket = 1\n"
    assert await ask(link, b"append data 1\n") == b"3000 OK data\n"
    await link.send_wire(wire)
    replies = [await link.receive()]
    replies.append(await ask(link, b"append end session 1\n"))
    replies.append(await ask(link, b"append close session 1\n"))
    replies.append(await link.receive())
    await link.send_signal(-4)
    return replies

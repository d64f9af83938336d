"""What a verify says on the control connection: heard, taken apart, looked at."""

import base64
import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import xxhash

from fdconform.decoding import LSTAT_FIELDS, DecodeError, stat_fields
from fdconform.expect import shown
from fdconform.stage import Check, Stage
from fdconform.stored import checked
from fdconform.verdicts import Verdict

_ATTRIBUTES: Final = re.compile(rb"(\d+) (1|28) (\S+) ([^\0]*)\0([^\0]*)\0([^\0]*)\0", re.DOTALL)
_DIGEST: Final = re.compile(
    rb"(\d+) (3|10|17|18|40) ([A-Za-z0-9+/]*) \*(MD5|SHA1|SHA256|SHA512|XXH128)-(\d+)\*"
)


def _hashlib(name: str) -> Callable[[bytes], bytes]:
    return lambda data: hashlib.new(name, data).digest()


HASHES: Final[dict[int, tuple[bytes, Callable[[bytes], bytes]]]] = {
    3: (b"MD5", _hashlib("md5")),
    10: (b"SHA1", _hashlib("sha1")),
    17: (b"SHA256", _hashlib("sha256")),
    18: (b"SHA512", _hashlib("sha512")),
    40: (b"XXH128", xxhash.xxh3_128_digest),
}


@dataclass(slots=True)
class Told:
    """One file as it was reported; `digests` are stream, algorithm and base64 text."""

    index: int
    stream: int
    options: bytes
    name: bytes
    stat: bytes
    link: bytes
    digests: list[tuple[int, bytes, bytes]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class HearFiles:
    """Everything up to EOD; the packets are in `stage.heard`."""

    on: str = "dir"
    within: float = 25.0

    async def play(self, stage: Stage) -> None:
        while True:
            got = await stage.hear(self.on, self.within, raw=False)
            if got == -1 and not isinstance(got, bytes):
                return
            if not isinstance(got, bytes):
                raise stage.fail(f"wanted packets up to EOD, got {shown(got)}")
            if got.startswith(b"2800 End Job"):
                raise stage.fail("the end of the job came without EOD")
            stage.heard.append(got)


def told(stage: Stage) -> list[Told]:
    """All files reported. Raises DecodeError for packets of another form, or a digest under another index."""
    files: list[Told] = []
    for packet in stage.heard:
        if packet.startswith((b"2000 ", b"Hello")):
            continue
        if match := _DIGEST.fullmatch(packet):
            index, stream, text, label, again = match.groups()
            if index != again:
                raise DecodeError(f"two indexes in {shown(packet)}")
            if int(stream) not in HASHES or HASHES[int(stream)][0] != label:
                raise DecodeError(f"stream {stream!r} called {label!r}")
            if not files or files[-1].index != int(index):
                raise DecodeError(f"a digest with an index of its own: {shown(packet)}")
            files[-1].digests.append((int(stream), label, text))
        elif match := _ATTRIBUTES.fullmatch(packet):
            index, stream, options, name, stat, link = match.groups()
            files.append(Told(int(index), int(stream), options, name, stat, link))
        else:
            raise DecodeError(f"neither attributes nor a digest: {shown(packet)}")
    return files


@checked
def counted(stage: Stage) -> str | None:
    """Indexes from 1 in steps of 1."""
    indexes = [file.index for file in told(stage)]
    return None if indexes == list(range(1, len(indexes) + 1)) else f"indexes {indexes}"


def tells(*names: bytes) -> Check:
    """Exactly these names; those that do not begin with a slash or a brace are below the tree."""

    @checked
    def check(stage: Stage) -> str | None:
        wanted = sorted(_whole(stage, name) for name in names)
        got = sorted(file.name for file in told(stage))
        return None if got == wanted else f"told of {got}, not of {wanted}"

    return check


def _whole(stage: Stage, name: bytes) -> bytes:
    return stage.fill(name) if name.startswith((b"/", b"{")) else stage.names["tree"] + b"/" + name


def of_told(name: bytes, look: Callable[[Told, Stage], str | None]) -> Check:
    """A check of the last report of one name."""

    @checked
    def check(stage: Stage) -> str | None:
        whole = _whole(stage, name)
        found = [file for file in told(stage) if file.name == whole]
        if not found:
            return f"{name!r} was not told of"
        problem = look(found[-1], stage)
        return f"{name!r}: {problem}" if problem else None

    return check


def options_are(wanted: bytes) -> Check:
    """The options of every packet."""

    @checked
    def check(stage: Stage) -> str | None:
        got = {file.options for file in told(stage)}
        return None if got == {wanted} else f"options {got}, not {wanted!r}"

    return check


def link_is(name: bytes, wanted: bytes) -> Check:
    """The link field."""

    def look(file: Told, stage: Stage) -> str | None:
        return None if file.link == stage.fill(wanted) else f"link {file.link!r}, not {wanted!r}"

    return of_told(name, look)


def stat_is_lstat(name: bytes) -> Check:
    """The stat record is that of lstat, with neither link index nor data stream."""

    def look(file: Told, stage: Stage) -> str | None:
        there, got = os.lstat(file.name), stat_fields(file.stat)
        wanted = {part: int(getattr(there, f"st_{part}")) for part in LSTAT_FIELDS} | {
            "link_index": 0,
            "stream": 0,
        }
        wrong = {part: (got[part], value) for part, value in wanted.items() if got[part] != value}
        return f"wrong: {wrong}" if wrong else None

    return of_told(name, look)


def digest_is(name: bytes, stream: int, content: bytes | None) -> Check:
    """One digest of this kind over this content, or none at all."""

    def look(file: Told, stage: Stage) -> str | None:
        wanted = []
        if content is not None:
            label, digest = HASHES[stream]
            wanted = [(stream, label, base64.b64encode(digest(content)).rstrip(b"="))]
        return None if file.digests == wanted else f"digests {file.digests}, not {wanted}"

    return of_told(name, look)


def raw_is(*packets: bytes) -> Check:
    """The packets, exactly."""

    def check(stage: Stage) -> str | None:
        got = [packet for packet in stage.heard if not packet.startswith(b"2000 ")]
        wanted = [stage.fill(packet) for packet in packets]
        return None if got == wanted else f"{[shown(p) for p in got]}, not {[shown(p) for p in wanted]}"

    return check


def better(note: str, look: Check) -> Check:
    """Where `look` finds something the case is NON-STRICT, not wrong."""

    def check(stage: Stage) -> str | None:
        if problem := look(stage):
            stage.note(Verdict.NON_STRICT, f"{note}: {problem}")
        return None

    return check

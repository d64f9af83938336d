"""The FileSets of recorded sessions on the tree they were made on: what we find against what the C++ daemon
sent."""

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from fdaemon.fileset.accurate import AccurateList
from fdaemon.fileset.compare import AccurateComparison
from fdaemon.fileset.entry import Entry
from fdaemon.fileset.model import FileSet
from fdaemon.fileset.parse import parse_fileset
from fdaemon.fileset.walk import walk
from fdaemon.jobs.checksum import FileChecksum
from fdaemon.jobs.estimate import Estimate
from fdaemon.views import Counters
from fdaemon.wire.attributes import AttributeRecord, FileType, decode_attributes
from fdaemon.wire.stat import StatRecord, decode_stat, encode_stat
from tests.support.sessions import Packet, Session, Signalled, recorded, shared
from tests.support.tree import EPOCH, RECORDED_ROOT, build, change

_STORED_AS_DIRECTORY = (FileType.NORECURSE, FileType.NOFSCHG, FileType.INVALIDFS)


def sent(session: Session) -> list[AttributeRecord]:
    """The attribute records that the File daemon sent to the Storage daemon, in order."""
    records: list[AttributeRecord] = []
    header = b""
    for packet in session.packets("fd-sd", "fd"):
        if header.split(b" ")[1:2] == [b"1"] and packet.payload is not None:
            records.append(decode_attributes(packet.payload))
            header = b""
            continue
        payload = packet.payload or b""
        header = payload if payload.count(b" ") == 2 and payload.replace(b" ", b"").isdigit() else b""
    return records


def lines_of(session: Session, root: bytes, number: int = 0) -> FileSet:
    """The FileSet as the Director sent it (the `number`-th of the session), for the tree at `root`."""
    groups: list[list[bytes]] = []
    inside = False
    for event in session.events:
        if event.link != "dir-fd":
            continue
        if isinstance(event, Packet) and event.payload is not None and event.sender == "dir":
            if event.payload.startswith(b"fileset"):
                groups.append([])
                inside = True
            elif inside:
                groups[-1].append(event.payload.replace(RECORDED_ROOT, root))
        elif isinstance(event, Signalled) and event.sender == "dir":
            inside = False
    parsed = parse_fileset(groups[number])
    assert parsed.problems == ()
    assert parsed.fileset is not None
    return parsed.fileset


@pytest.fixture
def root(tmp_path: Path) -> bytes:
    place = os.fsencode(tmp_path / "data")
    build(place)
    return place


def masked(name: bytes, kind: int, stat: StatRecord, link: bytes) -> tuple[bytes, int, object]:
    """What two trees of the same making have in common."""
    directory = name.endswith(b"/")
    return (
        name,
        kind,
        (stat.mode, 0 if directory else stat.nlink, 0 if directory else stat.size, stat.link_index > 0, link),
    )


def ours(entries: list[Entry], root: bytes) -> Counter[tuple[bytes, int, object]]:
    """The walk's yield in the terms of `masked`; ACLs change the group bits of a mode, and the builder sets
    none."""
    found: Counter[tuple[bytes, int, object]] = Counter()
    for entry in entries:
        kind = FileType.DIREND if entry.type in _STORED_AS_DIRECTORY else entry.type
        stat = decode_stat(encode_stat(entry.stat, entry.link_index, 2))
        name = entry.stored_name.replace(root, RECORDED_ROOT, 1)
        link = entry.link.replace(root, RECORDED_ROOT, 1)
        found[masked(name, kind, _without_acl(name, stat), link)] += 1
    return found


def theirs(records: list[AttributeRecord]) -> Counter[tuple[bytes, int, object]]:
    return Counter(
        masked(record.name, record.type, _without_acl(record.name, decode_stat(record.stat)), record.link)
        for record in records
    )


def _without_acl(name: bytes, stat: StatRecord) -> StatRecord:
    return replace(stat, mode=stat.mode & ~0o070) if b"/attrs/acl" in name else stat


def drained(fileset: FileSet) -> list[Entry]:
    """All entries, with FileIndexes given as a backup does."""
    entries: list[Entry] = []
    for entry in walk(fileset):
        entries.append(entry)
        if entry.hardlink is not None and not entry.hardlink.file_index:
            entry.hardlink.file_index = len(entries)
    return entries


def test_a_full_backup(root: bytes) -> None:
    session = recorded("backup-full-md5")
    records = sent(session)
    assert len(records) == 43
    assert ours(drained(lines_of(session, root)), root) == theirs(records)


@pytest.mark.parametrize(
    "name", ["backup-rules", "backup-nohard", "backup-sparse", "backup-gzip", "backup-aclxattr"]
)
def test_other_full_backups(root: bytes, name: str) -> None:
    session = shared(name)
    records = sent(session)
    assert records
    found, expected = ours(drained(lines_of(session, root)), root), theirs(records)
    if any(record.type == FileType.LNKSAVED for record in records):
        # Which of the three names comes first is readdir's choice.
        assert _without_links(found) == _without_links(expected)
    else:
        assert found == expected


def _without_links(entries: Counter[tuple[bytes, int, object]]) -> Counter[tuple[bytes, int]]:
    merged: Counter[tuple[bytes, int]] = Counter()
    for (name, kind, _), count in entries.items():
        hard = b"/hard-" in name
        merged[b"hard" if hard else name, kind] += count
    return merged


@pytest.mark.parametrize("name", ["incremental", "differential"])
def test_later_levels_without_a_list(root: bytes, name: str) -> None:
    """Our tree's ctimes are all of now, so mtimes decide; the recording tells what they should have
    decided."""
    session = shared(name)
    records = sent(session)
    since = next(
        int(payload.split()[3])
        for payload in session.payloads("dir-fd", "dir")
        if payload.startswith(b"level = since_utime")
    )
    expected = {r.name for r in records if decode_stat(r.stat).mtime >= since}
    assert expected < {r.name for r in records}
    change(root)
    fileset = lines_of(session, root)
    block = fileset.includes[0].options[0]
    by_mtime = replace(block, flags=block.flags | type(block.flags).MTIME_ONLY)
    fileset = replace(fileset, includes=(replace(fileset.includes[0], options=(by_mtime,)),))
    found = {entry.stored_name.replace(root, RECORDED_ROOT, 1) for entry in walk(fileset, since=EPOCH + 1)}
    assert found == expected


def test_an_accurate_incremental(root: bytes) -> None:
    """The list is our tree before the changes; where the change touched an inode, its ctime in the list is
    older."""
    session = recorded("incremental-accurate")
    records = sent(session)
    fileset = lines_of(session, root)
    checksum = FileChecksum(
        report=lambda kind, text, errors: None, counters=Counters(), check_cancelled=lambda: None
    )
    before = {
        entry.stored_name: (
            entry.stat,
            checksum(entry.path, entry.dir_fd, entry.name, entry.stat, entry.options)
            if entry.type in (FileType.REG, FileType.REGE)
            else None,
        )
        for entry in walk(fileset)
    }
    change(root)
    after = {(st.st_dev, st.st_ino): st.st_ctime_ns for st in (entry.stat for entry in walk(fileset))}
    listed = AccurateList(len(before))
    for name, (st, digest) in before.items():
        stat = decode_stat(encode_stat(st, 0, 2))
        if after.get((st.st_dev, st.st_ino)) != st.st_ctime_ns:
            stat = replace(stat, ctime=stat.ctime - 60)
        listed.add_packet(b"%b\0%b\0%b\x000" % (name, stat.encode(), digest or b""))
    assert listed.complaints() == []
    comparison = AccurateComparison(listed, checksum=checksum, report=lambda kind, text, errors: None)
    found = {
        (entry.stored_name.replace(root, RECORDED_ROOT, 1), entry.type)
        for entry in walk(fileset, accurate=comparison)
    }
    assert found == {(record.name, record.type) for record in records}
    assert any(record.type == FileType.DELETED for record in records)


@pytest.mark.parametrize("number", [0, 1])
def test_the_estimates(root: bytes, number: int) -> None:
    session = recorded("estimate")
    answers = [
        payload for payload in session.payloads("dir-fd", "fd") if payload.startswith(b"2000 OK estimate")
    ]
    estimate = Estimate(walk(lines_of(session, root, number), estimating=True), listing=number == 1)
    lines = [line for batch in estimate.batches() for line in batch]
    assert answers[number] == f"2000 OK estimate files={estimate.files} bytes={estimate.size:,}\n".encode()
    listing = [payload for payload in session.payloads("dir-fd", "fd") if payload[:1] in b"-dlf"]
    if number:
        assert _columns(lines, root, RECORDED_ROOT) == _columns(listing, RECORDED_ROOT, RECORDED_ROOT)
    else:
        assert lines == []


def _columns(lines: list[bytes], root: bytes, shown: bytes) -> Counter[tuple[bytes, ...]]:
    """Mode, links, user, group, size (of files) and name; the date is the time of the making."""
    found: Counter[tuple[bytes, ...]] = Counter()
    for line in lines:
        name = line[66:].replace(root, shown, 1)
        directory = line[:1] == b"d"
        mode = b"" if b"/attrs/acl" in name else line[:10]
        links, size = (b"", b"") if directory else (line[10:14], line[32:44])
        found[mode, links, line[15:32], size, line[64:66], name] += 1
    return found

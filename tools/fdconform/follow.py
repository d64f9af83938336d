"""Follows the connections of recorded jobs and says, row by row, which transitions of the charts the wire stands for.

A pure reader: what the wire does not show is inferred from what comes after or left out, and what a chart does not
allow is reported. It never raises for what a recording holds.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from fdconform.follow_director import DirectorFollower
from fdconform.follow_storage import StorageFollower
from fdconform.followed import Followed, Pen
from fdconform.rows import Kind, Row

_END: Final = re.compile(rb"2800 End Job TermCode=(\d+) ")
_CONTROL: Final = ("dir-fd", "fd-dir")
_DATA: Final = ("fd-sd", "sd-fd")


def follow(rows: Sequence[Row]) -> Followed:
    """The transitions of every row. Connections between Director and Storage daemon have none."""
    rows = _renamed(rows)
    return _Follower(rows).run(rows)


def _renamed(rows: Sequence[Row]) -> list[Row]:
    """A tester may have called a connection a Director's on which it speaks as a Storage daemon: by its Hello."""
    calls = {
        row.connection for row in rows if row.link == "dir-fd" and row.is_packet(b"Hello Storage calling")
    }
    return [
        replace(row, link="sd-fd", sender="sd" if row.sender == "dir" else row.sender)
        if row.connection in calls
        else row
        for row in rows
    ]


def _last_storages(rows: Sequence[Row]) -> frozenset[int]:
    """The indexes of rows that say the end of a storage after which the daemon leaves by itself, as when canceled."""
    open_ends: dict[int, int] = {}
    found: set[int] = set()
    for index, row in enumerate(rows):
        if row.is_packet(b"2000 OK storage end"):
            open_ends[row.connection] = index
        elif row.connection in open_ends and (row.sender == "dir" or _END.match(row.head)):
            end = open_ends.pop(row.connection)
            if row.sender == "fd":
                found.add(end)
    return frozenset(found)


class _Follower:
    def __init__(self, rows: Sequence[Row]) -> None:
        self._pen = Pen()
        self._last_storages = _last_storages(rows)
        self._letters = {row.connection: chr(int(end[1])) for row in rows if (end := _END.match(row.head))}
        self._directors: dict[int, DirectorFollower] = {}
        self._storages: dict[int, StorageFollower] = {}
        self._by_job: dict[bytes, DirectorFollower] = {}

    def run(self, rows: Sequence[Row]) -> Followed:
        for row in rows:
            if row.kind is Kind.OPEN:
                self._open(row)
            self._pen.end_row(self._see(row))
        return self._pen.followed

    def _open(self, row: Row) -> None:
        if row.link in _CONTROL:
            self._directors[row.connection] = DirectorFollower(
                self._pen,
                letter=self._letters.get(row.connection, ""),
                last_storages=self._last_storages,
                named=self._named,
                canceled=self._canceled,
                storage_ready=self._storage_ready,
            )
        elif row.link in _DATA:
            self._storages[row.connection] = StorageFollower(self._pen, row.link == "fd-sd", self._wants_tls)

    def _see(self, row: Row) -> str:
        if director := self._directors.get(row.connection):
            director.see(row)
            return director.tracker.state.value
        if storage := self._storages.get(row.connection):
            self._data(storage, row)
            return storage.tracker.state.value
        return ""

    def _data(self, storage: StorageFollower, row: Row) -> None:
        granted, over, ready = storage.granted, storage.is_over, storage.is_ready
        storage.see(row)
        director = self._by_job.get(storage.job)
        if director is None:
            return
        if storage.called and storage.is_ready and not ready:
            director.storage_attached()
        if storage.granted and not granted:
            director.storage_granted()
        if storage.is_append and storage.is_over and not over:
            director.storage_released()

    def _named(self, director: DirectorFollower, job: bytes) -> None:
        self._by_job[job] = director

    def _canceled(self, job: bytes) -> None:
        if director := self._by_job.get(job):
            director.cancel()
        for storage in self._storages.values():
            if storage.job == job:
                storage.cancel()

    def _storage_ready(self, job: bytes) -> bool:
        return any(storage.job == job and storage.is_ready for storage in self._storages.values())

    def _wants_tls(self, job: bytes) -> bool:
        director = self._by_job.get(job)
        return director is not None and director.tls

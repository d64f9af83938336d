"""What a run exercised: edges and states of the charts, orders, replies, streams. Pure: from rows and logs to values.

Edges come from two sources. A daemon that writes its transitions (ours with FDAEMON_TRACE=1) tells them exactly; of
any daemon `follow` tells what the dialogue stands for.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from fdconform.follow import follow
from fdconform.rows import Kind, Row, rows_of
from statecharts.chart import Chart
from statecharts.director import DIRECTOR
from statecharts.job import JOB
from statecharts.storage import STORAGE
from statecharts.verify import VERIFY

CHARTS: Final[tuple[Chart[Any, Any], ...]] = (JOB, DIRECTOR, STORAGE, VERIFY)
ORDERS: Final = (
    "JobId=",
    "level = ",
    "fileset",
    "accurate",
    "pluginoptions",
    "Run ",
    "RunBeforeNow",
    "restoreobject",
    "getSecureEraseCmd",
    "setauthorization",
    "setbandwidth=",
    "setdebug=",
    "storage ",
    "status",
    ".status",
    "resolve ",
    "cancel",
    "session",
    "bootstrap",
    "estimate",
    "backup",
    "restore ",
    "endrestore",
    "verify",
)
"""How the orders begin that a File daemon knows (protocol/02 section 1)."""
_LINE: Final = re.compile(r"\b(job|director|storage|verify)(?: \S+)?: (\w+) --(\w+)--> \w+$")
_NUMBER: Final = re.compile(r"\d+")
_REPLY: Final = re.compile(rb"(?:1999|2\d\d\d) \S")
_REPLY_SHOWN: Final = 40
_OK_TEXT: Final = re.compile(
    r"^(2000 OK (?:Job|FDSecureEraseCmd|setdebug|estimate|Hello)\b|2\d\d\d [A-Za-z ]+).*", re.DOTALL
)


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """One edge of a chart: the state it leaves (by its value) and the event (by its name)."""

    chart: str
    source: str
    event: str

    def __str__(self) -> str:
        return f"{self.chart}: {self.source} --{self.event}"


def edges_of(chart: Chart[Any, Any]) -> tuple[Edge, ...]:
    """All edges of a chart, in its order."""
    return tuple(Edge(chart.name, _name(source), event.name) for source, event, _ in chart.edges())


def _name(state: Enum) -> str:
    return str(state.value)


@dataclass(slots=True)
class Coverage:
    """What was exercised. `told` edges are from the daemon's own trace, `followed` ones from the wire; `streams` are
    numbers by the sender, `fd` or `sd`; `strange` counts events that the charts do not allow."""

    told: set[Edge] = field(default_factory=set)
    followed: set[Edge] = field(default_factory=set)
    orders: Counter[str] = field(default_factory=Counter)
    replies: Counter[str] = field(default_factory=Counter)
    streams: dict[str, set[int]] = field(default_factory=lambda: {"fd": set(), "sd": set()})
    strange: Counter[str] = field(default_factory=Counter)

    @property
    def edges(self) -> set[Edge]:
        """Edges exercised, by either source."""
        return self.told | self.followed

    def add_log(self, text: str) -> None:
        """Transitions in a daemon's output; other lines do not matter."""
        for line in text.splitlines():
            if "--> " in line and (found := _LINE.search(line)):
                self.told.add(Edge(found[1], found[2], found[3]))

    def add_rows(self, entries: Iterable[Mapping[str, Any]]) -> None:
        """One transcript. Raises RecordingError."""
        rows = rows_of(entries)
        followed = follow(rows)
        for move in followed.edges():
            self.followed.add(Edge(move.chart, _name(move.source), move.event.name))
        for sender, number in followed.streams:
            self.streams[sender].add(number)
        self.strange.update(item.text for item in followed.strange)
        for row in rows:
            if row.link in ("dir-fd", "fd-dir") and row.kind is Kind.PACKET:
                self._count(row)

    def _count(self, row: Row) -> None:
        if row.sender == "dir":
            text = row.head.decode("utf-8", "replace")
            begins = [order for order in ORDERS if text.startswith(order)]
            if begins:
                self.orders[max(begins, key=len).strip(" =")] += 1
        elif _REPLY.match(row.head) and b"\0" not in row.head:
            self.replies[reply_kind(row.head)] += 1


def reply_kind(reply: bytes) -> str:
    """A reply without what differs from case to case."""
    text = reply.decode("utf-8", "replace").rstrip("\n")
    if found := _OK_TEXT.match(text):
        return found[1].strip()[:_REPLY_SHOWN]
    return text[:_REPLY_SHOWN]


def coverage_of(transcripts: Iterable[Iterable[Mapping[str, Any]]], logs: Iterable[str]) -> Coverage:
    """What a whole run exercised: the rows of its cases and the output of its daemons."""
    coverage = Coverage()
    for entries in transcripts:
        coverage.add_rows(entries)
    for text in logs:
        coverage.add_log(text)
    return coverage


@dataclass(frozen=True, slots=True)
class ChartCoverage:
    """One chart: its edges that were exercised, that have a reason not to be, and the rest."""

    chart: str
    total: int
    exercised: int
    told: int
    states: int
    states_exercised: int
    excused: tuple[Edge, ...]
    missing: tuple[Edge, ...]
    stale: tuple[Edge, ...]
    """Edges that were exercised although they have a reason not to be."""


def by_chart(coverage: Coverage, reasons: Mapping[Edge, str]) -> list[ChartCoverage]:
    """How far each chart was exercised."""
    found: list[ChartCoverage] = []
    for chart in CHARTS:
        edges = edges_of(chart)
        seen = [edge for edge in edges if edge in coverage.edges]
        unseen = [edge for edge in edges if edge not in coverage.edges]
        targets = {
            _name(target)
            for source, event, target in chart.edges()
            if Edge(chart.name, _name(source), event.name) in coverage.edges
        }
        states = {_name(chart.initial)} | targets
        found.append(
            ChartCoverage(
                chart.name,
                len(edges),
                len(seen),
                len(coverage.told.intersection(edges)),
                len(chart.states),
                len(states),
                tuple(edge for edge in unseen if edge in reasons),
                tuple(edge for edge in unseen if edge not in reasons),
                tuple(edge for edge in seen if edge in reasons),
            )
        )
    return found


def to_json(coverage: Coverage, reasons: Mapping[Edge, str]) -> dict[str, Any]:
    """For `Report.coverage`."""
    return {
        "charts": [
            {
                "chart": item.chart,
                "edges": item.total,
                "exercised": item.exercised,
                "told": item.told,
                "states": [item.states_exercised, item.states],
                "excused": [[edge.source, edge.event, reasons[edge]] for edge in item.excused],
                "missing": [[edge.source, edge.event] for edge in item.missing],
                "stale": [[edge.source, edge.event] for edge in item.stale],
            }
            for item in by_chart(coverage, reasons)
        ],
        "orders": dict(sorted(coverage.orders.items())),
        "replies": dict(sorted(coverage.replies.items())),
        "streams": {sender: sorted(numbers) for sender, numbers in coverage.streams.items()},
        "strange": dict(sorted(coverage.strange.items())),
    }

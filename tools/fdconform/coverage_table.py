"""Coverage as tables to read."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from fdaemon.wire.streams import Stream


def tables(coverage: Mapping[str, Any]) -> Group:
    """The JSON form (`coverage.to_json`) as tables: charts, what is missing and why, orders, replies, streams."""
    charts = Table(box=None, header_style="bold", title="Charts", title_justify="left")
    for name in (
        "chart",
        "states",
        "edges",
        "exercised",
        "by the daemon's own word",
        "with a reason",
        "missing",
    ):
        charts.add_column(name, justify="left" if name == "chart" else "right")
    for item in coverage["charts"]:
        charts.add_row(
            item["chart"],
            "{}/{}".format(*item["states"]),
            str(item["edges"]),
            str(item["exercised"]),
            str(item["told"]),
            str(len(item["excused"])),
            Text(str(len(item["missing"])), "bold red" if item["missing"] else "green"),
        )
    return Group(charts, *_reasons(coverage), *_lists(coverage))


def _reasons(coverage: Mapping[str, Any]) -> list[Table]:
    shown = Table(box=None, header_style="bold", title="Edges not exercised", title_justify="left")
    for name in ("chart", "state", "event", "why not"):
        shown.add_column(name, overflow="fold")
    for item in coverage["charts"]:
        for source, event, why in item["excused"]:
            shown.add_row(item["chart"], source, event, Text(why, "dim"))
        for source, event in item["missing"]:
            shown.add_row(item["chart"], source, event, Text("no case and no reason", "bold red"))
        for source, event in item["stale"]:
            shown.add_row(
                item["chart"], source, event, Text("was exercised: the reason is stale", "bold red")
            )
    return [shown] if shown.rows else []


def _lists(coverage: Mapping[str, Any]) -> list[Table]:
    found = []
    for title, counts in (("Orders", coverage["orders"]), ("Replies", coverage["replies"])):
        table = Table(box=None, show_header=False, title=title, title_justify="left")
        for name, times in counts.items():
            table.add_row(Text(name), str(times))
        found.append(table)
    streams = Table(box=None, show_header=False, title="Streams", title_justify="left")
    for sender, who in (("fd", "sent by the File daemon"), ("sd", "sent to the File daemon")):
        names = [
            f"{number} {Stream(number).name if number in Stream else 'unknown'}"
            for number in coverage["streams"][sender]
        ]
        streams.add_row(who, Text(", ".join(names)))
    return [*found, streams]

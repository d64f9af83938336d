"""One job on a whole page, and the list of the last transitions."""

import time
from typing import Any

from rich.text import Text

from fdmon import words
from fdmon.track import progress_line, track

type Row = dict[str, Any]


def detail_lines(job: Row, rates: list[float], width: int, now: float) -> list[Text]:
    """All there is to say of a job, top first."""
    until = job["ended"] or now
    lines = [
        Text(f" {job['job_id']}  {words.safe(job['name'])}", "bold"),
        _pair(
            (
                "",
                f"{words.TYPES.get(job['type'], job['type'])} {words.LEVELS.get(job['level'], '')}".rstrip(),
            ),
            ("for", words.safe(job["director"])),
            ("since", _clock(job["started"])),
            ("took" if job["ended"] else "runs", words.duration(until - job["started"])),
            ("status", words.STATUSES.get(job["status"]) or job["status"]),
        ),
        Text("  ").append_text(track(job, width - 2)),
        Text("  ").append_text(progress_line(job, rates, width - 2)),
    ]
    progress, rate, queue = job["progress"], job["rate"], job["queue"]
    if job["ended"] is None:
        lines.append(_pair(("estimate from", progress["basis"])))
        lines.append(Text("  file ", "dim").append(words.tail(words.safe(job["current"]), width - 8)))
    sent = "" if job["compression"] is None else f"{job['compression'] * 100:.1f} %"
    lines += [
        Text(""),
        _pair(
            ("files", f"{job['files']:,}"),
            ("examined", f"{job['examined']:,}"),
            ("read", f"{words.size(job['read_bytes'])} ({job['read_bytes']:,})"),
        ),
        _pair(("sent", f"{words.size(job['sent_bytes'])} ({job['sent_bytes']:,})"), ("saved", sent)),
        _pair(
            (
                "now",
                f"{words.size(rate['bytes_now'])}/s {rate['files_now']:,.0f} files/s"
                if job["ended"] is None
                else "",
            ),
            ("average", f"{words.size(rate['bytes_average'])}/s {rate['files_average']:,.0f} files/s"),
        ),
    ]
    if job["waits"]:
        lines.append(_waits(job, width))
    if job["ended"] is None:
        limit = f"{words.size(job['bandwidth'])}/s" if job["bandwidth"] else "none"
        lines.append(
            _pair(
                ("queue", f"{queue['used']} of {queue['size']}"),
                ("walk ahead", f"{job['walk_ahead']:,} files"),
                ("bandwidth limit", limit),
            )
        )
    lines += [Text(""), Text(" Conversations", "bold")]
    for item in job["conversations"]:
        line = Text(f"  {item['chart']:<9}")
        line.append(f"[{item['state']}]", "bold green")
        line.append(f" {_brief(until - item['since'])}  ")
        told = [f"{name} {_brief(spent)}" for name, spent in item["spent"].items() if spent >= 0.005]
        line.append("after " + ", ".join(told) if told else "", "dim")
        lines += _folded(line, width)
    count = f"{words.counted(job['errors'], 'error')}, {words.counted(job['warnings'], 'warning')}"
    lines += [Text(""), Text(" Messages", "bold").append(f"  {count}", "red" if job["errors"] else "dim")]
    for message in reversed(job["messages"]):
        style = "yellow" if message["type"] in ("warning", "notsaved") else "red"
        line = Text(f"  {_clock(message['time'])} ", "dim")
        line.append(f"{message['type']}: ", f"bold {style}")
        line.append(words.safe(message["text"]))
        lines += _folded(line, width)
    lines += [Text(""), Text(" Transitions, newest first", "bold")]
    lines += [_step(step, "") for step in reversed(job["transitions"])]
    return lines


def step_lines(steps: list[tuple[float, int, Row]], width: int) -> list[Text]:
    """The last transitions of all jobs, newest first."""
    title = Text(f" Transitions of all jobs, newest first ({len(steps)})"[:width], "bold")
    return [title, *(_step(step, f"{job_id:>6} ") for _time, job_id, step in steps)]


def _step(step: Row, who: str) -> Text:
    line = Text(f"  {_clock(step['time'])}.{int(step['time'] % 1 * 1000):03d} {who}", "dim")
    line.append(f"{step['chart']:<9}", "cyan")
    line.append(f"{step['source']} → ")
    line.append(step["target"], "bold")
    line.append(f"  {step['event']}", "dim")
    return line


def _waits(job: Row, width: int) -> Text:
    line = Text("  waits on ", "dim").append(job["waits_on"], "bold yellow").append("   ")
    for name, share in job["waits"].items():
        line.append(f"{name} ", "dim").append(words.bar(share, 8 if width < 100 else 16)).append(
            f" {share * 100:.0f}%   "
        )
    return line


def _pair(*pairs: tuple[str, str]) -> Text:
    line = Text(" ")
    for name, value in pairs:
        if value:
            line.append(f" {name} " if name else " ", "dim").append(value).append("  ")
    return line


def _folded(line: Text, width: int) -> list[Text]:
    """The line in pieces of the screen's width, the further ones set in."""
    pieces = [line[:width]]
    at, step = width, max(10, width - 6)
    while at < len(line.plain):
        pieces.append(Text("      ").append_text(line[at : at + step]))
        at += step
    return pieces


def _clock(moment: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(moment))


def _brief(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds < 10 else words.duration(seconds)

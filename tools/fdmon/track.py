"""The three lines of a running job: its way through the charts, how far it is, and where it is."""

from typing import Any, Final

from rich.text import Text

from fdmon import words

_NARROW: Final = 84

type Row = dict[str, Any]


def track(job: Row, width: int) -> Text:
    """`Idle → Auth → Scan → [STREAM] → Report`, then the states of the other conversations."""
    state = words.job_state(job)
    line = Text()
    passed = {name for item in job["conversations"] if item["chart"] == "job" for name in item["spent"]}
    for number, name in enumerate(words.TRACK):
        if number:
            line.append(" → ", "dim")
        shown = words.SHORT.get(name, name)
        if name == state:
            line.append(f"[{shown.upper()}]", "bold black on green")
        else:
            line.append(shown, "green" if name in passed else "dim")
    if state == "Closed":
        line.append(" → ", "dim").append("[CLOSED]", "bold black on green")
    for item in job["conversations"]:
        if item["chart"] == "job":
            continue
        line.append(f"   {item['chart'][:3] if width < _NARROW else item['chart']} ", "dim")
        line.append(item["state"], "cyan")
    return line


def progress_line(job: Row, rates: list[float], width: int, *, short: bool = False) -> Text:
    """Bar, percent, figures, rate, time left and the sparkline in what room is left."""
    progress = job["progress"]
    fraction = progress["fraction"]
    line = Text()
    line.append(words.bar(fraction, 10 if width < 100 else 24), "green")
    line.append("  --% " if fraction is None else f" {fraction * 100:3.0f}% ", "bold")
    if not short:
        line.append(f" {job['files']:,} files  {words.size(job['read_bytes'])}")
    line.append(f"  {words.size(job['rate']['bytes_now'])}/s", "cyan")
    if progress["seconds_left"] is not None and fraction is not None and fraction < 1:
        line.append(f"  {words.duration(progress['seconds_left'])} left")
        if not short:
            line.append(f" ({progress['source']})", "dim")
    room = width - line.cell_len - 2
    if room >= 6 and rates:
        line.append("  " + words.sparkline(rates, min(room, 40)), "blue")
    return line


def where_line(job: Row, width: int) -> Text:
    """What the job waits on, and the file in work."""
    line = Text()
    if job["waits_on"]:
        line.append(f"waits on {job['waits_on']}", "yellow")
        queue = job["queue"]
        line.append(f"  queue {queue['used']}/{queue['size']}", "dim")
        line.append("  ")
    current = words.safe(job["current"])
    if job["status"] in words.BAD and job["messages"]:
        line.append(words.head("! " + words.safe(job["messages"][-1]["text"]), width - line.cell_len), "red")
    elif current:
        line.append(words.tail(current, width - line.cell_len), "dim")
    return line

"""Figures and names as people read them; nothing here knows a terminal."""

from typing import Any, Final

TYPES: Final = {"B": "Backup", "R": "Restore", "V": "Verify", "E": "Estimate", "I": "Session"}
LEVELS: Final = {
    "F": "Full",
    "I": "Incremental",
    "D": "Differential",
    "C": "from Catalog",
    "V": "Init Catalog",
    "O": "Volume",
    "d": "Disk",
    "A": "Data",
    "B": "Base",
}
STATUSES: Final = {
    "C": "waiting",
    "R": "running",
    "B": "blocked",
    "T": "OK",
    "W": "OK, warnings",
    "E": "errors",
    "e": "errors",
    "f": "failed",
    "A": "canceled",
    "I": "incomplete",
    "D": "differences",
}
BAD: Final = frozenset("EefAID")
TRACK: Final = ("Idle", "Authenticated", "Scanning", "Streaming", "Reporting")
SHORT: Final = {"Authenticated": "Auth", "Scanning": "Scan", "Streaming": "Stream", "Reporting": "Report"}
_SPARKS: Final = "▁▂▃▄▅▆▇█"
_EIGHTHS: Final = " ▏▎▍▌▋▊▉"


def size(count: float) -> str:
    """Bytes in decimal units: `1.23 GB`."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 999.5:
            return f"{value:.0f} B" if unit == "B" else f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.4g} PB"


def duration(seconds: float) -> str:
    """`4 s`, `3:05`, `2:03:09`, `3 d 04 h`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d}"
    if whole < 86400:
        return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
    return f"{whole // 86400} d {whole % 86400 // 3600:02d} h"


def counted(count: int, noun: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def safe(text: str) -> str:
    """Text that cannot move the cursor: control characters are written as escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def tail(text: str, width: int) -> str:
    """The end of a text that is too long, which is where file names differ."""
    if len(text) <= width:
        return text
    return "…" + text[len(text) - width + 1 :] if width > 0 else ""


def head(text: str, width: int) -> str:
    """The beginning of a text that is too long."""
    if len(text) <= width:
        return text
    return text[: width - 1] + "…" if width > 0 else ""


def sparkline(values: list[float], width: int) -> str:
    """The last `width` values as bars, the greatest full height."""
    shown = values[-width:]
    top = max(shown, default=0.0)
    if top <= 0:
        return "▁" * len(shown)
    return "".join(_SPARKS[min(7, int(value / top * 7.999))] for value in shown)


def bar(fraction: float | None, width: int) -> str:
    """A bar of exactly `width` characters, in eighths; dots where nothing is known."""
    if fraction is None:
        return "·" * width
    eighths = round(min(1.0, max(0.0, fraction)) * width * 8)
    full, part = divmod(eighths, 8)
    text = "█" * full + (_EIGHTHS[part] if part and full < width else "")
    return text[:width].ljust(width, "░")


def job_state(job: dict[str, Any]) -> str:
    """Where the job's own chart stands."""
    return next((item["state"] for item in job["conversations"] if item["chart"] == "job"), "Idle")


def base_name(name: str) -> str:
    """The configured name: without the date, time and number that make it unique."""
    parts = name.rsplit(".", 3)
    return parts[0] if len(parts) == 4 and parts[3][:2].isdigit() else name

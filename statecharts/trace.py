"""Transitions as lines to read, for a debug log. It formats and hands over; it never opens a file."""

from collections.abc import Callable

from statecharts.tracker import Observer, Transition


def format_transition(step: Transition) -> str:
    """One line without its end, such as `job nightly.77: Scanning --STORAGE_OPENED--> Streaming`.

    A label is bytes from the wire: what is not printable text is escaped.
    """
    label = step.label.decode("utf-8", "backslashreplace")
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in label)
    who = f"{step.chart} {shown}".rstrip()
    return f"{who}: {step.source.value} --{step.event.name}--> {step.target.value}"


def trace(write: Callable[[str], object]) -> Observer:
    """An observer for Tracker that gives each transition to `write` as one line without its end."""

    def observe(step: Transition) -> None:
        write(format_transition(step))

    return observe

"""What the user has chosen to see, and how keys change it. Knows neither feed nor terminal."""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final

from fdmon.model import Model
from fdmon.words import BAD, base_name


class Page(Enum):
    """What fills the screen."""

    JOBS = "jobs"
    DETAIL = "detail"
    STEPS = "transitions"
    HELP = "help"


class Order(Enum):
    """What the running jobs are sorted by."""

    STARTED = "start"
    NAME = "name"
    RATE = "rate"
    LEFT = "time left"
    ERRORS = "errors"


ORDERS: Final = tuple(Order)


@dataclass(frozen=True, slots=True)
class Choice:
    """The user's side of the screen. `selected` is a job's key; `typing` is true while a filter is written."""

    page: Page = Page.JOBS
    selected: int | None = None
    order: Order = Order.STARTED
    filter: str = ""
    typing: bool = False
    paused: bool = False
    scroll: int = 0
    leaving: bool = False


type Row = dict[str, Any]


def rows(model: Model, choice: Choice) -> tuple[list[Row], list[Row]]:
    """Running jobs in the chosen order, and finished ones, newest first; both filtered."""
    running = sorted(model.jobs.values(), key=lambda job: _place(job, choice.order))
    over = sorted(model.recent, key=lambda job: job["ended"] or 0, reverse=True)
    return [job for job in running if _wanted(job, choice.filter)], [
        job for job in over if _wanted(job, choice.filter) and job["key"] not in model.jobs
    ]


def _place(job: Row, order: Order) -> tuple[Any, ...]:
    match order:
        case Order.STARTED:
            return (job["started"], job["key"])
        case Order.NAME:
            return (base_name(job["name"]), job["started"])
        case Order.RATE:
            return (-job["rate"]["bytes_now"], job["key"])
        case Order.LEFT:
            left = job["progress"]["seconds_left"]
            return (left is None, left or 0.0, job["key"])
        case Order.ERRORS:
            return (-job["errors"], -job["warnings"], job["key"])


def _wanted(job: Row, words: str) -> bool:
    """Every word is in the job's name, director or state; `errors` also finds what went wrong."""
    where = f"{job['job_id']} {job['name']} {job['director']}".lower()
    return all(
        word in where or (word == "errors" and (job["errors"] or job["status"] in BAD))
        for word in words.lower().split()
    )


def press(choice: Choice, key: str, model: Model) -> Choice:
    """The choice after a key; keys that mean nothing here change nothing."""
    if choice.typing:
        return _write(choice, key)
    if key in ("q", "ctrl-c"):
        return replace(choice, leaving=True)
    if key in ("p", " "):
        return replace(choice, paused=not choice.paused)
    if key in ("?", "h"):
        return replace(choice, page=Page.JOBS if choice.page is Page.HELP else Page.HELP, scroll=0)
    if key == "t":
        return replace(choice, page=Page.JOBS if choice.page is Page.STEPS else Page.STEPS, scroll=0)
    if key in ("esc", "left", "backspace"):
        if choice.page is Page.JOBS:
            return replace(choice, filter="")
        return replace(choice, page=Page.JOBS, scroll=0)
    if choice.page is not Page.JOBS:
        return _turn(choice, key, model)
    match key:
        case "up" | "k":
            return _move(choice, model, -1)
        case "down" | "j":
            return _move(choice, model, 1)
        case "home" | "g":
            return _move(choice, model, -(10**6))
        case "end" | "G":
            return _move(choice, model, 10**6)
        case "enter" | "right":
            chosen = selected(choice, model)
            if chosen is None:
                return choice
            return replace(choice, page=Page.DETAIL, selected=chosen["key"], scroll=0)
        case "s":
            return replace(choice, order=ORDERS[(ORDERS.index(choice.order) + 1) % len(ORDERS)])
        case "/" | "f":
            return replace(choice, typing=True)
        case _:
            return choice


def selected(choice: Choice, model: Model) -> Row | None:
    """The marked row: the chosen job, or the first one."""
    running, over = rows(model, choice)
    everything = running + over
    found = next((job for job in everything if job["key"] == choice.selected), None)
    return found or (everything[0] if everything else None)


def _move(choice: Choice, model: Model, by: int) -> Choice:
    running, over = rows(model, choice)
    keys = [job["key"] for job in running + over]
    if not keys:
        return choice
    place = keys.index(choice.selected) if choice.selected in keys else 0
    return replace(choice, selected=keys[min(len(keys) - 1, max(0, place + by))])


def _turn(choice: Choice, key: str, model: Model) -> Choice:
    step = {"up": -1, "k": -1, "down": 1, "j": 1, "pageup": -10, "pagedown": 10}.get(key)
    if step is not None:
        return replace(choice, scroll=max(0, choice.scroll + step))
    if key in ("home", "g"):
        return replace(choice, scroll=0)
    if key in ("n", "N") and choice.page is Page.DETAIL:
        return replace(_move(choice, model, 1 if key == "n" else -1), scroll=0)
    return choice


def _write(choice: Choice, key: str) -> Choice:
    if key == "enter":
        return replace(choice, typing=False)
    if key in ("esc", "ctrl-c"):
        return replace(choice, typing=False, filter="")
    if key == "backspace":
        return replace(choice, filter=choice.filter[:-1])
    if len(key) == 1 and key.isprintable():
        return replace(choice, filter=choice.filter + key)
    return choice

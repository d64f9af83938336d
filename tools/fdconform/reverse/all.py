"""All cases of the other direction, by number."""

from dataclasses import dataclass
from typing import Final

from fdconform.reverse import append, endings, logins, orders, others
from fdconform.reverse.case import ReverseCase


@dataclass(frozen=True, slots=True)
class ReverseChapter:
    """Cases that belong together; their ids begin with `number`."""

    number: str
    title: str
    cases: tuple[ReverseCase, ...]


def _chapter(number: str, title: str, cases: tuple[ReverseCase, ...]) -> ReverseChapter:
    return ReverseChapter(number, title, tuple(sorted(cases, key=lambda case: case.number)))


CHAPTERS: Final = (
    _chapter("R1", "Hello, authentication and TLS", logins.CASES),
    _chapter("R2", "Answers to a Director's orders", orders.CASES),
    _chapter("R3", "Messages and the end of a job", endings.CASES),
    _chapter("R4", "Append sessions of a Storage daemon", append.CASES),
    _chapter("R5", "Restore, verify and console", others.CASES),
)


def all_cases() -> list[ReverseCase]:
    """Every case. Raises ValueError if two have the same id."""
    cases = [case for chapter in CHAPTERS for case in chapter.cases]
    if len({case.id for case in cases}) != len(cases):
        raise ValueError("two cases have the same id")
    return cases

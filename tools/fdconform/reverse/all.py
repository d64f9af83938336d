"""All cases of the other direction, by number."""

from fdconform.reverse import append, endings, logins, orders, others
from fdconform.reverse.case import ReverseCase


def all_cases() -> list[ReverseCase]:
    """Every case. Raises ValueError if two have the same id."""
    cases = [*logins.CASES, *orders.CASES, *endings.CASES, *append.CASES, *others.CASES]
    if len({case.id for case in cases}) != len(cases):
        raise ValueError("two cases have the same id")
    return sorted(cases, key=lambda case: case.number)

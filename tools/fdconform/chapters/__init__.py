"""All cases, chapter by chapter. A room here holds the cases of one subject and exports one Chapter."""

from fdconform.case import Case, Chapter
from fdconform.chapters import (
    backup,
    commands,
    edges,
    faults,
    framing,
    hello,
    limits,
    restore,
    status,
    verify,
)

CHAPTERS: tuple[Chapter, ...] = (
    framing.CHAPTER,
    hello.CHAPTER,
    commands.CHAPTER,
    status.CHAPTER,
    backup.CHAPTER,
    restore.CHAPTER,
    verify.CHAPTER,
    faults.CHAPTER,
    limits.CHAPTER,
    edges.CHAPTER,
)


def all_cases() -> list[Case]:
    """Every case, by number. Raises ValueError if two have the same id or one is in the wrong chapter."""
    cases: dict[str, Case] = {}
    for chapter in CHAPTERS:
        for case in chapter.cases:
            if case.number[0] != chapter.number:
                raise ValueError(f"case {case.id} stands in chapter {chapter.number}")
            if case.id in cases:
                raise ValueError(f"there are two cases {case.id}")
            cases[case.id] = case
    return sorted(cases.values(), key=lambda case: case.number)

"""Chapter 3: what a Director may say after its greeting, and the exact answers (protocol/02 §1)."""

from fdconform.case import Chapter
from fdconform.chapters import (
    commands_allowed,
    commands_jobs,
    commands_level,
    commands_lists,
    commands_loop,
    commands_scripts,
    commands_small,
)

CHAPTER = Chapter(
    3,
    "Director commands",
    (
        *commands_loop.CASES,
        *commands_level.CASES,
        *commands_lists.CASES,
        *commands_small.CASES,
        *commands_scripts.CASES,
        *commands_jobs.CASES,
        *commands_allowed.CASES,
    ),
)

"""Chapter 6: what a restore makes of the records of a Storage daemon."""

from fdconform.case import Chapter
from fdconform.chapters import (
    restore_broken,
    restore_content,
    restore_files,
    restore_hostile,
    restore_large,
    restore_names,
    restore_sealed,
)

_ROOMS = (
    restore_files,
    restore_content,
    restore_sealed,
    restore_large,
    restore_names,
    restore_broken,
    restore_hostile,
)

CHAPTER = Chapter(6, "Restore", tuple(case for room in _ROOMS for case in room.CASES))

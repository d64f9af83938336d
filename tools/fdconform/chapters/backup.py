"""Chapter 5: what a backup sends to the Storage daemon."""

from fdconform.case import Chapter
from fdconform.chapters import (
    backup_changes,
    backup_content,
    backup_failures,
    backup_indexes,
    backup_kinds,
    backup_options,
    backup_records,
    backup_sealed,
    backup_select,
)

_ROOMS = (
    backup_records,
    backup_indexes,
    backup_kinds,
    backup_content,
    backup_failures,
    backup_sealed,
    backup_select,
    backup_options,
    backup_changes,
)

CHAPTER = Chapter(5, "Backup", tuple(case for room in _ROOMS for case in room.CASES))

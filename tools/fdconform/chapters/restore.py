"""Chapter 6: what a restore makes of the records of a Storage daemon."""

from fdconform.case import Chapter
from fdconform.chapters import restore_files

_ROOMS = (restore_files,)

CHAPTER = Chapter(6, "Restore", tuple(case for room in _ROOMS for case in room.CASES))

"""Chapter 7: verify jobs."""

from fdconform.case import Chapter
from fdconform.chapters import verify_digests, verify_disk, verify_volume

CHAPTER = Chapter(7, "Verify", (*verify_disk.CASES, *verify_digests.CASES, *verify_volume.CASES))

"""Chapter 8: cancel, lost peers and faults of the Storage daemon (protocol/02 §2.9, §5; protocol/07 §8)."""

from fdconform.case import Chapter
from fdconform.chapters import cancel, faults_director, faults_storage

CHAPTER = Chapter(
    8, "Cancel, lost peers and faults", (*cancel.CASES, *faults_director.CASES, *faults_storage.CASES)
)

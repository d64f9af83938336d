"""Random FileSets whose Options blocks differ, as the Director's configuration has them. Touches no disk.

KeepAtime is never drawn: with it the C++ daemon changes the times of directories that it saves.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.support.fileset_cases import quote
from tests.support.mixture_trees import TOPS

TOP = "@TOP@"
_WILDS = (
    ("Wild", "*.gz"),
    ("WildFile", "*.txt"),
    ("WildFile", "*.[go]*"),
    ("WildFile", "*/f[0-4]*"),
    ("WildFile", "*many*[02468].*"),
    ("Wild", "*/linked*"),
    ("WildDir", "*/sub*"),
    ("WildDir", "*/n[0-9]"),
    ("Wild", f"{TOP}/alpha/*"),
    ("Wild", f"{TOP}/beta*"),
    ("Regex", r"\.(log|img)$"),
    ("RegexFile", "/f[^/]*[13579]"),
    ("RegexDir", "/deep"),
    ("Regex", f"^{TOP}/(gamma|delta)/"),
    ("RegexFile", "[[:space:]]"),
)
_PACKINGS = (
    *(f"GZIP{level}" for level in range(1, 10)),
    *("LZO", "LZFAST", "LZ4", "LZ4HC") * 2,
)
_DIGESTS = ("MD5", "SHA1", "SHA256", "SHA512", "XXH128")
_YES = ("yes", "no")
_SHADOWING = ("none", "localwarn", "localremove", "globalwarn", "globalremove")


@dataclass(frozen=True, slots=True)
class Mixture:
    """A FileSet and how its job runs. `include` are the Include and Exclude blocks, with TOP for the tree's path.

    `alike`: the daemons agree by design on which names are links to which; C++ goes by the Hard Links of the entry
    before, and links to files that are excluded. `steady`: they agree on what is changed as well; C++
    goes by the Mtime Only and the Signature of the entry before. `packed`: some file
    may be compressed by another encoder than the C++ daemon has. `twice`: names may belong to more than one Include.
    `strip`: files are saved under other names.
    """

    blocks: str
    accurate: bool
    alike: bool
    steady: bool
    packed: bool
    twice: bool
    strip: bool


def _options(dice: Random, *, pattern: bool, whole: dict[str, str]) -> list[tuple[str, str]]:
    found = dict(whole)
    if dice.random() < 0.6:
        found["Compression"] = dice.choice(_PACKINGS)
    if dice.random() < 0.8:
        found["Signature"] = dice.choice(_DIGESTS)
    for name, chance in (
        ("Sparse", 0.4),
        ("AclSupport", 0.6),
        ("XattrSupport", 0.6),
        ("OneFS", 0.3),
        ("HonorNoDumpFlag", 0.2),
        ("NoAtime", 0.3),
        ("CheckFileChanges", 0.15),
        ("Portable", 0.1),
        ("AutoExclude", 0.1),
        ("IgnoreCase", 0.2),
    ):
        if dice.random() < chance:
            found[name] = dice.choice(_YES)
    if pattern and dice.random() < 0.15:
        found["Exclude"] = "yes"
    lines = list(found.items())
    if pattern:
        lines += [(name, quote(text)) for name, text in dice.sample(_WILDS, dice.choice((1, 1, 2, 3)))]
    return lines


def mixture(dice: Random) -> Mixture:
    """A FileSet of one to three Includes, each with one to four Options blocks."""
    accurate = dice.random() < 0.5
    hardlinks = dice.choice(("yes", "yes", "no", "mixed"))
    mtime = dice.choice(("no", "no", "yes", "mixed"))
    parts: list[str] = []
    count = dice.choice((1, 1, 2, 3))
    twice = count > 1 and dice.random() < 0.2
    names = dice.sample(TOPS, len(TOPS))
    strip = str(dice.randrange(1, 4)) if dice.random() < 0.1 else ""
    for number in range(count):
        if count == 1:
            files = [""] if dice.random() < 0.7 else [f"/{name}" for name in names[:3]]
        elif twice:
            files = [f"/{name}" for name in sorted({names[0], names[number]})]
        else:
            files = [f"/{name}" for name in names[number::count]]
        whole: dict[str, str] = {}
        if dice.random() < 0.2:
            whole["Shadowing"] = dice.choice(_SHADOWING)
        if dice.random() < 0.2:
            whole["Verify"] = dice.choice(("pinsugmc1", "ps5", "pinsm"))
        if dice.random() < 0.1:
            whole["Size"] = dice.choice(("<5000", ">100", "1-200k"))
        if accurate and dice.random() < 0.5:
            whole["Accurate"] = dice.choice(("mcs", "pinugsmc", "mcs1", "mcs5", "ms5"))
        blocks = dice.choice((1, 2, 3, 3, 4))
        parts.append("  Include {\n")
        for block in range(blocks):
            own = dict(whole)
            own["HardLinks"] = dice.choice(_YES) if hardlinks == "mixed" else hardlinks
            own["MtimeOnly"] = dice.choice(_YES) if mtime == "mixed" else mtime
            if strip and dice.random() < 0.7:
                own["StripPath"] = strip
            pattern = block < blocks - 1 or dice.random() < 0.3
            lines = _options(dice, pattern=pattern, whole=own)
            parts += ["    Options {\n", *(f"      {key} = {value}\n" for key, value in lines), "    }\n"]
        if dice.random() < 0.1:
            parts.append("    ExcludeDirContaining = f3.txt\n")
        parts += [*(f"    File = {quote(TOP + path)}\n" for path in files), "  }\n"]
    if dice.random() < 0.2:
        parts.append('  Exclude {\n    File = "*.o"\n  }\n')
    text = "".join(parts)
    return Mixture(
        text,
        accurate,
        alike=not twice and (hardlinks == "no" or (hardlinks == "yes" and "Exclude" not in text)),
        steady=mtime != "mixed" and re.search("Accurate = .*[15]", text) is None,
        packed="GZIP" in text or "LZFAST" in text,
        twice=twice,
        strip=bool(strip),
    )


def resources(case: Mixture, name: str, top: Path, storages: Mapping[str, str]) -> str:
    """The FileSet of a case; and for each client a backup job to its storage, and the verify job of that."""
    parts = [f"FileSet {{\n  Name = {name}\n{case.blocks.replace(TOP, str(top))}}}\n"]
    for client, storage in storages.items():
        common = (
            f"  Messages = Standard\n  Pool = Full\n  Client = {client}\n  FileSet = {name}\n"
            f"  Storage = {storage}\n  Maximum Concurrent Jobs = 20\n"
        )
        accurate = "yes" if case.accurate else "no"
        save = f"  Name = save-{name}-{client}\n  Type = Backup\n  Accurate = {accurate}\n"
        verify = f"  Name = verify-{name}-{client}\n  Type = Verify\n  Level = VolumeToCatalog\n"
        parts += [
            f"Job {{\n{save}{common}}}\n",
            f"Job {{\n{verify}  Verify Job = save-{name}-{client}\n{common}}}\n",
        ]
    return "".join(parts)

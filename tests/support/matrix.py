"""The cross matrix: every way to pack a file's content, saved by one daemon and put back by the other. Data only.

A FileSet for each combination, the tree that they all save, and the table that docs/compatibility.md shows.
"""

import os
import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from fdaemon.wire.digests import Digest
from tests.support import tree
from tests.support.bareos_resources import CPP, OURS, FileSet
from tests.support.decorated import decorate

PACKINGS = ("plain", "GZIP1", "GZIP6", "GZIP9", "LZO", "LZFAST", "LZ4", "LZ4HC")
DIGESTS = (Digest.MD5, Digest.SHA1, Digest.SHA256, Digest.SHA512, Digest.XXH128)
DIRECTIONS = ((CPP, OURS), (OURS, CPP))
BLOCK = 262_144
"""Content bytes in one data packet.

The tree has a file one byte longer: encrypted and not packed, the C++ daemon cannot restore that from its own backup.
"""
SPARSE_BLOCK = BLOCK - 8
"""The same in a sparse file."""


@dataclass(frozen=True, slots=True)
class Combination:
    """One cell of the matrix."""

    packing: str
    sparse: bool
    digest: Digest

    @property
    def name(self) -> str:
        """Name of its FileSet."""
        return f"{self.packing}-{'sparse' if self.sparse else 'dense'}-{self.digest.name}"

    def fileset(self, root: Path) -> FileSet:
        """Its FileSet, with ACLs and extended attributes."""
        options = [("Signature", self.digest.name), ("Hard Links", "yes")]
        options += [("Acl Support", "yes"), ("Xattr Support", "yes")]
        options += [("Sparse", "yes")] if self.sparse else []
        options += [("Compression", self.packing)] if self.packing != "plain" else []
        return FileSet(self.name, (root,), tuple(options))


EVERY = tuple(Combination(*each) for each in product(PACKINGS, (False, True), DIGESTS))


def some(start: int) -> tuple[Combination, ...]:
    """Six combinations; those of 0 and of 1 together have every packing and every digest, sparse and not."""
    return tuple(
        Combination(PACKINGS[(start * 4 + at) % 8], (at + start) % 2 == 0, DIGESTS[(start * 3 + at) % 5])
        for at in range(6)
    )


def plant(root: Path) -> None:
    """Make the tree at `root`: small, with everything whose content or order could come out differently."""
    os.makedirs(root / "attrs/acl-dir")
    os.makedirs(root / "links")
    noise = random.Random(4)
    text = b"All work and no play makes a dull file. "
    for size in (
        0,
        1,
        SPARSE_BLOCK - 1,
        SPARSE_BLOCK,
        SPARSE_BLOCK + 1,
        BLOCK - 1,
        BLOCK,
        BLOCK + 1,
        BLOCK + 11,
        2 * SPARSE_BLOCK,
        2 * BLOCK,
    ):
        (root / f"text-{size}").write_bytes((text * (size // len(text) + 1))[:size])
    for size in (4_000, BLOCK, BLOCK + 4_000):
        (root / f"noise-{size}").write_bytes(noise.randbytes(size))
    (root / "zeros").write_bytes(bytes(3 * BLOCK + 5))
    with (root / "holes").open("wb") as file:
        file.write(noise.randbytes(70_000))
        file.seek(4 * BLOCK)
        file.write(text * 100)
        file.truncate(6 * BLOCK + 5)
    (root / "links/first").write_bytes(b"two names\n" * 1_000)
    os.link(root / "links/first", root / "links/second")
    os.symlink("../zeros", root / "links/symbolic")
    for name in ("xattr", "acl"):
        (root / "attrs" / name).write_bytes(text)
    decorate(root)
    (root / "attrs/acl").chmod(0o640)
    for folder, folders, files in os.walk(root, topdown=False):
        for name in (*folders, *files):
            os.utime(os.path.join(folder, name), (tree.EPOCH, tree.EPOCH), follow_symlinks=False)
    os.utime(root, (tree.EPOCH, tree.EPOCH))


@dataclass(frozen=True, slots=True)
class Cell:
    """One backup and its restore: `problems` is empty when all was equal."""

    combination: Combination
    sealed: bool
    source: str
    client: str
    problems: tuple[str, ...]


def table(cells: Sequence[Cell]) -> str:
    """The matrix as markdown: a row for each packing, both directions in each cell."""
    found = {(cell.combination, cell.sealed, cell.source): cell for cell in cells}
    heads = [(sparse, sealed) for sealed in (False, True) for sparse in (False, True)]
    names = [", ".join([*(["sparse"] if a else []), *(["PKI"] if b else [])]) or "neither" for a, b in heads]
    lines = [
        f"| packing | digest | {' | '.join(names)} |",
        f"|---|---|{'---|' * len(heads)}",
    ]
    for packing, digest in product(PACKINGS, DIGESTS):
        marks: list[str] = []
        for sparse, sealed in heads:
            pair = [found[Combination(packing, sparse, digest), sealed, source] for source, _ in DIRECTIONS]
            marks.append(" / ".join("different" if cell.problems else "equal" for cell in pair))
        lines.append(f"| {packing} | {digest.name} | {' | '.join(marks)} |")
    return "\n".join(lines) + "\n"


def page(cells: Sequence[Cell]) -> str:
    """docs/compatibility.md, whole."""
    different = sum(bool(cell.problems) for cell in cells)
    return _PAGE.format(count=len(cells), different=different, table=table(cells))


_PAGE = """# Compatibility with the C++ File daemon

What either daemon writes, the other restores. The table is written by `tests/e2e/test_cross_matrix.py`, which runs
every combination of packing, sparse, PKI (data encryption and signatures) and digest through a real Director and
Storage daemon, in both directions:

    FDAEMON_MATRIX=docs/compatibility.md BAREOS_BUILD=... python -m pytest tests/e2e/test_cross_matrix.py

The suite runs twelve of the combinations. In each cell stands first what the C++ daemon saved and fdaemon restored,
then what fdaemon saved and the C++ daemon restored. *equal* means:

- both jobs ended without an error or a warning;
- names, types, modes, owners, times, contents, hard links, ACLs and extended attributes of the restored tree are those
  of the original;
- the digest of every file in the catalog is that of its content (in a sparse backup: without the blocks of zeros that
  were left out), and fdaemon, while restoring, compared it with what it wrote;
- with PKI, the restoring daemon checked every signature.

The tree holds files of every size around a block's border, compressible and not, files of zeros and with holes,
hard and symbolic links, ACLs and extended attributes. One difference is masked: the C++ daemon never restores the times
of symbolic links, fdaemon does. With PKI neither daemon writes sparse streams; the C++ one drops the option silently.

What the C++ daemon cannot restore from its own backup it restores from fdaemon's: encrypted and not compressed, some
of the files that are 1 to 10 bytes longer than a whole number of blocks (there it ends in `Decryption error`, and may
lose the connection to the Storage daemon). fdaemon cuts the blocks of such files so that it can.

Of {count} backups and restores {different} were different.

{table}"""

"""The FileSet as values. Built by `parse`, read by `walk` and by the jobs; never touches the disk.

Facts: protocol/03 sections 1.8, 2.1 and 2.5 (core/src/filed/fileset.cc: SetOptionsAndFlags).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, Flag, auto

from fdaemon.fileset.size import SizeMatch
from fdaemon.wire.digests import Digest

DEFAULT_ACCURATE = b"Cmcs"
"""Accurate letters of an Include that names none (core/src/findlib/find.cc: FindFiles)."""
DEFAULT_VERIFY = b"V"
"""What verify letters are appended to."""
DEFAULT_BASE_JOB = b"Jspug5"
"""Letters compared in a Full job with a base job."""
LETTERS_LIMIT = 19
"""Bytes of `C…`, `V…` and of the appended verify letters (core/src/findlib/find.h: MAX_OPTS - 1)."""


class Option(Flag):
    """One switch of an Options block."""

    ACL = auto()
    CHECK_CHANGES = auto()
    ENHANCED_WILD = auto()
    EXCLUDE = auto()
    FORCE_ENCRYPTION = auto()
    HFS_PLUS = auto()
    HONOR_NODUMP = auto()
    IGNORE_CASE = auto()
    KEEP_ATIME = auto()
    MTIME_ONLY = auto()
    MULTI_FS = auto()
    NEVER_REPLACE = auto()
    NO_ATIME = auto()
    NO_AUTO_EXCLUDE = auto()
    NO_HARDLINKS = auto()
    NO_RECURSION = auto()
    PORTABLE = auto()
    READ_FIFO = auto()
    REPLACE_IF_NEWER = auto()
    SPARSE = auto()
    STRIP_PATH = auto()
    XATTR = auto()


NO_OPTIONS = Option(0)


class Compression(Enum):
    """Compression algorithm, valued with its name in messages (core/src/lib/compression.cc:
    CompressorName).
    """

    GZIP = "GZIP"
    LZO = "LZO"
    LZFAST = "FASTLZ"
    LZ4 = "LZ4"
    LZ4HC = "LZ4HC"


class Cipher(Enum):
    """Cipher that an `E…` letter asks for."""

    DES3 = "E3"
    BLOWFISH = "Eb"
    AES128 = "Ea1"
    AES192 = "Ea2"
    AES256 = "Ea3"
    CAMELLIA128 = "Ec1"
    CAMELLIA192 = "Ec2"
    CAMELLIA256 = "Ec3"
    AES128_HMAC_SHA1 = "Eh1"
    AES256_HMAC_SHA1 = "Eh2"


class Shadow(Enum):
    """What to do about names of the FileSet that lie below others."""

    NONE = 0
    LOCAL_WARN = 1
    LOCAL_REMOVE = 2
    GLOBAL_WARN = 3
    GLOBAL_REMOVE = 4

    @property
    def removes(self) -> bool:
        """True when the longer name is taken out of the FileSet."""
        return self in (Shadow.LOCAL_REMOVE, Shadow.GLOBAL_REMOVE)


class PatternKind(Enum):
    """Which entries a pattern is tried on, and in which notation; the value is the line code of the
    Director.
    """

    REGEX = b"R "
    REGEX_DIR = b"RD"
    REGEX_FILE = b"RF"
    WILD = b"W "
    WILD_DIR = b"WD"
    WILD_FILE = b"WF"
    WILD_BASE = b"WB"


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern line. `fold` is what the block said about case when the line arrived; only regexes go by
    it.
    """

    kind: PatternKind
    text: bytes
    fold: bool = False


@dataclass(frozen=True, slots=True)
class Options:
    """One Options block. The plain booleans repeat the flags that are asked for on every file.

    `compression` is (algorithm, level); `accurate` and `verify` still carry their leading `C` and `V`, and
    are empty when the block has none; `strip` is the path components to drop; `size` limits regular files;
    `plugin` the option plugin's command.
    """

    flags: Option = NO_OPTIONS
    digests: frozenset[Digest] = frozenset()
    compression: tuple[Compression, int] | None = None
    accurate: bytes = b""
    verify: bytes = b""
    base_job: bytes = b""
    strip: int = 0
    size: SizeMatch | None = None
    shadow: Shadow = Shadow.NONE
    cipher: Cipher | None = None
    plugin: bytes = b""
    patterns: tuple[Pattern, ...] = ()
    fs_types: tuple[bytes, ...] = ()
    drive_types: tuple[bytes, ...] = ()
    digest: Digest | None = field(init=False, default=None)
    acl: bool = field(init=False, default=False)
    xattr: bool = field(init=False, default=False)
    sparse: bool = field(init=False, default=False)
    no_atime: bool = field(init=False, default=False)
    keep_atime: bool = field(init=False, default=False)
    check_changes: bool = field(init=False, default=False)
    hardlinks: bool = field(init=False, default=True)
    mtime_only: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "digest", next((digest for digest in Digest if digest in self.digests), None))
        put(self, "acl", Option.ACL in self.flags)
        put(self, "xattr", Option.XATTR in self.flags)
        put(self, "sparse", Option.SPARSE in self.flags)
        put(self, "no_atime", Option.NO_ATIME in self.flags)
        put(self, "keep_atime", Option.KEEP_ATIME in self.flags)
        put(self, "check_changes", Option.CHECK_CHANGES in self.flags)
        put(self, "hardlinks", Option.NO_HARDLINKS not in self.flags)
        put(self, "mtime_only", Option.MTIME_ONLY in self.flags)

    def has(self, option: Option) -> bool:
        """True when the block sets `option`."""
        return bool(self.flags & option)


@dataclass(frozen=True, slots=True)
class Include:
    """One Include or Exclude block. `names` are the `F` lines after `|` and `<` were expanded, as given."""

    options: tuple[Options, ...] = ()
    names: tuple[bytes, ...] = ()
    ignore_dirs: tuple[bytes, ...] = ()
    plugins: tuple[bytes, ...] = ()

    @property
    def last(self) -> Options:
        """The last Options block, which speaks for the whole Include (size, strip, shadowing)."""
        return self.options[-1] if self.options else Options()

    @property
    def accurate(self) -> bytes:
        """Accurate letters: the last non-empty ones."""
        given = [block.accurate for block in self.options if block.accurate]
        return given[-1] if given else DEFAULT_ACCURATE

    @property
    def base_job(self) -> bytes:
        """Letters for a Full job with base jobs (Directors before 24 may send them)."""
        given = [block.base_job for block in self.options if block.base_job]
        return given[-1] if given else DEFAULT_BASE_JOB

    @property
    def verify(self) -> bytes:
        """Verify letters: `V` with those of all blocks appended, cut at LETTERS_LIMIT."""
        return (DEFAULT_VERIFY + b"".join(block.verify for block in self.options))[:LETTERS_LIMIT]


@dataclass(frozen=True, slots=True)
class FileSet:
    """All blocks, in the order in which they came."""

    includes: tuple[Include, ...] = ()
    excludes: tuple[Include, ...] = ()

    def blocks(self) -> Iterator[Options]:
        """Every Options block of every Include."""
        for include in self.includes:
            yield from include.options

    @property
    def wants_acl(self) -> bool:
        """True when any Include asks for ACLs."""
        return any(block.acl for block in self.blocks())

    @property
    def wants_xattr(self) -> bool:
        """True when any Include asks for extended attributes."""
        return any(block.xattr for block in self.blocks())

    @property
    def ciphers(self) -> tuple[Cipher, ...]:
        """The cipher settings of all blocks; more than one is a fatal error of the job."""
        return tuple(block.cipher for block in self.blocks() if block.cipher is not None)

    @property
    def forces_encryption(self) -> bool:
        """True when any block forbids saving without encryption."""
        return any(block.has(Option.FORCE_ENCRYPTION) for block in self.blocks())

    def listed(self, name: bytes) -> bool:
        """True when `name` is literally a name of any Include or Exclude."""
        return any(name in block.names for block in (*self.includes, *self.excludes))

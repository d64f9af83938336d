"""Stream numbers and what a Linux File daemon does with them. Data only."""

from enum import IntEnum

STREAM_MASK = 0x7FF
"""The upper bits of a stream number are flags that no File daemon sets (core/src/include/streams.h)."""


class Stream(IntEnum):
    """Stream numbers (core/src/include/streams.h, protocol/04 section 1.5)."""

    NONE = 0
    UNIX_ATTRIBUTES = 1
    FILE_DATA = 2
    MD5_DIGEST = 3
    GZIP_DATA = 4
    UNIX_ATTRIBUTES_EX = 5
    SPARSE_DATA = 6
    SPARSE_GZIP_DATA = 7
    PROGRAM_NAMES = 8
    PROGRAM_DATA = 9
    SHA1_DIGEST = 10
    WIN32_DATA = 11
    WIN32_GZIP_DATA = 12
    MACOS_FORK_DATA = 13
    HFSPLUS_ATTRIBUTES = 14
    UNIX_ACCESS_ACL = 15
    UNIX_DEFAULT_ACL = 16
    SHA256_DIGEST = 17
    SHA512_DIGEST = 18
    SIGNED_DIGEST = 19
    ENCRYPTED_FILE_DATA = 20
    ENCRYPTED_WIN32_DATA = 21
    ENCRYPTED_SESSION_DATA = 22
    ENCRYPTED_FILE_GZIP_DATA = 23
    ENCRYPTED_WIN32_GZIP_DATA = 24
    ENCRYPTED_MACOS_FORK_DATA = 25
    PLUGIN_NAME = 26
    PLUGIN_DATA = 27
    RESTORE_OBJECT = 28
    COMPRESSED_DATA = 29
    SPARSE_COMPRESSED_DATA = 30
    WIN32_COMPRESSED_DATA = 31
    ENCRYPTED_FILE_COMPRESSED_DATA = 32
    ENCRYPTED_WIN32_COMPRESSED_DATA = 33
    XXH128_DIGEST = 40
    NDMP_SEPARATOR = 999
    ACL_AIX_TEXT = 1000
    ACL_DARWIN_ACCESS_ACL = 1001
    ACL_FREEBSD_DEFAULT_ACL = 1002
    ACL_FREEBSD_ACCESS_ACL = 1003
    ACL_HPUX_ACL_ENTRY = 1004
    ACL_IRIX_DEFAULT_ACL = 1005
    ACL_IRIX_ACCESS_ACL = 1006
    ACL_LINUX_DEFAULT_ACL = 1007
    ACL_LINUX_ACCESS_ACL = 1008
    ACL_TRU64_DEFAULT_ACL = 1009
    ACL_TRU64_DEFAULT_DIR_ACL = 1010
    ACL_TRU64_ACCESS_ACL = 1011
    ACL_SOLARIS_ACLENT = 1012
    ACL_SOLARIS_ACE = 1013
    ACL_AFS_TEXT = 1014
    ACL_AIX_AIXC = 1015
    ACL_AIX_NFS4 = 1016
    ACL_FREEBSD_NFS4_ACL = 1017
    ACL_HURD_DEFAULT_ACL = 1018
    ACL_HURD_ACCESS_ACL = 1019
    ACL_PLUGIN = 1020
    XATTR_PLUGIN = 1988
    XATTR_HURD = 1989
    XATTR_IRIX = 1990
    XATTR_TRU64 = 1991
    XATTR_AIX = 1992
    XATTR_OPENBSD = 1993
    XATTR_SOLARIS_SYS = 1994
    XATTR_SOLARIS = 1995
    XATTR_DARWIN = 1996
    XATTR_FREEBSD = 1997
    XATTR_LINUX = 1998
    XATTR_NETBSD = 1999


S = Stream  # short, for the tables below only

ATTRIBUTES = frozenset({S.UNIX_ATTRIBUTES, S.UNIX_ATTRIBUTES_EX})
"""Start a new file."""

WIN32_DATA = frozenset(
    {
        S.WIN32_DATA,
        S.WIN32_GZIP_DATA,
        S.WIN32_COMPRESSED_DATA,
        S.ENCRYPTED_WIN32_DATA,
        S.ENCRYPTED_WIN32_GZIP_DATA,
        S.ENCRYPTED_WIN32_COMPRESSED_DATA,
    }
)
"""Windows BackupRead format: only the file content in it is used on Linux (protocol/04 section 8.6)."""

SPARSE_DATA = frozenset({S.SPARSE_DATA, S.SPARSE_GZIP_DATA, S.SPARSE_COMPRESSED_DATA})
"""Data whose records start with an 8-byte address."""

GZIP_DATA = frozenset(
    {
        S.GZIP_DATA,
        S.SPARSE_GZIP_DATA,
        S.WIN32_GZIP_DATA,
        S.ENCRYPTED_FILE_GZIP_DATA,
        S.ENCRYPTED_WIN32_GZIP_DATA,
    }
)
"""zlib data without a compression header (old releases)."""

COMPRESSED_DATA = frozenset(
    {
        S.COMPRESSED_DATA,
        S.SPARSE_COMPRESSED_DATA,
        S.WIN32_COMPRESSED_DATA,
        S.ENCRYPTED_FILE_COMPRESSED_DATA,
        S.ENCRYPTED_WIN32_COMPRESSED_DATA,
    }
)
"""Data whose blocks start with the 12-byte compression header."""

ENCRYPTED_DATA = frozenset(
    {
        S.ENCRYPTED_FILE_DATA,
        S.ENCRYPTED_FILE_GZIP_DATA,
        S.ENCRYPTED_FILE_COMPRESSED_DATA,
        S.ENCRYPTED_WIN32_DATA,
        S.ENCRYPTED_WIN32_GZIP_DATA,
        S.ENCRYPTED_WIN32_COMPRESSED_DATA,
    }
)
"""Data that needs the session key of stream 22."""

FILE_DATA = frozenset({S.FILE_DATA}) | WIN32_DATA | SPARSE_DATA | GZIP_DATA | COMPRESSED_DATA | ENCRYPTED_DATA
"""Every stream that is the content of a file."""

DIGESTS = frozenset({S.MD5_DIGEST, S.SHA1_DIGEST, S.SHA256_DIGEST, S.SHA512_DIGEST, S.XXH128_DIGEST})
"""Raw digests of the content."""

LINUX_ACL = frozenset({S.ACL_LINUX_ACCESS_ACL, S.ACL_LINUX_DEFAULT_ACL})
"""ACL streams that a Linux client writes and applies."""

ACLS = frozenset(s for s in Stream if 1000 <= s <= 1020) | {S.UNIX_ACCESS_ACL, S.UNIX_DEFAULT_ACL}
"""All ACL streams, foreign ones included."""

XATTRS = frozenset(s for s in Stream if 1988 <= s <= 1999)
"""All extended attribute streams, foreign ones included."""

MACOS = frozenset({S.MACOS_FORK_DATA, S.HFSPLUS_ATTRIBUTES, S.ENCRYPTED_MACOS_FORK_DATA})
"""macOS extras, counted and skipped on Linux."""

PROGRAM = frozenset({S.PROGRAM_NAMES, S.PROGRAM_DATA})
"""Historical program streams, ignored with one message a job."""

KNOWN_ON_RESTORE = (
    ATTRIBUTES
    | FILE_DATA
    | DIGESTS
    | ACLS
    | XATTRS
    | MACOS
    | PROGRAM
    | {S.SIGNED_DIGEST, S.ENCRYPTED_SESSION_DATA, S.PLUGIN_NAME, S.RESTORE_OBJECT}
)
"""Streams a restore handles or passes over in silence; any other number gets the "Unknown stream" warning."""

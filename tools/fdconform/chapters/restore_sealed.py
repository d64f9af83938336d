"""Chapter 6, sections 5 and 6: encrypted and signed files, ACLs and extended attributes."""

from typing import Final

from fdconform import pki_keys
from fdconform.case import Case
from fdconform.chapters.backup_content import letters
from fdconform.chapters.backup_sealed import (
    ACL_ACCESS,
    ACL_DEFAULT,
    DEFAULT_ACL,
    DEFAULT_TEXT,
    EXTENDED_ACL,
    EXTENDED_TEXT,
    LETTERS,
)
from fdconform.made import is_file, is_folder, xattr_is
from fdconform.making import Put, SealedParts, packed, plain, records, xattr_record
from fdconform.plays import restored
from fdconform.sealing import sign
from fdconform.stage import Stage
from fdconform.trees import TIME, File, Tree
from fdconform.work import EndJob, Said

_SEAL: Final = "04 §5.6; core/src/filed/crypto.cc"
_ACL: Final = "04 §6.2; core/src/findlib/acl.cc: parse_acl_streams"
_XATTR: Final = "04 §6.4; core/src/findlib/xattr.cc"
_TEXT: Final = letters(300_000, 9)


def _sealed(name: bytes, parts: SealedParts, size: int | None = None) -> Put:
    return Put(name, parts, size=len(parts.content) if size is None else size, stream=parts.stream)


def _opens(number: int, title: str, *puts: Put, content: bytes = b"hello", profile: str = "sealed") -> Case:
    return restored(
        f"6.5.{number}",
        title,
        "An encrypted file is restored with the daemon's key, and its signature is right.",
        _SEAL,
        records(*puts, SIGNED),
        is_file(b"a", content),
        is_file(b"z"),
        end=EndJob("T", files=len(puts) + 1, errors=0),
        profile=profile,
    )


def _counted(stage: Stage) -> str | None:
    """At least one error; daemons that pass their library's own messages on count these too."""
    return None if stage.end and stage.end.errors >= 1 else "no error is counted"


def _opened_or_told(stage: Stage) -> str | None:
    """The content of `a` is right, or an error was told and counted."""
    if stage.end is not None and stage.end.status == "T":
        return is_file(b"a", b"hello" * 7)(stage)
    told = any(message.type == 4 for message in stage.messages)
    return _counted(stage) if told else "nothing is said"


def _shut(
    number: int,
    title: str,
    rule: str,
    put: Put,
    said: bytes,
    *,
    profile: str = "sealed",
    written: bytes | None = None,
    after: Put | None = None,
) -> Case:
    """A problem with one file, told once and counted; the next is restored."""
    return restored(
        f"6.5.{number}",
        title,
        rule,
        _SEAL,
        records(put, SIGNED if after is None else after),
        is_file(b"z"),
        *(() if written is None else (is_file(b"a", written),)),
        _counted,
        said=(Said(said, type=4, strict=False),),
        end=EndJob("E", lenient="TW"),
        profile=profile,
    )


SIGNED: Final = _sealed(b"/z", SealedParts(b"hello"))
_TWO: Final = (_TEXT[:262144], _TEXT[262144:])

_PKI: Final = (
    _opens(1, "with the key", _sealed(b"/a", SealedParts(b"hello"))),
    _opens(
        2, "of two recipients", _sealed(b"/a", SealedParts(b"hello", to=("master", "client", "stranger")))
    ),
    _opens(3, "several blocks", _sealed(b"/a", SealedParts(_TEXT, blocks=_TWO)), content=_TEXT),
    _opens(
        4,
        "encrypted and compressed",
        _sealed(b"/a", SealedParts(_TEXT, blocks=tuple(packed(b"GZIP", part) for part in _TWO), stream=32)),
        content=_TEXT,
    ),
    _opens(
        5,
        "encrypted and compressed with LZ4",
        _sealed(b"/a", SealedParts(b"hello" * 50, blocks=(packed(b"FZ4L", b"hello" * 50),), stream=32)),
        content=b"hello" * 50,
    ),
    *(
        _opens(
            5 + number,
            f"cipher {cipher}",
            _sealed(b"/a", SealedParts(b"hello" * 7, cipher)),
            content=b"hello" * 7,
        )
        for number, cipher in enumerate(LETTERS.values(), 1)
    ),
    restored(
        "6.5.13",
        "an empty encrypted file",
        "An empty file has session data and a signature and no content.",
        _SEAL,
        records(
            Put(
                b"/a",
                lambda stage: [part for part in SealedParts(b"")(stage) if part[0] != 20],
                type=2,
                stream=20,
            ),
            SIGNED,
        ),
        is_file(b"a", b""),
        is_file(b"z"),
        end=EndJob("T", files=2, errors=0),
        profile="sealed",
    ),
    _shut(
        14,
        "encrypted for somebody else",
        "Without a key that opens the session the file is not decrypted.",
        _sealed(b"/a", SealedParts(b"hello", to=("stranger",))),
        rb".*Missing private key required to decrypt encrypted backup data\.\n",
    ),
    _shut(
        15,
        "no key configured",
        "A daemon without keys says so.",
        _sealed(b"/a", SealedParts(b"hello", to=("stranger",))),
        rb".*No private decryption keys have been defined to decrypt encrypted backup data\.\n",
        profile="plain",
        after=plain(b"/z"),
    ),
    _shut(
        16,
        "a signature of something else",
        "A signature that is not that of the content is told of; the file stays.",
        _sealed(b"/a", SealedParts(b"hello", signed=b"other")),
        rb".*Signature validation failed for file /?.*a: ERR=.*",
        written=b"hello",
    ),
    _shut(
        17,
        "no signature",
        "A missing signature is told of; the file stays.",
        _sealed(b"/a", SealedParts(b"hello", signed=None)),
        rb".*Missing cryptographic signature for .*a\n",
        written=b"hello",
    ),
    _shut(
        18,
        "session data twice",
        "A second session record ends the file (C++ daemons lose the next encrypted file too).",
        _sealed(b"/a", SealedParts(b"hello", sessions=2)),
        rb".*Unexpected cryptographic session data stream\.\n",
    ),
    _shut(
        19,
        "encrypted data without session data",
        "Without session data nothing is decrypted.",
        _sealed(b"/a", SealedParts(b"hello", sessions=0, signed=None)),
        rb".*Missing encryption session data stream for .*",
    ),
    _shut(
        20,
        "session data that is none",
        "Session data that cannot be decoded ends the file.",
        Put(b"/a", ((22, b"rubbish"), (20, bytes(16))), size=5, stream=20),
        rb".*An error occurred while decoding encrypted session data stream: .*",
    ),
    restored(
        "6.5.21",
        "encrypted data cut short",
        "Data that does not end with its padding is told of.",
        _SEAL,
        records(_sealed(b"/a", SealedParts(_TEXT, blocks=_TWO, cut=8), size=0), SIGNED),
        is_file(b"z"),
        said=(Said(rb".*", type=4),),
        end=EndJob("E", lenient="TW"),
        profile="sealed",
    ),
    restored(
        "6.5.22",
        "a signature by a stranger",
        "A signature by somebody who is not trusted may be warned of; the file stays.",
        _SEAL,
        records(_sealed(b"/a", SealedParts(b"hello", signer="stranger")), SIGNED),
        is_file(b"a"),
        said=(),
        end=EndJob("TW", files=2),
        profile="sealed",
    ),
    restored(
        "6.5.23",
        "signed, not encrypted",
        "A signature over plain content is checked.",
        _SEAL,
        records(
            Put(
                b"/a",
                lambda stage: ((2, b"hello"), (19, sign(pki_keys.of(stage, "client"), b"hello"))),
                size=5,
            ),
            Put(b"/e", lambda stage: ((19, sign(pki_keys.of(stage, "client"), b"")),), type=2),
        ),
        is_file(b"a"),
        is_file(b"e", b""),
        end=EndJob("T", files=2, errors=0),
        profile="signed",
    ),
    restored(
        "6.5.24",
        "a signature where none is checked",
        "A daemon without keys passes signatures over.",
        _SEAL,
        records(
            Put(
                b"/a",
                lambda stage: ((2, b"hello"), (19, sign(pki_keys.of(stage, "client"), b"other"))),
                size=5,
            ),
            plain(b"/b"),
        ),
        is_file(b"a"),
        is_file(b"b"),
        end=EndJob("T", lenient="W", files=2, errors=0),
    ),
    restored(
        "6.5.25",
        "cipher blowfish",
        "A file sealed with Blowfish is restored; a daemon whose OpenSSL does not offer it says so and goes on.",
        _SEAL,
        records(_sealed(b"/a", SealedParts(b"hello" * 7, "blowfish")), SIGNED),
        _opened_or_told,
        is_file(b"z"),
        said=(),
        end=EndJob("TE"),
        profile="sealed",
    ),
)


def _warned(
    number: int, title: str, rule: str, put: Put, said: bytes, *, types: tuple[int, ...] = (5,)
) -> Case:
    """A record that cannot be applied: told, with the letter W or E; the file itself is there."""
    return restored(
        f"6.6.{number}",
        title,
        rule,
        _ACL if number < 10 else _XATTR,
        records(put, plain(b"/b")),
        is_file(b"a"),
        is_file(b"b"),
        said=tuple(Said(said, type=type, strict=False) for type in types),
        end=EndJob("WE", lenient="T", files=2),
    )


_EXTENDED: Final = (
    restored(
        "6.6.1",
        "an access ACL",
        "Stream 1008 is the text of an ACL with names or numbers; it survives the mode.",
        _ACL,
        records(Put(b"/a", ((2, b"hello"), (1008, EXTENDED_TEXT)), mode=0o100650)),
        is_file(b"a", mode=0o650),
        xattr_is(b"a", ACL_ACCESS, EXTENDED_ACL),
        end=EndJob("T", files=1, errors=0),
    ),
    restored(
        "6.6.2",
        "ACLs of a directory",
        "Directories have access and default ACLs.",
        _ACL,
        records(Put(b"/d/", ((1007, DEFAULT_TEXT),), type=5, mode=0o40755), plain(b"/b")),
        is_folder(b"d"),
        xattr_is(b"d", ACL_DEFAULT, DEFAULT_ACL),
        end=EndJob("T", files=2, errors=0),
    ),
    restored(
        "6.6.3",
        "the old stream of ACLs",
        "Streams 15 and 16 are access and default ACLs too.",
        _ACL,
        records(
            Put(b"/a", ((2, b"hello"), (15, EXTENDED_TEXT)), mode=0o100650),
            Put(b"/d/", ((16, DEFAULT_TEXT),), type=5, mode=0o40755),
        ),
        xattr_is(b"a", ACL_ACCESS, EXTENDED_ACL),
        xattr_is(b"d", ACL_DEFAULT, DEFAULT_ACL),
        end=EndJob("T", files=2, errors=0),
    ),
    _warned(
        4,
        "an ACL that is none",
        "An ACL that cannot be read is warned of; the file stays.",
        Put(b"/a", ((2, b"hello"), (1008, b"what:is:this\n\0"))),
        rb".*acl_from_text error on file .*|.*acl_valid error on file .*",
    ),
    _warned(
        5,
        "an ACL of another system",
        "An ACL of another system is warned of; the file stays.",
        Put(b"/a", ((2, b"hello"), (1004, b"(root.%,rwx)\0"))),
        rb".*Can't restore ACLs of .*a - incompatible acl stream encountered - 1004\n",
    ),
    restored(
        "6.6.10",
        "extended attributes",
        "All attributes of the record are set, empty values and bytes too.",
        _XATTR,
        records(
            Put(
                b"/a",
                (
                    (2, b"hello"),
                    (1998, xattr_record((b"user.a", b"1"), (b"user.e", b""), (b"user.r", b"\0\xff"))),
                ),
            ),
            Put(b"/d/", ((1998, xattr_record((b"user.d", b"dir"))),), type=5, mode=0o40555),
        ),
        xattr_is(b"a", "user.a", b"1"),
        xattr_is(b"a", "user.e", b""),
        xattr_is(b"a", "user.r", b"\0\xff"),
        xattr_is(b"d", "user.d", b"dir"),
        is_file(b"a", mtime=TIME),
        end=EndJob("T", files=2, errors=0),
    ),
    _warned(
        11,
        "extended attributes that are none",
        "A record without the magic number is an error; the file stays.",
        Put(b"/a", ((2, b"hello"), (1998, b"\0\0\0\1\0\0\0\6user.a\0\0\0\1x"))),
        rb".*Illegal xattr stream, no XATTR_MAGIC on file .*",
        types=(4,),
    ),
    _warned(
        12,
        "an extended attribute without a name",
        "A name of no bytes is an error; the file stays.",
        Put(b"/a", ((2, b"hello"), (1998, xattr_record((b"", b"x"))))),
        rb".*Illegal xattr stream, xattr name length <= 0 on file .*",
        types=(4,),
    ),
    _warned(
        13,
        "extended attributes of another system",
        "Those of another system are warned of; the file stays.",
        Put(b"/a", ((2, b"hello"), (1997, xattr_record((b"user.a", b"x"))))),
        rb".*Can't restore Extended Attributes of .*a - incompatible xattr stream encountered - 1997\n",
    ),
    _warned(
        14,
        "an extended attribute that cannot be set",
        "An attribute the system refuses is told of; the file stays.",
        Put(b"/a", ((2, b"hello"), (1998, xattr_record((b"user.", b"x"))))),
        rb".*lsetxattr error on file .*|.*Disabling restore of XATTRs on this filesystem.*",
        types=(),
    ),
    restored(
        "6.6.16",
        "ACL and extended attributes of a file that is left alone",
        "Nothing is applied to a file that the replace rule keeps.",
        _ACL,
        records(Put(b"/a", ((2, b"hello"), (1998, xattr_record((b"user.a", b"1")))))),
        is_file(b"a", b"mine", mtime=None),
        xattr_is(b"a", "user.a", None),
        command=b"restore replace=n prelinks=0 where={where}\n",
        before=(Tree((File(b"a", b"mine"),), b"{where}"),),
        end=EndJob("T", files=1, errors=0),
    ),
)

CASES: Final = (*_PKI, *_EXTENDED)

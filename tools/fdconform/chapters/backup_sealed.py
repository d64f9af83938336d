"""Chapter 5, sections 8 and 9: signatures, encryption, ACLs and extended attributes."""

import os
import struct
from pathlib import Path
from typing import Final

from fdconform.case import Case
from fdconform.chapters.backup_content import letters, noise
from fdconform.decoding import xattrs
from fdconform.dialogue import backup_orders, lines
from fdconform.expect import Like
from fdconform.plays import FILES, backed_up, block, include
from fdconform.stage import Check, Stage
from fdconform.stored import DATA, StoredFile, has_content, has_fields, has_record, has_streams, of_file
from fdconform.talk import Alive, Hear, Say
from fdconform.trees import Change, Directory, File, Link, Tree
from fdconform.unsealing import is_sealed, is_signed, one_session
from fdconform.work import Announce, Checked, EndJob, Said

_SEAL: Final = "04 §5; core/src/filed/crypto.cc"
_SIGN: Final = "04 §5.5; core/src/lib/crypto_openssl.cc: CryptoSignAddSigner"
_ACLS: Final = "04 §6.1; core/src/findlib/acl.cc"
_XATTRS: Final = "04 §6.3; core/src/findlib/xattr.cc"
_BIG: Final = letters(700_001)

LETTERS: Final = {
    "a1": "aes128",
    "a2": "aes192",
    "a3": "aes256",
    "c1": "camellia128",
    "c2": "camellia192",
    "c3": "camellia256",
    "3": "3des",
}


def _lettered(number: int, letter: str, cipher: str) -> Case:
    content = noise(10_000, number)
    return backed_up(
        f"5.8.{number + 10}",
        f"cipher {cipher} by the file set",
        f"Option E{letter} of the file set chooses {cipher}.",
        "03 §1.8; 04 §5.2",
        (File(b"a", content), File(b"b", b"x" * 15), File(b"c", b"x" * 12)),
        *(
            is_sealed(name, data, cipher)
            for name, data in ((b"a", content), (b"b", b"x" * 15), (b"c", b"x" * 12))
        ),
        is_signed(b"a", content),
        options=b"ME" + letter.encode(),
        end=EndJob("T", errors=0, encrypt=1),
        profile="sealed",
    )


def _refused(number: int, title: str, rows: tuple[bytes, ...], said: bytes, profile: str) -> Case:
    return Case(
        id=f"5.8.{number}",
        title=title,
        rule="A file set that asks for a cipher which cannot be had is refused with 2902 Bad backup.",
        source="03 §1.9; core/src/filed/dir_cmd.cc: GetWantedCryptoCipher",
        needs=FILES,
        profile=profile,
        play=(
            Tree((File(b"a", b"x"),)),
            Announce(),
            *backup_orders(rows),
            Say(b"backup FileIndex=0\n"),
            Hear(Like(rb"2902 Bad backup.*")),
            EndJob("f"),
            Said(said, type=3, strict=False),
        ),
    )


def _blowfish(stage: Stage) -> str | None:
    """Either everything is sealed, or the job says why it is not and has sent no content."""
    if stage.end is not None and stage.end.status == "T":
        looks = (is_sealed(b"a", noise(10_000, 8), "blowfish"), is_sealed(b"b", b"x" * 15, "blowfish"))
        return next((problem for look in looks if (problem := look(stage))), None)
    if any(record.stream in DATA for record in stage.records):
        return "content was sent nevertheless"
    return None if any(message.type == 3 for message in stage.messages) else "nothing is said"


_SEALED: Final = (
    backed_up(
        "5.8.1",
        "signatures",
        "With PKI Signatures every plain file has a signature over its content, before the digest.",
        _SIGN,
        (File(b"a", b"hello"), File(b"e"), File(b"big", _BIG), Link(b"l", b"a")),
        is_signed(b"a", b"hello"),
        is_signed(b"e", b""),
        is_signed(b"big", _BIG),
        has_streams(b"a", 2, 19, 3),
        has_streams(b"e", 19, 3),
        has_streams(b"l"),
        has_streams(b""),
        has_content(b"big", _BIG),
        end=EndJob("T", errors=0, encrypt=0),
        profile="signed",
    ),
    backed_up(
        "5.8.2",
        "signature of compressed content",
        "The signature is over the plain content.",
        _SIGN,
        (File(b"a", _BIG),),
        is_signed(b"a", _BIG),
        has_content(b"a", _BIG),
        has_streams(b"a", 29, 19, 17),
        options=b"S2Z6",
        profile="signed",
    ),
    backed_up(
        "5.8.3",
        "encryption",
        "With PKI Encryption content comes in stream 20 after session data that client and master can open.",
        _SEAL,
        (File(b"a", b"hello"), File(b"big", _BIG), File(b"e"), File(b"even", noise(12)), Link(b"l", b"a")),
        is_sealed(b"a", b"hello"),
        is_sealed(b"big", _BIG),
        is_sealed(b"e", b""),
        is_sealed(b"even", noise(12)),
        is_signed(b"a", b"hello"),
        is_signed(b"big", _BIG),
        has_streams(b"a", 22, 20, 19, 3),
        has_streams(b"e", 22, 19, 3),
        has_streams(b"l"),
        has_fields(b"l", stream=2),
        has_record(b"a", 3, bytes.fromhex("5d41402abc4b2a76b9719d911017c592")),
        one_session,
        end=EndJob("T", errors=0, encrypt=1),
        profile="sealed",
    ),
    backed_up(
        "5.8.4",
        "encryption and compression",
        "Blocks are compressed, then encrypted; the stream is 32.",
        _SEAL,
        (File(b"a", _BIG), File(b"s", b"short")),
        is_sealed(b"a", _BIG, stream=32),
        is_sealed(b"s", b"short", stream=32),
        options=b"MZ6",
        profile="sealed",
    ),
    backed_up(
        "5.8.5",
        "encryption and LZ4",
        "Blocks are compressed, then encrypted; the stream is 32.",
        _SEAL,
        (File(b"a", _BIG),),
        is_sealed(b"a", _BIG, stream=32),
        options=b"MZf4",
        profile="sealed",
    ),
    backed_up(
        "5.8.6",
        "encryption and sparse",
        "Encrypted files are never sparse.",
        "04 §1.6",
        (File(b"a", bytes(600_000)),),
        is_sealed(b"a", bytes(600_000)),
        options=b"Ms",
        profile="sealed",
    ),
    backed_up(
        "5.8.7",
        "another cipher by configuration",
        "PKI Cipher chooses the cipher.",
        "04 §5.1",
        (File(b"a", b"hello"),),
        is_sealed(b"a", b"hello", "aes256"),
        profile="sealed-aes256",
    ),
    backed_up(
        "5.8.8",
        "forced encryption",
        "Option Ef is fine where encryption is configured.",
        "03 §1.9",
        (File(b"a", b"hello"),),
        is_sealed(b"a", b"hello"),
        options=b"MEf",
        profile="sealed",
    ),
    _refused(
        9,
        "forced encryption without keys",
        lines(b"MEf"),
        rb".*forces encryption but encryption is not.*",
        "plain",
    ),
    _refused(10, "a cipher without keys", lines(b"MEa1"), rb".*PKI Key Pair is not configured.*", "plain"),
    *(_lettered(number, letter, cipher) for number, (letter, cipher) in enumerate(LETTERS.items(), 1)),
    _refused(
        18,
        "two ciphers",
        include((block(b"Ea1", b"W *.a"), block(b"Ea3"))),
        rb".*multiple cipher settings.*",
        "sealed",
    ),
    Case(
        id="5.8.19",
        title="cipher blowfish by the file set",
        rule="Option Eb chooses Blowfish; a daemon whose OpenSSL does not offer it says so and ends the job.",
        source="03 §1.8; 04 §5.2; core/src/filed/crypto.cc",
        needs=FILES,
        profile="sealed",
        play=(
            Tree((File(b"a", noise(10_000, 8)), File(b"b", b"x" * 15))),
            Announce(),
            *backup_orders(lines(b"MEb")),
            Say(b"backup FileIndex=0\n"),
            Hear(Like(rb"2000 OK backup\n|2902 Bad backup.*")),
            EndJob("Tf"),
            Checked((_blowfish,)),
            Alive(),
        ),
    ),
)

ACL_ACCESS: Final = "system.posix_acl_access"
ACL_DEFAULT: Final = "system.posix_acl_default"
_NOBODY: Final = 0xFFFFFFFF


def acl(*entries: tuple[int, int, int]) -> bytes:
    """An ACL as the kernel keeps it: tag, permissions, id (protocol/04 §6.1)."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


EXTENDED_ACL: Final = acl(
    (1, 6, _NOBODY), (2, 7, 0), (2, 4, 12345), (4, 4, _NOBODY), (8, 7, 0), (16, 5, _NOBODY), (32, 0, _NOBODY)
)
EXTENDED_TEXT: Final = (
    b"user::rw-\nuser:root:rwx\t#effective:r-x\nuser:12345:r--\ngroup::r--\n"
    b"group:root:rwx\t#effective:r-x\nmask::r-x\nother::---\n\0"
)
DEFAULT_ACL: Final = acl((1, 7, _NOBODY), (4, 5, _NOBODY), (32, 0, _NOBODY))
DEFAULT_TEXT: Final = b"user::rwx\ngroup::r-x\nother::---\n\0"


def _give_acls(tree: Path) -> None:
    os.setxattr(tree / "a", ACL_ACCESS, EXTENDED_ACL)
    os.setxattr(tree / "d", ACL_DEFAULT, DEFAULT_ACL)


def _has_xattrs(name: bytes, **wanted: bytes) -> Check:
    """At least these attributes of the user space (others may be there: security labels)."""

    def look(file: StoredFile, stage: Stage) -> str | None:
        record = file.stream(1998)
        got = {key: value for key, value in xattrs(record or b"").items() if key.startswith(b"user.")}
        right = {b"user." + key.encode(): value for key, value in wanted.items()}
        return None if got == right else f"{got}, not {right}"

    return of_file(name, look)


_EXTENDED: Final = (
    backed_up(
        "5.9.1",
        "access and default ACLs",
        "An ACL beyond the mode bits is sent as text with a NUL: 1008 access, 1007 default.",
        _ACLS,
        (File(b"a", b"x"), File(b"b", b"x"), Directory(b"d")),
        has_streams(b"a", 2, 1008, 3),
        has_streams(b"b", 2, 3),
        has_record(b"a", 1008, EXTENDED_TEXT),
        has_record(b"d/", 1007, DEFAULT_TEXT),
        options=b"MA",
        between=(Change(_give_acls),),
    ),
    backed_up(
        "5.9.2",
        "ACLs are not asked for",
        "Without A no ACL is sent.",
        _ACLS,
        (File(b"a", b"x"), Directory(b"d")),
        has_streams(b"a", 2, 3),
        has_streams(b"d/"),
        between=(Change(_give_acls),),
    ),
    backed_up(
        "5.9.3",
        "ACLs as extended attributes",
        "With X and without A the ACLs are among the extended attributes.",
        _XATTRS,
        (File(b"a", b"x"), Directory(b"d")),
        of_file(
            b"a",
            lambda file, stage: (
                None
                if xattrs(file.stream(1998) or b"").get(ACL_ACCESS.encode()) == EXTENDED_ACL
                else "the ACL is missing"
            ),
        ),
        options=b"MX",
        between=(Change(_give_acls),),
    ),
    backed_up(
        "5.9.4",
        "extended attributes",
        "All extended attributes of a file are one record; empty values and bytes too.",
        _XATTRS,
        (
            File(b"a", b"x", xattrs=(("user.one", b"1"), ("user.empty", b""), ("user.raw", b"\0\xff\n"))),
            File(b"b", b"x"),
        ),
        _has_xattrs(b"a", one=b"1", empty=b"", raw=b"\0\xff\n"),
        _has_xattrs(b"b"),
        options=b"MX",
    ),
    backed_up(
        "5.9.5",
        "extended attributes are not asked for",
        "Without X no extended attributes are sent.",
        _XATTRS,
        (File(b"a", b"x", xattrs=(("user.one", b"1"),)),),
        has_streams(b"a", 2, 3),
    ),
    backed_up(
        "5.9.6",
        "both, with ACLs first",
        "ACLs come before extended attributes, and are left out of these.",
        "04 §1.2, 6.3",
        (File(b"a", b"x", xattrs=(("user.one", b"1"),)), Directory(b"d")),
        has_streams(b"a", 2, 1008, 1998, 3),
        _has_xattrs(b"a", one=b"1"),
        of_file(
            b"a",
            lambda file, stage: (
                "the ACL is among them" if ACL_ACCESS.encode() in xattrs(file.stream(1998) or b"") else None
            ),
        ),
        options=b"MAX",
        between=(Change(_give_acls),),
    ),
    backed_up(
        "5.9.7",
        "extended attributes of a hard link",
        "Further names of a file have ACLs and extended attributes again.",
        "04 §2.7",
        (File(b"a", b"x", xattrs=(("user.one", b"1"),)), Link(b"b", b"a", hard=True)),
        has_streams(b"b", 1998, 3),
        rows=lines(b"MAX", b"{tree}/a", b"{tree}/b"),
    ),
    backed_up(
        "5.9.8",
        "extended attributes in JobBytes",
        "ACL and extended attribute records count in JobBytes.",
        "04 §8.9",
        (File(b"a", b"hello", xattrs=(("user.one", b"1"),)), Directory(b"d")),
        lambda stage: (
            None
            if stage.end
            and stage.end.job_bytes
            == sum(len(record.data) for record in stage.records if record.stream in (2, 1007, 1008, 1998))
            else f"JobBytes={stage.end and stage.end.job_bytes}"
        ),
        options=b"MAX",
        between=(Change(_give_acls),),
    ),
    backed_up(
        "5.9.9",
        "extended attributes of a directory",
        "Directories have extended attributes as files have.",
        _XATTRS,
        (Directory(b"d"),),
        _has_xattrs(b"d/", on=b"directory"),
        options=b"MX",
        between=(Change(lambda tree: os.setxattr(tree / "d", "user.on", b"directory")),),
    ),
)

CASES: Final = (*_SEALED, *_EXTENDED)

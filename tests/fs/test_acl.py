import ctypes
import ctypes.util

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fdaemon.fs import acl, identities

USERS = {0: b"root", 7: b"a b:c"}
GROUPS = {0: b"root"}
RECORDED = bytes.fromhex(
    "02000000 0100 0600 ffffffff 0200 0700 00000000 0200 0400 39300000 0400 0400 ffffffff"
    "0800 0700 00000000 1000 0500 ffffffff 2000 0000 ffffffff"
)
TEXT = (
    b"user::rw-\nuser:root:rwx\t#effective:r-x\nuser:12345:r--\ngroup::r--\n"
    b"group:root:rwx\t#effective:r-x\nmask::r-x\nother::---\n"
)


def user_id(name: bytes) -> int | None:
    return {text: number for number, text in USERS.items()}.get(name)


def group_id(name: bytes) -> int | None:
    return {text: number for number, text in GROUPS.items()}.get(name)


def to_text(value: bytes) -> bytes:
    return acl.to_text(value, USERS.get, GROUPS.get)


def from_text(text: bytes) -> bytes:
    return acl.from_text(text, user_id, group_id)


def test_text_of_the_protocol_book() -> None:
    assert to_text(RECORDED) == TEXT
    assert from_text(TEXT) == RECORDED


def test_entries_are_sorted_and_blanks_in_names_are_escaped() -> None:
    value = from_text(b"o::-,m::rw u:a\\040b\\072c:r\nu:3:w,g::r,u::rwx")
    assert (
        to_text(value)
        == b"user::rwx\nuser:3:-w-\nuser:a\\040b\\072c:r--\ngroup::r--\nmask::rw-\nother::---\n"
    )


def test_minimal() -> None:
    assert acl.is_minimal(from_text(b"u::rw,g::r,o::-"))
    assert not acl.is_minimal(from_text(b"u::rw,g::r,m::r,o::-"))
    assert not acl.is_minimal(RECORDED)


@pytest.mark.parametrize(
    ("text", "stage"),
    [
        (b"user::rwxr,group::r,other::r", "acl_from_text"),
        (b"us::r", "acl_from_text"),
        (b"user::,group::r,other::r", "acl_from_text"),
        (b"user:rw,group::r,other::r", "acl_from_text"),
        (b"user:nosuch:r", "acl_from_text"),
        (b"user:4294967295:r", "acl_from_text"),
        (b"mask:root:r", "acl_from_text"),
        (b"default:user::r", "acl_from_text"),
        (b"", "acl_valid"),
        (b"u::r,g::r", "acl_valid"),
        (b"u::r,u::r,g::r,o::r", "acl_valid"),
        (b"u::r,u:1:r,g::r,o::r", "acl_valid"),
        (b"u::r,u:1:r,u:1:w,g::r,m::r,o::r", "acl_valid"),
    ],
)
def test_refused(text: bytes, stage: str) -> None:
    with pytest.raises(acl.AclError) as caught:
        from_text(text)
    assert caught.value.stage == stage


@pytest.mark.parametrize("cut", range(1, len(RECORDED)))
def test_cut_kernel_value(cut: int) -> None:
    if (cut - 4) % 8 == 0:
        assert len(to_text(RECORDED[:cut]).splitlines()) == (cut - 4) // 8
        return
    with pytest.raises(acl.AclError):
        to_text(RECORDED[:cut])


@given(st.binary(max_size=64))
def test_any_bytes_are_an_acl_or_an_error(data: bytes) -> None:
    for call in (to_text, from_text):
        try:
            call(data)
        except acl.AclError:
            continue


@given(
    st.integers(0, 7), st.integers(0, 7), st.integers(0, 7), st.integers(0, 7),
    st.dictionaries(st.integers(0, 2**32 - 2), st.integers(0, 7), max_size=5),
    st.dictionaries(st.integers(0, 2**32 - 2), st.integers(0, 7), max_size=5),
)  # fmt: skip
def test_same_text_as_libacl(
    owner: int, group: int, other: int, mask: int, users: dict[int, int], groups: dict[int, int]
) -> None:
    entries = [b"u::%b" % letters(owner), b"g::%b" % letters(group), b"o::%b" % letters(other)]
    entries += [b"m::%b" % letters(mask)]
    entries += [b"u:%d:%b" % (uid, letters(bits)) for uid, bits in users.items()]
    entries += [b"g:%d:%b" % (gid, letters(bits)) for gid, bits in groups.items()]
    text = b",".join(entries)
    value = acl.from_text(text, identities.user_id, identities.group_id)
    ours = acl.to_text(value, identities.user_name, identities.group_name)
    assert acl.from_text(ours, identities.user_id, identities.group_id) == value
    assert ours == libacl_text(text)


def letters(bits: int) -> bytes:
    return bytes(letter if bits & bit else ord("-") for letter, bit in zip(b"rwx", (4, 2, 1), strict=True))


def libacl_text(text: bytes) -> bytes | None:
    path = ctypes.util.find_library("acl")
    if path is None:
        pytest.skip("libacl is not on this machine")
    library = ctypes.CDLL(path)
    library.acl_from_text.restype = ctypes.c_void_p
    library.acl_from_text.argtypes = [ctypes.c_char_p]
    library.acl_to_text.restype = ctypes.c_void_p
    library.acl_to_text.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    library.acl_free.argtypes = [ctypes.c_void_p]
    parsed = library.acl_from_text(text)
    shown = library.acl_to_text(parsed, None)
    result = ctypes.string_at(shown)
    library.acl_free(shown)
    library.acl_free(parsed)
    return result


@pytest.mark.parametrize("ident", [b"4294967295", b"9" * 5000])
def test_ids_beyond_32_bits(ident: bytes) -> None:
    with pytest.raises(acl.AclError, match="beyond 32 bits"):
        acl.from_text(b"u::r,u:%b:r,g::r,m::r,o::r" % ident, lambda name: None, lambda name: None)


def test_an_id_with_zeros_before_it() -> None:
    texts = [b"u::r,u:%b:r,g::r,m::r,o::r" % ident for ident in (b"12", b"0" * 100 + b"12")]
    plain, padded = [acl.from_text(text, lambda name: None, lambda name: None) for text in texts]
    assert plain == padded

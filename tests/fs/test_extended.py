import errno
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fdaemon.errors import RemoteProtocolError
from fdaemon.fs.extended import NOTHING, pack_pairs, read_extended, unpack_pairs
from fdaemon.fs.extended_apply import apply_acl, apply_xattrs
from fdaemon.fs.problem import Severity
from fdaemon.wire.streams import Stream

RECORD = bytes.fromhex(
    "00 5c 58 84 00 00 00 06 75 73 65 72 2e 61 00 00 00 01 31"
    "00 5c 58 84 00 00 00 0a 75 73 65 72 2e 65 6d 70 74 79 00 00 00 00"
)
PAIRS = [(b"user.a", b"1"), (b"user.empty", b"")]
ACL = b"user::rw-\nuser:12345:rwx\t#effective:r--\ngroup::r--\nmask::r--\nother::---\n\0"


@pytest.fixture
def path(tmp_path: Path) -> bytes:
    name = tmp_path / "file"
    name.write_bytes(b"x")
    try:
        os.setxattr(name, "user.probe", b"1")
        os.removexattr(name, "user.probe")
    except OSError as error:
        pytest.skip(f"no user attributes on this file system: {error}")
    return os.fsencode(name)


def test_record_of_the_protocol_book() -> None:
    assert pack_pairs(PAIRS) == RECORD
    assert unpack_pairs(RECORD) == PAIRS


@pytest.mark.parametrize("cut", [n for n in range(1, len(RECORD)) if n != 19])
def test_cut_record(cut: int) -> None:
    with pytest.raises(RemoteProtocolError):
        unpack_pairs(RECORD[:cut], b"/f")


@given(st.binary(max_size=60))
def test_any_record_is_pairs_or_an_error(data: bytes) -> None:
    try:
        pairs = unpack_pairs(data)
    except RemoteProtocolError:
        return
    assert pack_pairs(pairs) == data


def test_nothing(path: bytes) -> None:
    assert read_extended(path, acl=True, xattr=True, directory=False) is NOTHING
    assert read_extended(path + b"-gone", acl=True, xattr=True, directory=False) is NOTHING


@pytest.mark.parametrize("by_descriptor", [False, True])
def test_round_trip(path: bytes, by_descriptor: bool) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        target: int | bytes = descriptor if by_descriptor else path
        assert apply_acl(target, ACL, default=False, name=b"/f") is None
        assert apply_xattrs(target, RECORD, name=b"/f") == []
        found = read_extended(target, acl=True, xattr=True, directory=False)
        assert found.problems == ()
        assert dict(found.streams)[Stream.ACL_LINUX_ACCESS_ACL] == ACL
        assert sorted(unpack_pairs(dict(found.streams)[Stream.XATTR_LINUX])) == PAIRS
        assert [stream for stream, _ in found.streams] == [Stream.ACL_LINUX_ACCESS_ACL, Stream.XATTR_LINUX]
        only_xattr = read_extended(target, acl=False, xattr=True, directory=False)
        names = [name for name, _ in unpack_pairs(only_xattr.streams[0][1])]
        assert b"system.posix_acl_access" in names
    finally:
        os.close(descriptor)


def test_getfacl_agrees(path: bytes) -> None:
    if shutil.which("getfacl") is None:
        pytest.skip("getfacl is not on this machine")
    assert apply_acl(path, ACL, default=False, name=b"/f") is None
    shown = subprocess.run(
        ["getfacl", "--omit-header", "--absolute-names", "--no-effective", os.fsdecode(path)],
        check=True,
        capture_output=True,
    ).stdout
    assert shown.rstrip(b"\n") + b"\n" == ACL.replace(b"\t#effective:r--", b"")[:-1]


def test_default_acl(path: bytes) -> None:
    directory = os.path.dirname(path)
    assert apply_acl(directory, ACL, default=True, name=b"/d") is None
    found = read_extended(directory, acl=True, xattr=True, directory=True)
    assert found.streams == ((Stream.ACL_LINUX_DEFAULT_ACL, ACL),)
    assert apply_acl(directory, b"\0", default=True, name=b"/d") is None
    assert apply_acl(directory, b"", default=True, name=b"/d") is None
    assert read_extended(directory, acl=True, xattr=True, directory=True) is NOTHING


def test_default_acl_of_a_file_is_refused(path: bytes) -> None:
    problem = apply_acl(path, ACL, default=True, name=b"/f")
    assert problem is not None
    assert problem.severity is Severity.WARNING
    assert problem.text.startswith(b'acl_set_file error on file "/f": ERR=')


@pytest.mark.parametrize(
    ("text", "call"), [(b"nonsense", b"acl_from_text"), (b"u::r,u:1:r,g::r,o::r", b"acl_valid")]
)
def test_bad_acl(path: bytes, text: bytes, call: bytes) -> None:
    problem = apply_acl(path, text, default=False, name=b"/f")
    assert problem is not None
    assert problem.text == call + b' error on file "/f": ERR=Invalid argument\n'


def test_one_bad_attribute_does_not_stop_the_others(path: bytes) -> None:
    record = pack_pairs([(b"user.a", b"1"), (b"user.\0", b""), (b"user.b", b"2")])
    (problem,) = apply_xattrs(path, record, name=b"/f")
    assert problem.severity is Severity.ERROR
    assert sorted(os.listxattr(path)) == ["user.a", "user.b"]


def test_symbolic_link_is_not_followed(path: bytes) -> None:
    link = path + b"-link"
    os.symlink(path, link)
    os.setxattr(path, "user.a", b"1")
    assert read_extended(link, acl=False, xattr=True, directory=False) is NOTHING
    (problem,) = apply_xattrs(link, RECORD[:19], name=b"/l")
    assert os.strerror(errno.EPERM).encode() in problem.text


def test_too_large(path: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    os.setxattr(path, "user.large", bytes(300))
    monkeypatch.setattr("fdaemon.fs.extended.LIMIT", 300)
    found = read_extended(path, acl=True, xattr=True, directory=False, name=b"/f")
    assert found.streams == ()
    assert found.problems[0].text == b'Xattr stream on file "/f" exceeds maximum size of 1048576 bytes\n'


@pytest.mark.parametrize("xattr", [False, True])
def test_file_system_without_attributes(path: bytes, monkeypatch: pytest.MonkeyPatch, xattr: bool) -> None:
    def unsupported(*_: object, **__: object) -> list[str]:
        raise OSError(errno.ENOTSUP, "not here")

    monkeypatch.setattr(os, "listxattr", unsupported)
    found = read_extended(path, acl=True, xattr=xattr, directory=False, name=b"/f")
    assert (found.acl_unsupported, found.xattr_unsupported, found.streams) == (True, True, ())
    texts = [problem.text for problem in found.problems]
    told = b"Disabling restore of XATTRs on this filesystem, not supported. " + b'Current file: "/f"\n'
    assert texts == ([told] if xattr else [])


def test_name_space_that_the_device_has_not(path: bytes) -> None:
    missing: set[bytes] = set()
    record = pack_pairs([(b"nowhere.a", b"1"), (b"nowhere.b", b"2"), (b"user.c", b"3")])
    (problem,) = apply_xattrs(path, record, name=b"/f", unsupported=missing)
    assert problem.severity is Severity.WARNING
    assert problem.unsupported
    assert missing == {b"nowhere"}
    assert apply_xattrs(path, record, name=b"/f", unsupported=missing) == []
    assert os.listxattr(path) == ["user.c"]

import os
import resource
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from fdaemon.errors import FileProblem
from fdaemon.fs.target import Target


@pytest.fixture(params=["openat2", "walk"])
def target(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Target:
    if request.param == "walk":
        monkeypatch.setattr("fdaemon.fs.beneath.Opener.open", lambda *_: None)
    return Target(os.fsencode(tmp_path), remember_created=True, kept=3)


def ident(path: Path) -> tuple[int, int]:
    st = path.stat()
    return st.st_dev, st.st_ino


@pytest.mark.parametrize("path", [b"/a/b", b"a/b", b"//a/./b/", b"a//b"])
def test_made_and_found_again(target: Target, tmp_path: Path, path: bytes) -> None:
    made = target.directory(path)
    assert made.ident == ident(tmp_path / "a/b")
    assert target.directory(path) is made
    assert target.was_created(made.ident)
    assert not target.was_created(ident(tmp_path))
    target.close()


def test_root(target: Target, tmp_path: Path) -> None:
    for path in (b"", b"/", b"."):
        assert target.directory(path).ident == ident(tmp_path)
    target.close()


def test_missing_is_not_made_when_not_wanted(target: Target, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        target.directory(b"a/b", make=False)
    assert list(tmp_path.iterdir()) == []
    assert target.exists(b"a") is None
    target.close()


def test_exists_does_not_follow(target: Target, tmp_path: Path) -> None:
    (tmp_path / "l").symlink_to("/")
    found = target.exists(b"l")
    assert found is not None
    assert stat.S_ISLNK(found.st_mode)
    with pytest.raises(FileProblem, match="symbolic link"):
        target.exists(b"l/etc")
    target.close()


@pytest.mark.parametrize("path", [b"l", b"l/x", b"d/l/x", b"..", b"d/../..", b"d/../d"])
def test_refused_below_where(target: Target, tmp_path: Path, path: bytes) -> None:
    (tmp_path / "l").symlink_to("d")
    (tmp_path / "d").mkdir()
    (tmp_path / "d/l").symlink_to("/")
    with pytest.raises(FileProblem, match="Refused to restore "):
        target.directory(path)
    target.close()


def test_names_longer_than_a_path_may_be(target: Target, tmp_path: Path) -> None:
    part = b"n" * 200
    deep = b"/".join([part] * 30)
    made = target.directory(deep)
    again = target.directory(b"/" + deep)
    assert made.ident == again.ident
    target.close()


def test_few_descriptors_stay_open(target: Target) -> None:
    target.directory(b"")
    before = len(os.listdir("/proc/self/fd"))
    for number in range(20):
        target.directory(b"d%d" % number)
    assert len(os.listdir("/proc/self/fd")) <= before + 3
    target.close()
    assert len(os.listdir("/proc/self/fd")) < before


def test_without_descriptors_it_is_a_problem_of_the_file(target: Target, tmp_path: Path) -> None:
    target.directory(b"here")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        for look in (target.exists, target.directory):
            with pytest.raises(FileProblem, match="Too many open files"):
                look(b"there/below")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert target.exists(b"there/below") is None
    target.close()


def test_unconfined_follows_what_was_there(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (tmp_path / "absolute").symlink_to(real)
    (tmp_path / "relative").symlink_to("./absolute/../real")
    (tmp_path / "dangling").symlink_to("nowhere/at/all")
    (tmp_path / "loop").symlink_to("loop")
    base = os.fsencode(tmp_path)
    target = Target(b"")
    for name in (b"absolute", b"relative", b"real/../absolute"):
        assert target.directory(base + b"/" + name).ident == ident(real)
    assert target.directory(base + b"/relative/new").ident == ident(real / "new")
    for name, reason in ((b"dangling", "File exists"), (b"loop", "Too many levels")):
        with pytest.raises(FileProblem, match=reason):
            target.directory(base + b"/" + name)
    target.note_link((tmp_path / "absolute").lstat())
    for name in (b"absolute/x", b"relative/x"):
        with pytest.raises(FileProblem, match="symbolic link"):
            target.directory(base + b"/" + name)
    target.close()


def test_where_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    target = Target(os.fsencode(tmp_path / "file" / "where"))
    with pytest.raises(FileProblem, match=r"Cannot create directory .*where: ERR=Not a directory"):
        target.directory(b"a")
    target.close()


def test_a_long_way_down_is_not_walked_again_for_each_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = Target(bytes(tmp_path))
    opened: list[object] = []
    real_open = os.open

    def counted(*arguments: Any, **options: Any) -> int:
        opened.append(arguments[0])
        return real_open(*arguments, **options)

    monkeypatch.setattr(os, "open", counted)
    depth = 3000
    path = b""
    for _ in range(depth):
        path += b"/d"
        target.directory(path)
    target.close()
    monkeypatch.undo()
    assert len(opened) < 4 * depth
    level = tmp_path
    for _ in range(100):
        level /= "d"
    assert level.is_dir()
    subprocess.run(["rm", "-rf", tmp_path / "d"], check=True)  # pytest's own way recurses

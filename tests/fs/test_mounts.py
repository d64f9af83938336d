"""The mount table: file system types by device."""

import os
from pathlib import Path

from fdaemon.fs.mounts import MountTable, parse_mountinfo

TEXT = (
    b"1 0 0:1 / / rw - rootfs rootfs rw\n"
    b"22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
    b"30 22 0:40 /@ /data rw shared:9 - btrfs /dev/sdb rw,subvol=/@\n"
    b"31 22 8:1 /x /bind rw - ext3 /dev/sda1 rw\n"
    b"32 22 0:50 / /fuse rw - fuse.na\\040me x rw\n"
    b"nonsense\n"
    b"33 22 a:b / /x rw - xfs x rw\n"
)


def test_lines_of_the_kernel() -> None:
    devices, mounts = parse_mountinfo(TEXT)
    assert devices == {
        os.makedev(8, 1): b"ext4",
        os.makedev(0, 40): b"btrfs",
        os.makedev(0, 50): b"fuse.na me",
    }
    assert mounts == {22: b"ext4", 30: b"btrfs", 31: b"ext3", 32: b"fuse.na me"}


def test_the_table_is_read_again_for_an_unknown_device(tmp_path: Path) -> None:
    texts = [b"22 1 8:1 / / rw - ext4 x rw\n", TEXT]
    table = MountTable(lambda path: texts.pop(0) if path.endswith("mountinfo") else b"mnt_id:\t30\n")
    name = os.fsencode(tmp_path)
    assert table.fs_type(os.makedev(8, 1), name, None) == b"ext4"
    assert len(texts) == 1
    assert table.fs_type(os.makedev(0, 40), name, None) == b"btrfs"
    assert texts == []


def test_a_device_of_its_own_is_known_by_its_mount(tmp_path: Path) -> None:
    """A btrfs subvolume reports a device that no mount has."""
    table = MountTable(lambda path: TEXT if path.endswith("mountinfo") else b"pos:\t0\nmnt_id:\t30\n")
    assert table.fs_type(12345, os.fsencode(tmp_path), None) == b"btrfs"
    assert table.fs_type(12346, b"/does/not/exist", None) is None


def test_nothing_is_known_without_proc() -> None:
    def read(path: str) -> bytes:
        raise OSError(2, "no proc here")

    assert MountTable(read).fs_type(1, b"/", None) is None


def test_the_real_table_knows_the_root() -> None:
    kind = MountTable().fs_type(os.lstat("/proc/self").st_dev, b"/proc/self", None)
    assert kind == b"proc"

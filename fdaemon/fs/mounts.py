"""File system types by device, from the kernel's mount table. Reads /proc only, never the mounted file
systems.
"""

import os
import re
from collections.abc import Callable

_OCTAL = re.compile(rb"\\([0-7]{3})")


def parse_mountinfo(text: bytes) -> tuple[dict[int, bytes], dict[int, bytes]]:
    """Device number -> type and mount id -> type of a `mountinfo` file. Of several mounts of a device the
    first counts.

    Lines that do not look like the kernel's are left out.
    """
    devices: dict[int, bytes] = {}
    mounts: dict[int, bytes] = {}
    for line in text.splitlines():
        head, separator, tail = line.partition(b" - ")
        fields = head.split(b" ")
        major, colon, minor = (fields[2] if len(fields) > 2 else b"").partition(b":")
        if not (separator and colon and fields[0].isdigit() and major.isdigit() and minor.isdigit()):
            continue
        kind = _OCTAL.sub(lambda found: bytes([int(found[1], 8) & 255]), tail.split(b" ")[0])
        if kind == b"rootfs":
            continue
        devices.setdefault(os.makedev(int(major), int(minor)), kind)
        mounts[int(fields[0])] = kind
    return devices, mounts


def _read(path: str) -> bytes:
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC), "rb") as file:
        return file.read()


class MountTable:
    """Answers which type of file system a file is on. Loaded when first asked, and again for an unknown
    device.
    """

    def __init__(self, read: Callable[[str], bytes] = _read) -> None:
        """`read` gives the content of a /proc file."""
        self._read = read
        self._devices: dict[int, bytes] = {}
        self._mounts: dict[int, bytes] = {}

    def fs_type(self, device: int, name: bytes, dir_fd: int | None) -> bytes | None:
        """The type, or None when nobody knows.

        A device that is not in the table (a btrfs subvolume has one of its own) is looked up by the mount
        that `name` in `dir_fd` is reached through.
        """
        if device not in self._devices:
            try:
                self._devices, self._mounts = parse_mountinfo(self._read("/proc/self/mountinfo"))
            except OSError:
                return None
        kind = self._devices.get(device)
        if kind is None:
            kind = self._by_mount(name, dir_fd)
            if kind is not None:
                self._devices[device] = kind
        return kind

    def _by_mount(self, name: bytes, dir_fd: int | None) -> bytes | None:
        try:
            descriptor = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=dir_fd)
        except OSError:
            return None
        try:
            info = self._read(f"/proc/self/fdinfo/{descriptor}")
        except OSError:
            return None
        finally:
            os.close(descriptor)
        found = re.search(rb"^mnt_id:\s*(\d+)$", info, re.MULTILINE)
        return self._mounts.get(int(found[1])) if found else None

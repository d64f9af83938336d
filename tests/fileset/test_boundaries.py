"""File system boundaries: rows 35 to 45 of the case table in protocol/03 section 9, on real mounts.

Mounting needs a name space of its own, so all rows run in one child process; where that is not allowed they
are skipped.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
UNSHARE_REFUSED = 77

CHILD = """
import ctypes, json, os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from fdaemon.fs.mounts import MountTable
from tests.fileset.scanning import plant, scan
try:
    os.unshare(os.CLONE_NEWNS)
except OSError:
    sys.exit(77)
libc = ctypes.CDLL(None, use_errno=True)
MS_REC, MS_PRIVATE = 16384, 1 << 18
where = os.fsencode(sys.argv[1])
if libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None):
    sys.exit(77)
root = plant(Path(sys.argv[1]), "a/f=1 a/mnt/")
if libc.mount(b"tmpfs", where + b"/a/mnt", b"tmpfs", 0, None):
    sys.exit(77)
plant(Path(sys.argv[1]), "a/mnt/in=2 a/mnt/deep/y=3")
here = MountTable().fs_type(os.lstat(where + b"/a").st_dev, where + b"/a", None).decode()
found = {"type": here}
for name, (lines, since) in json.loads(sys.argv[3]).items():
    got = scan(root, [line.replace("HERE", here) for line in lines], since=since)
    found[name] = [sorted(got.saved), sorted(got.skipped), [text.decode() for _, text in got.told]]
print(json.dumps(found))
"""

IN_MOUNT = ["DIREND a/mnt/", "DIREND a/mnt/deep/", "REG a/mnt/deep/y", "REG a/mnt/in"]
CASES: dict[str, tuple[list[str], int | None]] = {
    "35": (["O HAX", "N", "F a"], None),
    "36": (["O HAX", "N", "F a", "F a/mnt"], None),
    "37": (["O HAX", "N", "F a", "N", "N", "E", "F a/mnt"], None),
    "38": (["O fHAX", "N", "F a"], None),
    "39": (["O fHAX", "X HERE", "X nothing", "N", "F a"], None),
    "40": (["O fHAX", "X HERE", "X tmpfs", "N", "F a"], None),
    "41": (["O HAX", "X nothing", "N", "F a"], None),
    "42": (["O fHAX", "X nothing", "W */nothing", "N", "O fHAX", "N", "F a"], None),
    "43": (["O HAX", "XD fixed", "N", "F a"], None),
    "44": (["O hHAX", "N", "F a"], None),
    "45": (["O HAX", "N", "F a"], 1 << 40),
}
EXPECTED: dict[str, tuple[list[str], list[str]]] = {
    "35": (["DIREND a/", "NOFSCHG a/mnt/", "REG a/f"], []),
    "36": (["DIREND a/", "NOFSCHG a/mnt/", "REG a/f", *IN_MOUNT], []),
    "37": (["DIREND a/", "REG a/f"], []),
    "38": (["DIREND a/", "REG a/f", *IN_MOUNT], []),
    "39": (["DIREND a/", "INVALIDFS a/mnt/", "REG a/f"], []),
    "40": (["DIREND a/", "REG a/f", *IN_MOUNT], []),
    "41": ([], []),
    "42": (["DIREND a/", "REG a/f", *IN_MOUNT], []),
    "43": (["DIREND a/", "NOFSCHG a/mnt/", "REG a/f"], []),
    "44": (["DIREND a/", "NORECURSE a/mnt/", "REG a/f"], []),
    "45": (["NOFSCHG a/mnt/"], ["a", "a", "a/f", "a/mnt"]),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    place = tmp_path_factory.mktemp("mounts")
    child = subprocess.run(
        [sys.executable, "-c", CHILD, str(place), str(ROOT), json.dumps(CASES)],
        capture_output=True,
        check=False,
        timeout=30,
    )
    if child.returncode == UNSHARE_REFUSED:
        pytest.skip("a mount name space of its own is not allowed here")
    assert child.returncode == 0, child.stderr.decode()
    result: dict[str, Any] = json.loads(child.stdout)
    return result


@pytest.mark.parametrize("row", CASES)
def test_row(found: dict[str, Any], row: str) -> None:
    saved, skipped, told = found[row]
    kind = found["type"]
    if row == "39" and kind == "tmpfs":
        pytest.skip("temporary files lie on the type that is mounted")
    assert (saved, skipped) == tuple(map(sorted, EXPECTED[row]))
    expected = [f'Top level directory "R/a" has unlisted fstype "{kind}"\n'] if row == "41" else []
    assert told == expected

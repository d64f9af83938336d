"""What other programs see of the running daemon."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps the command line in reach")
ROOT = Path(__file__).resolve().parents[1]
SHOWN = """
import sys
from pathlib import Path
from fdaemon.process_name import show_as
done = show_as(sys.argv[1:])
print(done, Path("/proc/self/cmdline").read_bytes().rstrip(b"\\0").split(b"\\0"), Path("/proc/self/comm").read_text())
"""


def shown(*words: str) -> str:
    command = [sys.executable, "-c", SHOWN, *words]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    ).stdout.strip()


def test_the_interpreter_is_not_seen() -> None:
    assert shown("/usr/sbin/bareos-fd", "-f") == "True [b'/usr/sbin/bareos-fd', b'-f'] bareos-fd"


def test_a_long_name_is_whole_on_the_command_line_only() -> None:
    assert shown("/x/bareos_fd-multiple-clients") == "True [b'/x/bareos_fd-multiple-clients'] bareos_fd-multi"


def test_a_program_finds_it_by_the_name_of_its_script(tmp_path: Path) -> None:
    script = tmp_path / "bareos-fd"
    script.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(ROOT)!r})\n"
        "from pathlib import Path\nimport fdaemon.cli\n"
        "fdaemon.cli.main()\nprint(Path('/proc/self/cmdline').read_bytes().split(b'\\0')[0].decode())\n"
    )
    script.chmod(0o755)
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == str(script)

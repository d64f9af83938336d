"""The systemd unit agrees with the program that it starts."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from fdaemon.cli import COMMAND_LINE, CONFIGURATION
from fdaemon.config.resources import ClientResource
from fdaemon.daemon import TERMINATED

UNIT = Path(__file__).resolve().parents[1] / "packaging" / "bareos-fd.service"


def settings(word: str) -> list[str]:
    return re.findall(rf"^{word}=(.*)$", UNIT.read_text(), re.MULTILINE)


def test_exit_statuses_are_those_of_the_program() -> None:
    assert settings("SuccessExitStatus") == [f"0 {TERMINATED}"]
    assert settings("RestartPreventExitStatus") == [f"{COMMAND_LINE} {CONFIGURATION}"]


def test_it_starts_in_the_default_working_directory() -> None:
    default = ClientResource.__dataclass_fields__["working_directory"].default
    assert settings("WorkingDirectory") == settings("ConditionPathExists") == [default]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze on this machine")
def test_systemd_understands_every_line(tmp_path: Path) -> None:
    installed = tmp_path / UNIT.name
    installed.write_text(UNIT.read_text().replace("/usr/bin/fdaemon", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(installed)], capture_output=True, text=True, timeout=60, check=False
    )
    assert [line for line in done.stderr.splitlines() if UNIT.name in line] == []

"""`fdconform record` between the real Director, File daemon and Storage daemon, under TLS and in the clear."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fdconform.follow import follow
from fdconform.rows import read
from tests.support.bareos import Daemon, RealDaemons, real_daemons
from tests.support.bareos_resources import CPP, FileSet
from tests.support.ports import free_range

pytestmark = pytest.mark.bareos


def _relayed(real: RealDaemons, port: int) -> None:
    """Let the Director find the C++ File daemon at the relay."""
    path = real.site.etc / "dir.conf"
    text = path.read_text()
    path.write_text(re.sub(rf"(?<=Port = ){real.site.cpp_port}\b", str(port), text))
    assert "reloaded" in real.console("reload")


@pytest.mark.parametrize("tls", [True, False], ids=["tls", "clear"])
def test_a_backup_and_a_restore_are_recorded(tmp_path: Path, tls: bool) -> None:
    """The recording has the whole dialogue in the clear, and it keeps to the charts."""
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "file").write_bytes(b"recorded\n" * 10_000)
    out = tmp_path / "session.jsonl"
    with real_daemons(tmp_path / "site", [FileSet("tree", (tree,))], tls=tls) as real:
        port = free_range(2)
        command = [sys.executable, "-m", "fdconform", "record", str(out)]
        command += ["--password", "client-secret"] if tls else []
        command += ["--fd", f"127.0.0.1:{port}", f"127.0.0.1:{real.clients[CPP].port}"]
        command += ["--sd", f"127.0.0.1:{port + 1}"]
        relay = Daemon("relay", command, port, tmp_path / "relay.log", real.environment)
        relay.start()
        try:
            _relayed(real, port)
            backup = real.finish(real.backup(CPP, "tree"))
            assert backup.termination == "Backup OK", backup.log
            restored = real.finish(real.restore(backup.job_id, CPP, CPP, tmp_path / "restored"))
            assert restored.termination == "Restore OK", restored.log
        finally:
            assert relay.process is not None
            relay.process.send_signal(signal.SIGINT)
            relay.wait()
        assert relay.process.returncode == 0, relay.output()

    assert (tmp_path / "restored" / str(tree).lstrip("/") / "file").read_bytes() == b"recorded\n" * 10_000
    rows = read(out)
    assert [row.link for row in rows if not row.sender] == ["dir-fd", "fd-sd", "dir-fd", "fd-sd"]
    followed = follow(rows)
    assert followed.strange == []
    events = [move.event.name for move in followed.edges() if move.chart == "storage"]
    assert events.count("TLS_ESTABLISHED" if tls else "TLS_WAIVED") == events.count("TERMINATED") == 2
    assert {("fd", 2), ("sd", 2)} <= followed.streams
    decoded = subprocess.run(
        [sys.executable, "-m", "fdconform", "decode", str(out)], capture_output=True, check=True
    )
    assert b"2800 End Job TermCode=84" in decoded.stdout

"""A recorded backup and its restore, played to one daemon: what the monitor keeps of the first judges the second."""

import os
from pathlib import Path

import pytest

from fdaemon.monitor.history import History, Saved
from fdaemon.monitor.progress import work_done
from fdaemon.monitor.restored import RestoredShare
from tests.support.decorated import decorate
from tests.support.replay import Replay, Staging
from tests.support.replaying import configuration, daemon, dialer, session_named
from tests.support.restored_tree import blocks
from tests.support.tree import RECORDED_ROOT, build

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="owners are restored by root only")


async def test_a_restore_of_all_has_all_of_the_backups_work_behind_it(tmp_path: Path) -> None:
    tree = tmp_path / "data"
    build(bytes(tree))
    decorate(tree)
    saving = Staging(paths=((RECORDED_ROOT, bytes(tree)),))
    restoring = Staging(paths=((b"/srv/restore", bytes(tmp_path / "restore")),), blocks=blocks)
    async with daemon(configuration(tmp_path)) as services:
        await Replay(session_named("backup-full-md5"), saving, dialer(services)).play()
        await Replay(session_named("restore-plain"), restoring, dialer(services)).play()
        backup, restore = services.registry.recent
    assert backup.session == (1, 1_795_403_597)
    assert restore.place == (1, 1_795_403_597, 43)
    assert restore.session == (19, 1_795_403_597)  # its own, not the one that it reads
    history, read = History(), restore.place or (0, 0, 0)
    assert history.add(backup)
    assert history.saved(restore.director, *read[:2]) == Saved(43, backup.job_bytes)
    assert RestoredShare(history.saved).total(restore) == pytest.approx(work_done(restore), rel=0.001)

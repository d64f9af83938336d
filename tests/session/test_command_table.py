"""The table of Director commands and the tests that say them to a running daemon; a command without one fails here.

What each line parses to, well-formed and broken, is tested for every command in tests/protocol/test_commands.py.
"""

import ast
from functools import cache
from pathlib import Path
from typing import get_args

import pytest

from fdaemon.protocol import commands as c
from fdaemon.wire.framing import Signal

from .talking import connected, house

TESTS = Path(__file__).resolve().parents[1]
ANSWERED = "session/test_commands.py::test_a_command_is_answered_and_the_session_goes_on"
REFUSED = "session/test_commands.py::test_a_bad_command_ends_the_session"
BACKUP = "e2e/test_replay_backup.py::test_backup"
RESTORE = "e2e/test_replay_restore.py::test_restore"

TABLE: dict[type, tuple[str, ...]] = {
    c.JobInfo: (BACKUP, REFUSED),
    c.Level: (ANSWERED, REFUSED),
    c.SinceLevel: ("e2e/test_replay_backup.py::test_changed_tree", "e2e/test_levels.py"),
    c.FilesetStart: (
        "session/test_fileset_orders.py::test_a_bad_line_ends_the_session_fatally",
        "session/test_commands.py::test_a_second_fileset_ends_the_session_without_a_word",
    ),
    c.AccurateStart: ("session/test_fileset_orders.py::test_a_long_accurate_list_is_taken_whole", REFUSED),
    c.Backup: (BACKUP, "session/test_commands.py::test_a_backup_without_a_storage_daemon_is_refused"),
    c.Restore: (RESTORE, REFUSED),
    c.Verify: (
        "e2e/test_replay_verify.py::test_verify_of_a_tree",
        "session/test_verify.py::test_level_data_is_refused_after_the_ok",
    ),
    c.Estimate: (
        "e2e/test_replay_console.py::test_estimate",
        "session/test_commands.py::test_a_command_that_is_not_allowed",
    ),
    c.Storage: (BACKUP, REFUSED),
    c.SetAuthorization: (ANSWERED,),
    c.Cancel: (ANSWERED, "e2e/test_replay_console.py::test_status_and_cancel_of_a_running_job"),
    c.SetDebug: (
        "e2e/test_replay_console.py::test_setdebug",
        "session/test_debug.py::test_transitions_go_to_the_trace_file_while_it_is_on",
        REFUSED,
    ),
    c.SetBandwidth: (ANSWERED, REFUSED),
    c.Status: (
        "e2e/test_replay_console.py::test_status",
        "session/test_commands.py::test_a_monitor_may_only_ask_for_status",
    ),
    c.DotStatus: (ANSWERED, REFUSED),
    c.Resolve: (ANSWERED,),
    c.GetSecureErase: (ANSWERED,),
    c.RunScript: ("session/test_commands.py::test_scripts_before_and_after", ANSWERED, REFUSED),
    c.RunBeforeNow: ("session/test_commands.py::test_scripts_before_and_after", ANSWERED),
    c.RestoreObjectHeader: (
        REFUSED,
        "session/test_command_table.py::test_a_restore_object_is_taken_and_dropped",
    ),
    c.RestoreObjectEnd: (ANSWERED,),
    c.PluginOptions: (ANSWERED,),
    c.Bootstrap: ("session/test_command_table.py::test_a_bootstrap_is_taken_and_dropped",),
    c.SessionCommand: (ANSWERED,),
    c.EndRestore: (REFUSED,),
}


@cache
def _tests_in(file: str) -> frozenset[str]:
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    return frozenset(
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def test_every_command_is_in_the_table() -> None:
    assert set(get_args(c.Command.__value__)) == set(TABLE)


@pytest.mark.parametrize("command", TABLE, ids=lambda command: command.__name__)
def test_the_named_tests_exist(command: type) -> None:
    assert TABLE[command]
    for name in TABLE[command]:
        file, _, test = name.partition("::")
        assert (TESTS / file).is_file()
        assert not test or test in _tests_in(file), name


async def test_a_bootstrap_is_taken_and_dropped(tmp_path: Path) -> None:
    """Releases since 22 never send it; the Storage daemon gets its own."""
    async with connected(house(tmp_path)) as peer:
        await peer.log_in()
        await peer.send(b"bootstrap\n", b"Volume=Full-0001\n", b"VolSessionId=1\n")
        await peer.signal(Signal.EOD)
        assert await peer.hear() == b"2000 OK bootstrap\n"
        await peer.send(b"getSecureEraseCmd\n")
        assert await peer.hear() == b"2000 OK FDSecureEraseCmd *None*\n"


async def test_a_restore_object_is_taken_and_dropped(tmp_path: Path) -> None:
    """Only a plugin could use it."""
    async with connected(house(tmp_path)) as peer:
        await peer.log_in()
        await peer.send(b"restoreobject JobId=7 4,4,1,1,0,0,plugin\n", b"name\0", b"data")
        await peer.send(b"restoreobject end\n")
        assert await peer.hear() == b"2000 OK ObjectRestored\n"

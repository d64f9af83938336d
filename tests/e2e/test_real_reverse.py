"""fdconform in the other direction against the real Director and Storage daemon."""

from collections import Counter
from functools import partial
from pathlib import Path

import pytest
import trio

from fdconform.reverse.all import all_cases
from fdconform.reverse.console import Console
from fdconform.reverse.player import Setting, play_all
from fdconform.reverse.resources import CLIENTS, Surroundings, resources
from fdconform.verdicts import Result, Verdict
from tests.support.bareos import real_daemons
from tests.support.bareos_resources import FileSet
from tests.support.ports import free_range

pytestmark = pytest.mark.bareos

NON_STRICT = {
    "R4.3.4": "a backup whose append session the Storage daemon refused ends as OK with warnings when the File"
    " daemon reports success"
}
"""What the real daemons (25.1.0) do not do as the protocol has it, with the reason."""


def test_the_real_daemons_pass_as_known(tmp_path: Path) -> None:
    """No case fails, and only the known ones are NON-STRICT; both daemons survive all of them."""
    with real_daemons(tmp_path, [FileSet("none", (tmp_path / "none",))], tls=True) as real:
        port = free_range(len(CLIENTS))
        site = Surroundings("127.0.0.1", port, "conform secret", catalog="Catalog")
        with (real.site.etc / "dir.conf").open("a") as configuration:
            configuration.write(resources(site))
        assert "reloaded" in real.console("reload")
        libraries = real.environment["LD_LIBRARY_PATH"]
        program = real.site.core / "console/bconsole"
        console = Console(f"env LD_LIBRARY_PATH={libraries} {program} -c {real.site.etc / 'bconsole.conf'}")
        told: list[Result] = []
        cases = all_cases()
        setting = Setting(console, site.password, site.host, port)
        results = trio.run(partial(play_all, cases, setting, told.append))

        for daemon in (real.director, real.storage):
            assert daemon.process is not None
            assert daemon.process.poll() is None, daemon.output()
    assert len(results) == len(told) == len(cases) >= 40
    assert [(result.case, result.text) for result in results if result.verdict is Verdict.FAIL] == []
    assert {result.case for result in results if result.verdict is Verdict.NON_STRICT} == set(NON_STRICT)
    informational = {case.id for case in cases if case.informational}
    assert {result.case for result in results if result.verdict is Verdict.INFORMATIONAL} == informational
    assert Counter(result.verdict for result in results)[Verdict.SKIPPED] == 0

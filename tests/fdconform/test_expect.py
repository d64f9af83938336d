"""What counts as heard."""

import pytest

from fdconform.expect import CLOSED, QUIET, Got, Like, Signal, Wanted, meets, shown


@pytest.mark.parametrize(
    ("got", "wanted", "verdict"),
    [
        (b"2000 OK\n", b"2000 OK\n", True),
        (b"2000 OK", b"2000 OK\n", False),
        (b"2000 OK Job x\ny", Like(rb"2000 OK Job .*"), True),
        (b"x2000 OK", Like(rb"2000 OK"), False),
        (-4, Signal(-4), True),
        (-1, Signal(-4), False),
        (-1, Like(rb".*"), False),
        (CLOSED, CLOSED, True),
        (QUIET, CLOSED, False),
        (b"", QUIET, False),
        (0, Signal(0), True),
        (b"", Signal(0), False),
    ],
)
def test_only_what_was_wanted_meets_it(got: Got, wanted: Wanted, verdict: bool) -> None:
    assert meets(got, wanted) is verdict


def test_everything_can_be_shown_in_a_line() -> None:
    for item in (b"a\nb", b"x" * 1000, -4, Signal(-1), Like(rb"a+"), CLOSED, QUIET):
        assert "\n" not in shown(item)
    assert "1000 bytes" in shown(b"x" * 1000)

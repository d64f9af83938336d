"""Any bytes, and valid ones with a few changes, end every reader in its own kind of error or in a value."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS

type Change = Callable[[bytes], bytes]


def _changes() -> st.SearchStrategy[Change]:
    """One change: bytes cut out of the middle and others put there."""

    def change(at: int, gone: int, put: bytes) -> Change:
        return lambda data: data[: at % (len(data) + 1)] + put + data[at % (len(data) + 1) + gone :]

    put = st.binary(max_size=4) | st.sampled_from([b"9" * 5000, b"-1", b"\xff" * 8, b"0" * 100])
    return st.builds(change, st.integers(0, 4000), st.integers(0, 4), put)


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_are_in_order(name: str) -> None:
    """Not all of them are refused: else the changes would be of little use."""
    target = TARGETS[name]
    taken = 0
    for seed in target.seeds():
        target(seed)
        try:
            target.run(seed)
            taken += 1
        except target.expected:
            continue
    assert taken


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_anything_ends_in_its_own_kind_of_error(name: str, data: st.DataObject) -> None:
    target = TARGETS[name]
    wire = data.draw(st.binary(max_size=200) | st.sampled_from(target.seeds()), "bytes")
    for change in data.draw(st.lists(_changes(), max_size=4), "changes"):
        wire = change(wire)
    target(wire)

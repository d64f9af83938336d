"""Figures, names, bars, and the bytes of keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fdmon import words
from fdmon.keys import keys


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (1_234_567, "1.23 MB"), (999_600, "1 MB"), (5e12, "5 TB")],
)
def test_sizes(count: float, text: str) -> None:
    assert words.size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.4, "59 s"), (65, "1:05"), (3725, "1:02:05"), (90_000, "1 d 01 h"), (-3, "0 s")],
)
def test_durations(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


@given(st.floats(-1, 2), st.integers(1, 60))
def test_a_bar_is_as_wide_as_it_should_be(fraction: float, width: int) -> None:
    assert len(words.bar(fraction, width)) == width


def test_bars_and_sparks() -> None:
    assert words.bar(None, 4) == "····"
    assert words.bar(0.5, 4) == "██░░"
    assert words.sparkline([0, 1, 2, 4], 3) == "▂▄█"
    assert words.sparkline([0, 0], 5) == "▁▁"


@given(st.text(max_size=20), st.integers(0, 10))
def test_cut_texts_keep_their_width(text: str, width: int) -> None:
    assert len(words.head(text, width)) <= max(width, 0)
    assert len(words.tail(text, width)) <= max(width, 0)


@given(st.text())
def test_nothing_unprintable_is_shown(text: str) -> None:
    assert words.safe(text).isprintable()


def test_names() -> None:
    assert words.base_name("my.job.2026-11-23_05.00.00_17") == "my.job"
    assert words.base_name("plain") == "plain"


@pytest.mark.parametrize(
    ("data", "names"),
    [
        (b"\x1b[A\x1b[Bq", ["up", "down", "q"]),
        (b"\x1b", ["esc"]),
        (b"\x1bOA", ["up"]),
        (b"\x1b[1;5Cx", ["x"]),
        (b"\r\n\x7f\x03", ["enter", "enter", "backspace", "ctrl-c"]),
        ("é/ ".encode(), ["é", "/", " "]),
        (b"\xff", []),
    ],
)
def test_keys(data: bytes, names: list[str]) -> None:
    assert keys(data) == names


@given(st.binary(max_size=40))
def test_any_bytes_are_keys_or_nothing(data: bytes) -> None:
    assert all(isinstance(name, str) and name for name in keys(data))

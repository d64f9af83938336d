"""What is on the screen: it fits, it says the same without colour, and it cannot be taken over by a file name."""

import json
from dataclasses import replace
from typing import Any

import pytest

from fdaemon.monitor.feed import Feed
from fdmon.model import Model
from fdmon.screen import Link, plain, screen
from fdmon.state import Choice, Order, Page, press, rows, selected

from ..monitor.pictures import Watched, daemon, job

NOW = 1010.0
SIZES = [(80, 24), (160, 50), (100, 30), (40, 10), (20, 5), (80, 4)]


def model_of(running: int, over: int) -> Model:
    view = daemon(
        *(
            job(key, job_id=key, name=f"job-{key}.2026-11-23_05.00.00_{key:02d}")
            for key in range(1, running + 1)
        ),
        recent=tuple(
            job(100 + key, job_id=100 + key, status="fT"[key % 2], ended=1005.0 + key) for key in range(over)
        ),
    )
    model = Model()
    model.take(Feed(Watched(view).look).full_view().decode())
    return model


def shown(model: Model, choice: Choice, width: int = 80, height: int = 24, link: Link | None = None) -> str:
    return plain(screen(model, choice, link or Link(), width, height, NOW))


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("page", list(Page))
@pytest.mark.parametrize(("running", "over"), [(0, 0), (1, 0), (3, 10), (50, 10), (0, 10)])
def test_it_fits_every_terminal(width: int, height: int, page: Page, running: int, over: int) -> None:
    choice = Choice(page=page, selected=1)
    lines = screen(model_of(running, over), choice, Link(), width, height, NOW)
    assert len(lines) == height
    assert max(line.cell_len for line in lines) <= width


def test_before_the_feed_is_there_it_says_so() -> None:
    text = shown(Model(), Choice(), link=Link("Connection refused, again in 2 s", "127.0.0.1:9105"))
    assert "waiting for 127.0.0.1:9105: Connection refused" in text


def test_the_present_state_is_marked_without_colour() -> None:
    text = shown(model_of(3, 2), Choice())
    assert "Idle → Auth → Scan → [STREAM] → Report" in text
    assert "▶ 1 job-1  Backup Full" in text
    assert "!1 error  !2 warnings" in text
    assert "✗" in text
    assert "✓" in text


def test_a_file_name_cannot_move_the_cursor() -> None:
    for page in Page:
        assert "\x1b" not in shown(model_of(1, 1), Choice(page=page, selected=1), 160, 50)


def test_the_detail_page_has_all_of_a_job() -> None:
    text = shown(model_of(1, 0), Choice(page=Page.DETAIL, selected=1), 160, 50)
    for words in (
        "Conversations",
        "Messages",
        "Transitions",
        "STORAGE_OPENED",
        "Could not stat /x",
        "4,000,000",
    ):
        assert words in text


def test_scrolling_ends_where_the_text_ends() -> None:
    model = model_of(1, 0)
    far = shown(model, Choice(page=Page.DETAIL, selected=1, scroll=10**6))
    assert "more lines" not in far
    assert "STORAGE_OPENED" in far


def test_lost_and_held_are_told() -> None:
    model = model_of(1, 0)
    assert "LOST: no answer" in shown(model, Choice(), link=Link("no answer"))
    assert "HELD" in shown(model, Choice(paused=True))
    assert "REPLAY" in shown(model, Choice(), link=Link(recording=True))


def pressed(model: Model, *keys: str, choice: Choice | None = None) -> Choice:
    state = choice or Choice()
    for key in keys:
        state = press(state, key, model)
    return state


def test_keys() -> None:
    model = model_of(3, 2)
    assert pressed(model, "down", "j").selected == 3
    assert pressed(model, "end").selected == 100
    assert pressed(model, "end", "home").selected == 1
    assert pressed(model, "down", "enter").page is Page.DETAIL
    assert pressed(model, "enter", "n").selected == 2
    assert pressed(model, "enter", "down", "down").scroll == 2
    assert pressed(model, "enter", "esc").page is Page.JOBS
    assert pressed(model, "t").page is Page.STEPS
    assert pressed(model, "?", "?").page is Page.JOBS
    assert pressed(model, "s", "s").order is Order.RATE
    assert pressed(model, "p").paused
    assert not pressed(model, "p", " ").paused
    assert pressed(model, "q").leaving
    assert pressed(model, "x") == Choice()


def test_the_filter() -> None:
    model = model_of(12, 4)
    choice = pressed(model, "/", *"job-1q", "backspace", "enter")
    assert (choice.filter, choice.typing, choice.leaving) == ("job-1", False, False)
    assert [found["job_id"] for found in rows(model, choice)[0]] == [1, 10, 11, 12]
    assert pressed(model, "esc", choice=choice).filter == ""
    errors = rows(model, replace(choice, filter="errors"))[1]
    assert [found["status"] for found in errors] == ["T", "f", "T", "f"]
    assert selected(replace(choice, filter="nothing like it"), model) is None


def test_orders() -> None:
    model = Model()
    view = daemon(
        job(1, name="b.2026-11-23_05.00.00_01", started=3.0, errors=0),
        job(2, name="a.2026-11-23_05.00.00_02", started=2.0, errors=5),
        job(3, name="c.2026-11-23_05.00.00_03", started=1.0, errors=1),
    )
    model.take(Feed(Watched(view).look).full_view().decode())
    keys = {order: [found["key"] for found in rows(model, Choice(order=order))[0]] for order in Order}
    assert keys[Order.STARTED] == [3, 2, 1]
    assert keys[Order.NAME] == [2, 1, 3]
    assert keys[Order.ERRORS] == [2, 3, 1]
    assert sorted(keys[Order.RATE]) == sorted(keys[Order.LEFT]) == [1, 2, 3]


def test_another_version_is_refused() -> None:
    from fdmon.errors import MonitorError

    document: dict[str, Any] = json.loads(Feed(Watched(daemon()).look).full_view())
    with pytest.raises(MonitorError, match="version 2"):
        Model().take(json.dumps(document | {"v": 2}))
    for text in ("{}", "[]", "no json", '"x"'):
        with pytest.raises(MonitorError, match="no feed"):
            Model().take(text)

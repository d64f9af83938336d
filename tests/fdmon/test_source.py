"""Feeds that come and go, recordings, and where a feed is found."""

import json
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from fdaemon.monitor.feed import Feed
from fdmon.app import App
from fdmon.cli import main, parser
from fdmon.errors import MonitorError, Refused
from fdmon.source import Connected, Event, Lost, Recorder, Target, follow, replay
from fdmon.target import find_target

from ..monitor.pictures import Watched, daemon, job
from ..monitor.serving import TOKEN, file_with, serving


async def test_it_reconnects_by_itself(tmp_path: Path) -> None:
    path = str(tmp_path / "feed")
    events: list[Event] = []
    news = trio.Event()

    async def give(event: Event) -> None:
        nonlocal news
        events.append(event)
        news.set()

    async def until(kind: type) -> None:
        nonlocal news
        while not (events and isinstance(events[-1], kind)):
            await news.wait()
            news = trio.Event()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(follow, Target(TOKEN, socket=path), give)
        await until(Lost)
        for _ in range(2):
            async with serving(listens=False, socket=path):
                await until(str)
            await until(Lost)
        nursery.cancel_scope.cancel()
    assert isinstance(events[0], Lost)
    views = [json.loads(event) for event in events if isinstance(event, str)]
    assert [view["kind"] for view in views].count("view") == 2
    assert sum(isinstance(event, Connected) for event in events) == 2


async def test_a_wrong_token_is_not_tried_again() -> None:
    async def give(event: Event) -> None:
        raise AssertionError(f"nothing may come, but {event!r} did")

    async with serving() as site:
        with pytest.raises(Refused):
            await follow(Target("x" * 20, port=site.port), give)


async def test_a_recording_plays_in_its_own_time(tmp_path: Path, autojump_clock: MockClock) -> None:
    watched = Watched(daemon(job()))
    feed = Feed(watched.look, clock=watched.clock, monotonic=watched.monotonic)
    path = tmp_path / "recording"
    recorder = Recorder(path)
    recorder.write(feed.full_view().decode())
    watched.now, watched.view = 10.0, daemon(job(files=500))
    feed.tick()
    recorder.write(feed.full_view().decode())
    recorder.close()
    app = App("a recording", recording=True)
    began = trio.current_time()
    await replay(path, app.take, speed=2.0, sleep=trio.sleep)
    assert trio.current_time() - began == pytest.approx(5.0)
    assert app.model.jobs[1]["files"] == 500
    assert app.time == 1010.0


def test_a_held_picture_stays(tmp_path: Path) -> None:
    async def check() -> None:
        watched = Watched(daemon(job()))
        feed = Feed(watched.look, clock=watched.clock, monotonic=watched.monotonic)
        app = App("here", recording=True)
        await app.take(feed.full_view().decode())
        app.press("p")
        watched.now, watched.view = 10.0, daemon(job(files=987_654))
        feed.tick()
        await app.take(feed.full_view().decode())
        texts = [str(line) for line in app.lines(80, 24).renderables]
        assert not any("987,654" in text for text in texts)
        app.press("p")
        assert any("987,654" in str(line) for line in app.lines(80, 24).renderables)

    trio.run(check)


def test_json_of_a_recording(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = ['{"v":1,"kind":"change","seq":1,"time":1}', '{"v":1,"kind":"change","seq":2,"time":2}']
    path = tmp_path / "recording"
    path.write_text("\n".join(lines) + "\n")
    assert main(["--replay", str(path), "--json"]) == 0
    assert capsys.readouterr().out.splitlines() == lines
    path.write_text("no recording\n")
    assert main(["--replay", str(path), "--json"]) == 1
    assert main(["--replay", str(tmp_path / "missing"), "--json"]) == 1


@pytest.mark.parametrize(
    ("feed", "target"),
    [
        ("127.0.0.1:9105", Target(TOKEN, port=9105)),
        (":9105", Target(TOKEN, port=9105)),
        ("[::1]:9105", Target(TOKEN, "::1", 9105)),
        ("ws://host:1", Target(TOKEN, "host", 1)),
        ("wss://host:1", Target(TOKEN, "host", 1, tls=True)),
        ("/run/feed", Target(TOKEN, socket="/run/feed")),
    ],
)
def test_how_a_feed_is_named(feed: str, target: Target, tmp_path: Path) -> None:
    token = file_with(tmp_path / "token", f"{TOKEN}\n")
    assert find_target(parser().parse_args([feed, "--token-file", str(token)])) == target


@pytest.mark.parametrize("feed", ["nowhere", "host:", "ws://host", "wss://:9", "host:port"])
def test_what_names_no_feed(feed: str, tmp_path: Path) -> None:
    token = file_with(tmp_path / "token", f"{TOKEN}\n")
    with pytest.raises(MonitorError):
        find_target(parser().parse_args([feed, "--token-file", str(token)]))


def test_the_configuration_names_the_feed(tmp_path: Path) -> None:
    config = tmp_path / "fd.conf"
    rest = "}\nDirector { Name = d\n Password = p\n}\nMessages { Name = m }\n"
    config.write_text(f"Client {{ Name = c\n Working Directory = {tmp_path}\n Monitor Port = 9105\n{rest}")
    options = parser().parse_args(["-c", str(config)])
    with pytest.raises(MonitorError, match="does the daemon run"):
        find_target(options)
    file_with(tmp_path / "c.monitor-token", f"{TOKEN}\n")
    assert find_target(options) == Target(TOKEN, port=9105)
    config.write_text(f"Client {{ Name = c\n{rest}")
    with pytest.raises(MonitorError, match="the feed is off"):
        find_target(options)


def test_a_token_is_needed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("FDMON_TOKEN", raising=False)
    assert main([":9105", "--once"]) == 1
    assert "a token is needed" in capsys.readouterr().err

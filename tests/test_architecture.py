"""The rules of the house that a program can read: who imports whom, how long a file is, what it is called."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

LAYERS: tuple[tuple[str, ...], ...] = (
    ("fdaemon.errors", "fdaemon.outcome", "fdaemon.views", "statecharts", "fdaemon.wire"),
    ("fdaemon.protocol", "fdaemon.fs"),
    ("fdaemon.net", "fdaemon.codec", "fdaemon.fileset"),
    ("fdaemon.channels",),
    ("fdaemon.config",),
    ("fdaemon.jobs",),
    ("fdaemon.registry",),
    ("fdaemon.session", "fdaemon.monitor"),
    ("fdaemon.daemon",),
    ("fdaemon.cli", "fdaemon.__main__", "fdaemon.process_name"),
    ("fdlocal", "fdmon", "fdconform", "fdpeers"),
)
"""From the bottom up; a room imports from its own line and those above it here, never from a line below."""

PURE = (
    "fdaemon.wire",
    "fdaemon.protocol",
    "fdaemon.errors",
    "fdaemon.outcome",
    "fdaemon.views",
    "statecharts",
)
IMPURE = ("trio", "socket", "os", "time", "random", "secrets", "ssl", "select", "subprocess", "threading")

TOOLS = ("fdlocal", "fdmon", "fdconform", "fdpeers")

ONLY_IN: dict[str, tuple[str, ...]] = {
    "transitions": ("statecharts.tracker", "statecharts.diagram"),
    "trio_websocket": ("fdaemon.monitor", *TOOLS),
    "rich": TOOLS,
    "asyncio": (),
}

BANNED_NAMES = {"utils", "util", "common", "helpers", "helper", "base", "manager", "misc"}


@dataclass(frozen=True)
class Room:
    """One source file: its dotted module name, its path, and whether it is a package's `__init__`."""

    module: str
    path: Path
    tree: ast.Module
    lines: int

    @property
    def shown(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def package(self) -> str:
        return self.module if self.path.name == "__init__.py" else self.module.rpartition(".")[0]


def _read(top: Path, base: Path) -> Iterator[Room]:
    for path in sorted(top.rglob("*.py")):
        parts = path.relative_to(base).with_suffix("").parts
        module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        text = path.read_text(encoding="utf-8")
        yield Room(module, path, ast.parse(text, str(path)), len(text.splitlines()))


def _rooms() -> list[Room]:
    found = [*_read(ROOT / "fdaemon", ROOT), *_read(ROOT / "statecharts", ROOT)]
    for tool in TOOLS:
        found.extend(_read(ROOT / "tools" / tool, ROOT / "tools"))
    return found


ROOMS = _rooms()
TESTS = list(_read(ROOT / "tests", ROOT))
KNOWN = {room.module for room in ROOMS}


def imports(room: Room) -> Iterator[tuple[str, int]]:
    """Every module that `room` imports, wherever in the file, with its line; `from a import b` names a.b if
    that is a module of ours, else a."""
    for node in ast.walk(room.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            origin = node.module or ""
            if node.level:
                parents = room.package.split(".")
                parents = parents[: len(parents) - node.level + 1]
                origin = ".".join([*parents, origin] if origin else parents)
            for alias in node.names:
                full = f"{origin}.{alias.name}"
                yield (full if full in KNOWN else origin), node.lineno


def inside(module: str, rooms: tuple[str, ...]) -> bool:
    return any(module == room or module.startswith(room + ".") for room in rooms)


def layer(module: str) -> int | None:
    for number, rooms in enumerate(LAYERS):
        if inside(module, rooms):
            return number
    return None


def report(problems: list[str]) -> None:
    if problems:
        pytest.fail("\n".join(["the house rules are broken here:", *sorted(problems)]), pytrace=False)


def test_every_room_has_a_layer() -> None:
    report(
        [
            f"{room.shown}: {room.module} stands in no line of LAYERS"
            for room in ROOMS
            if room.module != "fdaemon" and layer(room.module) is None
        ]
    )


def test_imports_go_downwards() -> None:
    problems = []
    for room in ROOMS:
        mine = layer(room.module)
        for target, line in imports(room):
            theirs = layer(target)
            if mine is not None and theirs is not None and theirs > mine:
                problems.append(f"{room.shown}:{line}: {room.module} imports {target}, which is above it")
    report(problems)


def test_pure_rooms_touch_nothing() -> None:
    report(
        [
            f"{room.shown}:{line}: {room.module} imports {target}; time, randomness and files are arguments"
            for room in ROOMS
            if inside(room.module, PURE)
            for target, line in imports(room)
            if target.partition(".")[0] in IMPURE
        ]
    )


def test_libraries_stay_in_their_rooms() -> None:
    report(
        [
            f"{room.shown}:{line}: {target} may be imported only in {', '.join(allowed) or 'no room'}"
            for room in ROOMS
            for target, line in imports(room)
            for library, allowed in ONLY_IN.items()
            if inside(target, (library,)) and not inside(room.module, allowed)
        ]
    )


def test_configuration_goes_only_where_values_come_from() -> None:
    """net, channels and the like take plain values."""
    readers = ("fdaemon.config", "fdaemon.jobs", "fdaemon.session", "fdaemon.daemon", "fdaemon.cli", *TOOLS)
    report(
        [
            f"{room.shown}:{line}: {room.module} imports {target}; give it plain values"
            for room in ROOMS
            for target, line in imports(room)
            if inside(target, ("fdaemon.config",)) and not inside(room.module, readers)
        ]
    )


def test_statecharts_and_peers_know_little_of_the_daemon() -> None:
    """The peers have their own side of each dialogue, or they could not find our mistakes."""
    allowed = {"statecharts": (), "fdpeers": ("fdaemon.wire",)}
    report(
        [
            f"{room.shown}:{line}: {room.module} imports {target}"
            for room in ROOMS
            for owner, rooms in allowed.items()
            if inside(room.module, (owner,))
            for target, line in imports(room)
            if inside(target, ("fdaemon",)) and not inside(target, rooms)
        ]
    )


def test_rooms_are_small() -> None:
    report(
        [
            f"{room.shown}: {room.lines} lines, more than {limit}"
            for rooms, limit in ((ROOMS, 400), (TESTS, 600))
            for room in rooms
            if room.lines > limit
        ]
    )


def test_names_say_something() -> None:
    report(
        [
            f"{room.shown}: {part} says nothing about what is inside"
            for room in [*ROOMS, *TESTS]
            for part in room.module.split(".")
            if part in BANNED_NAMES
        ]
    )


def test_every_room_says_what_it_is_for() -> None:
    report([f"{room.shown}: no module docstring" for room in ROOMS if not ast.get_docstring(room.tree)])


def test_no_top_level_package_is_called_tools() -> None:
    report(
        [
            f"{room.shown}:{line}: imports {target}; the tools are top-level packages of their own name"
            for room in [*ROOMS, *TESTS]
            for target, line in imports(room)
            if inside(target, ("tools",))
        ]
    )


def test_the_reader_of_imports_sees_every_form() -> None:
    text = (
        "import a.b, c\nfrom d import e\nfrom . import x\nfrom .y import z\ndef f():\n    from ..g import h\n"
    )
    room = Room("one.two.three", ROOT / "one/two/three.py", ast.parse(text), 6)
    assert [name for name, _ in imports(room)] == ["a.b", "c", "d", "one.two", "one.two.y", "one.g"]

"""The command line turned into Options (page 06 section 8.1). Pure: it prints nothing and ends nothing."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any

from fdaemon.config.options import Options


class UsageError(Exception):
    """A command line that cannot be used. `brief` ones are shown without the list of options."""

    def __init__(self, text: str, *, brief: bool = False) -> None:
        super().__init__(text)
        self.text = text
        self.brief = brief


class Request(Enum):
    """What is answered at once instead of starting."""

    HELP = "help"
    VERSION = "version"


@dataclass(frozen=True, slots=True)
class _Option:
    names: tuple[str, ...]
    field: str
    note: str
    value: str = ""
    """The word for the value in the help; empty for a flag."""


_OPTIONS = (
    _Option(("-h", "-?", "--help"), "help", "Show this help."),
    _Option(("--version",), "version", "Show the version."),
    _Option(("-b", "--backup-only"), "backup_only", "Refuse restores."),
    _Option(("-c", "--config"), "config_path", "Configuration file or directory.", "<path>"),
    _Option(("-d", "--debug-level"), "debug_level", "Debug level, 0 to 1000.", "<level>"),
    _Option(("--dt", "--debug-timestamps"), "debug_timestamps", "Timestamps in the debug output."),
    _Option(("-f", "--foreground"), "foreground", "Stay in the foreground."),
    _Option(("-u", "--user"), "user", "Run as this user; needs root.", "<user>"),
    _Option(("-g", "--group"), "group", "Run as this group; needs root.", "<group>"),
    _Option(("-k", "--keep-readall"), "keep_readall", "With -u: keep the right to read all files."),
    _Option(("-m", "--print-kaboom"), "print_kaboom", "Show the traceback of a crash."),
    _Option(("-t", "--test-config"), "test_config", "Check the configuration and end."),
    _Option(("-p", "--pid-file"), "pid_file", "PID file; not with -f or -t.", "<file>"),
    _Option(("-r", "--restore-only"), "restore_only", "Refuse backups."),
    _Option(("-s", "--no-signals"), "no_signals", "No signal handlers, no watchdog."),
    _Option(("-v", "--verbose"), "verbose", "More messages for the user."),
    _Option(("--xc", "--export-config"), "export_config", "Print the configuration and end."),
    _Option(("--xs", "--export-schema"), "export_schema", "Print the schema as JSON and end."),
)
_BY_NAME = {name: option for option in _OPTIONS for name in option.names}
_EXCLUDES = (
    ("foreground", "pid_file"),
    ("test_config", "pid_file"),
    ("export_config", "export_schema"),
)


def usage(program: str) -> str:
    """The help text, newline-terminated."""
    lines = ["The Bareos File Daemon on Trio.", "", f"Usage: {program} [OPTIONS]", "", "Options:"]
    for option in _OPTIONS:
        names = ",".join(option.names) + (f" {option.value}" if option.value else "")
        lines.append(f"    {names:<30} {option.note}")
    lines += ["", "Environment: FDAEMON_TRACE=1 traces every state transition.", ""]
    return "\n".join(lines)


def parse_arguments(
    arguments: list[str], environment: Mapping[str, str], exists: Callable[[str], bool]
) -> Options | Request:
    """Options for the arguments behind the program's name. Raises UsageError.

    Short options may be grouped (`-fd100`), long ones take `=`. `exists` tells whether the path of `-c` is there.
    """
    given: dict[str, list[str]] = {}
    rest = list(arguments)
    stray: list[str] = []
    while rest:
        word = rest.pop(0)
        if word == "--":
            stray += rest
            break
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            option = _BY_NAME.get(name)
            if option is None:
                stray.append(word)
            elif option.value:
                given.setdefault(option.field, []).append(value if equals else _value(option, rest))
            elif not equals or value.lower() in ("true", "yes", "on", "1"):
                given.setdefault(option.field, []).append("")
            elif value.lower() not in ("false", "no", "off", "0"):
                raise UsageError(f"Could not convert: {name} = {value}")
        elif word.startswith("-") and len(word) > 1:
            _short(word[1:], rest, given, stray)
        else:
            stray.append(word)
    if "help" in given:
        return Request.HELP
    if "version" in given:
        return Request.VERSION
    return _options(given, stray, environment, exists)


def _short(letters: str, rest: list[str], given: dict[str, list[str]], stray: list[str]) -> None:
    while letters:
        letter, letters = letters[0], letters[1:]
        option = _BY_NAME.get(f"-{letter}")
        if letter == "x":
            raise UsageError(
                "The -xc and -xs options have changed.\nUse --xc and --xs as given in the help.", brief=True
            )
        if option is None:
            stray.append(f"-{letter}{letters}")
            return
        if option.value:
            given.setdefault(option.field, []).append(letters or _value(option, rest))
            return
        given.setdefault(option.field, []).append("")


def _value(option: _Option, rest: list[str]) -> str:
    if not rest or rest[0] == "--" or (rest[0].startswith("-") and rest[0].partition("=")[0] in _BY_NAME):
        raise UsageError(f"{option.names[-1]}: 1 required {option.value} missing")
    return rest.pop(0)


def _options(
    given: dict[str, list[str]],
    stray: list[str],
    environment: Mapping[str, str],
    exists: Callable[[str], bool],
) -> Options:
    if "debug_level" in given:
        _check_level(given["debug_level"][0])
    for field, values in given.items():
        option = next(option for option in _OPTIONS if option.field == field)
        if option.value and field != "debug_level" and len(values) > 1:
            raise UsageError(f"{option.names[-1]}: At Most 1 required but received {len(values)}")
    path = given.get("config_path", [""])[0]
    if "config_path" in given and not exists(path):
        raise UsageError(f"--config: Path does not exist: {path}")
    for one, other in _EXCLUDES:
        if one in given and other in given:
            raise UsageError(f"{_name(one)} excludes {_name(other)}")
    if stray:
        plural = "argument was" if len(stray) == 1 else "arguments were"
        raise UsageError(f"The following {plural} not expected: {' '.join(stray)}")
    flags: dict[str, Any] = {
        item.name: True for item in fields(Options) if item.type is bool and item.name in given
    }
    return Options(
        **flags,
        config_path=path or None,
        debug_level=int(given.get("debug_level", ["0"])[0]),
        user=given.get("user", [""])[0],
        group=given.get("group", [""])[0],
        pid_file=given.get("pid_file", [""])[0],
        trace_transitions=environment.get("FDAEMON_TRACE") == "1",
    )


def _name(field: str) -> str:
    names = next(option.names for option in _OPTIONS if option.field == field)
    return names[-1] if not names[0].startswith("--") else names[0]


def _check_level(text: str) -> None:
    if text == "t":
        raise UsageError("The -dt option has changed.\nUse --dt as given in the help.", brief=True)
    if re.fullmatch(r"[+-]?[0-9]{1,9}", text) is None:
        raise UsageError(f"Could not convert: --debug-level = {text}")

"""What the command line says, as a value (page 06 section 8.1). Parsing it is cli.py's work."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """The options of one start of the daemon; empty strings and None are "not given".

    `trace_transitions` comes from the environment variable FDAEMON_TRACE=1.
    """

    config_path: str | None = None
    foreground: bool = False
    test_config: bool = False
    debug_level: int = 0
    debug_timestamps: bool = False
    user: str = ""
    group: str = ""
    keep_readall: bool = False
    backup_only: bool = False
    restore_only: bool = False
    pid_file: str = ""
    print_kaboom: bool = False
    no_signals: bool = False
    verbose: bool = False
    export_config: bool = False
    export_schema: bool = False
    trace_transitions: bool = False

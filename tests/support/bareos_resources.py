"""The configuration of the real daemons for tests: resources as text. Starts nothing.

An unquoted value runs to the end of its line, so every value stands on a line of its own; only paths are quoted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CPP = "cpp-fd"
OURS = "our-fd"

STORAGES = {"File": "FileStorage", "Consolidated": "OtherStorage"}
"""Devices by Storage resource: a virtual full reads the volumes on one and writes to the other."""

SLOW = 2_000_000
"""Bytes a second of the job `slow-backup`, by its `Maximum Bandwidth`."""

type Value = str | int | Path | bool
type Directives = Sequence[tuple[str, Value]]


@dataclass(frozen=True, slots=True)
class FileSet:
    """One Include: its options and its File lines (a path, or `\\<list` and the like)."""

    name: str
    files: tuple[Path | str, ...]
    options: tuple[tuple[str, str], ...] = (("Signature", "MD5"), ("Hard Links", "yes"))


@dataclass(frozen=True, slots=True)
class Site:
    """Where everything is: directory, build tree, database, TLS or not, ports.

    `lanes`: Storages `Lane1` to `Lane<n>` besides the usual ones, each with a device and media type of its own, so
    that as many jobs can read at a time. `client_lines`: directives that both clients get besides.
    """

    place: Path
    core: Path
    backends: Path
    database: str
    user: str
    tls: bool
    director_port: int
    storage_port: int
    cpp_port: int
    our_port: int
    lanes: int = 0
    client_lines: Directives = ()

    @property
    def storages(self) -> list[tuple[str, str, str]]:
        """Name, device and media type of each Storage."""
        lanes = [f"Lane{number}" for number in range(1, self.lanes + 1)]
        usual = [(name, device, "File") for name, device in STORAGES.items()]
        return usual + [(name, f"{name}Storage", name) for name in lanes]

    @property
    def etc(self) -> Path:
        """Directory of the configuration files."""
        return self.place / "etc"

    @property
    def volumes(self) -> Path:
        """Directory of the volumes."""
        return self.place / "volumes"

    def working(self, name: str) -> Path:
        """Working directory of one daemon."""
        return self.place / "working" / name

    @property
    def client_ports(self) -> dict[str, int]:
        """Port by client name."""
        return {CPP: self.cpp_port, OURS: self.our_port}


def write_resources(site: Site, filesets: Sequence[FileSet]) -> None:
    """Write the configuration of all daemons and of bconsole, and make the directories it names."""
    site.etc.mkdir(parents=True)
    site.volumes.mkdir()
    for name in ("dir", "sd", CPP, OURS):
        site.working(name).mkdir(parents=True)
    (site.etc / "dir.conf").write_text(_director(site, filesets))
    (site.etc / "sd.conf").write_text(_storage(site))
    for name, port in site.client_ports.items():
        (site.etc / f"{name}.conf").write_text(_client(site, name, port))
    console = [
        *_address(site, site.director_port, "Dir"),
        ("Name", "test-dir"),
        ("Password", "console-secret"),
    ]
    (site.etc / "bconsole.conf").write_text(_resource("Director", console))


def _resource(kind: str, directives: Directives, inner: str = "") -> str:
    lines = [f"  {name} = {_text(value)}\n" for name, value in directives]
    return f"{kind} {{\n{''.join(lines)}{inner}}}\n"


def _text(value: Value) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case int():
            return str(value)
        case Path():
            return f'"{value}"'
        case str():
            return value


def _address(site: Site, port: int, kind: str, *, own: bool = False) -> list[tuple[str, Value]]:
    """Where a daemon is, in words that all releases know; `kind` is Dir, SD or FD, `own` its own resource."""
    address = f"{kind} Address" if own else "Address"
    return [(address, "127.0.0.1"), (f"{kind} Port", port), ("TLS Enable", site.tls)]


def _director(site: Site, filesets: Sequence[FileSet]) -> str:
    many: tuple[str, Value] = ("Maximum Concurrent Jobs", 20)
    job: Directives = [
        ("Storage", "File"),
        ("Messages", "Standard"),
        ("Pool", "Full"),
        ("Client", OURS),
        ("FileSet", filesets[0].name),
        many,
    ]
    backup: Directives = [("Type", "Backup"), ("Level", "Full"), *job]
    restore: Directives = [("Type", "Restore"), ("Where", site.place / "restored"), *job]
    slow: tuple[str, Value] = ("Maximum Bandwidth", f"{SLOW // 1000} kb/s")
    parts = [
        _resource(
            "Director",
            [
                ("Name", "test-dir"),
                ("Password", "console-secret"),
                ("Query File", Path("/dev/null")),
                ("Messages", "Standard"),
                ("Working Directory", site.working("dir")),
                ("Auditing", False),
                many,
                *_address(site, site.director_port, "Dir", own=True),
            ],
        ),
        _resource(
            "Catalog",
            [("Name", "Catalog"), ("DB Name", site.database), ("DB User", site.user), ("DB Password", '""')],
        ),
        _resource("Messages", [("Name", "Standard"), ("catalog", "all, !skipped, !saved, !audit")]),
        *(
            _resource(
                "Storage",
                [
                    ("Name", name),
                    ("Password", "storage-secret"),
                    ("Device", device),
                    ("Media Type", media),
                    many,
                    *_address(site, site.storage_port, "SD"),
                ],
            )
            for name, device, media in site.storages
        ),
        _resource(
            "Pool",
            [
                ("Name", "Full"),
                ("Pool Type", "Backup"),
                ("Label Format", '"Volume-"'),
                ("Next Pool", "Consolidated"),
            ],
        ),
        _resource(
            "Pool",
            [
                ("Name", "Consolidated"),
                ("Pool Type", "Backup"),
                ("Label Format", '"Consolidated-"'),
                ("Storage", "Consolidated"),
            ],
        ),
        *(
            _resource(
                "Client",
                [
                    ("Name", name),
                    ("Password", "client-secret"),
                    ("Catalog", "Catalog"),
                    many,
                    *_address(site, port, "FD"),
                ],
            )
            for name, port in site.client_ports.items()
        ),
        *(_fileset(fileset) for fileset in filesets),
        _resource("Job", [("Name", "backup"), *backup]),
        _resource("Job", [("Name", "accurate-backup"), ("Accurate", True), *backup]),
        _resource("Job", [("Name", "slow-backup"), slow, *backup]),
        _resource("Job", [("Name", "restore"), *restore]),
        _resource("Job", [("Name", "verify"), ("Type", "Verify"), ("Level", "InitCatalog"), *job]),
    ]
    return "".join(parts)


def _fileset(fileset: FileSet) -> str:
    options = _resource("Options", fileset.options)
    files = "".join(f"  File = {_text(path)}\n" for path in fileset.files)
    return _resource("FileSet", [("Name", fileset.name)], f"Include {{\n{options}{files}}}\n")


def _storage(site: Site) -> str:
    many: tuple[str, Value] = ("Maximum Concurrent Jobs", 20)
    return "".join(
        [
            _resource(
                "Storage",
                [
                    ("Name", "test-sd"),
                    ("Working Directory", site.working("sd")),
                    ("Backend Directory", site.backends),
                    many,
                    *_address(site, site.storage_port, "SD", own=True),
                ],
            ),
            _resource(
                "Director", [("Name", "test-dir"), ("Password", "storage-secret"), ("TLS Enable", site.tls)]
            ),
            *(
                _resource(
                    "Device",
                    [
                        ("Name", device),
                        ("Media Type", media),
                        ("Archive Device", site.volumes),
                        ("Device Type", "File"),
                        ("Label Media", True),
                        ("Random Access", True),
                        ("Automatic Mount", True),
                        ("Removable Media", False),
                        ("Always Open", False),
                        many,
                    ],
                )
                for _, device, media in site.storages
            ),
            _resource("Messages", [("Name", "Standard"), ("Director", "test-dir = all")]),
        ]
    )


def _client(site: Site, name: str, port: int) -> str:
    return "".join(
        [
            _resource(
                "Client",
                [
                    ("Name", name),
                    ("Working Directory", site.working(name)),
                    ("Maximum Concurrent Jobs", 20),
                    *_address(site, port, "FD", own=True),
                    *site.client_lines,
                ],
            ),
            _resource(
                "Director", [("Name", "test-dir"), ("Password", "client-secret"), ("TLS Enable", site.tls)]
            ),
            _resource(
                "Messages", [("Name", "Standard"), ("Director", "test-dir = all, !skipped, !restored")]
            ),
        ]
    )

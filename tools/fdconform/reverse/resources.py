"""What a Director's configuration needs so that the tester can be its File daemon, as text."""

from dataclasses import dataclass
from typing import Final

CLIENTS: Final = tuple(f"conform-fd{number}" for number in range(1, 17))
"""The File daemons that the tester plays at the same time, on as many ports from the one given on."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The names of resources that the Director has already, and how it reaches the tester."""

    host: str
    port: int
    password: str
    catalog: str = "MyCatalog"
    storage: str = "File"
    pool: str = "Full"
    messages: str = "Standard"
    tls: bool = True


def resources(site: Surroundings) -> str:
    """Client, FileSet and Jobs for the Director's configuration."""
    common = (
        f"Client = {CLIENTS[0]}",
        "FileSet = conform",
        f"Storage = {site.storage}",
        f"Pool = {site.pool}",
        f"Messages = {site.messages}",
        "Maximum Concurrent Jobs = 10",
    )
    backup = ("Type = Backup", "Level = Full", *common)
    verify = ("Type = Verify", *common)
    script = (
        "Client Run Before Job = /bin/true",
        "Client Run After Job = /bin/true",
    )
    client = (
        f"Address = {site.host}",
        f'Password = "{site.password}"',
        f"Catalog = {site.catalog}",
        f"TLS Enable = {'yes' if site.tls else 'no'}",
        "Maximum Concurrent Jobs = 10",
    )
    include = "  Include {\n    Options {\n      Signature = MD5\n    }\n    File = /conform\n  }\n"
    return "".join(
        (
            *(
                _resource("Client", (f"Name = {name}", f"Port = {site.port + number}", *client))
                for number, name in enumerate(CLIENTS)
            ),
            f"FileSet {{\n  Name = conform\n{include}}}\n",
            _resource("Job", ("Name = conform-backup", *backup)),
            _resource("Job", ("Name = conform-base", *backup, "Accurate = yes")),
            _resource("Job", ("Name = conform-scripts", *backup, *script)),
            _resource(
                "Job", ("Name = conform-restore", "Type = Restore", *common, "Where = /conform-restored")
            ),
            _resource("Job", ("Name = conform-init", "Level = InitCatalog", *verify)),
            _resource(
                "Job",
                ("Name = conform-volume", "Level = VolumeToCatalog", "Verify Job = conform-base", *verify),
            ),
            _resource(
                "Job",
                ("Name = conform-disk", "Level = DiskToCatalog", "Verify Job = conform-base", *verify),
            ),
        )
    )


def _resource(kind: str, lines: tuple[str, ...]) -> str:
    return f"{kind} {{\n" + "".join(f"  {line}\n" for line in lines) + "}\n"

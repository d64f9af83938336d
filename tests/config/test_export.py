"""The export as text and as schema (page 06 section 8.4), also beside the real daemon where there is one."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fdaemon.config.directives import TABLE, ResourceType
from fdaemon.config.export import export_configuration, export_schema
from fdaemon.config.lexer import Source
from fdaemon.config.load import parse
from fdaemon.config.reference import reference, updated

FULL = """
Client { Name = x
  Working Directory = /tmp
  Description = "with \\"quotes\\""
  Addresses = { ip = { addr = 192.0.2.1 } ipv6 = { addr = ::1; port = 77 } }
  Maximum Workers Per Job = 0
  Messages = S
  SdConnectTimeout = 1 day 2 hours 3 sec
  Heartbeat Interval = 0
  Maximum Bandwidth Per Job = 10 mb/s
  AllowedJobCommand = backup, "re\\"store"
  AllowedScriptDir = /a
  PkiSignatures = yes
  PkiCipher = aes256
  PluginNames = a:b
  Compatible = yes
  TlsAllowedCn = cn1
  TlsEnable = no
}
Director { Name = "d"
  Password = "[md5]83878c91171338902e0fe0fb97a8c47a"
  Port = 9101
  Monitor = no
}
Messages { Name = "S"
  Mail Command = "a \\"b\\""
  Timestamp Format = "%H"
  director = bd = all, !skipped
  append = /var/log/x = fatal, error, warning
  syslog = mail = all
  console = !info, error
  catalog = alert
}
"""

EXPORTED = """Director {
  Name = "d"
  Password = "[md5]83878c91171338902e0fe0fb97a8c47a"
}

Client {
  Name = "x"
  Description = "with "quotes""
  Addresses = {
    ipv4 = {
      addr = 192.0.2.1
      port = 9102
    }
    ipv6 = {
      addr = ::1
      port = 77
    }
  }
  WorkingDirectory = "/tmp"
  MaximumWorkersPerJob = 0
  Messages = "S"
  SdConnectTimeout = 1 days 2 hours 3 seconds\x20
  PkiSignatures = Yes
  MaximumBandwidthPerJob = 10000000
  AllowedScriptDir = "/a"
  AllowedJobCommand = "backup"
  AllowedJobCommand = "re\\"store"
  TlsEnable = No
  TlsAllowedCn = "cn1"
}

Messages {
  Name = "S"
  MailCommand = "a \\"b\\""
  TimestampFormat = "%H"
  director = bd = all,!skipped
  append = /var/log/x = fatal,error,warning
  syslog = all
  console = error
  catalog = alert
}

"""


def exported(text: str) -> str:
    return export_configuration(parse([Source("x.conf", text.encode())], environment={}))


def test_export() -> None:
    assert exported(FULL) == EXPORTED


def test_schema_has_the_shape_and_every_directive() -> None:
    document = json.loads(export_schema("25.1.0"))
    assert {key: document[key] for key in ("format-version", "component", "version")} == {
        "format-version": 2,
        "component": "bareos-fd",
        "version": "25.1.0",
    }
    tables = document["resource"]["bareos-fd"]
    assert list(tables) == ["Director", "Client", "Messages"]
    for kind, table in TABLE.items():
        wanted = [name for item in table if item.in_schema for name in (item.name, *item.aliases)]
        assert list(tables[kind.value]) == wanted
    assert tables["Client"]["FdPort"]["alias"] is True
    assert tables["Client"]["MaximumConcurrentJobs"] | {"description": ""} == {
        "datatype": "PINT32",
        "code": 0,
        "default_value": "1000",
        "deprecated": True,
        "equals": True,
        "versions": "-24.0.0",
        "description": "",
    }


SAFE = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters='"\\'), max_size=20)


@given(
    words=st.lists(SAFE, max_size=3),
    seconds=st.integers(0, 10**9),
    number=st.integers(0, 2**32 - 1),
    answer=st.booleans(),
)
def test_what_is_exported_reads_back_the_same(
    words: list[str], seconds: int, number: int, answer: bool
) -> None:
    commands = "".join(f'AllowedJobCommand = "{word}"\n' for word in words)
    text = (
        f'Client {{ Name = c\n VerId = "{"".join(words)}"\n HeartbeatInterval = {seconds}\n {commands}'
        f" AbsoluteJobTimeout = {number}\n MaximumBandwidthPerJob = {number}\n"
        f" TlsRequire = {'yes' if answer else 'no'}\n}}\n"
        'Director { Name = d\n Password = "p"\n}\nMessages { Name = m\n director = d = all,!saved\n}\n'
    )
    first = parse([Source("x", text.encode())])
    again = parse([Source("y", export_configuration(first).encode())])
    assert (again.clients, again.directors, again.messages) == (
        first.clients,
        first.directors,
        first.messages,
    )


def test_reference_in_the_documentation_is_current() -> None:
    page = (Path(__file__).parents[2] / "docs/configuration.md").read_text()
    assert updated(page) == page, "run: python -m fdaemon.config.reference docs/configuration.md"


def test_reference_names_every_directive() -> None:
    lines = reference().splitlines()
    for kind in ResourceType:
        for item in TABLE[kind]:
            assert sum(line.startswith(f"| `{item.name}` ") and item.note in line for line in lines) >= 1
    with pytest.raises(ValueError, match="no marks"):
        updated("# nothing here\n")


def real_daemon() -> tuple[str, dict[str, str]]:
    build = Path(os.environ["BAREOS_BUILD"])
    binary = build / "core/src/filed/bareos-fd"
    if not binary.is_file():
        pytest.skip("BAREOS_BUILD has no core/src/filed/bareos-fd")
    libraries = ":".join(str(build / "core/src" / name) for name in ("lib", "findlib"))
    return str(binary), {**os.environ, "LD_LIBRARY_PATH": libraries}


@pytest.mark.bareos
def test_real_daemon_exports_the_same(tmp_path: Path) -> None:
    binary, environment = real_daemon()
    path = tmp_path / "full.conf"
    path.write_text(FULL.replace("  Compatible = yes\n", ""))
    done = subprocess.run(
        [binary, "--xc", "-c", str(path)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == EXPORTED


@pytest.mark.bareos
def test_real_daemon_has_the_same_schema() -> None:
    binary, environment = real_daemon()
    done = subprocess.run([binary, "--xs"], env=environment, capture_output=True, text=True, check=False)
    theirs, ours = json.loads(done.stdout), json.loads(export_schema("25.1.0"))
    for document in (theirs, ours):
        for table in document["resource"]["bareos-fd"].values():
            for entry in table.values():
                entry.pop("description", None)
                if entry.get("platform_specific"):
                    entry.pop("default_value", None)
    assert ours["resource"] == theirs["resource"]

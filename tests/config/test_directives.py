"""Every directive of the table: a value that is not the default goes in, the typed value comes out."""

import dataclasses
import socket

import pytest

from fdaemon.config.addresses import ListenAddress
from fdaemon.config.directives import (
    CIPHERS,
    TABLE,
    Directive,
    Effect,
    ResourceType,
    ValueType,
    find_directive,
    find_resource,
)
from fdaemon.config.export import field_value
from fdaemon.config.lexer import Source
from fdaemon.config.load import parse
from fdaemon.config.messages import ALL_TYPES, Destination, MessageDestination
from fdaemon.config.resources import ClientResource, DirectorResource, Resources

V4, V6 = socket.AF_INET, socket.AF_INET6

TLS: dict[str, tuple[str, object]] = {
    "TlsAuthenticate": ("yes", True),
    "TlsEnable": ("no", False),
    "TlsRequire": ("false", False),
    "TlsCipherList": ('"ALL:!ADH"', "ALL:!ADH"),
    "TlsCipherSuites": ("TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"),
    "TlsDhFile": ("/tls/dh.pem", "/tls/dh.pem"),
    "TlsProtocol": ("-TLSv1.3", "-TLSv1.3"),
    "TlsVerifyPeer": ("yes", True),
    "TlsCaCertificateFile": ("/tls/ca.pem", "/tls/ca.pem"),
    "TlsCaCertificateDir": ("/tls/ca", "/tls/ca"),
    "TlsCertificateRevocationList": ("/tls/crl", "/tls/crl"),
    "TlsCertificate": ("$HOME/cert.pem", "/home/u/cert.pem"),
    "TlsKey": ("/tls/key.pem", "/tls/key.pem"),
    "TlsAllowedCn": ('a.example.com , "b c", 12x', ("a.example.com", "b c", "12x")),
}

SAMPLES: dict[ResourceType, dict[str, tuple[str, object]]] = {
    ResourceType.CLIENT: {
        "Description": ('"some words"', "some words"),
        "Port": ("9999", (ListenAddress(V4, "0.0.0.0", 9999), ListenAddress(V6, "::", 9999))),
        "Address": ("192.0.2.1", (ListenAddress(V4, "192.0.2.1", 9102),)),
        "Addresses": (
            "{ ip = { addr = 192.0.2.1; port = 1000 }\n ipv6 = { addr = ::1 } ipv4 = { port = 77 } }",
            (
                ListenAddress(V4, "192.0.2.1", 1000),
                ListenAddress(V6, "::1", 9102),
                ListenAddress(V4, "0.0.0.0", 77),
            ),
        ),
        "SourceAddress": ("2001:db8::7", "2001:db8::7"),
        "WorkingDirectory": ("~/work", "/home/u/work"),
        "PluginDirectory": ("/plugins", "/plugins"),
        "PluginNames": ('"python:bpipe", 3x', ("python", "bpipe", "3x")),
        "ScriptsDirectory": ("/scripts", "/scripts"),
        "MaximumConcurrentJobs": ("3", 3),
        "MaximumWorkersPerJob": ("0", 0),
        "Messages": ("Standard", "Standard"),
        "SdConnectTimeout": ("5 min", 300),
        "HeartbeatInterval": ("1 min 30", 90),
        "MaximumNetworkBufferSize": ("65536", 65536),
        "PkiSignatures": ("yes", True),
        "PkiEncryption": ("true", True),
        "PkiKeyPair": ("/pki/fd.pem", "/pki/fd.pem"),
        "PkiSigner": ('"/pki/a.pem", "/lost"\n PkiSigner = /pki/b.pem', ("/pki/a.pem", "/pki/b.pem")),
        "PkiMasterKey": ("/pki/m.pem", ("/pki/m.pem",)),
        "PkiCipher": ("AES256", "aes256"),
        "VerId": ("v1", "v1"),
        "MaximumBandwidthPerJob": ("10 mb/s", 10_000_000),
        "AllowBandwidthBursting": ("yes", True),
        "AllowedScriptDir": ("/etc/scripts", ("/etc/scripts",)),
        "AllowedJobCommand": (
            "backup , verify\n AllowedJobCommand = estimate",
            ("backup", "verify", "estimate"),
        ),
        "AbsoluteJobTimeout": ("12", 12),
        "AlwaysUseLmdb": ("yes", True),
        "LmdbThreshold": ("0", 0),
        "SecureEraseCommand": ('"/usr/bin/shred -u"', "/usr/bin/shred -u"),
        "LogTimestampFormat": ('"%H"', "%H"),
        "GrpcModule": ("none.so", "none.so"),
        "EnableKtls": ("yes", True),
        "Compatible": ("yes", True),
        "PidDirectory": ("/run", "/run"),
        "MaximumConnections": ("42", 42),
        "MonitorPort": ("9105", 9105),
        "MonitorAddress": ('"::1"', "::1"),
        "MonitorSocket": ("/run/fd.sock", "/run/fd.sock"),
        "MonitorToken": ("0123456789abcdef", "0123456789abcdef"),
        "MonitorTokenFile": ("$HOME/token", "/home/u/token"),
        "MonitorCertificate": ("/tls/monitor.pem", "/tls/monitor.pem"),
        "MonitorKey": ("/tls/monitor.key", "/tls/monitor.key"),
        "MonitorMetricsFile": ("/metrics/fd.prom", "/metrics/fd.prom"),
        **TLS,
    },
    ResourceType.DIRECTOR: {
        "Description": ("d", "d"),
        "Address": ("dir.example.com", "dir.example.com"),
        "Port": ("19101", 19101),
        "ConnectionFromDirectorToClient": ("no", False),
        "ConnectionFromClientToDirector": ("yes", True),
        "Monitor": ("yes", True),
        "MaximumBandwidthPerJob": ("5k", 5120),
        "AllowedScriptDir": ("/s", ("/s",)),
        "AllowedJobCommand": ("backup", ("backup",)),
        "EnableKtls": ("yes", True),
        **TLS,
    },
    ResourceType.MESSAGES: {
        "Description": ("m", "m"),
        "MailCommand": ('"bsmtp %r"', "bsmtp %r"),
        "OperatorCommand": ('"bsmtp %o"', "bsmtp %o"),
        "TimestampFormat": ('"%s"', "%s"),
    },
}
"""(directive text, value); what is missing here has its reason below."""

DESTINATIONS: dict[str, tuple[str, str]] = {
    "Syslog": ("all", ""),
    "Mail": ("a@example.com, b@example.com = all", "a@example.com b@example.com"),
    "MailOnError": ("root = all", "root"),
    "MailOnSuccess": ("root = all", "root"),
    "File": ("/var/log/last = all", "/var/log/last"),
    "Append": ('"/var/log/a b" = all', "/var/log/a b"),
    "Stdout": ("all", ""),
    "Stderr": ("all", ""),
    "Director": ("d, e = all", "d e"),
    "Console": ("all", ""),
    "Operator": ("op = all", "op"),
    "Catalog": ("all", ""),
}

REASONS = {
    "Name": "required: every configuration of these tests has it; its faults are in test_errors.py",
    "Password": "required: its forms are in test_values.py, its faults in test_errors.py",
}


def read(kind: ResourceType, body: str) -> Resources:
    """A configuration with one resource of this kind, with a Messages resource called Standard beside it."""
    password = "Password = p\n" if kind is ResourceType.DIRECTOR else ""
    text = f"{kind.value} {{\n Name = n\n {password} {body}\n}}\nMessages {{ Name = Standard }}\n"
    return parse([Source("d.conf", text.encode())], environment={"HOME": "/home/u"})


def value_of(resources: Resources, kind: ResourceType, directive: Directive) -> object:
    match kind:
        case ResourceType.CLIENT:
            return field_value(resources.clients[0], directive)
        case ResourceType.DIRECTOR:
            return field_value(resources.directors[0], directive)
        case ResourceType.MESSAGES:
            return getattr(resources.messages[0], directive.field)


BLANK: dict[ResourceType, ClientResource | DirectorResource] = {
    ResourceType.CLIENT: ClientResource("n"),
    ResourceType.DIRECTOR: DirectorResource("n", b""),
}

CASES = [
    (kind, directive, name)
    for kind, table in TABLE.items()
    for directive in table
    if directive.name in SAMPLES[kind]
    for name in (directive.name, *directive.aliases)
]


@pytest.mark.parametrize(
    ("kind", "directive", "name"), CASES, ids=lambda part: getattr(part, "name", str(part))
)
def test_directive(kind: ResourceType, directive: Directive, name: str) -> None:
    text, wanted = SAMPLES[kind][directive.name]
    resources = read(kind, f"{name} = {text}")
    assert value_of(resources, kind, directive) == wanted
    place = "on line 4 of file d.conf" if kind is ResourceType.DIRECTOR else "on line 3 of file d.conf"
    expected = (f"using deprecated keyword {directive.name} {place}",) if directive.warns else ()
    assert resources.warnings == expected


@pytest.mark.parametrize("name", DESTINATIONS)
def test_destination(name: str) -> None:
    directive = find_directive(ResourceType.MESSAGES, name)
    assert directive is not None
    text, where = DESTINATIONS[name]
    resources = read(ResourceType.MESSAGES, f"{name} = {text}")
    assert resources.messages[0].destinations == (
        MessageDestination(Destination(directive.code), where, ALL_TYPES),
    )


def test_every_directive_has_a_test_or_a_reason() -> None:
    tested = {(kind, name) for kind, samples in SAMPLES.items() for name in samples}
    tested |= {(ResourceType.MESSAGES, name) for name in DESTINATIONS}
    assert {
        (kind, item.name) for kind, table in TABLE.items() for item in table if item.name not in REASONS
    } == tested


def test_samples_are_not_the_defaults() -> None:
    for kind, resource in BLANK.items():
        for directive in TABLE[kind]:
            if directive.name in SAMPLES[kind]:
                assert SAMPLES[kind][directive.name][1] != field_value(resource, directive), directive.name


def test_defaults_of_the_table_are_those_of_the_resources() -> None:
    addresses = (ValueType.PORT, ValueType.ADDRESS, ValueType.ADDRESSES)
    for kind, resource in BLANK.items():
        for directive in TABLE[kind]:
            if directive.default is None or directive.type in addresses:
                continue
            text = f'"{directive.default}"' if directive.type is ValueType.STRING else directive.default
            read_back = read(kind, f"{directive.name} = {text}")
            assert value_of(read_back, kind, directive) == field_value(resource, directive), directive.name


def test_every_field_of_a_resource_has_a_directive() -> None:
    for kind, resource in (
        (ResourceType.CLIENT, ClientResource("n")),
        (ResourceType.DIRECTOR, DirectorResource("n", b"")),
    ):
        names = {field.name for field in dataclasses.fields(resource)} - {"tls", "addresses_listed"}
        tls = {f"tls.{field.name}" for field in dataclasses.fields(resource.tls)}
        assert {directive.field for directive in TABLE[kind]} == names | tls


@pytest.mark.parametrize("cipher", CIPHERS)
def test_ciphers(cipher: str) -> None:
    assert read(ResourceType.CLIENT, f"Pki Cipher = {cipher}").clients[0].pki_cipher == cipher


def test_words_in_any_case_and_spacing() -> None:
    assert find_resource("fileDAEMON") is ResourceType.CLIENT
    resources = read(ResourceType.CLIENT, "m A x i mum  WORKERS per job = 7")
    assert resources.clients[0].maximum_workers_per_job == 7


def test_directives_without_effect_say_so() -> None:
    silent = {item.name for table in TABLE.values() for item in table if item.effect is Effect.ACCEPTED}
    assert {"PluginDirectory", "EnableKtls", "TlsAuthenticate", "Mail", "Console"} <= silent


def test_last_scalar_wins_and_the_rest_of_its_line_is_ignored() -> None:
    client = read(ResourceType.CLIENT, "VerId = one, two\n VerId = three four\n Description = x y").clients[0]
    assert (client.ver_id, client.description) == ("threefour", "xy")


@pytest.mark.parametrize(
    "body", ["HeartbeatInterval = 60 }", "AllowedJobCommand = backup }", "PluginNames = a }", "VerId = a }"]
)
def test_brace_behind_a_value_closes_the_resource(body: str) -> None:
    text = f"Client {{ Name = c; {body}\nMessages {{ Name = m }}\n"
    assert [m.name for m in parse([Source("t", text.encode())]).messages] == ["m"]


@pytest.mark.parametrize(
    ("lines", "ports"),
    [
        ("Port = 1\nPort = 2", [2, 1]),
        ("Port = 1\nAddress = 192.0.2.1", [1]),
        ("Address = 192.0.2.1\nPort = 1", [1]),
        ("Address = 192.0.2.9\nAddress = 192.0.2.1", [9102]),
        ("Port = http", [80, 80]),
    ],
)
def test_ports_and_addresses_together(lines: str, ports: list[int]) -> None:
    client = read(ResourceType.CLIENT, lines).clients[0]
    assert [entry.port for entry in client.addresses] == ports
    assert client.port == client.fd_port == ports[0]


def test_names_are_resolved_once_for_each_family() -> None:
    asked: list[tuple[str, int]] = []

    def answer(host: str, family: int) -> list[tuple[int, str]]:
        asked.append((host, family))
        return [(family, "192.0.2.1" if family == V4 else "2001:db8::1")]

    text = b"Client { Name = c\n Addresses = { ip = { addr = fd.example.com } ipv6 = { addr = fd.example.com } }\n}"
    client = parse([Source("t", text)], resolver=answer).clients[0]
    assert asked == [("fd.example.com", V4), ("fd.example.com", V6)]
    assert [entry.host for entry in client.addresses] == ["192.0.2.1", "2001:db8::1"]

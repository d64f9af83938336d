"""Which files are read and in what order, what is checked over all resources, and that no secret is shown."""

import datetime
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from fdaemon.config import ConfigError, ConfigMissing, ResourceProblem, load
from fdaemon.config.load import check, read

CLIENT = "Client {\n  Name = x-fd\n}\n"
DIRECTOR = 'Director {\n  Name = bareos-dir\n  Password = "secret"\n  Description = "our Director"\n}\n'
MONITOR = 'Director {\n  Name = bareos-mon\n  Password = "other"\n  Monitor = yes\n}\n'
MESSAGES = "Messages {\n  Name = Standard\n  Director = bareos-dir = all, !skipped, !restored\n}\n"


def install(top: Path, **extra: str) -> Path:
    """A directory as the packages install it, with more files if wanted (`director__x` -> director/x.conf)."""
    files = {
        "client__myself": CLIENT,
        "director__bareos-dir": DIRECTOR,
        "director__bareos-mon": MONITOR,
        "messages__Standard": MESSAGES,
        **extra,
    }
    for name, text in files.items():
        path = top / "bareos-fd.d" / (name.replace("__", "/") + ".conf")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return top


def single(top: Path, text: str) -> str:
    path = top / "one.conf"
    path.write_text(text)
    return str(path)


def test_installed_directory(tmp_path: Path) -> None:
    configuration = load(str(install(tmp_path)))
    assert configuration.client.name == "x-fd"
    assert [director.name for director in configuration.directors] == ["bareos-mon", "bareos-dir"]
    assert configuration.own_messages.name == "Standard"
    assert configuration.warnings == ()
    director = configuration.director("bareos-dir")
    assert director is not None
    assert director.password_key == b"5ebe2294ecd0e0f08eab7690d2a6ee69"
    assert configuration.director("BAREOS-DIR") is None


def test_single_file_goes_before_the_directory(tmp_path: Path) -> None:
    install(tmp_path)
    (tmp_path / "bareos-fd.conf").write_text(CLIENT.replace("x-fd", "y-fd") + DIRECTOR + MESSAGES)
    assert load(str(tmp_path)).client.name == "y-fd"


def test_files_are_read_in_reverse_order_and_only_conf_files(tmp_path: Path) -> None:
    second = MESSAGES.replace("Standard", "Zero")
    install(tmp_path, messages__zero=second, **{"messages__.hidden": "broken"})
    (tmp_path / "bareos-fd.d/client/notes.txt").write_text("broken")
    (tmp_path / "bareos-fd.d/broken.conf").write_text("broken")
    configuration = load(str(tmp_path))
    assert [resource.name for resource in configuration.messages] == ["Zero", "Standard"]
    assert configuration.own_messages.name == "Zero"


def test_named_messages_resource_wins(tmp_path: Path) -> None:
    client = "Client { Name = x-fd; Messages = Standard\n}\n"
    path = single(tmp_path, client + DIRECTOR + MESSAGES.replace("Standard", "First") + MESSAGES)
    assert load(path).own_messages.name == "Standard"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("nothing", 'Failed to read config file "{top}/nothing"'),
        (".", 'Failed to find configuration files under directory "{top}/.". Did look for'),
        ("bareos-fd.d", "Failed to find configuration files under directory"),
    ],
)
def test_nothing_found(tmp_path: Path, given: str, text: str) -> None:
    if given == "bareos-fd.d":
        install(tmp_path)
    with pytest.raises(ConfigMissing) as caught:
        load(f"{tmp_path}/{given}")
    assert caught.value.text.startswith(text.format(top=tmp_path))


def test_empty_directory_of_files(tmp_path: Path) -> None:
    (tmp_path / "bareos-fd.d").mkdir()
    with pytest.raises(ConfigMissing) as caught:
        load(str(tmp_path))
    assert caught.value.text == (
        f'Cannot open config file "{tmp_path}/bareos-fd.d/*/*.conf": No such file or directory\n'
    )


def test_error_names_the_file_of_the_directory(tmp_path: Path) -> None:
    install(tmp_path, client__myself="\nClient {\n Nme = x\n}\n")
    with pytest.raises(ConfigError) as caught:
        load(str(tmp_path))
    assert (caught.value.file, caught.value.line) == (f"{tmp_path}/bareos-fd.d/client/myself.conf", 3)


def test_includes_from_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path)
    (tmp_path / "name.inc").write_text("x-fd\n")
    monkeypatch.chdir(tmp_path)
    path = single(
        tmp_path,
        "Client { Name = @name.inc\n}\n@bareos-fd.d/messages/*.conf\n@none*.conf\n"
        f'@"{tmp_path}/bareos-fd.d/director/bareos-dir.conf"\n',
    )
    configuration = load(path)
    assert (configuration.client.name, len(configuration.directors)) == ("x-fd", 1)


def test_output_of_a_command_is_read_in_place(tmp_path: Path) -> None:
    path = single(
        tmp_path, f"{CLIENT}{MESSAGES}@|\"printf 'Director {{ Name = %s\\\\n Password = p\\\\n}}' d1\"\n"
    )
    assert [director.name for director in load(path).directors] == ["d1"]


@pytest.mark.parametrize(
    ("include", "reason"),
    [
        ("@|false", "ended with status 1"),
        ('@|"no such command"', "No such file"),
        ("@gone.conf", "No such file"),
    ],
)
def test_include_that_fails_names_its_line(tmp_path: Path, include: str, reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(single(tmp_path, f"{CLIENT}{include}\n"))
    assert caught.value.line == 4
    assert reason in caught.value.text


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        (
            DIRECTOR + MESSAGES,
            ["No File daemon resource defined in {path}\nWithout that I don't know who I am :-(\n"],
        ),
        (CLIENT + MESSAGES, ["No Director resource defined in {path}\n"]),
        (CLIENT + DIRECTOR, ["No Messages resource defined in {path}\n"]),
        (CLIENT, ["No Messages resource defined in {path}\n", "No Director resource defined in {path}\n"]),
        (
            CLIENT + CLIENT.replace("x-fd", "y-fd") + DIRECTOR + MESSAGES,
            ["Only one Client resource permitted in {path}\n"],
        ),
        (
            CLIENT.replace("}", "Pki Encryption = yes\n}") + DIRECTOR + MESSAGES,
            [
                '"PKI Key Pair" must be defined for File daemon "x-fd" in {path} if either "PKI Sign" or'
                ' "PKI Encrypt" are enabled.\n'
            ],
        ),
        (
            CLIENT.replace("}", "Pki Signatures = yes\nPki Key Pair = /nowhere\n}") + DIRECTOR + MESSAGES,
            [
                'Failed to load public certificate for File daemon "x-fd" in {path}.\n',
                'Failed to load private key for File daemon "x-fd" in {path}.\n',
            ],
        ),
    ],
)
def test_resources_that_make_no_daemon(tmp_path: Path, text: str, problems: list[str]) -> None:
    path = single(tmp_path, text)
    with pytest.raises(ResourceProblem) as caught:
        load(path)
    assert caught.value.texts == tuple(problem.format(path=path) for problem in problems)


def keypair(path: Path) -> tuple[bytes, bytes]:
    """A self-signed certificate and its key in one PEM file; both are returned as well."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x-fd")])
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + datetime.timedelta(days=1))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    path.write_bytes(public + private)
    return public, private


def test_keys_of_encryption(tmp_path: Path) -> None:
    public, _private = keypair(tmp_path / "fd.pem")
    (tmp_path / "master.pem").write_bytes(public)
    (tmp_path / "half.pem").write_bytes(
        public + b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
    )
    (tmp_path / "empty.pem").write_bytes(b"")
    good = f"Pki Encryption = yes\nPki Key Pair = {tmp_path}/fd.pem\nPki Master Key = {tmp_path}/master.pem\n"
    client = load(single(tmp_path, CLIENT.replace("}", good + "}") + DIRECTOR + MESSAGES)).client
    assert (client.pki_encryption, client.pki_signatures) == (True, True)
    bad = f"Pki Signer = {tmp_path}/half.pem\nPki Signer = {tmp_path}/empty.pem\nPki Master Key = /gone\n"
    path = single(tmp_path, CLIENT.replace("}", good + bad + "}") + DIRECTOR + MESSAGES)
    with pytest.raises(ResourceProblem) as caught:
        load(path)
    where = f'for File daemon "x-fd" in {path}.\n'
    assert caught.value.texts == (
        f"Failed to load private key from file {tmp_path}/half.pem {where}",
        f"Failed to load trusted signer certificate from file {tmp_path}/empty.pem {where}",
        f"Failed to load master key certificate from file /gone {where}",
    )


def test_lists_and_limits_of_a_director_replace_the_clients(tmp_path: Path) -> None:
    client = CLIENT.replace(
        "}", "AllowedJobCommand = backup\nAllowedScriptDir = /c\nMaximum Bandwidth Per Job = 1 k\n}"
    )
    own = MONITOR.replace(
        "}", "AllowedJobCommand = verify\nAllowedScriptDir = /d\nMaximum Bandwidth Per Job = 2 k\n}"
    )
    configuration = load(single(tmp_path, client + DIRECTOR + own + MESSAGES))
    plain, special = configuration.directors
    assert configuration.allowed_job_commands(plain) == ("backup",)
    assert configuration.allowed_job_commands(special) == ("verify",)
    assert configuration.allowed_script_dirs(plain) == ("/c",)
    assert configuration.allowed_script_dirs(special) == ("/d",)
    assert (configuration.bandwidth(plain), configuration.bandwidth(special)) == (1024, 2048)


def test_no_secret_in_any_representation(tmp_path: Path) -> None:
    path = single(tmp_path, CLIENT + DIRECTOR.replace("secret", "xyzzy") + MESSAGES)
    configuration = load(path)
    key = configuration.directors[0].password_key.decode()
    shown = repr(configuration) + repr(read(path))
    assert "bareos-dir" in shown
    assert "xyzzy" not in shown
    assert key not in shown


def test_names_that_are_not_utf8_come_back(tmp_path: Path) -> None:
    path = tmp_path / "one.conf"
    path.write_bytes(b'Client { Name = x-fd; Description = "\xff"\n}\n' + (DIRECTOR + MESSAGES).encode())
    assert os.fsencode(load(str(path)).client.description) == b"\xff"


def test_policy_numbers_and_buffer(tmp_path: Path) -> None:
    text = DIRECTOR + DIRECTOR.replace("bareos-dir", "b").replace("}", "Tls Require = no\n}")
    text += DIRECTOR.replace("bareos-dir", "c").replace("}", "Tls Enable = no\n}")
    configuration = load(single(tmp_path, CLIENT + text + MESSAGES))
    assert [director.tls.policy for director in configuration.directors] == [2, 1, 0]
    assert configuration.client.network_buffer == 262144


@pytest.mark.parametrize(("size", "used"), [(4, 1024), (2_000_000, 917_504)])
def test_a_network_buffer_that_packets_do_not_allow(tmp_path: Path, size: int, used: int) -> None:
    """Four bytes hold no address of a sparse file, and a Storage daemon takes no packet above a million."""
    line = f"  Maximum Network Buffer Size = {size}\n}}"
    configuration = load(single(tmp_path, CLIENT.replace("}", line) + DIRECTOR + MESSAGES))
    assert configuration.client.network_buffer == used
    (warning,) = configuration.warnings
    assert f"{used} is used, not {size}" in warning


CALLED = DIRECTOR.replace("\n}", "\n  Address = dir\n  Connection From Client To Director = yes\n}")


def with_certificate(resource: str, path: Path) -> str:
    return resource.replace("\n}", f'\n  TLS Certificate = "{path}"\n}}')


@pytest.mark.parametrize(
    "resources",
    [
        lambda path: with_certificate(CLIENT, path) + DIRECTOR,
        lambda path: CLIENT + with_certificate(CALLED, path),
    ],
    ids=["ours", "of a Director that we call"],
)
def test_tls_files_that_are_not_there(tmp_path: Path, resources: Callable[[Path], str]) -> None:
    """The daemon would start, or be reloaded, and refuse every connection."""
    there, none = tmp_path / "there.pem", tmp_path / "none.pem"
    there.touch()
    (warning,) = load(single(tmp_path, resources(none) + MESSAGES)).warnings
    assert f'"TLS Certificate" names {none}, which cannot be read' in warning
    assert load(single(tmp_path, resources(there) + MESSAGES)).warnings == ()


def test_tls_files_that_nothing_uses_may_be_missing(tmp_path: Path) -> None:
    """A Director that calls us is met with the files of the Client resource."""
    text = CLIENT + with_certificate(DIRECTOR, tmp_path / "none.pem") + MESSAGES
    assert load(single(tmp_path, text)).warnings == ()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_tls_files_are_read_as_the_effective_user(tmp_path: Path) -> None:
    certificate = tmp_path / "fd.pem"
    certificate.touch(0o400)
    path = single(tmp_path, with_certificate(CLIENT, certificate) + DIRECTOR + MESSAGES)
    resources = read(path)
    assert check(resources).warnings == ()
    os.seteuid(65534)
    try:
        (warning,) = check(resources).warnings
    finally:
        os.seteuid(0)
    assert f"names {certificate}, which cannot be read" in warning

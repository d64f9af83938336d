"""What is refused, with file, line and the words of the C++ daemon (page 06 sections 3, 4 and 5.1)."""

import pytest

from fdaemon.config.errors import ConfigError
from fdaemon.config.lexer import Source
from fdaemon.config.load import parse

HEAD = "Client {\n  Name = x-fd\n"
"""Two lines, so that the directive behind it stands on line 3."""

DIRECTIVES = [
    ("FooBar = 3", 'Keyword "FooBar" not permitted in this resource.'),
    ("Foo Bar = 3", 'Keyword "FooBar" not permitted in this resource.'),
    ("VerId { 3", "expected an equals, got: {"),
    ("VerId =\n", "expected a string, got BCT_EOL: ="),
    ("VerId = 123", "expected a string, got BCT_NUMBER: 123"),
    ("VerId = {", "expected a string, got BCT_BOB: {"),
    ("Messages = 1", "expected a name, got BCT_NUMBER: 1"),
    ("Messages = " + "n" * 128, "name " + "n" * 128 + " length 128 too long, max is 127\n"),
    (
        "Messages = m\nMessages = m",
        'Attempt to redefine resource "Messages" referenced on line 4: Messages = m\n',
    ),
    ("Name = y", 'Attempt to redefine name "x-fd" to "y".'),
    ("PkiSignatures = on", "Expect YES, NO, TRUE, or FALSE, got: on"),
    ("PkiSignatures = 1", "expected a name, got BCT_NUMBER: 1"),
    ("AbsoluteJobTimeout = -1", "expected a positive integer number, got: -1"),
    ("AbsoluteJobTimeout = ten", "expected a positive integer number, got: ten"),
    ("AbsoluteJobTimeout = 4294967296", "expected a positive integer number, got: 4294967296"),
    ('HeartbeatInterval = "60"', "expected a time period, got: 60"),
    ("HeartbeatInterval = 1 fort night", "expected a time period, got: 1fortnight"),
    ("HeartbeatInterval = -5", "expected a time period, got: -5"),
    ('MaximumBandwidthPerJob = "1"', "expected a speed, got: 1"),
    ("MaximumBandwidthPerJob = 1 gb", "expected a speed number, got: gb"),
    ("PkiCipher = rot13", "Expected a Crypto Cipher option, got: rot13"),
    ("AllowedJobCommand = backup,\n restore", "expected a string, got BCT_EOL: ,"),
    ("Port = {", "Expected a port number or string, got: {"),
    ("Port = nosuchservice", "can't add port (nosuchservice) to (can't resolve service(nosuchservice))"),
    ('Address = "192.0.2.1"', "Expected an IP number or a hostname, got: 192.0.2.1"),
    (
        "Address = no.invalid",
        "can't add port (no.invalid) to (can't resolve hostname(no.invalid) no such host)",
    ),
    ("Addresses = 1", "Expected a block begin { , got: 1"),
    ("Addresses = { }", "Empty addr block is not allowed"),
    ("Addresses = { = }", "Expected a string, got: ="),
    ("Addresses = { ipx = { addr = ::1 } }", "Expected a string [ip|ipv4|ipv6], got: ipx"),
    ("Addresses = { ip { addr = ::1 } }", "Expected a equal =, got: {"),
    ("Addresses = { ip = addr = ::1 } }", "Expected a block begin { , got: addr"),
    ("Addresses = { ip = { } }", "Expected a identifier [addr|port], got: }"),
    ("Addresses = { ip = { host = a } }", "Expected a identifier [addr|port], got: host"),
    ("Addresses = { ip = { addr = ::1; addr = ::1 } }", "Only one addr per address block"),
    ("Addresses = { ip = { port = 1; port = 2 } }", "Only one port per address block"),
    ("Addresses = { ip = { addr = 1 } }", "Expected an IP number or a hostname, got: 1"),
    ("Addresses = { ip = { port = { } }", "Expected a number or a string, got: {"),
    ("Addresses = { ip = { addr = ::1 = } }", "Expected a end of block }, got: ="),
    ("Addresses = { ip = { addr = ::1 } = }", "Expected a end of block }, got: ="),
    (
        "Port = 1; Addresses = { ip = { addr = ::1 } }",
        "Can't add hostname(::1) and port() to addrlist (the old style addresses cannot be mixed with new style)",
    ),
    ("12 = 3", "unexpected token 102 BCT_NUMBER in resource definition"),
    ("{ VerId = x", "not in resource definition: VerId"),
]


def no_names(host: str, _family: int) -> list[tuple[int, str]]:
    raise OSError(2, "no such host", host)


def refused(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        parse([Source("bad.conf", text.encode())], resolver=no_names)
    return caught.value


@pytest.mark.parametrize(("line", "text"), DIRECTIVES)
def test_directive_that_is_refused(line: str, text: str) -> None:
    problem = refused(f"{HEAD}{line}\n}}\nMessages {{ Name = m }}\n")
    assert (problem.file, problem.text.split("\nPerhaps")[0]) == ("bad.conf", text)
    assert problem.line == 3 + line.startswith("Messages = m\n")


@pytest.mark.parametrize(
    ("text", "line", "wanted"),
    [
        ("Pool {\n}\n", 1, "Expected a Resource name identifier, got: Pool"),
        ("\n= x\n", 2, "Expected a Resource name identifier, got: ="),
        ("Messages { Name = m }\n}\n", 2, "Expected a Resource name identifier, got: }"),
        ("Messages {\n Name = m\n", 2, "End of conf file reached with unclosed resource."),
        ("Messages\nName = m", 2, "not in resource definition: Name"),
        ("Messages {\n}\n", 2, "Name not specified for resource"),
        ("Messages {\n Name = 1\n}", 2, "expected a name, got BCT_NUMBER: 1"),
        ('Messages {\n Name = "a*"\n}', 2, 'Illegal character "*" in name.\n\n'),
        ('Messages {\n Name = " a"\n}', 2, "Name cannot start with space.\n\n"),
        (
            "Director {\n Name = d\n}\n",
            3,
            "Password item is required in Director resource, but not found.\n",
        ),
        ('Director {\n Name = d\n Password = ""\n}', 3, 'Empty Password not allowed in Resource "d"\n'),
        ("Director {\n Name = d\n Password = 123\n}", 3, "expected a string, got BCT_NUMBER: 123"),
        (
            "Director {\n Name = d\n Password = [md5]1\n}",
            3,
            "md5 password does not have the right size; expected: 32, got: 1\n",
        ),
        (
            "Messages { Name = m }\nMessages { Name = m }\n",
            2,
            'Attempt to define second Messages resource named "m" is not permitted.\nSaveResource failed',
        ),
        (
            "Client {\n Name = c\n Messages = none\n}\n",
            3,
            'Could not find config resource "none" referenced on line 3:  Messages = none\n',
        ),
        ("Messages { Name = m\n stdout = every\n}", 2, "message type: every not found"),
        ("Messages { Name = m\n stdout = ! all\n}", 2, "message type:  not found"),
        ("Messages { Name = m\n append = /x all\n}", 2, "expected an =, got: all"),
        ("Messages { Name = m\n director = d all\n}", 3, "expected an =, got: }"),
        ("Messages { Name = m\n director = 1 = all\n}", 2, "expected a name, got BCT_NUMBER: 1"),
        ('Messages { Name = m\n Description = "open\n}\n', 3, "expected a string, got BCT_ERROR: open\n}\n"),
    ],
)
def test_configuration_that_is_refused(text: str, line: int, wanted: str) -> None:
    problem = refused(text)
    assert (problem.file, problem.line, problem.text) == ("bad.conf", line, wanted)


def test_report_has_the_shape_of_the_page() -> None:
    assert refused("Client {\n  Name = x\n  Foo Bar = 3\n}\n").report == (
        'Config error: Keyword "FooBar" not permitted in this resource.\n'
        "Perhaps you left the trailing brace off of the previous resource.\n"
        "            : line 3, col 10 of file bad.conf\n"
        "  Foo Bar = 3\n"
        "\n"
    )


def test_report_names_the_line_where_the_trouble_began() -> None:
    problem = refused('Messages { Name = m\n Description = "open\n}\n')
    assert problem.report.endswith("\nProblem probably begins at line 2.\n")


def test_utf16_is_refused() -> None:
    with pytest.raises(ConfigError, match="cannot handle UTF-16"):
        parse([Source("bad.conf", b"\xff\xfeC\0")])


def test_error_says_where_in_one_line() -> None:
    assert str(refused("Pool {")) == "bad.conf:1: Expected a Resource name identifier, got: Pool"


@pytest.mark.parametrize(
    "line",
    [
        "Port = \x1c9102",
        f"Port = {'9' * 5000}",
        f"Heartbeat Interval = {'9' * 5000}",
        f"Maximum Workers Per Job = {'9' * 5000}",
    ],
    ids=["blank", "port", "time", "number"],
)
def test_a_number_that_python_does_not_read(line: str) -> None:
    assert refused(f"{HEAD}{line}\n}}\nMessages {{ Name = m }}\n").line == 3

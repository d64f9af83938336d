"""Reading the value of one directive from the tokens (page 06 sections 4 and 7.2); no resource is built here.

Where the C++ daemon swallows a closing brace that stands behind a value on the same line (times, lists), here
the brace counts.
"""

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import assert_never

from fdaemon.config import values
from fdaemon.config.addresses import AddressFault, AddressList, Resolver
from fdaemon.config.directives import CIPHERS, Directive, ValueType
from fdaemon.config.lexer import TEXTUAL, Kind, Lexer, Token, shown
from fdaemon.config.messages import ALL_TYPES, TYPE_NAMES, Destination, DestinationChain

_PLAIN = frozenset({Kind.NUMBER, Kind.IDENTIFIER, Kind.UNQUOTED})
_WORDS = frozenset({Kind.IDENTIFIER, Kind.UNQUOTED})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What values depend on beside their text: environment variables and name resolution."""

    environment: Mapping[str, str]
    resolver: Resolver


@dataclass(slots=True)
class Draft:
    """A resource while it is read: values by field, and the lists that grow over several directives."""

    kind: str
    surroundings: Surroundings
    values: dict[str, object] = field(default_factory=dict, repr=False)
    present: set[str] = field(default_factory=set)
    lists: dict[str, list[str]] = field(default_factory=dict)
    listen: AddressList | None = None
    source: AddressList | None = None
    chain: DestinationChain = field(default_factory=DestinationChain)

    def text(self, name: str) -> str:
        """A string value that was given, or an empty one."""
        value = self.values.get(name, "")
        return value if isinstance(value, str) else ""


def expect_string(lexer: Lexer) -> bytes:
    """The next token, which has to be a word or a string."""
    token = lexer.next()
    if token.kind not in TEXTUAL:
        lexer.fail(f"expected a string, got {token.kind.value[0]}: {shown(token.text)}")
    return token.text


def expect_name(lexer: Lexer) -> Token:
    """The next token, which has to be a word or string of at most 127 bytes."""
    token = lexer.next()
    if token.kind not in TEXTUAL:
        lexer.fail(f"expected a name, got {token.kind.value[0]}: {shown(token.text)}")
    if len(token.text) > values.NAME_LENGTH:
        size = len(token.text)
        lexer.fail(f"name {shown(token.text)} length {size} too long, max is {values.NAME_LENGTH}\n")
    return token


def store(lexer: Lexer, directive: Directive, draft: Draft) -> None:
    """Read the value behind the equals sign into `draft`. Raises ConfigError."""
    match directive.type:
        case ValueType.PORT | ValueType.ADDRESS | ValueType.ADDRESSES:
            _addresses(lexer, directive, draft)
        case ValueType.STRING_LIST | ValueType.NAME_LIST:
            _string_list(lexer, draft.lists.setdefault(directive.field, []))
        case ValueType.PLUGIN_NAMES:
            _plugin_names(lexer, draft.lists.setdefault(directive.field, []))
        case ValueType.DIRECTORY_LIST:
            path = values.expand(shown(expect_string(lexer)), draft.surroundings.environment)
            draft.lists.setdefault(directive.field, []).append(path)
            lexer.skip_line()
        case ValueType.MESSAGES:
            _destination(lexer, Destination(directive.code), draft)
            lexer.skip_line()
        case _:
            draft.values[directive.field] = _scalar(lexer, directive, draft)
            lexer.skip_line()
    draft.present.add(directive.name)


def _scalar(lexer: Lexer, directive: Directive, draft: Draft) -> object:
    kind = directive.type
    match kind:
        case ValueType.STRING:
            return shown(expect_string(lexer))
        case ValueType.DIRECTORY:
            return values.expand(shown(expect_string(lexer)), draft.surroundings.environment)
        case ValueType.PASSWORD:
            try:
                return values.password_key(expect_string(lexer), draft.text("name"))
            except ValueError as problem:
                lexer.fail(str(problem))
        case ValueType.NAME:
            return _name(lexer, draft)
        case ValueType.RESOURCE:
            return shown(expect_name(lexer).text)
        case ValueType.BOOLEAN:
            word = expect_name(lexer).text
            if (answer := values.truth(word)) is None:
                lexer.fail(f"Expect YES, NO, TRUE, or FALSE, got: {shown(word)}")
            return answer
        case ValueType.CIPHER:
            word = expect_name(lexer).text
            if shown(word).lower() not in CIPHERS:
                lexer.fail(f"Expected a Crypto Cipher option, got: {shown(word)}")
            return shown(word).lower()
        case ValueType.PINT32:
            word = lexer.next().text
            if (number := values.whole_number(word)) is None:
                lexer.fail(f"expected a positive integer number, got: {shown(word)}")
            return number
        case ValueType.TIME:
            return _with_units(lexer, values.TIME_UNITS)
        case ValueType.SPEED:
            return _with_units(lexer, values.SPEED_UNITS)
        case (
            ValueType.PORT
            | ValueType.ADDRESS
            | ValueType.ADDRESSES
            | ValueType.STRING_LIST
            | ValueType.NAME_LIST
            | ValueType.PLUGIN_NAMES
            | ValueType.DIRECTORY_LIST
            | ValueType.MESSAGES
        ):
            raise AssertionError(f"{kind} is no scalar")
        case _:
            assert_never(kind)


def _name(lexer: Lexer, draft: Draft) -> str:
    text = expect_name(lexer).text
    if fault := values.name_fault(text):
        lexer.fail(f"{fault}\n\n")
    if "name" in draft.values:
        lexer.fail(f'Attempt to redefine name "{draft.text("name")}" to "{shown(text)}".')
    return shown(text)


def _with_units(lexer: Lexer, units: tuple[tuple[bytes, int], ...]) -> int:
    """A time or speed: the words of the line that blanks (not tabs) separate, taken together."""
    is_time = units is values.TIME_UNITS
    token = lexer.next(skip_eol=True)
    if token.kind not in _PLAIN:
        lexer.fail(f"expected a {'time period' if is_time else 'speed'}, got: {shown(token.text)}")
    text = token.text
    while token.kind in _PLAIN and token.end == 0x20:
        token = lexer.next()
        if token.kind in _PLAIN:
            text += token.text
    if token.kind not in _PLAIN:
        lexer.give_back(token)
    if (value := values.amount(text, units)) is None:
        got = f"time period, got: {shown(text)}" if is_time else f"speed number, got: {shown(token.text)}"
        lexer.fail(f"expected a {got}")
    return value


def _string_list(lexer: Lexer, into: list[str]) -> None:
    while True:
        into.append(shown(expect_string(lexer)))
        token = lexer.next()
        if token.kind is not Kind.COMMA:
            if token.kind is Kind.END:
                lexer.give_back(token)
            return


def _plugin_names(lexer: Lexer, into: list[str]) -> None:
    while True:
        token = lexer.next(force_string=True)
        if token.kind in (Kind.UNQUOTED, Kind.QUOTED):
            into += shown(token.text).split(":")
        elif token.kind is not Kind.COMMA:
            if token.kind is Kind.END:
                lexer.give_back(token)
            return


# -- addresses


def _addresses(lexer: Lexer, directive: Directive, draft: Draft) -> None:
    resolver = draft.surroundings.resolver
    if directive.field == "source_address":
        draft.source = draft.source or AddressList(resolver, 0)
        target = draft.source
    else:
        draft.listen = draft.listen or AddressList(resolver)
        target = draft.listen
    if directive.type is ValueType.ADDRESSES:
        _address_blocks(lexer, target)
        return
    token = lexer.next(skip_eol=True)
    wanted = "a port number or string" if directive.type is ValueType.PORT else "an IP number or a hostname"
    if token.kind not in _PLAIN:
        lexer.fail(f"Expected {wanted}, got: {shown(token.text)}")
    try:
        if directive.type is ValueType.PORT:
            target.port(shown(token.text))
        else:
            target.address(shown(token.text))
    except AddressFault as fault:
        lexer.fail(f"can't add port ({shown(token.text)}) to ({fault})")


def _want(lexer: Lexer, kind: Kind, text: str) -> None:
    token = lexer.next(skip_eol=True)
    if token.kind is not kind:
        lexer.fail(f"Expected {text}, got: {shown(token.text)}")


def _address_blocks(lexer: Lexer, target: AddressList) -> None:
    _want(lexer, Kind.BEGIN, "a block begin { ")
    token = lexer.next(skip_eol=True)
    if token.kind is Kind.END:
        lexer.fail("Empty addr block is not allowed")
    if token.kind not in _WORDS:
        lexer.fail(f"Expected a string, got: {shown(token.text)}")
    while token.kind in _WORDS:
        word = token.text.lower()
        if word not in (b"ip", b"ipv4", b"ipv6"):
            lexer.fail(f"Expected a string [ip|ipv4|ipv6], got: {shown(token.text)}")
        _want(lexer, Kind.EQUALS, "a equal =")
        _want(lexer, Kind.BEGIN, "a block begin { ")
        host, port = _address_block(lexer)
        try:
            target.block(socket.AF_INET6 if word == b"ipv6" else socket.AF_INET, host, port)
        except AddressFault as fault:
            lexer.fail(f"Can't add hostname({host}) and port({port}) to addrlist ({fault})")
        token = lexer.next(skip_eol=True)
    if token.kind is not Kind.END:
        lexer.fail(f"Expected a end of block }}, got: {shown(token.text)}")


def _address_block(lexer: Lexer) -> tuple[str, str]:
    """The inside of one `ip = {`, up to its closing brace: host and port, each may be empty."""
    found: dict[bytes, str] = {}
    token = lexer.next(skip_eol=True)
    while True:
        word = token.text.lower()
        if token.kind is not Kind.IDENTIFIER or word not in (b"port", b"addr"):
            lexer.fail(f"Expected a identifier [addr|port], got: {shown(token.text)}")
        if word in found:
            lexer.fail(f"Only one {shown(word)} per address block")
        _want(lexer, Kind.EQUALS, "a equal =")
        token = lexer.next(skip_eol=True)
        if word == b"port" and token.kind not in _PLAIN:
            lexer.fail(f"Expected a number or a string, got: {shown(token.text)}")
        if word == b"addr" and token.kind not in _WORDS:
            lexer.fail(f"Expected an IP number or a hostname, got: {shown(token.text)}")
        found[word] = shown(token.text)
        token = lexer.next(skip_eol=True)
        if token.kind is not Kind.IDENTIFIER:
            break
    if token.kind is not Kind.END:
        lexer.fail(f"Expected a end of block }}, got: {shown(token.text)}")
    return found.get(b"addr", ""), found.get(b"port", "")


# -- destinations of messages


def _destination(lexer: Lexer, kind: Destination, draft: Draft) -> None:
    command, timestamp, where = "", draft.text("timestamp_format"), ""
    match kind:
        case Destination.STDOUT | Destination.STDERR | Destination.CONSOLE | Destination.CATALOG:
            pass
        case Destination.SYSLOG:
            timestamp = ""
            head = lexer.raw.partition(b";")[0].partition(b",")[0]
            if head.count(b"=") > 1:
                where = shown(expect_name(lexer).text)
                lexer.next(skip_eol=True)
        case Destination.FILE | Destination.APPEND:
            where = shown(expect_string(lexer))
            _expect_equals(lexer, lexer.next(skip_eol=True))
        case (
            Destination.MAIL
            | Destination.MAIL_ON_ERROR
            | Destination.MAIL_ON_SUCCESS
            | Destination.DIRECTOR
            | Destination.OPERATOR
        ):
            command = draft.text("operator_command" if kind is Destination.OPERATOR else "mail_command")
            names = [shown(expect_name(lexer).text)]
            while (token := lexer.next(skip_eol=True)).kind is Kind.COMMA:
                names.append(shown(expect_name(lexer).text))
            _expect_equals(lexer, token)
            where = " ".join(names)
        case _:
            assert_never(kind)
    _types(lexer, kind, where, command, timestamp, draft.chain)


def _expect_equals(lexer: Lexer, token: Token) -> None:
    if token.kind is not Kind.EQUALS:
        lexer.fail(f"expected an =, got: {shown(token.text)}")


def _types(
    lexer: Lexer, kind: Destination, where: str, command: str, timestamp: str, chain: DestinationChain
) -> None:
    """The comma list of types; it goes on only where the comma follows its word at once."""
    while True:
        token = expect_name(lexer)
        word = shown(token.text).removeprefix("!")
        if word.lower() == "all":
            chain.add(kind, where, set(ALL_TYPES), command, timestamp)
        elif (number := TYPE_NAMES.get(word.lower())) is None:
            lexer.fail(f"message type: {word} not found")
        elif token.text.startswith(b"!"):
            chain.remove(kind, where, number)
        else:
            chain.add(kind, where, {number}, command, timestamp)
        if token.end != 0x2C:
            return
        lexer.next()

"""Resources back to text (`--xc`), the table as a schema (`--xs`); page 06 section 8.4. Nothing is printed."""

import json
from typing import assert_never

from fdaemon.config.directives import TABLE, Directive, ResourceType, ValueType
from fdaemon.config.messages import MessagesResource, types_text
from fdaemon.config.resources import ClientResource, DirectorResource, Resources

_PERIODS = (
    ("years", 365 * 86400),
    ("months", 30 * 86400),
    ("weeks", 7 * 86400),
    ("days", 86400),
    ("hours", 3600),
    ("minutes", 60),
    ("seconds", 1),
)


def export_configuration(resources: Resources) -> str:
    """The configuration as the C++ daemon exports it: defaults left out, passwords as `[md5]…`."""
    blocks = [_block(ResourceType.DIRECTOR, director) for director in resources.directors]
    blocks += [_block(ResourceType.CLIENT, client) for client in resources.clients]
    blocks += [_messages(resource) for resource in resources.messages]
    return "".join(blocks)


def export_schema(version: str) -> str:
    """The directives as JSON, format version 2, without those that only older releases or only we know."""
    tables = {
        kind.value: {name: entry for item in items if item.in_schema for name, entry in _entries(item)}
        for kind, items in TABLE.items()
    }
    document = {
        "format-version": 2,
        "component": "bareos-fd",
        "version": version,
        "resource": {"bareos-fd": tables},
    }
    return json.dumps(document, indent=2)


def field_value(resource: ClientResource | DirectorResource, item: Directive) -> object:
    """The value of a directive's field, looked up in the TLS part where it belongs there."""
    if item.field.startswith("tls."):
        return getattr(resource.tls, item.field.removeprefix("tls."))
    return getattr(resource, item.field)


def _block(kind: ResourceType, resource: ClientResource | DirectorResource) -> str:
    blank = ClientResource("") if kind is ResourceType.CLIENT else DirectorResource("", b"")
    lines = [f"{kind.value} {{"]
    for item in TABLE[kind]:
        value = field_value(resource, item)
        if not item.obsolete and (item.required or value != field_value(blank, item)):
            lines += [f"  {line}" for line in _lines(item, value, resource)]
    return "\n".join([*lines, "}", "", ""])


def _lines(item: Directive, value: object, resource: ClientResource | DirectorResource) -> list[str]:
    match item.type:
        case ValueType.NAME | ValueType.STRING | ValueType.DIRECTORY | ValueType.RESOURCE:
            return [f'{item.name} = "{value}"']
        case ValueType.PASSWORD:
            key = value.decode("ascii") if isinstance(value, bytes) else ""
            return [f'{item.name} = "[md5]{key}"']
        case ValueType.STRING_LIST | ValueType.NAME_LIST | ValueType.DIRECTORY_LIST:
            members = value if isinstance(value, tuple) else ()
            return [f'{item.name} = "{_escaped(text) if _needs_escape(text) else text}"' for text in members]
        case ValueType.BOOLEAN:
            return [f"{item.name} = {'Yes' if value else 'No'}"]
        case ValueType.PINT32 | ValueType.SPEED:
            return [f"{item.name} = {value}"] if value or item.default is not None else []
        case ValueType.TIME:
            return [f"{item.name} = {_period(value if isinstance(value, int) else 0)}"]
        case ValueType.ADDRESSES:
            return _addresses(resource) if isinstance(resource, ClientResource) else []
        case (
            ValueType.PORT
            | ValueType.ADDRESS
            | ValueType.PLUGIN_NAMES
            | ValueType.CIPHER
            | ValueType.MESSAGES
        ):
            return []
        case _:
            assert_never(item.type)


def _period(seconds: int) -> str:
    text = ""
    for unit, length in _PERIODS:
        count, seconds = divmod(seconds, length)
        if count:
            text += f"{count} {unit} "
    return text or "0"


def _addresses(client: ClientResource) -> list[str]:
    if not client.addresses_listed:
        return []
    lines = ["Addresses = {"]
    for entry in client.addresses:
        family = "ipv6" if ":" in entry.host else "ipv4"
        lines += [f"  {family} = {{", f"    addr = {entry.host}", f"    port = {entry.port}", "  }"]
    return [*lines, "}"]


def _needs_escape(text: str) -> bool:
    """True when a double quote in it is not escaped already."""
    return '"' in text.replace("\\\\", "").replace('\\"', "")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _messages(resource: MessagesResource) -> str:
    lines = ["Messages {", f'  Name = "{resource.name}"']
    for name, text in (
        ("MailCommand", resource.mail_command),
        ("OperatorCommand", resource.operator_command),
        ("TimestampFormat", resource.timestamp_format),
    ):
        if text:
            lines.append(f'  {name} = "{_escaped(text)}"')
    for destination in resource.destinations:
        where = f" = {destination.where}" if destination.kind.is_named else ""
        lines.append(f"  {destination.kind.keyword}{where} = {types_text(destination.types)}")
    return "\n".join([*lines, "}", "", ""])


def _entries(item: Directive) -> list[tuple[str, dict[str, object]]]:
    """The schema entries of a directive: its own and one for each alias."""
    return [
        (item.name, _entry(item, alias=False)),
        *((alias, _entry(item, alias=True)) for alias in item.aliases),
    ]


def _entry(item: Directive, *, alias: bool) -> dict[str, object]:
    entry: dict[str, object] = {"datatype": item.type.word, "code": item.code}
    if alias:
        entry["alias"] = True
    if item.default is not None:
        entry["default_value"] = item.default
    if item.platform:
        entry["platform_specific"] = True
    if item.deprecated:
        entry["deprecated"] = True
    entry["equals"] = True
    if item.required:
        entry["required"] = True
    if item.versions:
        entry["versions"] = item.versions
    entry["description"] = f"Another name of {item.name}. {item.note}" if alias else item.note
    return entry

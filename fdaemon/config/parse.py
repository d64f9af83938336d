"""The grammar of resources: tokens in, drafts turned into resource values out (page 06 section 3)."""

from dataclasses import dataclass, field
from typing import Any

from fdaemon.config.addresses import Style
from fdaemon.config.directives import TABLE, Directive, ResourceType, find_directive, find_resource
from fdaemon.config.errors import ConfigError
from fdaemon.config.lexer import Kind, Lexer, shown
from fdaemon.config.messages import MessagesResource
from fdaemon.config.resources import ClientResource, DirectorResource, Resources, TlsConfig
from fdaemon.config.stores import Draft, Surroundings, store


@dataclass(slots=True)
class _Reference:
    """A resource name that was used, and the error to raise when there is none of that name."""

    name: str
    missing: ConfigError


@dataclass(slots=True)
class Parser:
    """Reads all resources of a lexer once."""

    lexer: Lexer
    surroundings: Surroundings
    clients: list[ClientResource] = field(default_factory=list)
    directors: list[DirectorResource] = field(default_factory=list)
    messages: list[MessagesResource] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    _references: list[_Reference] = field(default_factory=list)
    _level: int = 0

    def parse(self, path: str) -> Resources:
        """Read to the end. Raises ConfigError at the first problem."""
        while (token := self.lexer.next()).kind is not Kind.EOF:
            if token.kind in (Kind.EOL, Kind.UTF8_MARK):
                continue
            if token.kind is Kind.UTF16_MARK:
                self.lexer.fail(
                    "Currently we cannot handle UTF-16 source files. Please convert the conf file to UTF-8\n"
                )
            kind = find_resource(shown(token.text)) if token.kind is Kind.IDENTIFIER else None
            if kind is None:
                self.lexer.fail(f"Expected a Resource name identifier, got: {shown(token.text)}")
            self._resource(kind)
        known = {resource.name for resource in self.messages}
        for reference in self._references:
            if reference.name not in known:
                raise reference.missing
        return Resources(
            path, tuple(self.clients), tuple(self.directors), tuple(self.messages), tuple(self.warnings)
        )

    def _resource(self, kind: ResourceType) -> None:
        draft = Draft(kind.value, self.surroundings)
        while True:
            token = self.lexer.next()
            match token.kind:
                case Kind.BEGIN:
                    self._level += 1
                case Kind.IDENTIFIER:
                    self._directive(kind, shown(token.text), draft)
                case Kind.END:
                    self._level -= 1
                    self._save(kind, draft)
                    return
                case Kind.EOL:
                    pass
                case Kind.EOF:
                    self.lexer.fail("End of conf file reached with unclosed resource.")
                case _:
                    word, number = token.kind.value
                    self.lexer.fail(f"unexpected token {number} {word} in resource definition")

    def _directive(self, kind: ResourceType, word: str, draft: Draft) -> None:
        if self._level != 1:
            self.lexer.fail(f"not in resource definition: {word}")
        directive = find_directive(kind, word)
        if directive is None:
            self.lexer.fail(
                f'Keyword "{word}" not permitted in this resource.\n'
                "Perhaps you left the trailing brace off of the previous resource."
            )
        token = self.lexer.next(skip_eol=True)
        if token.kind is not Kind.EQUALS:
            self.lexer.fail(f"expected an equals, got: {shown(token.text)}")
        if directive.warns:
            place = f"on line {self.lexer.line} of file {self.lexer.file}"
            self.warnings.append(f"using deprecated keyword {directive.name} {place}")
        if directive.field == "messages":
            self._refer(directive, draft)
        store(self.lexer, directive, draft)
        if directive.field == "messages":
            self._references[-1].name = draft.text("messages")

    def _refer(self, directive: Directive, draft: Draft) -> None:
        """Note a reference at its own line: it is resolved when everything has been read."""
        place = f"referenced on line {self.lexer.line}: {shown(self.lexer.raw)}\n"
        if directive.name in draft.present:
            self.lexer.fail(f'Attempt to redefine resource "{directive.name}" {place}')
        token = self.lexer.next()
        self.lexer.give_back(token)
        text = f'Could not find config resource "{shown(token.text)}" {place}'
        self._references.append(_Reference("", self.lexer.error(text)))

    def _save(self, kind: ResourceType, draft: Draft) -> None:
        name = draft.text("name")
        if "name" not in draft.values:
            self.lexer.fail("Name not specified for resource")
        for directive in TABLE[kind]:
            if directive.required and directive.name not in draft.present:
                self.lexer.fail(
                    f"{directive.name} item is required in {kind.value} resource, but not found.\n"
                )
        values = _values(draft)
        others: list[ClientResource] | list[DirectorResource] | list[MessagesResource]
        match kind:
            case ResourceType.CLIENT:
                others = self.clients
            case ResourceType.DIRECTOR:
                others = self.directors
            case ResourceType.MESSAGES:
                others = self.messages
        if any(other.name == name for other in others):
            self.lexer.fail(
                f'Attempt to define second {kind.value} resource named "{name}" is not permitted.\n'
                "SaveResource failed"
            )
        match kind:
            case ResourceType.CLIENT:
                self.clients.append(ClientResource(**values))
            case ResourceType.DIRECTOR:
                self.directors.append(DirectorResource(**values))
            case ResourceType.MESSAGES:
                chain = draft.chain
                self.messages.append(
                    MessagesResource(
                        **values, destinations=chain.frozen(), accepted=frozenset(chain.accepted)
                    )
                )


def _values(draft: Draft) -> dict[str, Any]:
    """The arguments of the resource's class; fields that were not given keep the defaults of the class."""
    flat: dict[str, Any] = {**draft.values}
    for name, items in draft.lists.items():
        flat[name] = tuple(items)
    if draft.listen is not None:
        flat["addresses"] = tuple(draft.listen.entries)
        flat["addresses_listed"] = draft.listen.style is Style.MULTIPLE
    if draft.source is not None:
        flat["source_address"] = draft.source.entries[0].host
    tls = {name.removeprefix("tls."): flat.pop(name) for name in list(flat) if name.startswith("tls.")}
    if tls:
        flat["tls"] = TlsConfig(**tls)
    return flat

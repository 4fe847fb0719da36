"""Rules of federation that one part must keep by itself, and one that is about names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hub.gateway.compose.fieldsets import ordered
from hub.gateway.compose.parts import Part, Type
from hub.gateway.compose.problems import Problem
from hub.gateway.compose.uses import field_set, named_by


def check_names(names: Sequence[str]) -> Iterator[Problem]:
    """Names of subgraphs are there, are not ``_``, and differ."""
    for name in dict.fromkeys(names):
        if not name.strip() or name == "_" or names.count(name) > 1:
            why = "is used twice" if names.count(name) > 1 else "cannot be a subgraph's name"
            yield Problem(
                code="INVALID_SUBGRAPH_NAME", message=f"`{name}` {why}", subgraphs=(name,)
            )


def check_rules(part: Part) -> Iterator[Problem]:
    """What is wrong with the directives of one part, as it is written, taken together."""
    rules = _Rules(part)
    for held in part.types.values():
        yield from rules.check(held)


class _Rules:
    def __init__(self, part: Part) -> None:
        self._part = part
        self._used = named_by(part, "key", "requires", "provides")

    def check(self, held: Type) -> Iterator[Problem]:
        """What is wrong with one type."""
        if not self._part.first:
            yield from self._externals(held)
            yield from self._shared(held)
            yield from self._interface_keys(held)
        if held.interface_object and not held.keys:
            yield self._problem(
                "INTERFACE_OBJECT_USAGE_ERROR",
                f"`{held.name}` is an @interfaceObject without @key",
                held.name,
            )

    def _externals(self, held: Type) -> Iterator[Problem]:
        for field in held.fields.values():
            if not field.external:
                continue
            where = f"{held.name}.{field.name}"
            if held.kind == "interface":
                yield self._problem("EXTERNAL_ON_INTERFACE", f"`{where}` is @external", where)
            if field.inaccessible:
                yield self._problem(
                    "MERGED_DIRECTIVE_APPLICATION_ON_EXTERNAL",
                    f"`{where}` is @external, and its owner alone can make it @inaccessible",
                    where,
                )
            used = (held.name, field.name) in self._used or self._wanted(held, field.name)
            if not used:
                yield self._problem(
                    "EXTERNAL_UNUSED",
                    f"`{where}` is @external, and neither a field set nor an interface names it",
                    where,
                )

    def _wanted(self, held: Type, field: str) -> bool:
        types = self._part.types
        return any(field in types[each].fields for each in held.interfaces if each in types)

    def _shared(self, held: Type) -> Iterator[Problem]:
        for field in held.fields.values():
            if not field.shareable:
                continue
            where = f"{held.name}.{field.name}"
            if held.kind == "interface":
                yield self._problem(
                    "INVALID_SHAREABLE_USAGE", f"`{where}` of an interface is @shareable", where
                )
            if held.name == "Subscription":
                yield self._problem(
                    "INVALID_FIELD_SHARING", f"`{where}` of the root is @shareable", where
                )

    def _interface_keys(self, held: Type) -> Iterator[Problem]:
        if held.kind != "interface" or self._part.version < (2, 3):
            return
        for key in held.keys:
            wanted = ordered(field_set(key.fields))
            for name in self._part.objects(held.name):
                own = {
                    ordered(field_set(each.fields)): each.resolvable
                    for each in self._part.types[name].keys
                }
                if wanted not in own or (key.resolvable and not own[wanted]):
                    yield self._problem(
                        "INTERFACE_KEY_NOT_ON_IMPLEMENTATION",
                        f'`{name}` lacks @key(fields: "{key.fields}") of `{held.name}`',
                        name,
                        held.name,
                    )

    def _problem(self, code: str, message: str, *where: str) -> Problem:
        name = self._part.name
        return Problem(
            code=code, message=f"[{name}] {message}", subgraphs=(name,), coordinates=where
        )

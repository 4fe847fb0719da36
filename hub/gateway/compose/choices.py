"""Check what field sets choose: ``@key``, ``@requires``, ``@provides``."""

from __future__ import annotations

from collections.abc import Iterator

from graphql import GraphQLSyntaxError, ValueNode, parse_value

from hub.gateway.compose.fieldsets import FieldSetError, read_field_set
from hub.gateway.compose.literals import allowed
from hub.gateway.compose.parts import BUILT_IN, Field, Part, Type, named
from hub.gateway.compose.problems import Problem
from hub.gateway.compose.uses import Use, real_keys, uses
from hub.gateway.model import Chosen, FieldSet

_COMPOSITE = frozenset({"object", "interface", "union"})


def check_choices(part: Part) -> Iterator[Problem]:
    """What is wrong with the field sets of one part, as it is written."""
    choices = _Choices(part)
    for use in uses(part):
        yield from choices.check(use)


class _Choices:
    def __init__(self, part: Part) -> None:
        self._part = part
        self._real = real_keys(part)

    def check(self, use: Use) -> Iterator[Problem]:
        """What is wrong with one field set; the first thing that keeps it from being read."""
        holder = self._part.types[use.type]
        if holder.kind == "interface":
            if self._part.first:
                return
            if use.purpose != "key" or self._part.version < (2, 3):
                code = f"{use.purpose.upper()}_UNSUPPORTED_ON_INTERFACE"
                yield self._problem(code, use, "not on interfaces")
        if use.purpose == "provides" and self._kind(use.on) not in _COMPOSITE:
            if not self._part.first:
                yield self._problem(
                    "PROVIDES_ON_NON_OBJECT_FIELD", use, f"`{use.on}` has no fields to provide"
                )
            return
        try:
            fields = read_field_set(use.text)
        except FieldSetError as error:
            yield self._bad(use, str(error))
            return
        yield from self._chosen(use, use.on, fields, within=False)

    def _kind(self, name: str) -> str | None:
        if name in BUILT_IN:
            return "scalar"
        held = self._part.types.get(name)
        return held.kind if held else None

    def _chosen(self, use: Use, on: str, fields: FieldSet, *, within: bool) -> Iterator[Problem]:
        held = self._part.types[on]
        for each in fields:
            if not isinstance(each, Chosen):
                if self._kind(each.type) not in _COMPOSITE:
                    yield self._bad(use, f"no type `{each.type}` with fields")
                elif not set(self._part.objects(each.type)) & set(self._part.objects(on)):
                    yield self._bad(use, f"`{on}` is never a `{each.type}`")
                else:
                    yield from self._chosen(use, each.type, each.selections, within=within)
                continue
            if each.name == "__typename":
                continue
            field = held.fields.get(each.name)
            if field is None:
                yield self._bad(use, f"no field `{each.name}` on `{on}`")
                continue
            yield from self._field(use, held, field, each, within=within)

    def _field(
        self, use: Use, held: Type, field: Field, each: Chosen, *, within: bool
    ) -> Iterator[Problem]:
        where = f"{held.name}.{field.name}"
        kind = self._kind(named(field.type))
        if use.purpose == "requires":
            yield from self._arguments(use, field, each, where)
        elif field.arguments or each.arguments:
            code = f"{use.purpose.upper()}_FIELDS_HAS_ARGS"
            yield self._problem(code, use, f"`{where}` has arguments")
        if use.purpose == "key" and kind in {"interface", "union"}:
            yield self._problem(
                "KEY_FIELDS_SELECT_INVALID_TYPE", use, f"`{where}` is of kind {kind}"
            )
        outside = within or self._external(held, field.name)
        if kind in _COMPOSITE:
            outside = outside or (
                held.kind == "interface" and self._external_below(held, field.name)
            )
            if not each.selections:
                yield self._bad(use, f"no fields are chosen of `{where}`")
            yield from self._chosen(use, named(field.type), each.selections, within=outside)
            return
        if each.selections:
            yield self._bad(use, f"`{where}` has no fields to choose")
        if use.purpose != "key" and not outside and not self._part.first:
            yield self._problem(
                f"{use.purpose.upper()}_FIELDS_MISSING_EXTERNAL",
                use,
                f"`{where}` is not @external, this subgraph resolves it itself",
            )

    def _external(self, held: Type, field: str) -> bool:
        return held.fields[field].external and (held.name, field) not in self._real

    def _external_below(self, held: Type, field: str) -> bool:
        """The same of an interface: whether the field is another's for some type."""
        return any(
            self._external(self._part.types[name], field)
            for name in self._part.objects(held.name)
            if field in self._part.types[name].fields
        )

    def _arguments(self, use: Use, field: Field, each: Chosen, where: str) -> Iterator[Problem]:
        given: dict[str, ValueNode] = {}
        if each.arguments:
            try:
                value = parse_value("{" + each.arguments + "}", no_location=True)
            except GraphQLSyntaxError as error:
                yield self._bad(use, error.message)
                return
            given = {one.name.value: one.value for one in getattr(value, "fields", ())}
        for name in sorted(given.keys() - field.arguments.keys()):
            yield self._bad(use, f"`{where}` has no argument `{name}`")
        for one in field.arguments.values():
            if one.required and one.name not in given:
                yield self._bad(use, f"`{where}` needs its argument `{one.name}`")
            elif one.name in given and not allowed(self._part, one.type, given[one.name]):
                yield self._bad(use, f"`{where}` cannot take the value of `{one.name}`")

    def _bad(self, use: Use, message: str) -> Problem:
        return self._problem(f"{use.purpose.upper()}_INVALID_FIELDS", use, message)

    def _problem(self, code: str, use: Use, message: str) -> Problem:
        name = self._part.name
        return Problem(
            code=code,
            message=f'[{name}] `{use.coordinate}`, @{use.purpose}(fields: "{use.text}"): {message}',
            subgraphs=(name,),
            coordinates=(use.coordinate,),
        )

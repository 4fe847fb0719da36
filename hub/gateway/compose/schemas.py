"""Complete schemas for graphql-core from merged types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    DirectiveLocation,
    GraphQLArgument,
    GraphQLDefaultInput,
    GraphQLDirective,
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    Undefined,
    parse_const_value,
    specified_directives,
    specified_scalar_types,
    validate_schema,
    value_from_ast,
)
from msgspec.structs import replace

from hub.gateway.compose.parts import Executable, Field, Input, Type, named
from hub.gateway.compose.problems import Problem


def build_schema(types: Mapping[str, Type], directives: Mapping[str, Executable]) -> GraphQLSchema:
    """Build a schema of all the types; enum values are their own names.

    Raises: `TypeError` or `KeyError` where the types refer to what is not there.
    """
    return _Builder(types).build(directives)


def build_both(
    types: Mapping[str, Type], directives: Mapping[str, Executable]
) -> tuple[GraphQLSchema, GraphQLSchema]:
    """Build the schema of all types and the one of what is not ``@inaccessible``.

    They are one where nothing is. Raises: as `build_schema`.
    """
    whole = build_schema(types, directives)
    hidden = any(_hides(held) for held in types.values())
    return whole, build_schema(accessible(types), directives) if hidden else whole


def _hides(held: Type) -> bool:
    """Whether a type or something in it is inaccessible."""
    return (
        held.inaccessible
        or any(one.inaccessible for one in held.values.values())
        or any(one.inaccessible for one in held.inputs.values())
        or any(
            field.inaccessible or any(one.inaccessible for one in field.arguments.values())
            for field in held.fields.values()
        )
    )


def check_schema(schema: GraphQLSchema) -> Iterator[Problem]:
    """What graphql-core finds wrong with a schema, and defaults that their types do not allow."""
    for error in validate_schema(schema):
        yield Problem(code="INVALID_GRAPHQL", message=error.message)
    for coordinate, one in _inputs(schema):
        literal = one.default.literal if one.default is not None else None
        if literal is not None and value_from_ast(literal, one.type) is Undefined:
            yield Problem(
                code="INVALID_GRAPHQL",
                message=f"the default of `{coordinate}` is none that its type allows",
                coordinates=(coordinate,),
            )


def _inputs(
    schema: GraphQLSchema,
) -> Iterator[tuple[str, GraphQLArgument | GraphQLInputField]]:
    for name, held in schema.type_map.items():
        if name.startswith("__"):
            continue
        if isinstance(held, GraphQLObjectType | GraphQLInterfaceType):
            for field, each in held.fields.items():
                for given, one in each.args.items():
                    yield f"{name}.{field}({given}:)", one
        elif isinstance(held, GraphQLInputObjectType):
            for field, own in held.fields.items():
                yield f"{name}.{field}", own


def accessible(types: Mapping[str, Type]) -> dict[str, Type]:
    """The types without what is ``@inaccessible`` or cannot be without it."""
    kept = {name: held for name, held in types.items() if not held.inaccessible}
    gone = set(types) - set(kept)

    def shown(each: Field | Input) -> bool:
        return not each.inaccessible and named(each.type) not in gone

    return {
        name: replace(
            held,
            fields={
                one.name: replace(
                    one,
                    arguments={each.name: each for each in one.arguments.values() if shown(each)},
                )
                for one in held.fields.values()
                if shown(one)
            },
            inputs={one.name: one for one in held.inputs.values() if shown(one)},
            values={one.name: one for one in held.values.values() if not one.inaccessible},
            interfaces=tuple(one for one in held.interfaces if one not in gone),
            members=tuple(one for one in held.members if one not in gone),
        )
        for name, held in kept.items()
    }


class _Builder:
    def __init__(self, types: Mapping[str, Type]) -> None:
        self._made: dict[str, GraphQLNamedType] = dict(specified_scalar_types)
        for name, held in types.items():
            if name not in self._made:
                self._made[name] = self._make(held)

    def build(self, directives: Mapping[str, Executable]) -> GraphQLSchema:
        """The schema; root types are those with the usual names."""
        made: dict[str, Any] = dict(self._made)
        return GraphQLSchema(
            query=made.get("Query"),
            mutation=made.get("Mutation"),
            subscription=made.get("Subscription"),
            types=[each for name, each in self._made.items() if name not in specified_scalar_types],
            directives=[*specified_directives, *(self._directive(e) for e in directives.values())],
        )

    def _directive(self, one: Executable) -> GraphQLDirective:
        return GraphQLDirective(
            one.name,
            [DirectiveLocation[each] for each in sorted(one.locations)],
            self._arguments(one.arguments),
            one.repeatable,
            one.description,
        )

    def _make(self, held: Type) -> GraphQLNamedType:
        name, text = held.name, held.description
        match held.kind:
            case "object":
                return GraphQLObjectType(
                    name,
                    lambda: self._fields(held),
                    lambda: self._all(held.interfaces),
                    description=text,
                )
            case "interface":
                return GraphQLInterfaceType(
                    name,
                    lambda: self._fields(held),
                    lambda: self._all(held.interfaces),
                    description=text,
                )
            case "union":
                return GraphQLUnionType(name, lambda: self._all(held.members), description=text)
            case "enum":
                values = {
                    one.name: GraphQLEnumValue(one.name, one.description, one.deprecated)
                    for one in held.values.values()
                }
                return GraphQLEnumType(name, values, description=text)
            case "input":
                return GraphQLInputObjectType(
                    name,
                    lambda: self._inputs(held.inputs),
                    description=text,
                    is_one_of=held.one_of,
                )
            case "scalar":
                return GraphQLScalarType(name, description=text, specified_by_url=held.specified_by)

    def _all(self, names: tuple[str, ...]) -> list[Any]:
        return [self._made[name] for name in names]

    def _type(self, text: str) -> Any:
        if text.endswith("!"):
            return GraphQLNonNull(self._type(text[:-1]))
        if text.startswith("["):
            return GraphQLList(self._type(text[1:-1]))
        return self._made[text]

    def _fields(self, held: Type) -> dict[str, GraphQLField]:
        return {
            one.name: GraphQLField(
                self._type(one.type),
                self._arguments(one.arguments),
                description=one.description,
                deprecation_reason=one.deprecated,
            )
            for one in held.fields.values()
        }

    def _arguments(self, given: Mapping[str, Input]) -> dict[str, GraphQLArgument]:
        return {
            one.name: GraphQLArgument(
                self._type(one.type),
                description=one.description,
                deprecation_reason=one.deprecated,
                default=_default(one),
            )
            for one in given.values()
        }

    def _inputs(self, given: Mapping[str, Input]) -> dict[str, GraphQLInputField]:
        return {
            one.name: GraphQLInputField(
                self._type(one.type),
                description=one.description,
                deprecation_reason=one.deprecated,
                default=_default(one),
            )
            for one in given.values()
        }


def _default(one: Input) -> GraphQLDefaultInput | None:
    if one.default is None:
        return None
    return GraphQLDefaultInput(literal=parse_const_value(one.default, no_location=True))

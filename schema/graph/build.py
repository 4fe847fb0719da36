"""The GraphQL schema of a catalogue for one visibility."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import strawberry
from graphql import GraphQLSchema
from strawberry.schema.config import StrawberryConfig

from schema.graph.classes import Argument, Member, optional, several
from schema.graph.scalars import scalar_map
from schema.graph.spelling import text
from schema.graph.types import Types
from schema.model.catalogue import Catalogue
from schema.model.visible import Visible


class Face(msgspec.Struct, frozen=True, kw_only=True):
    """A subject's schema and what it was made from."""

    schema: GraphQLSchema
    catalogue: Catalogue
    visible: Visible
    digest: str


def build_face(catalogue: Catalogue, visible: Visible) -> Face:
    """Build the schema that exists for a visibility.

    Cost: grows with what is visible, about a millisecond for an entity type; keep the result.
    """
    types = Types(catalogue, visible)
    caller = types.classes.declare("Caller", _caller, about="Who the hub takes the caller for.")
    query = types.classes.declare("Query", lambda: _roots(catalogue, visible, types, caller))
    for entity in catalogue.types.values():
        types.entity(entity)
    types.classes.finish()
    shown = [held for held in (types.entity(e) for e in catalogue.types.values()) if held]
    config = StrawberryConfig(
        auto_camel_case=False, disable_field_suggestions=True, scalar_map=scalar_map()
    )
    made = strawberry.Schema(query=query, types=shown, config=config)
    return Face(
        schema=made._schema,
        catalogue=catalogue,
        visible=visible,
        digest=visible.digest,
    )


def _caller() -> Iterator[Member]:
    yield Member(name="app", annotation=str)
    yield Member(name="user", annotation=optional(str))
    yield Member(name="department", annotation=optional(str))
    yield Member(name="tier", annotation=optional(str))
    yield Member(name="region", annotation=optional(str))
    yield Member(name="purposes", annotation=several(str))
    yield Member(name="roles", annotation=several(str))


def _roots(catalogue: Catalogue, visible: Visible, types: Types, caller: type) -> Iterator[Member]:
    yield Member(name="caller", annotation=caller, about="Who the hub takes the caller for.")
    opens = False
    for entity in catalogue.types.values():
        made: Any = types.entity(entity)
        if made is None:
            if visible.may(entity.name, "count"):
                yield from _aggregate(types, entity)
            continue
        if visible.may(entity.name, "open"):
            opens = True
            arguments = types.lookup_arguments(entity)
            if arguments:
                yield Member(
                    name=entity.singular,
                    annotation=optional(made),
                    about=text(entity.about),
                    arguments=arguments,
                )
        if visible.may(entity.name, "list"):
            yield Member(
                name=entity.plural,
                annotation=optional(types.connection(entity)),
                about=text(entity.about),
                arguments=types.inputs.arguments(entity),
            )
        if visible.may(entity.name, "count"):
            yield from _aggregate(types, entity)
    if opens:
        yield Member(
            name="node",
            annotation=optional(types.node()),
            about="Anything by its opaque id.",
            arguments=(Argument(name="id", annotation=strawberry.ID),),
        )


def _aggregate(types: Types, entity: Any) -> Iterator[Member]:
    arguments = []
    wanted = types.inputs.filter(entity)
    if wanted is not None:
        arguments.append(Argument(name="filter", annotation=optional(wanted)))
    group = types.inputs.group(entity)
    if group is not None:
        arguments.append(Argument(name="groupBy", annotation=optional(several(group))))
    yield Member(
        name=f"{entity.plural}Aggregate",
        annotation=optional(several(types.aggregate(entity))),
        arguments=tuple(arguments),
    )

"""Entity types, connections and aggregates as Strawberry classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import strawberry

from schema.graph.classes import Argument, Classes, Member, optional, several
from schema.graph.inputs import Inputs
from schema.graph.scalars import PYTHON
from schema.graph.spelling import described, text
from schema.model.catalogue import Catalogue
from schema.model.entity import EntityType, Field, Relation
from schema.model.names import Coordinate, FieldName, TypeName, coordinate
from schema.model.use import FieldUse
from schema.model.visible import Visible

FUNCTIONS = ("countDistinct", "sum", "avg", "min", "max")


class Types:
    """Makes the output classes of one face, each once."""

    def __init__(self, catalogue: Catalogue, visible: Visible) -> None:
        self._catalogue = catalogue
        self._visible = visible
        self.classes = Classes()
        self.inputs = Inputs(catalogue, visible, self.classes)
        self._entities: dict[TypeName, type | None] = {}
        self._node: type | None = None
        self._page_info: type | None = None

    def node(self) -> type:
        """The interface of everything that can be opened by id."""
        if self._node is None:
            self._node = self.classes.declare(
                "Node",
                lambda: [Member(name="id", annotation=strawberry.ID)],
                shape="interface",
                about="Something with an opaque id that `node(id:)` finds again.",
            )
        return self._node

    def exists(self, entity: EntityType) -> bool:
        """Whether the type has anything that the subject may select."""
        return any(self._shows(entity, field.name) for field in entity.fields.values())

    def entity(self, entity: EntityType) -> type | None:
        """The class of an entity type; ``None`` when it does not exist for the subject."""
        if entity.name not in self._entities:
            self._entities[entity.name] = None
            if self.exists(entity):
                opens = self._visible.may(entity.name, "open")
                self._entities[entity.name] = self.classes.declare(
                    entity.name,
                    lambda: self._entity_members(entity),
                    about=text(entity.about),
                    bases=(self.node(),) if opens else (),
                )
        return self._entities[entity.name]

    def _shows(self, entity: EntityType, name: str) -> bool:
        return Coordinate(f"{entity.name}.{name}") in self._visible.selectable

    def _entity_members(self, entity: EntityType) -> Iterator[Member]:
        for field in entity.fields.values():
            if self._shows(entity, field.name):
                yield Member(
                    name=field.name,
                    annotation=optional(PYTHON[field.kind]),
                    about=described(field, self._catalogue.lists),
                    deprecated=field.deprecated,
                )
        for relation in entity.relations.values():
            member = self._relation(entity, relation)
            if member is not None:
                yield member

    def _relation(self, entity: EntityType, relation: Relation) -> Member | None:
        at = f"{entity.name}.{relation.name}"
        target = self._catalogue.types[relation.to]
        made: Any = self.entity(target)
        if made is None or not self._shows(entity, relation.name):
            return None
        if not self._visible.may(at, "traverse"):
            return None
        about = text(relation.about) or text(relation.title)
        if not relation.many:
            return Member(name=relation.name, annotation=optional(made), about=about)
        if relation.as_list:
            return Member(
                name=relation.name,
                annotation=optional(several(made)),
                about=about,
                arguments=self.inputs.arguments(target, as_list=True),
            )
        return Member(
            name=relation.name,
            annotation=optional(self.connection(target)),
            about=about,
            arguments=self.inputs.arguments(target),
        )

    def connection(self, entity: EntityType) -> type:
        """``PersonConnection``, with ``totalCount`` only for those who may count."""
        name = f"{entity.name}Connection"
        held = self.classes.get(name)
        if held is not None:
            return held
        made: Any = self.entity(entity)

        def edge_members() -> Iterator[Member]:
            yield Member(name="node", annotation=optional(made))
            yield Member(name="cursor", annotation=str)

        edge: Any = self.classes.declare(f"{entity.name}Edge", edge_members)

        def members() -> Iterator[Member]:
            yield Member(name="nodes", annotation=list[made | None])
            yield Member(name="edges", annotation=list[edge | None])
            yield Member(name="pageInfo", annotation=self.page_info())
            if self._visible.may(entity.name, "count"):
                yield Member(name="totalCount", annotation=optional(int))

        return self.classes.declare(name, members)

    def page_info(self) -> type:
        """Relay's ``PageInfo``."""
        if self._page_info is None:
            self._page_info = self.classes.declare(
                "PageInfo",
                lambda: [
                    Member(name="hasNextPage", annotation=bool),
                    Member(name="hasPreviousPage", annotation=bool),
                    Member(name="startCursor", annotation=optional(str)),
                    Member(name="endCursor", annotation=optional(str)),
                ],
            )
        return self._page_info

    def aggregate(self, entity: EntityType) -> type:
        """``PersonAggregate``: only the functions and fields the subject may aggregate."""

        def members() -> Iterator[Member]:
            yield Member(name="count", annotation=int)
            grouped = [
                field
                for field in entity.fields.values()
                if self._visible.may(f"{entity.name}.{field.name}", "group")
            ]
            if grouped:
                yield Member(name="group", annotation=self._box(entity, "Key", grouped))
            for function in FUNCTIONS:
                fields = [f for f in entity.fields.values() if self._may(entity, f, function)]
                if fields:
                    word = function[0].upper() + function[1:]
                    box = self._box(entity, word, fields, function)
                    yield Member(name=function, annotation=box)

        return self.classes.declare(f"{entity.name}Aggregate", members)

    def _may(self, entity: EntityType, field: Field, function: str) -> bool:
        use = FieldUse(Coordinate(f"{entity.name}.{field.name}"), "aggregate", function)  # type: ignore[arg-type]
        return use in self._visible.uses

    def _box(
        self, entity: EntityType, word: str, fields: list[Field], function: str | None = None
    ) -> type:
        return self.classes.declare(
            f"{entity.name}{word}Aggregate",
            lambda: [
                Member(name=field.name, annotation=_result(field, function)) for field in fields
            ],
        )

    def lookup_arguments(self, entity: EntityType) -> tuple[Argument, ...]:
        """One key: its fields. Several keys: one `by` that holds exactly one of them.

        Only keys that the subject may test for equality, part by part: a look-up by another one
        would tell a masked key by guessing. Empty: there is no look-up.
        """
        if not self._open_keys(entity):
            return ()
        if len(entity.keys) == 1:
            return tuple(
                Argument(name=part, annotation=PYTHON[entity.fields[part].kind])
                for part in entity.key
            )
        return (Argument(name="by", annotation=self._by(entity)),)

    def _open_keys(self, entity: EntityType) -> list[tuple[FieldName, ...]]:
        may = self._visible.may
        return [
            key
            for key in entity.keys
            if all(may(coordinate(entity.name, part), "filter_eq") for part in key)
        ]

    def _by(self, entity: EntityType) -> type:
        def members() -> Iterator[Member]:
            for key in self._open_keys(entity):
                if len(key) == 1:
                    kind = PYTHON[entity.fields[key[0]].kind]
                    yield Member(name=key[0], annotation=optional(kind))
                else:
                    yield Member(name=key_name(key), annotation=optional(self._key(entity, key)))

        return self.classes.declare(f"{entity.name}KeyFilter", members, shape="one_of")

    def _key(self, entity: EntityType, key: tuple[str, ...]) -> type:
        word = key_name(key)
        return self.classes.declare(
            f"{entity.name}{word[0].upper()}{word[1:]}KeyFilter",
            lambda: [
                Member(name=part, annotation=PYTHON[entity.fields[part].kind])  # type: ignore[index]
                for part in key
            ],
            shape="input",
        )


def key_name(key: tuple[str, ...]) -> str:
    """The name under which a key of several fields stands in a look-up."""
    first, *rest = key
    return first + "".join(f"And{part[0].upper()}{part[1:]}" for part in rest)


def _result(field: Field, function: str | None) -> Any:
    match function:
        case "countDistinct":
            return optional(int)
        case "avg":
            return optional(float)
        case "sum" if field.kind == "Int":
            return optional(PYTHON["BigInt"])
        case _:
            return optional(PYTHON[field.kind])

"""Filter inputs, order and group enums, page arguments: only what the subject may use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schema.graph.classes import Argument, Classes, Member, optional, several
from schema.graph.scalars import PYTHON
from schema.graph.spelling import text, word_of
from schema.model.catalogue import Catalogue
from schema.model.entity import EntityType, Field
from schema.model.names import TypeName
from schema.model.scalar import TEXTUAL
from schema.model.visible import Visible

EQ = ("eq", "ne", "in", "isNull")
RANGE = ("lt", "le", "gt", "ge", "between")
TEXT = ("startsWith", "contains")


class Inputs:
    """Makes the input classes of one face, each once."""

    def __init__(self, catalogue: Catalogue, visible: Visible, classes: Classes) -> None:
        self._catalogue = catalogue
        self._visible = visible
        self._classes = classes
        self._filters: dict[TypeName, type | None] = {}
        self._filterable = self._types_with_filters()

    def arguments(self, entity: EntityType, *, as_list: bool = False) -> tuple[Argument, ...]:
        """Arguments of a connection, or of a plain list."""
        found = []
        wanted = self.filter(entity)
        if wanted is not None:
            found.append(Argument(name="filter", annotation=optional(wanted)))
        order = self.order(entity)
        if order is not None:
            found.append(Argument(name="orderBy", annotation=optional(several(order))))
        found.append(Argument(name="first", annotation=optional(int)))
        if not as_list:
            found.append(Argument(name="after", annotation=optional(str)))
            found.append(Argument(name="last", annotation=optional(int)))
            found.append(Argument(name="before", annotation=optional(str)))
        return tuple(found)

    def filter(self, entity: EntityType) -> type | None:
        """``PersonFilter``; ``None`` when the subject may filter by nothing of the type."""
        if entity.name not in self._filters:
            self._filters[entity.name] = None
            if entity.name in self._filterable:
                self._filters[entity.name] = self._classes.declare(
                    f"{entity.name}Filter",
                    lambda: self._filter_members(entity),
                    shape="input",
                    about=f"Conditions on {entity.name}; several are combined with and.",
                )
        return self._filters[entity.name]

    def _types_with_filters(self) -> set[TypeName]:
        """Types with a condition of their own, or on a relation to such a type."""
        found = {
            entity.name
            for entity in self._catalogue.types.values()
            if any(self._operators(entity, field) for field in entity.fields.values())
        }
        reached = found
        while reached:
            reached = {
                entity.name
                for entity in self._catalogue.types.values()
                if entity.name not in found
                for relation in entity.relations.values()
                if relation.to in reached
                and self._visible.may(f"{entity.name}.{relation.name}", "traverse")
            }
            found |= reached
        return found

    def _filter_members(self, entity: EntityType) -> Iterator[Member]:
        own: Any = self._filters[entity.name]
        for field in entity.fields.values():
            operators = self._operators(entity, field)
            if operators:
                yield Member(
                    name=field.name,
                    annotation=optional(self._field_filter(field, operators)),
                    about=text(field.title),
                )
        for relation in entity.relations.values():
            at = f"{entity.name}.{relation.name}"
            target = self.filter(self._catalogue.types[relation.to])
            if target is None or not self._visible.may(at, "traverse"):
                continue
            if relation.many:
                target = self._some(target, relation.to)
            yield Member(name=relation.name, annotation=optional(target))
        yield Member(name="and", annotation=optional(several(own)))
        yield Member(name="or", annotation=optional(several(own)))
        yield Member(name="not", annotation=optional(own))

    def _some(self, target: type, to: TypeName) -> type:
        name = f"{to}RelationFilter"
        held = self._classes.get(name)
        if held is not None:
            return held
        words = ("some", "every", "none")
        return self._classes.declare(
            name,
            lambda: [Member(name=word, annotation=optional(target)) for word in words],
            shape="input",
        )

    def _operators(self, entity: EntityType, field: Field) -> tuple[str, ...]:
        at = f"{entity.name}.{field.name}"
        found: tuple[str, ...] = ()
        if field.kind == "JSON":
            return ("isNull",) if self._visible.may(at, "filter_eq") else ()
        if self._visible.may(at, "filter_eq"):
            found += EQ
        if self._visible.may(at, "filter_range") and field.kind != "Boolean":
            found += RANGE
        if self._visible.may(at, "filter_text") and field.kind in TEXTUAL:
            found += TEXT
        return found

    def _field_filter(self, field: Field, operators: tuple[str, ...]) -> type:
        groups = [("Eq", EQ), ("Range", RANGE), ("Text", TEXT)]
        held = [word for word, group in groups if group[-1] in operators]
        full = {"Eq", "Text"} if field.kind in TEXTUAL else {"Eq"}
        full |= set() if field.kind in ("Boolean", "JSON") else {"Range"}
        suffix = "" if set(held) == full else "".join(held)
        name = f"{field.kind}{suffix}Filter"
        known = self._classes.get(name)
        if known is not None:
            return known
        kind = PYTHON[field.kind]

        def members() -> Iterator[Member]:
            for operator in operators:
                if operator == "isNull":
                    yield Member(name=operator, annotation=optional(bool))
                elif operator == "in":
                    yield Member(name=operator, annotation=optional(several(kind)))
                elif operator == "between":
                    yield Member(
                        name=operator,
                        annotation=optional(several(kind)),
                        about="Two values, lower and upper, both included.",
                    )
                else:
                    yield Member(name=operator, annotation=optional(kind))

        return self._classes.declare(name, members, shape="input")

    def order(self, entity: EntityType) -> Any:
        """``PersonOrder``; ``None`` when the subject may sort by nothing of the type."""
        words: dict[str, None] = {}
        for field, word in word_of(entity).items():
            if self._visible.may(f"{entity.name}.{field}", "sort"):
                words[f"{word}_ASC"] = None
                words[f"{word}_DESC"] = None
        return self._enum(f"{entity.name}Order", words)

    def group(self, entity: EntityType) -> Any:
        """``PersonGroup``; ``None`` when the subject may group by nothing of the type."""
        words = {
            word: None
            for field, word in word_of(entity).items()
            if self._visible.may(f"{entity.name}.{field}", "group")
        }
        return self._enum(f"{entity.name}Group", words)

    def _enum(self, name: str, words: dict[str, None]) -> Any:
        if not words:
            return None
        return self._classes.get(name) or self._classes.enumerate(name, words)

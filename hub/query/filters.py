"""Filter arguments -> predicates over fields, with every use that they make.

Null semantics: an omitted key is no condition; an empty filter is no condition; a null operand
is refused (``isNull`` asks for nulls); ``in: []`` holds for no row; ``ne`` is Kleene's negation
of ``eq``, so it is UNKNOWN where the value is null; ``between`` includes both ends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hub.query.limits import Limits
from hub.query.variables import MISSING, Leaf, Params, Several
from schema.errors import HubError
from schema.model.catalogue import Catalogue
from schema.model.entity import EntityType, Field, Relation
from schema.model.names import FieldName, coordinate
from schema.model.predicate import (
    FALSE,
    TRUE,
    And,
    Compare,
    CompareOp,
    In,
    IsNull,
    Not,
    Or,
    Predicate,
    Related,
    both,
)
from schema.model.use import FieldUse, UseMode

Use = Callable[[FieldUse], None]

_COMPARE: Mapping[str, tuple[CompareOp, UseMode]] = {
    "eq": ("eq", "filter_eq"),
    "lt": ("lt", "filter_range"),
    "le": ("le", "filter_range"),
    "gt": ("gt", "filter_range"),
    "ge": ("ge", "filter_range"),
    "startsWith": ("prefix", "filter_text"),
    "contains": ("contains", "filter_text"),
}


class Filters:
    """Reads the filter arguments of one operation."""

    def __init__(self, catalogue: Catalogue, params: Params, use: Use, limits: Limits) -> None:
        self._catalogue = catalogue
        self._params = params
        self._use = use
        self._left = limits.max_filter_nodes

    def read(self, entity: EntityType, given: Any) -> Predicate | None:
        """The predicate of a filter; ``None`` for no condition."""
        if given is MISSING or given is None:
            return None
        if not isinstance(given, Mapping):
            raise HubError("BAD_USER_INPUT", "a filter has a wrong value")
        parts = [self._part(entity, name, value) for name, value in given.items()]
        return both(*parts)

    def _spend(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise HubError("BAD_USER_INPUT", "a filter has too many parts")

    def _part(self, entity: EntityType, name: str, value: Any) -> Predicate | None:
        self._spend()
        if name in ("and", "or"):
            if value is None:
                raise HubError("BAD_USER_INPUT", f"`{name}` is null")
            items = value.items if isinstance(value, Several) else (value,)
            parts = tuple(self.read(entity, item) or TRUE for item in items)
            if name == "and":
                return both(*parts)
            return Or(parts) if parts else FALSE
        if name == "not":
            if value is None:
                raise HubError("BAD_USER_INPUT", "`not` is null")
            return Not(self.read(entity, value) or TRUE)
        relation = entity.relations.get(FieldName(name))
        if relation is not None:
            return self._relation(relation, value)
        return self._field(entity, entity.fields[FieldName(name)], value)

    def _relation(self, relation: Relation, given: Any) -> Predicate | None:
        self._use(FieldUse(coordinate(relation.of, relation.name), "traverse"))
        child = self._catalogue.types[relation.to]
        if not isinstance(given, Mapping):
            raise HubError("BAD_USER_INPUT", f"`{relation.name}` is null")
        if not relation.many:
            return Related(relation.name, "some", self.read(child, given) or TRUE)
        parts = []
        for word, inner in given.items():
            if inner is None:
                raise HubError("BAD_USER_INPUT", f"`{word}` is null")
            part = self.read(child, inner) or TRUE
            parts.append(Related(relation.name, word, part))
        return both(*parts)

    def _field(self, entity: EntityType, field: Field, given: Any) -> Predicate | None:
        if not isinstance(given, Mapping):
            raise HubError(
                "BAD_USER_INPUT", f"`{field.name}` is null", hint="use `isNull` to look for nulls"
            )
        at = coordinate(entity.name, field.name)
        parts = []
        for operator, value in given.items():
            self._spend()
            parts.append(self._operator(at, field, operator, value))
        return both(*parts)

    def _operator(self, at: Any, field: Field, operator: str, value: Any) -> Predicate:
        where = f"`{field.name}.{operator}`"
        name, kind = field.name, field.kind
        known = _COMPARE.get(operator)
        if known is not None:
            self._use(FieldUse(at, known[1]))
            return Compare(name, known[0], self._params.operand(value, kind, where), kind)
        match operator:
            case "ne":
                self._use(FieldUse(at, "filter_eq"))
                return Not(Compare(name, "eq", self._params.operand(value, kind, where), kind))
            case "isNull":
                self._use(FieldUse(at, "filter_eq"))
                return self._is_null(name, value, where)
            case "in":
                self._use(FieldUse(at, "filter_eq"))
                operands = self._params.several(value, kind, where)
                return FALSE if operands == () else In(name, operands, kind)
            case "between":
                self._use(FieldUse(at, "filter_range"))
                if not isinstance(value, Several) or len(value.items) != 2:
                    raise HubError("BAD_USER_INPUT", f"{where} wants two values")
                low, high = (self._params.operand(item, kind, where) for item in value.items)
                return And((Compare(name, "ge", low, kind), Compare(name, "le", high, kind)))
            case _:
                raise HubError("BAD_USER_INPUT", f"{where} is not an operator")

    def _is_null(self, name: str, value: Any, where: str) -> Predicate:
        # the value decides the predicate's structure: it is part of the variables' shape
        if not isinstance(value, Leaf) or not isinstance(value.value, bool):
            raise HubError("BAD_USER_INPUT", f"{where} has a wrong value")
        return IsNull(name) if value.value else Not(IsNull(name))

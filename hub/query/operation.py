"""Operations: our own frozen values of one GraphQL operation, aliases and fragments resolved.

An `Operation` belongs to one *shape* of its variables: everything about the variables that
changes the structure of the plan (values of `@include`/`@skip` conditions, enum and input-object
structure, null or absent) is already applied; only leaf values stay open, as `Param("v....")`.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from hub.query.cost import CostNode
from schema.model.names import FieldName, TypeName
from schema.model.predicate import Operand, Predicate
from schema.model.scalar import ScalarKind
from schema.model.use import FieldUse


class TypenamePick(msgspec.Struct, frozen=True):
    """``__typename``."""

    key: str
    name: str


class FieldPick(msgspec.Struct, frozen=True):
    """A scalar field; `key` is the response key."""

    key: str
    field: FieldName


class IdPick(msgspec.Struct, frozen=True):
    """The opaque node id."""

    key: str


class OrderTerm(msgspec.Struct, frozen=True):
    """One term of ``orderBy``."""

    field: FieldName
    descending: bool = False


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Relay's paging arguments. An Operand is an Int (`first`, `last`) or cursor text."""

    first: Operand | None = None
    last: Operand | None = None
    after: Operand | None = None
    before: Operand | None = None


class RelationPick(msgspec.Struct, frozen=True, kw_only=True):
    """A relation. To one: `selection`. A plain list: `selection` and list arguments.
    A connection: `connection`."""

    key: str
    relation: FieldName
    selection: Selection | None = None
    connection: Connection | None = None
    filter: Predicate | None = None
    order: tuple[OrderTerm, ...] = ()
    page: Page = Page()


Pick = TypenamePick | FieldPick | IdPick | RelationPick


class Selection(msgspec.Struct, frozen=True):
    """What is selected of an entity type, in response order, response keys unique."""

    type: TypeName
    picks: tuple[Pick, ...]


class NodesPart(msgspec.Struct, frozen=True):
    """``nodes { ... }``."""

    key: str
    selection: Selection


class EdgePart(msgspec.Struct, frozen=True):
    """One thing selected in ``edges``: `what` is the field; `selection` for ``node``."""

    key: str
    what: Literal["node", "cursor", "typename"]
    selection: Selection | None = None


class EdgesPart(msgspec.Struct, frozen=True):
    """``edges { ... }``."""

    key: str
    parts: tuple[EdgePart, ...]
    typename: str


class PageInfoPart(msgspec.Struct, frozen=True):
    """``pageInfo { ... }``: (response key, field) pairs; field is one of hasNextPage,
    hasPreviousPage, startCursor, endCursor, __typename."""

    key: str
    picks: tuple[tuple[str, str], ...]


class TotalPart(msgspec.Struct, frozen=True):
    """``totalCount``."""

    key: str


Part = NodesPart | EdgesPart | PageInfoPart | TotalPart | TypenamePick


class Connection(msgspec.Struct, frozen=True):
    """What is selected of a connection."""

    type: TypeName
    parts: tuple[Part, ...]


class ListRoot(msgspec.Struct, frozen=True, kw_only=True):
    """``persons(filter, orderBy, first, after, last, before)``."""

    key: str
    type: TypeName
    connection: Connection
    filter: Predicate | None = None
    """Over field names; `Related` for relation filters."""
    order: tuple[OrderTerm, ...] = ()
    page: Page = Page()


class LookupRoot(msgspec.Struct, frozen=True, kw_only=True):
    """``person(idNumber: ...)``: one row by one declared key."""

    key: str
    type: TypeName
    by: tuple[tuple[FieldName, Operand], ...]
    selection: Selection


class NodeRoot(msgspec.Struct, frozen=True, kw_only=True):
    """``node(id:)``: one selection for each entity type that may come (types whose fragments
    select nothing but interface fields included)."""

    key: str
    id: Operand
    branches: tuple[Selection, ...]


class MeasurePick(msgspec.Struct, frozen=True):
    """One aggregate value: ``sum { amount }`` is function sum, field amount."""

    key: str
    field: FieldName


class AggregatePart(msgspec.Struct, frozen=True):
    """A part of an aggregate row: ``count`` (no picks), ``group {..}``, ``sum {..}`` etc."""

    key: str
    what: Literal["count", "countDistinct", "sum", "avg", "min", "max", "group", "typename"]
    picks: tuple[MeasurePick | TypenamePick, ...] = ()
    typename: str = ""


class AggregateRoot(msgspec.Struct, frozen=True, kw_only=True):
    """``personsAggregate(filter, groupBy)``."""

    key: str
    type: TypeName
    filter: Predicate | None = None
    group_by: tuple[FieldName, ...] = ()
    parts: tuple[AggregatePart, ...]


class CallerRoot(msgspec.Struct, frozen=True):
    """``caller { app department purposes ... }``: who the hub takes the caller for.
    Picks are (response key, field)."""

    key: str
    picks: tuple[tuple[str, str], ...]


Root = ListRoot | LookupRoot | NodeRoot | AggregateRoot | CallerRoot | TypenamePick


class Binder(msgspec.Struct, frozen=True):
    """Where a param's value comes from: `path` into the variable `variable`, coerced to `kind`.

    `role`: ``value``, ``several`` (a list), ``page`` (a page size, bounded) or ``cursor``.
    """

    param: str
    variable: str
    path: tuple[str | int, ...]
    kind: ScalarKind
    role: str = "value"


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One operation, ready to rule and plan."""

    name: str | None
    digest: str
    """SHA-256 hex of the document text, operation name and variable shape."""
    text_digest: str
    """SHA-256 hex of the document text alone; what the audit names."""
    roots: tuple[Root, ...]
    uses: tuple[FieldUse, ...]
    """Every use, those under `@include`/`@skip` that are off included; no duplicates."""
    implied: tuple[FieldUse, ...] = ()
    """Uses that the hub makes of its own: to order by a key what the caller gave no whole order.
    Ruled with `uses`; one that is not allowed refuses nothing, the hub goes another way."""
    binders: tuple[Binder, ...] = ()
    unbound: frozenset[str] = frozenset()
    """Variables of which no binder sees a value: their types are checked at every request."""
    cost: CostNode | None = None
    """The static cost where variables decide it; ``None`` when it was found to be in order."""


def limit_operand(page: Page) -> Operand | None:
    """`first` or `last`, whichever is given."""
    return page.first if page.first is not None else page.last

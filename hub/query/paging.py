"""Paging: the total order of a connection, its cursors' signature, and keyset predicates."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from hub.query.cursor import Seal
from hub.query.operation import (
    Connection,
    EdgesPart,
    ListRoot,
    LookupRoot,
    NodeRoot,
    NodesPart,
    Operation,
    OrderTerm,
    Page,
    RelationPick,
    Selection,
    limit_operand,
)
from hub.query.route import Route
from hub.query.steps import OrderColumn, PagePlan
from policies.ruling import Allow, Ruling
from schema.errors import HubError
from schema.model.catalogue import Catalogue
from schema.model.entity import EntityType
from schema.model.names import FieldName, TypeName, coordinate
from schema.model.predicate import And, Compare, Const, IsNull, Not, Operand, Or, Param, Predicate
from schema.model.use import FieldUse


class CursorUse(msgspec.Struct, frozen=True, kw_only=True):
    """A cursor that an operation is given: where, how wide, and what it must be bound to."""

    at: str
    """``path.after`` or ``path.before``: prefix of the params that hold its values."""
    operand: Operand
    signature: str
    width: int


class FullOrder(msgspec.Struct, frozen=True):
    """A total order: the caller's terms, then the key, or a digest of it when `blind`."""

    terms: tuple[OrderTerm, ...]
    blind: bool

    @property
    def width(self) -> int:
        """How many values a cursor holds."""
        return len(self.terms) + self.blind


def signature(type_name: str, order: FullOrder) -> str:
    """What a cursor is bound to beside its subject: the type and the order."""
    terms = [f"{term.field}{'-' if term.descending else '+'}" for term in order.terms]
    told = ",".join([*terms, "~"] if order.blind else terms)
    return hashlib.sha256(f"{type_name}({told})".encode()).hexdigest()[:16]


def full_order(order: Sequence[OrderTerm], entity: EntityType, ruling: Ruling) -> FullOrder:
    """The caller's order made total by the key; terms after a whole key change nothing.

    Where the caller may not sort by what is added of the key, its order would tell of values
    that are masked, as would which rows stand on the first page: a digest of the whole key is
    added instead.
    """
    kept: dict[str, OrderTerm] = {}
    for term in order:
        kept.setdefault(term.field, term)
    added = [part for part in entity.key if part not in kept]
    if may_sort(ruling, entity, added):
        return FullOrder((*kept.values(), *(OrderTerm(part) for part in added)), blind=False)
    return FullOrder(tuple(kept.values()), blind=True)


def may_sort(ruling: Ruling, entity: EntityType, fields: Sequence[FieldName]) -> bool:
    """Whether the caller may sort by all of these."""
    uses = [FieldUse(coordinate(entity.name, field), "sort") for field in fields]
    # fails closed: what was not ruled on is not allowed
    return all(isinstance(ruling.outcomes.get(use), Allow) for use in uses)


def page_plan(
    route: Route,
    order: FullOrder,
    page: Page,
    path: tuple[str, ...],
    size_param: str,
) -> PagePlan:
    """How a connection is ordered and cut; raises where it cannot be ordered in its source."""
    columns = []
    route.settled(term.field for term in order.terms)
    for term in order.terms:
        if not route.here(term.field):
            raise HubError(
                "BAD_USER_INPUT",
                f"`{route.entity.name}` cannot be ordered by `{term.field}`",
                where=".".join(path),
                hint="the field comes from another source than the list",
            )
        column = route.column(term.field)
        columns.append(OrderColumn(column.name, column.kind, term.descending))
    if order.blind:
        blind = route.blind()
        columns.append(OrderColumn(blind.name, blind.kind, descending=False, blind=True))
    size = limit_operand(page)
    return PagePlan(
        size=size if size is not None else Const(50),
        size_param=size_param,
        backward=page.last is not None,
        after=page.after is not None,
        before=page.before is not None,
        order=tuple(columns),
        signature=signature(route.entity.name, order),
    )


def keyset(
    page: PagePlan, path: tuple[str, ...], nulls: Mapping[str, tuple[bool, ...]]
) -> Predicate | None:
    """Rows after and before the cursors of a page; nulls count as the largest value."""
    parts = []
    for given, word, forward in ((page.after, "after", True), (page.before, "before", False)):
        if given:
            at = ".".join((*path, word))
            # invariant: every cursor was opened before planning
            parts.append(_beyond(page.order, at, nulls[at], forward))
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def _beyond(
    order: Sequence[OrderColumn], at: str, nulls: Sequence[bool], forward: bool
) -> Predicate:
    choices: list[Predicate] = []
    equal: list[Predicate] = []
    for number, (term, null) in enumerate(zip(order, nulls, strict=True)):
        value = Param(f"c.{at}.{number}")
        larger = term.descending != forward
        step: Predicate | None
        if larger:
            above = Compare(term.column, "gt", value, term.kind)
            step = above if term.blind else Or((above, IsNull(term.column)))
            step = None if null else step
        else:
            below = Compare(term.column, "lt", value, term.kind)
            step = Not(IsNull(term.column)) if null else below
        if step is not None:
            choices.append(And((*equal, step)))
        same = IsNull(term.column) if null else Compare(term.column, "eq", value, term.kind)
        equal.append(same)
    return Or(tuple(choices))


def cursors_in(operation: Operation, catalogue: Catalogue, ruling: Ruling) -> tuple[CursorUse, ...]:
    """Every cursor argument of an operation, with the same paths as the planner's."""
    return tuple(dict.fromkeys(_Cursors(catalogue, ruling).found(operation)))


def open_cursors(
    seal: Seal, cursors: Sequence[CursorUse], subject: str, params: dict[str, Any]
) -> tuple[tuple[bool, ...], ...]:
    """Put what an operation's cursors hold among its params; gives which values are null.

    Raises: `HubError` BAD_CURSOR.
    """
    nulls = []
    for use in cursors:
        operand = use.operand
        text = operand.value if isinstance(operand, Const) else params[operand.name]
        values = seal.open_cursor(subject, use.signature, text, use.width)
        for number, value in enumerate(values):
            params[f"c.{use.at}.{number}"] = value
        nulls.append(tuple(value is None for value in values))
    return tuple(nulls)


class _Cursors:
    def __init__(self, catalogue: Catalogue, ruling: Ruling) -> None:
        self._types = catalogue.types
        self._ruling = ruling

    def found(self, operation: Operation) -> Iterator[CursorUse]:
        for root in operation.roots:
            match root:
                case ListRoot():
                    path = (root.key,)
                    yield from self._uses(root.type, root.order, root.page, path)
                    yield from self._connection(root.connection, path)
                case LookupRoot():
                    yield from self._selection(root.selection, (root.key,))
                case NodeRoot():
                    for branch in root.branches:
                        yield from self._selection(branch, (root.key,))
                case _:
                    continue

    def _uses(
        self, type_name: TypeName, order: Sequence[OrderTerm], page: Page, path: tuple[str, ...]
    ) -> Iterator[CursorUse]:
        for word, operand in (("after", page.after), ("before", page.before)):
            if operand is not None:
                whole = full_order(order, self._types[type_name], self._ruling)
                yield CursorUse(
                    at=".".join((*path, word)),
                    operand=operand,
                    signature=signature(type_name, whole),
                    width=whole.width,
                )

    def _connection(self, connection: Connection, path: tuple[str, ...]) -> Iterator[CursorUse]:
        for part in connection.parts:
            if isinstance(part, NodesPart):
                yield from self._selection(part.selection, (*path, part.key))
            elif isinstance(part, EdgesPart):
                for edge in part.parts:
                    if edge.selection is not None:
                        yield from self._selection(edge.selection, (*path, part.key, edge.key))

    def _selection(self, selection: Selection, path: tuple[str, ...]) -> Iterator[CursorUse]:
        for pick in selection.picks:
            if isinstance(pick, RelationPick):
                relation = self._types[selection.type].relations[pick.relation]
                here = (*path, pick.key)
                yield from self._uses(relation.to, pick.order, pick.page, here)
                if pick.connection is not None:
                    yield from self._connection(pick.connection, here)
                elif pick.selection is not None:
                    yield from self._selection(pick.selection, here)

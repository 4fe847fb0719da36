"""The most rows of an answer: page sizes times nesting, counted on an operation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import assert_never

import msgspec

from hub.query.operation import (
    AggregateRoot,
    CallerRoot,
    Connection,
    EdgesPart,
    FieldPick,
    IdPick,
    ListRoot,
    LookupRoot,
    MeasurePick,
    NodeRoot,
    NodesPart,
    Operation,
    Page,
    RelationPick,
    Root,
    Selection,
    TypenamePick,
    limit_operand,
)
from schema.errors import HubError
from schema.model.names import TypeName, coordinate
from schema.model.predicate import Const


class Most(msgspec.Struct, frozen=True, kw_only=True):
    """Upper bounds on what one answer holds."""

    total: int = 0
    """Rows and groups."""
    types: Mapping[TypeName, int] = {}
    """Rows by type."""
    uses: Mapping[tuple[str, str], int] = {}
    """(coordinate, mode) -> values that are in the answer."""

    def both(self, other: Most) -> Most:
        """Of one after the other."""
        return Most(
            total=self.total + other.total,
            types=Counter(self.types) + Counter(other.types),
            uses=Counter(self.uses) + Counter(other.uses),
        )

    def either(self, other: Most) -> Most:
        """Of one or the other."""
        return Most(
            total=max(self.total, other.total),
            types=Counter(self.types) | Counter(other.types),
            uses=Counter(self.uses) | Counter(other.uses),
        )


def most_of(operations: Iterable[Operation], *, groups: int) -> Most:
    """The most of any of the operations. Their page sizes are constants (`hub.query.widest`)."""
    most = Most()
    for operation in operations:
        one = Most()
        for root in operation.roots:
            one = one.both(_root(root, groups))
        most = most.either(one)
    return most


def _root(root: Root, groups: int) -> Most:
    match root:
        case ListRoot():
            return _connection(root.connection, _size(root.page))
        case LookupRoot():
            return _selection(root.selection, 1)
        case NodeRoot(branches=branches):
            most = Most()
            for branch in branches:
                most = most.either(_selection(branch, 1))
            return most
        case AggregateRoot():
            return _aggregate(root, groups if root.group_by else 1)
        case CallerRoot() | TypenamePick():
            return Most()
        case _:
            assert_never(root)


def _aggregate(root: AggregateRoot, groups: int) -> Most:
    uses: Counter[tuple[str, str]] = Counter()
    for part in root.parts:
        if part.what == "count":
            uses[coordinate(root.type), "count"] += groups
        for pick in part.picks:
            if isinstance(pick, MeasurePick):
                mode = "group" if part.what == "group" else "aggregate"
                uses[coordinate(root.type, pick.field), mode] += groups
    return Most(total=groups, uses=uses)


def _connection(connection: Connection, rows: int) -> Most:
    """Nodes and edges are the same rows, said twice."""
    below = Most()
    held = False
    for part in connection.parts:
        if isinstance(part, NodesPart):
            held = True
            below = below.both(_picks(part.selection, rows))
        elif isinstance(part, EdgesPart):
            held = True
            for edge in part.parts:
                if edge.selection is not None:
                    below = below.both(_picks(edge.selection, rows))
    return below.both(Most(total=rows, types={connection.type: rows})) if held else below


def _selection(selection: Selection, rows: int) -> Most:
    own = Most(total=rows, types={selection.type: rows})
    return own.both(_picks(selection, rows))


def _picks(selection: Selection, rows: int) -> Most:
    most = Most()
    for pick in selection.picks:
        match pick:
            case FieldPick(field=field):
                at = coordinate(selection.type, field)
                most = most.both(Most(uses={(at, "project"): rows}))
            case RelationPick():
                most = most.both(_relation(pick, rows))
            case IdPick() | TypenamePick():
                pass
            case _:
                assert_never(pick)
    return most


def _relation(pick: RelationPick, rows: int) -> Most:
    if pick.connection is not None:
        return _connection(pick.connection, rows * _size(pick.page))
    if pick.selection is None:
        return Most()
    # a relation to one has no page
    size = 1 if limit_operand(pick.page) is None else _size(pick.page)
    return _selection(pick.selection, rows * size)


def _size(page: Page) -> int:
    operand = limit_operand(page)
    if not isinstance(operand, Const):
        # fails closed: the widest operation has every page size written out
        raise HubError("INTERNAL", "a page size is not known")
    return int(operand.value)

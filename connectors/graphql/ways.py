"""Ways to rows: which field brings those of which keys, and what is selected there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec
from graphql import GraphQLNonNull, get_named_type, is_leaf_type, is_list_type

from connectors.graphql.document import UNSENDABLE, Tree, absent, put, selection, sent, tree_of
from connectors.graphql.filters import Sent, fits
from connectors.graphql.schema import Composite, Served
from connectors.graphql.tables import (
    Entity,
    GetField,
    ListField,
    ManyField,
    Table,
    Through,
    path_of,
)
from connectors.graphql.walk import list_selection, pointed
from connectors.spi import Column

Kind = Literal["list", "filter", "get", "get_many", "entity", "through"]


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """One declared way and what it wants selected."""

    kind: Kind
    by: ListField | GetField | ManyField | Entity | Through


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A handle: how the rows are asked for."""

    table: str
    way: Way
    columns: tuple[Column, ...]
    selection: str
    keys: tuple[Column, ...] = ()
    given: frozenset[str] = frozenset()
    """Key columns that the rows do not hold: they are what was asked for."""
    sent: tuple[Sent, ...] = ()
    distinct: tuple[str, ...] = ()
    """Of a list read by page number or offset: the columns that no two rows share."""

    def __repr__(self) -> str:
        names = [one.argument for one in self.sent] or [key.name for key in self.keys]
        told = f" ({', '.join(names)})" if names else ""
        return f"query {self.table} by {self.way.kind}{told} {self.selection}"


def way_of(table: Table, keys: Sequence[Column], served: Served) -> Way | None:
    """The quickest way to the rows of keys, or to all rows; ``None``: there is none."""
    return next(_ways(table, keys, served), None)


def _ways(table: Table, keys: Sequence[Column], served: Served) -> Iterator[Way]:
    names = {key.name for key in keys}
    plain = bool(keys) and not any(key.values for key in keys)
    entity, listed = table.entity, table.list
    whole = [{*key, *entity.requires} for key in entity.keys] if entity is not None else []
    if plain and entity is not None and names in whole:
        yield Way(kind="entity", by=entity)
    if plain and table.get_many is not None and names == {table.get_many.key}:
        yield Way(kind="get_many", by=table.get_many)
    if plain and table.get is not None and names == set(table.get.args.values()):
        yield Way(kind="get", by=table.get)
    known = listed.filters.get(keys[0].name) if plain and len(keys) == 1 and listed else None
    usable = (
        known is not None
        and listed is not None
        and (chosen := known.in_ or known.eq) is not None
        and fits(served, listed, chosen, keys[0].kind)
    )
    if usable and known is not None and known.in_ is not None and listed is not None:
        yield Way(kind="filter", by=listed)
    if plain:
        for one in table.through:
            if names == set(one.key.values()):
                yield Way(kind="through", by=one)
    if usable and listed is not None:
        yield Way(kind="filter", by=listed)
    if listed is not None:
        yield Way(kind="list", by=listed)


def row_type(served: Served, way: Way) -> Composite:
    """The type of the rows that a way brings; raises ``SOURCE_BAD_DATA``."""
    by = way.by
    try:
        match by:
            case Entity():
                found: Any = served.composite(by.type)
            case Through():
                path = (by.field, *pointed(by.items), *pointed(by.row))
                found = served.below(served.composite(by.type), path)  # type: ignore[arg-type]
            case GetField():
                found = served.below(served.query, tuple(by.field.split(".")))  # type: ignore[arg-type]
            case ListField() | ManyField():
                path = (*by.field.split("."), *pointed(by.items), *pointed(by.row))
                found = served.below(served.query, path)  # type: ignore[arg-type]
    except (KeyError, AttributeError):
        raise absent() from None
    named = get_named_type(found)
    if not isinstance(named, Composite):
        raise absent()
    return named


def has_column(start: Composite, column: str) -> bool:
    """Whether a type has the column: a leaf with no list on the way to it."""
    held: Any = start
    *outer, last = path_of(column)
    for name in outer:
        field = held.fields.get(name) if isinstance(held, Composite) else None
        if field is None:
            return False
        held = field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type
        if is_list_type(held):
            return False
    field = held.fields.get(last) if isinstance(held, Composite) else None
    return field is not None and is_leaf_type(get_named_type(field.type))


def _identity(table: Table) -> tuple[str, ...]:
    """The columns that name one row, as far as the declaration tells."""
    if table.entity is not None:
        return table.entity.keys[0]
    if table.get is not None:
        return tuple(table.get.args.values())
    return (table.get_many.key,) if table.get_many is not None else ()


def request_of(
    name: str,
    table: Table,
    way: Way,
    columns: Sequence[Column],
    keys: Sequence[Column],
    made: Sequence[Sent],
    served: Served,
) -> Request:
    """The handle that reads these columns; raises ``SOURCE_BAD_DATA`` for one that is not there."""
    start = row_type(served, way)
    given = _given(start, way, keys)
    by = way.by
    numbered = isinstance(by, ListField) and by.paging.kind in ("page", "offset")
    distinct = tuple(one for one in _identity(table) if numbered and has_column(start, one))
    paths = [path_of(column.name) for column in columns if column.name not in given]
    paths += map(path_of, distinct)
    if not all(has_column(start, column.name) for column in columns if column.name not in given):
        raise absent()
    return Request(
        table=name,
        way=way,
        columns=tuple(columns),
        selection=_selection(served, way, start, tree_of(paths)),
        keys=tuple(keys),
        given=given,
        sent=tuple(made),
        distinct=distinct,
    )


def _given(start: Composite, way: Way, keys: Sequence[Column]) -> frozenset[str]:
    """Of an entity what it requires; of a list in an entity what its rows do not hold."""
    match way.by:
        case Entity(requires=requires):
            return frozenset(requires)
        case Through():
            return frozenset(key.name for key in keys if not has_column(start, key.name))
        case _:
            return frozenset()


def _selection(served: Served, way: Way, start: Composite, tree: Tree) -> str:
    by = way.by
    match by:
        case ListField():
            return list_selection(served, by, tree)
        case Entity():
            return f"{{ ... on {by.type} {selection(start, tree)} }}"
        case Through():
            held: Tree = {}
            put(held, (by.field, *pointed(by.items), *pointed(by.row)), tree)
            whole = selection(served.composite(by.type), held)  # type: ignore[arg-type]
            return f"{{ ... on {by.type} {whole} }}"
        case ManyField():
            held = {}
            put(held, (*pointed(by.items), *pointed(by.row)), tree)
            outer = served.below(served.query, tuple(by.field.split(".")))  # type: ignore[arg-type]
            return selection(get_named_type(outer), held)
        case GetField():
            return selection(start, tree)


def representation(
    served: Served, name: str, fields: Mapping[str, tuple[Any, Column]]
) -> dict[str, Any] | None:
    """What names an entity to `_entities`; ``None`` where no entity can have such a key."""
    start = served.composite(name)
    made: dict[str, Any] = {"__typename": name}
    for field, (value, column) in fields.items():
        path = path_of(field)
        try:
            told = sent(value, column.kind, served.below(start, path))  # type: ignore[arg-type]
        except (KeyError, AttributeError):
            raise absent() from None
        if told is UNSENDABLE:
            return None
        at = made
        for part in path[:-1]:
            at = at.setdefault(part, {})
        at[path[-1]] = told
    return made

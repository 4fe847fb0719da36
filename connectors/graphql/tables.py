"""What a GraphQL source declares of its tables: the fields that bring rows, and their arguments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import msgspec

from schema.errors import HubError

_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]{0,199}\Z", re.ASCII)
Count = Annotated[int, msgspec.Meta(ge=1, le=10_000)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class Paging(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a list is walked; `page`, `offset`, `cursor` and `size` name arguments.

    ``page`` and ``offset`` end with an empty page, or with as many rows as `total` says;
    ``cursor`` sends the value at `next` while `more` says so; ``none``: the list comes whole.
    """

    kind: Literal["page", "offset", "cursor", "none"] = "none"
    page: Name = "page"
    offset: Name = "offset"
    cursor: Name = "after"
    size: Name | None = None
    max: Count = 100
    first: Annotated[int, msgspec.Meta(ge=0, le=1)] = 1
    next: Name = "/pageInfo/endCursor"
    """JSON pointer, below the field, of the next cursor."""
    more: Name | None = "/pageInfo/hasNextPage"
    """JSON pointer of whether there is more; null: as long as there is a cursor."""
    total: Name | None = None
    """JSON pointer of the number of rows of the whole list; fewer are an error."""

    @property
    def names(self) -> frozenset[str]:
        """The arguments that paging uses."""
        used = {"page": self.page, "offset": self.offset, "cursor": self.cursor}.get(self.kind)
        return frozenset(name for name in (self.size, used) if name is not None)


class Range(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Arguments for bounds, both included."""

    ge: Name | None = None
    le: Name | None = None


class Filter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Arguments that the server offers for one column; ``where.name.eq`` lies in input objects.

    A server may give more rows than asked, never fewer: what it gives is checked again.
    """

    eq: Name | None = None
    prefix: Name | None = None
    contains: Name | None = None
    in_: Name | None = msgspec.field(name="in", default=None)
    """Argument that takes a list."""
    range: Range = Range()
    max: Count = 100
    """Values in one request."""

    @property
    def names(self) -> frozenset[str]:
        """The arguments that are offered."""
        held = (self.eq, self.prefix, self.contains, self.in_, self.range.ge, self.range.le)
        return frozenset(name for name in held if name is not None)


class ListField(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A field that gives many rows."""

    field: Name
    """Name of a field of the query type; ``shop.things`` is a field of what ``shop`` gives."""
    items: str = ""
    """JSON pointer of the array below the field."""
    row: str = ""
    """JSON pointer of the row in each item (Relay: ``/node``)."""
    paging: Paging = Paging()
    filters: Mapping[str, Filter] = {}
    args: Mapping[str, Any] = {}
    """Arguments that are always sent."""


class GetField(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A field that gives one row; several keys go into one request under aliases."""

    field: Name
    args: Annotated[Mapping[str, Name], msgspec.Meta(min_length=1)]
    """Argument -> key column."""
    max: Count = 50
    """Aliases in one request."""


class ManyField(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A field that takes a list of keys and gives their rows, all in one answer."""

    field: Name
    arg: Name
    key: Name
    """The column that holds the key."""
    items: str = ""
    row: str = ""
    max: Count = 100


class Entity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A federation entity, read by `_entities`."""

    type: Name
    keys: Annotated[tuple[tuple[Name, ...], ...], msgspec.Meta(min_length=1)]
    """Columns of each ``@key``; a column in an object is a JSON pointer."""
    requires: tuple[Name, ...] = ()
    """Columns of ``@requires``: sent with the key, never read from this source."""
    max: Count = 100
    """Representations in one request."""


class Through(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rows that a federation entity of this source lists: the whole list, never a page."""

    type: Name
    key: Annotated[Mapping[str, Name], msgspec.Meta(min_length=1)]
    """Field of the entity's ``@key`` -> column of this table that holds the same value."""
    field: Name
    items: str = ""
    row: str = ""
    max: Count = 100
    """Entities in one request."""


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table."""

    list: ListField | None = None
    get: GetField | None = None
    get_many: ManyField | None = None
    entity: Entity | None = None
    through: tuple[Through, ...] = ()


def read_tables(source: str, declared: Mapping[str, Any]) -> dict[str, Table]:
    """Check a fragment's ``tables``; raises ``CONFIG_INVALID``."""
    found = {}
    for name, detail in declared.items():
        try:
            table = msgspec.convert(detail, Table)
        except msgspec.ValidationError as error:
            raise HubError(
                "CONFIG_INVALID", f"table `{name}` is not declared rightly: {error}", where=source,
                hint="see the page on connectors for what a GraphQL table may say",
            ) from None  # fmt: skip
        for problem, hint in _problems(table):
            raise HubError("CONFIG_INVALID", f"table `{name}` {problem}", where=source, hint=hint)
        found[name] = table
    return found


def _problems(table: Table) -> Iterator[tuple[str, str]]:
    listed = table.list
    ways = (listed, table.get, table.get_many, table.entity)
    if not table.through and all(way is None for way in ways):
        yield "says no way to read it", "give it `list`, `get`, `get_many`, `entity` or `through`"
    for text in _texts(table):
        if not all(_NAME.match(part) for part in text):
            yield "names what GraphQL cannot call so", "names are letters, digits and `_`"
    if listed is not None:
        taken = {*listed.args, *listed.paging.names}
        for known in listed.filters.values():
            if known.names & taken:
                yield "uses one argument twice", "a filter cannot share an argument"
            taken |= known.names


def _texts(table: Table) -> Iterator[tuple[str, ...]]:
    """Every name and pointer of a declaration, in parts."""
    columns: list[str] = []
    for way in (table.list, table.get_many, *table.through):
        if way is not None:
            yield tuple(way.field.split("."))
            yield path_of(way.items) if way.items else ()
            yield path_of(way.row) if way.row else ()
    if table.get is not None:
        yield tuple(table.get.field.split("."))
        columns += table.get.args.values()
    if table.entity is not None:
        columns += [name for key in table.entity.keys for name in key]
        columns += table.entity.requires
        yield (table.entity.type,)
    for way in table.through:
        columns += way.key
        yield (way.type,)
    if table.list is not None:
        paging = table.list.paging
        columns += table.list.filters
        columns += [at for at in (paging.next, paging.more, paging.total) if at is not None]
    yield from map(path_of, columns)


def path_of(column: str) -> tuple[str, ...]:
    """The fields that lead to a column: ``/address/city`` -> address, city."""
    return tuple(column[1:].split("/")) if column.startswith("/") else (column,)


def found_at(value: Any, path: tuple[str, ...]) -> Any:
    """The value below a row; null where an object on the way is null.

    Raises: ``KeyError`` where the server left out what was asked; ``TypeError`` for no object.
    """
    for name in path:
        if value is None:
            return None
        if not isinstance(value, dict):
            raise TypeError
        value = value[name]
    return value

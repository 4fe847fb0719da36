"""Whether the tables of a fragment fit the schema of the server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from connectors.graphql.schema import Served
from connectors.graphql.tables import Table
from connectors.graphql.ways import Way, has_column, row_type
from schema.errors import HubError, SourceError


def check_tables(tables: Mapping[str, Table], served: Served) -> None:
    """Raises ``SOURCE_BAD_DATA`` that names the first table and what of it is not there."""
    for name, table in tables.items():
        for problem in _problems(table, served):
            raise SourceError(
                "SOURCE_BAD_DATA", f"table `{name}` names {problem} that the server does not have",
                hint="compare the tables of the fragment with the server's schema",
            )  # fmt: skip


def _problems(table: Table, served: Served) -> Iterator[str]:
    ways = [
        *([Way(kind="list", by=table.list)] if table.list is not None else []),
        *([Way(kind="get", by=table.get)] if table.get is not None else []),
        *([Way(kind="get_many", by=table.get_many)] if table.get_many is not None else []),
        *([Way(kind="entity", by=table.entity)] if table.entity is not None else []),
        *(Way(kind="through", by=one) for one in table.through),
    ]
    for way in ways:
        try:
            row_type(served, way)
        except HubError:
            yield f"a field or type in `{way.kind}`"
    yield from _arguments(table, served)
    entity = table.entity
    if entity is not None:
        start = served.composite(entity.type)
        named = [*(one for key in entity.keys for one in key), *entity.requires]
        if start is None or not all(has_column(start, one) for one in named):
            yield "a column in `entity`"
    for through in table.through:
        start = served.composite(through.type)
        if start is None or not all(has_column(start, one) for one in through.key):
            yield "a field of a key in `through`"


def _arguments(table: Table, served: Served) -> Iterator[str]:
    if table.list is not None:
        names = [*table.list.args, *table.list.paging.names]
        names += [name for known in table.list.filters.values() for name in known.names]
        yield from _missing(served, table.list.field, names, "list")
    if table.get is not None:
        yield from _missing(served, table.get.field, list(table.get.args), "get")
    if table.get_many is not None:
        yield from _missing(served, table.get_many.field, [table.get_many.arg], "get_many")


def _missing(served: Served, field: str, names: list[str], way: str) -> Iterator[str]:
    for name in names:
        try:
            served.argument(tuple(field.split(".")), name)
        except (KeyError, AttributeError):
            yield f"an argument in `{way}`"

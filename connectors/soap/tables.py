"""What a SOAP source declares of its tables: which operations give rows, by which parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from connectors.http import filters as shared
from connectors.http.filters import Count, Name
from schema.errors import HubError


class Paging(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a list is walked: by page numbers from `first`, by rows to skip, or not at all.

    A walk ends with an empty page, or with as many rows as `total` says.
    """

    kind: Literal["page", "offset", "none"] = "none"
    page: Name = "page"
    offset: Name = "offset"
    size: Name | None = None
    """Parameter of the page size."""
    max: Count = 100
    first: int = 1
    total: str | None = None
    """Path of the number of rows of the whole list."""

    @property
    def names(self) -> frozenset[str]:
        """The parameters that paging uses."""
        used = {self.size, {"page": self.page, "offset": self.offset}.get(self.kind)}
        return frozenset(name for name in used if name is not None)


class Filter(shared.Filter, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters that an operation offers for one column; several values are elements each."""

    repeat: bool = True


class ListCall(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An operation that gives many rows."""

    operation: Name
    rows: Name
    """Path of the rows below the answer's element: ``/persons/person``."""
    args: Mapping[str, str] = {}
    """Always sent."""
    paging: Paging = Paging()
    filters: Mapping[str, Filter] = {}


class GetCall(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An operation that gives the row of one key; no element, or a nil one, is no row."""

    operation: Name
    arg: Name
    """Path of the parameter that takes the key."""
    key: Name
    """The column that holds it."""
    row: Name
    args: Mapping[str, str] = {}
    absent: tuple[Name, ...] = ()
    """Faults that mean that there is no such row: their codes, or names of elements in the
    detail."""


class ManyCall(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An operation that gives the rows of several keys."""

    operation: Name
    arg: Name
    key: Name
    rows: Name
    max: Count = 50
    args: Mapping[str, str] = {}


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table."""

    list: ListCall | None = None
    get: GetCall | None = None
    get_many: ManyCall | None = None

    def ways(self) -> Iterator[tuple[ListCall | GetCall | ManyCall, str, frozenset[str]]]:
        """(call, path of its rows, parameters that it may be sent)."""
        if self.list is not None:
            taken = set(self.list.paging.names) | set(self.list.args)
            for known in self.list.filters.values():
                taken |= known.names
            yield self.list, self.list.rows, frozenset(taken)
        if self.get is not None:
            yield self.get, self.get.row, frozenset({self.get.arg, *self.get.args})
        if self.get_many is not None:
            named = frozenset({self.get_many.arg, *self.get_many.args})
            yield self.get_many, self.get_many.rows, named


def read_tables(source: str, declared: Mapping[str, Any]) -> dict[str, Table]:
    """Check a fragment's ``tables``; raises ``CONFIG_INVALID``."""
    found = {}
    for name, detail in declared.items():
        try:
            table = msgspec.convert(detail, Table)
        except msgspec.ValidationError as error:
            raise HubError(
                "CONFIG_INVALID", f"table `{name}` is not declared rightly: {error}", where=source,
                hint="see the page on SOAP services for what a table may say",
            ) from None  # fmt: skip
        for problem, hint in _problems(table):
            raise HubError("CONFIG_INVALID", f"table `{name}` {problem}", where=source, hint=hint)
        found[name] = table
    return found


def _problems(table: Table) -> Iterator[tuple[str, str]]:
    if not list(table.ways()):
        yield "says no way to read it", "give it `list`, `get` or `get_many`"
    if table.list is not None:
        taken = [*table.list.args, *table.list.paging.names]
        for known in table.list.filters.values():
            taken += known.names
        if len({steps_of(name) for name in taken}) < len(taken):
            yield "uses one parameter twice", "a filter cannot share a parameter"


def steps_of(path: str) -> tuple[str, ...]:
    """``/persons/person`` or ``persons`` as names of elements."""
    return tuple(step for step in path.split("/") if step)

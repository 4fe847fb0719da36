"""What a REST source declares of its tables: where rows are, how they are paged and filtered."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal
from urllib.parse import quote

import msgspec

from connectors.http.filters import Count, Filter, Name
from schema.errors import HubError

_PLACE = re.compile(r"\{([^{}]+)\}")
_INDEX = re.compile(r"(?:0|[1-9][0-9]{0,8})\Z", re.ASCII)


class Paging(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a list is walked.

    ``page``: page numbers from `first`; ``offset``: rows to skip; both end with an empty page, or
    with as many rows as `total` says; ``cursor``: a value at `next` is sent as `cursor`; ``link``:
    `next` or the ``Link`` header names the next page; ``none``: the list comes whole.
    """

    kind: Literal["page", "offset", "cursor", "link", "none"] = "none"
    page: Name = "page"
    offset: Name = "offset"
    cursor: Name = "cursor"
    size: Name | None = None
    """Parameter of the page size."""
    max: Count = 100
    first: int = 1
    next: str = "/next"
    """JSON pointer of the next cursor or link."""
    total: str | None = None
    """JSON pointer of the number of rows of the whole list; fewer are an error."""

    @property
    def names(self) -> frozenset[str]:
        """The parameters that paging uses."""
        used = {self.size, {"page": self.page, "offset": self.offset, "cursor": self.cursor}
                .get(self.kind)}  # fmt: skip
        return frozenset(name for name in used if name is not None)


class ListCall(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``GET path`` gives many rows."""

    path: Name
    items: str = ""
    """JSON pointer of the array."""
    paging: Paging = Paging()
    filters: Mapping[str, Filter] = {}
    params: Mapping[str, str] = {}


class GetCall(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``GET path`` with the key in it gives one row; 404 = no row."""

    path: Name
    item: str = ""


class ManyCall(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``GET path?param=a,b,c`` gives the rows of several keys, all in one answer."""

    path: Name
    param: Name
    key: Name | None = None
    """The column that holds the key; the `get` path's parameter if absent."""
    max: Count = 50
    separator: Name = ","
    repeat: bool = False
    items: str = ""


class TableCalls(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table."""

    list: ListCall | None = None
    get: GetCall | None = None
    get_many: ManyCall | None = None

    @property
    def get_key(self) -> str | None:
        """The column named in the path of `get`: ``/things/{code}`` -> ``code``."""
        found = _PLACE.search(self.get.path) if self.get is not None else None
        return found[1] if found is not None else None

    @property
    def many_key(self) -> str | None:
        """The column whose values `get_many` takes."""
        if self.get_many is None:
            return None
        return self.get_many.key or self.get_key

    def calls(self) -> Iterator[ListCall | GetCall | ManyCall]:
        """What is declared."""
        yield from (c for c in (self.list, self.get, self.get_many) if c is not None)


def read_tables(
    source: str, declared: Mapping[str, Any], params: Mapping[str, str] = {}
) -> dict[str, TableCalls]:
    """Check a fragment's ``tables``, `params` put into paths; raises ``CONFIG_INVALID``."""
    found = {}
    for name, detail in declared.items():
        try:
            calls = msgspec.convert(detail, TableCalls)
        except msgspec.ValidationError as error:
            raise HubError(
                "CONFIG_INVALID", f"table `{name}` is not declared rightly: {error}", where=source,
                hint="see the page on connectors for what a REST table may say",
            ) from None  # fmt: skip
        calls = filled(calls, params)
        for problem, hint in _problems(calls):
            raise HubError("CONFIG_INVALID", f"table `{name}` {problem}", where=source, hint=hint)
        found[name] = calls
    return found


def _problems(calls: TableCalls) -> Iterator[tuple[str, str]]:
    if calls.list is None and calls.get is None and calls.get_many is None:
        yield "says no way to read it", "give it `list`, `get` or `get_many`"
    yield from misplaced(calls)
    named = calls.get is None or "/" not in calls.get.path  # an operation's path comes later
    if calls.get_many is not None and calls.many_key is None and (calls.get is None or not named):
        yield "says no `key` for `get_many`", "name the column whose values it takes"
    if calls.list is not None:
        taken = {*calls.list.params, *calls.list.paging.names}
        for known in calls.list.filters.values():
            if known.names & taken:
                yield "uses one parameter twice", "a filter cannot share a parameter"
            taken |= known.names


def misplaced(calls: TableCalls) -> Iterator[tuple[str, str]]:
    """What is wrong with the paths; those without a slash are names of operations."""
    for call in calls.calls():
        if "/" not in call.path:
            continue
        places = len(_PLACE.findall(call.path))
        if not call.path.startswith("/"):
            yield "has a path that does not begin with a slash", "paths are added to `connect.base`"
        elif isinstance(call, GetCall) and places != 1:
            yield "has a `get` path without one key", "write it as `/things/{code}`"
        elif not isinstance(call, GetCall) and places:
            yield "has a key in a path that takes none", "only `get` has a key in its path"


def filled(calls: TableCalls, params: Mapping[str, str]) -> TableCalls:
    """The calls with what is known of their paths put in."""

    def one(call: Any) -> Any:
        if call is None:
            return None
        return msgspec.structs.replace(call, path=filled_path(call.path, params))

    return TableCalls(list=one(calls.list), get=one(calls.get), get_many=one(calls.get_many))


def filled_path(path: str, params: Mapping[str, str]) -> str:
    """``/towns/{town}/roads`` -> ``/towns/7/roads``; places that are not known stay."""

    def value(found: re.Match[str]) -> str:
        return quote(params[found[1]], safe="") if found[1] in params else found[0]

    return _PLACE.sub(value, path)


def placed(path: str, key: str) -> str:
    """The path of `get` with a key, already quoted, in it."""
    return _PLACE.sub(lambda _: key, path)


MISSING: Any = type("Missing", (), {"__repr__": lambda _: "MISSING"})()
"""Not there, which is other than null."""


def found_at(document: Any, path: str) -> Any:
    """The value at a JSON pointer (RFC 6901) or a plain property name; `MISSING` if absent."""
    if not path:
        return document
    parts = path[1:].split("/") if path.startswith("/") else [path]
    plain = not path.startswith("/")
    for part in parts:
        key = part if plain else part.replace("~1", "/").replace("~0", "~")
        if isinstance(document, Mapping):
            document = document.get(key, MISSING)
        elif isinstance(document, list) and _INDEX.match(key) and int(key) < len(document):
            document = document[int(key)]
        else:
            return MISSING
    return document


def pointer(document: Any, path: str) -> Any:
    """As `found_at`; ``None`` if absent."""
    found = found_at(document, path)
    return None if found is MISSING else found

"""A draft from a WSDL: tables of what operations answer that, by their names, only read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from connectors.soap.tables import steps_of
from connectors.soap.types import attributes_of, elements_of, is_object, kind_of, repeats
from connectors.soap.wsdl import Operation, Service
from connectors.spi import ShapeColumn, ShapeTable, SourceShape

MAX_DEPTH = 2
"""Objects in objects whose elements become columns."""
MAX_WRAPPERS = 4
"""Elements around the rows of an answer."""
MAX_COLUMNS = 500
_READS = re.compile(
    r"(?i:get|list|find|search|read|query|lookup|fetch|retrieve|show|describe|select|enumerate)"
    r"(?![a-z])"
)
_PAGES = {"page": ("page", "pagenumber", "pageno", "pageindex"), "offset": ("offset", "skip")}
_SIZES = ("size", "pagesize", "perpage", "limit", "maxresults", "count")
_TOTALS = ("total", "totalcount", "totalrows", "totalresults")


class Found(msgspec.Struct, frozen=True):
    """Where an operation's rows are, and what they are."""

    operation: Operation
    path: str
    element: Any
    many: bool


def shape_of(service: Service) -> SourceShape:
    """A table for each type of rows; its ways are the operations that answer with them."""
    held: dict[Any, list[Found]] = {}
    for operation in service.operations.values():
        found = _rows_of(operation) if _READS.match(operation.name) else None
        if found is not None:
            held.setdefault(_name_of(found.element), []).append(found)
    tables = [_table(name, found) for name, found in held.items()]
    return SourceShape(tables=tuple(one for one in tables if one is not None))


def _name_of(element: Any) -> str:
    """What rows are called: by their type, or by their element if the type has no name."""
    name = getattr(element.type, "name", None)
    anonymous = not name or getattr(element.type, "is_global", True) is False
    return str(element.name if anonymous else name)


def _rows_of(operation: Operation) -> Found | None:
    """The first element that repeats, else the first that is an object of values.

    Where one thing has to be told, such as a key, the object comes first: what repeats may be a
    part of it.
    """
    single = None
    by_key = len(_parameters(operation)[0]) == 1 and _many_keys(operation) is None
    level = [("", operation.gives)]
    for _ in range(MAX_WRAPPERS):
        below = []
        for path, kind in level:
            for name, element in elements_of(kind).items():
                if not elements_of(element.type):
                    continue
                if repeats(element):
                    return Found(operation, f"{path}/{name}", element, many=True)
                if single is None and _holds_values(element.type):
                    single = Found(operation, f"{path}/{name}", element, many=False)
                below.append((f"{path}/{name}", element.type))
        if single is not None and by_key:
            return single
        level = below
    return single


def _holds_values(kind: Any) -> bool:
    return any(not is_object(one.type) for one in elements_of(kind).values())


def _table(name: str, found: list[Found]) -> ShapeTable | None:
    columns = list(_columns(found[0].element.type))[:MAX_COLUMNS]
    if not columns:
        return None
    known = {_plain(column.name): column.name for column in columns}
    detail: dict[str, Any] = {}
    key = None
    for one in found:
        required, optional = _parameters(one.operation)
        if len(required) == 1 and not one.many and "get" not in detail:
            key = key or _key(next(iter(required)), known)
            if key is not None:
                detail["get"] = {"operation": one.operation.name, "arg": next(iter(required)),
                                 "key": key, "row": one.path}  # fmt: skip
        elif not required and one.many and "list" not in detail:
            detail["list"] = _list(one, optional, known)
    for one in found:
        keys = _many_keys(one.operation)
        named = None if keys is None else _key(keys, known)
        if one.many and keys is not None and named is not None and "get_many" not in detail:
            key = key or named
            detail["get_many"] = {"operation": one.operation.name, "arg": keys, "key": named,
                                  "rows": one.path}  # fmt: skip
    if not detail:
        return None
    return ShapeTable(
        name=name,
        columns=tuple(columns),
        keys=((key,),) if key is not None else (),
        detail=detail,
        called=tuple(one.operation.name for one in found),
    )


def _columns(kind: Any, prefix: str = "", depth: int = 0) -> Iterator[ShapeColumn]:
    for name in attributes_of(kind):
        yield _column(f"{prefix}/@{name}" if prefix else f"@{name}", "String", "", nullable=True)
    for name, element in elements_of(kind).items():
        at = f"{prefix}/{name}" if prefix else name
        if repeats(element):
            yield _column(at, "JSON", "", nullable=True)
        elif elements_of(element.type):
            if depth < MAX_DEPTH:
                yield from _columns(element.type, f"{prefix}/{name}", depth + 1)
        else:
            native = str(getattr(element.type, "name", "") or "")
            empty = bool(prefix) or element.is_optional or bool(element.nillable)
            yield _column(at, kind_of(element.type), native, nullable=empty)


def _column(name: str, kind: Any, native: str, *, nullable: bool) -> ShapeColumn:
    return ShapeColumn(name=name, kind=kind, native=native, nullable=nullable)


def _parameters(operation: Operation) -> tuple[dict[str, Any], dict[str, Any]]:
    """(required, optional) parameters that take one value."""
    required: dict[str, Any] = {}
    optional: dict[str, Any] = {}
    for name, element in elements_of(operation.takes).items():
        needed = not element.is_optional and not element.nillable
        (required if needed else optional)[name] = element
    return required, {n: e for n, e in optional.items() if not is_object(e.type) and not repeats(e)}


def _many_keys(operation: Operation) -> str | None:
    """The path of the one parameter that takes several values."""
    found = []
    for name, element in elements_of(operation.takes).items():
        inner = [one for one in elements_of(element.type).values() if repeats(one)]
        if repeats(element) and not is_object(element.type):
            found.append(f"/{name}")
        elif len(inner) == 1 and not is_object(inner[0].type):
            found.append(f"/{name}/{inner[0].name}")
    return found[0] if len(found) == 1 else None


def _list(one: Found, optional: Mapping[str, Any], known: Mapping[str, str]) -> dict[str, Any]:
    made: dict[str, Any] = {"operation": one.operation.name, "rows": one.path}
    names = {_plain(name): name for name in optional}
    paging: dict[str, Any] = {}
    for kind, places in _PAGES.items():
        place = next((names[p] for p in places if p in names), None)
        if place is not None and not paging:
            paging = {"kind": kind, kind: place}
    if paging:
        size = next((names[s] for s in _SIZES if s in names), None)
        if size is not None:
            paging["size"] = size
        told = {_plain(name): name for name in elements_of(one.operation.gives)}
        total = next((told[t] for t in _TOTALS if t in told), None)
        if total is not None:
            paging["total"] = f"/{total}"
        made["paging"] = paging
    used = set(paging.values())
    filters = {
        known[plain]: {"eq": name}
        for plain, name in names.items()
        if plain in known and name not in used
    }
    if filters:
        made["filters"] = filters
    return made


def _key(parameter: str, known: Mapping[str, str]) -> str | None:
    """The column that a parameter names: ``personId`` or ``/ids/int`` is ``id``."""
    for step in reversed(steps_of(parameter)):
        plain = _plain(step)
        for told in (plain, plain.removesuffix("s")):
            if told in known:
                return known[told]
        for name in ("id", "code", "key", "number"):
            if name in known and (plain.endswith(name) or plain.endswith(f"{name}s")):
                return known[name]
    return None


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.rpartition("/")[2].lower())

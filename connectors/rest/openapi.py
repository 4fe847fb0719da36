"""OpenAPI 3.0 and 3.1 documents: tables for a draft, paths for operations that are named."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec

from connectors.rest.document import Document, Schema, nullable, server_of, type_of
from connectors.rest.tables import TableCalls, filled_path, misplaced
from connectors.spi import ShapeColumn, ShapeTable, SourceShape
from schema.errors import SourceError
from schema.model.scalar import ScalarKind

MAX_DEPTH = 2
"""Objects in objects whose properties become columns."""
MAX_COLUMNS = 500
MAX_WRAPPERS = 4
"""Objects around an array of rows, and the array."""
_KEY = re.compile(r"(.*)/\{([^{}]+)\}/?\Z")
_SIZES = ("size", "per_page", "page_size", "pageSize", "perPage", "limit")
_PLACES: Mapping[str, tuple[str, ...]] = {
    "cursor": ("cursor", "next_token", "page_token", "pageToken"),
    "page": ("page", "page_number", "pageNumber", "pageNo"),
    "offset": ("offset", "skip"),
}
_TOTALS = ("total", "total_count", "totalCount", "totalElements")
_NEXTS = ("next_cursor", "nextCursor", "next_token", "next_page_token", "nextPageToken", "next")
_IDS = ("id", "uuid", "uid", "guid")
_MEDIA = ("application/json", "application/json; charset=utf-8", "*/*")


def with_operations(
    tables: Mapping[str, TableCalls], held: Any, params: Mapping[str, str] = {}
) -> dict[str, TableCalls]:
    """Paths that are operation ids (no slash) become the paths that the document gives them.

    Raises: ``SOURCE_BAD_DATA`` for an operation that the document does not have, or not rightly.
    """
    paths = {operation.get("operationId"): path for path, operation in Document(held).gets()}

    def placed(call: Any) -> Any:
        if call is None or "/" in call.path:
            return call
        if call.path not in paths:
            raise SourceError("SOURCE_BAD_DATA", "the service does not offer a named operation")
        return msgspec.structs.replace(call, path=filled_path(paths[call.path], params))

    made = {}
    for name, calls in tables.items():
        whole = TableCalls(
            list=placed(calls.list), get=placed(calls.get), get_many=placed(calls.get_many)
        )
        if list(misplaced(whole)) or (whole.get_many is not None and whole.many_key is None):
            raise SourceError("SOURCE_BAD_DATA", "a named operation does not fit its use")
        made[name] = whole
    return made


def shape_of(held: Any, params: Mapping[str, str] = {}) -> SourceShape:
    """A table for every path that gives an array of objects; `params`: places that are known."""
    try:
        tables = _tables(Document(held), params)
    except RecursionError:
        raise SourceError("SOURCE_BAD_DATA", "the OpenAPI document has no end") from None
    server = server_of(held) or ""
    absolute = server.startswith(("http://", "https://"))
    return SourceShape(tables=tables, connect={"base": server} if absolute else {})


def _tables(document: Document, params: Mapping[str, str]) -> tuple[ShapeTable, ...]:
    written = {filled_path(path, params): path for path, _ in document.gets()}
    paths = {filled_path(path, params): operation for path, operation in document.gets()}
    lists = [path for path in paths if "{" not in path]
    names = _names({path: written[path] for path in lists})
    made = (_table(document, paths, written, path, names[path]) for path in lists)
    return tuple(table for table in made if table is not None)


def _names(paths: Mapping[str, str]) -> dict[str, str]:
    """Each path's last word, with more of the path where two would be called the same.

    What places are filled with is no word of it.
    """
    words = {
        path: [part for part in written.split("/") if part and "{" not in part] or ["rows"]
        for path, written in paths.items()
    }
    made: dict[str, str] = {}
    for path in paths:
        for count in range(1, len(words[path]) + 1):
            ends = ["_".join(held[-count:]) for held in words.values()]
            made[path] = "_".join(words[path][-count:])
            if ends.count(made[path]) == 1:
                break
    taken: set[str] = set()
    for path, name in made.items():
        number, told = 2, name
        while told in taken:
            told, number = f"{name}_{number}", number + 1
        taken.add(told)
        made[path] = told
    return made


def _table(
    document: Document,
    paths: Mapping[str, Schema],
    written: Mapping[str, str],
    path: str,
    name: str,
) -> ShapeTable | None:
    operation = paths[path]
    schema = _answer(document, operation)
    found = _array(document, schema)
    if found is None:
        return None
    at, row = found
    columns = tuple(islice(_columns(document, row), MAX_COLUMNS))
    if not columns:
        return None
    known = {column.name for column in columns}
    listed: dict[str, Any] = {"path": written[path], "items": at}
    paging = _paging(operation, schema)
    if paging:
        listed["paging"] = paging
    used = set(paging.values())
    filters = {n: {"eq": n} for n in _parameters(operation) if n in known and n not in used}
    if filters:
        listed["filters"] = filters
    detail: dict[str, Any] = {"list": listed}
    key = _key_of(paths, path, known)
    if key is not None:
        before = written[key[2]].rpartition("/{")[0]
        detail["get"] = {"path": f"{before}/{{{key[1]}}}"}
        item = _item(document, paths, key[2], key[1])
        if item:
            detail["get"]["item"] = item
    named = key[1] if key is not None else _likely_key(columns)
    comment, told = operation.get("summary"), operation.get("operationId")
    return ShapeTable(
        name=name,
        columns=columns,
        keys=((named,),) if named is not None else (),
        detail=detail,
        comment=comment if isinstance(comment, str) else None,
        called=(written[path], *((told,) if isinstance(told, str) else ())),
    )


def _likely_key(columns: Sequence[ShapeColumn]) -> str | None:
    """Where no path names a key: a column that is called so, unless some rows do not have it."""
    found = {column.name: column for column in columns}
    silent = all(column.nullable for column in columns)  # the document does not say what is there
    return next((n for n in _IDS if n in found and (silent or not found[n].nullable)), None)


def _answer(document: Document, operation: Schema) -> Schema:
    """The schema of what a GET gives when all is well."""
    responses = operation.get("responses")
    if not isinstance(responses, Mapping):
        return {}
    told = {str(status).upper(): held for status, held in responses.items()}
    held: Any = next((told[s] for s in ("200", "2XX", "DEFAULT") if s in told), {})
    content = document.resolved(held).get("content")
    if not isinstance(content, Mapping):
        return {}
    media = next((content[kind] for kind in _MEDIA if kind in content), None)
    if media is None:
        media = next((h for kind, h in content.items() if "json" in str(kind)), {})
    return document.merged(document.resolved(media).get("schema"))


def _array(document: Document, schema: Schema) -> tuple[str, Schema] | None:
    """(JSON pointer of the array, schema of a row): the array that is nearest to the top."""
    level = [("", schema)]
    for _ in range(MAX_WRAPPERS):
        below = []
        for at, held in level:
            if type_of(held) == "array":
                row = document.merged(held.get("items"))
                if row.get("properties"):
                    return at, row
                continue
            below += [
                (f"{at}/{_escaped(name)}", document.merged(inner))
                for name, inner in _properties(held).items()
            ]
        level = below[:MAX_COLUMNS]
    return None


def _properties(schema: Schema) -> Mapping[str, Any]:
    held = schema.get("properties")
    return held if isinstance(held, Mapping) else {}


def _escaped(name: Any) -> str:
    return str(name).replace("~", "~0").replace("/", "~1")


def _key_of(paths: Mapping[str, Schema], path: str, known: set[str]) -> tuple[str, str, str] | None:
    """(path before the key, its column, path in the document) of the one row below a list."""
    for other in paths:
        found = _KEY.match(other)
        if found is None or found[1].rstrip("/") != path.rstrip("/") or "{" in found[1]:
            continue
        told = found[2]
        plain = re.sub(r"[^a-z0-9]", "", told.lower())
        for column in (told, *sorted(known)):
            same = re.sub(r"[^a-z0-9]", "", column.lower())
            if column in known and (same == plain or _named_after(plain, same)):
                return found[1], column, other
    return None


def _named_after(parameter: str, column: str) -> bool:
    """``personId`` in the path of ``people`` or ``persons`` is their ``id``."""
    return column in ("id", "code", "key") and parameter.endswith(column)


def _item(document: Document, paths: Mapping[str, Schema], path: str, key: str) -> str:
    """JSON pointer of the row in the answer of `get`."""
    schema = _answer(document, paths[path])
    properties = _properties(schema)
    if key in properties or not properties:
        return ""
    for name, held in properties.items():
        if key in _properties(document.merged(held)):
            return f"/{_escaped(name)}"
    return ""


def _columns(
    document: Document, schema: Schema, prefix: str = "", depth: int = 0
) -> Iterator[ShapeColumn]:
    required = schema.get("required")
    for name, held in _properties(schema).items():
        inner = document.merged(held)
        plain = isinstance(name, str) and name and not name.startswith("/")
        at = name if plain and not prefix else f"{prefix}/{_escaped(name)}"
        if type_of(inner) == "object" and _properties(inner) and depth < MAX_DEPTH:
            yield from _columns(document, inner, f"{prefix}/{_escaped(name)}", depth + 1)
            continue
        comment = inner.get("description")
        yield ShapeColumn(
            name=str(at),
            kind=_kind(inner),
            native=str(inner.get("format") or type_of(inner) or ""),
            nullable=bool(prefix) or nullable(inner)
            or not (isinstance(required, list) and name in required),
            comment=comment if isinstance(comment, str) else None,
        )  # fmt: skip


_FORMATS: Mapping[str, ScalarKind] = {
    "date": "Date", "date-time": "DateTime", "time": "Time", "decimal": "Decimal",
    "int64": "BigInt", "uuid": "ID",
}  # fmt: skip


def _kind(schema: Schema) -> ScalarKind:
    form = schema.get("format")
    match type_of(schema):
        case "integer":
            return "BigInt" if form == "int64" or _large(schema) else "Int"
        case "number":
            return "Decimal" if form == "decimal" else "Float"
        case "boolean":
            return "Boolean"
        case "string":
            return _FORMATS.get(str(form), "String")
        case _:
            return "JSON"


def _large(schema: Schema) -> bool:
    bounds = (schema.get("maximum"), schema.get("minimum"))
    return any(isinstance(b, int) and abs(b) > 2**31 for b in bounds)


def _parameters(operation: Schema) -> list[str]:
    held = [p for p in operation.get("parameters") or () if isinstance(p, Mapping)]
    return [p["name"] for p in held if p.get("in") == "query" and isinstance(p.get("name"), str)]


def _bound(operation: Schema, name: str, bound: str) -> int | None:
    """A whole number that the document says of a parameter."""
    for parameter in operation.get("parameters") or ():
        schema = parameter.get("schema")
        if parameter.get("name") == name and isinstance(schema, Mapping):
            value = schema.get(bound)
            return value if isinstance(value, int) and not isinstance(value, bool) else None
    return None


def _paging(operation: Schema, schema: Schema) -> dict[str, Any]:
    names = _parameters(operation)
    told = _properties(schema)
    found: dict[str, Any] = {}
    for kind, places in _PLACES.items():
        name = next((place for place in places if place in names), None)
        if name is not None:
            found = {"kind": kind, kind: name}
            break
    if not found:
        return {}
    size = next((name for name in _SIZES if name in names), None)
    if size is not None:
        found["size"] = size
        most = _bound(operation, size, "maximum")
        if most is not None and 0 < most < 100:
            found["max"] = most
    if found["kind"] == "page" and 0 in (
        _bound(operation, found["page"], "minimum"),
        _bound(operation, found["page"], "default"),
    ):
        found["first"] = 0
    if found["kind"] == "cursor":
        following = next((name for name in _NEXTS if name in told), None)
        if following is not None:
            found["next"] = f"/{following}"
    else:
        total = next((name for name in _TOTALS if name in told), None)
        if total is not None:
            found["total"] = f"/{total}"
    return found

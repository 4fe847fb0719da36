"""OpenAPI documents: read from the service, an address or a file; references followed within."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import httpx
import yaml

from connectors.http.body import MAX_BYTES, decoded
from connectors.http.client import Client
from connectors.http.status import NOTHING, refusal
from connectors.rest.tables import pointer
from schema.errors import HubError, SourceError

MAX_YAML = 16_000_000
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MAX_CHAIN = 16
"""References to references."""
Schema = Mapping[str, Any]


async def read_document(client: Client, place: str, deadline: float) -> Any:
    """The document at a path of the service, an address of the same host, or in a file.

    Raises: `SourceError`, or ``CONFIG_INVALID`` for a file.
    """
    if "://" not in place and not client.base:
        return _from_file(Path(place))
    rooted = place if place.startswith("/") else f"/{place}"
    said = await client.read(place if "://" in place else client.base + rooted, deadline)
    if said.status in NOTHING:
        raise refusal(said.status)
    held = await asyncio.to_thread(_parsed, said.body)
    if held is _BROKEN:
        raise SourceError(
            "SOURCE_BAD_DATA", "the OpenAPI document cannot be read",
            hint="it is JSON or YAML, an object at its top",
        )  # fmt: skip
    return held


def _from_file(path: Path) -> Any:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise HubError("CONFIG_INVALID", "the OpenAPI document is too large", where=str(path))
        text = path.read_bytes()
    except OSError:
        text = b""
    held = _parsed(text)
    if held is _BROKEN:
        raise HubError(
            "CONFIG_INVALID", "the OpenAPI document cannot be read", where=str(path),
            hint="it is JSON or YAML, an object at its top",
        )  # fmt: skip
    return held


_BROKEN: Any = object()


def _parsed(text: bytes) -> Any:
    """JSON, else YAML; `_BROKEN` for what is neither, or no object."""
    held: Any
    try:
        held = decoded(httpx.Headers(), text)
    except SourceError:
        if len(text) > MAX_YAML:
            return _BROKEN
        try:
            held = yaml.load(text, Loader=_LOADER)  # noqa: S506 - a safe loader, and bounded
        except (yaml.YAMLError, ValueError, TypeError, RecursionError):
            return _BROKEN
    return held if isinstance(held, dict) else _BROKEN


def address_of(document: Any, place: str, base: str) -> str:
    """Where a document says that the service is; only on its own host.

    Raises: ``CONFIG_INVALID`` for another host: secrets would be sent there.
    """
    told = server_of(document)
    try:
        url = urljoin(place, told) if told is not None else base
        same = bool(base) and urlsplit(url)[:2] == urlsplit(base)[:2]
    except ValueError:
        same = False
    if not same:
        raise HubError(
            "CONFIG_INVALID", "the OpenAPI document does not say where the service is",
            hint="name the address in `connect.base`",
        )  # fmt: skip
    return url


def server_of(document: Any) -> str | None:
    """The address of the first server, its variables at their defaults."""
    server = pointer(document, "/servers/0")
    told = server.get("url") if isinstance(server, Mapping) else None
    if not isinstance(told, str):
        return None
    for name, held in _map(server.get("variables")).items():
        default = held.get("default") if isinstance(held, Mapping) else None
        told = told.replace(f"{{{name}}}", str(default)) if default is not None else told
    return told


class Document:
    """An OpenAPI document, 3.0 or 3.1. Cost: each schema is put together once."""

    def __init__(self, held: Any) -> None:
        self._held = held
        self._merged: dict[
            int, tuple[Any, Schema]
        ] = {}  # the object kept, so that its id is its own

    def gets(self) -> Iterator[tuple[str, Schema]]:
        """(path, its GET with all its parameters); raises ``SOURCE_BAD_DATA``."""
        paths = pointer(self._held, "/paths")
        if isinstance(self._held, Mapping) and "swagger" in self._held:
            raise SourceError(
                "SOURCE_BAD_DATA", "the document is of Swagger 2.0",
                hint="OpenAPI 3.0 and 3.1 are read; convert it",
            )  # fmt: skip
        if not isinstance(paths, Mapping):
            raise SourceError("SOURCE_BAD_DATA", "the OpenAPI document has no paths")
        for path, held in paths.items():
            item = self.resolved(held)
            operation = item.get("get")
            if isinstance(operation, Mapping) and str(path).startswith("/"):
                given = [*_list(item.get("parameters")), *_list(operation.get("parameters"))]
                named = {**operation, "parameters": [self.resolved(one) for one in given]}
                yield str(path), named

    def resolved(self, part: Any) -> Schema:
        """A part with its reference followed; only ever within the document."""
        for _ in range(MAX_CHAIN):
            reference = part.get("$ref") if isinstance(part, Mapping) else None
            if reference is None:
                break
            if not isinstance(reference, str) or not f"{reference}/".startswith("#/"):
                return {}  # another document is never fetched
            part = pointer(self._held, unquote(reference[1:]))
        return part if isinstance(part, Mapping) and "$ref" not in part else {}

    def merged(self, schema: Any) -> Schema:
        """A schema as one: references followed, ``allOf`` put together, a null alternative noted.

        A schema that is a part of itself is empty there.
        """
        if not isinstance(schema, Mapping):
            return {}
        known = self._merged.get(id(schema))
        if known is not None:
            return known[1]
        self._merged[id(schema)] = (schema, {})
        made = self._put_together(schema)
        self._merged[id(schema)] = (schema, made)
        return made

    def _put_together(self, schema: Schema) -> Schema:
        made = {name: value for name, value in schema.items() if name != "$ref"}
        parts: list[Schema] = []
        if "$ref" in schema:
            parts.append(self.merged(self.resolved(schema)))
        parts += [self.merged(part) for part in _list(made.pop("allOf", None))]
        for name in ("oneOf", "anyOf"):
            given = [self.merged(one) for one in _list(made.pop(name, None))]
            others = [one for one in given if one.get("type") != "null"]
            if len(others) < len(given):
                made["nullable"] = True
            if len(others) == 1:
                parts += others
            elif others and all(_map(one.get("properties")) for one in others):
                parts.append(_either(others))
        for part in parts:
            made = _both(part, made)
        return made


def _both(one: Schema, other: dict[str, Any]) -> dict[str, Any]:
    """A value has to fit both; what both say of one property, or of items, is put together too."""
    made = {**one, **other}
    first, second = _map(one.get("properties")), _map(other.get("properties"))
    if first or second:
        both = {
            name: {"allOf": [first[name], held]}
            for name, held in second.items()
            if name in first and first[name] is not held
        }
        made["properties"] = {**first, **second, **both}
    required = [*_list(one.get("required")), *_list(other.get("required"))]
    if required:
        made["required"] = required
    if isinstance(one.get("items"), Mapping) and isinstance(other.get("items"), Mapping):
        made["items"] = {"allOf": [one["items"], other["items"]]}
    return made


def _either(others: Sequence[Schema]) -> Schema:
    """Objects of several forms as one: what some have is not required."""
    properties: dict[str, Any] = {}
    for one in others:
        for name, held in _map(one.get("properties")).items():
            properties.setdefault(name, held)
    every = [name for name in _list(others[0].get("required"))
             if all(name in _list(one.get("required")) for one in others)]  # fmt: skip
    return {"type": "object", "properties": properties, "required": every}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _map(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def nullable(schema: Schema) -> bool:
    """Whether null is among a schema's values, in the words of 3.0 or of 3.1."""
    kinds = schema.get("type")
    return schema.get("nullable") is True or (isinstance(kinds, list) and "null" in kinds)


def type_of(schema: Schema) -> str | None:
    """The one type beside null; from the values of an enum if not told."""
    held = schema.get("type")
    kinds = [held] if isinstance(held, str) else [k for k in _list(held) if k != "null"]
    if len(kinds) == 1:
        return str(kinds[0])
    values = [schema["const"]] if "const" in schema else _list(schema.get("enum"))
    found = {_JSON_TYPES.get(type(value)) for value in values if value is not None}
    if not kinds and len(found) == 1:
        return found.pop()
    return "object" if not kinds and schema.get("properties") else None


_JSON_TYPES: Mapping[type, str] = {
    str: "string", int: "integer", bool: "boolean", float: "number",
}  # fmt: skip

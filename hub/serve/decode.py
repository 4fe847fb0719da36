"""From the text of a request to its parts: JSON bodies and URL parameters, all of it untrusted.

Source: GraphQL over HTTP, "Request Parameters"; Appendix A, "Persisted Documents".
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import orjson

from hub.query.request import WISHES
from schema.errors import HubError

_MAX_FIELDS = 32
_MAX_PURPOSE = 128
_CASE = re.compile(r"[\w.:/()\[\]（）〔〕〈〉-]{1,128}")
"""Case numbers of any script: ``2026-17/a``, ``（2026）浙01刑初12号``."""


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """One request, its types checked; `null` and absent are the same."""

    query: str | None = None
    document_id: str | None = None
    operation_name: str | None = None
    variables: dict[str, Any] | None = None
    extensions: dict[str, Any] | None = None


def read_json(body: bytes, max_depth: int) -> Any:
    """The JSON value of a body; raises `BAD_REQUEST`.

    orjson refuses what is not UTF-8, `NaN`, lone surrogates, numbers that are no number and
    nesting over 1,024; `max_depth` is what later recursion is spared.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise HubError("BAD_REQUEST", "the body is not JSON in UTF-8") from None
    if body.count(b"{") + body.count(b"[") > max_depth and _deeper(value, max_depth + 2):
        raise HubError("BAD_REQUEST", f"the body is nested deeper than {max_depth} levels")
    return value


def _deeper(value: Any, levels: int) -> bool:
    """Whether a value nests deeper, level by level and without recursion."""
    front = [value]
    while front:
        levels -= 1
        if levels < 0:
            return True
        below: list[Any] = []
        for item in front:
            if isinstance(item, dict):
                below.extend(v for v in item.values() if isinstance(v, dict | list))
            elif isinstance(item, list):
                below.extend(v for v in item if isinstance(v, dict | list))
        front = below
    return False


def read_parts(value: Any) -> Parts:
    """The parts of one JSON object; unknown keys are ignored, as the specification wants."""
    if type(value) is not dict:
        raise HubError("MALFORMED_REQUEST", "the body is not a JSON object")
    get = value.get
    query, document_id = get("query"), get("documentId")
    name, variables, extensions = get("operationName"), get("variables"), get("extensions")
    if query is not None and type(query) is not str:
        raise _wrong("query", "a string")
    if document_id is not None and type(document_id) is not str:
        raise _wrong("documentId", "a string")
    if name is not None and type(name) is not str:
        raise _wrong("operationName", "a string")
    if variables is not None and type(variables) is not dict:
        raise _wrong("variables", "an object")
    if extensions is not None and type(extensions) is not dict:
        raise _wrong("extensions", "an object")
    return Parts(
        query=query,
        document_id=document_id,
        operation_name=name,
        variables=variables,
        extensions=extensions,
    )


def read_url(query_string: bytes, max_depth: int) -> Parts:
    """The parts of a GET; a parameter given twice is refused, not guessed."""
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MAX_FIELDS,
        )
    except ValueError:
        raise HubError("BAD_REQUEST", "the URL parameters cannot be read as UTF-8") from None
    fields: dict[str, Any] = {}
    for name, text in pairs:
        if name in fields:
            raise HubError("BAD_REQUEST", "a URL parameter is given twice")
        fields[name] = text
    for name in ("variables", "extensions"):
        given = fields.get(name)
        if given is not None:
            fields[name] = read_json(given.encode(), max_depth) if given else None
    if not fields.get("operationName"):
        fields.pop("operationName", None)
    return read_parts(fields)


def read_purpose(header: str | None, extensions: dict[str, Any] | None) -> str | None:
    """The purpose stated in the header or in `extensions.purpose`; the two may not differ."""
    stated = extensions.get("purpose") if extensions else None
    if stated is not None and type(stated) is not str:
        raise _wrong("extensions.purpose", "a string")
    if header is not None and stated is not None and header != stated:
        raise HubError("MALFORMED_REQUEST", "`Hub-Purpose` and `extensions.purpose` differ")
    purpose = header if header is not None else stated
    if not purpose:
        return None
    if len(purpose) > _MAX_PURPOSE or not purpose.isprintable():
        raise HubError("MALFORMED_REQUEST", "the purpose is not a short printable text")
    return purpose


def read_case(header: bytes | None, extensions: dict[str, Any] | None) -> str | None:
    """The case stated in the header or in `extensions.case`; the two may not differ."""
    stated = extensions.get("case") if extensions else None
    if stated is not None and type(stated) is not str:
        raise _wrong("extensions.case", "a string")
    told = None
    if header is not None:
        try:
            told = header.decode("utf-8").strip(" \t")
        except UnicodeDecodeError:
            raise HubError("MALFORMED_REQUEST", "`Hub-Case` is not UTF-8") from None
    if told is not None and stated is not None and told != stated:
        raise HubError("MALFORMED_REQUEST", "`Hub-Case` and `extensions.case` differ")
    case = told if told is not None else stated
    if not case:
        return None
    if not _CASE.fullmatch(case):
        raise HubError(
            "MALFORMED_REQUEST",
            "the case is not a short reference",
            hint="at most 128 letters, digits and `-_.:/()[]`",
        )
    return case


def read_wishes(extensions: dict[str, Any] | None) -> frozenset[str]:
    """What the answer is to tell beside the data."""
    if not extensions:
        return frozenset()
    for name in WISHES:
        if type(extensions.get(name, False)) is not bool:
            raise _wrong(f"extensions.{name}", "true or false")
    return frozenset(name for name in WISHES if extensions.get(name))


def _wrong(name: str, wanted: str) -> HubError:
    return HubError("MALFORMED_REQUEST", f"`{name}` is not {wanted}")

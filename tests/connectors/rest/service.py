"""A service over HTTP with as few or as many abilities as it is told: a process of its own.

``PUT /<name>`` gives it tables and abilities; below ``/<name>`` it then serves them; ``DELETE``
takes them away. It judges values with types of its own, not with the Hub's.
"""

from __future__ import annotations

import base64
import datetime as dt
import sys
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_PARSE: Mapping[str, Callable[[str], Any]] = {
    "ID": str, "String": str, "Int": int, "BigInt": int, "Float": float, "Decimal": Decimal,
    "Boolean": lambda text: {"true": True, "false": False}[text], "Date": dt.date.fromisoformat,
    "LocalDateTime": dt.datetime.fromisoformat, "DateTime": dt.datetime.fromisoformat,
    "Time": dt.time.fromisoformat,
}  # fmt: skip


class Table:
    """Rows as values to compare and as JSON to send."""

    def __init__(self, kinds: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> None:
        self.kinds = kinds
        self.rows = [
            {
                n: None if v is None else v if isinstance(v, bool) else _PARSE[kinds[n]](str(v))
                for n, v in row.items()
            }
            for row in rows
        ]
        self.sent = [orjson.dumps({n: self._shown(n, v) for n, v in row.items()}) for row in rows]

    def _shown(self, name: str, value: Any) -> Any:
        """Decimals and large numbers as JSON numbers, which lose nothing as long as text."""
        number = self.kinds[name] in ("Decimal", "BigInt") and value is not None
        return orjson.Fragment(value) if number else value

    def matching(self, tests: Sequence[Callable[[Mapping[str, Any]], bool]]) -> list[bytes]:
        """The rows that meet every test, as they are sent."""
        if not tests:
            return self.sent
        return [
            sent
            for row, sent in zip(self.rows, self.sent, strict=True)
            if all(test(row) for test in tests)
        ]

    def test(
        self, column: str, op: str, texts: Sequence[str]
    ) -> Callable[[Mapping[str, Any]], bool]:
        """A condition on one column."""
        parse = _PARSE[self.kinds[column]]
        if op in ("prefix", "contains"):
            text = texts[0]
            return lambda row: (
                row[column] is not None
                and (row[column].startswith(text) if op == "prefix" else text in row[column])
            )
        values = [parse(text) for text in texts]
        if op in ("eq", "in"):
            return lambda row: row[column] is not None and row[column] in values
        bound = values[0]
        if op == "ge":
            return lambda row: row[column] is not None and row[column] >= bound
        return lambda row: row[column] is not None and row[column] <= bound


class Held:
    """What one name serves."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.able = told["able"]
        self.tables = {name: Table(t["kinds"], t["rows"]) for name, t in told["tables"].items()}
        self.asked: list[str] = []

    def allowed(self, request: Request) -> bool:
        """Whether the request shows the secret in the way that is wanted."""
        wanted = self.able.get("auth")
        if wanted is None:
            return True
        kind, secret = wanted
        given = {
            "bearer": request.headers.get("authorization", "").removeprefix("Bearer "),
            "header": request.headers.get("x-api-key", ""),
            "query": request.query_params.get("api_key", ""),
            "basic": request.headers.get("authorization", "").removeprefix("Basic "),
        }[kind]
        if kind == "basic":
            return base64.b64decode(given).decode() == f"hub:{secret}"
        return bool(given == secret)

    def listed(self, request: Request, table: Table) -> Response:
        """One page."""
        given, tests = request.query_params, []
        for param, (column, op) in self.able.get("params", {}).items():
            if param not in given or self.able.get("sloppy") or column not in table.kinds:
                continue
            texts = given.getlist(param)
            if op == "in" and not self.able.get("repeat"):
                texts = [part for text in texts for part in text.split(",") if part]
            tests.append(table.test(column, op, texts))
        return self.page(request, table.matching(tests))

    def page(self, request: Request, found: Sequence[bytes]) -> Response:
        """Rows cut, and where the next ones are."""
        kind, given = self.able.get("paging", "none"), request.query_params
        if kind == "none":
            return Response(b"[" + b",".join(found) + b"]", media_type="application/json")
        size = min(int(given.get("size", "30")), self.able.get("most", 1000))
        skip = int(given.get("offset") or given.get("after") or "0")
        if kind == "page":
            skip = (int(given["page"]) - 1) * size
        some, rest = found[skip : skip + size], len(found) > skip + size
        tail, headers = b', "total": %d' % len(found), {}
        following = request.url.include_query_params(after=skip + size)
        if kind == "cursor":
            tail = b', "next": ' + orjson.dumps(str(skip + size) if rest else None)
        elif kind == "link" and rest:
            tail = b', "next": ' + orjson.dumps(f"?{following.query}")
        elif kind == "header" and rest:
            headers["Link"] = f'<{request.url}>; rel="self", <{following}>; rel="next last"'
        body = b'{"items": [' + b",".join(some) + b"]" + tail + b"}"
        return Response(body, media_type="application/json", headers=headers)


_HELD: dict[str, Held] = {}


def _refused(status: int) -> Response:
    return Response(b'{"error": "no"}', status, media_type="application/json")


async def _manage(request: Request) -> Response:
    name = request.path_params["name"]
    if request.method == "PUT":
        _HELD[name] = Held(orjson.loads(await request.body()))
    elif request.method == "DELETE":
        del _HELD[name]
    elif name in _HELD:
        return Response(orjson.dumps(_HELD[name].asked), media_type="application/json")
    return _refused(200)


async def _serve(request: Request) -> Response:
    held = _HELD.get(request.path_params["name"])
    if held is None:
        return _refused(503)
    _, _, rest = request.scope["raw_path"].decode().partition("/v1/")
    held.asked.append(rest + ("?" + request.url.query if request.url.query else ""))
    if rest == "openapi.json":
        return Response(orjson.dumps(held.able["document"]), media_type="application/json")
    if not held.allowed(request):
        return _refused(401)
    name, *key = request.path_params["rest"].split("/", 1)
    table = held.tables.get(name)
    if table is None:
        return _refused(404)
    if not key:
        return held.listed(request, table)
    many = held.able.get("many")
    if key == ["batch"] and many is not None:
        keys = request.query_params.getlist("keys")
        if many != "repeat":
            keys = [part for text in keys for part in text.split(many) if part]
        if len(keys) > 50:
            return _refused(400)
        found = table.matching([table.test("id", "in", keys)])
        return Response(b"[" + b",".join(found) + b"]", media_type="application/json")
    try:
        found = table.matching([table.test("id", "eq", key)])
    except ValueError:
        found = []
    return Response(found[0], media_type="application/json") if found else _refused(404)


def service() -> Starlette:
    """The application."""
    return Starlette(
        routes=[
            Route("/{name}", _manage, methods=["GET", "PUT", "DELETE"]),
            Route("/{name}/v1/{rest:path}", _serve),
        ]
    )


def main() -> None:
    """Serve on loopback until terminated."""
    from granian import Granian
    from granian.constants import Interfaces

    Granian(
        "tests.connectors.rest.service:service",
        address="127.0.0.1",
        port=int(sys.argv[1]),
        interface=Interfaces.ASGI,
        factory=True,
        websockets=False,
        log_enabled=False,
    ).serve()


if __name__ == "__main__":
    main()

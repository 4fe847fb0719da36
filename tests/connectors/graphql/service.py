"""A Strawberry server with several ways to read two tables: a process of its own.

``PUT /<name>`` gives it rows and a secret; ``/<name>/plain`` and ``/<name>/subgraph`` then serve
them over GraphQL; ``DELETE`` takes them away. It judges values with types of its own, not with the
Hub's.
"""

from __future__ import annotations

import datetime as dt
import enum
import sys
import warnings
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NewType, Self

import orjson
import strawberry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from strawberry.asgi import GraphQL
from strawberry.extensions import MaxTokensLimiter
from strawberry.schema.config import StrawberryConfig
from strawberry.types import Info

BigInt = NewType("BigInt", int)
LocalDateTime = NewType("LocalDateTime", str)
SCALARS: Mapping[object, Any] = {
    BigInt: strawberry.scalar(name="BigInt", serialize=int, parse_value=int),
    LocalDateTime: strawberry.scalar(name="LocalDateTime", serialize=str, parse_value=str),
}
_PARSE: Mapping[str, Callable[[Any], Any]] = {
    "Decimal": Decimal, "BigInt": int, "Date": dt.date.fromisoformat,
    "DateTime": dt.datetime.fromisoformat, "Time": dt.time.fromisoformat,
}  # fmt: skip


@strawberry.enum
class Sex(enum.Enum):
    """Codes as an enum."""

    M = strawberry.enum_value("m", name="m")
    F = strawberry.enum_value("f", name="f")
    X = strawberry.enum_value("x", name="x")


@strawberry.federation.type(keys=["id"])
class Thing:
    """A row."""

    id: int
    code: strawberry.ID | None = None
    name: str | None = None
    amount: Decimal | None = None
    ratio: float | None = None
    flag: bool | None = None
    day: dt.date | None = None
    at: LocalDateTime | None = None
    stamp: dt.datetime | None = None
    clock: dt.time | None = None
    big: BigInt | None = None
    parent: int | None = None
    sex: Sex | None = None

    @classmethod
    def resolve_reference(cls, info: Info, id: int) -> Self | None:
        """The row that a representation names."""
        found: Self | None = next((row for row in rows(info, "things") if row.id == id), None)
        return found


@strawberry.type
class PageInfo:
    """Of Relay."""

    end_cursor: str | None
    has_next_page: bool


@strawberry.type
class Edge:
    """Of Relay."""

    node: Thing


@strawberry.type
class Connection:
    """Of Relay."""

    edges: list[Edge]
    page_info: PageInfo


@strawberry.type
class Page:
    """A page and how many there are in all."""

    items: list[Thing]
    total: int


@strawberry.input
class Texts:
    """Conditions on a text."""

    eq: str | None = None
    in_: list[str] | None = strawberry.field(name="in", default=None)
    starts_with: str | None = None
    contains: str | None = None


@strawberry.input
class Numbers:
    """Conditions on a number."""

    eq: Decimal | None = None
    gte: Decimal | None = None
    lte: Decimal | None = None


@strawberry.input
class Where:
    """Conditions, all of which must hold."""

    id: list[int] | None = None
    same_id: int | None = None
    name: Texts | None = None
    amount: Numbers | None = None
    day: dt.date | None = None
    flag: bool | None = None
    sex: Sex | None = None


class Held:
    """What one name serves."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.secret: str | None = told.get("secret")
        self.asked: list[str] = []
        self.tables = {
            name: [_row(table["kinds"], row) for row in table["rows"]]
            for name, table in told["tables"].items()
        }


def _row(kinds: Mapping[str, str], row: Mapping[str, Any]) -> Thing:
    made = {}
    for name, value in row.items():
        parse = _PARSE.get(kinds[name], lambda held: held)
        made[name] = None if value is None else parse(value)
    if made.get("sex") is not None:
        made["sex"] = Sex(made["sex"])
    return Thing(**made)


def rows(info: Info, table: str) -> list[Any]:
    """The rows of the server that was asked."""
    held: Held = info.context["held"]
    return held.tables[table]


def _matches(row: Thing, where: Where | None) -> bool:
    if where is None:
        return True
    name, amount = where.name, where.amount
    tests = [
        where.id is None or row.id in where.id,
        where.same_id is None or row.id == where.same_id,
        where.day is None or row.day == where.day,
        where.flag is None or row.flag == where.flag,
        where.sex is None or row.sex == where.sex,
    ]
    if name is not None:
        tests += [
            name.eq is None or row.name == name.eq,
            name.in_ is None or row.name in name.in_,
            name.starts_with is None or (row.name or "\0").startswith(name.starts_with),
            name.contains is None or name.contains in (row.name or "\0"),
        ]
    if amount is not None:
        held = row.amount
        tests += [
            amount.eq is None or held == amount.eq,
            amount.gte is None or (held is not None and held >= amount.gte),
            amount.lte is None or (held is not None and held <= amount.lte),
        ]
    return all(tests)


def _fields(table: str) -> dict[str, Any]:
    """The query fields of one table."""

    def whole(info: Info) -> list[Thing]:
        return rows(info, table)

    def some(
        info: Info, where: Where | None = None, limit: int = 50, offset: int = 0
    ) -> list[Thing]:
        found = [row for row in rows(info, table) if _matches(row, where)]
        return found[offset : offset + min(limit, 70)]

    def paged(info: Info, page: int = 1, size: int = 20) -> Page:
        found = rows(info, table)
        return Page(items=found[(page - 1) * size : page * size], total=len(found))

    def connected(
        info: Info, where: Where | None = None, first: int = 10, after: str | None = None
    ) -> Connection:
        found = [row for row in rows(info, table) if _matches(row, where)]
        start = int(after or 0)
        end = start + min(first, 80)
        return Connection(
            edges=[Edge(node=row) for row in found[start:end]],
            page_info=PageInfo(end_cursor=str(end), has_next_page=len(found) > end),
        )

    def one(info: Info, id: int) -> Thing | None:
        return next((row for row in rows(info, table) if row.id == id), None)

    def many(info: Info, ids: list[int]) -> list[Thing | None]:
        held = {row.id: row for row in rows(info, table)}
        return [held.get(number) for number in ids]

    def of_parent(info: Info, parent: int) -> list[Thing]:
        return [row for row in rows(info, table) if row.parent == parent]

    made = {
        f"all{table.capitalize()}": whole, table: some, f"{table}Page": paged,
        f"{table}Connection": connected, f"{table}ById": one, f"{table}ByIds": many,
        f"{table}Of": of_parent,
    }  # fmt: skip
    return {name: strawberry.field(resolver=held, name=name) for name, held in made.items()}


Query = strawberry.type(
    type("Query", (), {**_fields("things"), **_fields("children"), "__annotations__": {}}),
    name="Query",
)
_CONFIG = StrawberryConfig(scalar_map=dict(SCALARS))
_LIMITS = [lambda: MaxTokensLimiter(max_token_count=20_000)]
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the type's federation directives have no meaning there
    PLAIN = strawberry.Schema(query=Query, config=_CONFIG, extensions=_LIMITS)
SUBGRAPH = strawberry.federation.Schema(query=Query, config=_CONFIG, extensions=_LIMITS)

_HELD: dict[str, Held] = {}


class Door(GraphQL[Any, Any]):
    """The server's endpoint: each name has its own rows."""

    async def get_context(self, request: Any, response: Any) -> Any:
        """The rows of the name."""
        return {"held": _HELD[request.path_params["name"]]}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Refuse whom the secret is not known to."""
        request = Request(scope)
        held = _HELD.get(request.path_params["name"])
        if held is None:
            await Response(status_code=503)(scope, receive, send)
            return
        held.asked.append(request.method)
        if held.secret and request.headers.get("authorization") != f"Bearer {held.secret}":
            await Response(status_code=401)(scope, receive, send)
            return
        await super().__call__(scope, receive, send)


async def _manage(request: Request) -> Response:
    name = request.path_params["name"]
    if request.method == "PUT":
        _HELD[name] = Held(orjson.loads(await request.body()))
    elif request.method == "DELETE":
        del _HELD[name]
    elif name in _HELD:
        return Response(orjson.dumps(_HELD[name].asked), media_type="application/json")
    return Response(b"{}", media_type="application/json")


def service() -> Starlette:
    """The application."""
    return Starlette(
        routes=[
            Route("/{name}", _manage, methods=["GET", "PUT", "DELETE"]),
            Route("/{name}/plain", Door(PLAIN)),
            Route("/{name}/subgraph", Door(SUBGRAPH)),
        ]
    )


def main() -> None:
    """Serve on loopback until terminated."""
    from granian import Granian
    from granian.constants import Interfaces

    Granian(
        "tests.connectors.graphql.service:service",
        address="127.0.0.1",
        port=int(sys.argv[1]),
        interface=Interfaces.ASGI,
        factory=True,
        websockets=False,
        log_enabled=False,
    ).serve()


if __name__ == "__main__":
    main()

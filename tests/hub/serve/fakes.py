"""A hand-written hub: graphql-core answers, one token is known."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
from graphql import GraphQLError, GraphQLSyntaxError, build_schema, execute, parse, validate
from graphql.execution.values import get_variable_values
from graphql.utilities import get_operation_ast

from auth.browser import RawHeaders
from hub.query.envelope import Answer, AnswerKind
from hub.query.request import Request
from schema.errors import HubError
from schema.model.subject import Subject

TOKEN = "good-token"
AUTHORIZATION = {"Authorization": f"Bearer {TOKEN}"}
SUBJECT = Subject(id="app:test", app="test")
SDL = """
type Query { hello: String, slow(ms: Int = 100): String, broken: String, echo(by: By): String,
  purpose: String, zone: String }
type Mutation { never: String }
input By @oneOf { id: ID, name: String }
"""


class FakePipeline:
    """Executes with graphql-core; `slow` waits, `broken` fails, `crash` as a text raises."""

    def __init__(self) -> None:
        self.schema = build_schema(SDL)
        self.seen: list[Request] = []
        self.entered = asyncio.Event()

    async def answer(self, request: Request) -> Answer:
        self.seen.append(request)
        self.entered.set()
        if "__crash" in request.text:
            raise RuntimeError("secret of a source")
        try:
            document = parse(request.text, max_tokens=2_000)
        except (GraphQLSyntaxError, RecursionError):
            return _refuse("GRAPHQL_PARSE_FAILED", "the document does not parse")
        if validate(self.schema, document):
            return _refuse("GRAPHQL_VALIDATION_FAILED", "the document is not valid")
        operation = get_operation_ast(document, request.operation_name)
        if operation is None:
            return _refuse("OPERATION_NOT_FOUND", "no such operation")
        values = get_variable_values(
            self.schema, operation.variable_definitions or (), dict(request.variables)
        )
        if isinstance(values, list):
            return _refuse("BAD_USER_INPUT", "a variable has a wrong value")
        result = execute(
            self.schema,
            document,
            Root(request),
            variable_values=dict(request.variables),
            operation_name=request.operation_name,
        )
        result = await result if hasattr(result, "__await__") else result
        body: dict[str, Any] = {"data": result.data}
        if result.errors:
            body["errors"] = [error.formatted for error in result.errors]
        return _answer(body, "partial" if result.errors else "data")


class Root:
    """The root value."""

    def __init__(self, request: Request) -> None:
        self.purpose = request.purpose
        self.zone = request.network_zone
        self.hello = "world"

    async def slow(self, _info: Any, ms: int) -> str:
        await asyncio.sleep(ms / 1000)
        return "done"

    def broken(self, _info: Any) -> str:
        raise GraphQLError("broken", extensions={"code": "SOURCE_UNAVAILABLE"})

    def echo(self, _info: Any, by: Mapping[str, Any]) -> str:
        return next(iter(by))


def _refuse(code: str, message: str) -> Answer:
    error = {"message": message, "extensions": {"code": code}}
    return _answer({"errors": [error]}, "request_error", code)


def _answer(body: dict[str, Any], kind: AnswerKind, code: str | None = None) -> Answer:
    return Answer(body=orjson.dumps(body), kind=kind, code=code, operation_id="1")


class FakeIdentifier:
    """Knows one token; `fresh-token` is learnt by asking."""

    def known(self, token: str) -> Subject | None:
        return SUBJECT if token == TOKEN else None

    async def visited(self, headers: RawHeaders) -> Subject:
        raise HubError("UNAUTHENTICATED", "no valid credentials")

    async def identify(self, scheme: str, token: str, certificate: str | None = None) -> Subject:
        if scheme == "bearer" and token == "fresh-token":
            return SUBJECT
        raise HubError("UNAUTHENTICATED", "no valid credentials")


class FakeHub:
    """Everything the doors need."""

    def __init__(self, *, watched: Sequence[Path] = ()) -> None:
        self.pipeline = FakePipeline()
        self.identifier = FakeIdentifier()
        self.checks = {"sources": True}
        self.reloads = 0
        self.opened = False
        self.closed = False
        self._watched = watched

    async def open(self) -> None:
        self.opened = True

    async def close(self) -> None:
        self.closed = True

    async def reload(self) -> None:
        self.reloads += 1

    async def ready(self) -> Mapping[str, bool]:
        return self.checks

    def metrics(self) -> tuple[bytes, str]:
        return f"reloads {self.reloads}\n".encode(), "text/plain; version=0.0.4"

    def watched(self) -> Sequence[Path]:
        return self._watched

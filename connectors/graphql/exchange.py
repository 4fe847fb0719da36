"""One GraphQL request and what comes back: whole data, or an error without the server's text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import orjson

from connectors.http.client import Client
from connectors.http.rows import bad
from schema.errors import SourceError

LONGEST_ADDRESS = 6000
"""Characters of a question sent by GET; a longer one is sent by POST."""
Method = Literal["POST", "GET"]
HEADERS: Mapping[str, str] = {
    "Accept": "application/graphql-response+json, application/json;q=0.9",
    "Apollo-Require-Preflight": "true",
    "GraphQL-Require-Preflight": "true",
}
_CREDENTIALS = frozenset({"UNAUTHENTICATED", "FORBIDDEN", "UNAUTHORIZED", "ACCESS_DENIED"})
_BUSY = frozenset({"RATE_LIMITED", "THROTTLED", "TOO_MANY_REQUESTS", "OVERLOADED", "SOURCE_BUSY"})
_SLOW = frozenset({"TIMEOUT", "GATEWAY_TIMEOUT", "REQUEST_TIMEOUT", "DEADLINE_EXCEEDED"})
_WRONG = frozenset({
    "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT", "BAD_REQUEST",
    "VALIDATION_FAILED", "PARSE_FAILED", "INTROSPECTION_DISABLED", "OPERATION_RESOLUTION_FAILURE",
    "PERSISTED_QUERY_NOT_FOUND",
})  # fmt: skip


class Exchange:
    """Asks one server."""

    def __init__(self, client: Client, method: Method) -> None:
        self._client = client
        self._method = method

    async def ask(
        self, text: str, variables: Mapping[str, Any], deadline: float
    ) -> Mapping[str, Any]:
        """The whole data of an operation; raises `SourceError`."""
        data, _ = await self.weighed(text, variables, deadline)
        return data

    async def weighed(
        self, text: str, variables: Mapping[str, Any], deadline: float
    ) -> tuple[Mapping[str, Any], int]:
        """The whole data of an operation, and the bytes it came in; raises `SourceError`.

        Data with an error beside it is an error: a null in it may stand for what failed.
        """
        answer = None
        if self._method == "GET":
            pairs = [("query", text)]
            if variables:
                pairs.append(("variables", orjson.dumps(variables).decode()))
            if sum(len(value) for _, value in pairs) <= LONGEST_ADDRESS:
                answer = await self._client.follow(self._client.base, pairs, deadline)
        if answer is None:
            content = orjson.dumps({"query": text, "variables": variables})
            answer = await self._client.post(content, deadline)
        if not answer.found or not isinstance(answer.body, dict):
            raise bad("the source is no GraphQL server", "compare `connect.url` with its address")
        errors, data = answer.body.get("errors"), answer.body.get("data")
        if errors:
            raise _failure(errors, data)
        if not isinstance(data, dict):
            raise bad("the source sent no data")
        return data, answer.size


def _failure(errors: Any, data: Any) -> SourceError:
    """The error for what a server says went wrong; only its codes are looked at."""
    codes = set()
    for one in errors[:100] if isinstance(errors, list) else ():
        told = one.get("extensions") if isinstance(one, dict) else None
        code = told.get("code") if isinstance(told, dict) else None
        if isinstance(code, str):
            codes.add(code.upper().replace("-", "_"))
    if codes & _CREDENTIALS:
        return SourceError(
            "SOURCE_UNAVAILABLE", "the source refused the hub's credentials",
            hint="compare `connect.auth` with what the service wants",
        )  # fmt: skip
    if codes & _BUSY:
        return SourceError("SOURCE_BUSY", "the source asks for fewer requests")
    if codes & _SLOW:
        return SourceError("SOURCE_TIMEOUT", "the source was too slow")
    if codes & _WRONG or (not codes and not isinstance(data, dict)):
        return bad(
            "the source refused the request", "compare the tables of the fragment with its schema"
        )
    return SourceError("SOURCE_UNAVAILABLE", "the source answered with an error")

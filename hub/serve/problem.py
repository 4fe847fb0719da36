"""Errors as HTTP: status tables, bodies, header lists made once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from hub.serve.media import GRAPHQL, JSON, Media
from hub.serve.options import StatusTable
from schema.errors import CODES, HubError

Headers = list[tuple[bytes, bytes]]
SECURITY: tuple[tuple[bytes, bytes], ...] = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"vary", b"accept, origin"),
)
CHALLENGE = (b"www-authenticate", b'Bearer realm="hub", ApiKey realm="hub"')
PARTIAL_SUCCESS = 294
_NOT_PERMITTED = frozenset({401, 403})


def error_body(error: HubError, **extensions: Any) -> bytes:
    """A GraphQL response of one request error: `errors` and no `data`."""
    return orjson.dumps({"errors": [error_object(error, **extensions)]})


def error_object(error: HubError, **extensions: Any) -> Mapping[str, Any]:
    """One GraphQL error; the hint goes along, the cause never does."""
    said: dict[str, Any] = {"code": error.code}
    if error.info.retryable:
        said["retryable"] = True
    if error.hint:
        said["hint"] = error.hint
    said.update(extensions)
    return {"message": error.message, "extensions": said}


def status_of(code: str | None, table: StatusTable) -> int:
    """The HTTP status of a request error raised by the door itself."""
    status = CODES[code if code in CODES else "INTERNAL"].status
    return 400 if status == 422 and table == "classic" else status


def answer_status(kind: str, code: str | None, media: Media, table: StatusTable) -> int:
    """The HTTP status of an answer of the pipeline.

    `classic` keeps what clients of `application/json` rely on: 200 for every operation that was
    understood as one, save what is not permitted (401, 403) and what may be retried (5xx).
    """
    if kind == "data":
        return 200
    if kind == "partial":
        return PARTIAL_SUCCESS if table == "2026" else 200
    status = status_of(code, table)
    if table == "classic" and media == JSON and status < 500 and status not in _NOT_PERMITTED:
        return 200
    return status


class Heads:
    """The start messages of responses, made once and sent again and again.

    Invariant: nobody changes a message after it was made; servers only read them.
    """

    def __init__(self, table: StatusTable) -> None:
        self._table = table
        self._starts: dict[tuple[int, Media], dict[str, Any]] = {}
        self._answers: dict[tuple[str, str | None, Media], dict[str, Any]] = {}

    def start(self, status: int, media: Media) -> dict[str, Any]:
        """The start of a JSON response."""
        found = self._starts.get((status, media))
        if found is None:
            found = start_message(status, self.list_for(status, media))
            self._starts[status, media] = found
        return found

    def answer(self, kind: str, code: str | None, media: Media) -> dict[str, Any]:
        """The start of an answer's response."""
        found = self._answers.get((kind, code, media))
        if found is None:
            found = self.start(answer_status(kind, code, media, self._table), media)
            self._answers[kind, code, media] = found
        return found

    def list_for(self, status: int, media: Media) -> Headers:
        """The headers of a JSON response. The `2026` draft: a legacy client gets its own media
        type only with a 2xx."""
        if self._table == "2026" and not 200 <= status < 300:
            media = GRAPHQL
        headers: Headers = [(b"content-type", f"{media}; charset=utf-8".encode()), *SECURITY]
        if status == 401:
            headers.append(CHALLENGE)
        return headers


def start_message(status: int, headers: Sequence[tuple[bytes, bytes]]) -> dict[str, Any]:
    """An ASGI response start."""
    return {"type": "http.response.start", "status": status, "headers": headers}

"""The door where another hub asks, for itself, what the link shows it: to draft a fragment from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog

from hub.query.request import Request
from hub.serve.collaborators import Served
from hub.serve.door import Scope, Send
from hub.serve.guard import (
    LINK,
    ClientGone,
    Receive,
    check_encoding,
    check_length,
    linked_by,
    pick_headers,
    read_body,
)
from hub.serve.media import JSON
from hub.serve.options import DoorOptions
from hub.serve.problem import Heads, error_body, status_of
from schema.errors import HubError
from schema.graph.build import Face
from schema.graph.described import described

log = structlog.get_logger("hub.serve")

_MOST_BYTES = 1_000
GREETING = b'{"greet":true}'


class LinkDoor:
    """`/graphql/link`, for hubs alone."""

    def __init__(self, hub: Served, options: DoorOptions) -> None:
        self._hub = hub
        self._options = options
        self._heads = Heads(options.status_table)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever it is; never raises for what a client sent."""
        try:
            status, body = 200, await self._answered(pick_headers(scope["headers"]), receive)
        except HubError as error:
            status, body = status_of(error.code, self._options.status_table), error_body(error)
        except ClientGone:
            status, body = 400, error_body(HubError("BAD_REQUEST", "the body did not arrive whole"))
        except Exception as error:
            log.exception("door.failed", kind=type(error).__name__)
            status, body = 500, error_body(HubError("INTERNAL", "an internal error"))
        await send(self._heads.start(status, JSON))
        await send({"type": "http.response.body", "body": body})

    async def _answered(self, found: Mapping[bytes, bytes], receive: Receive) -> bytes:
        check_encoding(found)
        check_length(found, _MOST_BYTES)
        length = found.get(b"content-length")
        pieces: list[bytes] = []

        async def read() -> bytes:
            timeout_s = self._options.body_timeout_s
            pieces.append(await read_body(receive, _MOST_BYTES, timeout_s, length))
            return pieces[-1]

        token = linked_by(found.get(b"authorization", b""))
        linked = await self._hub.identifier.linked(token, read)
        if pieces[-1] == GREETING:
            return b'{"ok":true}'
        request = Request(text="", subject=linked.subject, trace=linked.trace, door="link")
        return (await self._hub.pipeline.show(request, _told)).body


def _told(face: Face) -> dict[str, Any]:
    return {"types": described(face)}


def is_linked(scope: Scope) -> bool:
    """Whether a request shows the credentials of another hub."""
    return any(
        name == b"authorization" and value[: len(LINK)].lower() == LINK
        for name, value in scope["headers"]
    )

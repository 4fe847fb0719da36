"""`/control/graphql`: the control API over HTTP, for staff with duties alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

import orjson
import strawberry
import structlog
from graphql import GraphQLError
from sqlalchemy import Engine
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hub.control.areas import known_duties
from hub.control.context import Context, check_staff
from hub.control.schema import control_schema
from hub.serve.certificates import Certificates
from hub.serve.collaborators import Identifying
from hub.serve.credentials import identified
from hub.serve.decode import Parts, read_json, read_parts
from hub.serve.guard import ClientGone, Room, check_encoding, check_length, pick_headers, read_body
from hub.serve.media import JSON, is_json
from hub.serve.problem import CHALLENGE, SECURITY, error_body, error_object, status_of
from hub.settings import Settings
from schema.errors import HubError

log = structlog.get_logger("hub.serve")

PATH = "/control/graphql"
_MOST = 32
"""Requests in one worker at once."""


class Controlled(Protocol):
    """What the door needs of a hub."""

    @property
    def identifier(self) -> Identifying: ...
    @property
    def database(self) -> Engine: ...


def control_routes(hub: Controlled, settings: Settings) -> Sequence[Route]:
    """The control door, where there is anything to control."""
    if not known_duties(settings):
        return ()
    door = ControlDoor(hub, settings)
    return (Route(PATH, door.answer, methods=["POST"]),)


class ControlDoor:
    """One worker's. It takes POST alone, and credentials from the header, or a browser's session
    with what no other origin's page can send."""

    def __init__(self, hub: Controlled, settings: Settings) -> None:
        self._hub = hub
        self._settings = settings
        self._schema: strawberry.Schema = control_schema()
        self._checking = asyncio.Semaphore(1)
        self._room = Room(_MOST)
        listen = settings.listen
        self._certificates = Certificates(listen.certificate_header, listen.trusted_proxies)

    async def answer(self, request: Request) -> Response:
        """One answer; never raises for what a client sent."""
        try:
            self._room.enter()
            try:
                context, parts = await self._asked(request)
                return _response(await self._run(context, parts))
            finally:
                self._room.leave()
        except HubError as error:
            return _response(error_body(error), status_of(error.code, "2026"))
        except ClientGone:
            return _response(error_body(HubError("BAD_REQUEST", "the body is not whole")), 400)
        except Exception as error:
            log.exception("door.failed", kind=type(error).__name__)
            return _response(error_body(HubError("INTERNAL", "an internal error")), 500)

    async def _asked(self, request: Request) -> tuple[Context, Parts]:
        found = pick_headers(request.scope["headers"])
        content_type = found.get(b"content-type", b"")
        if not is_json(content_type.decode("latin-1")):
            raise HubError("UNSUPPORTED_MEDIA_TYPE", f"the body is not {JSON} in UTF-8")
        check_encoding(found)
        limits = self._settings.limits
        check_length(found, limits.body_bytes)
        subject = await identified(
            self._hub.identifier, found.get(b"authorization"), request.scope, self._certificates
        )
        check_staff(subject, self._settings)
        body = await read_body(
            request.receive, limits.body_bytes, limits.body_timeout_s, found.get(b"content-length")
        )
        parts = read_parts(read_json(body, limits.variables_depth))
        context = Context(subject, self._settings, self._hub.database, checking=self._checking)
        return context, parts

    async def _run(self, context: Context, parts: Parts) -> bytes:
        if parts.query is None:
            raise HubError("BAD_REQUEST", "the request has no `query`")
        result = await self._schema.execute(
            parts.query,
            variable_values=dict(parts.variables or {}),
            operation_name=parts.operation_name,
            context_value=context,
        )
        body: dict[str, Any] = {}
        if result.errors:
            body["errors"] = [_error(one) for one in result.errors]
        if result.data is not None or not result.errors:
            body["data"] = result.data
        return orjson.dumps(body)


def _error(error: GraphQLError) -> dict[str, Any]:
    """An error of the document as graphql-core says it, ours with its code, others as internal."""
    cause = error.original_error
    if isinstance(cause, HubError):
        told = dict(error_object(cause))
    elif cause is None:
        told = dict(error_object(HubError("GRAPHQL_VALIDATION_FAILED", error.message)))
    else:
        log.error("door.failed", kind=type(cause).__name__)
        told = dict(error_object(HubError("INTERNAL", "an internal error")))
    if error.path is not None:
        told["path"] = error.path
    return told


def _response(body: bytes, status: int = 200) -> Response:
    headers = {name.decode(): value.decode() for name, value in SECURITY}
    if status == 401:
        headers[CHALLENGE[0].decode()] = CHALLENGE[1].decode()
    return Response(body, status, media_type=JSON, headers=headers)

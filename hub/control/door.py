"""`/control/graphql`: the control API over HTTP, for staff with duties alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec
import orjson
import strawberry
import structlog
from graphql import GraphQLError
from sqlalchemy import Engine
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.types.graphql import OperationType

from hub.control.areas import known_duties
from hub.control.changes import Changes
from hub.control.context import Context, check_staff
from hub.control.repeat import HEADER, Repeats
from hub.control.schema import control_schema
from hub.control.stream import MEDIA, asks_stream, streamed
from hub.loading import Loaded
from hub.query.profile import Profile
from hub.serve.certificates import Certificates
from hub.serve.collaborators import Identifying
from hub.serve.credentials import identified
from hub.serve.decode import Parts, read_json, read_parts
from hub.serve.guard import ClientGone, Room, check_encoding, check_length, pick_headers, read_body
from hub.serve.media import JSON, is_json
from hub.serve.problem import CHALLENGE, SECURITY, error_body, error_object, status_of
from hub.settings import Settings
from schema.errors import HubError
from schema.model.subject import Subject

log = structlog.get_logger("hub.serve")

PATH = "/control/graphql"
_MOST = 32
"""Requests in one worker at once."""


_ANSWERED = (OperationType.QUERY, OperationType.MUTATION)


class Controlled(Protocol):
    """What the door needs of a hub."""

    @property
    def identifier(self) -> Identifying: ...
    @property
    def database(self) -> Engine: ...
    @property
    def loaded(self) -> Loaded: ...


def control_door(
    hub: Controlled, settings: Settings, *, clock: Callable[[], float] = time.time
) -> ControlDoor | None:
    """The control door, where there is anything to control."""
    return ControlDoor(hub, settings, clock) if known_duties(settings) else None


class ControlDoor:
    """One worker's. It takes POST alone, and credentials from the header, or a browser's session
    with what no other origin's page can send."""

    def __init__(
        self, hub: Controlled, settings: Settings, clock: Callable[[], float] = time.time
    ) -> None:
        self._hub = hub
        self._clock = clock
        self._settings = settings
        self._schema: strawberry.Schema = control_schema()
        self._checking = asyncio.Semaphore(1)
        self._changes: Changes | None = None
        self.room = Room(_MOST)
        self.routes: Sequence[Route] = (Route(PATH, self.answer, methods=["POST"]),)
        profile = Profile(settings.instance.crypto_profile)
        self._repeats = Repeats(profile, Path(settings.state.directory))
        listen = settings.listen
        self._certificates = Certificates(listen.certificate_header, listen.trusted_proxies)

    async def answer(self, request: Request) -> Response:
        """One answer; never raises for what a client sent."""
        try:
            self.room.enter()
            try:
                context, parts, found = await self._asked(request)
                key = found.get(HEADER)
                if asks_stream(found.get(b"accept")):
                    return self._stream(context, parts, request)
                if key is None:
                    return _response(await self._run(context, parts))
                return _response(
                    await self._repeats.once(context, key, parts, lambda: self._run(context, parts))
                )
            finally:
                self.room.leave()
        except HubError as error:
            return _response(error_body(error), status_of(error.code, "2026"))
        except ClientGone:
            return _response(error_body(HubError("BAD_REQUEST", "the body is not whole")), 400)
        except Exception as error:
            log.exception("door.failed", kind=type(error).__name__)
            return _response(error_body(HubError("INTERNAL", "an internal error")), 500)

    async def _asked(self, request: Request) -> tuple[Context, Parts, Mapping[bytes, bytes]]:
        found = pick_headers(request.scope["headers"])
        content_type = found.get(b"content-type", b"")
        if not is_json(content_type.decode("latin-1")):
            raise HubError("UNSUPPORTED_MEDIA_TYPE", f"the body is not {JSON} in UTF-8")
        check_encoding(found)
        limits = self._settings.limits
        check_length(found, limits.body_bytes)
        subject = await self._who(request, found)
        check_staff(subject, self._settings)
        body = await read_body(
            request.receive, limits.body_bytes, limits.body_timeout_s, found.get(b"content-length")
        )
        parts = read_parts(read_json(body, limits.variables_depth))
        if self._changes is None:
            self._changes = Changes(self._hub.database, self._settings)
        context = Context(
            subject,
            self._settings,
            self._hub.database,
            checking=self._checking,
            changes=self._changes,
            loaded=lambda: self._hub.loaded,
            clock=self._clock,
        )
        return context, parts, found

    async def _who(self, request: Request, found: Mapping[bytes, bytes]) -> Subject:
        header = found.get(b"authorization")
        return await identified(self._hub.identifier, header, request.scope, self._certificates)

    async def _run(self, context: Context, parts: Parts) -> bytes:
        if parts.query is None:
            raise HubError("BAD_REQUEST", "the request has no `query`")
        try:
            result = await self._schema.execute(
                parts.query,
                variable_values=dict(parts.variables or {}),
                operation_name=parts.operation_name,
                context_value=context,
                allowed_operation_types=_ANSWERED,
            )
        except InvalidOperationTypeError as error:
            raise _other_kind() from error
        return _body(result)

    def _stream(self, context: Context, parts: Parts, request: Request) -> Response:
        """A subscription's events, for as long as the caller is who it was."""

        async def results() -> AsyncIterator[bytes]:
            found = await self._schema.subscribe(
                parts.query,
                variable_values=dict(parts.variables or {}),
                operation_name=parts.operation_name,
                context_value=context,
            )
            try:
                async for one in found:
                    yield _body(one)
            finally:
                await found.aclose()

        async def good() -> bool:
            if self.room.closing:
                return False
            try:
                found = pick_headers(request.scope["headers"])
                return _same(await self._who(request, found), context.subject)
            except HubError:
                return False

        headers = {name.decode(): value.decode() for name, value in SECURITY}
        events = streamed(results(), good)
        return StreamingResponse(events, media_type=MEDIA, headers=headers)


def _same(one: Subject, other: Subject) -> bool:
    """Whether somebody is who they were; a session's end moves on as it is used."""
    return msgspec.structs.replace(one, expires_at=other.expires_at) == other


def _body(result: Any) -> bytes:
    """What came of an operation, or of one event."""
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
    elif isinstance(cause, InvalidOperationTypeError):
        told = dict(error_object(_other_kind()))
    elif cause is None:
        told = dict(error_object(HubError("GRAPHQL_VALIDATION_FAILED", error.message)))
    else:
        log.error("door.failed", kind=type(cause).__name__)
        told = dict(error_object(HubError("INTERNAL", "an internal error")))
    if error.path is not None:
        told["path"] = error.path
    return told


def _other_kind() -> HubError:
    hint = f"subscriptions, and they alone, are asked for with `Accept: {MEDIA}`"
    return HubError("BAD_REQUEST", "another kind of operation", hint=hint)


def _response(body: bytes, status: int = 200) -> Response:
    headers = {name.decode(): value.decode() for name, value in SECURITY}
    if status == 401:
        headers[CHALLENGE[0].decode()] = CHALLENGE[1].decode()
    return Response(body, status, media_type=JSON, headers=headers)

"""The GraphQL door: one HTTP request in, one answer out, to the letter of GraphQL over HTTP.

A raw ASGI endpoint: the way of a known operation is a few dictionary look-ups and two sends.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from time import perf_counter
from typing import Any

import structlog

from auth.link import Linked
from hub.query.envelope import Answer
from hub.query.request import Request
from hub.serve.certificates import Certificates
from hub.serve.collaborators import Served
from hub.serve.credentials import identified
from hub.serve.decode import (
    Parts,
    read_case,
    read_json,
    read_parts,
    read_purpose,
    read_url,
    read_wishes,
)
from hub.serve.documents import Documents, Registered, Seen
from hub.serve.guard import (
    LINK,
    PREFLIGHT,
    ClientGone,
    Receive,
    Room,
    check_encoding,
    check_length,
    linked_by,
    pick_headers,
    read_body,
)
from hub.serve.media import GRAPHQL, JSON, Media, Wish, is_json, read_accept
from hub.serve.operations import writes_or_streams
from hub.serve.options import DoorOptions
from hub.serve.problem import Headers, Heads, error_body, start_message, status_of
from hub.serve.zones import Zones
from hub.telemetry.trace import trace_of
from schema.errors import HubError
from schema.model.subject import Subject

log = structlog.get_logger("hub.serve")

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Observe = Callable[[str, str | None, float], None]
"""Told of every answer: outcome, code, seconds."""
Page = Callable[[Scope, Receive, Send], Awaitable[None]]

NOTHING: frozenset[str] = frozenset()
_KNOWN_HEADERS = 1_024
_CORS_HEADERS = b"authorization, content-type, hub-purpose, hub-case, graphql-require-preflight"


class NotAllowedError(HubError):
    """A method that cannot do what was asked; `allow` names those that can."""

    def __init__(self, message: str, allow: bytes) -> None:
        super().__init__("METHOD_NOT_ALLOWED", message)
        self.allow = allow


class GraphQLDoor:
    """`/graphql`."""

    def __init__(
        self,
        hub: Served,
        options: DoorOptions,
        *,
        registered: Registered,
        explorer: Page | None = None,
        observe: Observe | None = None,
    ) -> None:
        self._hub = hub
        self._options = options
        seen = Seen(options.apq_max_documents, options.apq_max_bytes) if options.apq else None
        self._documents = Documents(registered, mode=options.documents, seen=seen)
        self._explorer = explorer
        self._observe = observe or _nobody
        self._heads = Heads(options.status_table)
        self._allow = b"GET, POST, OPTIONS" if options.get else b"POST, OPTIONS"
        self._origins = frozenset(origin.encode() for origin in options.cors_origins)
        self._wishes: dict[bytes | None, Wish] = {}
        self._types: dict[bytes, bool] = {}
        self._zones = Zones(options.zones, options.trusted_proxies) if options.zones else None
        self._certificates = Certificates(options.certificate_header, options.trusted_proxies)
        self.room = Room(options.in_flight_max)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever it is; never raises for what a client sent."""
        media: Media = JSON
        extra: Headers = []
        try:
            found = pick_headers(scope["headers"])
            if self._origins and (origin := found.get(b"origin")) in self._origins:
                extra.append((b"access-control-allow-origin", origin or b""))
            wish = self._wish(found.get(b"accept"))
            media = wish.media or GRAPHQL
            method = scope["method"]
            if method == "POST":
                body, start = await self._post(scope, receive, found, wish)
            elif method == "GET" and wish.html and self._explorer is not None:
                await self._explorer(scope, receive, send)
                return
            elif method == "GET" and self._options.get:
                body, start = await self._get(scope, found, wish)
            elif method == "OPTIONS":
                body, start = b"", self._options_start(extra)
            else:
                raise NotAllowedError("this method is not allowed here", self._allow)
        except HubError as error:
            self._observe("refused", error.code, 0.0)
            body, start = error_body(error), self._error_start(error, media)
        except ClientGone:
            # gone, or its chunks are no chunks: the server below tells the two alike
            broken = HubError("BAD_REQUEST", "the body did not arrive whole")
            body, start = error_body(broken), self._error_start(broken, media)
            start = start_message(start["status"], [*start["headers"], (b"connection", b"close")])
        except Exception as error:
            log.exception("door.failed", kind=type(error).__name__)
            self._observe("failed", "INTERNAL", 0.0)
            failed = HubError("INTERNAL", "an internal error")
            body, start = error_body(failed), self._error_start(failed, media)
        if extra:
            start = start_message(start["status"], [*start["headers"], *extra])
        await send(start)
        await send({"type": "http.response.body", "body": body})

    # -- ways in

    async def _post(
        self, scope: Scope, receive: Receive, found: Mapping[bytes, bytes], wish: Wish
    ) -> tuple[bytes, dict[str, Any]]:
        if wish.media is None:
            raise HubError("NOT_ACCEPTABLE", f"only {GRAPHQL} and {JSON} are served")
        content_type = found.get(b"content-type")
        if content_type is None or not self._is_json(content_type):
            raise HubError("UNSUPPORTED_MEDIA_TYPE", f"the body is not {JSON} in UTF-8")
        check_encoding(found)
        options = self._options
        check_length(found, options.max_body_bytes)
        self._check_uri(scope)
        shown = found.get(b"authorization")
        linked = None
        if shown is None or shown[: len(LINK)].lower() != LINK:
            subject = await self._subject(shown, scope)
            body = await self._body(receive, found)
        else:
            # the token covers the body, which is read once it is known whose the token is
            pieces: list[bytes] = []

            async def read() -> bytes:
                pieces.append(await self._body(receive, found))
                return pieces[-1]

            linked = await self._hub.identifier.linked(linked_by(shown), read)
            subject, body = linked.subject, pieces[-1]
        value = read_json(body, options.max_variables_depth)
        if type(value) is list and linked is None:
            return await self._batch(value, subject, scope, found, wish.media)
        parts = read_parts(value)
        if parts.document_id is None and (ident := self._path_id(scope)):
            parts = _with_id(parts, ident)
        answer = await self._run(parts, subject, scope, found, linked=linked)
        return answer.body, self._heads.answer(answer.kind, answer.code, wish.media)

    async def _get(
        self, scope: Scope, found: Mapping[bytes, bytes], wish: Wish
    ) -> tuple[bytes, dict[str, Any]]:
        if wish.media is None:
            raise HubError("NOT_ACCEPTABLE", f"only {GRAPHQL} and {JSON} are served")
        content_type = found.get(b"content-type")
        if content_type is not None and not self._is_json(content_type):
            raise HubError("CSRF_REFUSED", "a GET with this media type is refused")
        if not any(found.get(name) for name in PREFLIGHT):
            raise HubError(
                "CSRF_REFUSED",
                "a GET needs a header that browsers do not send by themselves",
                hint="send `GraphQL-Require-Preflight: 1`",
            )
        self._check_uri(scope)
        subject = await self._subject(found.get(b"authorization"), scope)
        parts = read_url(scope.get("query_string", b""), self._options.max_variables_depth)
        if parts.document_id is None and (ident := self._path_id(scope)):
            parts = _with_id(parts, ident)
        text = self._documents.find(parts, subject.app)
        if writes_or_streams(text, parts.operation_name):
            raise NotAllowedError("only queries run by GET", b"POST")
        answer = await self._run(parts, subject, scope, found, text)
        return answer.body, self._heads.answer(answer.kind, answer.code, wish.media)

    async def _batch(
        self,
        values: list[Any],
        subject: Subject,
        scope: Scope,
        found: Mapping[bytes, bytes],
        media: Media,
    ) -> tuple[bytes, dict[str, Any]]:
        """An array body: one after the other, so that a batch takes no more than its share."""
        if self._options.batch_max == 0:
            raise HubError("BATCHING_OFF", "batched requests are switched off")
        if not 0 < len(values) <= self._options.batch_max:
            raise HubError(
                "MALFORMED_REQUEST", f"a batch holds 1 to {self._options.batch_max} requests"
            )
        requests = [read_parts(value) for value in values]
        bodies = []
        for parts in requests:
            try:
                bodies.append((await self._run(parts, subject, scope, found)).body)
            except HubError as error:
                bodies.append(error_body(error))
        return b"[" + b",".join(bodies) + b"]", self._heads.start(200, media)

    # -- the steps

    async def _run(
        self,
        parts: Parts,
        subject: Subject,
        scope: Scope,
        found: Mapping[bytes, bytes],
        text: str | None = None,
        *,
        linked: Linked | None = None,
    ) -> Answer:
        if text is None:
            text = self._documents.find(parts, subject.app)
        purpose, case_id, trace = _stated(parts, found) if linked is None else (
            linked.purpose, linked.case_id, linked.trace
        )  # fmt: skip
        zone = None
        if self._zones is not None:
            zone = self._zones.find(scope.get("client"), found.get(b"x-forwarded-for"))
        request = Request(
            text=text,
            operation_name=parts.operation_name,
            variables=parts.variables if parts.variables is not None else {},
            subject=subject,
            purpose=purpose,
            case_id=case_id,
            network_zone=zone,
            trace=trace,
            wants=read_wishes(parts.extensions) if parts.extensions is not None else NOTHING,
        )
        room = self.room
        room.enter()
        try:
            began = perf_counter()
            answer = await self._hub.pipeline.answer(request)
            self._observe(answer.kind, answer.code, perf_counter() - began)
            return answer
        finally:
            room.leave()

    async def _body(self, receive: Receive, found: Mapping[bytes, bytes]) -> bytes:
        options = self._options
        return await read_body(
            receive,
            options.max_body_bytes,
            options.body_timeout_s,
            found.get(b"content-length"),
        )

    async def _subject(self, header: bytes | None, scope: Scope) -> Subject:
        return await identified(self._hub.identifier, header, scope, self._certificates)

    def _wish(self, header: bytes | None) -> Wish:
        wish = self._wishes.get(header)
        if wish is None:
            wish = read_accept(header.decode("latin-1") if header is not None else None)
            if len(self._wishes) < _KNOWN_HEADERS:
                self._wishes[header] = wish
        return wish

    def _is_json(self, content_type: bytes) -> bool:
        known = self._types.get(content_type)
        if known is None:
            known = is_json(content_type.decode("latin-1"))
            if len(self._types) < _KNOWN_HEADERS:
                self._types[content_type] = known
        return known

    def _check_uri(self, scope: Scope) -> None:
        size = len(scope.get("query_string", b"")) + len(scope["path"])
        if size > self._options.max_uri_bytes:
            raise HubError("URI_TOO_LONG", "the address is too long", hint="send a POST")

    def _path_id(self, scope: Scope) -> str | None:
        """The document id of `/graphql/<id>`."""
        path: str = scope["path"]
        return path[len(self._options.path) + 1 :] or None

    # -- the other starts

    def _error_start(self, error: HubError, media: Media) -> dict[str, Any]:
        status = status_of(error.code, self._options.status_table)
        start = self._heads.start(status, media)
        further: Headers = []
        if isinstance(error, NotAllowedError):
            further.append((b"allow", error.allow))
        elif status == 503:
            further.append((b"retry-after", b"1"))
        elif error.code == "UNSUPPORTED_MEDIA_TYPE":
            further += [(b"accept", JSON.encode()), (b"accept-encoding", b"identity")]
        if status in (408, 413) or error.code == "SHUTTING_DOWN":
            further.append((b"connection", b"close"))
        return start_message(status, [*start["headers"], *further]) if further else start

    def _options_start(self, extra: Headers) -> dict[str, Any]:
        headers: Headers = [(b"allow", self._allow), (b"vary", b"origin")]
        if extra:
            headers += [
                (b"access-control-allow-methods", b"GET, POST"),
                (b"access-control-allow-headers", _CORS_HEADERS),
                (b"access-control-max-age", b"600"),
            ]
        return start_message(204, headers)


def _stated(
    parts: Parts, found: Mapping[bytes, bytes]
) -> tuple[str | None, str | None, str | None]:
    """(purpose, case, trace id), as a caller of this hub states them."""
    purpose, case_id = None, None
    header, case_header = found.get(b"hub-purpose"), found.get(b"hub-case")
    if header is not None or parts.extensions is not None:
        stated = header.decode("latin-1").strip() if header is not None else None
        purpose = read_purpose(stated, parts.extensions)
    if case_header is not None or parts.extensions is not None:
        case_id = read_case(case_header, parts.extensions)
    within = found.get(b"traceparent")
    trace = None if within is None else trace_of(within.decode("latin-1").strip())
    return purpose, case_id, trace


def _nobody(_outcome: str, _code: str | None, _seconds: float) -> None:
    """Nobody counts."""


def _with_id(parts: Parts, document_id: str) -> Parts:
    return Parts(
        query=parts.query,
        document_id=document_id,
        operation_name=parts.operation_name,
        variables=parts.variables,
        extensions=parts.extensions,
    )

"""The gateway's HTTP endpoint: one path, GraphQL over HTTP, no credentials, loopback only."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import sys
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from multiprocessing.sharedctypes import Synchronized
from typing import Any

import orjson
import structlog

from hub.gateway.gateway import Gateway
from hub.gateway.model import Supergraph
from hub.gateway.run.transport import HttpTransport
from hub.query.parse import RequestError
from hub.serve.decode import Parts, read_json, read_parts, read_url
from hub.serve.guard import (
    PREFLIGHT,
    ClientGone,
    Receive,
    Room,
    check_encoding,
    check_length,
    pick_headers,
    read_body,
)
from hub.serve.media import GRAPHQL, JSON, Media, is_json, read_accept
from hub.serve.operations import writes_or_streams
from hub.serve.problem import Heads, error_body, start_message, status_of
from schema.errors import HubError

log = structlog.get_logger("hub.gateway")

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PATH = "/graphql"
MAX_BODY_BYTES = 4_000_000
MAX_DEPTH = 64
BODY_TIMEOUT_S = 10.0
IN_FLIGHT_MAX = 512
DRAIN_S = 10.0
_LOOK_S = 0.02
_ANSWER_S = 1.0
_PROBE = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"


class GatewayApp:
    """The ASGI application of one worker."""

    def __init__(
        self,
        supergraph: Supergraph,
        listening: tuple[str, int] | None = None,
        starting: Synchronized[int] | None = None,
    ) -> None:
        """`listening`: where, if standard output is to tell once connections are taken.

        `starting` is shared by workers, and how many they are: the last one that is ready tells.
        """
        self._listening = listening
        self._starting = starting
        self._reached = False
        self._transport = HttpTransport()
        self._gateway = Gateway(supergraph, self._transport)
        self._heads = Heads("classic")
        self._room = Room(IN_FLIGHT_MAX)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or follow the life span."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if scope["type"] != "http":
            return
        self._reached = True
        if scope["path"] in ("/health", "/healthz", "/readyz"):
            body, start = b"ok\n", start_message(200, [(b"content-type", b"text/plain")])
        elif scope["path"] == PATH:
            body, start = await self._graphql(scope, receive)
        else:
            missing = HubError("NOT_FOUND", "no such path", hint=f"the endpoint is {PATH}")
            body, start = error_body(missing), self._heads.start(404, JSON)
        await send(start)
        await send({"type": "http.response.body", "body": body})

    async def _graphql(self, scope: Scope, receive: Receive) -> tuple[bytes, dict[str, Any]]:
        media: Media = JSON
        try:
            _check_host(scope)
            found = pick_headers(scope["headers"])
            accept = found.get(b"accept")
            wish = read_accept(accept.decode("latin-1") if accept is not None else None)
            if wish.media is None:
                media = GRAPHQL
                raise HubError("NOT_ACCEPTABLE", f"only {GRAPHQL} and {JSON} are served")
            media = wish.media
            parts = await self._parts(scope, receive, found)
            self._room.enter()
            try:
                return await self._answer(parts, media)
            finally:
                self._room.leave()
        except HubError as error:
            status = status_of(error.code, "classic")
            headers = self._heads.list_for(status, media)
            if status == 405:
                headers.append((b"allow", b"POST" if scope["method"] == "GET" else b"GET, POST"))
            return error_body(error), start_message(status, headers)
        except ClientGone:
            broken = HubError("BAD_REQUEST", "the body did not arrive whole")
            return error_body(broken), self._heads.start(400, media)
        except Exception as error:
            log.exception("gateway.failed", kind=type(error).__name__)
            failed = HubError("INTERNAL", "an internal error")
            return error_body(failed), self._heads.start(500, media)

    async def _answer(self, parts: Parts, media: Media) -> tuple[bytes, dict[str, Any]]:
        try:
            answer = await self._gateway.answer(
                parts.query or "", parts.operation_name, parts.variables
            )
        except RequestError as error:
            body = orjson.dumps({"errors": error.errors})
            return body, self._heads.answer("error", error.code, media)
        except HubError as error:
            return error_body(error), self._heads.answer("error", error.code, media)
        kind = "partial" if "errors" in answer else "data"
        return orjson.dumps(answer), self._heads.answer(kind, None, media)

    async def _parts(self, scope: Scope, receive: Receive, found: Mapping[bytes, bytes]) -> Parts:
        """The request's parts; raises `HubError`, `ClientGone`."""
        content_type = found.get(b"content-type")
        sent = content_type is not None and is_json(content_type.decode("latin-1"))
        if scope["method"] == "POST":
            if not sent:
                raise HubError("UNSUPPORTED_MEDIA_TYPE", f"the body is not {JSON} in UTF-8")
            check_encoding(found)
            check_length(found, MAX_BODY_BYTES)
            body = await read_body(
                receive, MAX_BODY_BYTES, BODY_TIMEOUT_S, found.get(b"content-length")
            )
            parts = read_parts(read_json(body, MAX_DEPTH))
        elif scope["method"] == "GET":
            if content_type is not None and not sent:
                raise HubError("CSRF_REFUSED", "a GET with this media type is refused")
            if not any(found.get(name) for name in PREFLIGHT):
                raise HubError(
                    "CSRF_REFUSED",
                    "a GET needs a header that browsers do not send by themselves",
                    hint="send `GraphQL-Require-Preflight: 1`",
                )
            parts = read_url(scope.get("query_string", b""), MAX_DEPTH)
            if parts.query and writes_or_streams(parts.query, parts.operation_name):
                raise HubError("METHOD_NOT_ALLOWED", "only queries run by GET")
        else:
            raise HubError("METHOD_NOT_ALLOWED", "this method is not allowed here")
        if not parts.query:
            raise HubError("MALFORMED_REQUEST", "`query` is missing")
        return parts

    async def _tell(self) -> None:
        """Say that the endpoint is ready when it is.

        A worker takes connections and signals some time after its start is over: it is ready when
        a request has come to it.
        """
        if self._listening is None:
            return
        host, port = self._listening
        while not self._reached:
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(_ANSWER_S):
                    await _ask(host, port)
            await asyncio.sleep(_LOOK_S)
        if self._starting is not None:
            with self._starting.get_lock():
                self._starting.value -= 1
                if self._starting.value != 0:
                    return
        shown = f"[{host}]" if ":" in host else host
        sys.stdout.write(f"Gateway ready at http://{shown}:{port}{PATH}\n")
        sys.stdout.flush()

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        async with asyncio.TaskGroup() as group:
            telling = group.create_task(self._tell())
            await receive()
            telling.cancel()
        if not await self._room.drain(DRAIN_S):
            log.warning("serve.drain_timeout", in_flight=self._room.taken)
        await self._transport.close()
        await send({"type": "lifespan.shutdown.complete"})


async def _ask(host: str, port: int) -> None:
    """Ask whichever worker gets it whether it is there."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(_PROBE)
        await reader.read()
    finally:
        writer.close()


def _check_host(scope: Scope) -> None:
    """Refuse requests that a browser was led here with, under a foreign name."""
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    for host in hosts:
        name = host.decode("latin-1").lower().rsplit(":", 1)[0].strip("[]")
        if name != "localhost" and not name.endswith(".localhost") and not _loopback(name):
            raise HubError("FORBIDDEN", "only loopback names are served")


def _loopback(name: str) -> bool:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified

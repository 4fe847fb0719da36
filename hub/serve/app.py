"""The application: the GraphQL door in front, Starlette's routes beside it, the life span."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from pathlib import Path

import orjson
import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hub.serve.collaborators import Served
from hub.serve.documents import Registered, load_documents
from hub.serve.door import GraphQLDoor, Observe, Scope, Send
from hub.serve.explorer import ASSETS_URL, explorer_asset, explorer_page
from hub.serve.guard import Receive, Room
from hub.serve.linkdoor import LinkDoor, is_linked
from hub.serve.options import DoorOptions
from hub.serve.span import LifeSpan
from schema.errors import HubError

log = structlog.get_logger("hub.serve")

_PLAIN = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
_READY_TIMEOUT_S = 5.0


class App:
    """The ASGI application of one worker."""

    def __init__(
        self,
        hub: Served,
        door: GraphQLDoor,
        pages: Starlette,
        options: DoorOptions,
        span: LifeSpan,
    ) -> None:
        path = options.path
        self.door = door
        self.span = span
        self._hub = hub
        self._pages = pages
        self._path = path
        self._below = path + "/"
        self._links = path + "/link"
        self._link_door = LinkDoor(hub, options)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Straight to the door for its path; everything else through Starlette."""
        if scope["type"] == "http":
            path = scope["path"]
            if path == self._path or path.startswith(self._below):
                if path == self._links and scope["method"] == "POST" and is_linked(scope):
                    return self._link_door(scope, receive, send)
                return self.door(scope, receive, send)
        elif scope["type"] == "lifespan":
            return self.span(receive, send)
        return self._pages(scope, receive, send)


def create_app(
    hub: Served,
    options: DoorOptions,
    *,
    manifests: Sequence[Path] = (),
    reload_poll_s: float = 0.0,
    drain_s: float = 20.0,
    observe: Observe | None = None,
    further: Sequence[Route] = (),
    rooms: Sequence[Room] = (),
) -> App:
    """Put the doors before a hub. `manifests` register documents, `further` are other doors,
    `rooms` what is in flight there.

    Raises: `HubError` CONFIG_INVALID.
    """
    registered = load_documents(manifests)
    if options.documents == "trusted" and not len(registered):
        raise HubError(
            "CONFIG_INVALID",
            "trusted documents are on but no manifest registers any",
            hint="name a manifest, or set `documents: open`",
        )
    door, pages = _assemble(hub, options, registered, observe, further)
    span = LifeSpan(hub, (door.room, *rooms), reload_poll_s=reload_poll_s, drain_s=drain_s)
    return App(hub, door, pages, options, span)


def _assemble(
    hub: Served,
    options: DoorOptions,
    registered: Registered,
    observe: Observe | None,
    further: Sequence[Route],
) -> tuple[GraphQLDoor, Starlette]:
    explorer = None
    routes: list[Route] = []
    if options.graphiql and options.documents != "trusted":
        explorer = explorer_page(options.path)
        routes.append(Route("/graphiql", explorer, methods=["GET"]))
        routes.append(Route(f"{ASSETS_URL}/{{name}}", explorer_asset, methods=["GET"]))
    door = GraphQLDoor(hub, options, registered=registered, explorer=explorer, observe=observe)
    routes += [*_pages(hub, door, options), *further]
    return door, Starlette(routes=routes)


def _pages(hub: Served, door: GraphQLDoor, options: DoorOptions) -> list[Route]:
    async def healthz(_: Request) -> Response:
        """The process lives."""
        return Response("ok\n", media_type="text/plain", headers=_PLAIN)

    async def readyz(_: Request) -> Response:
        """Traffic may come: not while shutting down, not before everything needed works."""
        checks = dict(await _ready(hub))
        checks["accepting"] = not door.room.closing
        good = all(checks.values())
        body = orjson.dumps({"ready": good, "checks": checks})
        return Response(body, 200 if good else 503, media_type="application/json", headers=_PLAIN)

    async def metrics(_: Request) -> Response:
        body, content_type = hub.metrics()
        return Response(body, headers={**_PLAIN, "content-type": content_type})

    routes = [Route("/healthz", healthz), Route("/readyz", readyz)]
    if options.metrics:
        routes.append(Route("/metrics", metrics))
    return routes


async def _ready(hub: Served) -> dict[str, bool]:
    try:
        async with asyncio.timeout(_READY_TIMEOUT_S):
            return dict(await hub.ready())
    except (TimeoutError, HubError) as error:
        log.warning("ready.failed", kind=type(error).__name__)
        return {"hub": False}

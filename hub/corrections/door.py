"""`POST /corrections`: a doubt about values, in JSON; the answer never confirms or denies."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec
import orjson
import structlog
from sqlalchemy import Engine
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hub.corrections.reporting import Report, Reporting
from hub.loading import Loaded
from hub.serve.certificates import Certificates
from hub.serve.collaborators import Identifying
from hub.serve.credentials import identified
from hub.serve.guard import ClientGone, Room, check_encoding, check_length, pick_headers, read_body
from hub.serve.media import JSON, is_json
from hub.serve.problem import CHALLENGE, SECURITY, error_body, status_of
from hub.serve.zones import Zones
from hub.settings import Settings
from policies.ruling import PolicyEngine
from schema.errors import HubError

log = structlog.get_logger("hub.serve")

PATH = "/corrections"
ACCEPTED = "accepted for verification"
_MOST = 32
_MOST_BYTES = 65_536


class Doubted(Protocol):
    """What the door needs of a hub."""

    @property
    def identifier(self) -> Identifying: ...
    @property
    def database(self) -> Engine: ...
    @property
    def loaded(self) -> Loaded: ...
    def rules(self, app: str) -> PolicyEngine: ...


def correction_routes(
    hub: Doubted, settings: Settings, *, clock: Callable[[], float] = time.time
) -> Sequence[Route]:
    """The door, where doubts are taken."""
    if not settings.corrections.enabled:
        return ()
    return (Route(PATH, CorrectionDoor(hub, settings, clock).answer, methods=["POST"]),)


class CorrectionDoor:
    """One worker's. As narrow as the control door: `POST` alone, credentials from the header."""

    def __init__(
        self, hub: Doubted, settings: Settings, clock: Callable[[], float] = time.time
    ) -> None:
        self._hub = hub
        self._settings = settings
        self._clock = clock
        self._room = Room(_MOST)
        listen = settings.listen
        self._certificates = Certificates(listen.certificate_header, listen.trusted_proxies)
        self._zones = Zones(listen.zones, listen.trusted_proxies)

    async def answer(self, request: Request) -> Response:
        """One answer; never raises for what a client sent."""
        try:
            self._room.enter()
            try:
                ids = await self._taken(request)
            finally:
                self._room.leave()
            return _response(orjson.dumps({"status": ACCEPTED, "ids": ids}), 202)
        except HubError as error:
            return _response(error_body(error), status_of(error.code, "2026"))
        except ClientGone:
            return _response(error_body(HubError("BAD_REQUEST", "the body is not whole")), 400)
        except Exception as error:
            log.exception("door.failed", kind=type(error).__name__)
            return _response(error_body(HubError("INTERNAL", "an internal error")), 500)

    async def _taken(self, request: Request) -> Sequence[str]:
        found = pick_headers(request.scope["headers"])
        if not is_json(found.get(b"content-type", b"").decode("latin-1")):
            raise HubError("UNSUPPORTED_MEDIA_TYPE", f"the body is not {JSON} in UTF-8")
        check_encoding(found)
        check_length(found, _MOST_BYTES)
        header = found.get(b"authorization")
        subject = await identified(self._hub.identifier, header, request.scope, self._certificates)
        body = await read_body(
            request.receive,
            _MOST_BYTES,
            self._settings.limits.body_timeout_s,
            found.get(b"content-length"),
        )
        try:
            said = msgspec.json.decode(body, type=Report)
        except (msgspec.DecodeError, UnicodeDecodeError):
            # fails closed: the library's own words may hold what was sent
            hint = "send `type`, `key`, `fields` and `evidence`, and nothing else"
            raise HubError("BAD_REQUEST", "the body is no report", hint=hint) from None
        reporting = await asyncio.to_thread(
            Reporting, self._hub.database, self._settings, self._clock
        )
        zone = self._zones.find(request.scope.get("client"), found.get(b"x-forwarded-for"))
        try:
            rules = self._hub.rules(subject.app)
            admitted = reporting.admit(subject, said, rules=rules, network_zone=zone)
        except HubError as error:
            await asyncio.to_thread(reporting.refuse, subject, error)
            raise
        packs = self._hub.loaded.packs
        return await asyncio.to_thread(reporting.keep, subject, admitted, packs)


def _response(body: bytes, status: int) -> Response:
    headers = {name.decode(): value.decode() for name, value in SECURITY}
    if status == 401:
        headers[CHALLENGE[0].decode()] = CHALLENGE[1].decode()
    return Response(body, status, media_type=JSON, headers=headers)

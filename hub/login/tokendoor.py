"""`/auth/token`, and what is told of it: applications get short tokens of the hub's own."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Mapping, Sequence
from typing import Protocol
from urllib.parse import parse_qsl, unquote_plus

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from auth.client import Shown
from auth.refusal import RefusedError
from hub.login.pace import Pace
from hub.login.pages import told
from hub.login.tokens import ACCESS, DOOR, JWKS, Tokens, assertion_of
from hub.serve.certificates import Certificates
from hub.serve.guard import ClientGone, Room, check_encoding, check_length, pick_headers, read_body
from hub.settings import Settings
from schema.errors import HubError

log = structlog.get_logger("hub.login")

FORM = b"application/x-www-form-urlencoded"
_MOST = 32
_MOST_BYTES = 65_536
_MOST_FIELDS = 20
_MOST_TRIES = 60
"""In a minute, in vain, from one address."""


class Issuing(Protocol):
    """What the door needs of a hub."""

    @property
    def tokens(self) -> Tokens | None: ...


def token_routes(hub: Issuing, settings: Settings) -> Sequence[Route]:
    """The doors of the hub's own issuer."""
    door = TokenDoor(hub, settings)
    return (
        Route(DOOR, door.answer, methods=["POST"]),
        Route(JWKS, door.jwks, methods=["GET"]),
        Route("/.well-known/oauth-authorization-server", door.metadata, methods=["GET"]),
    )


class TokenDoor:
    """One worker's. Refusals are of two kinds, and say no more than their kind."""

    def __init__(self, hub: Issuing, settings: Settings) -> None:
        self._hub = hub
        self._timeout_s = settings.limits.body_timeout_s
        listen = settings.listen
        self._certificates = Certificates(listen.certificate_header, listen.trusted_proxies)
        self._room = Room(_MOST)
        self._pace = Pace(_MOST_TRIES, time.monotonic)

    async def answer(self, request: Request) -> Response:
        """One answer; never raises for what a client sent."""
        address = request.client.host if request.client is not None else ""
        try:
            self._room.enter()
            try:
                self._pace.check(address)
                return await self._issued(request)
            finally:
                self._room.leave()
        except RefusedError as refused:
            self._pace.failed(address)
            log.info("token.refused", reason=refused.reason)
            return told({"error": "invalid_grant"}, 400)
        except ClientGone:
            return told({"error": "invalid_request"}, 400)
        except HubError as error:
            busy = error.info.kind == "capacity"
            said = "temporarily_unavailable" if busy else "invalid_request"
            return told({"error": said}, 503 if busy else 400)
        except Exception as error:
            log.exception("door.failed", kind=type(error).__name__)
            return told({"error": "server_error"}, 500)

    async def jwks(self, _: Request) -> Response:
        """The public keys; anybody may have them."""
        tokens = self._hub.tokens
        return told(tokens.own.jwks() if tokens is not None else {}, 200 if tokens else 404)

    async def metadata(self, _: Request) -> Response:
        """What clients have to know."""
        tokens = self._hub.tokens
        return told(tokens.metadata() if tokens is not None else {}, 200 if tokens else 404)

    async def _issued(self, request: Request) -> Response:
        tokens = self._hub.tokens
        if tokens is None:
            raise RefusedError("grant")
        asked, authorization = await self._asked(request)
        try:
            shown = self._shown(request, asked, authorization)
            client = await tokens.proved(shown)
        except RefusedError as refused:
            self._pace.failed(request.client.host if request.client is not None else "")
            log.info("token.refused", reason=refused.reason)
            response = told({"error": "invalid_client"}, 401)
            response.headers["www-authenticate"] = 'Basic realm="hub"'
            return response
        made = await tokens.issued(client, asked)
        log.info("token.issued", client=client.subject.app, exchanged=made.exchanged)
        said = {"access_token": made.token, "token_type": "Bearer", "expires_in": made.expires_in}
        if made.exchanged:
            said["issued_token_type"] = ACCESS
        return told({**said, "scope": made.scope})

    async def _asked(self, request: Request) -> tuple[Mapping[str, str], bytes | None]:
        """The form, each field once, and the header."""
        found = pick_headers(request.scope["headers"])
        if found.get(b"content-type", b"").split(b";")[0].strip().lower() != FORM:
            raise HubError("BAD_REQUEST", "not a form")
        check_encoding(found)
        check_length(found, _MOST_BYTES)
        length = found.get(b"content-length")
        body = await read_body(request.receive, _MOST_BYTES, self._timeout_s, length)
        try:
            pairs = parse_qsl(
                body.decode("ascii"), keep_blank_values=True, strict_parsing=True,
                max_num_fields=_MOST_FIELDS, errors="strict",
            )  # fmt: skip
        except ValueError:
            raise HubError("BAD_REQUEST", "not a form") from None
        asked = dict(pairs)
        if len(asked) < len(pairs) or request.scope.get("query_string"):
            raise HubError("BAD_REQUEST", "a field is given twice, or in the address")
        return asked, found.get(b"authorization")

    def _shown(
        self, request: Request, asked: Mapping[str, str], authorization: bytes | None
    ) -> Shown:
        named, secret = asked.get("client_id"), asked.get("client_secret")
        if authorization is not None:
            if secret is not None:
                raise RefusedError("client")  # not two ways at once
            ident, secret = _basic(authorization)
            if named not in (None, ident):
                raise RefusedError("client")
            named = ident
        return Shown(
            client_id=named,
            secret=secret,
            assertion=assertion_of(asked),
            certificate=self._certificates.shown(request.scope),
        )


def _basic(header: bytes) -> tuple[str, str]:
    """(client id, secret); each is form-encoded (RFC 6749 2.3.1). Raises: `RefusedError`."""
    scheme, _, pair = header.partition(b" ")
    if scheme.lower() != b"basic":
        raise RefusedError("scheme")
    try:
        text = base64.b64decode(pair.strip(), validate=True).decode()
    except (ValueError, binascii.Error):
        raise RefusedError("client") from None
    ident, colon, secret = text.partition(":")
    if not colon:
        raise RefusedError("client")
    return unquote_plus(ident), unquote_plus(secret)

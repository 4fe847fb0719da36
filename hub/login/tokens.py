"""Tokens of the hub's own: for an application, or for one on behalf of a person."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from auth.apikeys import KeyStore, looks_like_key
from auth.client import JWT_BEARER, Clients, Proved, Shown
from auth.issuer import Issuer
from auth.meet import claims_of, meet
from auth.ownkeys import ALGORITHM, OwnKeys
from auth.refusal import RefusedError
from auth.token import MAX_BYTES, Once, TokenVerifier
from hub.settings import Settings
from schema.model.label import LabelScheme
from schema.model.subject import Subject

DOOR = "/auth/token"
JWKS = "/auth/jwks.json"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS = "urn:ietf:params:oauth:token-type:access_token"
_JWT = "urn:ietf:params:oauth:token-type:jwt"
_LEAST_S = 5.0


class Issued(msgspec.Struct, frozen=True, kw_only=True):
    """A token and what is said of it."""

    token: str
    expires_in: int
    scope: str
    exchanged: bool


class Tokens:
    """Makes tokens. Raises, when made: `HubError` CONFIG_INVALID."""

    def __init__(
        self,
        settings: Settings,
        *,
        own: OwnKeys,
        keys: tuple[KeyStore, ...],
        scheme: LabelScheme,
        once: Once,
        clock: Callable[[], float],
    ) -> None:
        declared = settings.auth.issuer
        self._url = (declared.url or "").rstrip("/")
        self._audience = declared.audience
        self._lifetime_s = declared.lifetime_s
        self.own = own
        self._scheme = scheme
        self._clock = clock
        self._clients = Clients(
            declared.clients, keys, doors=(self._url, f"{self._url}{DOOR}"), once=once, clock=clock
        )
        self.verifier: TokenVerifier | None = None
        """Of the tokens that people's applications bring; the hub's own verifier."""

    async def proved(self, shown: Shown) -> Proved:
        """The client. Raises: `RefusedError`."""
        return await self._clients.proved(shown)

    async def issued(self, client: Proved, asked: Mapping[str, str]) -> Issued:
        """What a client that has proved who it is gets. Raises: `RefusedError`."""
        exchanged = asked.get("grant_type") == EXCHANGE
        if exchanged:
            subject = await self._on_behalf(client, asked)
        elif asked.get("grant_type") == "client_credentials":
            subject = client.subject
        else:
            raise RefusedError("grant")
        if asked.get("audience", self._audience) != self._audience:
            raise RefusedError("audience")
        if "scope" in asked:
            wanted = frozenset(asked["scope"].split())
            if not wanted <= subject.purposes:
                raise RefusedError("grant")
            subject = msgspec.structs.replace(subject, purposes=wanted)
        return self._made(client, subject, exchanged=exchanged)

    async def _on_behalf(self, client: Proved, asked: Mapping[str, str]) -> Subject:
        token = asked.get("subject_token", "")
        kinds = asked.get("subject_token_type"), asked.get("requested_token_type", ACCESS)
        if kinds[0] not in (ACCESS, _JWT) or kinds[1] not in (ACCESS, _JWT):
            raise RefusedError("grant")
        # the client's own credentials say who acts
        if "actor_token" in asked or not token or looks_like_key(token) or self.verifier is None:
            raise RefusedError("grant")
        if "act" in (await self.verifier.claims(token)).claims:
            raise RefusedError("grant")  # fails closed: who acts would be forgotten
        person = (await self.verifier.accepted(token, None)).told.subject
        return meet(client.subject, person, self._scheme, client.whose)

    def _made(self, client: Proved, subject: Subject, *, exchanged: bool) -> Issued:
        now = self._clock()
        ends = min(now + self._lifetime_s, subject.expires_at, client.subject.expires_at)
        if ends < now + _LEAST_S:
            raise RefusedError("expired")
        app = client.subject.app
        claims: dict[str, Any] = {
            **claims_of(subject),
            "iss": self._url,
            "aud": self._audience,
            "sub": subject.user or app,
            "client_id": app,
            "iat": int(now),
            "nbf": int(now),
            "exp": int(ends),
            "jti": secrets.token_urlsafe(16),
        }
        if exchanged:
            claims["act"] = {"sub": app}
        if client.certificate is not None:
            claims["cnf"] = {"x5t#S256": client.certificate}
        token = self.own.sign(claims)
        if len(token) > MAX_BYTES:
            raise RefusedError("too_large")
        scope = " ".join(sorted(subject.purposes))
        return Issued(
            token=token, expires_in=int(ends) - int(now), scope=scope, exchanged=exchanged
        )

    def metadata(self) -> dict[str, Any]:
        """What is told of this issuer (RFC 8414)."""
        return {
            "issuer": self._url,
            "token_endpoint": f"{self._url}{DOOR}",
            "jwks_uri": f"{self._url}{JWKS}",
            "response_types_supported": [],
            "grant_types_supported": ["client_credentials", EXCHANGE],
            "token_endpoint_auth_methods_supported": [
                "client_secret_basic", "client_secret_post", "private_key_jwt",
                "self_signed_tls_client_auth",
            ],
            "token_endpoint_auth_signing_alg_values_supported": ["RS256", "ES256", "EdDSA"],
            "tls_client_certificate_bound_access_tokens": True,
        }  # fmt: skip


def own_issuer(settings: Settings) -> Issuer:
    """What the hub has to know to accept its own tokens."""
    declared = settings.auth.issuer
    return Issuer(
        issuer=(declared.url or "").rstrip("/"),
        audience=(declared.audience,),
        algorithms=(ALGORITHM,),
        types=("at+jwt",),
        lifetime_max_s=declared.lifetime_s,
    )


def own_keys(settings: Settings, clock: Callable[[], float]) -> OwnKeys:
    """The keys of this hub's issuer."""
    return OwnKeys(Path(settings.state.directory), clock=clock)


def assertion_of(asked: Mapping[str, str]) -> str | None:
    """The assertion that a client shows, of the only kind there is. Raises: `RefusedError`."""
    kind, text = asked.get("client_assertion_type"), asked.get("client_assertion")
    if (kind, text) == (None, None):
        return None
    if kind != JWT_BEARER or text is None:
        raise RefusedError("client")
    return text

"""The hub at a provider where people log in: OpenID Connect's code flow, or a portal's like it.

Source: OpenID Connect Core 1.0, 3.1; RFC 7636 (PKCE); RFC 9207 (`iss` on the way back).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx
import msgspec
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.discovery import get_well_known_url

from auth.claims import subject_of
from auth.decode import json_object
from auth.fetch import TIMEOUT_S, fetched, private_way
from auth.flight import Sealed
from auth.issuer import ClaimMapping, Issuer
from auth.portal import Portalled
from auth.provider import Provider
from auth.refusal import RefusedError
from auth.session import Login, Person, named
from auth.token import TokenVerifier, Verified
from schema.errors import HubError

_FRESH_S = 300.0
_LEEWAY_S = 30.0
_CODE_LONGEST = 4_096


class _Metadata(msgspec.Struct, frozen=True):
    """What counts of a provider's own description."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    userinfo_endpoint: str | None = None
    authorization_response_iss_parameter_supported: bool = False


class Relying:
    """One provider's client. `secret` blocks; it is asked for each time, so rotating it is enough.

    Raises, when made: `HubError` CONFIG_INVALID for addresses that others on the way could be.
    """

    def __init__(
        self,
        provider: Provider,
        *,
        redirect_uri: str,
        secret: Callable[[], str],
        clock: Callable[[], float] = time.time,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.provider = provider
        self._redirect_uri = redirect_uri
        self._secret = secret
        self._clock = clock
        self._transport = transport
        self._ssl = httpx.create_ssl_context()  # once: reading authorities takes its time
        self._metadata: _Metadata | None = None
        self._fetched = float("-inf")
        portal = provider.portal
        places = [provider.issuer or ""] if portal is None else [
            portal.authorize, portal.token, portal.user_info
        ]  # fmt: skip
        if not all(private_way(place) for place in places):
            raise HubError(
                "CONFIG_INVALID", f"the provider `{provider.name}` is not at an `https` address",
                hint="write its `issuer`, or the addresses of its `portal`, with `https://`",
            )  # fmt: skip
        if portal is not None:
            self._portalled: Portalled | None = Portalled(provider, portal, redirect_uri)
            return
        self._portalled = None
        said = Issuer(
            issuer=provider.issuer or "",
            audience=(provider.client_id,),
            jwks=provider.jwks,
            algorithms=provider.algorithms,
            types=("JWT",),
            leeway_s=_LEEWAY_S,
        )
        self._verifier = TokenVerifier([said], clock=clock, untyped=True)

    async def start(self, sealed: Sealed) -> str:
        """Where the browser is sent. Raises: `RefusedError`, `httpx.HTTPError`."""
        challenge = create_s256_code_challenge(sealed.verifier)
        told = {
            "response_type": "code",
            "client_id": self.provider.client_id,
            "redirect_uri": self._redirect_uri,
            "scope": " ".join(self.provider.scopes),
            "state": sealed.state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        acr = sealed.flight.acr
        if self._portalled is not None:
            if acr is not None:
                raise RefusedError("provider")  # no portal says how strongly somebody logs in
            return self._portalled.address(told)
        told["nonce"] = sealed.nonce
        if acr is not None:
            # at once and anew: an old log-in proves nothing about who sits there now
            told |= {"acr_values": acr, "max_age": "0"}
        async with self._client() as client:
            where = (await self._described(client)).authorization_endpoint
        return f"{where}{'&' if urlsplit(where).query else '?'}{urlencode(told)}"

    async def finish(self, params: Mapping[str, str], sealed: Sealed) -> Person:
        """Who has logged in, by what the browser brings back. Raises: `RefusedError`,
        `httpx.HTTPError`, what `secret` does."""
        portalled = self._portalled
        code = params.get("code" if portalled is None else portalled.portal.code)
        if "error" in params or not code or len(code) > _CODE_LONGEST:
            raise RefusedError("provider")
        secret = None
        if self.provider.client_secret is not None:
            secret = await asyncio.to_thread(self._secret)
        async with asyncio.timeout(4 * TIMEOUT_S), self._client() as client:
            if portalled is not None:
                claims = await portalled.claims(client, code, sealed.verifier, secret)
                return self._person(claims, Login(at=self._clock(), acr=_acr(claims)))
            return await self._standard(client, params, sealed, secret)

    async def _standard(
        self,
        client: httpx.AsyncClient,
        params: Mapping[str, str],
        sealed: Sealed,
        secret: str | None,
    ) -> Person:
        about = await self._described(client)
        said = params.get("iss")
        if (said is None and about.authorization_response_iss_parameter_supported) or (
            said is not None and said != about.issuer
        ):
            raise RefusedError("issuer")  # fails closed: another provider's answer (RFC 9207)
        answer = json_object(await self._redeemed(client, about, params["code"], sealed, secret))
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise RefusedError("provider")
        verified = await self._verifier.claims(token)
        login = self._checked(verified, sealed)
        claims = dict(verified.claims)
        if self.provider.user_info:
            claims = {**await self._told(client, about, answer, claims.get("sub")), **claims}
        return self._person(claims, login)

    async def _redeemed(
        self,
        client: httpx.AsyncClient,
        about: _Metadata,
        code: str,
        sealed: Sealed,
        secret: str | None,
    ) -> bytes:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": sealed.verifier,
        }
        sent: dict[str, Any] = {}
        if secret is not None and self.provider.client_auth == "basic":
            # RFC 6749 2.3.1: each is form-encoded before they are joined
            sent["auth"] = (quote(self.provider.client_id, safe=""), quote(secret, safe=""))
        else:
            form["client_id"] = self.provider.client_id
            if secret is not None:
                form["client_secret"] = secret
        return await fetched(
            client, about.token_endpoint, reason="provider", method="POST", data=form, **sent
        )

    def _checked(self, verified: Verified, sealed: Sealed) -> Login:
        """How the person has logged in, of an ID token that is meant for this log-in."""
        claims = verified.claims
        audience, party = claims.get("aud"), claims.get("azp")
        several = isinstance(audience, list) and len(audience) > 1
        if (several or party is not None) and party != self.provider.client_id:
            raise RefusedError("party")
        if claims.get("nonce") != sealed.nonce:
            raise RefusedError("replayed")
        at, acr, wanted = claims.get("auth_time"), _acr(claims), sealed.flight.acr
        known = isinstance(at, int | float) and not isinstance(at, bool)
        moment = float(at) if known and at is not None else self._clock()
        if moment > self._clock() + _LEEWAY_S:
            raise RefusedError("not_yet")
        if wanted is not None and (
            acr != wanted or not known or moment < sealed.flight.began - _LEEWAY_S
        ):
            # fails closed: the provider did not ask anew, or for less than was wanted
            raise RefusedError("provider")
        return Login(at=min(moment, self._clock()), acr=acr)

    async def _told(
        self, client: httpx.AsyncClient, about: _Metadata, answer: Mapping[str, Any], sub: object
    ) -> dict[str, Any]:
        """The user information, which must be of the same person."""
        token = answer.get("access_token")
        if about.userinfo_endpoint is None or not isinstance(token, str):
            raise RefusedError("provider")
        headers = {"authorization": f"Bearer {token}"}
        data = await fetched(client, about.userinfo_endpoint, reason="provider", headers=headers)
        told = json_object(data)
        if told.get("sub") != sub:
            raise RefusedError("provider")
        return told

    def _person(self, claims: Mapping[str, Any], login: Login) -> Person:
        provider = self.provider
        fixed = {**provider.fixed, "app": provider.app}
        # what a portal says has been read out by attribute
        mapping = provider.claims if provider.portal is None else ClaimMapping()
        subject = subject_of(claims, mapping, fixed, expires_at=0.0)
        sub = str(claims["sub"])
        subject = msgspec.structs.replace(subject, acr=login.acr)
        user = f"{provider.prefix}{subject.user or sub}"
        return Person(provider=provider.name, sub=sub, subject=named(subject, user), login=login)

    async def _described(self, client: httpx.AsyncClient) -> _Metadata:
        """The provider's own description, kept for a while."""
        now = self._clock()
        if self._metadata is None or now - self._fetched > _FRESH_S:
            issuer = self.provider.issuer or ""
            url = get_well_known_url(issuer, external=True)
            try:
                found = msgspec.convert(
                    json_object(await fetched(client, url, reason="provider")), _Metadata
                )
            except msgspec.ValidationError:
                raise RefusedError("provider") from None
            if found.issuer != issuer or not private_way(found.authorization_endpoint):
                raise RefusedError("issuer")  # fails closed: another provider's description
            self._metadata, self._fetched = found, now
        return self._metadata

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            timeout=TIMEOUT_S, follow_redirects=False, transport=self._transport, verify=self._ssl
        )


def _acr(claims: Mapping[str, Any]) -> str | None:
    acr = claims.get("acr")
    if acr is None:
        return None
    if not isinstance(acr, str) or not 0 < len(acr) <= 200:
        raise RefusedError("claims")
    return acr

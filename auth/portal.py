"""A provider without OpenID Connect, as it is declared: how it is asked, and what it says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx

from auth.decode import json_object
from auth.fetch import fetched
from auth.provider import Portal, Provider
from auth.refusal import RefusedError


class Portalled:
    """Speaks to one portal."""

    def __init__(self, provider: Provider, portal: Portal, redirect_uri: str) -> None:
        self.portal = portal
        self._provider = provider
        self._redirect_uri = redirect_uri

    def address(self, told: Mapping[str, str]) -> str:
        """Where the browser is sent."""
        where = self.portal.authorize
        query = urlencode({**self._called(told), **self.portal.authorize_more})
        return f"{where}{'&' if urlsplit(where).query else '?'}{query}"

    async def claims(
        self, client: httpx.AsyncClient, code: str, verifier: str, secret: str | None
    ) -> dict[str, Any]:
        """What it says of the person whose code it is, by attribute. Raises: `RefusedError`."""
        portal = self.portal
        told = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": verifier,
            "client_id": self._provider.client_id,
            "client_secret": secret or "",
        }
        body = {**self._called(told), **portal.token_more}
        sent = {"json" if portal.token_body == "json" else "data": body}  # noqa: S105
        data = await fetched(client, portal.token, reason="provider", method="POST", **sent)
        token = at(json_object(data), portal.access_token)
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise RefusedError("provider")
        data = await fetched(
            client, portal.user_info, reason="provider", method=portal.user_info_method,
            headers={portal.user_info_header: f"{portal.user_info_scheme}{token}"},
        )  # fmt: skip
        info = json_object(data)
        said = {name: at(info, pointer) for name, pointer in portal.attributes.items()}
        if isinstance(said.get("sub"), int) and not isinstance(said["sub"], bool):
            said["sub"] = str(said["sub"])  # many portals number their people
        return {name: value for name, value in said.items() if value is not None}

    def _called(self, told: Mapping[str, str]) -> dict[str, str]:
        """Parameters by the portal's names for them, without those that it has none for."""
        names = {str(own): theirs for own, theirs in self.portal.names.items()}
        return {
            names.get(name, name): value for name, value in told.items() if names.get(name, name)
        }


def at(document: object, pointer: str) -> Any:
    """The value that a JSON pointer leads to, ``None`` where there is none (RFC 6901)."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict):
            document = document.get(name)
        elif isinstance(document, list) and name.isdigit() and len(name) < 6:
            document = document[int(name)] if int(name) < len(document) else None
        else:
            return None
    return document

"""How the Hub shows itself to a service: secrets come by reference and stay here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import httpx
import msgspec

from connectors.http.token import OAuth2
from schema.errors import HubError

Resolve = Callable[[str], str]


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What is added to each request."""

    headers: Mapping[str, str] = {}
    params: tuple[tuple[str, str], ...] = ()
    basic: httpx.BasicAuth | None = None
    oauth2: OAuth2 | None = None

    def __repr__(self) -> str:
        return "Credentials()"


def credentials(connect: Mapping[str, Any], resolve: Resolve, source: str) -> Credentials:
    """Read ``connect.auth``; raises ``CONFIG_INVALID``."""
    declared = connect.get("auth") or {}
    if not isinstance(declared, Mapping):
        raise _unknown("auth", source)
    headers: dict[str, str] = {}
    params: list[tuple[str, str]] = []
    basic, oauth2 = None, None

    def secret(held: Any, name: str, *, ascii_only: bool = True) -> str:
        return secret_of(held, name, resolve, source, ascii_only=ascii_only)

    for kind, detail in declared.items():
        named = detail if isinstance(detail, Mapping) else {}
        if kind == "bearer" and isinstance(detail, str):
            headers["Authorization"] = f"Bearer {secret(detail, 'bearer')}"
        elif kind == "api_key" and isinstance(named.get("header"), str):
            headers[_header(named["header"], source)] = secret(named.get("value"), "value")
        elif kind == "api_key" and isinstance(named.get("query"), str):
            params.append((named["query"], secret(named.get("value"), "value")))
        elif kind == "basic" and named:
            basic = httpx.BasicAuth(
                secret(named.get("user"), "user", ascii_only=False),
                secret(named.get("password"), "password", ascii_only=False),
            )
        elif kind == "oauth2" and named:
            oauth2 = _oauth2(named, secret, resolve, source)
        else:
            raise _unknown(f"auth.{kind}", source)
    told = any(name.lower() == "authorization" for name in headers)
    if (basic is not None) + (oauth2 is not None) + told > 1:
        raise HubError("CONFIG_INVALID", "`auth` says two ways for one header", where=source)
    return Credentials(headers=headers, params=tuple(params), basic=basic, oauth2=oauth2)


def secret_of(held: Any, name: str, resolve: Resolve, source: str, *, ascii_only: bool) -> str:
    """A secret in the place of its reference; raises ``CONFIG_INVALID`` if it cannot be sent."""
    if not isinstance(held, str):
        raise HubError(
            "CONFIG_INVALID", f"`auth` says no `{name}`", where=source,
            hint="name a secret by reference",
        )  # fmt: skip
    made = resolve(held)
    if not made or not made.isprintable() or (ascii_only and not made.isascii()):
        raise HubError(
            "CONFIG_INVALID", f"the `{name}` of `auth` cannot be sent", where=source,
            hint="it is empty, or holds characters that do not belong there",
        )  # fmt: skip
    return made


_FIELDS = ("scope", "audience", "resource")
_OAUTH2 = frozenset({"token_url", "client_id", "client_secret", "send", *_FIELDS})


def _oauth2(
    named: Mapping[str, Any], secret: Callable[..., str], resolve: Resolve, source: str
) -> OAuth2:
    wrong = next((name for name, value in named.items()
                  if name not in _OAUTH2 or not isinstance(value, str)), None)  # fmt: skip
    if wrong is not None or named.get("send", "basic") not in ("basic", "body"):
        raise HubError(
            "CONFIG_INVALID", f"`auth.oauth2.{wrong or 'send'}` is not declared rightly",
            where=source, hint=f"known: {', '.join(sorted(_OAUTH2))}; `send` is basic or body",
        )  # fmt: skip
    url = _address(resolve(named.get("token_url", "")))
    if url is None:
        raise HubError(
            "CONFIG_INVALID", "`auth.oauth2.token_url` is not an address", where=source,
            hint="it begins with http:// or https:// and has neither a user nor a fragment",
        )  # fmt: skip
    return OAuth2(
        url=url,
        client=secret(named.get("client_id"), "client_id"),
        secret=secret(named.get("client_secret"), "client_secret"),
        told=tuple((name, resolve(named[name])) for name in _FIELDS if name in named),
        in_body=named.get("send") == "body",
    )


def _address(text: str) -> httpx.URL | None:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        return None
    fit = url.scheme in ("http", "https") and url.host and not url.userinfo and not url.fragment
    return url if fit else None


def _header(name: str, source: str) -> str:
    if not name or not all(c.isascii() and (c.isalnum() or c in "-_") for c in name):
        raise HubError("CONFIG_INVALID", "`auth.api_key.header` is no header's name", where=source)
    return name


def _unknown(what: str, source: str) -> HubError:
    return HubError(
        "CONFIG_INVALID", f"`{what}` is not known", where=source,
        hint="known: bearer, api_key with header or query, basic, oauth2",
    )  # fmt: skip

"""How the Hub shows itself to a service: secrets come by reference and stay here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import httpx
import msgspec

from schema.errors import HubError

Resolve = Callable[[str], str]


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What is added to each request."""

    headers: Mapping[str, str] = {}
    params: tuple[tuple[str, str], ...] = ()
    basic: httpx.BasicAuth | None = None

    def __repr__(self) -> str:
        return "Credentials()"


def credentials(connect: Mapping[str, Any], resolve: Resolve, source: str) -> Credentials:
    """Read ``connect.auth``; raises ``CONFIG_INVALID``."""
    declared = connect.get("auth") or {}
    if not isinstance(declared, Mapping):
        raise _unknown("auth", source)
    headers: dict[str, str] = {}
    params: list[tuple[str, str]] = []
    basic = None

    def secret(held: Any, name: str, *, ascii_only: bool = True) -> str:
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
        else:
            raise _unknown(f"auth.{kind}", source)
    if basic is not None and any(name.lower() == "authorization" for name in headers):
        raise HubError("CONFIG_INVALID", "`auth` says two ways for one header", where=source)
    return Credentials(headers=headers, params=tuple(params), basic=basic)


def _header(name: str, source: str) -> str:
    if not name or not all(c.isascii() and (c.isalnum() or c in "-_") for c in name):
        raise HubError("CONFIG_INVALID", "`auth.api_key.header` is no header's name", where=source)
    return name


def _unknown(what: str, source: str) -> HubError:
    return HubError(
        "CONFIG_INVALID", f"`{what}` is not known", where=source,
        hint="known: bearer, api_key with header or query, basic",
    )  # fmt: skip

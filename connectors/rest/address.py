"""Where a service is: the base that is declared, else the host of its document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from connectors.http.credentials import Resolve
from connectors.rest.keys import safe_in_path
from schema.errors import HubError

_SCHEMES = frozenset({"http", "https"})


def origin_of(connect: Mapping[str, Any], resolve: Resolve, source: str) -> str:
    """The base that is declared, else the host of the document."""
    base, document = connect.get("base"), connect.get("openapi")
    if isinstance(base, str) and base:
        return resolve(base)
    if not isinstance(document, str):
        raise HubError(
            "CONFIG_INVALID", "a REST source wants `connect.base`", where=source,
            hint="the address that paths are added to",
        )  # fmt: skip
    try:
        parts = urlsplit(resolve(document))
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in _SCHEMES else ""


def params_of(connect: Mapping[str, Any], resolve: Resolve, source: str) -> dict[str, str]:
    """``connect.params``: what places in paths stand for; raises ``CONFIG_INVALID``."""
    told = connect.get("params") or {}
    found: dict[str, str] = {}
    for name, value in (told if isinstance(told, Mapping) else {"": None}).items():
        text = resolve(value) if isinstance(value, str) else str(value)
        fits = isinstance(value, str | int) and not isinstance(value, bool)
        if not fits or not text.isprintable() or not safe_in_path(text):
            raise HubError(
                "CONFIG_INVALID", f"`connect.params.{name}` is no part of a path", where=source,
                hint="give each place of a path one value without dots or slashes alone",
            )  # fmt: skip
        found[name] = text
    return found

"""Where a service is: the base that is declared, else the host of its document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from connectors.http.credentials import Resolve
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

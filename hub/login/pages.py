"""What the doors of this room answer with: headers that let no other page use them, and pages
without any script."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

HEADERS: Mapping[str, str] = {
    "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'",
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
    "pragma": "no-cache",
}
_FAILED = b"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="robots" content="noindex"><title>Hub: log-in</title></head>
<body><h1>The log-in came to nothing</h1><p>Please begin again.</p></body>
</html>
"""


def told(value: Any, status: int = 200) -> Response:
    """A JSON answer."""
    body = orjson.dumps(value)
    return Response(body, status, media_type="application/json", headers=dict(HEADERS))


def sent(to: str) -> Response:
    """Send the browser somewhere else, with GET."""
    return Response(status_code=303, headers={**HEADERS, "location": to})


def failed(status: int = 400) -> Response:
    """The page that every failed log-in gets, whatever went wrong."""
    return Response(_FAILED, status, media_type="text/html", headers=dict(HEADERS))

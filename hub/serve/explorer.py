"""GraphiQL for browsers: every asset lies in the package, and the page runs no inline script."""

from __future__ import annotations

import gzip
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

ASSETS = Path(__file__).parent / "assets" / "graphiql"
ASSETS_URL = "/graphiql/assets"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
PAGE_HEADERS: Mapping[str, str] = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
    "vary": "accept",
}
_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
_SCRIPTS = ("react-18.3.1.min.js", "react-dom-18.3.1.min.js", "graphiql-3.8.3.min.js")
_STYLES = ("graphiql-3.8.3.min.css",)
_OWN = ("explorer.js", "explorer.css")

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Hub: GraphiQL</title>
{styles}
</head>
<body>
<div id="graphiql" data-endpoint="{endpoint}">Loading…</div>
{scripts}
</body>
</html>
"""

Scope = MutableMapping[str, Any]


def explorer_page(endpoint: str) -> Callable[[Scope, Any, Any], Awaitable[None]]:
    """The page, as an ASGI application."""
    styles = "\n".join(
        f'<link rel="stylesheet" href="{ASSETS_URL}/{name}">' for name in (*_STYLES, "explorer.css")
    )
    scripts = "\n".join(
        f'<script src="{ASSETS_URL}/{name}"></script>' for name in (*_SCRIPTS, "explorer.js")
    )
    page = _PAGE.format(styles=styles, scripts=scripts, endpoint=escape(endpoint, quote=True))
    return Response(page, media_type="text/html", headers=PAGE_HEADERS)


async def explorer_asset(request: Request) -> Response:
    """One asset by its name; compressed as it lies there if the browser takes that."""
    name = request.path_params["name"]
    headers = {"x-content-type-options": "nosniff", "vary": "accept-encoding"}
    if name in _OWN:
        headers["cache-control"] = "no-cache"
        return Response(_read(name), media_type=_TYPES[Path(name).suffix], headers=headers)
    if name not in (*_SCRIPTS, *_STYLES):
        return Response("not found\n", status_code=404, media_type="text/plain")
    # The names carry the version.
    headers["cache-control"] = "public, max-age=31536000, immutable"
    body = _read(f"{name}.gz")
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["content-encoding"] = "gzip"
    else:
        body = gzip.decompress(body)
    return Response(body, media_type=_TYPES[Path(name).suffix], headers=headers)


@cache
def _read(name: str) -> bytes:
    return (ASSETS / name).read_bytes()

"""Media types: which one an `Accept` asks for, whether a `Content-Type` is JSON in UTF-8.

Source: RFC 9110 sections 12.5.1 and 8.3; GraphQL over HTTP, "Media Types".
"""

from __future__ import annotations

from typing import Literal

import msgspec

Media = Literal["application/json", "application/graphql-response+json"]
JSON: Media = "application/json"
GRAPHQL: Media = "application/graphql-response+json"
HTML = "text/html"

_OURS = (GRAPHQL, JSON)
_LONGEST_ACCEPT = 2_048


class Wish(msgspec.Struct, frozen=True):
    """What an `Accept` header asks for: `media` is what we answer in (`None`: nothing of ours is
    acceptable); `html` when a page is liked better than any of ours, as browsers do."""

    media: Media | None
    html: bool


def read_accept(header: str | None) -> Wish:
    """The media type to answer in.

    No header, `*/*` and `application/*` mean `application/json`, which every client reads.
    Equal wishes: the one named first, then the more specific.
    """
    if header is None or not header.strip():
        return Wish(JSON, html=False)
    if len(header) > _LONGEST_ACCEPT:
        return Wish(None, html=False)
    best: tuple[float, int] = (0.0, 0)
    media: Media | None = None
    html = 0.0
    refused: set[str] = set()
    ranges = [r for r in map(_read_range, header.split(",")) if r is not None]
    for name, quality in ranges:
        if quality == 0.0:
            refused.add(name)
    for place, (name, quality) in enumerate(ranges):
        if name == HTML:
            html = max(html, quality)
        choice = _ours(name, refused)
        if choice is not None and (quality, -place) > best and quality > 0.0:
            best, media = (quality, -place), choice
    return Wish(media, html=html > best[0])


def _ours(name: str, refused: set[str]) -> Media | None:
    """The media type of ours that a range stands for."""
    if name in ("*/*", "application/*"):
        return next((m for m in (JSON, GRAPHQL) if m not in refused), None)
    return next((m for m in _OURS if m == name), None)


def _read_range(text: str) -> tuple[str, float] | None:
    """One media range and its quality; `None` if it cannot be read or asks for another charset."""
    name, *params = (part.strip() for part in text.split(";"))
    quality = 1.0
    for param in params:
        key, _, value = param.partition("=")
        key, value = key.strip().lower(), value.strip().strip('"')
        if key == "q":
            try:
                quality = float(value)
            except ValueError:
                return None
            if not 0.0 <= quality <= 1.0:
                return None
        elif key == "charset" and value.lower() not in ("utf-8", "utf8"):
            return None
    return (name.lower(), quality) if name else None


def is_json(content_type: str) -> bool:
    """Whether a body of this `Content-Type` is JSON in UTF-8."""
    name, *params = (part.strip() for part in content_type.split(";"))
    if name.lower() != JSON:
        return False
    for param in params:
        key, _, value = param.partition("=")
        if key.strip().lower() == "charset":
            return value.strip().strip('"').lower() in ("utf-8", "utf8")
    return True

"""Strict reading of what a token is made of: base64url and JSON without any latitude."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, NoReturn

from auth.refusal import RefusedError

_SEGMENT = re.compile(r"[A-Za-z0-9_-]+\Z")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_DEPTH_MAX = 8


def segment(text: str) -> bytes:
    """The bytes of one base64url part without padding; raises `RefusedError`."""
    if not _SEGMENT.match(text) or len(text) % 4 == 1:
        raise RefusedError("not_a_token")
    data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if urlsafe_b64encode(data).rstrip(b"=") != text.encode():
        raise RefusedError("not_a_token")  # a second spelling of the same token
    return data


def json_object(data: bytes) -> dict[str, Any]:
    """A JSON object: UTF-8, no key twice, no ``NaN``, no control characters, not nested deep.

    Raises: `RefusedError`.
    """
    try:
        value = json.loads(data.decode(), object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise RefusedError("not_a_token") from None
    if not isinstance(value, dict):
        raise RefusedError("not_a_token")
    _check(value, 0)
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    held = dict(pairs)
    if len(held) != len(pairs):
        raise RefusedError("not_a_token")
    return held


def _no_constant(_: str) -> NoReturn:
    raise RefusedError("not_a_token")


def _check(value: Any, depth: int) -> None:
    if depth > _DEPTH_MAX:
        raise RefusedError("not_a_token")
    match value:
        case str():
            if _UNSAFE.search(value):
                raise RefusedError("claims")
        case dict():
            for key, held in value.items():
                _check(key, depth)
                _check(held, depth + 1)
        case list():
            for held in value:
                _check(held, depth + 1)
        case _:
            return

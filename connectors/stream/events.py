"""Messages as CloudEvents: which row changed, and what it is now.

Source: CloudEvents 1.0.2 and its NATS protocol binding (structured mode, and binary mode with
``ce-`` headers).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from connectors.stream.declare import Events

Row = Mapping[str, Any]
Key = tuple[Any, ...]
_STRUCTURED = "application/cloudevents"
_SPEC = "1."


class BadEventError(ValueError):
    """A message that is no event of its table. Its text says why, without a value."""


class Change(msgspec.Struct, frozen=True):
    """What one event says: the row of a key, or that there is none any more."""

    key: Key
    row: Row | None


class _Envelope(msgspec.Struct):
    specversion: str
    type: str
    data: msgspec.Raw = msgspec.Raw()
    data_base64: str | None = None


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_ROW = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


def change_of(events: Events, headers: Mapping[str, str] | None, body: bytes) -> Change:
    """What a message means for its table; raises `BadEventError`."""
    kind, data = _opened({k.lower(): v for k, v in (headers or {}).items()}, body)
    gone = any(fnmatchcase(kind, pattern) for pattern in events.deleted)
    try:
        row: dict[str, Any] = _ROW.decode(data) if data else {}
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BadEventError("the data is no JSON object") from None
    key = tuple(row.get(name) for name in events.key)
    if any(part is None or isinstance(part, dict | list) for part in key):
        raise BadEventError("the data lacks a part of the key")
    return Change(key, None if gone else row)


def _opened(headers: Mapping[str, str], body: bytes) -> tuple[str, bytes]:
    """An event's type and its data."""
    if "ce-specversion" in headers:
        kind = headers.get("ce-type")
        if not kind or not headers["ce-specversion"].startswith(_SPEC):
            raise BadEventError("the headers are no CloudEvent")
        return kind, body
    declared = headers.get("content-type", _STRUCTURED)
    if not declared.startswith(_STRUCTURED):
        raise BadEventError("the message is no CloudEvent")
    try:
        held = _ENVELOPE.decode(body)
        if not held.specversion.startswith(_SPEC) or not held.type:
            raise BadEventError("the message is no CloudEvent 1.0")
        if held.data_base64 is not None:
            return held.type, base64.b64decode(held.data_base64, validate=True)
    except (msgspec.DecodeError, UnicodeDecodeError, binascii.Error):
        raise BadEventError("the message is no CloudEvent") from None
    data = bytes(held.data)
    return held.type, b"" if data == b"null" else data

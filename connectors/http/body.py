"""Bodies: decompressed and read within bounds, numbers as they are written."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import httpx
import msgspec

from schema.errors import SourceError

MAX_BYTES = 32_000_000
_MAX_DIGITS = 1000


def _number(text: str) -> Decimal:
    """A number with a fraction or exponent, exactly; an absurd one is refused."""
    if len(text) > _MAX_DIGITS:
        raise ValueError
    number = Decimal(text)
    if abs(number.adjusted()) > _MAX_DIGITS:
        raise ValueError
    return number


_JSON: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=_number)


def decoded(headers: httpx.Headers, body: bytes) -> Any:
    """The JSON value of a body, fractions as `Decimal`; raises ``SOURCE_BAD_DATA``."""
    kind = headers.get("content-type", "").split(";")[0].strip().lower()
    if kind and kind not in ("application/json", "text/json") and not kind.endswith("+json"):
        raise SourceError("SOURCE_BAD_DATA", "the source sent something else than JSON")
    try:
        return _JSON.decode(body.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError):  # broken, not UTF-8, or nested without end
        raise SourceError("SOURCE_BAD_DATA", "the source sent bad data") from None


async def read_bounded(headers: httpx.Headers, raw: AsyncIterator[bytes]) -> bytes:
    """A whole body, unpacked; never more than `MAX_BYTES` in memory beside one part."""
    coding = headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("identity", "", "gzip", "x-gzip"):
        raise SourceError("SOURCE_BAD_DATA", "the source packs its data in an unknown way")
    unpack = zlib.decompressobj(wbits=31) if coding.endswith("gzip") else None
    parts, left = [], MAX_BYTES
    async for part in raw:
        if unpack is not None:
            try:
                made = unpack.decompress(part, left + 1)
            except zlib.error:
                raise SourceError("SOURCE_BAD_DATA", "the source sent bad data") from None
        else:
            made = part
        left -= len(made)
        if left < 0:
            raise SourceError(
                "SOURCE_BAD_DATA", "the source sent too much at once",
                hint="let it send smaller pages",
            )  # fmt: skip
        parts.append(made)
    if unpack is not None and not unpack.eof and parts:
        raise SourceError("SOURCE_BAD_DATA", "the source sent bad data")
    return b"".join(parts)

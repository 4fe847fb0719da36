"""Documents of issuers and providers over HTTP: private ways alone, bounded, nothing followed."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from auth.refusal import Reason, RefusedError

TIMEOUT_S = 5.0
_BYTES_MAX = 512_000


async def fetched(
    client: httpx.AsyncClient,
    url: str,
    *,
    reason: Reason,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    **sent: Any,
) -> bytes:
    """The body of a 200. Raises: `RefusedError` with the reason for everything else."""
    if not private_way(url):
        raise RefusedError(reason)
    body = bytearray()
    told = {"accept": "application/json", **(headers or {})}
    async with client.stream(method, url, headers=told, **sent) as response:
        if response.status_code != httpx.codes.OK:
            raise RefusedError(reason)
        async for part in response.aiter_bytes():
            body += part
            if len(body) > _BYTES_MAX:
                raise RefusedError(reason)
    return bytes(body)


def private_way(url: str) -> bool:
    """Whether nobody on the way can read or answer what is sent there."""
    scheme = urlsplit(url).scheme
    return scheme == "https" or (scheme == "http" and loopback(urlsplit(url).hostname or ""))


def loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False

"""TLS towards a service: whose certificates count, and which one the Hub shows."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from schema.errors import HubError

_KNOWN = ("ca", "certificate", "key", "password")


def tls_of(
    connect: Mapping[str, Any], resolve: Callable[[str], str], source: str
) -> ssl.SSLContext | None:
    """Read ``connect.tls``: paths of PEM files; ``None`` if there is nothing special.

    Raises: ``CONFIG_INVALID``, without a path.
    """
    declared = connect.get("tls")
    if declared is None:
        return None
    if not isinstance(declared, Mapping) or not declared:
        raise _wrong("`connect.tls` says nothing", source)
    held: dict[str, str] = {}
    for name, value in declared.items():
        if name not in _KNOWN or not isinstance(value, str) or not value:
            raise _wrong(f"`connect.tls.{name}` is not known, or no text", source)
        held[name] = resolve(value)
    if ("key" in held or "password" in held) and "certificate" not in held:
        raise _wrong("`connect.tls` has a key without its certificate", source)
    try:
        if "ca" in held:  # these alone count
            made = ssl.create_default_context(cafile=held["ca"])
        else:
            made = httpx.create_ssl_context(trust_env=False)
    except (OSError, ValueError):  # ssl.SSLError is an OSError
        raise _wrong("the certificates of `connect.tls.ca` cannot be read", source) from None
    if "certificate" in held:
        try:
            # a password, even an empty one: without it OpenSSL would ask at the terminal
            made.load_cert_chain(
                held["certificate"], held.get("key"), password=held.get("password", "")
            )
        except (OSError, ValueError):
            raise _wrong(
                "the certificate and key of `connect.tls` cannot be read, or do not fit", source
            ) from None
    return made


def _wrong(message: str, source: str) -> HubError:
    return HubError(
        "CONFIG_INVALID", message, where=source,
        hint=f"known: {', '.join(_KNOWN)}; each but the password is the path of a PEM file",
    )  # fmt: skip

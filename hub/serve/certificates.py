"""Which certificate a client has shown, as trusted proxies say: for tokens bound to one.

Source: RFC 8705, 3.1 (`x5t#S256`); RFC 9440 (`Client-Cert`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import ipaddress
import re
from collections.abc import MutableMapping, Sequence
from typing import Any
from urllib.parse import unquote_to_bytes

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_certificate, load_pem_x509_certificate

Scope = MutableMapping[str, Any]
_LONGEST = 16_384
_FIELD = re.compile(rb":([A-Za-z0-9+/]+={0,2}):\Z")


class Certificates:
    """Reads the header that the proxies in these networks write."""

    def __init__(self, header: str | None, proxies: Sequence[str]) -> None:
        self._header = None if header is None else header.lower().encode()
        self._proxies = tuple(ipaddress.ip_network(text) for text in proxies)

    def shown(self, scope: Scope) -> str | None:
        """The certificate's digest as tokens have it; ``None`` where none was shown or anybody
        but a trusted proxy says so."""
        if self._header is None or not self._trusted(scope.get("client")):
            return None
        values = [value for name, value in scope["headers"] if name == self._header]
        # fails closed: of two, one may be the client's own
        if len(values) != 1 or not 0 < len(values[0]) <= _LONGEST:
            return None
        der = _der(values[0])
        if der is None:
            return None
        digest = hashlib.sha256(der).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def _trusted(self, client: Sequence[object] | None) -> bool:
        if not client or not isinstance(client[0], str):
            return False
        try:
            address = ipaddress.ip_address(client[0])
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self._proxies)


def _der(value: bytes) -> bytes | None:
    """A certificate as RFC 9440 writes it, or as PEM with percent signs."""
    try:
        field = _FIELD.match(value)
        if field is not None:
            certificate = load_der_x509_certificate(base64.b64decode(field[1], validate=True))
        else:
            certificate = load_pem_x509_certificate(unquote_to_bytes(value))
    except (ValueError, binascii.Error):
        return None
    return certificate.public_bytes(Encoding.DER)

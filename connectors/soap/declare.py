"""What a SOAP source declares of its service: the WSDL, the address, who the Hub is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from zeep.wsse.username import UsernameToken

from connectors.http.credentials import Credentials, credentials, secret_of
from schema.errors import HubError

_KNOWN = frozenset({"wsdl", "address", "service", "port", "auth", "tls"})
_TOKEN = frozenset({"user", "password", "digest"})
_SCHEMES = frozenset({"http", "https"})


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """The `connect` of a fragment, secrets put in."""

    wsdl: str
    """A URL, or the absolute path of a file."""
    address: str | None
    service: str | None
    port: str | None
    shown: Credentials
    token: UsernameToken | None

    @property
    def origin(self) -> str:
        """The host of the WSDL; empty for a file."""
        parts = urlsplit(self.wsdl)
        return f"{parts.scheme}://{parts.netloc}" if parts.scheme in _SCHEMES else ""

    def __repr__(self) -> str:
        return "Declared()"


def read_connect(
    connect: Mapping[str, Any], resolve: Callable[[str], str], source: str
) -> Declared:
    """Check a fragment's `connect`; raises ``CONFIG_INVALID``."""
    held: dict[str, str] = {}
    for name, value in connect.items():
        if name not in _KNOWN:
            raise HubError(
                "CONFIG_INVALID", f"a SOAP source knows no `connect.{name}`", where=source,
                hint=f"known: {', '.join(sorted(_KNOWN))}",
            )  # fmt: skip
        if name in ("auth", "tls"):
            continue
        if not isinstance(value, str) or not value:
            raise HubError("CONFIG_INVALID", f"`connect.{name}` is no text", where=source)
        held[name] = resolve(value)
    if "wsdl" not in held:
        raise HubError(
            "CONFIG_INVALID", "a SOAP source wants `connect.wsdl`", where=source,
            hint="the address of the WSDL, or the path of a file",
        )  # fmt: skip
    auth = connect.get("auth")
    token = None
    if isinstance(auth, Mapping) and "username_token" in auth:
        token = _token(auth["username_token"], resolve, source)
        connect = {"auth": {name: one for name, one in auth.items() if name != "username_token"}}
    place = held["wsdl"]
    made = Declared(
        wsdl=place if "://" in place else str(Path(place).expanduser().resolve()),
        address=held.get("address"),
        service=held.get("service"),
        port=held.get("port"),
        shown=credentials(connect, resolve, source),
        token=token,
    )
    if "://" in place and not made.origin:
        raise HubError("CONFIG_INVALID", "`connect.wsdl` is not an address", where=source,
                       hint="it begins with http:// or https://, or is a path")  # fmt: skip
    return made


def _token(told: Any, resolve: Callable[[str], str], source: str) -> UsernameToken:
    """WS-Security's user name token, with the password as text or as a digest."""
    if not isinstance(told, Mapping) or set(told) - _TOKEN:
        raise HubError(
            "CONFIG_INVALID", "`auth.username_token` is not declared rightly", where=source,
            hint="known: user, password, digest",
        )  # fmt: skip
    digest = told.get("digest", False)
    if not isinstance(digest, bool):
        raise HubError(
            "CONFIG_INVALID", "`auth.username_token.digest` is true or false", where=source
        )
    return UsernameToken(
        secret_of(told.get("user"), "user", resolve, source, ascii_only=False),
        secret_of(told.get("password"), "password", resolve, source, ascii_only=False),
        use_digest=digest,
        zulu_timestamp=True,
    )

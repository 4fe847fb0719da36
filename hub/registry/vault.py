"""Secrets in HashiCorp Vault's KV version 2 by HTTP: ``${vault:MOUNT/PATH#KEY}``.

Source: https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2 (read secret version).
"""

from __future__ import annotations

import ipaddress
import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import msgspec

from hub.settings.declared import VaultSettings
from schema.errors import HubError

_MOST_BYTES = 1_000_000


class _Inner(msgspec.Struct, frozen=True):
    data: dict[str, Any] | None = None


class _Answer(msgspec.Struct, frozen=True):
    data: _Inner


def read_vault(reference: str, settings: VaultSettings, environ: Mapping[str, str]) -> str:
    """The value of ``MOUNT/PATH#KEY``; blocking, for a few times `settings.timeout_s` at most.

    Raises: `HubError` CONFIG_INVALID for settings and references that cannot be right,
    SECRET_UNAVAILABLE where Vault does not give it; neither tells a value, a token or an address.
    """
    path, _, key = reference.partition("#")
    mount, _, inner = path.strip("/").partition("/")
    parts = inner.split("/")
    if not mount or not key or any(part in ("", ".", "..") for part in parts):
        hint = "write `${vault:MOUNT/PATH#KEY}`"
        raise HubError("CONFIG_INVALID", "a reference to Vault is not whole", hint=hint)
    address = _address(settings, environ)
    url = f"{address}/v1/{quote(mount, safe='')}/data/{quote(inner, safe='/')}"
    status, body = _asked(url, _headers(settings, environ), settings, environ)
    named = f"`vault:{path}`"
    if status in (401, 403):
        hint = "check the token and its policy"
        raise _unavailable(f"Vault does not let the hub read {named}", hint)
    if status == 404:
        raise _unavailable(f"Vault has no {named}", "check mount and path; it may be deleted")
    if status != 200:
        raise _unavailable("Vault does not answer as it should", "it may be sealed or on standby")
    return _value(body, named, key)


def _value(body: bytes, named: str, key: str) -> str:
    try:
        held = msgspec.json.decode(body, type=_Answer).data.data or {}
    except msgspec.DecodeError:
        hint = "check that the mount is KV version 2"
        raise _unavailable(f"what Vault has as {named} cannot be read", hint) from None
    if key not in held:
        raise _unavailable(f"{named} has no `{key}`", "check the part behind `#`")
    value = held[key]
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise _unavailable(f"`{key}` of {named} is no text", "write it as a text")
    return str(value)


def _asked(
    url: str, headers: Mapping[str, str], settings: VaultSettings, environ: Mapping[str, str]
) -> tuple[int, bytes]:
    verify: ssl.SSLContext | bool = True
    authority = settings.authority or environ.get("VAULT_CACERT")
    try:
        if authority is not None:
            verify = ssl.create_default_context(cafile=authority)
        with (
            # no redirect is followed and no proxy taken: the token goes to this address alone
            httpx.Client(verify=verify, timeout=settings.timeout_s, trust_env=False) as client,
            client.stream("GET", url, headers=dict(headers)) as got,
        ):
            body, end = b"", time.monotonic() + settings.timeout_s
            for piece in got.iter_bytes():
                body += piece
                if len(body) > _MOST_BYTES:
                    raise _unavailable("Vault's answer is too large", "keep secrets small")
                if time.monotonic() > end:
                    raise _unavailable("Vault is too slow", "see `vault.timeout_s`")
            return got.status_code, body
    except (httpx.HTTPError, httpx.InvalidURL, OSError):
        # its text may hold the address and more
        hint = "check `vault.address`, the network and the certificate"
        raise _unavailable("Vault does not answer", hint) from None


def _address(settings: VaultSettings, environ: Mapping[str, str]) -> str:
    address = settings.address or environ.get("VAULT_ADDR")
    if not address:
        hint = "set `vault.address` or VAULT_ADDR"
        raise HubError("CONFIG_INVALID", "nothing says where Vault is", hint=hint)
    try:
        parts = urlsplit(address)
        private = parts.scheme == "https" or (parts.scheme == "http" and _here(parts.hostname))
        good = (
            private
            and bool(parts.hostname)
            and not (parts.query or parts.fragment or parts.port == 0)
        )
        good = good and parts.username is None
    except ValueError:
        good = False
    if not good:
        # fails closed: whoever reads on the way would have the token
        hint = "write `https://HOST:8200`; `http:` is for this machine"
        raise HubError(
            "CONFIG_INVALID", "the address of Vault is none to send a token to", hint=hint
        )
    return address.rstrip("/")


def _here(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def _headers(settings: VaultSettings, environ: Mapping[str, str]) -> dict[str, str]:
    file = settings.token_file or environ.get("VAULT_TOKEN_FILE")
    if file is not None:
        try:
            token = Path(file).read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            hint = "check `vault.token_file`"
            raise HubError(
                "CONFIG_INVALID", "Vault's token file cannot be read", hint=hint
            ) from None
    else:
        token = environ.get("VAULT_TOKEN", "").strip()
    if not token or not token.isascii() or not token.isprintable():
        hint = "set `vault.token_file`, or VAULT_TOKEN in the environment"
        raise HubError("CONFIG_INVALID", "there is no token for Vault", hint=hint)
    headers = {"X-Vault-Token": token, "X-Vault-Request": "true"}
    namespace = settings.namespace or environ.get("VAULT_NAMESPACE")
    return headers if not namespace else {**headers, "X-Vault-Namespace": namespace}


def _unavailable(message: str, hint: str) -> HubError:
    return HubError("SECRET_UNAVAILABLE", message, hint=hint)

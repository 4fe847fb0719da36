"""Secrets by reference: ``${env:NAME}``, ``${file:PATH}`` and ``${vault:MOUNT/PATH#KEY}``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from hub.registry.vault import read_vault
from hub.settings.declared import VaultSettings
from schema.errors import HubError

_REFERENCE = re.compile(r"\$\{(env|file|vault):([^{}$]+)\}")
_MAX_BYTES = 65_536


def resolve(text: str, environ: Mapping[str, str]) -> str:
    """The text with every reference replaced; raises `CONFIG_INVALID`, never naming a value."""
    return _REFERENCE.sub(lambda found: _value(found[1], found[2], environ), text)


def _value(kind: str, name: str, environ: Mapping[str, str]) -> str:
    if kind == "env":
        value = environ.get(name)
        if value is None:
            raise HubError(
                "CONFIG_INVALID",
                f"the environment variable `{name}` is not set",
                hint="a fragment or the configuration takes a secret from it",
            )
        return value
    if kind == "vault":
        return read_vault(name, VaultSettings(), environ)
    path = Path(name)
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise HubError("CONFIG_INVALID", f"the secret file `{name}` is too large")
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise HubError(
            "CONFIG_INVALID", f"the secret file `{name}` cannot be read", cause=error
        ) from error

"""Who may ask: issuers, API keys and links of the settings, made into one identifier."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine as Database

from auth.apikeys import FileKeys, KeyStore
from auth.devissuer import DevIssuer
from auth.identify import Identifier
from auth.link import LinkVerifier
from auth.token import TokenVerifier
from hub.directory.apart import separated
from hub.directory.callers import KnownCallers
from hub.settings import Settings
from hub.store.keys import StoredKeys
from hub.store.once import StoredOnce
from schema.model.label import LabelScheme


def identifier_of(
    settings: Settings,
    database: Database,
    *,
    issuer: DevIssuer | None,
    scheme: LabelScheme,
    once: StoredOnce,
    clock: Callable[[], float],
) -> Identifier:
    """Recognises callers. `issuer`: of development, where there is one; `once`: what may be shown
    once alone. Raises: `HubError` CONFIG_INVALID."""
    declared = settings.auth
    issuers = list(declared.issuers)
    if issuer is not None:
        issuers.append(issuer.issuer)
    keys: list[KeyStore] = []
    if declared.api_keys.store:
        keys.append(StoredKeys(database))
    if declared.api_keys.file is not None:
        keys.append(FileKeys(Path(declared.api_keys.file)))
    links = None
    if settings.links:
        own = settings.instance.name
        links = LinkVerifier(settings.links, own=own, scheme=scheme, once=once, clock=clock)
    tokens = None
    if issuers:
        tokens = TokenVerifier(issuers, declared.claims, clock=clock)
    known = KnownCallers(database, settings.directory) if settings.directory.enabled else None
    return Identifier(
        tokens=tokens,
        keys=keys,
        links=links,
        directory=known,
        apart=separated(settings),
        cache_size=declared.cache_size,
        cache_s=declared.cache_s,
        clock=clock,
    )

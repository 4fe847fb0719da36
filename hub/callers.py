"""Who may ask: issuers, API keys, log-ins and links of the settings, made into one identifier."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
from sqlalchemy import Engine as Database

from auth.apikeys import FileKeys, KeyStore
from auth.devissuer import DevIssuer
from auth.identify import Identifier
from auth.issuer import Issuer
from auth.keyset import KeySet
from auth.link import LinkVerifier
from auth.token import Keys, TokenVerifier
from hub.directory.apart import separated
from hub.directory.callers import KnownCallers
from hub.login.logins import Logins
from hub.login.tokens import Tokens, own_issuer, own_keys
from hub.settings import Settings
from hub.store.keys import StoredKeys
from hub.store.once import StoredOnce
from schema.model.label import LabelScheme


class Callers(msgspec.Struct, frozen=True, kw_only=True):
    """What recognises callers, and what makes credentials for them."""

    identifier: Identifier
    logins: Logins | None
    tokens: Tokens | None


def callers_of(
    settings: Settings,
    database: Database,
    *,
    issuer: DevIssuer | None,
    scheme: LabelScheme,
    once: StoredOnce,
    secret: bytes,
    clock: Callable[[], float],
) -> Callers:
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
        name = settings.instance.name
        links = LinkVerifier(settings.links, own=name, scheme=scheme, once=once, clock=clock)
    logins = None
    if declared.login.providers:
        logins = Logins(settings, database, secret=secret, clock=clock)
    tokens, held = None, None
    if declared.issuer.enabled:
        own = own_keys(settings, clock)
        held = own_issuer(settings)
        issuers.append(held)
        tokens = Tokens(settings, own=own, keys=tuple(keys), scheme=scheme, once=once, clock=clock)

    def key_set(of: Issuer) -> Keys:
        return tokens.own if tokens is not None and of is held else KeySet(of)

    verifier = None
    if issuers:
        verifier = TokenVerifier(issuers, declared.claims, clock=clock, once=once, key_set=key_set)
    if tokens is not None:
        tokens.verifier = verifier
    known = KnownCallers(database, settings.directory) if settings.directory.enabled else None
    identifier = Identifier(
        directory=known,
        tokens=verifier,
        keys=keys,
        links=links,
        browser=None if logins is None else logins.browser,
        apart=separated(settings),
        cache_size=declared.cache_size,
        cache_s=declared.cache_s,
        clock=clock,
    )
    return Callers(identifier=identifier, logins=logins, tokens=tokens)

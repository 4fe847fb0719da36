"""What one worker needs to log people in: providers, flights, sessions."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx
from sqlalchemy import Engine

from auth.browser import Browser
from auth.flight import Flights
from auth.provider import Provider
from auth.relying import Relying
from hub.registry.sources import resolver
from hub.settings import Settings
from hub.store.sessions import StoredSessions

CALLBACK = "/auth/callback"


class Logins:
    """Raises, when made: `HubError` CONFIG_INVALID."""

    def __init__(
        self,
        settings: Settings,
        database: Engine,
        *,
        secret: bytes,
        clock: Callable[[], float],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        declared = settings.auth.login
        self.declared = declared
        self.clock = clock
        url = (declared.url or "").rstrip("/")
        self.sessions = StoredSessions(
            database,
            idle_s=declared.idle_s,
            ages=declared.acr_s,
            wait_s=settings.audit.wait_s,
            clock=clock,
        )
        key = hmac.digest(secret, b"hub log-in 1", "sha256")
        self.flights = Flights(key)
        self.browser = Browser(url, key, self.sessions)
        self.providers: Mapping[str, Relying] = {
            provider.name: Relying(
                provider,
                redirect_uri=f"{url}{CALLBACK}",
                secret=_secret(provider, settings),
                clock=clock,
                transport=transport,
            )
            for provider in declared.providers
        }


def _secret(provider: Provider, settings: Settings) -> Callable[[], str]:
    resolve = resolver(Path(settings.state.directory), settings.vault)
    return lambda: resolve(provider.client_secret or "")

"""The doors of this room that the settings open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from starlette.routing import Route

from hub.login.door import LoggedIn, login_routes
from hub.login.tokendoor import Issuing, token_routes
from hub.settings import Settings


class Identified(LoggedIn, Issuing, Protocol):
    """What the doors need of a hub."""


def identity_routes(hub: Identified, settings: Settings) -> Sequence[Route]:
    """Log-in, where anybody can log in, and tokens, where the hub issues any."""
    declared = settings.auth
    return (
        *(login_routes(hub) if declared.login.providers else ()),
        *(token_routes(hub, settings) if declared.issuer.enabled else ()),
    )

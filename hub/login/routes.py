"""The doors of this room that the settings open."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.routing import Route

from hub.login.door import LoggedIn, login_routes
from hub.settings import Settings


def identity_routes(hub: LoggedIn, settings: Settings) -> Sequence[Route]:
    """The doors of log-in, where anybody can log in."""
    return login_routes(hub) if settings.auth.login.providers else ()

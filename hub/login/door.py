"""`/auth/login`, `/auth/callback`, `/auth/session`, `/auth/logout`: people in browsers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import httpx
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from auth.browser import cookie, read
from auth.flight import LASTS_S, Flight, safe_path
from auth.refusal import RefusedError
from auth.session import Person, Session, begun, standing, stepped_up
from hub.login.logins import CALLBACK, Logins
from hub.login.pages import failed, sent, told
from hub.serve.guard import Room
from hub.serve.problem import error_object, status_of
from schema.errors import HubError

log = structlog.get_logger("hub.login")

_MOST = 64
"""Requests in one worker at once."""
_LONGEST_QUERY = 8_192
_MOST_PARAMETERS = 32


class LoggedIn(Protocol):
    """What the door needs of a hub."""

    @property
    def logins(self) -> Logins | None: ...


def login_routes(hub: LoggedIn) -> Sequence[Route]:
    """The doors of log-in."""
    door = LoginDoor(hub)
    return (
        Route("/auth/login", door.way(door.login), methods=["GET"]),
        Route(CALLBACK, door.way(door.callback), methods=["GET"]),
        Route("/auth/session", door.way(door.session), methods=["GET"]),
        Route("/auth/logout", door.way(door.logout), methods=["POST"]),
    )


class LoginDoor:
    """One worker's."""

    def __init__(self, hub: LoggedIn) -> None:
        self._hub = hub
        self._room = Room(_MOST)

    def way(
        self, to: Callable[[Logins, Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint that never raises for what a client sent."""

        async def answer(request: Request) -> Response:
            logins = self._hub.logins
            try:
                self._room.enter()
                try:
                    if logins is None:
                        raise HubError("NOT_FOUND", "nobody logs in here")
                    return await to(logins, request)
                finally:
                    self._room.leave()
            except RefusedError as refused:
                log.info("login.refused", reason=refused.reason)
                return failed()
            except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError) as error:
                log.warning("login.refused", reason="provider", kind=type(error).__name__)
                return failed()
            except HubError as error:
                return told({"errors": [error_object(error)]}, status_of(error.code, "2026"))
            except Exception as error:
                log.exception("door.failed", kind=type(error).__name__)
                return failed(500)

        return answer

    async def login(self, logins: Logins, request: Request) -> Response:
        """Send the browser to a provider."""
        asked = _parameters(request)
        if not asked.keys() <= {"provider", "return_to", "acr"}:
            raise HubError("BAD_REQUEST", "a parameter that `/auth/login` does not know")
        return_to = safe_path(asked.get("return_to", "/"))
        if return_to is None:
            raise HubError(
                "BAD_REQUEST", "`return_to` is not a path of this hub",
                hint="write an absolute path, as `/graphiql`",
            )  # fmt: skip
        acr = asked.get("acr")
        if acr is not None and acr not in logins.declared.acr_s:
            hint = "ask for one that the setting `auth.login.acr_s` names"
            raise HubError("BAD_REQUEST", "nobody logs in like that here", hint=hint)
        name = asked.get(
            "provider", "" if len(logins.providers) > 1 else next(iter(logins.providers))
        )
        provider = logins.providers.get(name)
        if provider is None:
            known = ", ".join(sorted(logins.providers))
            raise HubError("BAD_REQUEST", "no such provider", hint=f"`provider` is one of {known}")
        flight = Flight(provider=name, return_to=return_to, began=logins.clock(), acr=acr)
        sealed = logins.flights.begin(flight)
        response = sent(await provider.start(sealed))
        _set(response, logins, logins.browser.flight, sealed.cookie, age_s=LASTS_S)
        return response

    async def callback(self, logins: Logins, request: Request) -> Response:
        """Take what the provider sends back, and begin a session."""
        params = _parameters(request)
        found = read(request.scope["headers"])
        flying = cookie(found, logins.browser.flight)
        sealed = logins.flights.landed(flying or "", params.get("state", ""), logins.clock())
        provider = logins.providers.get(sealed.flight.provider)
        if provider is None:
            raise RefusedError("provider")
        person = await provider.finish(params, sealed)
        old = logins.browser.session(found)
        session = await _session(logins, person, old, acr=sealed.flight.acr)
        # always a new id: one that somebody has planted, or seen before, is worth nothing after
        ident = await logins.sessions.begin(session, instead_of=old)
        log.info("login.done", provider=person.provider, stepped_up=sealed.flight.acr is not None)
        response = sent(sealed.flight.return_to)
        age_s = session.ends - logins.clock()
        _set(response, logins, logins.browser.cookie, ident, age_s=age_s)
        _set(response, logins, logins.browser.flight, "", age_s=0)
        return response

    async def session(self, logins: Logins, request: Request) -> Response:
        """Who is logged in, for the hub's own pages; it keeps no session from its idle end."""
        found = read(request.scope["headers"])
        if logins.browser.said_own(found) is False:
            raise HubError("CSRF_REFUSED", "only the hub's own pages may ask who is logged in")
        ident = logins.browser.session(found)
        held = None if ident is None else await logins.sessions.find(ident, using=False)
        if ident is None or held is None:
            return told({"active": False, "providers": sorted(logins.providers)})
        login = standing(held, logins.declared.acr_s, logins.clock())
        subject = held.subject
        said: dict[str, Any] = {
            "active": True,
            "provider": held.provider,
            "app": subject.app,
            "user": subject.user,
            "department": subject.department,
            "duties": sorted(subject.duties),
            "acr": login.acr,
            "auth_time": int(login.at),
            "ends": int(held.ends),
            "csrf": logins.browser.token(ident),
        }
        return told(said)

    async def logout(self, logins: Logins, request: Request) -> Response:
        """End the session; a page of another origin cannot."""
        found = read(request.scope["headers"])
        ident = logins.browser.session(found)
        response = told({"active": False})
        if ident is None:
            # another site's form comes without the cookie, and must not take it away
            return response
        logins.browser.check(found, ident)
        await logins.sessions.end(ident)
        _set(response, logins, logins.browser.cookie, "", age_s=0)
        return response


async def _session(logins: Logins, person: Person, old: str | None, *, acr: str | None) -> Session:
    """The session of somebody who has just logged in: after a step up, of the one so far."""
    if acr is not None and old is not None:
        held = await logins.sessions.find(old)
        if held is not None:
            stepped = stepped_up(held, person)
            if stepped is None:
                raise RefusedError("session")  # fails closed: somebody else has proved something
            return stepped
    return begun(person, now=logins.clock(), absolute_s=logins.declared.absolute_s)


def _parameters(request: Request) -> Mapping[str, str]:
    """The parameters of the address, each once: two could be read in two ways."""
    if len(request.scope.get("query_string", b"")) > _LONGEST_QUERY:
        raise HubError("URI_TOO_LONG", "the address is too long")
    items = request.query_params.multi_items()
    found = dict(items)
    if len(found) < len(items) or len(items) > _MOST_PARAMETERS:
        raise HubError("BAD_REQUEST", "a parameter is given twice, or there are too many")
    return found


def _set(response: Response, logins: Logins, name: str, value: str, *, age_s: float) -> None:
    """Set a cookie, or take it away where its age is 0."""
    response.set_cookie(
        name, value, max_age=int(age_s), path="/", secure=logins.browser.secure, httponly=True,
        samesite="lax",
    )  # fmt: skip
    if logins.browser.secure:
        response.headers["strict-transport-security"] = "max-age=31536000"

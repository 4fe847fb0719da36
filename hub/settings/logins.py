"""What settings of log-in can get wrong together."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from auth.fetch import loopback, private_way
from auth.provider import Provider
from hub.settings.declared import Settings

Wrong = tuple[str, str]
"""What is wrong, and how to mend it."""


def login_problems(settings: Settings) -> Iterator[Wrong]:
    """Every mistake in `auth.login`."""
    login = settings.auth.login
    providers = login.providers
    if providers and not _is_origin(login.url):
        hint = "write scheme and host as browsers see them: `https://hub.city.example`"
        yield "`url` is no `https` origin", hint
    names = [provider.name for provider in providers]
    if len(set(names)) < len(names):
        yield "a provider is declared twice", "keep one of them"
    prefixes = [provider.prefix for provider in providers]
    # fails closed: two providers could give one name to two people
    if len(providers) > 1 and any(
        one.startswith(other)
        for at, one in enumerate(prefixes)
        for number, other in enumerate(prefixes)
        if at != number
    ):
        yield (
            "people of two providers could have the same name",
            "give each a `prefix` that begins no other one, as `city:`",
        )
    for provider in providers:
        yield from _problems(provider, settings)


def issuer_problems(settings: Settings) -> Iterator[Wrong]:
    """Every mistake in `auth.issuer`."""
    issuer = settings.auth.issuer
    if issuer.enabled and not _is_origin(issuer.url):
        hint = "write scheme and host as clients see them: `https://hub.city.example`"
        yield "`url` is no `https` origin", hint
    if any(one.issuer == (issuer.url or "").rstrip("/") for one in settings.auth.issuers):
        yield "the hub's own issuer is declared as an outer one too", "keep one of them"
    ids = [client.id for client in issuer.clients]
    if len(set(ids)) < len(ids):
        yield "a client is declared twice", "keep one of them"
    for client in issuer.clients:
        if client.jwks is None and not client.certificates:
            hint = "declare its `jwks` or `certificates`; with a secret, give it an API key"
            yield f"the client `{client.id}` cannot prove who it is", hint


def _problems(provider: Provider, settings: Settings) -> Iterator[Wrong]:
    portal = provider.portal
    if (provider.issuer is None) == (portal is None):
        hint = "OpenID Connect has an `issuer`; all else is a `portal`"
        yield f"the provider `{provider.name}` needs an `issuer` or a `portal`, one of them", hint
        return
    if portal is not None:
        if "sub" not in portal.attributes:
            hint = "say which value never changes, as `sub: /content/employeeCode`"
            yield f"the portal `{provider.name}` does not say who somebody is", hint
        places = [portal.authorize, portal.token, portal.user_info]
    else:
        places = [provider.issuer or ""]
        if "openid" not in provider.scopes:
            yield f"the provider `{provider.name}` lacks the scope `openid`", "add it"
    if not all(private_way(place) for place in places):
        hint = "write addresses with `https://`; `http:` is for this machine"
        yield f"the provider `{provider.name}` is not at an `https` address", hint
    for issuer in settings.auth.issuers:
        if issuer.issuer == provider.issuer and provider.client_id in issuer.audience:
            # fails closed: what tells the hub who logs in would be a token to ask with
            hint = "give the log-in a client of its own, whose id is no `audience`"
            yield f"ID tokens for `{provider.name}` would be accepted as access tokens", hint


def _is_origin(url: str | None) -> bool:
    if url is None:
        return False
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    bare = parts.path in ("", "/") and not parts.query and not parts.fragment
    if not host or not bare or parts.username is not None:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and loopback(host))

"""What an operator declares about where people log in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

from auth.issuer import Algorithm, ClaimMapping, Fixable, KeyPlace

Address = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
Pointer = Annotated[str, msgspec.Meta(pattern=r"^(/[^/]+)+$", max_length=500)]
"""A JSON pointer (RFC 6901) to one value, as `/content/account`."""
Reference = Annotated[
    str,
    msgspec.Meta(pattern=r"^\$\{(env|file|vault):[^{}$]+\}$", extra={"place": "secret"}),
]
"""Where a secret is: `${env:NAME}`, `${file:PATH}` or `${vault:MOUNT/PATH#KEY}`."""
Told = Literal["sub", "acr", "clearance"] | Fixable
"""What is read out of a portal's user information."""
Sent = Literal[
    "client_id", "client_secret", "grant_type", "code", "redirect_uri", "code_verifier",
    "response_type", "scope", "state", "code_challenge", "code_challenge_method",
]  # fmt: skip
"""Parameters of OAuth 2 that a portal may call otherwise; an empty name leaves one out."""


class Portal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Endpoints and forms of a provider that has no OpenID Connect, as portals often have none."""

    authorize: Address
    token: Address
    user_info: Address
    names: Mapping[Sent, str] = {}
    """What the portal calls a parameter of OAuth 2, in the browser and in the token request."""
    authorize_more: Mapping[str, str] = {}
    token_more: Mapping[str, str] = {}
    """Further parameters, the same every time."""
    code: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] = "code"
    """The parameter of the way back that has the code."""
    token_body: Literal["form", "json"] = "form"  # noqa: S105 - no password
    access_token: Pointer = "/access_token"  # noqa: S105 - a place
    """Where the answer has the access token."""
    user_info_method: Literal["GET", "POST"] = "GET"
    user_info_header: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]{1,100}$")] = (
        "authorization"
    )
    user_info_scheme: str = "Bearer "
    """What stands before the access token in that header; may be empty."""
    attributes: Annotated[Mapping[Told, Pointer], msgspec.Meta(min_length=1)]
    """Attribute -> where the user information has it; `sub`, which never changes, at least."""


class Provider(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One place where people log in: an OpenID Connect provider, or a portal as declared."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
    issuer: Address | None = None
    """The exact issuer, for OpenID Connect discovery; absent with `portal`."""
    client_id: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    client_secret: Reference | None = None
    client_auth: Literal["basic", "post"] = "basic"
    """How the secret is sent; without a secret the client is a public one."""
    scopes: tuple[str, ...] = ("openid",)
    jwks: KeyPlace | None = None
    """File or URL of the key set; absent = as discovery says."""
    algorithms: Annotated[tuple[Algorithm, ...], msgspec.Meta(min_length=1)] = (
        "RS256",
        "ES256",
        "EdDSA",
    )
    """What ID tokens may be signed with."""
    user_info: bool = False
    """Ask the user info endpoint too; what it says stands beside the ID token's claims."""
    claims: ClaimMapping = ClaimMapping(app=(), user=("sub",))
    fixed: Mapping[Fixable, str] = {}
    app: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] = "console"
    """The application that a person logged in here uses."""
    prefix: Annotated[str, msgspec.Meta(max_length=40)] = ""
    """What stands before every name of this provider's people."""
    portal: Portal | None = None


class LoginSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Log-in for people in browsers."""

    url: Address | None = None
    """Where browsers reach this hub: scheme and host (and port), nothing after it."""
    providers: tuple[Provider, ...] = ()
    idle_s: Annotated[float, msgspec.Meta(ge=60, le=86_400)] = 1_800.0
    """A session ends when nobody has asked anything with it for so long."""
    absolute_s: Annotated[float, msgspec.Meta(ge=60, le=604_800)] = 36_000.0
    """A session ends so long after it began, whatever happens."""
    acr_s: Mapping[str, Annotated[float, msgspec.Meta(gt=0)]] = {}
    """What a browser may ask to log in with -> how long that counts."""

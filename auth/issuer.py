"""What an operator declares about token issuers and about the claims they send."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

Algorithm = Literal["RS256", "ES256", "EdDSA"]
KeyPlace = Annotated[str, msgspec.Meta(min_length=1, extra={"place": "url or path"})]
Claims = tuple[str, ...]
"""Claim names, the first one present counts; `a.b` is claim `b` inside the object `a`."""


Fixable = Literal[
    "app",
    "user",
    "department",
    "org_kind",
    "tier",
    "region",
    "compartments",
    "roles",
    "purposes",
    "duties",
    "acting_for",
]


class ClaimMapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which claims give which attribute of a subject; `()` = the attribute is never taken."""

    app: Claims = ("app", "azp", "client_id")
    user: Claims = ("user",)
    department: Claims = ("department",)
    org_kind: Claims = ("org_kind",)
    tier: Claims = ("tier",)
    region: Claims = ("region",)
    clearance: Claims = ("clearance",)
    """An object: ladder -> level."""
    compartments: Claims = ("compartments",)
    roles: Claims = ("roles",)
    purposes: Claims = ("purposes",)
    duties: Claims = ("duties",)
    acting_for: Claims = ("acting_for",)
    acr: Claims = ("acr",)
    """How the person has logged in; no issuer's `fixed` can say it."""


class Issuer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One issuer whose tokens are accepted, and nothing else from it."""

    issuer: Annotated[str, msgspec.Meta(min_length=1)]
    """The exact `iss`."""
    audience: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    """Names of this hub; a token must carry one of them in `aud`."""
    jwks: KeyPlace | None = None
    """File or URL of the key set; absent = OpenID Connect discovery at the issuer's address."""
    algorithms: Annotated[tuple[Algorithm, ...], msgspec.Meta(min_length=1)] = (
        "RS256",
        "ES256",
        "EdDSA",
    )
    types: Annotated[tuple[Literal["at+jwt", "JWT"], ...], msgspec.Meta(min_length=1)] = (
        "at+jwt",
        "JWT",
    )
    """Accepted values of the `typ` header."""
    parties: tuple[str, ...] = ()
    """Clients (`azp`, else `client_id`) whose tokens count; `()` = all that the issuer has."""
    single_use: bool = False
    """Every token has a `jti` and is good once, in all workers."""
    bound: bool = False
    """Every token is bound to the client's certificate (`cnf`)."""
    leeway_s: Annotated[float, msgspec.Meta(ge=0, le=300)] = 30.0
    lifetime_max_s: Annotated[float, msgspec.Meta(gt=0)] = 86_400.0
    """Longest time between `iat` (or now) and `exp`."""
    claims: ClaimMapping | None = None
    """Instead of `auth.claims`."""
    fixed: Mapping[Fixable, str] = {}
    """Attributes that every token of this issuer has, whatever it says, e.g. `department`."""


class DevelopmentIssuer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An issuer of the hub's own for a demonstration on one machine."""

    directory: Annotated[str, msgspec.Meta(min_length=1, extra={"place": "path"})]
    """Where its key and key set are kept."""
    issuer: str = "urn:hub:development"
    audience: str = "urn:hub"
    lifetime_max_s: Annotated[float, msgspec.Meta(gt=0)] = 2_592_000.0

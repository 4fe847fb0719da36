"""Who asks and in what circumstances: application and person together, with attributes."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from schema.model.names import DepartmentName


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks. Nothing of it comes from a GraphQL document or its variables."""

    id: str
    """Stable id of app and person, e.g. ``app:benefits`` or ``app:desk|user:zhang``; with the
    department that is acted for."""
    app: str
    user: str | None = None
    department: DepartmentName | None = None
    org_kind: str | None = None
    tier: str | None = None
    region: str | None = None
    """Region code; the subject's place in the region tree."""
    clearance: Mapping[str, str] = {}
    """ladder id -> level."""
    compartments: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    purposes: frozenset[str] = frozenset()
    """Purposes that the credentials allow."""
    duties: frozenset[str] = frozenset()
    acting_for: DepartmentName | None = None
    """Whose rights it asks for; it has them by a delegation only."""
    acr: str | None = None
    """How the person has logged in, as the issuer of the token says; keys of applications have
    none."""
    expires_at: float = 0.0
    """Unix seconds at which the credentials end."""
    link: str | None = None
    """The link over which another hub asks for it; ``None`` for whoever asks this hub itself."""
    hubs: tuple[str, ...] = ()
    """The hubs that the question has passed, the first one first; ``()`` without a link."""


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """The circumstances of one operation."""

    purpose: str | None = None
    """Stated by the caller, already checked to be among ``Subject.purposes``."""
    now: float = 0.0
    """Unix seconds."""
    network_zone: str | None = None
    """Decided from where the request came; ``None`` if no declared zone holds it."""
    acr: str | None = None
    """`Subject.acr`."""
    case_id: str | None = None
    """Stated by the caller: a reference, never checked against the case itself."""


CIRCUMSTANCES = ("network_zone", "acr", "case_id")
"""The attributes of a context that only some rules read."""

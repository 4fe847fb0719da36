"""What an operator can set of the steps that staff take: registering, sharing, correcting."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from hub.settings.words import (
    DutyName,
    FilePath,
    FilePattern,
    OfficerName,
    PlacePrefix,
    ReferencePattern,
    Section,
    WebhookUrl,
)


class Registrant(Section, frozen=True, kw_only=True):
    """A department that may register sources, and what those may reach."""

    department: OfficerName
    places: tuple[PlacePrefix, ...] = ()
    """How what `connect` names as a place begins, as `https://api.civil.example/` or `/srv/civil/`;
    nothing else is reached."""
    references: tuple[ReferencePattern, ...] = ()
    """Secrets that may be referred to, as `env:CIVIL_*`, `file:/run/secrets/civil/*` or
    `vault:kv/civil/*`."""


class RegistrySettings(Section, frozen=True, kw_only=True):
    """Sources that are registered in the hub's database, beside those of files."""

    enabled: bool = False
    departments: tuple[Registrant, ...] = ()
    steward_duty: DutyName = "source-steward"
    """The duty of a department's staff who register its sources over HTTP."""
    officer_duty: DutyName = "security-officer"
    """The duty of those who approve over HTTP; they sign with an officer's key all the same."""
    recent_days: Annotated[int, msgspec.Meta(ge=1, le=366)] = 28
    """How far back a check looks at what was asked."""
    probe_s: Annotated[float, msgspec.Meta(gt=0, le=300)] = 10.0
    """How long a check waits for a source to open, and for each of its tables."""


class Webhook(Section, frozen=True, kw_only=True):
    """Who is told of early warnings, by a signed `POST`."""

    url: WebhookUrl
    """`https:`, or `http:` to this machine."""
    secret: FilePath
    """A file with `whsec_` and 24 to 64 bytes in Base64."""


class CorrectionSettings(Section, frozen=True, kw_only=True):
    """Doubts that users report on values, and who looks into them."""

    enabled: bool = False
    steward_duty: DutyName = "data-steward"
    """The duty of a department's staff who look into doubts about its fields."""
    authority_duty: DutyName = "data-authority"
    """The duty of those who consent where it takes longer."""
    clock: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] = "correct"
    """The clock of the rule packs that it runs by."""
    most_open: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 1_000
    """Doubts of one application that may be open at once."""
    webhooks: tuple[Webhook, ...] = ()
    """Who is told of doubts, of decisions and of clocks that run out; never a value or a key."""


class EmergencySettings(Section, frozen=True, kw_only=True):
    """Break-glass: what applications may open in a declared emergency."""

    lists: tuple[FilePattern, ...] = ()
    """Files of what may be opened; without any there is no break-glass."""
    declare_duty: DutyName = "emergency-officer"
    """The duty of those who declare and end emergencies."""
    use_duty: DutyName = "break-glass"
    """The duty of persons who may break the glass."""
    review_duty: DutyName = "security-officer"
    """The duty of those who revoke and review."""
    longest_hours: Annotated[int, msgspec.Meta(ge=1, le=24 * 92)] = 24 * 7
    """How long an emergency may be declared for."""
    most_open: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 20
    """Openings of one application that may be live at once."""
    webhooks: tuple[Webhook, ...] = ()
    """Who is told at once when glass is broken: receivers for owning departments and officers."""

    @property
    def enabled(self) -> bool:
        """Whether anything could be opened."""
        return bool(self.lists)


class SharingSettings(Section, frozen=True, kw_only=True):
    """Requests for shares, and the grants that come of them, beside those of files."""

    enabled: bool = False
    requester_duty: DutyName = "data-requester"
    """The duty of those who ask for their department."""
    steward_duty: DutyName = "source-steward"
    """The duty of those who answer for the department that owns what is asked for."""
    authority_duty: DutyName = "data-authority"
    """The duty of those who judge disputes, and may revoke any grant."""
    unconditional_kinds: tuple[DutyName, ...] = ("government", "authorised_public_body")
    """The kinds of organisation that are given at once what is shared unconditionally."""
    max_days: Annotated[int, msgspec.Meta(ge=1, le=3660)] = 730
    """How long a share may last."""
    certify_days: Annotated[int, msgspec.Meta(ge=1, le=3660)] = 365
    """How often its owner is asked whether it is still in order."""


class DirectorySettings(Section, frozen=True, kw_only=True):
    """Departments, applications, persons and duty items in the hub's own database."""

    enabled: bool = False
    """Whether what the directory says completes and narrows what credentials say."""
    unknown: Literal["refuse", "claims"] = "refuse"
    """Applications and persons that it does not have: refused, or as their credentials say."""
    freshness_days: Annotated[int, msgspec.Meta(ge=1, le=3_660)] = 180
    """How long an attribute counts after it was last confirmed."""
    from_claims: tuple[str, ...] = ()
    """Issuers whose tokens confirm what they say of persons as the directory does."""

"""What an operator can set of early warnings and scorecards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

from hub.settings.steps import Webhook
from hub.settings.words import DutyName, FilePath, FilePattern, Section

MailAddress = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,253}$")]
SecretReference = Annotated[str, msgspec.Meta(pattern=r"^\$\{(env|file|vault):[^{}$]{1,500}\}$")]
ReceiverName = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,79}$")]
FigureWeighed = Literal[
    "availability", "freshness", "timeliness", "corrections", "collected_once", "used_by_others"
]


class Mail(Section, frozen=True, kw_only=True):
    """The server that takes e-mail."""

    host: Annotated[str, msgspec.Meta(min_length=1, max_length=253)]
    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    """`none` to this machine only."""
    authority: FilePath | None = None
    """Whose certificate the server's is signed with, as PEM; else the system's."""
    user: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    password: SecretReference | None = None
    """As `${file:/run/secrets/smtp}`."""
    sender: MailAddress
    timeout_s: Annotated[float, msgspec.Meta(gt=0, le=60)] = 10.0


class Receiver(Section, frozen=True, kw_only=True):
    """Somebody whom rules of early warning tell, by a webhook, by e-mail or by both."""

    name: ReceiverName
    webhook: Webhook | None = None
    email: Annotated[tuple[MailAddress, ...], msgspec.Meta(max_length=20)] = ()
    language: Literal["en", "zh"] = "en"


class WarningSettings(Section, frozen=True, kw_only=True):
    """Early warnings over what is on record."""

    enabled: bool = False
    rules: tuple[FilePattern, ...] = ()
    receivers: tuple[Receiver, ...] = ()
    mail: Mail | None = None
    every_s: Annotated[float, msgspec.Meta(ge=1, le=300)] = 10.0
    """How often what is new on record is counted, by one worker of all."""
    duties: tuple[DutyName, ...] = ("security-officer", "auditor")
    """Whose rules see every application, and who reads warnings over HTTP."""
    days: Annotated[int, msgspec.Meta(ge=28, le=800)] = 400
    """How long what was counted and told is kept."""
    most: Annotated[int, msgspec.Meta(ge=1_000, le=100_000_000)] = 2_000_000
    """Counts that are kept; the oldest go."""


class ScorecardSettings(Section, frozen=True, kw_only=True):
    """How departments are ranked, and when a grant counts as unused."""

    weights: Mapping[FigureWeighed, Annotated[float, msgspec.Meta(ge=0, le=100)]] = {}
    """Figure -> its weight, else 1; 0 = it is shown and does not count."""
    unused_days: Annotated[int, msgspec.Meta(ge=7, le=800)] = 90
    duties: tuple[DutyName, ...] = ()
    """Who looks at them over HTTP; none = nobody."""

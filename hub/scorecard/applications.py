"""Scorecards of applications: what each uses, and which grants it does not use any more."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Engine

from hub.scorecard.period import DAY_S
from hub.store.counts import Counts, Used
from policies.grant import Grant


class Unused(msgspec.Struct, frozen=True, kw_only=True):
    """A field of a grant that its holder has not used for long: proposed to be taken back.

    Units: Unix seconds. Nothing is taken back by it.
    """

    grant: str
    element: str
    holder: str
    last_at: float | None
    """When it was used last; ``None`` = never since uses are counted."""


class AppCard(msgspec.Struct, frozen=True, kw_only=True):
    """One application."""

    app: str
    department: str
    uses: tuple[Used, ...]
    """Elements of the catalogue that it has used, the latest first."""
    idle: tuple[str, ...]
    """Those that it has not used for `unused_days`."""


class AppCards(msgspec.Struct, frozen=True, kw_only=True):
    """All applications, and what is proposed."""

    since: float | None
    """Since when uses are counted; ``None`` = they are not."""
    judged: bool
    """Whether that is long enough to say what is unused."""
    cards: tuple[AppCard, ...]
    proposals: tuple[Unused, ...]


def applications(
    engine: Engine, grants: Sequence[Grant], *, now: float, unused_days: int
) -> AppCards:
    """One look at all applications; blocking."""
    every = Counts(engine).uses()
    asked = {use.app: use for use in every if not use.element}
    since = min((use.first_at for use in asked.values()), default=None)
    edge = now - unused_days * DAY_S
    judged = since is not None and since <= edge
    cards = [
        AppCard(
            app=app,
            department=first.department,
            uses=tuple(
                sorted((use for use in every if use.app == app and use.element), key=_latest)
            ),
            idle=tuple(
                use.element
                for use in every
                if use.app == app and use.element and use.last_at < edge
            ),
        )
        for app, first in sorted(asked.items())
    ]
    # what was not watched for long enough may have been used before
    proposals = _unused(every, grants, now=now, edge=edge) if judged else []
    return AppCards(since=since, judged=judged, cards=tuple(cards), proposals=tuple(proposals))


def _latest(use: Used) -> tuple[float, str]:
    return -use.last_at, use.element


def _unused(
    every: Sequence[Used], grants: Sequence[Grant], *, now: float, edge: float
) -> list[Unused]:
    found = []
    for grant in sorted(grants, key=lambda one: one.live.id):
        live = grant.live
        over = live.revoked is not None and live.revoked <= now
        if over or live.until <= now or live.since > edge:
            continue
        holders = [
            use
            for use in every
            if (live.app is None or use.app == live.app)
            and (live.department is None or use.department == live.department)
        ]
        for element in sorted(grant.fields):
            last = max((use.last_at for use in holders if use.element == element), default=None)
            if last is None or last < edge:
                found.append(
                    Unused(
                        grant=live.id, element=element, holder=live.app or live.department or "",
                        last_at=last,
                    )
                )  # fmt: skip
    return found

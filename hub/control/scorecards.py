"""Scorecards at the control door, as the command line tells them."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Annotated

import strawberry

from hub.control.context import Asked, Context, absent
from hub.control.outcome import moment
from hub.registration.ground import load
from hub.rollout.act import Acts
from hub.scorecard.applications import applications
from hub.scorecard.clocks import departments_of
from hub.scorecard.departments import Departments
from hub.scorecard.figure import Card, Figure
from hub.scorecard.period import read_period
from schema.errors import HubError

InPeriod = Annotated[
    str | None,
    strawberry.argument(
        description="`2026-06`, `2026-Q2` or `2026`, in UTC; else the last 30 whole days."
    ),
]


@strawberry.type(description="One number that a formula was made with.")
class FigurePart:
    """See `hub.scorecard.figure`."""

    name: str
    number: float


@strawberry.type(description="One figure, from 0 to 100.")
class ScorecardFigure:
    """See `hub.scorecard.figure`."""

    name: str
    value: float | None = strawberry.field(description="null = no data, which is not nought.")
    weight: float
    title_en: str
    title_zh: str
    formula_en: str
    formula_zh: str
    parts: list[FigurePart]


@strawberry.type(description="One figure with what it counts.")
class ExplainedFigure:
    """See `hub.scorecard.figure`."""

    figure: ScorecardFigure
    events: list[str] = strawberry.field(description="A line each, at most 1000.")


@strawberry.type(description="One department in one period.")
class DepartmentCard:
    """See `hub.scorecard.figure`."""

    department: str
    rank: int | None = strawberry.field(description="null = no figure of it has data.")
    score: float | None = strawberry.field(description="The weighted mean of figures with data.")
    figures: list[ScorecardFigure]


@strawberry.type(description="An element of the catalogue that an application used.")
class ElementUse:
    """See `hub.scorecard.applications`."""

    element: str
    uses: float
    last_at: dt.datetime
    idle: bool = strawberry.field(description="Not used for `scorecards.unused_days`.")


@strawberry.type(description="One application.")
class ApplicationCard:
    """See `hub.scorecard.applications`."""

    app: str
    department: str | None
    uses: list[ElementUse]


@strawberry.type(description="A field of a grant that is proposed to be taken back.")
class UnusedGrant:
    """See `hub.scorecard.applications`."""

    grant: str
    element: str
    holder: str
    last_at: dt.datetime | None = strawberry.field(description="null = never, as far as is known.")


@strawberry.type(description="All applications, and what is proposed.")
class ApplicationCards:
    """See `hub.scorecard.applications`."""

    since: dt.datetime | None = strawberry.field(description="Since when uses are counted.")
    judged: bool = strawberry.field(description="Whether that is long enough to propose anything.")
    cards: list[ApplicationCard]
    proposals: list[UnusedGrant]


@strawberry.type(description="Scorecards. Each look is on record.")
class ScorecardsQuery:
    """Questions."""

    @strawberry.field(description="Every department in a period, by rank.")
    async def department_cards(self, info: Asked, period: InPeriod = None) -> list[DepartmentCard]:
        """As `hub scorecard departments`."""
        at = info.context
        _check(at)

        def looked() -> tuple[Card, ...]:
            return _departments(at, "scorecard.departments").cards(read_period(period, at.clock()))

        return [
            DepartmentCard(
                department=one.department, rank=one.rank, score=one.score,
                figures=[_figure(held) for held in one.figures],
            )
            for one in await asyncio.to_thread(looked)
        ]  # fmt: skip

    @strawberry.field(description="One figure of a department, down to its events.")
    async def department_figure(
        self, info: Asked, department: str, figure: str, period: InPeriod = None
    ) -> ExplainedFigure:
        """As `hub scorecard explain`."""
        at = info.context
        _check(at)

        def looked() -> Figure:
            cards = _departments(at, "scorecard.explained")
            return cards.explain(department, figure, read_period(period, at.clock()))

        found = await asyncio.to_thread(looked)
        return ExplainedFigure(figure=_figure(found), events=list(found.events))

    @strawberry.field(description="What applications use, and which grants nobody uses.")
    async def application_cards(self, info: Asked) -> ApplicationCards:
        """As `hub scorecard apps`."""
        at = info.context
        _check(at)
        return await asyncio.to_thread(_applications, at)


def _check(at: Context) -> None:
    """Raises: `HubError` FORBIDDEN, NOT_FOUND."""
    duties = at.settings.scorecards.duties
    if not duties:
        raise absent("scorecards over HTTP", "scorecards.duties")
    if not at.subject.duties & set(duties):
        hint = f"it asks for one of the duties {', '.join(f'`{one}`' for one in duties)}"
        raise HubError("FORBIDDEN", "scorecards are for staff with duties", hint=hint)


def _departments(at: Context, act: str) -> Departments:
    loaded = load(at.settings, rules=False, engine=at.database)
    Acts(at.database, at.settings, at.clock).record(act, at.subject.id)
    return departments_of(at.settings, at.database, loaded.catalogue)


def _applications(at: Context) -> ApplicationCards:
    grants = load(at.settings, rules=False, engine=at.database).grants
    Acts(at.database, at.settings, at.clock).record("scorecard.apps", at.subject.id)
    days = at.settings.scorecards.unused_days
    found = applications(at.database, grants, now=at.clock(), unused_days=days)
    return ApplicationCards(
        since=None if found.since is None else moment(found.since),
        judged=found.judged,
        cards=[
            ApplicationCard(
                app=card.app,
                department=card.department or None,
                uses=[
                    ElementUse(
                        element=use.element, uses=float(use.amount), last_at=moment(use.last_at),
                        idle=use.element in card.idle,
                    )
                    for use in card.uses
                ],
            )
            for card in found.cards
        ],
        proposals=[
            UnusedGrant(
                grant=one.grant, element=one.element, holder=one.holder,
                last_at=None if one.last_at is None else moment(one.last_at),
            )
            for one in found.proposals
        ],
    )  # fmt: skip


def _figure(one: Figure) -> ScorecardFigure:
    return ScorecardFigure(
        name=one.name,
        value=one.value,
        weight=one.weight,
        title_en=one.title[0],
        title_zh=one.title[1],
        formula_en=one.formula[0],
        formula_zh=one.formula[1],
        parts=[FigurePart(name=name, number=float(n)) for name, n in one.parts.items()],
    )

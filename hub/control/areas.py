"""The areas of the control door: which a hub has, the duties that each is for, what tells that one
has changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import sqlalchemy as sa

from hub.settings import Settings
from hub.store.tables import (
    catalogue_versions,
    correction_steps,
    emergency_steps,
    registration_steps,
    release_proposals,
    releases,
)
from schema.model.subject import Subject


class Area(msgspec.Struct, frozen=True, kw_only=True):
    """One area."""

    name: str
    enabled: Callable[[Settings], bool]
    duties: Callable[[Settings], tuple[str, ...]]
    mark: Callable[[], sa.Select[Any]]
    """What differs after each change; it holds numbers and nothing else."""


def _count(table: sa.Table, *further: sa.ColumnElement[Any]) -> sa.Select[Any]:
    return sa.select(sa.func.count(), *further).select_from(table)


AREAS = (
    Area(
        name="sources",
        enabled=lambda settings: settings.registry.enabled,
        duties=lambda settings: (settings.registry.steward_duty, settings.registry.officer_duty),
        mark=lambda: _count(
            registration_steps,
            sa.select(sa.func.max(catalogue_versions.c.number)).scalar_subquery(),
        ),
    ),
    Area(
        name="rules",
        enabled=lambda settings: settings.release.control,
        duties=lambda settings: (settings.release.officer_duty, settings.release.auditor_duty),
        mark=lambda: _count(
            release_proposals,
            sa.func.sum(release_proposals.c.revision),
            sa.select(sa.func.max(releases.c.epoch)).scalar_subquery(),
        ),
    ),
    Area(
        name="corrections",
        enabled=lambda settings: settings.corrections.enabled,
        duties=lambda settings: (
            settings.corrections.steward_duty,
            settings.corrections.authority_duty,
        ),
        mark=lambda: _count(correction_steps),
    ),
    Area(
        name="emergencies",
        enabled=lambda settings: settings.emergency.enabled,
        duties=lambda settings: (
            settings.emergency.declare_duty,
            settings.emergency.use_duty,
            settings.emergency.review_duty,
        ),
        mark=lambda: _count(emergency_steps),
    ),
)


def known_duties(settings: Settings) -> frozenset[str]:
    """The duties of all areas that a hub has; none where it has no area."""
    return frozenset(
        duty for area in AREAS if area.enabled(settings) for duty in area.duties(settings)
    )


def areas_of(subject: Subject, settings: Settings) -> frozenset[str]:
    """The areas in which somebody has a duty, by name."""
    return frozenset(
        area.name
        for area in AREAS
        if area.enabled(settings) and subject.duties & set(area.duties(settings))
    )

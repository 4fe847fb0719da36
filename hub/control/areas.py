"""The areas of the control door: which a hub has, and the duties that each is for."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from hub.settings import Settings


class Area(msgspec.Struct, frozen=True):
    """One area."""

    enabled: Callable[[Settings], bool]
    duties: Callable[[Settings], tuple[str, ...]]


AREAS = (
    Area(
        lambda settings: settings.registry.enabled,
        lambda settings: (settings.registry.steward_duty, settings.registry.officer_duty),
    ),
    Area(
        lambda settings: settings.release.control,
        lambda settings: (settings.release.officer_duty, settings.release.auditor_duty),
    ),
    Area(
        lambda settings: settings.corrections.enabled,
        lambda settings: (settings.corrections.steward_duty, settings.corrections.authority_duty),
    ),
    Area(
        lambda settings: settings.emergency.enabled,
        lambda settings: (
            settings.emergency.declare_duty,
            settings.emergency.use_duty,
            settings.emergency.review_duty,
        ),
    ),
)


def known_duties(settings: Settings) -> frozenset[str]:
    """The duties of all areas that a hub has; none where it has no area."""
    return frozenset(
        duty for area in AREAS if area.enabled(settings) for duty in area.duties(settings)
    )

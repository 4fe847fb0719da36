"""What a change of the catalogue does to what applications have asked lately."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from hub.loading import Loaded, engine_of, query_limits
from hub.query.replay import Decision, Reader, Replayed
from hub.query.simulation import asker_of, circumstances_of, compare
from hub.registration.report import Effect, Example
from hub.settings import Settings
from hub.store.recorded import Recorded
from schema.compose.evolve import Change

MOST = 2_000
"""Operations that are decided anew, those asked last first."""
_EXAMPLES = 5


def effects_on(
    rows: Sequence[Recorded],
    before: Loaded,
    after: Loaded,
    settings: Settings,
    changes: Sequence[Change],
) -> tuple[int, tuple[Effect, ...]]:
    """How many operations were looked at, and whom the change meets; no value is in either.

    Cost: some milliseconds for each operation.
    """
    limits = query_limits(settings)
    old, new = (
        Replayed(Reader(one.catalogue, limits), engine_of(one, settings, 1))
        for one in (before, after)
    )
    touched = {str(one.coordinate) for one in changes if one.kind != "safe"}
    told: dict[tuple[str, str], list[Example]] = {}
    broken: dict[tuple[str, str], int] = {}
    looked_at = 0
    for row in rows[:MOST]:
        if old.whole(row.operation) is None:
            continue  # the catalogue in force does not know it any more either
        looked_at += 1
        subject, context = asker_of(row), circumstances_of(row)
        then, now = (
            new.decide(row.operation, subject, context),
            old.decide(row.operation, subject, context),
        )
        reason = _reason(now, then, touched)
        if reason is None:
            continue
        place = (str(subject.department or ""), subject.app)
        broken[place] = broken.get(place, 0) + (then.code is not None)
        told.setdefault(place, []).append(_example(row, reason))
    return looked_at, tuple(_effect(place, told[place], broken[place]) for place in sorted(told))


def _reason(now: Decision, then: Decision, touched: set[str]) -> str | None:
    """Why it breaks or changes; ``None`` where neither."""
    if now.code is None and then.code is not None:
        return f"refused ({then.code})"
    if compare(now, then):
        return "decided otherwise"
    if now.code is not None:
        return None
    used = {str(use.coordinate) for use in now.uses}
    named = sorted((used | {at.split(".")[0] for at in used}) & touched)
    return f"uses {', '.join(named[:3])}" if named else None


def _example(row: Recorded, reason: str) -> Example:
    digest = hashlib.sha256(row.operation.encode()).hexdigest()
    return Example(name=row.name, digest=digest, asked=row.asked, reason=reason)


def _effect(place: tuple[str, str], told: list[Example], broken: int) -> Effect:
    worst = sorted(told, key=lambda one: (not one.reason.startswith("refused"), -one.asked))
    return Effect(
        department=place[0] or None,
        app=place[1],
        breaks=broken,
        changes=len(told) - broken,
        asked=sum(one.asked for one in told),
        examples=tuple(worst[:_EXAMPLES]),
    )

"""Scorecards of departments: what their sources, fields and steps come to in a period."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Engine

from hub.registry.duplicates import duplicates
from hub.scorecard.figure import (
    FIGURES,
    Card,
    Figure,
    FigureName,
    Period,
    Step,
    Steps,
    figure,
    ranked,
)
from hub.scorecard.period import DAY_S, day, hour
from hub.store.counts import COUNTED, Counts
from hub.store.sourcehours import Hour, SourceHours
from schema.errors import HubError
from schema.model.catalogue import Catalogue
from schema.model.names import coordinate


class Departments:
    """One look at all departments; blocking. `requests`, `corrections`: whoever keeps those clocks,
    ``None`` where nobody does: then there is no data."""

    def __init__(
        self,
        engine: Engine,
        catalogue: Catalogue,
        weights: Mapping[str, float],
        *,
        requests: Steps | None = None,
        corrections: Steps | None = None,
    ) -> None:
        self._counts = Counts(engine)
        self._hours = SourceHours(engine)
        self._catalogue = catalogue
        self._weights = weights
        self._requests = requests
        self._corrections = corrections
        self._fields: dict[str, list[str]] = defaultdict(list)
        for entity in catalogue.types.values():
            for field in entity.fields.values():
                self._fields[field.owner].append(coordinate(entity.name, field.name))
        for source in catalogue.sources.values():
            self._fields.setdefault(source.department, [])

    def cards(self, period: Period) -> tuple[Card, ...]:
        """Every department of the catalogue, by rank."""
        hours = self._hours.between(period.start, period.end)
        due = self._due(self._requests, period), self._due(self._corrections, period)
        used, repeated = self._used(period), self._repeated()
        return ranked({
            department: (
                self._availability([one for one in hours if one.department == department]),
                self._freshness([one for one in hours if one.department == department]),
                self._steps("timeliness", due[0], department),
                self._steps("corrections", due[1], department),
                self._once(department, repeated),
                self._others(department, used),
            )
            for department in self._fields
        })  # fmt: skip

    def explain(self, department: str, name: str, period: Period) -> Figure:
        """One figure with its events. Raises: `HubError` NOT_FOUND."""
        for card in self.cards(period):
            for one in card.figures:
                if card.department == department and one.name == name:
                    return one
        hint = f"figures: {', '.join(FIGURES)}"
        raise HubError("NOT_FOUND", "there is no such department or figure", hint=hint)

    def _weight(self, name: FigureName) -> float:
        return self._weights.get(name, 1.0)

    def _availability(self, hours: Sequence[Hour]) -> Figure:
        good, looks = sum(one.answered for one in hours), sum(one.looks for one in hours)
        return figure(
            "availability", self._weight("availability"), good=good, of=looks,
            parts={"answered": good, "looks": looks},
            events=[
                f"{one.source} {hour(one.starts)}: {one.answered} of {one.looks} answered"
                for one in hours
            ],
        )  # fmt: skip

    def _freshness(self, hours: Sequence[Hour]) -> Figure:
        good, judged = sum(one.fresh for one in hours), sum(one.judged for one in hours)
        return figure(
            "freshness", self._weight("freshness"), good=good, of=judged,
            parts={"fresh": good, "judged": judged},
            events=[
                f"{one.source} {hour(one.starts)}: {one.fresh} of {one.judged} fresh"
                for one in hours if one.judged
            ],
        )  # fmt: skip

    def _due(self, steps: Steps | None, period: Period) -> Sequence[Step]:
        return () if steps is None else steps.due_between(period.start, period.end)

    def _steps(self, name: FigureName, steps: Iterable[Step], department: str) -> Figure:
        own = [one for one in steps if one.department == department]
        good = sum(one.done_at is not None and one.done_at <= one.due for one in own)
        return figure(
            name, self._weight(name), good=good, of=len(own),
            parts={"in time": good, "due": len(own)},
            events=[
                f"{one.reference} {one.step}: due {day(one.due)}, "
                f"{'open' if one.done_at is None else f'done {day(one.done_at)}'}"
                for one in own
            ],
        )  # fmt: skip

    def _repeated(self) -> Mapping[str, Mapping[str, str]]:
        """Department -> its fields that somebody else keeps too -> who."""
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for one in duplicates(self._catalogue):
            first = "nobody is authoritative" if one.first is None else (
                f"{one.first.at} of {one.first.department}"
            )  # fmt: skip
            for held in one.others:
                found[held.department][held.at] = first
        return found

    def _once(self, department: str, repeated: Mapping[str, Mapping[str, str]]) -> Figure:
        own = repeated.get(department, {})
        kept = len({*self._fields[department], *own})
        return figure(
            "collected_once", self._weight("collected_once"), good=kept - len(own), of=kept,
            parts={"repeated": len(own), "fields": kept},
            events=[f"{at}: {first}" for at, first in sorted(own.items())],
        )  # fmt: skip

    def _used(self, period: Period) -> Mapping[str, Sequence[tuple[str, str, int]]] | None:
        """Element -> (application, its department, uses); ``None`` where nothing is counted."""
        if self._counts.position(COUNTED) is None:
            return None
        apps = {use.app: use.department for use in self._counts.uses(element="")}
        found: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
        for (app, element), n in self._counts.sums(DAY_S, "uses", period.start, period.end).items():
            found[element].append((app, apps.get(app, ""), n))
        return found

    def _others(
        self, department: str, used: Mapping[str, Sequence[tuple[str, str, int]]] | None
    ) -> Figure:
        fields = self._fields[department]
        lines = [
            (at, app, n)
            for at in sorted(fields)
            for app, whose, n in (() if used is None else used.get(at, ()))
            # who says of no department that it is theirs is nobody else's for sure
            if whose not in ("", department)
        ]
        return figure(
            "used_by_others", self._weight("used_by_others"),
            good=len({at for at, _, _ in lines}), of=0 if used is None else len(fields),
            parts={
                "used": len({at for at, _, _ in lines}), "fields": len(fields),
                "applications": len({app for _, app, _ in lines}),
                "uses": sum(n for _, _, n in lines),
            },
            events=[f"{at}: {app}, {n} uses" for at, app, n in lines],
        )  # fmt: skip

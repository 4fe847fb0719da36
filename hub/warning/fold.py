"""What the record's entries come to: counts by application, without a value of anybody's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from hub.audit.entry import Act, Entry
from hub.store.counts import Series, Used
from policies.positions import shown

SHORT, HOUR, DAY = 300, 3_600, 86_400
"""Stretches that are counted, in seconds."""
KEPT_S = {SHORT: 3 * DAY, HOUR: 70 * DAY}
"""How long the shorter ones are needed."""
_NOT_SHOWN = frozenset({"reject", "hidden", "null", "fielderror"})
_LONGEST = 200
_fields = msgspec.json.Decoder(list[tuple[str, str, str, list[str]]])


class Folding:
    """The counts of some entries, until they are stored."""

    def __init__(self) -> None:
        self.counts: Counter[Series] = Counter()
        self.last = 0.0
        """The latest moment of an entry."""
        self._uses: dict[tuple[str, str], Used] = {}

    @property
    def uses(self) -> tuple[Used, ...]:
        """Which applications used which elements; the empty one: that they asked at all."""
        return tuple(self._uses.values())

    def add(self, entry: Entry | Act) -> None:
        """Count one entry. Cost: a few microseconds, most of it for its fields."""
        self.last = max(self.last, entry.ts)
        if isinstance(entry, Act):
            return
        app, moment = plain(entry.app), int(entry.ts)
        self._count(app, "operations", "", moment, (SHORT, HOUR, DAY))
        self._used(app, "", entry)
        if entry.outcome == "refused":
            self._count(app, "refused", entry.code or "", moment, (SHORT,))
        if entry.outcome not in ("ok", "partial"):
            return
        for name, rows in entry.rows.items():
            self._count(app, "rows", plain(name), moment, (HOUR, DAY), rows)
        for element, mode, outcome, _ in _fields.decode(entry.fields):
            if outcome in _NOT_SHOWN:
                continue
            element = plain(element)
            self._used(app, element, entry)
            self._count(app, "uses", element, moment, (DAY,))
            if mode == "open":
                found = entry.rows.get(element, 0)
                self._count(app, "opens", element, moment, (SHORT,), max(1, found))
                if not found:
                    self._count(app, "misses", element, moment, (SHORT,))
            elif mode == "filter_eq":
                self._count(app, "lookups", element, moment, (SHORT,))
            elif mode == "list":
                same = f"{element} {plain(entry.operation)[:16]}"
                self._count(app, "repeats", same, moment, (SHORT,))

    def _count(
        self, app: str, measure: str, what: str, moment: int, spans: Iterable[int], amount: int = 1
    ) -> None:
        for span in spans:
            starts = moment - moment % span
            series = Series(span=span, measure=measure, starts=starts, app=app, what=what)
            self.counts[series] += amount

    def _used(self, app: str, element: str, entry: Entry) -> None:
        held = self._uses.get((app, element))
        self._uses[app, element] = Used(
            app=app,
            element=element,
            department=plain(entry.department or ""),
            first_at=entry.ts if held is None else min(held.first_at, entry.ts),
            last_at=entry.ts if held is None else max(held.last_at, entry.ts),
            amount=1 if held is None else held.amount + 1,
        )


def plain(name: str) -> str:
    """A name as a column of the database takes it, and a line of a message."""
    if len(name) <= 60 and name.isprintable() and "`" not in name:
        return name
    return name[:_LONGEST] if name.isprintable() else shown(name)

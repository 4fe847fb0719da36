"""Suppression: which figures may leave under `AggregateOnly`.

A set of groups is *open* if it holds at least `k` persons, and the rows of these groups that the
caller's filter leaves out are of no person or of at least `k`. A group that is not open is
hidden. So that no total gives it back, whatever is hidden together of one slice (all groups that
agree in some of the fields grouped by; all groups) has to be open too: else the smallest groups
that are shown are hidden with it. The same is done for the figures over one field, by the persons
who have a value in it.

Source: complementary cell suppression, Hundepool et al., Handbook on Statistical Disclosure
Control. The choice depends on the groups alone, never on their order or on who asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

from connectors.spi import Batch
from hub.query.steps import Guard
from schema.model.scalar import order_key

Key = tuple[tuple[bool, Any], ...]
Dims = tuple[int, ...]
_MOST_CROSSED = 4
"""Beyond so many fields, slices that agree in three or more of them are not looked at."""


class Held(NamedTuple):
    """At least how many persons are in some rows and in those that the filter leaves out."""

    inside: int
    outside: int
    beyond: bool
    """Whether the filter leaves any row out."""
    there: bool
    """Whether there is any row that it does not leave out."""


_NOTHING = Held(0, 0, beyond=False, there=False)
Level = dict[Key, Held]


def shown_rows(batch: Batch, outside: Batch | None, guard: Guard) -> list[dict[str, Any]]:
    """The groups that may be shown, figures over too few persons null.

    Hidden groups are left out: that one is there, and how many are, tells of its persons. A
    single row, without any fields grouped by, is always there.
    """
    rows = rows_of(batch)
    keys = _keys(rows, guard)
    left_out = [] if outside is None else rows_of(outside)
    others = dict(zip(_keys(left_out, guard), left_out, strict=True))
    # groups that the filter leaves out whole count in whatever is coarser
    found = dict(zip(keys, rows, strict=True))
    every = list(dict.fromkeys((*keys, *others)))
    pairs = [(found.get(key), others.get(key)) for key in every]
    cover = _Cover(guard, every)
    hidden = cover.hidden([_held(row, other, guard, None) for row, other in pairs], {})
    gone: dict[str | None, frozenset[Key]] = {None: hidden[cover.whole]}
    for over in dict.fromkeys(over for _, over in guard.over if over is not None):
        held = [_held(row, other, guard, over) for row, other in pairs]
        gone[over] = cover.hidden(held, hidden)[cover.whole]
    return [
        _shown(row, {over: key in hid for over, hid in gone.items()}, guard)
        for row, key in zip(rows, keys, strict=True)
        if not guard.groups or key not in gone[None]
    ]


def rows_of(batch: Batch) -> list[dict[str, Any]]:
    """The groups of an aggregate, each by result column."""
    names = list(batch.columns)
    return [dict(zip(names, row, strict=True)) for row in zip(*batch.columns.values(), strict=True)]


def _keys(rows: Sequence[Mapping[str, Any]], guard: Guard) -> list[Key]:
    """Each group's values as they compare: a source may write equal ones in several ways."""
    turns = [(name, order_key(kind)) for name, kind in guard.groups]
    return [
        tuple(
            (row[name] is None, 0 if row[name] is None else turn(row[name])) for name, turn in turns
        )
        for row in rows
    ]


def _held(
    row: Mapping[str, Any] | None,
    other: Mapping[str, Any] | None,
    guard: Guard,
    over: str | None,
) -> Held:
    return Held(
        inside=0 if row is None else _persons(row, guard, over),
        outside=0 if other is None else _persons(other, guard, over),
        beyond=other is not None and other[over or guard.rows] > 0,
        there=row is not None,
    )


def _persons(row: Mapping[str, Any], guard: Guard, over: str | None) -> int:
    """At least how many persons a group holds, or has of those with a value of one field."""
    rows: int = row[guard.rows]
    # of several fields that tell persons apart together, none alone has more values
    persons: int = max((row[name] for name in guard.persons), default=rows)
    # each row without a value may be the only one of a person
    return persons if over is None else max(0, persons - (rows - row[over]))


def _shown(row: dict[str, Any], gone: Mapping[str | None, bool], guard: Guard) -> dict[str, Any]:
    written = dict(row)
    for name, over in guard.over:
        if gone[None] or gone[over]:
            written[name] = None
        elif name in guard.rounded:
            written[name] = (row[name] + guard.round_to // 2) // guard.round_to * guard.round_to
    return written


class _Cover:
    """The groups of one answer, and the slices that they make."""

    def __init__(self, guard: Guard, keys: Sequence[Key]) -> None:
        self.guard = guard
        self.keys = keys
        dims = len(guard.groups)
        self.whole: Dims = tuple(range(dims))
        most = dims if dims <= _MOST_CROSSED else 2
        sizes = [*range(min(most + 1, dims)), dims]
        self.levels: list[Dims] = [d for size in sizes for d in combinations(range(dims), size)]

    def hidden(
        self, held: Sequence[Held], known: Mapping[Dims, frozenset[Key]]
    ) -> dict[Dims, frozenset[Key]]:
        """For each way to group by some of the fields, the groups that would be hidden there:
        what is hidden of a slice must cover what a coarser figure hides. `known`: hidden as is.
        """
        found: dict[Dims, frozenset[Key]] = {}
        for dims in self.levels:
            level: Level = {}
            for key, one in zip(self.keys, held, strict=True):
                part = tuple(key[i] for i in dims)
                level[part] = self._together((level.get(part, _NOTHING), one))
            hide = {key for key, one in level.items() if one.there and not self._open(one)}
            hide |= known.get(dims, frozenset())
            while self._widen(dims, level, hide, found):
                pass
            found[dims] = frozenset(hide)
        return found

    def _widen(
        self, dims: Dims, level: Level, hide: set[Key], coarser: Mapping[Dims, frozenset[Key]]
    ) -> bool:
        """Hide more where what is hidden of a slice is not open; whether anything changed."""
        before = len(hide)
        for under, covered in coarser.items():
            places = [i for i, dim in enumerate(dims) if dim in under]
            if len(places) < len(under):
                continue
            slices: dict[Key, list[Key]] = {}
            for key, one in level.items():
                if one.there:
                    slices.setdefault(tuple(key[i] for i in places), []).append(key)
            for name, members in slices.items():
                gone = [key for key in members if key in hide]
                if not gone and name not in covered:
                    continue
                left = sorted((k for k in members if k not in hide), key=lambda k: (level[k], k))
                while left and not self._open(self._together(level[key] for key in gone)):
                    gone.append(left.pop(0))
                hide.update(gone)
        return len(hide) > before

    def _together(self, parts: Iterable[Held]) -> Held:
        """At least how many persons several groups hold: one person may be in all of them."""
        inside = outside = 0
        beyond = there = False
        for part in parts:
            inside = inside + part.inside if self.guard.adds else max(inside, part.inside)
            outside = outside + part.outside if self.guard.adds else max(outside, part.outside)
            beyond, there = beyond or part.beyond, there or part.there
        return Held(inside, outside, beyond, there)

    def _open(self, held: Held) -> bool:
        k = self.guard.k
        return held.inside >= k and (not held.beyond or held.outside >= k)

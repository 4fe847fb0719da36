"""How rules and labels stand for a subject, in one purpose and time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from policies.compile import Cell, Tables, TypeTable, Variant
from policies.condition import (
    FALSE,
    TRUE,
    UNKNOWN,
    Circumstances,
    Condition,
    Truth,
    every,
    owns,
    reduce,
)
from policies.packs import Packs
from schema.model.label import Label
from schema.model.names import TypeName
from schema.model.subject import Subject

Decision = TypeVar("Decision")
_TRUTHS = {True: TRUE, False: FALSE, None: UNKNOWN}


class StandingKey(msgspec.Struct, frozen=True):
    """What decisions depend on: subjects with equal keys share them."""

    truths: tuple[Condition, ...]
    """Per variant its `when`, reduced."""
    rows: tuple[Condition | None, ...]
    """Per variant its row filter, reduced."""
    labels: tuple[str | None, ...]
    """Per label why it is out of reach, ``None`` if it is not."""
    owned: frozenset[tuple[str, str | None]]
    delegated: bool = False
    """Whether the caller acts for the subject, so that it is not the owner itself."""
    lenders: tuple[StandingKey, ...] = ()


class Standing(Generic[Decision]):
    """How rules stand for one subject, found as it is asked, with the decisions already made.

    `base`: the same subject in other circumstances, from which only the variants `differs` stand
    otherwise. `open_windows`: as if every permit's window were open and every other rule's closed.
    """

    delegated = False
    """Whether the caller acts for the subject."""
    __slots__ = ("_bars", "_ceiling", "_held", "_open_windows", "_owned", "_rows", "_tables",
                 "_truths", "base", "class_id", "decisions", "differs", "shared")  # fmt: skip

    def __init__(
        self,
        tables: Tables,
        held: Circumstances,
        *,
        ceiling: Mapping[str, str],
        open_windows: bool = False,
        base: Standing[Decision] | None = None,
        differs: frozenset[int] = frozenset(),
    ) -> None:
        self._tables = tables
        self._held = held
        self._ceiling = ceiling
        self._open_windows = open_windows
        self._truths: dict[int, Condition] = {}
        self._rows: dict[int, Condition | None] = {}
        self._bars: dict[int, str | None] = {}
        self._owned: dict[tuple[str, str | None], bool] = {}
        self.base = base
        self.differs = differs
        self.class_id: int | None = None
        self.decisions: dict[TypeName, Decision] = {}
        self.shared: dict[object, Any] = {}
        """Decisions on cells that types have in common."""

    def truth(self, number: int) -> Condition:
        """A variant's `when`, reduced."""
        found = self._truths.get(number)
        if found is None:
            variant = self._tables.variants[number]
            in_force = _in_force(variant, self._held.context.now, open_windows=self._open_windows)
            found = every(in_force, reduce(variant.when, self._seen(variant)))
            if isinstance(found, Truth):
                found = _TRUTHS[found.value]
            self._truths[number] = found
        return found

    def rows(self, number: int) -> Condition | None:
        """A variant's row filter, reduced."""
        variant = self._tables.variants[number]
        if variant.rows is None:
            return None
        found = self._rows.get(number)
        if found is None:
            found = self._rows[number] = reduce(variant.rows, self._seen(variant))
        return found

    def by_row(self, number: int) -> bool:
        """Whether a variant says something else of different rows."""
        rows = self.rows(number)
        return not isinstance(self.truth(number), Truth) or not (
            rows is None or isinstance(rows, Truth)
        )

    @property
    def lenders(self) -> Sequence[Standing[Decision]]:
        """Those for whom a permit must hold each by itself, where the caller acts for another."""
        return ()

    def owned(self, cell: Cell) -> bool:
        """Whether the subject owns a cell's fields."""
        return self.owns((cell.facts.owner, cell.facts.region))

    def barred(self, cell: Cell) -> str | None:
        """Why no permit can open a cell, ``None`` if one can."""
        bar = self.bar(cell.label)
        if bar == "unlabelled":
            return None if self._is_owner(cell) else bar
        if bar is None and cell.facts.share == "withheld" and not self._is_owner(cell):
            return "withheld"
        return bar

    def _is_owner(self, cell: Cell) -> bool:
        # fails closed: what is for its owner alone is not for whoever acts for it
        return self.owned(cell) and not self.delegated

    def of_type(self, table: TypeTable) -> tuple[object, ...]:
        """What the decisions on one type depend on: standings that agree in it share them."""
        return (
            tuple(map(self.truth, table.about)),
            tuple(map(self.rows, table.about)),
            tuple([(self.barred(cell), self.owned(cell)) for cell in table.cells]),
        )

    def key(self) -> StandingKey:
        """What all decisions depend on. Cost: reduces every rule."""
        tables = self._tables
        return StandingKey(
            truths=tuple(map(self.truth, range(len(tables.variants)))),
            rows=tuple(map(self.rows, range(len(tables.variants)))),
            labels=tuple(map(self.bar, range(len(tables.labels)))),
            owned=frozenset(filter(self.owns, tables.owners)),
            delegated=self.delegated,
            lenders=tuple(one.key() for one in self.lenders),
        )

    def _seen(self, variant: Variant) -> Circumstances:
        held = self._held
        if held.foresee is None:
            return held
        helping = variant.rule.effect == "permit"
        return msgspec.structs.replace(held, foresee=held.foresee is helping)

    def bar(self, label: int) -> str | None:
        """Why a label is out of reach, ``None`` if it is not."""
        if label not in self._bars:
            held = self._held
            found = _bar(self._tables.labels[label], held.subject, held.packs, self._ceiling)
            self._bars[label] = found
        return self._bars[label]

    def owns(self, pair: tuple[str, str | None]) -> bool:
        """Whether the subject owns what a department of a region serves."""
        found = self._owned.get(pair)
        if found is None:
            held = self._held
            found = self._owned[pair] = owns(held.rights or held.subject, *pair) is True
        return found


def _in_force(variant: Variant, now: float, *, open_windows: bool) -> Condition:
    window = variant.rule.window
    if window is None:
        return TRUE
    if open_windows:
        return TRUE if variant.rule.effect == "permit" else FALSE
    match window.is_open(now):
        case None:
            return UNKNOWN
        case True:
            return TRUE
        case False:
            return FALSE


def _bar(label: Label, subject: Subject, packs: Packs, ceiling: Mapping[str, str]) -> str | None:
    """The mandatory checks on one label."""
    if not under_ceiling(label, packs, ceiling):
        return "ceiling"
    if not packs.scheme.dominates(subject.clearance, label):
        return "dominance"
    if not label.compartments <= subject.compartments:
        return "compartment"
    return None if label.levels else "unlabelled"


def under_ceiling(label: Label, packs: Packs, ceiling: Mapping[str, str]) -> bool:
    """Whether a label is under the hub's ceiling on every ladder that the ceiling names."""
    named = Label(levels=tuple(pair for pair in label.levels if pair[0] in ceiling))
    return packs.scheme.dominates(ceiling, named)

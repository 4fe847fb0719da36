"""The rules of one type as rows: where permits hold, where prohibitions surely do not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from policies.compile import Cell, Cover, Tables, TypeTable
from policies.residue import conjunction, disjunction, implies, residue
from policies.rule import Rule
from policies.ruling import Allow, Masked, Outcome, Rowwise
from policies.standing import Standing
from schema.model.predicate import FALSE, TRUE, Predicate
from schema.model.use import SPECIAL_MODES, TYPE_MODES, AggregateFunction, UseMode


class Scope:
    """Rules of one type as rows: where permits hold and where prohibitions surely do not."""

    def __init__(
        self,
        table: TypeTable,
        tables: Tables,
        standing: Standing[Any],
        preference: Sequence[str],
    ) -> None:
        self.table = table
        self.variants = tables.variants
        self.standing = standing
        self.preference = preference
        self.duties = tables.duties
        self._known: dict[tuple[int, bool], Predicate] = {}
        self._left: list[tuple[str, Predicate]] | None = None
        self._opening: tuple[int, ...] | None = None

    def holds(self, number: int) -> Predicate:
        """The rows where a permit's condition is TRUE, and whose labels it reaches."""
        held = self._residue(number, positive=True)
        if self.variants[number].rule.effect != "permit":
            return held
        return conjunction([held, self.reach(number)])

    def clear(self, number: int) -> Predicate:
        """The rows where a rule's condition is FALSE: it neither forbids nor requires there."""
        return self._residue(number, positive=False)

    def _residue(self, number: int, *, positive: bool) -> Predicate:
        held = self._known.get((number, positive))
        if held is None:
            truth = self.standing.truth(number)
            held = residue(truth, self.table.entity, positive=positive)
            self._known[number, positive] = held
        return held

    def reach(self, number: int) -> Predicate:
        """The rows whose labels a permit reaches."""
        rows = self.standing.rows(number)
        return TRUE if rows is None else residue(rows, self.table.entity)

    def by_row(self, numbers: Iterable[int]) -> tuple[tuple[Predicate, ...], ...]:
        """All that row-dependent rules say of this type's rows."""
        found = []
        for number in numbers:
            if self.standing.by_row(number):
                clear = self.clear(number)
                found.append((self.holds(number), clear, self.filtered(number, clear)))
        return tuple(found)

    def permits(
        self, numbers: Iterable[int], mode: UseMode, function: AggregateFunction | None
    ) -> list[tuple[Rule, Predicate]]:
        """The permits that list a mode, with the rows they hold for."""
        found = []
        for number in numbers:
            rule = self.variants[number].rule
            if mode in rule.modes and _lists(rule, function):
                rows = self.holds(number)
                if rows != FALSE:
                    found.append((rule, rows))
        return found

    def projecting(self, numbers: Iterable[int]) -> list[tuple[int, Rule, Predicate]]:
        """The permits to read, with the rows that their own conditions hold for."""
        found = []
        for number in numbers:
            rule = self.variants[number].rule
            if "project" in rule.modes:
                where = self._residue(number, positive=True)
                if where != FALSE:
                    found.append((number, rule, where))
        return found

    def forbids(
        self, cover: Cover, mode: UseMode, function: AggregateFunction | None = None
    ) -> list[tuple[Rule, Predicate]]:
        """The forbids that may fire on a mode, with the rows where they do not."""
        found = []
        for number in cover.forbids:
            rule = self.variants[number].rule
            if mode in rule.modes and _lists(rule, function):
                clear = self.clear(number)
                if clear != TRUE:
                    found.append((rule, clear))
        return found

    def join_closed(self, cover: Cover, rows: Predicate | None) -> list[str]:
        """The prohibitions of `join` itself that may fire in some of the rows."""
        return [
            rule.id
            for rule, clear in self.forbids(cover, "join")
            if rule.closes_joins and not implies(rows or TRUE, clear)
        ]

    def requires(self, cover: Cover, mode: UseMode) -> list[tuple[int, Rule, Predicate]]:
        """The requires that may apply to a mode, with the rows where they do not."""
        found = []
        for number in cover.requires:
            rule = self.variants[number].rule
            if mode in rule.modes:
                clear = self.clear(number)
                if clear != TRUE:
                    found.append((number, rule, clear))
        return found

    def inbuilt(self, cover: Cover) -> bool:
        """Whether a rule that no bundle can remove holds something back when fields are shown."""
        rules = [rule for rule, _ in self.forbids(cover, "project")]
        rules += [rule for _, rule, _ in self.requires(cover, "project")]
        return any(rule.inbuilt for rule in rules)

    def row_labels(self, cover: Cover, rows: Predicate | None) -> list[str]:
        """The rules of labels that are out of reach in some of the rows."""
        return [
            rule.id
            for rule, clear in self.forbids(cover, "project")
            if rule.of_row_label and not implies(rows or TRUE, clear)
        ]

    def filtered(self, number: int, clear: Predicate) -> Predicate:
        """The rows that a require's row filter leaves."""
        rows = self.standing.rows(number)
        if rows is None:
            return TRUE
        return disjunction([clear, residue(rows, self.table.entity)])

    def rows(self) -> Predicate | None:
        """The rows that exist: where a permit holds, and every row filter."""
        opened = disjunction([self.holds(number) for number in self.opening()])
        # fails closed: what takes rows away and cannot be shown to be clear of any takes them all
        if opened == FALSE or self.emptying():
            return None
        return conjunction([opened, *(where for _, where in self._taken())])

    def takes(self, rule: Rule, where: Predicate) -> bool:
        """Whether a rule leaves no row of the type outside a condition: they do not exist."""
        return any(other == rule.id and implies(left, where) for other, left in self._taken())

    def _taken(self) -> list[tuple[str, Predicate]]:
        """The rules that take rows away, with the rows that each leaves."""
        if self._left is None:
            held, rules = self.table.takers, self.variants
            found = [(rules[number].rule.id, self.clear(number)) for number in held]
            for number in self.table.cover.requires:
                if rules[number].rule.modes >= TYPE_MODES:
                    left = self.filtered(number, self.clear(number))
                    found.append((rules[number].rule.id, left))
            self._left = found
        return self._left

    def emptying(self) -> list[Rule]:
        """The prohibitions that take every row: they speak of the row, and none is surely clear of
        them. Nothing is left of the type then, in whatever mode."""
        return [
            self.variants[number].rule
            for number in self.table.takers
            if self.clear(number) == FALSE
        ]

    def opening(self) -> tuple[int, ...]:
        """The permits that open something of a field: no other says that rows exist."""
        if self._opening is None:
            found: set[int] = set()
            for cell in self.table.cells:
                if self.standing.barred(cell) is None:
                    fresh = [one for one in reach(cell, self.standing) if one not in found]
                    found.update(one for one in fresh if not self._shut(cell, one))
            self._opening = tuple(sorted(found))
        return self._opening

    def _shut(self, cell: Cell, number: int) -> bool:
        """Whether a permit opens nothing of a cell: each of its modes is forbidden in all rows, or
        is one of those that say nothing of rows."""
        modes = set(self.variants[number].rule.modes - SPECIAL_MODES)
        for other in cell.cover.forbids:
            rule = self.variants[other].rule
            if rule.functions is None and self.clear(other) == FALSE:
                modes -= rule.modes
        return not modes


def reach(cell: Cell, standing: Standing[Any]) -> tuple[int, ...]:
    """The permits that reach a cell for a class of subjects."""
    cover = cell.cover
    if cover.owner_permits and standing.owned(cell):
        return (*cover.permits, *cover.owner_permits)
    return cover.permits


def shows(outcome: Outcome) -> bool:
    """Whether anything of a value is seen."""
    return isinstance(outcome, Allow | Masked | Rowwise)


def _lists(rule: Rule, function: AggregateFunction | None) -> bool:
    return function is None or rule.functions is None or function in rule.functions

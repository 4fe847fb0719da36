"""The decisions of the engine as formulas: mandatory checks, forbids, permits, requires.

Formulas of the kind *at most* hold wherever the engine allows a use of an existing row, those of
the kind *at least* only where it does. They differ only where rules speak of rows: the engine
compares such conditions by structure. What is shown of a field is exact row by row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Literal

import msgspec

from policies.candidate import fitted_to
from policies.compile import Cell, Cover, Tables, TypeTable
from policies.condition import reads_row
from policies.meet import NOTHING, Shown, fitted, meet_all, rank
from policies.packs import Packs
from policies.prove.conditions import Conditions
from policies.prove.logic import Bits, Formula, both, every, kleene, neither, one, some
from policies.prove.world import World
from policies.rule import Rule
from policies.ruling import Allow, Masked
from policies.standing import under_ceiling
from schema.model.catalogue import Catalogue
from schema.model.entity import EntityType
from schema.model.use import SPECIAL_MODES, TYPE_MODES

Side = Literal["most", "least"]
_MOST_LIMITS = 8


class Path(msgspec.Struct, frozen=True):
    """One way to an outcome: where it is open, what it shows, by which permit."""

    where: Formula
    shown: Shown
    rule: Rule


class Decisions:
    """Formulas of everything that one engine decides, each made once."""

    def __init__(
        self, tables: Tables, catalogue: Catalogue, packs: Packs, ceiling: dict[str, str]
    ) -> None:
        self.tables = tables
        self.catalogue = catalogue
        self.packs = packs
        self.ceiling = ceiling
        self.conditions: Conditions
        self._memo: dict[tuple[object, ...], Formula] = {}
        self._paths: dict[tuple[object, ...], tuple[Path, ...]] = {}
        self._by_row: dict[str, bool] = {}

    def gather(self, world: World) -> None:
        """Tell a world what the rules and labels speak of."""
        for owner, region in self.tables.owners:
            world.owner(owner, region)
        for label in self.tables.labels:
            world.constants("set", "compartments", label.compartments)
        for table in self.tables.types.values():
            for number in variants_of(table):
                variant = self.tables.variants[number]
                if variant.rule.window is not None:
                    world.period(variant.rule.window)
                for condition in (variant.when, variant.rows):
                    if condition is not None:
                        world.speaks_of(condition, table.entity)

    def use(self, conditions: Conditions) -> None:
        """Make formulas over a closed world."""
        self.conditions = conditions

    # what rules say

    def when(self, number: int, entity: EntityType) -> Bits:
        """A rule's condition, its window included."""
        variant = self.tables.variants[number]
        bits = self.conditions.bits(variant.when, entity)
        if variant.rows is not None and variant.rule.effect == "permit":
            # a permit's rows are those whose labels it reaches
            bits = kleene([bits, self.conditions.bits(variant.rows, entity)], False)
        if variant.rule.window is None:
            return bits
        return kleene([self.conditions.in_force(variant.rule.window), bits], False)

    def filtered(self, number: int, entity: EntityType, side: Side = "most") -> Formula:
        """Whether a require's row filter leaves the row."""
        rows = self.tables.variants[number].rows
        if rows is None:
            return True
        clear, kept = self.when(number, entity), self.conditions.bits(rows, entity)
        if side == "most":
            return one(clear.false, kept.true)
        return one(clear.always_false, kept.always_true)

    def is_by_row(self, table: TypeTable) -> bool:
        """Whether some rule about a type says something else of different rows."""
        name = table.entity.name
        if name not in self._by_row:
            self._by_row[name] = any(self._reads_row(number) for number in variants_of(table))
        return self._by_row[name]

    def _reads_row(self, number: int) -> bool:
        variant = self.tables.variants[number]
        return variant.rows is not None or reads_row(variant.when)

    def is_exact(self, cell: Cell) -> bool:
        """Whether what is shown of a cell is exact; else the engine may show less.

        It does where what limits the field tells of the row what the caller may not read, and
        where many limits hang on the row.
        """
        limits = [
            number
            for number in (*cell.cover.forbids, *cell.cover.requires)
            if "project" in self.rule(number).modes
        ]
        permits = (*cell.cover.permits, *cell.cover.owner_permits)
        if any(self.tables.variants[number].rows is not None for number in permits):
            return False
        return len(limits) <= _MOST_LIMITS and not any(map(self._reads_row, limits))

    # mandatory checks and rows

    def owned(self, cell: Cell) -> Formula:
        """Whether the caller owns a cell's fields."""
        return self.conditions.owned(cell.facts.owner, cell.facts.region).true

    def open(self, cell: Cell) -> Formula:
        """Whether the mandatory checks let a permit open a cell."""
        key = ("open", cell.label, cell.facts)
        if key not in self._memo:
            self._memo[key] = self._open(cell)
        return self._memo[key]

    def _open(self, cell: Cell) -> Formula:
        label = self.tables.labels[cell.label]
        if not under_ceiling(label, self.packs, self.ceiling):
            return False
        checks = [self.conditions.reaches(ladder, level) for ladder, level in label.levels]
        world = self.conditions.world
        checks += [world.member("compartments", name) for name in sorted(label.compartments)]
        if not label.levels or cell.facts.share == "withheld":
            checks.append(self.owned(cell))
        return every(checks)

    def reach(self, cell: Cell) -> list[tuple[int, Formula]]:
        """The permits that reach a cell, and for whom."""
        found: list[tuple[int, Formula]] = [(number, True) for number in cell.cover.permits]
        if cell.cover.owner_permits:
            owned = self.owned(cell)
            found += [(number, owned) for number in cell.cover.owner_permits]
        return found

    def exists(self, table: TypeTable) -> Formula:
        """Whether the row exists for the caller."""
        key = ("exists", table.entity.name)
        if key not in self._memo:
            musts = [self.when(number, table.entity).false for number in table.takers]
            musts += [
                self.filtered(number, table.entity)
                for number in table.cover.requires
                if self.rule(number).modes >= TYPE_MODES
            ]
            self._memo[key] = both(self._opened(table, "exists"), *musts)
        return self._memo[key]

    def not_empty(self, table: TypeTable) -> Formula:
        """Whether the engine finds that rows may exist at all."""
        key = ("not empty", table.entity.name)
        if key not in self._memo:
            left = [neither(self.when(one, table.entity).never_false) for one in table.takers]
            self._memo[key] = both(self._opened(table, "may"), *left)
        return self._memo[key]

    def _opened(self, table: TypeTable, how: Literal["exists", "may"]) -> Formula:
        ways: list[Formula] = []
        for cell in table.cells:
            inner = []
            for number, who in self.reach(cell):
                bits = self.when(number, table.entity)
                holds = bits.true if how == "exists" else neither(bits.never_true)
                inner.append(both(who, holds, neither(self.shut(cell, number, table.entity))))
            ways.append(both(self.open(cell), some(inner)))
        return some(ways)

    def shut(self, cell: Cell, number: int, entity: EntityType) -> Formula:
        """Whether a permit opens nothing: forbids take every mode of it that says anything of rows
        in all rows."""
        modes = self.rule(number).modes - SPECIAL_MODES
        if not modes:
            return True
        whole = [other for other in cell.cover.forbids if self.rule(other).functions is None]
        if not whole:
            return False
        return every(
            some(self.when(o, entity).never_false for o in whole if mode in self.rule(o).modes)
            for mode in sorted(modes)
        )

    def rule(self, number: int) -> Rule:
        """The rule of a variant."""
        return self.tables.variants[number].rule

    # what is shown of a field

    def paths(self, table: TypeTable, cell: Cell, side: Side = "most") -> tuple[Path, ...]:
        """Every way to a shown value of a cell, whatever else is shown."""
        key = (table.entity.name, cell, side)
        if key not in self._paths:
            self._paths[key] = tuple(self._find_paths(table.entity, cell, side))
        return self._paths[key]

    def paths_without(self, table: TypeTable, cell: Cell, number: int) -> tuple[Path, ...]:
        """Every way to a shown value of a cell as it would be without a requirement."""
        requires = tuple(other for other in cell.cover.requires if other != number)
        cover = msgspec.structs.replace(cell.cover, requires=requires)
        return self.paths(table, msgspec.structs.replace(cell, cover=cover))

    def _find_paths(self, entity: EntityType, cell: Cell, side: Side) -> Iterable[Path]:
        cover, most = cell.cover, side == "most"
        permits = [
            (self.rule(number), both(who, bits.true if most else bits.always_true))
            for number, who in self.reach(cell)
            if "project" in self.rule(number).modes
            for bits in (self.when(number, entity),)
        ]
        if not permits:
            return
        musts = [self.open(cell)]
        musts += [
            self.clear(number, entity, side)
            for number in cover.forbids
            if "project" in self.rule(number).modes
        ]
        limits: dict[Shown, list[Formula]] = {}
        for number in cover.requires:
            rule = self.rule(number)
            if "project" not in rule.modes:
                continue
            musts.append(self.filtered(number, entity, side))
            if rule.outcome is not None:
                clears = limits.setdefault(limit_of(rule, cell), [])
                clears.append(self.clear(number, entity, side))
        base = every(musts)
        if base is False:
            return
        spared = {limit: every(clears) for limit, clears in limits.items()}
        for applied, where in self._limited(spared):
            for rule, opens in permits:
                held = rule.outcome if isinstance(rule.outcome, Allow | Masked) else NOTHING
                seen = fitted(meet_all([fitted_to(held, cell), *applied]), cell.kind)
                whole = both(base, opens, where)
                if whole is not False:
                    yield Path(whole, seen, rule)

    def _limited(self, spared: dict[Shown, Formula]) -> Iterable[tuple[list[Shown], Formula]]:
        """Which limits apply, and where: each set of them once."""
        certain = [limit for limit, clear in spared.items() if clear is False]
        unsure = [limit for limit in spared if limit not in certain and spared[limit] is not True]
        # beyond a few, the rest is taken not to apply: more is shown here than by the engine
        unsure = unsure[:_MOST_LIMITS]
        for size in range(len(unsure) + 1):
            for applied in combinations(unsure, size):
                where = every(
                    neither(spared[limit]) if limit in applied else spared[limit]
                    for limit in unsure
                )
                yield [*certain, *applied], where

    def clear(self, number: int, entity: EntityType, side: Side) -> Formula:
        """Whether a rule surely does not apply to the row."""
        bits = self.when(number, entity)
        return bits.false if side == "most" else bits.always_false

    def shown(self, table: TypeTable, cell: Cell) -> dict[Shown, Formula]:
        """For each outcome, where it is the one that is used, in the order of preference."""
        by_outcome: dict[Shown, list[Formula]] = {}
        for path in self.paths(table, cell):
            by_outcome.setdefault(path.shown, []).append(path.where)
        found: dict[Shown, Formula] = {}
        better: list[Formula] = []
        for seen in sorted(by_outcome, key=lambda held: rank(held, self.packs.preference)):
            where = some(by_outcome[seen])
            found[seen] = both(where, neither(some(better)))
            better.append(where)
        return found

    def sees(self, table: TypeTable, cell: Cell) -> Formula:
        """Whether anything at all may be shown of an existing row."""
        return both(some(path.where for path in self.paths(table, cell)), self.exists(table))

    def held_back(self, table: TypeTable, cell: Cell) -> Formula:
        """Whether a rule that no bundle can remove may limit what is shown of a cell."""
        return some(
            neither(self.when(number, table.entity).always_false)
            for number in (*cell.cover.forbids, *cell.cover.requires)
            if self.rule(number).inbuilt and "project" in self.rule(number).modes
        )

    def row_labelled(self, table: TypeTable, cell: Cell) -> Formula:
        """Whether the mandatory check of a label of some rows may fail."""
        return some(
            neither(self.when(number, table.entity).always_false)
            for number in cell.cover.forbids
            if self.rule(number).of_row_label
        )

    def reads(self, table: TypeTable, cell: Cell, outcomes: Iterable[Shown]) -> Formula:
        """Whether one of some outcomes is shown of an existing row."""
        wanted = frozenset(outcomes)
        found = [where for seen, where in self.shown(table, cell).items() if seen in wanted]
        return both(some(found), self.exists(table)) if found else False


def limit_of(rule: Rule, cell: Cell) -> Shown:
    """The most that a require lets be seen of a cell."""
    return fitted_to(rule.outcome, cell) if isinstance(rule.outcome, Masked) else NOTHING


def variants_of(table: TypeTable) -> Sequence[int]:
    """Every variant about a type, its fields and relations."""
    covers: list[Cover] = [cell.cover for cell in table.cells]
    covers += [table.cover, *table.relations.values()]
    found: dict[int, None] = {}
    for cover in covers:
        for numbers in (cover.permits, cover.owner_permits, cover.forbids, cover.requires):
            found |= dict.fromkeys(numbers)
    return tuple(found)

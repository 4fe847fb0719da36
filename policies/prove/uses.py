"""Every use of a field, relation or type as a formula: at most, and at least, what is allowed."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from policies.compile import Cell, Cover, TypeTable
from policies.prove.cells import Decisions, Side
from policies.prove.logic import Formula, both, every, neither, one, some
from policies.rule import FIGURES, UNSEEN
from policies.ruling import Allow
from schema.model.names import Coordinate, FieldName, split_coordinate
from schema.model.use import FIELD_MODES, TYPE_MODES, FieldUse


class Allowed(msgspec.Struct, frozen=True):
    """Where a use is allowed: `most` holds wherever it is, `least` nowhere else."""

    most: Formula
    least: Formula


NEVER = Allowed(False, False)


class Uses:
    """Formulas for the uses that are allowed or refused."""

    def __init__(self, decisions: Decisions) -> None:
        self.decisions = decisions
        self._memo: dict[tuple[object, ...], Allowed] = {}

    def allowed(self, use: FieldUse) -> Allowed:
        """Where a use other than `project` is allowed."""
        type_name, name = split_coordinate(use.coordinate)
        table = self.decisions.tables.types.get(type_name)
        if table is None:
            return NEVER
        if name is None:
            return self._existence(table, use) if use.mode in TYPE_MODES else NEVER
        if name in table.cell_of and use.mode in FIELD_MODES:
            return self.of_cell(table, table.cells[table.cell_of[name]], use)
        if name in table.relations and use.mode == "traverse":
            return self._traverse(table, name)
        return NEVER

    def of_cell(self, table: TypeTable, cell: Cell, use: FieldUse) -> Allowed:
        """Where fields of a cell may be used in a mode other than `project`."""
        key = (table.entity.name, cell, use.mode, use.function)
        if key not in self._memo:
            self._memo[key] = Allowed(
                both(self.decisions.exists(table), self._of_cell(table, cell, use, "most")),
                both(self.decisions.not_empty(table), self._of_cell(table, cell, use, "least")),
            )
        return self._memo[key]

    def _of_cell(self, table: TypeTable, cell: Cell, use: FieldUse, side: Side) -> Formula:
        of, entity = self.decisions, table.entity
        permits = [
            (number, who)
            for number, who in of.reach(cell)
            if use.mode in of.rule(number).modes and _lists(of, number, use)
        ]
        if not permits:
            return False
        musts = [of.open(cell)]
        musts += [
            of.clear(number, entity, side)
            for number in cell.cover.forbids
            if use.mode in of.rule(number).modes and _lists(of, number, use)
        ]
        for number in cell.cover.requires:
            if use.mode in of.rule(number).modes:
                if of.rule(number).outcome is not None:
                    musts.append(of.clear(number, entity, side))
                musts.append(of.filtered(number, entity, side))
        if use.mode in UNSEEN:
            return both(*musts, self._held(table, permits, side))
        raw = some(
            path.where for path in of.paths(table, cell, side) if isinstance(path.shown, Allow)
        )
        ways = [both(raw, self._held(table, permits, side))]
        only = [(number, who) for number, who in permits if of.rule(number).modes <= FIGURES]
        if only and not _is_projection(cell, use):
            free = every(
                of.when(number, entity).always_false
                for number in cell.cover.requires
                if of.rule(number).outcome is not None and "project" in of.rule(number).modes
            )
            ways.append(both(free, self._held(table, only, side)))
        return both(*musts, some(ways))

    def _held(
        self, table: TypeTable, permits: Iterable[tuple[int, Formula]], side: Side
    ) -> Formula:
        found = []
        for number, who in permits:
            bits = self.decisions.when(number, table.entity)
            found.append(both(who, bits.true if side == "most" else bits.always_true))
        return some(found)

    def _existence(self, table: TypeTable, use: FieldUse) -> Allowed:
        key = (table.entity.name, use.mode)
        if key not in self._memo:
            of = self.decisions
            permits = [
                (number, both(of.open(cell), who, neither(of.shut(cell, number, table.entity))))
                for cell in table.cells
                for number, who in of.reach(cell)
            ]
            self._memo[key] = self._judged(table, permits, table.cover, use)
        return self._memo[key]

    def _judged(
        self,
        table: TypeTable,
        permits: Iterable[tuple[int, Formula]],
        cover: Cover,
        use: FieldUse,
    ) -> Allowed:
        of = self.decisions
        listed = [(number, who) for number, who in permits if use.mode in of.rule(number).modes]
        forbids = [number for number in cover.forbids if use.mode in of.rule(number).modes]
        sides = {}
        for side in ("most", "least"):
            clear = every(of.clear(number, table.entity, side) for number in forbids)
            sides[side] = both(clear, self._held(table, listed, side))
        return Allowed(
            both(of.exists(table), sides["most"]), both(of.not_empty(table), sides["least"])
        )

    def _traverse(self, table: TypeTable, name: FieldName) -> Allowed:
        key = (table.entity.name, name, "traverse")
        if key not in self._memo:
            self._memo[key] = self._follow(table, name)
        return self._memo[key]

    def _follow(self, table: TypeTable, name: FieldName) -> Allowed:
        of, cover = self.decisions, table.relations[name]
        relation = table.entity.relations[name]
        there = of.tables.types.get(relation.to)
        if there is None:
            return NEVER
        use = FieldUse(f"{table.entity.name}.{name}", "traverse")  # type: ignore[arg-type]
        judged = self._judged(table, [(number, True) for number in cover.permits], cover, use)
        named = self._judged(table, [(number, True) for number in cover.named], cover, use)
        most, least = [judged.most, of.not_empty(there)], [judged.least, of.not_empty(there)]
        pairs = [
            (table.cells[table.cell_of[ours]], there.cells[there.cell_of[theirs]])
            for ours, theirs in relation.match
        ]
        for here, end in pairs:
            joined, unclosed = self._join(table, here, there, end)
            opened = both(of.open(here), of.open(end))
            one_end, other_end = of.shown(table, here), of.shown(there, end)
            by_row = of.is_by_row(table) or of.is_by_row(there)
            alike = some(
                both(where, other_end[seen]) for seen, where in one_end.items() if seen in other_end
            )
            if by_row:
                alike = both(some(one_end.values()), some(other_end.values()))
            exists = of.exists(there)
            held = (of.held_back(table, here), of.held_back(there, end))
            # one end must not show what a pack or an owner's floor covers at the other
            told = one(
                both(held[0], some(other_end.values())), both(held[1], some(one_end.values()))
            )
            untold = True if by_row else neither(told)
            surely_untold = neither(one(*held)) if by_row else neither(told)
            labelled = one(of.row_labelled(table, here), of.row_labelled(there, end))
            reached = True if by_row else neither(labelled)
            opened = both(opened, unclosed.most)
            ways = [both(alike, exists), both(some([named.most, joined.most]), untold)]
            most += [opened, reached, some(ways)]
            surely = False if by_row else alike
            opened = both(opened, unclosed.least)
            ways = [surely, both(some([named.least, joined.least]), surely_untold)]
            least += [opened, neither(labelled), some(ways)]
        return Allowed(every(most), every(least))

    def _join(
        self, table: TypeTable, here: Cell, there: TypeTable, end: Cell
    ) -> tuple[Allowed, Allowed]:
        """Where permits join by both keys, and where no prohibition of `join` closes either."""
        of, ends = self.decisions, ((table, here), (there, end))
        use = FieldUse(Coordinate(""), "join")
        joins = [self.of_cell(one, cell, use) for one, cell in ends]

        def clear(side: Side) -> Formula:
            return every(
                of.clear(number, one.entity, side)
                for one, cell in ends
                for number in cell.cover.forbids
                if of.rule(number).closes_joins
            )

        return (
            Allowed(every(one.most for one in joins), every(one.least for one in joins)),
            Allowed(clear("most"), clear("least")),
        )

    def is_exact(self, use: FieldUse) -> bool:
        """Whether the two formulas of a use are the same and the engine's."""
        type_name, name = split_coordinate(use.coordinate)
        of = self.decisions
        table = of.tables.types.get(type_name)
        if table is None:
            return True
        if name is not None and use.mode == "project" and name in table.cell_of:
            return of.is_exact(table.cells[table.cell_of[name]])
        if name is not None and name in table.relations:
            there = of.tables.types.get(table.entity.relations[name].to)
            if there is not None and of.is_by_row(there):
                return False
        return not of.is_by_row(table)


def _lists(of: Decisions, number: int, use: FieldUse) -> bool:
    functions = of.rule(number).functions
    return use.function is None or functions is None or use.function in functions


def _is_projection(cell: Cell, use: FieldUse) -> bool:
    """Whether a use shows single values."""
    if use.mode == "group":
        return cell.key_alone
    return use.mode != "aggregate" or use.function in ("min", "max")

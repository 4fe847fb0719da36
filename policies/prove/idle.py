"""Rules that never matter: dead ones, shadowed ones, requirements that contradict each other."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import combinations

import msgspec

from policies.compile import Cell, Cover, TypeTable
from policies.meet import REDACT, fitted, meet, rank
from policies.prove.assertion import Assertion, Counterexample, Result
from policies.prove.cells import Decisions, limit_of
from policies.prove.claims import Claims, name_of
from policies.prove.logic import Formula, both, every, neither, one, some
from policies.prove.search import Found, Goal, Search
from policies.prove.witness import Witness, ruled
from policies.rule import Rule
from policies.ruling import FieldError, Hidden, Masked, Null
from schema.model.names import FieldName, coordinate
from schema.model.use import EVERY_MODE, FIELD_MODES, SPECIAL_MODES, TYPE_MODES, FieldUse, UseMode

_SECRECY = (Hidden, Null, FieldError)


class Spot(msgspec.Struct, frozen=True):
    """Something that a rule is about: fields of a cell, a relation, or the type itself."""

    table: TypeTable
    cover: Cover
    modes: frozenset[UseMode]
    cell: Cell | None = None


class Idle:
    """Answers the assertions that are built in."""

    def __init__(self, claims: Claims, search: Search) -> None:
        self.of: Decisions = claims.decisions
        self.engine = claims.engine
        self.search = search

    def result(self, assertion: Assertion, deadline: float) -> Result:
        """The result of one built-in assertion."""
        begun = time.monotonic()
        if assertion.sort == "no contradictory requires":
            result = self._contradictions(assertion, deadline)
        else:
            result = self._idle(assertion, deadline)
        return msgspec.structs.replace(result, seconds=time.monotonic() - begun)

    def _idle(self, assertion: Assertion, deadline: float) -> Result:
        spots = self._spots()
        findings, undecided = [], False
        for rule in self.engine.rules:
            if rule.inbuilt:
                continue  # no officer can mend it
            places = spots.get(rule.id, [])
            matters: bool | None = self.search.holds_for_somebody(
                some(self._applies(number, spot) for number, spot in places), deadline
            )
            # an obligation is something to say of its own
            if assertion.sort == "no shadowed rules" and not rule.obligations:
                # a dead rule is told of by `no dead rules` alone
                matters = True if matters is False else matters and (
                    self.search.holds_for_somebody(
                        some(self._matters(number, spot) for number, spot in places), deadline
                    )
                )  # fmt: skip
            if matters is False:
                findings.append(_told(rule))
            undecided = undecided or matters is None
        verdict = "refuted" if findings else "undecided" if undecided else "proved"
        return Result(
            assertion=assertion,
            verdict=verdict,  # type: ignore[arg-type]  # one of the three
            findings=tuple(findings),
            looked_at=len(self.engine.rules),
        )

    def _spots(self) -> dict[str, list[tuple[int, Spot]]]:
        """Rule id -> the variants of it with what each is about."""
        found: dict[str, list[tuple[int, Spot]]] = {}
        for table in self.of.tables.types.values():
            spots = [Spot(table, cell.cover, FIELD_MODES, cell) for cell in table.cells]
            spots += [Spot(table, cover, frozenset[UseMode]({"traverse"})) for cover in
                      table.relations.values()]  # fmt: skip
            spots.append(Spot(table, self._whole(table), TYPE_MODES))
            for spot in spots:
                cover = spot.cover
                for number in dict.fromkeys(
                    (*cover.permits, *cover.owner_permits, *cover.forbids, *cover.requires)
                ):
                    found.setdefault(self.of.rule(number).id, []).append((number, spot))
        return found

    def _whole(self, table: TypeTable) -> Cover:
        """The rules about a type's rows: its own, and the permits that open its cells."""
        permits = dict.fromkeys(n for cell in table.cells for n in cell.cover.permits)
        owners = dict.fromkeys(n for cell in table.cells for n in cell.cover.owner_permits)
        return msgspec.structs.replace(
            table.cover, permits=tuple(permits), owner_permits=tuple(owners)
        )

    def _open(self, spot: Spot) -> Formula:
        if spot.cell is not None:
            return self.of.open(spot.cell)
        return some(self.of.open(cell) for cell in spot.table.cells)

    def _permits(self, spot: Spot) -> list[tuple[int, Formula]]:
        """The permits of a spot, with where each holds."""
        found = [(number, True) for number in spot.cover.permits]
        if spot.cover.owner_permits:
            cells = [spot.cell] if spot.cell is not None else spot.table.cells
            owned = some(self.of.owned(cell) for cell in cells)
            found += [(number, owned) for number in spot.cover.owner_permits]
        entity = spot.table.entity
        return [(number, both(who, self.of.when(number, entity).true)) for number, who in found]

    def _applies(self, number: int, spot: Spot) -> Formula:
        """Where a rule is in force on a spot at all."""
        if self.of.rule(number).effect != "permit":
            return self.of.when(number, spot.table.entity).not_false
        return both(self._open(spot), some(w for n, w in self._permits(spot) if n == number))

    def _matters(self, number: int, spot: Spot) -> Formula:
        """Where something would be decided otherwise without a rule."""
        rule = self.of.rule(number)
        ways: list[Formula] = []
        if spot.cell is not None and "project" in rule.modes:
            ways.append(self._shown_otherwise(number, rule, spot, spot.cell))
        # what forbids are silent about in `project` is decided as in every other mode
        skipped = {"project"} if spot.cell is not None and rule.effect != "forbid" else set()
        for mode in sorted(self._about(number, spot) - skipped):
            listed = [(n, where) for n, where in self._permits(spot) if self._covers(n, rule, mode)]
            clear = self._clear(number, spot, mode)
            match rule.effect:
                case "permit":
                    own = some(where for n, where in listed if n == number)
                    others = some(where for n, where in listed if self.of.rule(n).id != rule.id)
                    ways.append(both(own, neither(others), clear))
                case _:
                    held = self.of.when(number, spot.table.entity)
                    hit = held.not_false
                    if rule.effect == "require" and rule.outcome is None:
                        hit = neither(self.of.filtered(number, spot.table.entity))
                    permitted = some(
                        where for n, where in self._permits(spot) if mode in self.of.rule(n).modes
                    )
                    closes = mode == "join" and rule.closes_joins
                    ways.append(both(True if closes else permitted, hit, clear))
        takers = [other for other in spot.table.takers if self.of.rule(other).id != rule.id]
        left = every(self.of.when(other, spot.table.entity).false for other in takers)
        return both(self._open(spot), left, some(ways))

    def _about(self, number: int, spot: Spot) -> frozenset[UseMode]:
        """The modes in which a rule says something of a spot: all, if it takes rows of the type."""
        modes = self.of.rule(number).modes
        if spot.modes == TYPE_MODES and number in spot.table.takers:
            return EVERY_MODE - SPECIAL_MODES
        return modes & spot.modes

    def _covers(self, number: int, rule: Rule, mode: str) -> bool:
        """Whether a permit gives in a mode all that another gives."""
        other = self.of.rule(number)
        if mode not in other.modes or mode != "aggregate" or other.functions is None:
            return mode in other.modes
        return rule.functions is not None and rule.functions <= other.functions

    def _clear(self, number: int, spot: Spot, mode: str) -> Formula:
        """Where no other forbid or require says as much as a rule."""
        rule, entity = self.of.rule(number), spot.table.entity
        found: list[Formula] = []
        for other in spot.cover.forbids:
            held = self.of.rule(other)
            if held.id == rule.id or mode not in held.modes or not _as_secret(held, rule):
                continue
            if mode == "join" and rule.closes_joins and not held.closes_joins:
                continue  # it closes relations that permits name, the other does not
            if held.functions is None or mode != "aggregate":
                found.append(self.of.when(other, entity).false)
        if rule.effect == "require":
            for other in spot.cover.requires:
                held = self.of.rule(other)
                if held.id != rule.id and mode in held.modes:
                    clear = self.of.when(other, entity).false
                    found.append(clear if held.outcome else self.of.filtered(other, entity))
        return every(found)

    def _shown_otherwise(self, number: int, rule: Rule, spot: Spot, cell: Cell) -> Formula:
        """Where a permit or require changes what is shown."""
        table, entity, order = spot.table, spot.table.entity, self.of.packs.preference
        ways: list[Formula] = []
        if rule.effect == "permit":
            paths = self.of.paths(table, cell)
            for path in (path for path in paths if path.rule.id == rule.id):
                better = some(
                    other.where
                    for other in paths
                    if other.rule.id != rule.id
                    and rank(other.shown, order) <= rank(path.shown, order)
                )
                ways.append(both(path.where, neither(better)))
        elif rule.effect == "require":
            applies = self.of.when(number, entity).not_false
            dropped = neither(self.of.filtered(number, entity))
            for path in self.of.paths_without(table, cell, number):
                limited = fitted(meet(path.shown, limit_of(rule, cell)), cell.kind)
                differs = rule.outcome is not None and limited != path.shown
                ways.append(both(path.where, one(both(differs, applies), dropped)))
        return some(ways)

    def _contradictions(self, assertion: Assertion, deadline: float) -> Result:
        goals, looked_at = [], 0
        for table in self.of.tables.types.values():
            names: dict[Cell, FieldName] = {}
            for name, place in table.cell_of.items():
                names.setdefault(table.cells[place], name)
            for cell, name in names.items():
                for pair in combinations(cell.cover.requires, 2):
                    looked_at += 1
                    goals += list(self._contradiction(table, cell, name, pair))
        found = self.search.find(goals, deadline)
        if isinstance(found, Found):
            return Result(
                assertion=assertion,
                verdict="refuted",
                examples=found.said[0],
                findings=found.said[1],
                looked_at=looked_at,
            )
        verdict = "proved" if found == "none" else "undecided"
        return Result(assertion=assertion, verdict=verdict, looked_at=looked_at)  # type: ignore[arg-type]  # one of the three

    def _contradiction(
        self, table: TypeTable, cell: Cell, name: FieldName, pair: Sequence[int]
    ) -> Iterator[Goal]:
        rules = [self.of.rule(number) for number in pair]
        masks = [limit_of(rule, cell) for rule in rules if isinstance(rule.outcome, Masked)]
        if len(masks) < 2 or not all("project" in rule.modes for rule in rules):
            return
        met = meet(*masks)
        if not isinstance(met, Masked) or met.mask != REDACT.mask or met in masks:
            return
        if any(isinstance(mask, Masked) and mask.mask == REDACT.mask for mask in masks):
            return
        redacted = fitted(REDACT, cell.kind)
        apply = [self.of.when(number, table.entity).not_false for number in pair]
        use = FieldUse(coordinate(table.entity.name, name), "project")

        def confirm(
            witnesses: Sequence[Witness],
        ) -> tuple[tuple[Counterexample, ...], tuple[str, ...]] | None:
            shown, decided = ruled(self.engine, witnesses[0], use)
            if shown != redacted:
                return None
            said = Counterexample(
                witness=witnesses[0], use=use, shown=name_of(shown), rules=decided
            )
            return (said,), tuple(_told(rule) for rule in rules)

        yield Goal(
            formula=both(self.of.reads(table, cell, [redacted]), *apply),
            exact=self.of.is_exact(cell),
            tables=((self.of, table),),
            confirm=confirm,
        )


def _told(rule: Rule) -> str:
    at = rule.place("policy")
    return f"{rule.id} ({rule.path}:{at.line}:{at.column})"


def _as_secret(other: Rule, rule: Rule) -> bool:
    """Whether a forbid hides at least as much as another rule."""
    if rule.effect != "forbid":
        return True
    kinds = [type(held.outcome) if held.outcome is not None else Null for held in (other, rule)]
    return _SECRECY.index(kinds[0]) <= _SECRECY.index(kinds[1])

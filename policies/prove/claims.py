"""Assertions to goals: for each use that one speaks of, where it would not hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import msgspec

from policies.compile import Cell, TypeTable, covers
from policies.condition import TRUE, Condition, Facts, specialise
from policies.engine import Engine
from policies.grant import grants_on
from policies.meet import NOTHING, Shown, fitted, meet
from policies.prove.assertion import Assertion, Counterexample, Part
from policies.prove.cells import Decisions
from policies.prove.conditions import Conditions
from policies.prove.logic import Bits, Formula, both, some
from policies.prove.search import Goal
from policies.prove.uses import Uses
from policies.prove.witness import Witness, ruled, truth
from policies.prove.world import World
from policies.rule import Rule, Selector
from policies.ruling import Allow
from policies.visibility import Elements
from schema.model.entity import EntityType
from schema.model.names import FieldName, TypeName, coordinate, split_coordinate
from schema.model.use import TYPE_MODES, FieldUse

_PSEUDO = Rule(
    name="assertion",
    version=1,
    effect="forbid",
    selector=Selector(),
    modes=frozenset(),
    when=TRUE,
    path="",
    places={},
)
"""What an assertion is about is found as for a forbid."""


class Reads(msgspec.Struct, frozen=True, kw_only=True):
    """One use that an assertion speaks of, and where callers have it."""

    table: TypeTable
    facts: Facts
    use: FieldUse
    where: Formula
    exact: bool
    counts: Callable[[Shown], bool] = lambda _: True
    """Which outcomes count."""


class Claims:
    """Makes the goals of assertions over one engine."""

    def __init__(self, engine: Engine, decisions: Decisions, uses: Uses) -> None:
        self.engine = engine
        self.decisions = decisions
        self.uses = uses
        self.elements = Elements(engine.catalogue)
        self.grants = grants_on(engine.grants)

    @property
    def conditions(self) -> Conditions:
        """The formulas of conditions."""
        return self.decisions.conditions

    def gather(self, world: World, assertion: Assertion) -> None:
        """Tell a world what an assertion speaks of."""
        for table in self.engine.tables.types.values():
            places = {self._own(table): None}
            for part in assertion.parts:
                places |= {facts: None for _, facts in self.cells(part, table)}
            for condition in (assertion.who, assertion.assume):
                for facts in places:
                    world.speaks_of(specialise(condition, facts), table.entity)

    def cells(self, part: Part, table: TypeTable) -> dict[tuple[Cell, Facts], FieldName]:
        """The cells of a type that a part is about, each with one of its fields."""
        found: dict[tuple[Cell, Facts], FieldName] = {}
        for name, number in table.cell_of.items():
            cell = table.cells[number]
            grants = self.grants.get(coordinate(table.entity.name, name), ())
            granted = tuple((grant.covers, grant.condition) for grant in grants)
            facts = msgspec.structs.replace(cell.facts, granted=granted)
            if (cell, facts) not in found and self._about(part.of, table, name, cell):
                found[cell, facts] = name
        return found

    def _about(self, of: Selector, table: TypeTable, name: FieldName, cell: Cell) -> bool:
        """Whether a selector is about a field, as that of a forbid is."""
        if not _placed(of, table.entity.name, name):
            return False
        label = self.engine.tables.labels[cell.label]
        rule = msgspec.structs.replace(_PSEUDO, selector=of)
        facts, packs = cell.facts, self.engine.packs
        return covers(rule, label, facts.share, facts.owner, "exact", packs) == "yes"

    def goals(self, assertion: Assertion) -> list[Goal]:
        """The goals of an assertion; each would break it."""
        if assertion.sort == "permits":
            return list(self._permits(assertion))
        if assertion.sort == "nobody_both":
            return [self._apart(assertion)]
        found = []
        for part in assertion.parts:
            for reads in self.reads(part, assertion):
                wrong = self._wrong(assertion, reads)
                formula = both(wrong, self._bits(assertion.assume, reads).true, reads.where)
                found.append(self._goal(assertion, [reads], formula))
        return found

    def reads(self, part: Part, assertion: Assertion) -> Iterator[Reads]:
        """Every use that counts as reading."""
        for table in self.engine.tables.types.values():
            for (cell, facts), name in self.cells(part, table).items():
                for reads in self._of_cell(part, assertion, table, cell, name):
                    yield msgspec.structs.replace(reads, facts=facts)
            if part.reads == "anything":
                yield from self._of_type(part.of, table)

    def _of_cell(
        self, part: Part, assertion: Assertion, table: TypeTable, cell: Cell, name: FieldName
    ) -> Iterator[Reads]:
        at = coordinate(table.entity.name, name)
        counts = _counting(part, assertion, cell)
        exact = self.decisions.is_exact(cell)
        wanted = [seen for seen in self.decisions.shown(table, cell) if counts(seen)]
        where = self.decisions.reads(table, cell, wanted)
        if not exact and assertion.mask is not None:
            # the engine may show something else than the formulas say, if never more
            where = self.decisions.sees(table, cell)
        use = FieldUse(at, "project")
        yield Reads(table=table, facts=cell.facts, use=use, where=where, exact=exact, counts=counts)
        if part.reads != "anything":
            return
        for mode, function in self.elements.ruled(cell.kind):
            use = FieldUse(at, mode, function)
            yield Reads(
                table=table,
                facts=cell.facts,
                use=use,
                where=self.uses.of_cell(table, cell, use).most,
                exact=self.uses.is_exact(use),
            )

    def _of_type(self, of: Selector, table: TypeTable) -> Iterator[Reads]:
        name, found = table.entity.name, []
        if _whole(of, table.entity):
            found = [FieldUse(coordinate(name), mode) for mode in sorted(TYPE_MODES)]
        for relation in table.relations:
            if _whole(of, table.entity) or f"{name}.{relation}" in of.fields:
                found.append(FieldUse(coordinate(name, relation), "traverse"))
        for use in found:
            yield Reads(
                table=table,
                facts=self._own(table),
                use=use,
                where=self.uses.allowed(use).most,
                exact=self.uses.is_exact(use),
            )

    def _own(self, table: TypeTable) -> Facts:
        entity = table.entity
        anchor = self.engine.catalogue.sources.get(entity.anchor)
        return Facts(
            entity.owner, "unconditional", entity.anchor, None if anchor is None else anchor.region
        )

    def _bits(self, condition: Condition, reads: Reads) -> Bits:
        return self.conditions.bits(specialise(condition, reads.facts), reads.table.entity)

    def _wrong(self, assertion: Assertion, reads: Reads) -> Formula:
        """Whether the caller must not have it: `nobody` is meant as a forbid, `readers` as a
        permit, so that a missing attribute speaks against the assertion."""
        match assertion.sort:
            case "nobody":
                return self._bits(assertion.who, reads).not_false
            case "readers":
                return self._bits(assertion.who, reads).not_true
            case _:
                return True

    def _goal(self, assertion: Assertion, found: Sequence[Reads], formula: Formula) -> Goal:
        return Goal(
            formula=formula,
            exact=all(reads.exact for reads in found),
            tables=tuple((self.decisions, table) for table in self._tables(found)),
            confirm=lambda witnesses: self._first(assertion, found, witnesses),
        )

    def _tables(self, found: Sequence[Reads]) -> Iterator[TypeTable]:
        """The types whose rules matter, those that relations lead to included."""
        names: dict[TypeName, None] = {}
        for reads in found:
            entity = reads.table.entity
            names[entity.name] = None
            _, name = split_coordinate(reads.use.coordinate)
            if name is not None and name in entity.relations:
                names[entity.relations[name].to] = None
        yield from (self.engine.tables.types[name] for name in names)

    def _first(
        self, assertion: Assertion, found: Sequence[Reads], witnesses: Sequence[Witness]
    ) -> tuple[Counterexample, ...] | None:
        for reads in found:
            said = self._confirm(assertion, reads, witnesses[0])
            if said is not None:
                return (said,)
        return None

    def _confirm(
        self, assertion: Assertion, reads: Reads, witness: Witness
    ) -> Counterexample | None:
        """What the engine says; ``None`` if by it the assertion holds."""
        place = (self.engine, witness, reads.table.entity, reads.facts)
        if truth(assertion.assume, *place) is not True:
            return None
        said = truth(assertion.who, *place)
        if (assertion.sort, said) in (("nobody", False), ("readers", True)):
            return None
        shown, rules = ruled(self.engine, witness, reads.use)
        if shown is None or not reads.counts(shown):
            return None
        return Counterexample(witness=witness, use=reads.use, shown=name_of(shown), rules=rules)

    def _permits(self, assertion: Assertion) -> Iterator[Goal]:
        """Where a permit on a field holds but not what every such permit has to ask."""
        for table in self.engine.tables.types.values():
            for (cell, facts), name in self.cells(assertion.parts[0], table).items():
                for number, who in self.decisions.reach(cell):
                    reads = Reads(
                        table=table,
                        facts=facts,
                        use=FieldUse(coordinate(table.entity.name, name), "project"),
                        where=True,
                        exact=True,
                    )
                    formula = both(
                        who,
                        self.decisions.when(number, table.entity).true,
                        self._bits(assertion.who, reads).not_true,
                        self._bits(assertion.assume, reads).true,
                    )
                    yield Goal(
                        formula=formula,
                        exact=True,
                        tables=((self.decisions, table),),
                        confirm=partial(self._permitted, assertion, reads, number),
                    )

    def _permitted(
        self, assertion: Assertion, reads: Reads, number: int, witnesses: Sequence[Witness]
    ) -> tuple[Counterexample, ...] | None:
        witness = witnesses[0]
        place = (self.engine, witness, reads.table.entity, reads.facts)
        variant = self.decisions.tables.variants[number]
        window = variant.rule.window
        if (
            (window is not None and window.is_open(witness.context.now) is not True)
            or truth(variant.when, *place) is not True
            or (variant.rows is not None and truth(variant.rows, *place) is not True)
            or truth(assertion.who, *place) is True
            or truth(assertion.assume, *place) is not True
        ):
            return None
        rules = (variant.rule.id,)
        return (Counterexample(witness=witness, use=reads.use, shown="permit", rules=rules),)

    def _apart(self, assertion: Assertion) -> Goal:
        """One caller who does both, each in a circumstance and row of its own."""
        world = self.conditions.world
        found = [list(self.reads(part, assertion)) for part in assertion.parts]
        formulas = [
            some(both(self._bits(assertion.assume, one).true, one.where) for one in uses)
            for uses in found
        ]

        def confirm(witnesses: Sequence[Witness]) -> tuple[Counterexample, ...] | None:
            said = [
                self._first(assertion, uses, [witness])
                for uses, witness in zip(found, witnesses, strict=True)
            ]
            both_said = tuple(one for each in said if each is not None for one in each)
            return both_said if len(both_said) == len(found) else None

        whole = [one for uses in found for one in uses]
        return Goal(
            formula=both(formulas[0], world.moved(formulas[1]), *map(world.moved, world.rules)),
            exact=all(one.exact for one in whole),
            tables=tuple((self.decisions, table) for table in self._tables(whole)),
            confirm=confirm,
            places=len(found),
        )


def _counting(part: Part, assertion: Assertion, cell: Cell) -> Callable[[Shown], bool]:
    """Which outcomes of a cell count as read."""
    if assertion.mask is not None:
        limit = fitted(assertion.mask, cell.kind)
        return lambda seen: meet(seen, limit) != seen
    if part.reads == "raw":
        return lambda seen: isinstance(seen, Allow)
    return lambda seen: not is_nothing(seen)


def name_of(shown: Shown) -> str:
    """``allow``, or the mask with its parameters."""
    if isinstance(shown, Allow):
        return "allow"
    told = ", ".join(f"{key} {value}" for key, value in shown.params if key != "kind")
    return f"{shown.mask} ({told})" if told else shown.mask


def is_nothing(seen: Shown) -> bool:
    """Whether an outcome shows nothing at all."""
    return not isinstance(seen, Allow) and seen.mask == NOTHING.mask


def _placed(selector: Selector, type_name: str, name: str | None) -> bool:
    """Whether a selector names an element, or names none at all."""
    if not selector.placed or "*" in selector.types or type_name in selector.types:
        return True
    return f"{type_name}.*" in selector.fields or (
        name is not None and f"{type_name}.{name}" in selector.fields
    )


def _whole(selector: Selector, entity: EntityType) -> bool:
    """Whether a selector is about a type itself."""
    narrowed = bool(selector.categories or selector.level or selector.share)
    owned = not selector.owners or entity.owner in selector.owners
    return not narrowed and owned and _placed(selector, entity.name, None)

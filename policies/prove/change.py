"""Loosening and tightening: whether new rules ever show more, or less, than old ones."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Literal

import msgspec

from policies.compile import Cell, Cover, TypeTable
from policies.engine import Engine
from policies.explain import declared_in_words
from policies.jointly import Sentence
from policies.meet import Shown, meet
from policies.obligation import Quota
from policies.prove.cells import Decisions
from policies.prove.claims import is_nothing, name_of
from policies.prove.conditions import Conditions
from policies.prove.logic import Formula, both, neither, some
from policies.prove.search import Goal, Search
from policies.prove.uses import Uses
from policies.prove.witness import Witness, ruled
from policies.prove.world import World
from policies.rule import Rule
from policies.ruling import Allow
from policies.visibility import Elements
from schema.errors import HubError
from schema.model.names import FieldName, coordinate
from schema.model.use import TYPE_MODES, FieldUse

Direction = Literal["more", "less"]
Kind = Literal["equal", "tightening", "loosening", "both", "undecided"]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One use that somebody has more or less of by the new rules."""

    direction: Direction
    use: FieldUse
    like: tuple[str, ...] = ()
    """Other fields of the type with the same change."""
    witness: Witness
    before: str | None
    """``allow``, a mask's name, or ``None`` for nothing."""
    after: str | None
    rules: tuple[str, ...]
    """The rules that decide now, or decided if nothing is shown any more."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What new rules change."""

    changes: tuple[Change, ...]
    complete: bool
    """Whether everything was decided in time."""
    duties_differ: bool = False
    """Whether rules oblige to something else, or those about several fields differ; what that
    comes to is not compared."""
    apart: tuple[Sentence, ...] = ()
    """Rules about several fields together that the new ones do not have."""
    lowered: tuple[Sentence, ...] = ()
    """Declassifications of masks that the old rules do not have."""
    restored: tuple[Sentence, ...] = ()
    """Those that the new ones do not have."""
    declares: bool = False
    """Whether the new rules declare anything: of several declarations the highest holds, so that
    the label may fall with one that is gone."""
    delegated: bool = False
    """Whether there are callers who act for others and may have more: rules are not only taken
    from permits and added to limits."""

    @property
    def kind(self) -> Kind:
        """What the change is as a whole; what is not decided may loosen."""
        found: set[Direction] = {change.direction for change in self.changes}
        found |= {"more"} if self.lowered or (self.restored and self.declares) else set()
        found |= {"less"} if self.restored else set()
        if len(found) == 2:
            return "both"
        unsure = self.duties_differ or self.delegated
        if not self.complete or (unsure and "more" not in found):
            return "undecided"
        if not found:
            return "equal"
        return "loosening" if "more" in found else "tightening"


class _Side(msgspec.Struct, frozen=True):
    """One of the two sets of rules."""

    engine: Engine
    decisions: Decisions
    uses: Uses


def compare(old: Engine, new: Engine, *, seconds: float = 60.0, begin: float = 0.0) -> Comparison:
    """Compare two engines over one catalogue and packs.

    Raises: `HubError` BAD_REQUEST for engines over different ones; INTERNAL if a proof and an
    engine disagree.
    """
    same = old.catalogue.version == new.catalogue.version and old.packs == new.packs
    if not same or old.ceiling != new.ceiling:
        hint = "compare bundles over one catalogue, with the same packs and ceiling"
        raise HubError("BAD_REQUEST", "the rules are over different catalogues", hint=hint)
    world = World(new.packs, begin)
    sides = []
    for engine in (old, new):
        decisions = Decisions(engine.tables, engine.catalogue, engine.packs, engine.ceiling)
        decisions.gather(world)
        sides.append(_Side(engine, decisions, Uses(decisions)))
    world.close()
    conditions = Conditions(world)
    for side in sides:
        side.decisions.use(conditions)
    search = Search(world, conditions)
    deadline = time.monotonic() + seconds
    before, after = sides
    goals = [*_goals(before, after, "less"), *_goals(after, before, "more")]
    found, complete = search.every(goals, deadline)
    changes = sorted(
        (one.said for one in found),
        key=lambda change: (change.direction == "less", change.use.coordinate, change.use.mode),
    )
    return Comparison(
        changes=tuple(changes),
        complete=complete,
        duties_differ=_duties(old) != _duties(new)
        or _may_free(old, new)
        or old.joint.said != new.joint.said,
        apart=old.joint.beyond(new.joint),
        lowered=_lowered(new, old),
        restored=_lowered(old, new),
        declares=any(rule.declassify is not None for rule in new.rules),
        delegated=_may_lend_more(old, new, begin),
    )


def _may_lend_more(old: Engine, new: Engine, begin: float) -> bool:
    """Whether callers who act for others may have more, which the comparison does not look at.

    Limits on whoever acts are met into what its principal has, so that a change which is none for
    any caller alone may be one for the two together. Never where permits only become fewer and
    limits only more.
    """
    if not any(one.end > begin for one in (*old.delegations, *new.delegations)):
        return False
    if old.delegations != new.delegations or old.grants != new.grants:
        return True
    permits, limits = [
        [{_said(rule) for rule in of.rules if (rule.effect == "permit") is helping}
         for of in (old, new)]
        for helping in (True, False)
    ]  # fmt: skip
    return not (permits[1] <= permits[0] and limits[0] <= limits[1])


def _said(rule: Rule) -> object:
    """What a rule says, whatever it is called."""
    return (
        rule.effect, rule.selector, rule.modes, rule.functions, rule.when, rule.rows,
        rule.outcome, rule.window, rule.obligations,
    )  # fmt: skip


def _lowered(one: Engine, other: Engine) -> tuple[Sentence, ...]:
    """The declassifications of one engine's rules that the other does not have."""

    def declared(engine: Engine) -> dict[object, Rule]:
        held = ((rule, rule.declassify) for rule in engine.rules)
        return {
            (_said(rule), said.ladder, said.level, said.k): rule
            for rule, said in held
            if said is not None
        }

    known = declared(other)
    found = [rule for said, rule in declared(one).items() if said not in known]
    return tuple(
        (f"`{rule.id}`: {words[0]}", f"`{rule.id}`：{words[1]}")
        for rule in sorted(found, key=lambda rule: rule.id)
        if rule.declassify is not None
        for words in [declared_in_words(rule.declassify)]
    )


def _duties(engine: Engine) -> frozenset[object]:
    return frozenset(
        (
            rule.effect, rule.selector, rule.modes, rule.functions, rule.when, rule.rows,
            rule.window, rule.obligations,
            # a quota is counted by its rule's name: another name begins a count anew
            rule.name if any(isinstance(one, Quota) for one in rule.obligations) else None,
        )
        for rule in engine.rules
        if rule.obligations
    )  # fmt: skip


def _may_free(old: Engine, new: Engine) -> bool:
    """Whether a new permit that obliges to nothing stands beside one that does: whoever has both
    is free of what the other obliges to, and is shown the same."""
    known = {_said(rule) for rule in old.rules if rule.effect == "permit"}
    for table in new.tables.types.values():
        covers = (table.cover, *(cell.cover for cell in table.cells), *table.relations.values())
        for cover in covers:
            numbers = (*cover.permits, *cover.owner_permits)
            permits = [new.tables.variants[number].rule for number in numbers]
            free = (rule for rule in permits if not rule.obligations)
            if any(rule.obligations for rule in permits) and any(
                _said(rule) not in known for rule in free
            ):
                return True
    return False


def _goals(wide: _Side, narrow: _Side, direction: Direction) -> Iterator[Goal]:
    """Where one side gives what the other does not; what rests on equal rules is left out."""
    elements = Elements(wide.engine.catalogue)
    for name, table in wide.engine.tables.types.items():
        other = narrow.engine.tables.types[name]
        tables = ((wide.decisions, table), (narrow.decisions, other))
        same_rows = _rows(wide, table) == _rows(narrow, other)
        fields: dict[tuple[Cell, Cell], list[FieldName]] = {}
        for field, number in table.cell_of.items():
            pair = (table.cells[number], other.cells[other.cell_of[field]])
            fields.setdefault(pair, []).append(field)
        for (cell, less), names in fields.items():
            if same_rows and _rules(wide, cell.cover) == _rules(narrow, less.cover):
                continue
            at, like = coordinate(name, names[0]), tuple(str(one) for one in names[1:])
            formula, exact = _shows_more(wide, table, cell, narrow, other, less)
            use = FieldUse(at, "project")
            yield _goal(wide, narrow, direction, use, like, formula, exact, tables)
            for mode, function in elements.ruled(cell.kind):
                use = FieldUse(at, mode, function)
                yield _use_goal(wide, narrow, direction, use, like, tables)
        if not same_rows:
            for mode in sorted(TYPE_MODES):
                use = FieldUse(coordinate(name), mode)
                yield _use_goal(wide, narrow, direction, use, (), tables)
        for relation in table.relations:
            target = table.entity.relations[relation].to
            if _relation(wide, table, relation) == _relation(narrow, other, relation):
                continue
            ends = [(side.decisions, side.engine.tables.types[target]) for side in (wide, narrow)]
            use = FieldUse(coordinate(name, relation), "traverse")
            yield _use_goal(wide, narrow, direction, use, (), (*tables, *ends))


def _rules(side: _Side, cover: Cover, *, only_rows: bool = False) -> tuple[object, ...]:
    """What the rules of a cover say, whatever they are called."""

    def said(numbers: tuple[int, ...]) -> frozenset[object]:
        found = []
        for number in numbers:
            variant = side.decisions.tables.variants[number]
            rule = variant.rule
            found.append(
                (rule.modes, rule.functions, rule.outcome, rule.window, variant.when, variant.rows)
            )
        return frozenset(found)

    held = (cover.permits, cover.owner_permits, cover.forbids, cover.named)
    return tuple(map(said, held if only_rows else (*held, cover.requires)))


def _rows(side: _Side, table: TypeTable) -> tuple[object, ...]:
    """All that decides which rows of a type exist."""
    cells = [
        _rules(side, table.cells[number].cover, only_rows=True)
        for _, number in sorted(table.cell_of.items())
    ]
    return (_rules(side, table.cover), *cells)


def _relation(side: _Side, table: TypeTable, name: FieldName) -> tuple[object, ...]:
    """All that decides whether a relation may be followed."""
    relation = table.entity.relations[name]
    there = side.engine.tables.types[relation.to]
    ends = [
        _rules(side, of.cells[of.cell_of[field]].cover)
        for match in relation.match
        for of, field in zip((table, there), match, strict=True)
    ]
    return (_rows(side, table), _rows(side, there), _rules(side, table.relations[name]), *ends)


def _use_goal(
    wide: _Side,
    narrow: _Side,
    direction: Direction,
    use: FieldUse,
    like: tuple[str, ...],
    tables: Sequence[tuple[Decisions, TypeTable]],
) -> Goal:
    formula = both(wide.uses.allowed(use).most, neither(narrow.uses.allowed(use).least))
    exact = wide.uses.is_exact(use) and narrow.uses.is_exact(use)
    return _goal(wide, narrow, direction, use, like, formula, exact, tables)


def _shows_more(
    wide: _Side, table: TypeTable, cell: Cell, narrow: _Side, other: TypeTable, less: Cell
) -> tuple[Formula, bool]:
    """Where the wide side shows something that the narrow side does not show as much of."""
    exact = narrow.decisions.is_exact(less) and wide.decisions.is_exact(cell)
    exists = narrow.decisions.exists(other)
    if not exact:
        paths = narrow.decisions.paths(other, less, "least")
        raw = some(path.where for path in paths if isinstance(path.shown, Allow))
        return both(wide.decisions.sees(table, cell), neither(both(exists, raw))), False
    theirs = narrow.decisions.shown(other, less)
    ways = []
    for seen, where in wide.decisions.shown(table, cell).items():
        if _worth(seen) is None:
            continue
        enough = some(held for one, held in theirs.items() if _as_much(one, seen))
        ways.append(both(where, neither(both(exists, enough))))
    return both(wide.decisions.exists(table), some(ways)), True


def _as_much(one: Shown | None, other: Shown | None) -> bool:
    if other is None:
        return True
    return one is not None and meet(one, other) == other


def _worth(seen: Shown | None) -> Shown | None:
    """What is shown; the mask `null` shows nothing."""
    return None if seen is not None and is_nothing(seen) else seen


def _goal(
    wide: _Side,
    narrow: _Side,
    direction: Direction,
    use: FieldUse,
    like: tuple[str, ...],
    formula: Formula,
    exact: bool,
    tables: Sequence[tuple[Decisions, TypeTable]],
) -> Goal:
    return Goal(
        formula=formula,
        exact=exact,
        tables=tuple(tables),
        confirm=partial(_confirm, wide, narrow, direction, use, like),
    )


def _confirm(
    wide: _Side,
    narrow: _Side,
    direction: Direction,
    use: FieldUse,
    like: tuple[str, ...],
    witnesses: Sequence[Witness],
) -> Change | None:
    given, rules = ruled(wide.engine, witnesses[0], use)
    kept, _ = ruled(narrow.engine, witnesses[0], use)
    if _as_much(_worth(kept), _worth(given)):
        return None
    names = [None if one is None else name_of(one) for one in (kept, given)]
    before, after = names if direction == "more" else reversed(names)
    return Change(
        direction=direction,
        use=use,
        like=like,
        witness=witnesses[0],
        before=before,
        after=after,
        rules=rules,
    )

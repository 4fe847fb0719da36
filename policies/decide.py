"""The decision for one entity type: its rows, and an outcome for every use of its fields.

Order: the mandatory checks, prohibitions, permits, requirements met into every candidate, and
the most wanted candidate. Nothing depends on the order or the names of rules.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from policies.candidate import (
    Path,
    candidate,
    limit_of,
    most_secretive,
    smallest,
    subsets,
    weight_of,
)
from policies.compile import Cell, Cover, Tables, TypeTable
from policies.meet import Shown, comparable, rank
from policies.obligation import Obligation, meet_obligations
from policies.residue import conjunction, disjunction, implies
from policies.rule import FIGURES, UNSEEN, Rule
from policies.ruling import Allow, Declassified, Hidden, Masked, Null, Outcome, Reject, Rowwise
from policies.scope import Scope, reach, shows
from policies.standing import Standing
from schema.model.names import FieldName
from schema.model.predicate import FALSE, TRUE, Predicate, names_in
from schema.model.use import AggregateFunction, UseMode


class Verdict(msgspec.Struct, frozen=True):
    """An outcome, what it rests on, and the kind of reason."""

    outcome: Outcome
    rules: tuple[str, ...]
    why: str
    """``permit``, ``mask``, ``rows``, ``default``, ``forbid``, ``require``, ``uniform``,
    ``no-project``, ``no-target``, ``link``, or a failed mandatory check."""
    duties: tuple[Obligation, ...] = ()
    """What the use obliges to, of the permits that decide and of every requirement."""
    declassified: tuple[Declassified, ...] = ()
    """What rules declare of the masked values."""


class TypeDecision:
    """What one class of subjects may do with one type."""

    __slots__ = ("_cells", "_memo", "_scope", "emptied", "rows", "table")

    def __init__(
        self,
        table: TypeTable,
        tables: Tables,
        standing: Standing[TypeDecision],
        preference: Sequence[str],
    ) -> None:
        self.table = table
        self._memo: dict[object, Verdict] = {}
        self._scope = scope = Scope(table, tables, standing, preference)
        self.rows = scope.rows()
        """The rows that exist; ``None`` if there are none at all."""
        self.emptied = tuple(sorted(rule.id for rule in scope.emptying()))
        """The prohibitions that take every row."""
        self._cells = tuple(_shared(self, scope, cell) for cell in table.cells)

    def field(self, name: FieldName, mode: UseMode, function: AggregateFunction | None) -> Verdict:
        """The verdict on a use of a field."""
        return self.cell(name).verdict(mode, function)

    def cell(self, name: FieldName) -> CellDecision:
        """The decisions that a field shares with others."""
        return self._cells[self.table.cell_of[name]]

    def existence(self, mode: UseMode) -> Verdict:
        """The verdict on listing, opening or counting."""
        held = self._memo.get(mode)
        if held is None:
            found = self._existence(mode)
            held = self._memo[mode] = _bound(found, self._scope, self.table.cover, mode)
        return held

    def relation(self, name: FieldName) -> Verdict:
        """The verdict on following a relation, its target not yet looked at."""
        held = self._memo.get(name)
        if held is None:
            cover = self.table.relations[name]
            found = self._judge(cover.permits, cover, "traverse")
            held = self._memo[name] = _bound(found, self._scope, cover, "traverse")
        return held

    def names(self, name: FieldName) -> bool:
        """Whether permits that name the relation itself let it be followed."""
        held = self._memo.get((name, "named"))
        if held is None:
            cover = self.table.relations[name]
            held = self._memo[name, "named"] = self._judge(cover.named, cover, "traverse")
        return isinstance(held.outcome, Allow)

    def _existence(self, mode: UseMode) -> Verdict:
        return self._judge(self._scope.opening(), self.table.cover, mode)

    def _judge(self, permits: Sequence[int], cover: Cover, mode: UseMode) -> Verdict:
        """A use that is allowed or not, by permits and by forbids on the element itself."""
        rows, scope = self.rows, self._scope
        if rows is None:
            return _no_rows(self.emptied)
        for rule, clear in scope.forbids(cover, mode):
            if not implies(rows, clear):
                return Verdict(_REJECT, (rule.id,), "forbid")
        return _permitted(scope.permits(permits, mode, None), rows)


def follow(here: TypeDecision, there: TypeDecision | None, name: FieldName) -> Verdict:
    """The verdict on following a relation to a type with these decisions.

    A related row shows the key that it hangs on: whoever follows sees at one end what the other
    end holds. So both ends of every pair must be shown, or masked, alike; otherwise only permits
    of `join` on both ends, or one that names the relation itself, open it. Nothing does if a
    mandatory check bars an end, a prohibition of `join` itself is about one, or one end would show
    what a pack or an owner's floor covers at the other.
    """
    verdict = here.relation(name)
    if not isinstance(verdict.outcome, Allow):
        return verdict
    if there is None or there.rows is None:
        return Verdict(_REJECT, verdict.rules, "no-target")
    for ours, theirs in here.table.entity.relations[name].match:
        ends = here.cell(ours), there.cell(theirs)
        for bar in filter(None, (end.scope.standing.barred(end.cell) for end in ends)):
            return Verdict(_REJECT, (f"mandatory.{bar}",), bar)
        if labels := [
            one for end in ends for one in end.scope.row_labels(end.cell.cover, end.rows)
        ]:
            return Verdict(_REJECT, tuple(sorted(set(labels))), "forbid")
        one, other = (end.project().outcome for end in ends)
        same = ours == theirs and here.table.entity.name == there.table.entity.name
        alike = isinstance(one, Allow | Masked) and one == other and (same or comparable(one))
        told = (shows(other) and ends[0].scope.inbuilt(ends[0].cell.cover)) or (
            shows(one) and ends[1].scope.inbuilt(ends[1].cell.cover)
        )
        if closed := [
            one for end in ends for one in end.scope.join_closed(end.cell.cover, end.rows)
        ]:
            return Verdict(_REJECT, tuple(sorted(set(closed))), "forbid")
        joined = all(isinstance(end.verdict("join", None).outcome, Allow) for end in ends)
        if not alike and (told or not (joined or here.names(name))):
            return Verdict(_REJECT, verdict.rules, "link")
    return verdict


def _shared(of: TypeDecision, scope: Scope, cell: Cell) -> CellDecision:
    """A cell's decisions; types share those that have nothing to do with rows."""
    standing, cover, rows = scope.standing, cell.cover, of.rows
    about = (*cover.permits, *cover.owner_permits, *cover.forbids, *cover.requires)
    by_row = scope.by_row(about)
    key = (
        standing.barred(cell), standing.owned(cell), cell.facts.share, cell.metadata, cell.kind,
        cell.key_alone, cell.few, cover, rows, of.emptied, by_row,
        of.table.entity.name if by_row else "",
    )  # fmt: skip
    held: CellDecision | None = standing.shared.get(key)
    if held is None:
        held = standing.shared[key] = CellDecision(of, scope, cell)
    return held


class CellDecision:
    """Verdicts on fields that are decided alike."""

    __slots__ = ("_deciding", "_memo", "_of", "cell", "permits", "rows", "scope", "shown")

    def __init__(self, of: TypeDecision, scope: Scope, cell: Cell) -> None:
        self._of = of
        self._deciding = False
        self.scope = scope
        self.cell = cell
        self.rows = of.rows
        self.permits = reach(cell, scope.standing)
        self.shown: Verdict | None = None
        self._memo: dict[tuple[UseMode, AggregateFunction | None], Verdict] = {}

    def verdict(self, mode: UseMode, function: AggregateFunction | None) -> Verdict:
        """The verdict on a use of the fields."""
        if mode == "project":
            return self.project()
        held = self._memo.get((mode, function))
        if held is None:
            found = self.other(mode, function)
            held = _bound(found, self.scope, self.cell.cover, mode)
            self._memo[mode, function] = held
        return held

    def project(self) -> Verdict:
        """What is seen of the fields."""
        if self.shown is None:
            self._deciding = True
            found = self._project()
            self._deciding = False
            self.shown = self._labelled(_bound(found, self.scope, self.cell.cover, "project"))
        return self.shown

    def _labelled(self, verdict: Verdict) -> Verdict:
        """The verdict with what is declared of its mask, or of one that shows no less."""
        if not isinstance(verdict.outcome, Masked):
            return verdict
        scope = self.scope
        held = [scope.variants[number].rule for number in self.permits]
        rules = [rule for rule in held if rule.id in verdict.rules]
        if any(rule.declassify is None for rule in rules):
            rules = []  # fails closed: one of them shows rows of which nothing is declared
        # fails closed: what may apply masks, only what does apply lowers a label
        rules += [
            rule
            for number, rule, _ in scope.requires(self.cell.cover, "project")
            if rule.declassify is not None and scope.holds(number) == TRUE
        ]
        # invariant: what is shown is met with the mask of each of these rules
        found = {rule.declassify for rule in rules if rule.declassify is not None}
        declared = tuple(sorted(found, key=repr))
        return msgspec.structs.replace(verdict, declassified=declared) if found else verdict

    def _plainly(self, where: Predicate) -> Predicate:
        """A condition, in the rows only where the caller reads all that it is about: that a rule
        limits the field in some rows would tell of them what the caller may not read."""
        shown = [self._of.cell(FieldName(name))._raw() for name in sorted(names_in(where))]
        return conjunction([where, *shown])

    def _raw(self) -> Predicate:
        """The rows where the caller sees the fields as they are."""
        # fails closed: what hangs on itself is not seen
        outcome = None if self._deciding else self.project().outcome
        match outcome:
            case Allow():
                return TRUE
            case Rowwise(cases=cases):
                # invariant: the raw value is wanted most, so its case comes first
                return disjunction([rows for rows, seen in cases if isinstance(seen, Allow)])
            case _:
                return FALSE

    def other(self, mode: UseMode, function: AggregateFunction | None) -> Verdict:
        """Whether the fields may be used in a mode: mask before operating is not offered, so a
        field that is not shown as it is may not be operated on at all."""
        scope, rows = self.scope, self.rows
        bar = scope.standing.barred(self.cell)
        if bar is not None:
            return Verdict(_REJECT, (f"mandatory.{bar}",), bar)
        permits = scope.permits(self.permits, mode, function)
        if rows is None or not permits:
            return _no_rows(self._of.emptied if permits else ())
        for rule, clear in scope.forbids(self.cell.cover, mode, function):
            if not implies(rows, clear):
                return Verdict(_REJECT, (rule.id,), "forbid")
        for number, rule, clear in scope.requires(self.cell.cover, mode):
            if rule.outcome is not None and not implies(rows, clear):
                return Verdict(_REJECT, (rule.id,), "require")
            if not implies(rows, scope.filtered(number, clear)):
                return Verdict(_REJECT, (rule.id,), "require")
        if mode in UNSEEN:
            return _permitted(permits, rows)
        shown = self.project()
        if isinstance(shown.outcome, Allow):
            return _permitted(permits, rows)
        if self._is_projection(mode, function):
            return Verdict(_REJECT, shown.rules, "no-project")
        if any(rule.outcome for _, rule, _ in scope.requires(self.cell.cover, "project")):
            return Verdict(_REJECT, shown.rules, "require")
        # each permit is a sufficient path of its own: one for aggregates alone needs no other
        only = [(rule, where) for rule, where in permits if rule.modes <= FIGURES]
        return _permitted(only, rows) if only else Verdict(_REJECT, shown.rules, "no-project")

    def _is_projection(self, mode: UseMode, function: AggregateFunction | None) -> bool:
        """Whether a use shows single values: it then needs the right to read them."""
        if mode == "group":
            return self.cell.key_alone
        return mode != "aggregate" or function in ("min", "max")

    def _project(self) -> Verdict:
        scope, cover = self.scope, self.cell.cover
        bar = scope.standing.barred(self.cell)
        if bar is not None:
            return self._denied(Null(), (f"mandatory.{bar}",), bar)
        forbids = [
            (rule, clear if scope.takes(rule, clear) else self._plainly(clear))
            for rule, clear in scope.forbids(cover, "project")
        ]
        firing = [*scope.emptying(), *(rule for rule, clear in forbids if clear == FALSE)]
        if firing:
            outcome, rules = most_secretive(firing)
            return self._denied(outcome, rules, "forbid")
        musts = [clear for _, clear in forbids]
        static: list[tuple[Shown, str]] = []
        by_row: list[tuple[Shown, str, Predicate]] = []
        for number, rule, clear in scope.requires(cover, "project"):
            stay = scope.filtered(number, clear)
            musts.append(stay if scope.takes(rule, stay) else self._plainly(stay))
            if musts[-1] == FALSE:
                return self._denied(Null(), (rule.id,), "uniform")
            if rule.outcome is None:
                continue
            limit, clear = limit_of(rule, self.cell), self._plainly(clear)
            if clear == FALSE:
                static.append((limit, rule.id))
            else:
                by_row.append((limit, rule.id, clear))
        cases: list[tuple[Shown, Path]] = []
        for number, rule, where in scope.projecting(self.permits):
            reached = self._plainly(scope.reach(number))
            for applied, spared in subsets(by_row):
                limits = [*static, *applied]
                seen, rules = candidate(rule, limits, self.cell)
                holds = conjunction([where, reached, *spared, *musts])
                cases.append((seen, (holds, rules, weight_of(rule))))
        return self._best(cases)

    def _best(self, cases: Sequence[tuple[Shown, Path]]) -> Verdict:
        """The most wanted candidate per row; rows that no candidate holds for show null."""
        open_cases = [case for case in cases if case[1][0] != FALSE]
        if not open_cases or self.rows is None:
            return self._denied(Null(self._code()), (), "default")
        by_outcome: dict[Shown, list[Path]] = {}
        for seen, path in open_cases:
            by_outcome.setdefault(seen, []).append(path)
        kept: list[tuple[Predicate, Shown]] = []
        reasons: set[str] = set()
        for seen in sorted(by_outcome, key=lambda one: rank(one, self.scope.preference)):
            where = disjunction([found for found, _, _ in by_outcome[seen]])
            everywhere = implies(self.rows, where)
            if everywhere and not kept:
                rules = smallest(by_outcome[seen], self.rows)
                return Verdict(seen, rules, "permit" if isinstance(seen, Allow) else "mask")
            kept.append((TRUE if everywhere else where, seen))
            reasons.update(rule for _, rules, _ in by_outcome[seen] for rule in rules)
            if everywhere:
                break
        return Verdict(Rowwise(tuple(kept)), tuple(sorted(reasons)), "rows")

    def _named_to(self) -> bool:
        """Whether rules tell the caller that the fields exist."""
        return isinstance(self.verdict("see_metadata", None).outcome, Allow)

    def _code(self) -> str:
        return "NO_GRANT" if self.cell.facts.share == "conditional" else "FIELD_FORBIDDEN"

    def _denied(self, outcome: Outcome, rules: tuple[str, ...], why: str) -> Verdict:
        metadata = self.cell.metadata
        secret = metadata == "hidden" or (
            metadata == "members" and not self.scope.standing.owned(self.cell)
        )
        if self.rows is None or (secret and not self._named_to()):
            outcome = Hidden()
        return Verdict(outcome, rules, why)


def _bound(verdict: Verdict, scope: Scope, cover: Cover, mode: UseMode) -> Verdict:
    """The verdict with its obligations."""
    if not scope.duties or not isinstance(verdict.outcome, Allow | Masked | Rowwise):
        return verdict
    found = [one for rule in verdict.rules for one in scope.duties.get(rule, ())]
    for _, rule, _ in scope.requires(cover, mode):
        found += rule.obligations
    return msgspec.structs.replace(verdict, duties=meet_obligations(found))


def _no_rows(emptied: tuple[str, ...]) -> Verdict:
    """The verdict on a use of a type without rows; `emptied`: the prohibitions that take them."""
    return Verdict(_REJECT, emptied, "forbid" if emptied else "default")


def _permitted(permits: Sequence[tuple[Rule, Predicate]], rows: Predicate) -> Verdict:
    """Allow if permits together hold in every row that exists."""
    if not permits:
        return Verdict(_REJECT, (), "default")
    if not implies(rows, disjunction([where for _, where in permits])):
        return Verdict(_REJECT, tuple(sorted({rule.id for rule, _ in permits})), "rows")
    paths = [(where, (rule.id,), weight_of(rule)) for rule, where in permits]
    return Verdict(_ALLOW, smallest(paths, rows), "permit")


_REJECT = Reject()
_ALLOW = Allow()

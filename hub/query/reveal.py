"""The most that operations can reveal: a bound over all variables, conditions and callers.

Policy is asked about every use that some variables make, in every circumstance that the rules
tell apart; what any answer holds is in the bound, so an approved bound is a sharing agreement.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from hub.query.envelope import rejection
from hub.query.most import Most, most_of
from hub.query.widest import Widest
from policies.obligation import AggregateOnly, Obligation
from policies.residue import disjunction
from policies.ruling import (
    Allow,
    Declassified,
    Masked,
    PolicyEngine,
    Reject,
    Rowwise,
    Ruling,
)
from policies.words import rows_in_words, shown_in_words
from schema.model.catalogue import Catalogue
from schema.model.names import TypeName, split_coordinate
from schema.model.predicate import FALSE, TRUE, Predicate
from schema.model.subject import Context, Subject
from schema.model.use import AggregateFunction, FieldUse, UseMode


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One way in which a use is open, and the rows that it is open in."""

    outcome: Allow | Masked
    where: Predicate
    en: str
    zh: str


class UseBound(msgspec.Struct, frozen=True, kw_only=True):
    """The most that comes of one use."""

    coordinate: str
    mode: UseMode
    function: AggregateFunction | None
    shown: tuple[Shown, ...]
    """In no circumstance more than these; () = nothing at all."""
    codes: tuple[str, ...]
    """What is told where it is not open."""
    purposes: tuple[str, ...]
    """Under which it is open; an empty text: with none stated."""
    rows: int
    """Most values of one answer, for a use that shows any."""
    k: int | None
    """Figures over at least so many persons, wherever it is open."""
    obligations: tuple[Obligation, ...]
    """What it obliges to wherever it is open."""
    declassified: tuple[Declassified, ...] | msgspec.UnsetType = msgspec.UNSET
    """What rules declare of its masked values in any circumstance; unset where none does."""
    levels: tuple[tuple[str, str], ...] = ()
    categories: tuple[str, ...] = ()
    compartments: tuple[str, ...] = ()
    owner: str | None = None
    share: str | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """What names the use in its operation."""
        return (self.coordinate, self.mode, self.function or "")


class RowBound(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of one type that can be in an answer, or count in one."""

    type: str
    rows: int
    """Most rows of one answer."""
    where: Predicate
    """Rows outside never count, whoever asks."""
    en: str
    zh: str


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """The most that one operation reveals."""

    document: str
    """SHA-256 hex of its text."""
    name: str | None
    rows: int
    """Most rows and groups of one answer."""
    uses: tuple[UseBound, ...]
    types: tuple[RowBound, ...]
    refused: tuple[str, ...]
    """Codes with which all of it is refused to some callers in some circumstances."""
    open: bool
    """Whether it is answered at all to any of the callers."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One caller, with what the operation can come to by the caller's schema."""

    subject: Subject
    contexts: Sequence[Context]
    widest: Widest | None
    """``None``: the operation is not valid for the caller."""
    code: str = ""
    """With which it is refused then."""


def bound_of(
    document: str,
    name: str | None,
    asked: Iterable[Asked],
    engine: PolicyEngine,
    *,
    groups: int,
) -> Bound:
    """The bound of one operation over all callers, each in all of its circumstances.

    `groups`: most groups of one `groupBy`.
    """
    gathered = _Gathered()
    for one in asked:
        if one.widest is None:
            gathered.refused[one.code] = None
            continue
        most = most_of(one.widest.operations, groups=groups)
        for use in one.widest.uses:
            gathered.uses.setdefault(use, _Use())
        for context in one.contexts:
            ruling = engine.rule(one.subject, one.widest.uses, context)
            # what variables may leave out refuses nothing by standing beside the rest
            certain = one.widest.certain
            refused = rejection(engine.rule(one.subject, certain, context), certain)
            if refused is not None:
                gathered.refused[refused.code] = None
            else:
                gathered.add(ruling, one.widest.uses, context.purpose or "", most)
    return gathered.bound(document, name, engine.catalogue)


class _Use:
    """What rulings have said of one use."""

    def __init__(self) -> None:
        self.shown: dict[Allow | Masked, list[Predicate]] = {}
        self.codes: set[str] = set()
        self.purposes: set[str] = set()
        self.duties: frozenset[Obligation] | None = None
        self.least: int | None = None
        self.always_figures = True
        self.declassified: set[Declassified] = set()

    def add(self, ruling: Ruling, use: FieldUse, purpose: str) -> None:
        # fails closed as the pipeline does: a use without an outcome is refused
        outcome = ruling.outcomes.get(use, Reject())
        match outcome:
            case Allow() | Masked():
                self._open(outcome, TRUE)
            case Rowwise(cases=cases):
                for where, seen in cases:
                    self._open(seen, where)
            case _:
                self.codes.add(getattr(outcome, "code", "HIDDEN"))
                return
        self.purposes.add(purpose)
        self.declassified.update(ruling.declassified.get(use, ()))
        duties = ruling.obligations.get(use, ())
        figures = [one.k for one in duties if isinstance(one, AggregateOnly)]
        self.always_figures = self.always_figures and bool(figures)
        self.least = min([*figures, *([] if self.least is None else [self.least])], default=None)
        kept = frozenset(one for one in duties if not isinstance(one, AggregateOnly))
        self.duties = kept if self.duties is None else self.duties & kept

    def _open(self, seen: Allow | Masked, where: Predicate) -> None:
        self.shown.setdefault(seen, []).append(where)


class _Gathered:
    def __init__(self) -> None:
        self.uses: dict[FieldUse, _Use] = {}
        self.rows: dict[TypeName, list[Predicate]] = {}
        self.most = Most()
        self.refused: dict[str, None] = {}
        self.open = False

    def add(self, ruling: Ruling, uses: Iterable[FieldUse], purpose: str, most: Most) -> None:
        """What one subject has of it in one circumstance."""
        self.open = True
        self.most = self.most.either(most)
        for use in uses:
            self.uses[use].add(ruling, use, purpose)
        for name, where in ruling.row_filters.items():
            self.rows.setdefault(name, []).append(where)

    def bound(self, document: str, name: str | None, catalogue: Catalogue) -> Bound:
        """Everything that was gathered, in an order of its own."""
        uses = [_use_bound(use, held, self.most, catalogue) for use, held in self.uses.items()]
        return Bound(
            document=document,
            name=name,
            rows=self.most.total,
            uses=tuple(sorted(uses, key=lambda one: one.key)),
            types=tuple(
                _row_bound(type_name, self.rows.get(type_name, []), self.most, catalogue)
                for type_name in sorted({*self.rows, *self.most.types})
            ),
            refused=tuple(sorted(self.refused)),
            open=self.open,
        )


def _use_bound(use: FieldUse, held: _Use, most: Most, catalogue: Catalogue) -> UseBound:
    type_name, field_name = split_coordinate(use.coordinate)
    entity = catalogue.types.get(type_name)
    field = None if entity is None or field_name is None else entity.fields.get(field_name)
    shown = []
    for outcome in sorted(held.shown, key=repr):
        where = disjunction(held.shown[outcome])
        if where == FALSE:
            continue
        english, chinese = shown_in_words(outcome)
        if where != TRUE:
            rows = rows_in_words(where, entity)
            english, chinese = f"{english}, in {rows[0]}", f"{chinese}，限{rows[1]}"
        shown.append(Shown(outcome=outcome, where=where, en=english, zh=chinese))
    label = None
    if entity is not None and field is not None:
        # what some rows carry on top counts: the bound is over all rows
        on_top = [one.label for one in entity.row_labels if field.name in one.fields]
        label = catalogue.scheme.join([field.label, *on_top])
    return UseBound(
        coordinate=use.coordinate,
        mode=use.mode,
        function=use.function,
        shown=tuple(shown),
        codes=tuple(sorted(held.codes)),
        purposes=tuple(sorted(held.purposes)),
        rows=most.uses.get((use.coordinate, use.mode), 0) if shown else 0,
        k=held.least if held.always_figures else None,
        obligations=tuple(sorted(held.duties or (), key=repr)),
        declassified=tuple(sorted(held.declassified, key=repr)) or msgspec.UNSET,
        levels=() if label is None else label.levels,
        categories=() if label is None else tuple(sorted(label.categories)),
        compartments=() if label is None else tuple(sorted(label.compartments)),
        owner=None if field is None else field.owner,
        share=None if field is None else field.share,
    )


def _row_bound(
    name: TypeName, found: list[Predicate], most: Most, catalogue: Catalogue
) -> RowBound:
    where = disjunction(found)
    english, chinese = rows_in_words(where, catalogue.types.get(name))
    rows = 0 if where == FALSE else most.types.get(name, 0)
    return RowBound(type=name, rows=rows, where=where, en=english, zh=chinese)


def by_place(bounds: Iterable[Bound]) -> Mapping[tuple[str, str | None], Bound]:
    """Bounds by document and name."""
    return {(one.document, one.name): one for one in bounds}

"""The policy engine: what exists for a subject, and the ruling on an operation. Pure and total."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from msgspec import structs

from policies.acting import params_of, sides
from policies.carried import carried_out
from policies.check import check_grants, check_together
from policies.compile import Tables, TypeTable, compile_rules
from policies.decide import TypeDecision, Verdict, follow
from policies.delegation import (
    Delegation,
    check_delegations,
    delegation_bundles,
)
from policies.explain import Told, explained, explained_to_app
from policies.grant import Grant, grant_bundles
from policies.inbuilt import with_inbuilt
from policies.jointly import Jointly
from policies.obligation import EVERY, AggregateOnly
from policies.packs import Packs
from policies.residue import bound_params
from policies.rule import FIGURES, Bundle
from policies.ruling import Allow, Hidden, Lent, Masked, Null, Outcome, Reject, Rowwise, Ruling
from policies.standing import Standing
from policies.standings import Standings, keep
from policies.together import MosaicUse
from policies.visibility import Elements, cleared_elements, visible_elements
from schema.model.catalogue import Catalogue
from schema.model.names import FieldName, TypeName, split_coordinate
from schema.model.predicate import TRUE, Predicate, params_in
from schema.model.subject import Context, Subject
from schema.model.use import FIELD_MODES, TYPE_MODES, FieldUse
from schema.model.visible import Visible

_MOST_DECISIONS = 4096
_MOST_RULINGS = 2048
_MOST_VISIBLE = 64


class Engine:
    """Decides by the bundles in force; implements `PolicyEngine`.

    Rules are reduced for a subject as types are asked about, and those that stand alike for two
    subjects let them share the decisions on a type. A ruling that was made before is looked up.
    Raises, when made: `ManyErrors` POLICY_INVALID.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        bundles: Sequence[Bundle],
        packs: Packs,
        *,
        epoch: int,
        ceiling: Mapping[str, str],
        enforced: frozenset[type] = EVERY,
        grants: Sequence[Grant] = (),
        delegations: Sequence[Delegation] = (),
    ) -> None:
        """`enforced`: the kinds of obligation that whoever asks carries out; others deny."""
        check_delegations(delegations, catalogue, packs)
        shared = [*grant_bundles(grants), *delegation_bundles(delegations, catalogue)]
        whole = with_inbuilt(bundles, catalogue, packs)
        check_together([*whole, *shared], catalogue, packs)
        check_grants(grants, packs)
        self.epoch = epoch
        self.catalogue = catalogue
        self.packs = packs
        self.ceiling = dict(ceiling)
        self.grants = tuple(grants)
        self.delegations = tuple(delegations)
        self.rules = tuple(rule for bundle in whole for rule in bundle.rules)
        approved = [rule for bundle in shared for rule in bundle.rules]
        rules = carried_out((*self.rules, *approved), enforced)
        self.tables: Tables = compile_rules(catalogue, rules, packs, grants)
        self._standings: Standings[TypeDecision] = Standings(
            self.tables, packs, ceiling=self.ceiling, rules=self.rules, grants=grants,
            delegations=delegations,
        )  # fmt: skip
        self.joint = Jointly(
            (rule for bundle in whole for rule in bundle.joint),
            catalogue,
            packs,
            ceiling,
            grants,
            counted=MosaicUse in enforced or enforced >= EVERY,
        )
        self.reads = self._standings.reads | self.joint.reads
        self._elements = Elements(catalogue)
        self._decisions: dict[tuple[object, ...], TypeDecision] = {}
        self._visible: dict[tuple[int, ...], Visible] = {}
        self._rulings: dict[tuple[Any, ...], Ruling] = {}

    def visible(self, subject: Subject) -> Visible:
        """What exists in some purpose, time and circumstance. Cost: cached by class."""
        standings = self._standings.foreseen(subject)
        key = tuple(sorted(map(self._standings.class_of, standings)))
        held = self._visible.get(key)
        if held is None:
            deciders = [
                (partial(self._decision, standing), partial(self._traverse, standing))
                for standing in standings
            ]
            held = visible_elements(self._elements, deciders)
            keep(self._visible, key, held, _MOST_VISIBLE)
        if subject.link is not None:
            return cleared_elements(held, self.catalogue, subject)
        return held

    def delegations_of(self, subject: Subject, context: Context) -> tuple[Lent, ...]:
        """Those that are live for a caller who acts for somebody: in the stated purpose, or in
        any that it may state."""
        return self._standings.delegations_of(subject, context)

    def rule(
        self,
        subject: Subject,
        uses: Sequence[FieldUse],
        context: Context,
        implied: Sequence[FieldUse] = (),
    ) -> Ruling:
        """One outcome per use, the rows that exist, and what holds of the uses together.

        `implied`: uses that the hub makes of its own and can do without.
        """
        return self.joint.bind(
            self._known(subject, (*uses, *implied), context), subject, uses, implied, context
        )

    def _known(self, subject: Subject, uses: tuple[FieldUse, ...], context: Context) -> Ruling:
        """The ruling on each use for itself, made or looked up."""
        if context.purpose is not None and context.purpose not in subject.purposes:
            return self._refused(uses, "PURPOSE_NOT_ALLOWED")
        under = self._standings.live(subject, context)
        if subject.acting_for is not None and under is None:
            return self._undelegated(subject, uses, context)
        if self._standings.turn(context.now):
            self._rulings.clear()
        key = (self._standings.key(subject, context, under), uses)
        held = self._rulings.get(key)
        if held is None:
            held = self._ruled(subject, uses, context, under)
            keep(self._rulings, key, held, _MOST_RULINGS)
        return held

    def _ruled(
        self,
        subject: Subject,
        uses: tuple[FieldUse, ...],
        context: Context,
        under: Delegation | None,
    ) -> Ruling:
        standing = self._standings.of(subject, context, under=under)
        verdicts = {use: self._verdict(standing, use) for use in uses}
        others: Sequence[tuple[str, Standing[TypeDecision]]] | None = None
        for use, verdict in verdicts.items():
            if _denied(verdict.outcome):
                if others is None:
                    others = self._standings.others(subject, context, standing)
                code = self._remedy(standing, use, others)
                if code == "GRANT_EXPIRED" and use.mode == "project":
                    verdicts[use] = Verdict(Null(code), verdict.rules, verdict.why)
                elif code is not None:
                    verdicts[use] = Verdict(Reject(code), verdict.rules, verdict.why)
        ruling = self._ruling(standing, verdicts, subject, context, under)
        return structs.replace(ruling, valid_until=self._standings.until(context.now, under))

    def rule_as_principal(
        self, subject: Subject, uses: Sequence[FieldUse], context: Context
    ) -> Ruling:
        """What proofs look at: `acting_for` is an attribute like any other. A caller who acts has
        never more than one with its principal's attributes of an organisation would have."""
        standing = self._standings.of(subject, context, plain=True)
        verdicts = {use: self._verdict(standing, use) for use in uses}
        return self._ruling(standing, verdicts, subject, context, None)

    def _ruling(
        self,
        standing: Standing[TypeDecision],
        verdicts: Mapping[FieldUse, Verdict],
        subject: Subject,
        context: Context,
        under: Delegation | None,
    ) -> Ruling:
        rows = self._rows(standing, verdicts)
        needed = frozenset[str]().union(
            *(params_in(found) for found in rows.values()),
            *(
                params_in(case)
                for verdict in verdicts.values()
                if isinstance(verdict.outcome, Rowwise)
                for case, _ in verdict.outcome.cases
            ),
        )
        looked_at = None if under is None else sides(under, subject, self.packs)
        principal = None if looked_at is None else looked_at["subject"]
        others = None if looked_at is None else params_of(looked_at)
        return Ruling(
            epoch=self.epoch,
            outcomes={use: verdict.outcome for use, verdict in verdicts.items()},
            row_filters=rows,
            params=bound_params(subject, needed, context.now, others),
            reasons={use: verdict.rules for use, verdict in verdicts.items()},
            obligations={use: one.duties for use, one in verdicts.items() if one.duties},
            declassified={
                use: one.declassified for use, one in verdicts.items() if one.declassified
            },
            delegation="" if under is None else under.id,
            principal=principal,
        )

    def _undelegated(self, subject: Subject, uses: Sequence[FieldUse], context: Context) -> Ruling:
        """Nothing is lent: everything is refused, and only a missing purpose is told."""
        stated = context.purpose is not None
        open_ones = not stated and self.delegations_of(subject, context)
        code = "PURPOSE_REQUIRED" if open_ones else "NO_DELEGATION"
        ruling = self._refused(uses, code, "mandatory.delegation")
        # fails closed: made anew each time, for what opens next is not looked up
        return structs.replace(ruling, valid_until=context.now)

    def explain(
        self, subject: Subject, use: FieldUse, context: Context, *, redacted: bool = False
    ) -> str:
        """Why a use has its outcome, and how to ask for more: an English and a Chinese text;
        `redacted`: as the subject's own team may read it."""
        told = self.told(subject, use, context)
        tell = explained_to_app if redacted else explained
        return f"{tell(told, 'en')}\n{tell(told, 'zh')}"

    def told(self, subject: Subject, use: FieldUse, context: Context) -> Told:
        """What there is to tell about one use."""
        ruling = self.rule(subject, [use], context)
        type_name, field = split_coordinate(use.coordinate)
        entity = self.catalogue.types.get(type_name)
        declared = None if entity is None or field is None else entity.fields.get(field)
        why = "unknown"
        if context.purpose is None or context.purpose in subject.purposes:
            why = self._verdict(self._standings.of(subject, context), use).why
        if subject.acting_for is not None and not ruling.delegation:
            why = "delegation"
        return Told(
            use=use,
            outcome=ruling.outcomes[use],
            rules=ruling.reasons[use],
            why=why,
            owner=None if declared is None else declared.owner,
            share=None if declared is None else declared.share,
            filtered=ruling.row_filters.get(type_name, TRUE) != TRUE,
            delegation=ruling.delegation,
            caller=subject,
            principal=ruling.principal,
            declassified=ruling.declassified.get(use, ()),
            together=self.joint.about(use.coordinate, subject, context),
        )

    def _refused(self, uses: Sequence[FieldUse], code: str, *rules: str) -> Ruling:
        return Ruling(
            epoch=self.epoch,
            outcomes=dict.fromkeys(uses, Reject(code)),
            row_filters={},
            params={},
            reasons=dict.fromkeys(uses, rules),
        )

    def _remedy(
        self,
        standing: Standing[TypeDecision],
        use: FieldUse,
        others: Sequence[tuple[str, Standing[TypeDecision]]],
    ) -> str | None:
        """The code that says what would open a denied use: another hour, a purpose and so on."""
        for code, other in others:
            if not _denied(self._verdict(other, use).outcome):
                return code
        if use.mode not in FIGURES and self._figures(standing, use):
            return "AGGREGATE_ONLY"
        return None

    def _figures(self, standing: Standing[TypeDecision], use: FieldUse) -> bool:
        """Whether there is a permit for figures alone over what a use names."""
        _, name = split_coordinate(use.coordinate)
        mode, function = ("count", None) if name is None else ("aggregate", "count")
        asked = FieldUse(use.coordinate, mode, function)  # type: ignore[arg-type]
        duties = self._verdict(standing, asked).duties
        return any(isinstance(one, AggregateOnly) for one in duties)

    def _rows(
        self, standing: Standing[TypeDecision], uses: Iterable[FieldUse]
    ) -> dict[TypeName, Predicate]:
        names: dict[TypeName, None] = {}
        for use in uses:
            type_name, field = split_coordinate(use.coordinate)
            names[type_name] = None
            relation = self.catalogue.relation(use.coordinate) if field is not None else None
            if relation is not None:
                names[relation.to] = None
        found: dict[TypeName, Predicate] = {}
        for name in names:
            decision = self._decision(standing, name)
            if decision is not None and decision.rows is not None:
                found[name] = decision.rows
        return found

    def _verdict(self, standing: Standing[TypeDecision], use: FieldUse) -> Verdict:
        type_name, name = split_coordinate(use.coordinate)
        decision = self._decision(standing, type_name)
        if decision is None:
            return Verdict(_absent(use), (), "unknown")
        if name is None:
            if use.mode not in TYPE_MODES:
                return Verdict(_absent(use), (), "unknown")
            return decision.existence(use.mode)
        if name in decision.table.cell_of and use.mode in FIELD_MODES:
            return decision.field(name, use.mode, use.function)
        if name in decision.table.relations and use.mode == "traverse":
            return self._traverse(standing, decision, name)
        return Verdict(_absent(use), (), "unknown")

    def _traverse(
        self, standing: Standing[TypeDecision], decision: TypeDecision, name: FieldName
    ) -> Verdict:
        target = self._decision(standing, decision.table.entity.relations[name].to)
        verdict = follow(decision, target, name)
        for lender in standing.lenders:
            # fails closed: masks that are met can make the ends alike, which they are for neither
            theirs = self._decision(lender, decision.table.entity.name)
            if isinstance(verdict.outcome, Allow) and theirs is not None:
                other = self._traverse(lender, theirs, name)
                verdict = verdict if isinstance(other.outcome, Allow) else other
        return verdict

    def _decision(self, standing: Standing[TypeDecision], name: TypeName) -> TypeDecision | None:
        held = standing.decisions.get(name)
        if held is None:
            table = self.tables.types.get(name)
            if table is None:
                return None
            held = standing.decisions[name] = self._decided(standing, table)
        return held

    def _decided(self, standing: Standing[TypeDecision], table: TypeTable) -> TypeDecision:
        """The decisions on a type, shared by all whom nothing about the type tells apart."""
        base, name = standing.base, table.entity.name
        if base is not None and standing.differs.isdisjoint(table.about):
            found = self._decision(base, name)
            assert found is not None  # noqa: S101 - invariant: the type has a table
            return found
        key = (name, *standing.of_type(table))
        held = self._decisions.get(key)
        if held is None:
            held = TypeDecision(table, self.tables, standing, self.packs.preference)
            keep(self._decisions, key, held, _MOST_DECISIONS)
        return held


def _denied(outcome: Outcome) -> bool:
    return not isinstance(outcome, Allow | Masked | Rowwise)


def _absent(use: FieldUse) -> Outcome:
    return Hidden() if use.mode == "project" else Reject()

"""Rules with obligations as rules that can be decided: pre-conditions become conditions, and what
the hub cannot carry out denies."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import structs

from policies.condition import FALSE, Attribute, Condition, OneOf, Present, every, opposite
from policies.obligation import (
    PRECONDITIONS,
    AggregateOnly,
    CaseRequired,
    Obligation,
    Quota,
    StepUp,
)
from policies.rule import FIGURES, Rule
from policies.ruling import Null
from schema.model.use import UseMode


def carried_out(rules: Iterable[Rule], enforced: frozenset[type]) -> tuple[Rule, ...]:
    """The rules to decide by. A permit holds only where its pre-conditions do; a require whose
    pre-conditions do not hold, or that cannot be carried out, forbids; one that asks for figures
    alone forbids every other mode."""
    found: list[Rule] = []
    for rule in rules:
        if not rule.obligations:
            found.append(rule)
            continue
        kept = tuple(
            structs.replace(one, rule=counted_as(rule)) if isinstance(one, Quota) else one
            for one in rule.obligations
            if not isinstance(one, PRECONDITIONS)
        )
        wanted = every(*(_condition(one, enforced) for one in rule.obligations))
        if rule.effect == "permit":
            when = every(rule.when, wanted)
            found.append(structs.replace(rule, when=when, obligations=kept))
            continue
        if kept or rule.outcome is not None or rule.rows is not None:
            found.append(structs.replace(rule, obligations=kept))
        if wanted != every():
            found.append(_forbid(rule, every(rule.when, opposite(wanted)), rule.modes))
        single = rule.modes - FIGURES
        if single and any(isinstance(one, AggregateOnly) for one in kept):
            found.append(_forbid(rule, rule.when, single))
    return tuple(found)


def counted_as(rule: Rule) -> str:
    """What a quota is counted by: the permits that one grant became count together."""
    return rule.id if rule.grant else rule.name


def _forbid(rule: Rule, when: Condition, modes: frozenset[UseMode]) -> Rule:
    return structs.replace(
        rule, effect="forbid", when=when, modes=modes, rows=None, outcome=Null(), obligations=()
    )


def _condition(obligation: Obligation, enforced: frozenset[type]) -> Condition:
    """What must hold for the obligation to be met, or to be possible."""
    match obligation:
        case StepUp(acr=acr):
            return OneOf(Attribute("context", "acr"), acr)
        case CaseRequired():
            return Present(Attribute("context", "case_id"))
        case _:
            # fails closed: an obligation that nobody carries out denies
            return every() if type(obligation) in enforced else FALSE

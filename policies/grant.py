"""Grants: approved, time-limited shares of single fields; state beside the rules, not rules.

A grant permits: what it covers is decided like a permit that names the field. Rules speak of
grants too (``grant.live``). Revoked and ended grants open nothing, whatever bundle is in force.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from policies.condition import TRUE, Condition, every
from policies.granted import LiveGrant
from policies.obligation import Obligation
from policies.positions import Place
from policies.rule import Bundle, Rule, RuleOutcome, Selector
from policies.ruling import Masked
from schema.model.use import UseMode


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """One grant."""

    live: LiveGrant
    fields: Mapping[str, RuleOutcome]
    """``Type.field`` or ``Type.relation`` -> allow or a mask."""
    modes: frozenset[UseMode]
    rows: Condition = TRUE
    obligations: tuple[Obligation, ...] = ()
    """What goes with every use that relies on it."""
    covers: frozenset[str] = frozenset()
    """Categories that it speaks of by name, for ``grant_covers``."""
    about: Mapping[str, str] = {}
    path: str = ""
    places: Mapping[str, Place] = {}

    @property
    def condition(self) -> Condition:
        """Live, for its rows."""
        return every(self.live, self.rows)


def grants_on(grants: Iterable[Grant]) -> dict[str, tuple[Grant, ...]]:
    """Coordinate -> the grants that name it."""
    found: dict[str, list[Grant]] = {}
    for grant in grants:
        for element in grant.fields:
            found.setdefault(element, []).append(grant)
    return {element: tuple(held) for element, held in found.items()}


def grant_bundles(grants: Sequence[Grant]) -> list[Bundle]:
    """Grants as permits, by file: one permit for each outcome."""
    by_path: dict[str, list[Rule]] = {}
    for grant in grants:
        by_path.setdefault(grant.path, []).extend(_permits(grant))
    return [Bundle(path=path, rules=tuple(rules), digest="") for path, rules in by_path.items()]


def _permits(grant: Grant) -> list[Rule]:
    by_outcome: dict[RuleOutcome, set[str]] = {}
    for element, outcome in grant.fields.items():
        by_outcome.setdefault(_keyed(outcome, grant.live.id), set()).add(element)
    name = f"grant.{grant.live.id}"
    return [
        Rule(
            name=name if number == 0 else f"{name}.{number + 1}",
            version=1,
            effect="permit",
            about=grant.about,
            selector=Selector(fields=frozenset(elements)),
            modes=grant.modes,
            when=grant.condition,
            outcome=outcome,
            obligations=grant.obligations,
            grant=grant.live.id,
            path=grant.path,
            places=grant.places,
        )
        for number, (outcome, elements) in enumerate(
            sorted(by_outcome.items(), key=lambda held: repr(held[0]))
        )
    ]


def _keyed(outcome: RuleOutcome, grant_id: str) -> RuleOutcome:
    """A token whose key goes with the grant is told which one."""
    if isinstance(outcome, Masked) and ("key_scope", "grant") in outcome.params:
        params = tuple(sorted((*outcome.params, ("grant", grant_id))))
        return Masked(outcome.mask, params)
    return outcome

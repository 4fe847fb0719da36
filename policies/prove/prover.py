"""Proves assertions over one engine: for every caller, or a caller for whom one does not hold."""

from __future__ import annotations

import time
from collections.abc import Sequence

from policies.check import check
from policies.engine import Engine
from policies.prove.assertion import BUILT_IN, Assertion, Result, Verdict
from policies.prove.cells import Decisions
from policies.prove.claims import Claims
from policies.prove.conditions import Conditions
from policies.prove.idle import Idle
from policies.prove.search import Found, Search
from policies.prove.uses import Uses
from policies.prove.world import World
from policies.rule import Bundle
from schema.errors import HubError, ManyErrors


def prove(
    engine: Engine, assertions: Sequence[Assertion], *, seconds: float = 10.0, begin: float = 0.0
) -> tuple[Result, ...]:
    """One result per assertion. `seconds`: how long each may take; `begin`: from when on,
    in Unix seconds.

    Raises: `ManyErrors` POLICY_INVALID for names that do not exist; `HubError` INTERNAL if a
    proof and the engine disagree.
    """
    _check_names(engine, assertions)
    decisions = Decisions(engine.tables, engine.catalogue, engine.packs, engine.ceiling)
    claims = Claims(engine, decisions, Uses(decisions))
    world = World(engine.packs, begin)
    decisions.gather(world)
    for assertion in assertions:
        claims.gather(world, assertion)
    world.close()
    conditions = Conditions(world)
    decisions.use(conditions)
    search = Search(world, conditions)
    lent = any(one.end > begin for one in engine.delegations)
    return tuple(_prove(one, claims, search, seconds, lent=lent) for one in assertions)


def _prove(
    assertion: Assertion, claims: Claims, search: Search, seconds: float, *, lent: bool
) -> Result:
    begun = time.monotonic()
    deadline = begun + seconds
    if assertion.sort in BUILT_IN:
        return Idle(claims, search).result(assertion, deadline)
    goals = claims.goals(assertion)
    found = search.find(goals, deadline)
    # fails closed: who acts for two has what either has, and callers are looked at one by one
    unsure = lent and assertion.sort == "nobody_both" and found == "none"
    verdict: Verdict = "refuted" if isinstance(found, Found) else _VERDICTS[found]
    return Result(
        assertion=assertion,
        verdict="undecided" if unsure else verdict,
        delegated=unsure,
        examples=found.said if isinstance(found, Found) else (),
        looked_at=len(goals),
        seconds=time.monotonic() - begun,
    )


_VERDICTS: dict[str, Verdict] = {"none": "proved", "undecided": "undecided"}


def _check_names(engine: Engine, assertions: Sequence[Assertion]) -> None:
    problems: list[HubError] = []
    for assertion in assertions:
        bundle = Bundle(path=assertion.path, rules=assertion.rules, digest="")
        try:
            check(bundle, engine.catalogue, engine.packs)
        except ManyErrors as error:
            problems += error.problems
    if problems:
        raise ManyErrors("POLICY_INVALID", problems)

"""The search for a caller: z3 finds a candidate, the engine confirms it, or it is ruled out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import msgspec
import z3

from policies.compile import TypeTable
from policies.condition import Attribute, Truth, leaves_of, terms_of
from policies.prove.cells import Decisions, variants_of
from policies.prove.conditions import Conditions
from policies.prove.logic import Formula, lifted
from policies.prove.witness import Witness, witness_of
from policies.prove.world import World
from schema.errors import HubError

_MOST_TRIES = 400
_SHORT = 200
"""Milliseconds that one step towards a shorter example may take."""


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """Something that must not be: where it would be, and how the engine confirms it."""

    formula: Formula
    exact: bool
    """Whether the engine must agree; else a candidate that it denies is ruled out."""
    tables: tuple[tuple[Decisions, TypeTable], ...]
    confirm: Callable[[Sequence[Witness]], Any]
    """What the engine says of a candidate; ``None`` if the goal does not hold for it."""
    places: int = 1
    """How many circumstances and rows of the one caller the formula speaks of."""


class Found(msgspec.Struct, frozen=True):
    """A goal that holds for a caller."""

    goal: Goal
    said: Any


class Search:
    """One solver over one world."""

    def __init__(self, world: World, conditions: Conditions) -> None:
        self.world = world
        self.conditions = conditions
        self.solver = z3.SolverFor("QF_FD")
        self.solver.add(*world.rules)
        self._apart: dict[tuple[int, str], list[Any]] = {}

    def find(self, goals: Sequence[Goal], deadline: float) -> Found | Literal["none", "undecided"]:
        """A goal that holds for somebody; the time is that of `time.monotonic`.

        Raises: `HubError` INTERNAL if the engine denies what the formulas say for certain.
        """
        self.solver.push()
        try:
            posed = self._pose(goals)
            for _ in range(_MOST_TRIES):
                answer = self._check(deadline)
                if answer != z3.sat:
                    return "none" if answer == z3.unsat else "undecided"
                model = self.solver.model()
                goal, flag = next(one for one in posed if _true(model, one[1]))
                found = self._said(goal, model)
                if found is not None:
                    return self._shorter(goal, found, deadline)
                self._rule_out(goal, flag, model)
            return "undecided"
        finally:
            self.solver.pop()

    def every(self, goals: Sequence[Goal], deadline: float) -> tuple[list[Found], bool]:
        """Every goal that holds for somebody, and whether all were decided in time."""
        found: list[Found] = []
        self.solver.push()
        try:
            left = self._pose(goals)
            for _ in range(_MOST_TRIES + len(left)):
                answer = self._check(deadline)
                if answer != z3.sat:
                    return found, bool(answer == z3.unsat)
                model = self.solver.model()
                for goal, flag in [one for one in left if _true(model, one[0].formula)]:
                    said = self._said(goal, model)
                    if said is not None:
                        found.append(said)
                        left = [one for one in left if one[0] is not goal]
                        self.solver.add(z3.Not(flag))
                    else:
                        self._rule_out(goal, flag, model)
            return found, False
        finally:
            self.solver.pop()

    def _pose(self, goals: Sequence[Goal]) -> list[tuple[Goal, Any]]:
        """Ask that one of the goals holds; each has a flag, so that it can be left out."""
        posed: list[tuple[Goal, Any]] = []
        for goal in goals:
            if goal.formula is not False:
                flag = z3.Bool(f"goal {len(posed)}")
                self.solver.add(z3.Implies(flag, lifted(goal.formula)))
                posed.append((goal, flag))
        self.solver.add(z3.Or([flag for _, flag in posed]))
        return posed

    def holds_for_somebody(self, formula: Formula, deadline: float) -> bool | None:
        """Whether a formula can hold at all; ``None`` if that is not decided in time."""
        if isinstance(formula, bool):
            return formula
        self.solver.push()
        try:
            self.solver.add(formula)
            answer = self._check(deadline)
            return None if answer == z3.unknown else bool(answer == z3.sat)
        finally:
            self.solver.pop()

    def _said(self, goal: Goal, model: Any) -> Found | None:
        """What the engine says of a model; ``None`` if it has to be ruled out."""
        witnesses = self._witnesses(goal, model)
        said = None if witnesses is None else goal.confirm(witnesses)
        if witnesses is not None and said is None and goal.exact:
            raise HubError(
                "INTERNAL",
                "the proof and the engine disagree on a counterexample",
                hint="nothing was proved; report the bundle and the assertion",
            )
        return None if said is None else Found(goal, said)

    def _rule_out(self, goal: Goal, flag: Any, model: Any) -> None:
        """Leave out what the engine denies for all of a class, or what is so at no moment."""
        if self._witnesses(goal, model) is None:
            self.solver.add(z3.Not(z3.And(self._windows(goal, model))))
        else:
            self.solver.add(z3.Not(z3.And(flag, *self._class(goal, model))))

    def _witnesses(self, goal: Goal, model: Any) -> list[Witness] | None:
        found = [witness_of(self.world, model, place) for place in range(goal.places)]
        return None if None in found else [one for one in found if one is not None]

    def _shorter(self, goal: Goal, found: Found, deadline: float) -> Found:
        """The same with as few attributes as possible, so that what is left is what matters."""
        self.solver.push()
        try:
            self.solver.add(lifted(goal.formula))
            for step in self._steps():
                self.solver.push()
                self.solver.add(step)
                until = min(deadline, time.monotonic() + _SHORT / 1000)
                if self._check(until) == z3.sat:
                    witnesses = self._witnesses(goal, self.solver.model())
                    said = None if witnesses is None else goal.confirm(witnesses)
                    if said is not None:
                        found = Found(goal, said)
                        continue  # the step stays
                self.solver.pop()
            return found
        finally:
            while self.solver.num_scopes() > 1:
                self.solver.pop()

    def _steps(self) -> Iterable[Any]:
        yield self.world.clock
        yield from self.world.periods.values()
        for members in self.world.members.values():
            yield from (z3.Not(flag) for flag in members.values())
        for variable in (*self.world.variables.values(), *self.world.clearance.values()):
            yield variable.term == 0
        for variable in self.world.clearance.values():
            yield z3.ULE(variable.term, 1)

    def _windows(self, goal: Goal, model: Any) -> list[Any]:
        flags = [self.world.clock, *self.world.periods.values()]
        everywhere = [
            self.world.moved(flag, place) for flag in flags for place in range(goal.places)
        ]
        return [flag == model.eval(flag, model_completion=True) for flag in everywhere]

    def _class(self, goal: Goal, model: Any) -> list[Any]:
        """What makes callers alike to the rules about the goal's types."""
        found = []
        for decisions, table in goal.tables:
            key = (id(decisions), table.entity.name)
            if key not in self._apart:
                formulas = self._tells_apart(decisions, table)
                parts = {of.get_id(): of for of in formulas if not isinstance(of, bool)}
                self._apart[key] = list(parts.values())
            for place in range(goal.places):
                moved = [self.world.moved(part, place) for part in self._apart[key]]
                found += [part == model.eval(part, model_completion=True) for part in moved]
        return found

    def _tells_apart(self, decisions: Decisions, table: TypeTable) -> Iterable[Formula]:
        for cell in table.cells:
            yield decisions.open(cell)
            yield decisions.owned(cell)
        for number in variants_of(table):
            variant = decisions.tables.variants[number]
            window = decisions.conditions.in_force(variant.rule.window)
            yield from (window.true, window.false)
            for condition in (variant.when, variant.rows):
                for leaf in () if condition is None else leaves_of(condition):
                    if isinstance(leaf, Truth):
                        continue
                    bits = self.conditions.bits(leaf, table.entity)
                    row = any(
                        isinstance(of, Attribute) and of.space == "row" for of in terms_of(leaf)
                    )
                    yield from (bits.never_true,) if row else (bits.true, bits.false)

    def _check(self, deadline: float) -> Any:
        left = deadline - time.monotonic()
        if left <= 0:
            return z3.unknown
        self.solver.set("timeout", max(1, int(left * 1000)))
        return self.solver.check()


def _true(model: Any, formula: Formula) -> bool:
    return bool(z3.is_true(model.eval(lifted(formula), model_completion=True)))

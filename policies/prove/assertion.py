"""Assertions as frozen values: what officers state of their rules, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from policies.condition import TRUE, Condition
from policies.positions import Place
from policies.prove.witness import Witness
from policies.rule import Rule, Selector
from policies.ruling import Masked
from schema.model.use import FieldUse

Sort = Literal[
    "nobody",         # no caller of whom `who` may be true reads `of`
    "readers",        # of whoever reads `of`, `who` is true
    "shows_at_most",  # `of` is never shown less masked than `mask`
    "nobody_both",    # no caller does all of `parts`, be it at different times
    "permits",        # wherever a permit on `of` holds, `who` is true
    "no dead rules",
    "no shadowed rules",
    "no contradictory requires",
]  # fmt: skip
BUILT_IN: tuple[Sort, ...] = ("no dead rules", "no shadowed rules", "no contradictory requires")
Reading = Literal["raw", "masked", "anything"]
"""The value as it is; the value in any form; any use at all."""
Verdict = Literal["proved", "refuted", "undecided"]


class Part(msgspec.Struct, frozen=True):
    """Something that is read."""

    reads: Reading
    of: Selector


class Assertion(msgspec.Struct, frozen=True, kw_only=True):
    """One statement about bundles."""

    name: str
    about: Mapping[str, str] = {}
    sort: Sort
    who: Condition = TRUE
    parts: tuple[Part, ...] = ()
    mask: Masked | None = None
    assume: Condition = TRUE
    rules: tuple[Rule, ...] = ()
    """What it names, in the form of rules, so that it is checked as rules are."""
    path: str
    place: Place

    @property
    def where(self) -> str:
        """``file:line:column``."""
        return f"{self.path}:{self.place.line}:{self.place.column}"


class Counterexample(msgspec.Struct, frozen=True, kw_only=True):
    """A caller for whom an assertion does not hold, as the engine confirmed."""

    witness: Witness
    use: FieldUse
    shown: str
    """``allow`` or a mask's name."""
    rules: tuple[str, ...]
    """The rules that decide."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one assertion."""

    assertion: Assertion
    verdict: Verdict
    examples: tuple[Counterexample, ...] = ()
    """Of one caller; several where the caller does several things."""
    findings: tuple[str, ...] = ()
    """Ids of rules that are dead, shadowed or contradictory."""
    looked_at: int = 0
    """How many kinds of use were looked at; with none the assertion says nothing."""
    seconds: float = 0.0
    delegated: bool = False
    """Whether it is not decided because delegations let one caller have what several have."""

"""Rules and bundles as frozen values: what security officers wrote, read and not yet compiled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from policies.condition import Condition
from policies.joint import Joint
from policies.obligation import Obligation
from policies.positions import Place
from policies.ruling import Allow, Declassified, FieldError, Hidden, Masked, Null
from policies.window import Window
from schema.model.entity import Share
from schema.model.use import EVERY_MODE, AggregateFunction, UseMode

Effect = Literal["permit", "forbid", "require"]
FIGURES: frozenset[UseMode] = frozenset({"group", "aggregate", "count"})
"""Modes that show figures over many rows, no single value."""
UNSEEN: frozenset[UseMode] = frozenset({"join", "see_metadata"})
"""Modes of a field that show nothing of its values, and so do not rest on reading it."""
INBUILT = ("pack.", "floor.", "label.")
"""How the names of rules begin that no bundle may use: those that none can remove."""
RuleOutcome = Allow | Masked | Null | FieldError | Hidden


class LevelRef(msgspec.Struct, frozen=True):
    """A level as written; `ladder` is empty if only one ladder has to know it."""

    ladder: str
    level: str


class Selector(msgspec.Struct, frozen=True, kw_only=True):
    """Which elements of the catalogue a rule is about: all stated parts must hold.

    A permit's categories, level and share are *bounds*, a forbid's and a require's are *floors*:
    raising a label or tightening a share type never lets a permit reach further.
    """

    types: frozenset[str] = frozenset()
    """Type names; ``*`` is every type."""
    fields: frozenset[str] = frozenset()
    """``Type.field``, ``Type.relation`` or ``Type.*``."""
    categories: frozenset[str] = frozenset()
    level: LevelRef | None = None
    share: Share | None = None
    owners: frozenset[str] = frozenset()

    @property
    def placed(self) -> bool:
        """Whether types or fields are named."""
        return bool(self.types or self.fields)


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule."""

    name: str
    version: int
    effect: Effect
    owner: str = ""
    about: Mapping[str, str] = {}
    selector: Selector
    modes: frozenset[UseMode]
    functions: frozenset[AggregateFunction] | None = None
    """Aggregate functions; ``None`` = all."""
    when: Condition
    """Subjects, `when`, not `unless`; for permit and forbid the row condition too."""
    rows: Condition | None = None
    """A require's row filter."""
    outcome: RuleOutcome | None = None
    """Permit: what is seen. Forbid: what a denial looks like. Require: at most this."""
    declassify: Declassified | None = None
    """What the values that the mask gives are labelled, instead of as the field is."""
    window: Window | None = None
    obligations: tuple[Obligation, ...] = ()
    grant: str = ""
    """The grant that this permit was made from."""
    delegation: str = ""
    """The delegation that this limit was made from."""
    path: str
    places: Mapping[str, Place]
    """``name``, ``when`` and so on -> where it stands; also ``fields:Person.name`` and such."""

    @property
    def id(self) -> str:
        """``name@version``, ``grant.<id>`` or ``delegation.<id>``: what reasons and audit name."""
        if self.delegation:
            return f"delegation.{self.delegation}"
        return f"grant.{self.grant}" if self.grant else f"{self.name}@{self.version}"

    @property
    def closes_joins(self) -> bool:
        """Whether it is a prohibition of `join` itself: it closes relations that permits name too.
        One of every mode leaves those to the prohibitions that name the relation."""
        return self.effect == "forbid" and "join" in self.modes and self.modes < EVERY_MODE

    @property
    def inbuilt(self) -> bool:
        """Whether no bundle can get around it: a pack, a floor or a row label says it."""
        return self.name.startswith(INBUILT)

    @property
    def of_row_label(self) -> bool:
        """Whether it is the mandatory check that a label of some rows makes."""
        return self.name.startswith(INBUILT[2])

    def place(self, *keys: str) -> Place:
        """Where the first of the keys that is written stands."""
        return next((self.places[key] for key in keys if key in self.places), Place(1, 1))


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of one file."""

    path: str
    rules: tuple[Rule, ...]
    joint: tuple[Joint, ...] = ()
    """Those about several fields at once."""
    digest: str
    """SHA-256 hex of the file's text."""

"""Rulings: everything the policy engine says about one operation."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from policies.obligation import Obligation
from policies.together import Together
from schema.model.catalogue import Catalogue
from schema.model.names import TypeName
from schema.model.predicate import Predicate
from schema.model.scalar import ScalarKind
from schema.model.subject import Context, Subject
from schema.model.use import FieldUse
from schema.model.visible import Visible


class Allow(msgspec.Struct, frozen=True, tag=True):
    """The raw value."""


class Masked(msgspec.Struct, frozen=True, tag=True):
    """The masked value; `mask` names a mask function."""

    mask: str
    params: tuple[tuple[str, str | int], ...] = ()


class Null(msgspec.Struct, frozen=True, tag=True):
    """Null with a coded entry in ``extensions.governance``."""

    code: str = "FIELD_FORBIDDEN"


class FieldError(msgspec.Struct, frozen=True, tag=True):
    """Null with a field error."""

    code: str = "FIELD_FORBIDDEN"


class Reject(msgspec.Struct, frozen=True, tag=True):
    """The operation is refused before any source is called."""

    code: str = "USE_FORBIDDEN"


class Hidden(msgspec.Struct, frozen=True, tag=True):
    """Does not exist for this subject."""


LEAST_SHARED = 10
"""By how many persons a masked value is shared where a declaration does not say."""


class Declassified(msgspec.Struct, frozen=True):
    """What a rule declares of the values that its mask gives: a level, and why it is enough.

    It counts in answers in which at least `k` persons share each of them.
    """

    ladder: str
    """Empty if only one ladder has to know the level."""
    level: str
    reason: str
    k: int = LEAST_SHARED


BaseOutcome = Allow | Masked | Null | FieldError | Reject | Hidden


class Rowwise(msgspec.Struct, frozen=True, tag=True):
    """The outcome depends on the row: the first case whose predicate is TRUE, else null.

    Predicates are over fields of the same type that one source serves beside the field's row.
    """

    cases: tuple[tuple[Predicate, Allow | Masked], ...]


Outcome = Allow | Masked | Null | FieldError | Reject | Hidden | Rowwise


class Lent(msgspec.Struct, frozen=True):
    """What a caller acts under, and for whom."""

    delegation: str
    principal: Subject


class Ruling(msgspec.Struct, frozen=True, kw_only=True):
    """One outcome per use asked, and the rows that exist for this subject."""

    epoch: int
    outcomes: Mapping[FieldUse, Outcome]
    """Total: one entry per use asked."""
    row_filters: Mapping[TypeName, Predicate]
    """For every type that a use names, or that a filter or relation reaches: rows outside do not
    exist. Subject attributes stay `Param("s.<attribute>")`. A type without an entry has no row."""
    params: Mapping[str, object]
    """The values of those params, for this subject only."""
    reasons: Mapping[FieldUse, tuple[str, ...]]
    """Rule ids; the smallest set that decides."""
    obligations: Mapping[FieldUse, tuple[Obligation, ...]] = {}
    """What allowed and masked uses oblige to; uses without any are left out."""
    declassified: Mapping[FieldUse, tuple[Declassified, ...]] = {}
    """What rules declare of masked values that are at least as coarse as those of their mask."""
    delegation: str = ""
    """The delegation that the caller acts under."""
    principal: Subject | None = None
    """For whom the caller acts: its keys, tokens and quotas are meant."""
    together: Together | None = None
    """What holds of the uses together; ``None`` where no rule about several fields is touched."""
    valid_until: float = float("inf")
    """Unix seconds from which the ruling must be made again (time windows, grants)."""

    @property
    def policy_class(self) -> bytes:
        """Digest of epoch, outcomes, obligations, labels and row filters, not of params.

        Subjects with equal classes share plans. Cost: sorts and encodes; compute once and keep.
        """
        rows = sorted((name, repr(p)) for name, p in self.row_filters.items())
        cells = sorted((repr(use), repr(outcome)) for use, outcome in self.outcomes.items())
        duties = sorted((repr(use), repr(found)) for use, found in self.obligations.items())
        lowered = sorted((repr(use), repr(found)) for use, found in self.declassified.items())
        said = repr((self.epoch, rows, cells, duties, lowered))
        return hashlib.sha256(said.encode()).digest()


class PolicyEngine(Protocol):
    """Decides; pure and total. An error in deciding denies."""

    epoch: int
    catalogue: Catalogue
    reads: frozenset[str]
    """Which of `CIRCUMSTANCES` any rule reads: others change no ruling."""

    def visible(self, subject: Subject) -> Visible: ...

    def rule(
        self,
        subject: Subject,
        uses: Sequence[FieldUse],
        context: Context,
        implied: Sequence[FieldUse] = (),
    ) -> Ruling: ...

    def explain(
        self, subject: Subject, use: FieldUse, context: Context, *, redacted: bool = False
    ) -> str: ...

    def delegations_of(self, subject: Subject, context: Context) -> tuple[Lent, ...]:
        """Those that are live for a caller who acts for somebody."""
        ...


class MaskFunction(Protocol):
    """Hides part of a column's values; keeps length and null, never raises on odd values."""

    name: str

    def output_kind(self, kind: ScalarKind, params: Mapping[str, str | int]) -> ScalarKind: ...

    def apply(self, column: Sequence[Any], params: Mapping[str, str | int]) -> list[Any]: ...

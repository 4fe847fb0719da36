"""What a ruling says of the uses of one operation together."""

from __future__ import annotations

import msgspec

from policies.obligation import QuotaHolder
from schema.model.names import Coordinate


class Raised(msgspec.Struct, frozen=True):
    """A combination of uses lifts the answer to a level, given as (ladder id, level)."""

    rule: str
    level: tuple[str, str]


class Refused(msgspec.Struct, frozen=True):
    """Uses that may not stand in one operation."""

    rules: tuple[str, ...]
    coordinates: tuple[Coordinate, ...]
    """Those that the caller named; no other field of the rules is told."""


class MosaicUse(msgspec.Struct, frozen=True, kw_only=True):
    """At most so many parts of a set within any stretch of time. Where: before sources are asked.

    Units: `per_s` seconds. Shape: `parts` are sorted, without repeats. Its type stands in the
    engine's `enforced` where the hub keeps count of parts.
    """

    rule: str
    parts: tuple[str, ...]
    most: int
    per_s: int
    by: QuotaHolder
    coordinates: tuple[Coordinate, ...]
    """Those that the caller named."""


class Together(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that holds of the uses together; sorted, so that no order of rules matters."""

    raised: tuple[Raised, ...] = ()
    refused: Refused | None = None
    windows: tuple[MosaicUse, ...] = ()

    @property
    def rules(self) -> list[str]:
        """The ids of the rules that had a say, for the record."""
        refused = () if self.refused is None else self.refused.rules
        held = (*(one.rule for one in self.raised), *refused, *(one.rule for one in self.windows))
        return sorted(set(held))

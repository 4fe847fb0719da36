"""Static cost of an operation: known from the document and its page sizes, never from data.

cost(field) = 1; cost(relation to one) = 1 + its selection; cost(list or connection) = 1 +
page size x its selection; cost(aggregate) = `AGGREGATE` + its picks, with ``groupBy`` times the
number of groups that may come; look-up = 1 + selection.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from schema.model.predicate import Const, Operand

AGGREGATE = 50


class CostNode(msgspec.Struct, frozen=True):
    """``own + sum(size x below)``; a size of ``None`` counts as one."""

    own: int
    below: tuple[tuple[Operand | None, CostNode], ...] = ()

    def total(self, params: Mapping[str, Any]) -> int:
        """The cost with page sizes at their values."""
        cost = self.own
        for size, node in self.below:
            times = 1
            if size is not None:
                times = size.value if isinstance(size, Const) else params[size.name]
            cost += max(1, times) * node.total(params)
        return cost

    @property
    def is_constant(self) -> bool:
        """Whether no page size is a variable."""
        return all(
            (size is None or isinstance(size, Const)) and node.is_constant
            for size, node in self.below
        )

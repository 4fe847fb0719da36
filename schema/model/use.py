"""Field uses: a coordinate together with the way an operation uses it."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from schema.model.names import Coordinate

UseMode = Literal[
    "project",       # Type.field: the value is in the answer
    "filter_eq",     # Type.field: eq ne in isNull, and look-up by key
    "filter_range",  # Type.field: lt le gt ge between
    "filter_text",   # Type.field: startsWith contains
    "sort",          # Type.field: orderBy
    "group",         # Type.field: groupBy of an aggregate
    "aggregate",     # Type.field with `function`
    "join",          # Type.field: rows are matched by it, unseen, where a relation is followed
    "subscribe",     # Type.field: its changes are told
    "export",        # Type.field: the value leaves in bulk
    "correct",       # Type.field: another value may be proposed
    "see_metadata",  # Type.field: that it exists
    "traverse",      # Type.relation: selected, or followed by a filter
    "list",          # Type: root connection
    "open",          # Type: look-up by key and node(id:), and the `id` field
    "count",         # Type: totalCount and aggregates
]  # fmt: skip
USE_MODES: frozenset[str] = frozenset(get_args(UseMode))
SPECIAL_MODES: frozenset[UseMode] = frozenset(
    {"join", "subscribe", "export", "correct", "see_metadata"}
)
"""Modes of fields that no other mode and no group of a permit implies."""
FIELD_MODES: frozenset[UseMode] = SPECIAL_MODES | frozenset[UseMode](
    {"project", "filter_eq", "filter_range", "filter_text", "sort", "group", "aggregate"}
)
TYPE_MODES: frozenset[UseMode] = frozenset({"list", "open", "count"})
EVERY_MODE: frozenset[UseMode] = frozenset(get_args(UseMode))

AggregateFunction = Literal["count", "countDistinct", "sum", "avg", "min", "max"]
AGGREGATE_FUNCTIONS: frozenset[str] = frozenset(get_args(AggregateFunction))


class FieldUse(msgspec.Struct, frozen=True):
    """One use of one coordinate; `function` only where the mode is `aggregate`."""

    coordinate: Coordinate
    mode: UseMode
    function: AggregateFunction | None = None

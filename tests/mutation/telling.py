"""Enforcement points of what is told beside the data, and of values that the hub converts."""

from __future__ import annotations

from tests.mutation.point import Point

NORMS = "tests/hub/test_norms.py::"
FROM = "tests/hub/test_provenance.py::"

# fmt: off
TOLD = (
    Point(
        "row filter over converted values", "a row filter looks at the value, not at its raw form",
        "connectors/kit/norm.py",
        "must=must_left,", "must=None,",
        (f"{NORMS}test_row_filters_look_at_what_was_converted",),
    ),
    Point(
        "norms of masks", "nothing is told of the values behind a mask",
        "hub/query/run.py",
        "if not found or not isinstance(output.outcome, Allow):", "if not found:",
        (f"{NORMS}test_masks_are_over_the_norm_and_what_is_masked_tells_nothing",),
    ),
    Point(
        "disagreement of masks", "who sees a mask is not told that sources differ",
        "hub/query/run.py",
        "if field.shown:", "if True:",
        (f"{FROM}test_who_may_not_see_a_field_learns_nothing_of_it",),
    ),
    Point(
        "provenance of what is shown", "nothing is told of a field that is null for the caller",
        "hub/query/wished.py",
        "if use.mode not in _SHOWN or not isinstance(outcome, Allow | Masked | Rowwise):",
        "if use.mode not in _SHOWN:",
        (f"{FROM}test_who_may_not_see_a_field_learns_nothing_of_it",),
    ),
    Point(
        "latest values", "a value that is known only after the fetch decides on no row",
        "hub/query/pushdown.py",
        "route.settled(names_in(predicate))", "",
        (f"{FROM}test_the_latest_value_is_not_sought_where_it_is_not_known",),
    ),
)

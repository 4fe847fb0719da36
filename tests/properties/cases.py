"""How many random cases stand behind each property: these numbers, and no others, are used.

A case is one random operation in a random world (P1, P2, P5), one random set of rules under which
every use is decided for every caller (P3, P4), one random series of epochs with all answers of two
workers meanwhile (P6), one random column (P7), or one random request (P8).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

ORACLE_WORLDS, ORACLE_MANY_WORLDS = 600, 3_000
KEYED_WORLDS = 150
ORACLE_OPERATIONS = 3
TWIN_WORLDS, TWIN_MANY_WORLDS = 200, 2_000
TWIN_OPERATIONS = 4
GOVERNED_WORLDS, GOVERNED_TWIN_WORLDS, GOVERNED_MANY_WORLDS = 100, 50, 500
GOVERNED_OPERATIONS = 3
ORDERS, ORDERS_MANY = 60, 400
LIMITS, LIMITS_MANY = 80, 400
PERMITS, PERMITS_MANY = 60, 400
LABELS, LABELS_MANY = 80, 400
DOOR_WORLDS, DOOR_MANY_WORLDS = 20, 200
DOOR_OPERATIONS = 3
EPOCH_SERIES, EPOCH_MANY_SERIES = 4, 40
MASKED_COLUMNS = 100
"""For each kind of mask and scalar."""
FORMULA_BUNDLES, FORMULA_REQUESTS = 30, 10
FORMULA_MANY_BUNDLES, FORMULA_MANY_REQUESTS = 250, 40
CEDAR_BUNDLES, CEDAR_MANY_BUNDLES = 25, 2_000
CEDAR_REQUESTS = 5


class Stands(msgspec.Struct, frozen=True):
    """A test that stands for a property."""

    property: str
    test: str
    fast: int
    """Cases in `make test`."""
    many: int
    """Further cases in `make test-all`."""


def cases_of(masks: int) -> Sequence[Stands]:
    """Every test with its cases; `masks`: how many kinds of mask and scalar are tried."""
    oracle, twin, governed = ORACLE_OPERATIONS, TWIN_OPERATIONS, GOVERNED_OPERATIONS
    laws = "tests/policies/test_properties.py"
    return (
        Stands(
            "P1", "tests/properties/test_oracle.py",
            ORACLE_WORLDS * oracle, ORACLE_MANY_WORLDS * oracle,
        ),
        Stands("P1", "tests/properties/test_keyed_oracle.py", KEYED_WORLDS * oracle, 0),
        Stands(
            "P2", "tests/properties/test_non_interference.py",
            TWIN_WORLDS * twin, TWIN_MANY_WORLDS * twin,
        ),
        Stands(
            "P1", "tests/properties/test_governed.py::test_answer_equals_masked_view",
            GOVERNED_WORLDS * governed, GOVERNED_MANY_WORLDS * governed,
        ),
        Stands(
            "P2", "tests/properties/test_governed.py::test_hidden_data_changes_nothing",
            GOVERNED_TWIN_WORLDS * governed, GOVERNED_MANY_WORLDS * governed,
        ),
        Stands("P3", f"{laws}::test_another_limit_never_discloses_more", LIMITS, LIMITS_MANY),
        Stands("P3", f"{laws}::test_one_permit_less_never_discloses_more", PERMITS, PERMITS_MANY),
        Stands("P3", f"{laws}::test_a_stricter_label_never_discloses_more", LABELS, LABELS_MANY),
        Stands("P4", f"{laws}::test_order_and_names_do_not_matter", ORDERS, ORDERS_MANY),
        Stands(
            "P5", "tests/properties/test_doors_alike.py",
            DOOR_WORLDS * DOOR_OPERATIONS, DOOR_MANY_WORLDS * DOOR_OPERATIONS,
        ),
        Stands(
            "P6", "tests/hub/rollout/test_serving.py::test_no_answer_mixes_epochs",
            EPOCH_SERIES, EPOCH_MANY_SERIES,
        ),
        Stands("P7", "tests/policies/test_masks.py::test_laws", MASKED_COLUMNS * masks, 0),
        Stands(
            "P8", "tests/policies/prove/test_equal_decisions.py",
            FORMULA_BUNDLES * FORMULA_REQUESTS, FORMULA_MANY_BUNDLES * FORMULA_MANY_REQUESTS,
        ),
        Stands(
            "P8", "tests/policies/prove/test_cedar.py",
            CEDAR_BUNDLES * CEDAR_REQUESTS, CEDAR_MANY_BUNDLES * CEDAR_REQUESTS,
        ),
    )  # fmt: skip

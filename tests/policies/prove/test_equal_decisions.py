"""The formulas decide as the engine does, and the engine as Cedar does."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from policies.meet import rank
from policies.prove.witness import ruled
from schema.model.entity import RowLabel
from schema.model.use import FieldUse
from tests.policies.fixture import PACKS, use
from tests.policies.prove.bundles import THING, Proof, bundles, engine_of, row_labels
from tests.properties import cases

MODES = (
    ("filter_eq", None), ("sort", None), ("group", None), ("aggregate", "avg"),
    ("aggregate", "min"), ("join", None), ("see_metadata", None), ("export", None),
)  # fmt: skip
USES: tuple[FieldUse, ...] = (
    *(use(f"Thing.{name}") for name in THING.fields),
    *(
        use(f"Thing.{name}", mode, function)  # type: ignore[arg-type]
        for name in THING.fields
        for mode, function in MODES
    ),
    *(use("Thing", mode) for mode in ("list", "open", "count")),  # type: ignore[arg-type]
    use("Thing.incomes", "traverse"),
)


def compare(
    texts: list[str], chance: random.Random, requests: int, labels: Sequence[RowLabel] = ()
) -> None:
    """Ask both about every use, for some requests."""
    proof = Proof(engine_of(texts, labels))
    table = proof.engine.tables.types[THING.name]
    for _ in range(requests):
        witness = proof.request(chance)
        if witness is None:
            continue
        exists = proof.holds(proof.decisions.exists(table))
        for asked in USES:
            got, _ = ruled(proof.engine, witness, asked)
            name = asked.coordinate.partition(".")[2]
            if asked.mode == "project":
                cell = table.cells[table.cell_of[name]]  # type: ignore[index]
                shown = proof.decisions.shown(table, cell)
                said = [seen for seen, where in shown.items() if exists and proof.holds(where)]
                if proof.uses.is_exact(asked):
                    assert said == ([] if got is None else [got]), (asked, witness)
                elif got is not None:
                    # what hangs on rows that the caller may not read is limited in all rows
                    assert len(said) == 1, (asked, witness)
                    ours, theirs = (rank(one, PACKS.preference) for one in (said[0], got))
                    assert ours <= theirs, (asked, witness)
                continue
            allowed = proof.uses.allowed(asked)
            most, least = proof.holds(allowed.most), proof.holds(allowed.least)
            assert most or got is None, (asked, witness)
            assert got is not None or not (least and exists), (asked, witness)
            if proof.uses.is_exact(asked):
                assert most == least == (got is not None), (asked, witness)


@settings(max_examples=cases.FORMULA_BUNDLES, deadline=None)
@given(bundles, st.integers(0, 2**32))
def test_formulas_decide_as_the_engine_does(texts: list[str], number: int) -> None:
    compare(texts, random.Random(number), cases.FORMULA_REQUESTS)


@settings(max_examples=30, deadline=None)
@given(bundles, row_labels, st.integers(0, 2**32))
def test_formulas_decide_as_the_engine_does_where_labels_depend_on_the_row(
    texts: list[str], labels: list[RowLabel], number: int
) -> None:
    compare(texts, random.Random(number), 10, labels)


@pytest.mark.slow
@pytest.mark.timeout(900)
@seed(9)
@settings(max_examples=200, deadline=None)
@given(bundles, row_labels, st.integers(0, 2**32))
def test_formulas_decide_as_the_engine_does_in_many_rows_with_labels(
    texts: list[str], labels: list[RowLabel], number: int
) -> None:
    compare(texts, random.Random(number), 30, labels)


@pytest.mark.slow
@pytest.mark.timeout(900)
@seed(8)
@settings(max_examples=cases.FORMULA_MANY_BUNDLES, deadline=None)
@given(bundles, st.integers(0, 2**32))
def test_formulas_decide_as_the_engine_does_ten_thousand_times(
    texts: list[str], number: int
) -> None:
    compare(texts, random.Random(number), cases.FORMULA_MANY_REQUESTS)

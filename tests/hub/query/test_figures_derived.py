"""What can be worked out from figures: never one over fewer than `k` persons."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.memory import EVERYTHING
from connectors.spi import Capabilities
from policies.obligation import AggregateOnly
from tests.hub.query.counted import BARE, figures

Cell = tuple[Any, ...]
Row = Mapping[str, Any]
FIELDS = ("area", "kind")
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "holder": st.sampled_from([f"p{n}" for n in range(14)]),
            "area": st.sampled_from(["a", "b", "c", None]),
            "kind": st.sampled_from(["x", "y"]),
            "flag": st.sampled_from([1, 1, 1, 2, None]),
            "income": st.sampled_from([1, 10, 100, None]),
        }
    ),
    max_size=60,
)
FILTERED = st.sampled_from([False, True])


def groupings() -> Iterable[tuple[str, ...]]:
    return chain.from_iterable(combinations(FIELDS, n) for n in range(len(FIELDS) + 1))


def asked(of: str, over: Sequence[str], filtered: bool) -> str:
    words = [f"groupBy: [{', '.join(over).upper()}]"] if over else []
    words += ["filter: {flag: {eq: 1}}"] if filtered else []
    group = f"group {{ {' '.join(over)} }}" if over else ""
    where = f"({', '.join(words)})" if words else ""
    return f"{{ {of}Aggregate{where} {{ {group} count sum {{ income }} }} }}"


def cells(rows: Iterable[Row], over: Sequence[str]) -> dict[Cell, list[Row]]:
    found: dict[Cell, list[Row]] = {} if over else {(): list(rows)}
    for row in rows if over else ():
        found.setdefault(tuple(row[name] for name in over), []).append(row)
    return found


def people(rows: Iterable[Row], person: str) -> int:
    return len({row[person] for row in rows})


def run(
    rows: Sequence[Row], person: str, k: int, able: Capabilities, *, filtered: bool
) -> dict[tuple[str, ...], dict[Cell, tuple[int | None, int | None]]]:
    """By fields grouped by: each group that is shown, its count and its sum."""
    if person == "number":
        held = [{**row, "number": f"p{n}"} for n, row in enumerate(rows)]
        small, of = figures(AggregateOnly(k), citizens=held, capabilities=able), "citizens"
    else:
        held = [{**row, "jobNumber": f"j{n}"} for n, row in enumerate(rows)]
        small, of = figures(AggregateOnly(k), jobs=held, capabilities=able), "jobs"
    found = {}
    for over in groupings():
        told = asyncio.run(small.ask(asked(of, over, filtered)))["data"][f"{of}Aggregate"]
        found[over] = {
            tuple(row["group"][name] for name in over) if over else (): (
                row["count"],
                None if row["sum"]["income"] is None else int(row["sum"]["income"]),
            )
            for row in told
        }
    return found


def enough(rows: Iterable[Row], person: str, k: int) -> bool:
    return people(rows, person) in (0, *range(k, 100))


@settings(max_examples=40, deadline=None)
@given(
    ROWS, st.sampled_from(["number", "holder"]), st.integers(2, 6),
    st.sampled_from([EVERYTHING, BARE]), FILTERED,
)  # fmt: skip
def test_no_figure_over_few_persons_is_shown_or_left_by_subtraction(
    rows: list[dict[str, Any]], person: str, k: int, able: Capabilities, filtered: bool
) -> None:
    rows = [{**row, "number": f"p{n}"} for n, row in enumerate(rows)]
    answers = run(rows, person, k, able, filtered=filtered)
    kept = [row for row in rows if not filtered or row["flag"] == 1]
    out = [row for row in rows if row not in kept]
    valued = [row for row in kept if row["income"] is not None]
    for over, shown in answers.items():
        whole, lost = cells(kept, over), cells(out, over)
        for cell, (count, total) in shown.items():
            if count is not None:
                assert count == len(whole[cell])
                assert people(whole[cell], person) >= k
                assert enough(lost.get(cell, ()), person, k)
            if total is not None:
                held = [row for row in whole[cell] if row["income"] is not None]
                assert total == sum(row["income"] for row in held)
                assert people(held, person) >= k
                assert enough((r for r in lost.get(cell, ()) if r["income"] is not None), person, k)
        for under in groupings():
            if set(under) < set(over):
                left_over(under, over, answers, (kept, valued), person, k)


def left_over(
    under: tuple[str, ...],
    over: tuple[str, ...],
    answers: Mapping[tuple[str, ...], Mapping[Cell, tuple[int | None, int | None]]],
    rows: tuple[Sequence[Row], Sequence[Row]],
    person: str,
    k: int,
) -> None:
    """What each coarser figure leaves when the finer ones that are shown are taken from it."""
    for measure, counted in enumerate(rows):
        shown = {cell for cell, row in answers[over].items() if row[measure] is not None}
        hidden = [
            row for row in counted if tuple(row[name] for name in over) not in shown
        ]  # fmt: skip
        for cell, part in cells(hidden, under).items():
            if answers[under].get(cell, (None, None))[measure] is not None:
                assert enough(part, person, k)
        if person == "number":
            # a figure that is withheld is not made up of finer ones either
            for cell, part in cells(counted, under).items():
                if answers[under].get(cell, (None, None))[measure] is None and part:
                    rest = [r for r in part if tuple(r[name] for name in over) not in shown]
                    assert rest


@pytest.mark.parametrize("person", ["number", "holder"])
def test_the_same_groups_are_hidden_in_whatever_order_they_are_asked(person: str) -> None:
    rows = [
        {"holder": f"p{n}", "area": "abc"[n % 3], "kind": "xy"[n % 7 == 0], "flag": 1, "income": n}
        for n in range(40)
    ]
    told = run(rows, person, 5, EVERYTHING, filtered=False)
    small = run(rows[::-1], person, 5, BARE, filtered=False)
    for over, shown in told.items():
        assert {cell: count for cell, (count, _) in shown.items()} == {
            cell: count for cell, (count, _) in small[over].items()
        }

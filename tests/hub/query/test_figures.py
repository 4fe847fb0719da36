"""Figures alone: what is suppressed, refused, rounded and said of it."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.memory import EVERYTHING
from connectors.spi import Capabilities
from hub.query.request import Request
from policies.obligation import AggregateOnly
from schema.model.predicate import Compare, Const
from tests.hub.query.counted import BARE, by_area, citizens, figures
from tests.hub.query.small import SUBJECT

TEN = AggregateOnly(10)
BY_AREA = "{ citizensAggregate(groupBy: AREA) { group { area } count } }"
TOTAL = "{ citizensAggregate { count sum { income } } }"
WITHHELD = {"count": None, "sum": {"income": None}}
ABLE = pytest.mark.parametrize("able", [EVERYTHING, BARE], ids=["taken", "left over"])


def text(where: str, more: str = "") -> str:
    return f"{{ citizensAggregate(filter: {where}{more}) {{ count sum {{ income }} }} }}"


@pytest.mark.asyncio
@ABLE
async def test_groups_of_enough_persons_are_all_there(able: Capabilities) -> None:
    people = citizens((10, "a", "x"), (12, "b", "x"))
    told = await figures(TEN, citizens=people, capabilities=able).ask(BY_AREA)
    assert by_area(told) == {"a": 10, "b": 12}


@pytest.mark.asyncio
@ABLE
async def test_a_small_group_takes_the_next_smallest_with_it(able: Capabilities) -> None:
    people = citizens((30, "a", "x"), (7, "b", "x"), (12, "c", "x"), (11, "d", "x"))
    small = figures(TEN, citizens=people, capabilities=able)
    assert by_area(await small.ask(BY_AREA)) == {"a": 30, "c": 12}
    # 60 - 42 = 18 is a figure over 18 persons
    assert (await small.ask(TOTAL))["data"]["citizensAggregate"][0]["count"] == 60


@pytest.mark.asyncio
async def test_small_groups_that_hide_each_other_take_no_other() -> None:
    people = citizens((30, "a", "x"), (7, "b", "x"), (3, "c", "x"))
    assert by_area(await figures(TEN, citizens=people).ask(BY_AREA)) == {"a": 30}


@pytest.mark.asyncio
async def test_none_and_few_look_the_same() -> None:
    bodies = [
        await figures(TEN, citizens=citizens((many, "a", "x"))).ask(ask)
        for many in (0, 9)
        for ask in (BY_AREA, TOTAL)
    ]
    assert bodies[0] == bodies[2]
    assert bodies[1] == bodies[3]
    assert bodies[1]["data"] == {"citizensAggregate": [WITHHELD]}


@pytest.mark.asyncio
async def test_rows_outside_the_row_filter_do_not_count() -> None:
    people = citizens((9, "a", "x"), (30, "b", "x"))
    rows = {"Citizen": Compare("area", "eq", Const("a"), "String")}
    assert by_area(await figures(TEN, citizens=people, rows=rows).ask(BY_AREA)) == {}


@pytest.mark.asyncio
@ABLE
async def test_many_rows_of_one_person_are_one_person(able: Capabilities) -> None:
    jobs = [
        {"jobNumber": f"j{n}", "holder": f"p{n % 9}", "area": "a", "income": n} for n in range(90)
    ]
    ask = "{ jobsAggregate { count countDistinct { holder } avg { income } } }"
    withheld = {"count": None, "countDistinct": {"holder": None}, "avg": {"income": None}}
    told = await figures(TEN, jobs=jobs, capabilities=able).ask(ask)
    assert told["data"] == {"jobsAggregate": [withheld]}
    told = await figures(AggregateOnly(9), jobs=jobs, capabilities=able).ask(ask)
    (row,) = told["data"]["jobsAggregate"]
    assert row == {"count": 90, "countDistinct": {"holder": 9}, "avg": {"income": 44.5}}


@pytest.mark.asyncio
@ABLE
async def test_a_figure_over_one_field_is_over_those_who_have_a_value(able: Capabilities) -> None:
    people = citizens((20, "a", "x"), (20, "b", "x"), (20, "c", "x"))
    for row in people[:15]:
        row["income"] = None
    ask = "{ citizensAggregate(groupBy: AREA) { group { area } count sum { income } } }"
    told = await figures(TEN, citizens=people, capabilities=able).ask(ask)
    assert by_area(told) == {"a": 20, "b": 20, "c": 20}
    sums = [row["sum"]["income"] for row in told["data"]["citizensAggregate"]]
    # the total less the third would be the sum over five
    assert sums == [None, None, str(sum(range(40, 60)))]


@pytest.mark.asyncio
@ABLE
async def test_what_a_filter_leaves_out_is_nobody_or_enough(able: Capabilities) -> None:
    people = citizens((40, "a", "x"))
    for row in people[:3]:
        row["flag"] = None
    small = figures(TEN, citizens=people, capabilities=able)
    told = await small.ask(text("{flag: {eq: 1}}"))
    assert told["data"] == {"citizensAggregate": [WITHHELD]}
    told = await small.ask(text('{area: {eq: "a"}}'))
    assert told["data"]["citizensAggregate"][0]["count"] == 40
    for row in people[:10]:
        row["flag"] = 2
    told = await figures(TEN, citizens=people, capabilities=able).ask(text("{flag: {eq: 1}}"))
    assert told["data"]["citizensAggregate"][0]["count"] == 30


@pytest.mark.asyncio
async def test_what_a_filter_leaves_out_counts_in_every_group() -> None:
    people = citizens((30, "a", "x"), (30, "b", "x"), (30, "c", "x"))
    for row in [*people[:3], *people[30:40]]:
        row["flag"] = 2
    ask = "{ citizensAggregate(filter: {flag: {eq: 1}}, groupBy: AREA) { group { area } count } }"
    # 3 of `a` are left out, 10 of `b`: together they are enough
    assert by_area(await figures(TEN, citizens=people).ask(ask)) == {"c": 30}


@pytest.mark.asyncio
async def test_those_left_out_who_have_a_value() -> None:
    people = citizens((40, "a", "x"))
    for row in people[:12]:
        row.update(flag=2, income=None)
    people[0]["income"] = 5
    told = await figures(TEN, citizens=people).ask(text("{flag: {eq: 1}}"))
    assert told["data"] == {"citizensAggregate": [{"count": 28, "sum": {"income": None}}]}


@pytest.mark.asyncio
async def test_two_dimensions_are_covered_each() -> None:
    people = citizens(
        (10, "a", "x"), (20, "a", "y"), (30, "a", "z"),
        (40, "b", "x"), (3, "b", "y"), (50, "b", "z"),
        (60, "c", "x"), (70, "c", "y"), (80, "c", "z"),
    )  # fmt: skip
    ask = "{ citizensAggregate(groupBy: [AREA, KIND]) { group { area kind } count } }"
    told = await figures(TEN, citizens=people).ask(ask)
    shown = {
        (row["group"]["area"], row["group"]["kind"]) for row in told["data"]["citizensAggregate"]
    }
    hidden = {(row["area"], row["kind"]) for row in people} - shown
    assert ("b", "y") in hidden
    for place in (0, 1):
        for value in {cell[place] for cell in hidden}:
            assert len([cell for cell in hidden if cell[place] == value]) > 1
    assert len(hidden) == 4


@pytest.mark.asyncio
async def test_counts_are_rounded_and_means_are_not() -> None:
    people = citizens((13, "a", "x"))
    ask = "{ citizensAggregate { count countDistinct { area income } avg { income } } }"
    told = await figures(AggregateOnly(10, 5), citizens=people).ask(ask)
    (row,) = told["data"]["citizensAggregate"]
    assert row == {
        "count": 15, "countDistinct": {"area": 0, "income": 15}, "avg": {"income": 6.0}
    }  # fmt: skip


@pytest.mark.asyncio
async def test_each_row_counts_where_no_field_is_personal_data() -> None:
    trees = [{"treeNumber": f"t{n}", "area": "a"} for n in range(12)]
    told = await figures(TEN, trees=trees).ask("{ treesAggregate { count } }")
    assert told["data"] == {"treesAggregate": [{"count": 12}]}


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "asked",
    [
        "{ citizensAggregate(groupBy: [AREA, KIND]) { count } }",
        "{ visitsAggregate { count } }",
        "{ visits { totalCount } }",
        "{ a: citizensAggregate { count } "
        "b: citizensAggregate(filter: {flag: {eq: 1}}) { count } }",
        "{ citizens(filter: {flag: {eq: 1}}) { totalCount } citizensAggregate { count } }",
        "query($a: Int, $b: Int) { a: citizensAggregate(filter: {flag: {eq: $a}}) { count } "
        "b: citizensAggregate(filter: {flag: {eq: $b}}) { count } }",
    ],
)
async def test_refused_before_any_source_is_called(asked: str) -> None:
    small = figures(AggregateOnly(2, dimensions=1), citizens=citizens((20, "a", "x")))
    assert await small.code(asked, {"a": 1, "b": 2} if "$a" in asked else None) == "AGGREGATE_ONLY"


@pytest.mark.asyncio
async def test_one_filter_may_be_used_as_often_as_wanted() -> None:
    where = "filter: {flag: {eq: 1}}"
    ask = (
        f"{{ a: citizensAggregate({where}) {{ count }} citizens({where}) {{ totalCount }} "
        f"b: citizensAggregate({where}, groupBy: AREA) {{ count }} treesAggregate {{ count }} }}"
    )
    told = await figures(TEN, citizens=citizens((20, "a", "x"))).ask(ask)
    assert told["data"] == {
        "a": [{"count": 20}], "citizens": {"totalCount": 20}, "b": [{"count": 20}],
        "treesAggregate": [{"count": None}],
    }  # fmt: skip


@pytest.mark.asyncio
@pytest.mark.parametrize(("many", "total"), [(0, None), (9, None), (10, 10), (13, 15)])
async def test_totals_of_lists(many: int, total: int | None) -> None:
    people = citizens((many, "a", "x"))
    ask = "{ citizens(first: 1) { all: totalCount nodes { jobs(first: 1) { totalCount } } } }"
    told = await figures(AggregateOnly(10, 5), citizens=people).ask(ask)
    assert told["data"]["citizens"]["all"] == total
    for row in told["data"]["citizens"]["nodes"]:
        assert row == {"jobs": {"totalCount": None}}
    note = {"outcome": "aggregate_only", "code": "AGGREGATE_ONLY", "k": 10}
    assert told["extensions"]["governance"]["fields"] == {
        "citizens.all": note, "citizens.nodes.jobs.totalCount": note
    }  # fmt: skip


@pytest.mark.asyncio
async def test_the_note_and_the_calls_do_not_depend_on_the_data() -> None:
    ask = (
        "{ few: citizensAggregate(filter: {flag: {eq: 1}}, groupBy: AREA) "
        "{ group { area } count s: sum { i: income __typename } } }"
    )
    told: list[tuple[int, Any]] = []
    for groups in ([], [(3, "a", "x")], [(30, "a", "x"), (3, "b", "x")]):
        small = figures(TEN, citizens=citizens(*groups))
        told.append(((await small.ask(ask))["extensions"], small.calls))
    note = {"outcome": "aggregate_only", "code": "AGGREGATE_ONLY", "k": 10}
    fields = {"few.count": note, "few.s.i": note}
    assert told == [({"governance": {"fields": fields}}, 2)] * 3


@pytest.mark.asyncio
async def test_whoever_has_no_such_duty_pays_nothing() -> None:
    people = citizens((3, "a", "x"))
    for asked in (TOTAL, text("{flag: {eq: 1}}"), "{ citizens { totalCount } }"):
        request = Request(text=asked, variables={}, subject=SUBJECT, purpose="p")
        plain, bound = (figures(b, citizens=people) for b in (None, TEN))
        told = await plain.ask(asked)
        assert "extensions" not in told
        assert plain.calls == 1
        assert "Suppress" not in plain.pipeline.plan_text(request)
        assert "Suppress under 10 persons" in bound.pipeline.plan_text(request)
        assert ("Outside" in bound.pipeline.plan_text(request)) == ("filter" in asked)

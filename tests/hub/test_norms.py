"""Codes, dates, money and units in the hub's norms: answers, filters, policies, what is told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from hub.query.request import Request
from hub.registry.webhook import Event
from tests.hub.normed import DESK, FRAGMENT, ROWS, asking, csv_file, sqlite_file
from tests.postgres import postgres_url
from tests.properties.oracle import _all, _any, _not, _operator

__all__ = ["postgres_url"]
ALL = "{ residents(first: 50) { nodes { number sex region born paid land } } }"
NORMED = [
    {"number": "1", "sex": "1", "region": "330105", "born": "1990-01-02", "paid": "12.50",
     "land": "2000.00"},
    {"number": "2", "sex": "2", "region": "330105", "born": "2001-02-03", "paid": "0.00",
     "land": "666.67"},
    {"number": "3", "sex": "2", "region": "330104", "born": None, "paid": "0.99", "land": None},
    {"number": "4", "sex": "X", "region": "330110", "born": None, "paid": None,
     "land": "1333.33"},
    {"number": "5", "sex": None, "region": "999999", "born": None, "paid": "1.00",
     "land": "6666.67"},
    {"number": "6", "sex": "0", "region": "330106001", "born": "2000-02-29", "paid": "-0.05",
     "land": "0.00"},
    {"number": "7", "sex": "1", "region": None, "born": None, "paid": "12.51",
     "land": "4666.67"},
]  # fmt: skip
SEEN = {
    "residents.nodes.sex": {"unknown": 1},
    "residents.nodes.region": {"divided": 2, "unknown": 1},
    "residents.nodes.born": {"unread": 3},
}


def of_sqlite(home: Path, rows: Any = ROWS) -> dict[str, str]:
    connect = sqlite_file(home / "civil.sqlite", rows)
    return {"civil": FRAGMENT.format(kind="sql", connect=connect)}


async def check_answers(home: Path, fragments: Mapping[str, str]) -> None:
    async with asking(home, fragments) as hub:
        told = await hub.told(ALL, norms=True)
        assert told["data"]["residents"]["nodes"] == NORMED
        (error,) = told["errors"]
        assert error["extensions"]["code"] == "SOURCE_BAD_DATA"
        assert error["extensions"]["department"] == "civil-affairs"
        assert error["path"] == ["residents", "nodes", "born"]
        assert told["extensions"]["norms"] == SEEN
        assert "norms" not in (await hub.told(ALL))["extensions"]
        figures = "{ residentsAggregate { sum { paid land } min { born paid } max { born } } }"
        (row,) = (await hub.told(figures))["data"]["residentsAggregate"]
        assert row == {
            "sum": {"paid": "26.95", "land": "15333.34"},
            "min": {"born": "1990-01-02", "paid": "-0.05"},
            "max": {"born": "2001-02-03"},
        }


@pytest.mark.asyncio
async def test_values_of_a_database_and_of_a_file_come_in_the_norm(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    await check_answers(tmp_path / "a", of_sqlite(tmp_path / "a"))
    connect = csv_file(tmp_path / "b" / "residents.csv")
    await check_answers(tmp_path / "b", {"civil": FRAGMENT.format(kind="files", connect=connect)})


@pytest.mark.asyncio
async def test_values_of_postgresql_come_in_the_norm_though_dates_are_numbers(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = create_engine(postgres_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS residents"))
        connection.execute(
            text(
                "CREATE TABLE residents (number text PRIMARY KEY, sex text, region varchar(9),"
                " born integer, paid bigint, land numeric(8, 0))"
            )
        )
        for number, sex, region, born, paid, land in ROWS:
            whole = int(born) if born is not None and born.isdigit() else None
            values = {"n": number, "s": sex, "r": region, "b": whole, "p": paid, "l": land}
            connection.execute(
                text("INSERT INTO residents VALUES (:n, :s, :r, :b, :p, :l)"), values
            )
    engine.dispose()
    monkeypatch.setenv("CIVIL_DB_URL", postgres_url)
    fragment = FRAGMENT.format(kind="sql", connect='{url: "${env:CIVIL_DB_URL}"}')
    async with asking(tmp_path, {"civil": fragment}) as hub:
        told = await hub.told(ALL, norms=True)
        assert told["data"]["residents"]["nodes"] == NORMED
        assert told["extensions"]["norms"]["residents.nodes.born"] == {"unread": 2}
        for wanted, numbers in (
            ('{born: {eq: "2001-02-03"}}', ["2"]),
            ('{born: {ge: "1990-01-02"}}', ["1", "2", "6"]),
            ('{region: {in: ["330105", "330110"]}}', ["1", "2", "4"]),
            ('{paid: {between: ["0.99", "12.5"]}}', ["1", "3", "5"]),
        ):
            found = await hub.nodes(f"{{ residents(filter: {wanted}) {{ nodes {{ number }} }} }}")
            assert [row["number"] for row in found] == numbers, wanted


@pytest.mark.asyncio
async def test_what_can_be_asked_exactly_is_asked_of_the_source(tmp_path: Path) -> None:
    async with asking(tmp_path, of_sqlite(tmp_path)) as hub:

        def plan(args: str) -> str:
            asked = f"{{ residents({args}) {{ nodes {{ number }} }} }}"
            return hub.hub.pipeline.plan_text(Request(text=asked, subject=DESK))

        for args in (
            'filter: {born: {eq: "1990-01-02"}}',
            'filter: {paid: {ge: "0.99"}}, orderBy: [PAID_DESC]',
            'filter: {region: {eq: "330105"}, not: {sex: {eq: "1"}}}',
        ):
            assert "left to the hub" not in plan(args)
            assert "LIMIT" in plan(args)
        for args, where in (
            ('filter: {born: {gt: "1990-01-02"}}', 'WHERE t."born" > ?'),
            ('filter: {not: {born: {eq: "1990-01-02"}}}', "WHERE"),
            ('filter: {land: {gt: "1000"}}', ""),
        ):
            assert "left to the hub after that" in plan(args)
            assert "LIMIT" not in plan(args)
            assert where in plan(args)


ODD_ROWS = [
    (str(n), sex, region, born, paid, land)
    for n, (sex, region, born, paid, land) in enumerate(
        zip(
            ["M", "F", None, "W", "?", "1", "q"] * 6,
            ["330103", "330105", "330104", None, "350681", "350604", "9"] * 6,
            ["19900102", "", "20010203", "19991301", None, "20000229", "abcdefgh"] * 6,
            [0, 5, None, 1250, -7, 100, 5] * 6,
            [None, 1, 2, 3, 4, 5, 6] * 6,
            strict=True,
        )
    )
]
_SEXES = {"M": "1", "F": "2", "W": "2", "?": "0"}
_REGIONS = {"330103": "330105", "350681": "350604"}
_DATES = {"19900102": "1990-01-02", "20010203": "2001-02-03", "20000229": "2000-02-29"}


def _plain(row: tuple[Any, ...]) -> dict[str, Any]:
    """The row in the norm, written down without the hub's conversions."""
    number, sex, region, born, paid, land = row
    mu = None if land is None else round(Fraction(land * 2000, 3) * 100)
    return {
        "number": number,
        "sex": _SEXES.get(sex, sex),
        "region": _REGIONS.get(region, region),
        "born": _DATES.get(born),
        "paid": None if paid is None else format(Decimal(paid) / 100, ".2f"),
        "land": None if mu is None else format(Decimal(mu) / 100, ".2f"),
    }


KINDS = {"sex": "String", "region": "String", "born": "Date", "paid": "Decimal", "land": "Decimal"}
POOL = {
    "sex": ["0", "1", "2", "M", "q", "?"],
    "region": ["330103", "330105", "330104", "350604", "350681", "9"],
    "born": ["1990-01-02", "2000-02-29", "2001-02-03", "1999-12-31", "2024-01-01"],
    "paid": ["0", "0.05", "-0.07", "12.5", "1.00", "0.005", "3"],
    "land": ["0", "666.67", "2000", "1333.333", "5000"],
}


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    field = draw(st.sampled_from(sorted(POOL)))
    value = st.sampled_from(POOL[field])
    op = draw(st.sampled_from(["eq", "ne", "in", "lt", "le", "gt", "ge", "isNull", "between"]))
    if op == "isNull":
        told: Any = draw(st.booleans())
    elif op == "in":
        told = draw(st.lists(value, max_size=3))
    elif op == "between":
        told = [draw(value), draw(value)]
    else:
        told = draw(value)
    return {field: {op: told}}


FILTERS = st.recursive(
    conditions(),
    lambda below: st.one_of(
        st.lists(below, min_size=1, max_size=3).map(lambda parts: {"and": parts}),
        st.lists(below, min_size=1, max_size=3).map(lambda parts: {"or": parts}),
        below.map(lambda part: {"not": part}),
    ),
    max_leaves=5,
)


def _meets(row: dict[str, Any], wanted: dict[str, Any]) -> bool | None:
    found: list[bool | None] = []
    for name, said in wanted.items():
        if name in ("and", "or"):
            parts = [_meets(row, part) for part in said]
            found.append(_all(parts) if name == "and" else _any(parts))
        elif name == "not":
            found.append(_not(_meets(row, said)))
        else:
            found += [_operator(op, KINDS[name], row[name], value) for op, value in said.items()]
    return _all(found)


def test_filters_mean_the_values_in_the_norm(tmp_path: Path) -> None:
    """The answer is the filter over the normalised rows, whatever is asked of the source."""
    rows = [_plain(row) for row in ODD_ROWS]
    asked = (
        "query($f: ResidentFilter!, $o: [ResidentOrder!]) { residents(first: 50, filter: $f,"
        " orderBy: $o) { totalCount nodes { number sex region born paid land } } }"
    )
    loop = asyncio.new_event_loop()
    opened = asking(tmp_path, of_sqlite(tmp_path, ODD_ROWS))
    hub = loop.run_until_complete(opened.__aenter__())

    @settings(max_examples=120)
    @given(wanted=FILTERS, order=st.sampled_from(["BORN_DESC", "PAID_ASC", "LAND_DESC", "SEX_ASC"]))
    def holds(wanted: dict[str, Any], order: str) -> None:
        variables = {"f": wanted, "o": [order]}
        request = Request(text=asked, subject=DESK, variables=variables)
        told = orjson.loads(loop.run_until_complete(hub.hub.pipeline.answer(request)).body)
        page = told["data"]["residents"]
        expected = [row for row in rows if _meets(row, wanted) is True]
        assert page["totalCount"] == len(expected)
        found = sorted(page["nodes"], key=lambda row: int(row["number"]))
        assert found == expected
        name, way = order.lower().rsplit("_", 1)
        shown = [row[name] for row in page["nodes"]]
        number = Decimal if name in ("paid", "land") else str
        known = [number(value) for value in shown if value is not None]
        assert known == sorted(known, reverse=way == "desc")

    try:
        holds()
    finally:
        loop.run_until_complete(opened.__aexit__(None, None, None))
        loop.close()


IN_REGION = """\
policy: own-region
effect: permit
subjects: {app: desk}
resources: {types: ["*"]}
modes: all
when: {eq: [row.region, subject.region]}
"""
GROWN = """\
policy: grown
effect: permit
subjects: {app: desk}
resources: {types: ["*"]}
modes: all
when: {younger_than: [row.born, 100]}
"""
MASKED = """\
policy: open
effect: permit
subjects: {app: [desk, other]}
resources: {types: ["*"]}
modes: all
---
policy: years
effect: require
subjects: {app: other}
resources: {fields: [Resident.born]}
outcome: {mask: {generalise: {to: year}}}
---
policy: no-region
effect: forbid
subjects: {app: other}
resources: {fields: [Resident.region]}
"""


@pytest.mark.asyncio
async def test_row_filters_go_by_the_norm(tmp_path: Path) -> None:
    """Rows that still have the old code of the caller's region are the caller's."""
    async with asking(tmp_path, of_sqlite(tmp_path), IN_REGION) as hub:
        rows = await hub.nodes("{ residents { nodes { number region } } }")
        assert rows == [{"number": "1", "region": "330105"}, {"number": "2", "region": "330105"}]
        one = await hub.told('{ resident(number: "3") { number } }')
        assert one["data"] == {"resident": None}


@pytest.mark.asyncio
async def test_row_filters_look_at_what_was_converted(tmp_path: Path) -> None:
    """Texts that are no dates compare as texts in the source; their rows are nobody's."""
    async with asking(tmp_path, of_sqlite(tmp_path), GROWN) as hub:
        rows = await hub.nodes("{ residents(orderBy: [NUMBER_ASC]) { nodes { number born } } }")
        assert [row["number"] for row in rows] == ["1", "2", "6"]
        one = await hub.told('{ resident(number: "7") { number } }')
        assert one["data"] == {"resident": None}
        (row,) = (await hub.told("{ residentsAggregate { count } }"))["data"]["residentsAggregate"]
        assert row == {"count": 3}


@pytest.mark.asyncio
async def test_masks_are_over_the_norm_and_what_is_masked_tells_nothing(tmp_path: Path) -> None:
    async with asking(tmp_path, of_sqlite(tmp_path), MASKED) as hub:
        asked = "{ residents(first: 50) { nodes { number born region } } }"
        told = await hub.told(asked, app="other", norms=True)
        years = [row["born"] for row in told["data"]["residents"]["nodes"]]
        assert years == ["1990-01-01", "2001-01-01", None, None, None, "2000-01-01", None]
        assert told["extensions"]["norms"] == {}
        assert all(error["path"][-1] != "born" for error in told.get("errors", ()))
        assert set((await hub.told(asked, norms=True))["extensions"]["norms"]) == {
            "residents.nodes.born",
            "residents.nodes.region",
        }


@pytest.mark.asyncio
async def test_owners_are_told_figures_once_a_day(tmp_path: Path) -> None:
    async with asking(tmp_path, of_sqlite(tmp_path), MASKED) as hub:
        watch = hub.hub._health
        sent: list[Event] = []
        watch._send = sent.append  # type: ignore[method-assign]
        watch.tell_outside()
        assert sent == []
        # the owner is told of what a masked answer met too
        await hub.told(ALL, app="other")
        watch.tell_outside()
        figures = [(one.data["field"], one.data["state"], one.data["count"]) for one in sent]
        assert {one.type for one in sent} == {"source.outside_norm"}
        assert figures == [
            ("Resident.sex", "unknown", 1),
            ("Resident.born", "unread", 3),
        ]
        assert {one.data["department"] for one in sent} == {"civil-affairs"}
        told = str([one.data for one in sent])
        assert not any(value in told for value in ("X", "00000000", "1990-1-2"))
        await hub.told(ALL, app="other")
        watch.tell_outside()
        assert len(sent) == 2


@pytest.mark.asyncio
async def test_the_schema_names_the_norm_and_the_meaning_of_its_codes(tmp_path: Path) -> None:
    async with asking(tmp_path, of_sqlite(tmp_path)) as hub:
        asked = '{ __type(name: "Resident") { fields { name description } } }'
        told = (await hub.told(asked))["data"]["__type"]["fields"]
        said = {one["name"]: one["description"] for one in told}
        assert said["sex"].splitlines() == [
            "Codes: `gb-t-2261.1`, Codes of the sexes · 人的性别代码",
            "- `0` not known · 未知的性别",
            "- `1` male · 男性",
            "- `2` female · 女性",
            "- `9` not stated · 未说明的性别",
        ]
        assert said["region"].startswith("Codes: `gb-t-2260`, Administrative divisions")
        assert len(said["region"].splitlines()) == 1
        assert said["paid"] == "Unit: CNY"
        assert said["number"] is None


@pytest.mark.asyncio
async def test_a_question_that_is_no_yes_or_no_is_refused(tmp_path: Path) -> None:
    async with asking(tmp_path, of_sqlite(tmp_path)) as hub:
        told = await hub.told(ALL, norms="yes")
        assert told["errors"][0]["extensions"]["code"] == "MALFORMED_REQUEST"

"""Converted values where sources, relations, keys, pages and related filters meet."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from hub.query.request import Request
from tests.hub.normed import DESK, asking

CIVIL = """\
hub: 1
source: {{name: civil, department: civil-affairs, kind: sql,
         connect: {{url: "sqlite:///{home}/civil.sqlite"}}}}
types:
  Resident:
    key: [number]
    from: {{table: residents}}
    label: internal
    share: unconditional
    fields:
      number: {{type: String}}
      born: {{type: Date, from_format: yyyymmdd}}
  Payment:
    key: [day, number]
    from: {{table: payments}}
    label: internal
    share: unconditional
    fields:
      day: {{type: Date, from_format: dd.mm.yyyy}}
      number: {{type: String}}
      amount: {{type: Decimal, unit: CNY, from_unit: fen}}
relations:
  Resident.payments: {{to: "[Payment]", match: {{number: number}}}}
  Resident.birthday: {{to: Holiday, match: {{born: day}}}}
  Payment.payer: {{to: Resident, match: {{number: number}}}}
  Payment.holiday: {{to: Holiday, match: {{day: day}}}}
"""
TAX = """\
hub: 1
source: {{name: tax, department: tax, kind: sql,
         connect: {{url: "sqlite:///{home}/tax.sqlite"}}}}
types:
  Resident:
    extend: true
    key: [number]
    from: {{table: payers}}
    label: internal
    share: unconditional
    fields:
      number: {{}}
      since: {{type: Date, from_format: yyyy/mm/dd}}
  Holiday:
    key: [day]
    from: {{table: holidays}}
    label: internal
    share: unconditional
    fields:
      day: {{type: Date, from_format: yyyymmdd}}
      name: {{type: String}}
"""


def fragments(home: Path) -> dict[str, str]:
    with sqlite3.connect(home / "civil.sqlite") as one:
        one.execute("CREATE TABLE residents (number TEXT PRIMARY KEY, born TEXT)")
        one.execute("CREATE TABLE payments (day TEXT, number TEXT, amount INTEGER)")
        one.executemany(
            "INSERT INTO residents VALUES (?, ?)",
            [("1", "20000101"), ("2", "19991231"), ("3", "?"), ("4", None), ("5", "20000101")],
        )
        one.executemany(
            "INSERT INTO payments VALUES (?, ?, ?)",
            [
                ("01.01.2020", "1", 100), ("31.12.2019", "1", 250), ("01.02.2020", "2", 5),
                ("??.??.????", "2", 9_000),
            ],
        )  # fmt: skip
    with sqlite3.connect(home / "tax.sqlite") as two:
        two.execute("CREATE TABLE payers (number TEXT PRIMARY KEY, since TEXT)")
        two.execute("CREATE TABLE holidays (day INTEGER PRIMARY KEY, name TEXT)")
        two.executemany(
            "INSERT INTO payers VALUES (?, ?)", [("1", "2010/05/01"), ("2", "never"), ("4", None)]
        )
        two.executemany(
            "INSERT INTO holidays VALUES (?, ?)",
            [(20000101, "New Year 2000"), (20200101, "New Year 2020")],
        )
    return {"civil": CIVIL.format(home=home), "tax": TAX.format(home=home)}


@pytest.mark.asyncio
async def test_fields_of_another_source_and_relations_go_by_converted_values(
    tmp_path: Path,
) -> None:
    async with asking(tmp_path, fragments(tmp_path)) as hub:
        asked = (
            "{ residents { nodes { number since birthday { name } payments(orderBy: [DAY_ASC],"
            " first: 2) { nodes { day amount holiday { name } } } } } }"
        )
        told = await hub.told(asked, norms=True)
        rows = told["data"]["residents"]["nodes"]
        new_year = {"name": "New Year 2000"}
        assert [row["birthday"] for row in rows] == [new_year, None, None, None, new_year]
        assert [row["since"] for row in rows] == ["2010-05-01", None, None, None, None]
        assert rows[0]["payments"]["nodes"] == [
            {"day": "2019-12-31", "amount": "2.50", "holiday": None},
            {"day": "2020-01-01", "amount": "1.00", "holiday": {"name": "New Year 2020"}},
        ]
        assert rows[1]["payments"]["nodes"][1] == {"day": None, "amount": "90.00", "holiday": None}
        assert told["extensions"]["norms"] == {
            "residents.nodes.since": {"unread": 1},
            "residents.nodes.payments.nodes.day": {"unread": 1},
        }
        paths = {tuple(error["path"]) for error in told["errors"]}
        assert ("residents", "nodes", "since") in paths
        assert {error["extensions"]["department"] for error in told["errors"]} == {
            "civil-affairs",
            "tax",
        }


@pytest.mark.asyncio
async def test_rows_of_one_statement_are_converted_where_they_are_nested(tmp_path: Path) -> None:
    async with asking(tmp_path, fragments(tmp_path)) as hub:
        asked = "{ payments(orderBy: [AMOUNT_ASC]) { nodes { amount payer { number born } } } }"
        told = await hub.told(asked)
        assert told["data"]["payments"]["nodes"] == [
            {"amount": "0.05", "payer": {"number": "2", "born": "1999-12-31"}},
            {"amount": "1.00", "payer": {"number": "1", "born": "2000-01-01"}},
            {"amount": "2.50", "payer": {"number": "1", "born": "2000-01-01"}},
            {"amount": "90.00", "payer": {"number": "2", "born": "1999-12-31"}},
        ]
        assert "nested j0" in hub.hub.pipeline.plan_text(Request(text=asked, subject=DESK))


@pytest.mark.asyncio
async def test_rows_are_found_by_converted_keys(tmp_path: Path) -> None:
    async with asking(tmp_path, fragments(tmp_path)) as hub:
        one = await hub.told('{ payment(day: "2020-01-01", number: "1") { amount } }')
        assert one["data"]["payment"] == {"amount": "1.00"}
        none = await hub.told('{ holiday(day: "2020-01-02") { name } }')
        assert none["data"] == {"holiday": None}
        plan = hub.hub.pipeline.plan_text(
            Request(text='{ holiday(day: "2020-01-01") { name } }', subject=DESK)
        )
        assert "left to the hub" not in plan


@pytest.mark.asyncio
async def test_related_rows_are_sought_by_converted_values(tmp_path: Path) -> None:
    async with asking(tmp_path, fragments(tmp_path)) as hub:
        for wanted, numbers in (
            ('{payments: {some: {day: {gt: "2020-01-01"}}}}', ["2"]),
            ('{payments: {some: {amount: {ge: "1"}, day: {le: "2020-01-01"}}}}', ["1"]),
            ('{birthday: {name: {startsWith: "New"}}}', ["1", "5"]),
            ('{since: {lt: "2011-01-01"}}', ["1"]),
            ('{not: {since: {lt: "2011-01-01"}}}', []),
            ("{since: {isNull: true}}", ["2", "3", "4", "5"]),
        ):
            asked = f"{{ residents(filter: {wanted}) {{ nodes {{ number }} }} }}"
            assert [row["number"] for row in await hub.nodes(asked)] == numbers, wanted


BLIND = """\
policy: open
effect: permit
subjects: {app: [desk, other]}
resources: {types: ["*"]}
modes: all
---
policy: no-keys
effect: require
subjects: {app: other}
resources: {fields: [Resident.number, Holiday.day, Payment.day]}
outcome: redact
"""


@pytest.mark.asyncio
async def test_orders_that_tell_nothing_are_made_of_converted_keys(tmp_path: Path) -> None:
    async with asking(tmp_path, fragments(tmp_path), BLIND) as hub:
        asked = (
            "{ holidays { nodes { name } pageInfo { endCursor } } residents { nodes { born } } }"
        )
        told = await hub.told(asked, app="other", norms=True)
        names = [row["name"] for row in told["data"]["holidays"]["nodes"]]
        assert sorted(names) == ["New Year 2000", "New Year 2020"]
        assert told["extensions"]["norms"] == {"residents.nodes.born": {"unread": 1}}
        first = "{ holidays(first: 1) { nodes { name } pageInfo { endCursor } } }"
        page = (await hub.told(first, app="other"))["data"]["holidays"]
        cursor = page["pageInfo"]["endCursor"]
        second = f'{{ holidays(first: 1, after: "{cursor}") {{ nodes {{ name }} }} }}'
        rest = await hub.nodes(second, app="other")
        assert {page["nodes"][0]["name"], rest[0]["name"]} == set(names)


@pytest.mark.asyncio
@pytest.mark.parametrize("way", ["BORN_ASC", "BORN_DESC"])
async def test_pages_follow_the_order_of_converted_values(tmp_path: Path, way: str) -> None:
    async with asking(tmp_path, fragments(tmp_path)) as hub:
        seen: list[Any] = []
        after = ""
        for _ in range(6):
            asked = (
                f"{{ residents(first: 1, orderBy: [{way}]{after}) {{ nodes {{ number born }}"
                " pageInfo { hasNextPage endCursor } } }"
            )
            page = (await hub.told(asked))["data"]["residents"]
            seen += [row["number"] for row in page["nodes"]]
            if not page["pageInfo"]["hasNextPage"]:
                break
            after = f', after: "{page["pageInfo"]["endCursor"]}"'
        ascending = ["2", "1", "5", "3", "4"]
        assert seen == (ascending if way == "BORN_ASC" else ["3", "4", "1", "5", "2"])

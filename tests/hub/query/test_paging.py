"""Relay's paging: walks give every row once, cursors belong to one subject and connection."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.memory import EVERYTHING
from connectors.spi import Capabilities
from tests.hub.query.small import OTHER, TABLES, Small

WEAK = Capabilities(predicates=frozenset({"eq"}), max_keys=1)
ORDERS = ("NAME", "AGE", "SCORE", "BORN", "NUMBER", "HOME_CODE")
PAGE = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
WALK = f"""
query($first: Int, $after: String, $last: Int, $before: String, $order: [PersonOrder!]) {{
  persons(first: $first, after: $after, last: $last, before: $before, orderBy: $order) {{
    nodes {{ number }} edges {{ cursor node {{ number }} }} {PAGE}
  }}
}}"""


def persons(chance: Random, count: int) -> list[dict[str, Any]]:
    """Persons with many ties and nulls."""
    rows = [
        {
            "number": f"n{number}",
            "name": chance.choice([None, "", "a", "B", "王", "ab"]),
            "age": chance.choice([None, -1, 0, 7]),
            "score": chance.choice([None, "1.5", "1.50", "-2", "10"]),
            "born": chance.choice([None, "1990-01-01", "2001-02-03"]),
            "homeCode": chance.choice([None, "h1", "h2"]),
        }
        for number in range(count)
    ]
    chance.shuffle(rows)
    return rows


def small_with(rows: list[dict[str, Any]], capabilities: Capabilities = EVERYTHING) -> Small:
    return Small(
        tables={**TABLES, "civil": {**TABLES["civil"], "persons": rows}}, capabilities=capabilities
    )


async def walk(small: Small, order: list[str], size: int, *, backward: bool) -> list[str]:
    """Every number, page by page; pages read backwards are put together from the end."""
    count, cursor, bound = ("last", "before", 200) if backward else ("first", "after", 200)
    at: str | None = None
    found: list[str] = []
    for _ in range(bound):
        told = await small.ask(WALK, {count: size, cursor: at, "order": order})
        page = told["data"]["persons"]
        numbers = [node["number"] for node in page["nodes"]]
        assert numbers == [edge["node"]["number"] for edge in page["edges"]]
        cursors = [edge["cursor"] for edge in page["edges"]]
        info = page["pageInfo"]
        assert info["startCursor"] == (cursors[0] if cursors else None)
        assert info["endCursor"] == (cursors[-1] if cursors else None)
        found = numbers + found if backward else found + numbers
        if not info["hasPreviousPage" if backward else "hasNextPage"]:
            return found
        assert len(numbers) == size
        at = info["startCursor" if backward else "endCursor"]
    raise AssertionError("the walk does not end")


@pytest.mark.asyncio
@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    count=st.integers(0, 12),
    size=st.integers(1, 5),
    order=st.lists(st.sampled_from(ORDERS), max_size=3),
    weak=st.booleans(),
)
async def test_walks(seed: int, count: int, size: int, order: list[str], weak: bool) -> None:
    chance = Random(seed)
    rows = persons(chance, count)
    small = small_with(rows, WEAK if weak else EVERYTHING)
    words = [f"{word}_{chance.choice(['ASC', 'DESC'])}" for word in order]
    whole = (await small.ask(WALK, {"first": 1_000, "order": words}))["data"]["persons"]
    expected = [node["number"] for node in whole["nodes"]]
    assert sorted(expected) == sorted(row["number"] for row in rows)
    assert await walk(small, words, size, backward=False) == expected
    assert await walk(small, words, size, backward=True) == expected


@pytest.mark.asyncio
async def test_between_two_cursors() -> None:
    small = small_with(persons(Random(1), 9))
    whole = (await small.ask(WALK, {"first": 100, "order": ["AGE_DESC"]}))["data"]["persons"]
    edges = whole["edges"]
    told = await small.ask(
        WALK,
        {
            "first": 100, "after": edges[1]["cursor"], "before": edges[6]["cursor"],
            "order": ["AGE_DESC"],
        },
    )  # fmt: skip
    assert told["data"]["persons"]["edges"] == edges[2:6]


@pytest.mark.asyncio
async def test_first_of_nothing() -> None:
    page = (await Small().ask(WALK, {"first": 0}))["data"]["persons"]
    assert page["nodes"] == []
    assert page["pageInfo"]["endCursor"] is None


@pytest.mark.asyncio
async def test_nested_pages() -> None:
    """A relation's cursor goes on within the same parent."""
    text = """query($after: String) { person(number: "1") {
      jobs(first: 1, after: $after, orderBy: PAY_DESC) {
        nodes { jobId } pageInfo { hasNextPage endCursor } } } }"""
    small = Small()
    first = (await small.ask(text))["data"]["person"]["jobs"]
    assert first["nodes"] == [{"jobId": "b"}], "nulls are the largest"
    second = (await small.ask(text, {"after": first["pageInfo"]["endCursor"]}))["data"]
    assert second["person"]["jobs"] == {
        "nodes": [{"jobId": "a"}],
        "pageInfo": {
            "hasNextPage": False,
            "endCursor": second["person"]["jobs"]["pageInfo"]["endCursor"],
        },
    }


async def cursor_of(small: Small, order: list[str]) -> str:
    told = await small.ask(WALK, {"first": 1, "order": order})
    found: str = told["data"]["persons"]["edges"][0]["cursor"]
    return found


def refused(told: dict[str, Any]) -> str:
    assert "data" not in told
    code: str = told["errors"][0]["extensions"]["code"]
    return code


@pytest.mark.asyncio
async def test_cursor_of_somebody_else() -> None:
    small = Small()
    cursor = await cursor_of(small, [])
    assert "data" in await small.ask(WALK, {"after": cursor})
    calls = small.calls
    assert refused(await small.ask(WALK, {"after": cursor}, subject=OTHER)) == "BAD_CURSOR"
    assert small.calls == calls


@pytest.mark.asyncio
async def test_cursor_of_another_connection() -> None:
    small = Small()
    cursor = await cursor_of(small, ["AGE_ASC"])
    for order in ([], ["AGE_DESC"], ["BORN_ASC"], ["AGE_ASC", "BORN_ASC"]):
        told = await small.ask(WALK, {"after": cursor, "order": order})
        assert refused(told) == "BAD_CURSOR"
    homes = "query($after: String) { homes(after: $after) { nodes { code } } }"
    assert refused(await small.ask(homes, {"after": await cursor_of(small, [])})) == "BAD_CURSOR"


@pytest.mark.asyncio
async def test_forged_cursor() -> None:
    small = Small()
    cursor = await cursor_of(small, [])
    for place in range(0, len(cursor), 7):
        other = "B" if cursor[place] == "A" else "A"
        forged = cursor[:place] + other + cursor[place + 1 :]
        assert refused(await small.ask(WALK, {"after": forged})) == "BAD_CURSOR"
    assert refused(await small.ask(WALK, {"after": cursor[:-4]})) == "BAD_CURSOR"


@pytest.mark.asyncio
async def test_old_cursor() -> None:
    now = [1_000.0]
    small = Small(clock=lambda: now[0])
    cursor = await cursor_of(small, [])
    now[0] += 101
    assert refused(await small.ask(WALK, {"after": cursor})) == "BAD_CURSOR"


@pytest.mark.asyncio
async def test_cursor_tells_no_value() -> None:
    small = small_with([{**row, "name": "verysecretname"} for row in persons(Random(3), 2)])
    cursor = await cursor_of(small, ["NAME_ASC"])
    assert "verysecret" not in cursor


@pytest.mark.asyncio
@pytest.mark.parametrize("capabilities", [EVERYTHING, WEAK])
@pytest.mark.parametrize("count", ["first", "last"])
async def test_a_page_below_one_row_is_in_order(capabilities: Capabilities, count: str) -> None:
    """The last rows of a relation come in the order of the relation, as the first do."""
    text = f'{{ home(code: "h1") {{ people({count}: 5) {{ nodes {{ number }} }} }} }}'
    told = await Small(capabilities=capabilities).ask(text)
    assert told["data"]["home"]["people"]["nodes"] == [{"number": "1"}, {"number": "2"}]


NODE = "query($id: ID!) { node(id: $id) { __typename id ... on Person { name } } }"


@pytest.mark.asyncio
async def test_node() -> None:
    small = Small()
    first = (await small.ask('{ person(number: "1") { id } }'))["data"]["person"]["id"]
    told = (await small.ask(NODE, {"id": first}))["data"]["node"]
    assert told == {"__typename": "Person", "id": first, "name": "Ann"}
    assert first == (await small.ask('{ person(number: "1") { id } }'))["data"]["person"]["id"]


@pytest.mark.asyncio
@pytest.mark.parametrize("wrong", ["", "x", "zzzzzzzzzzzzzzzz", "é", "1", "A" * 9_000])
async def test_no_such_node(wrong: str) -> None:
    assert (await Small().ask(NODE, {"id": wrong}))["data"] == {"node": None}


@pytest.mark.asyncio
async def test_node_of_somebody_else() -> None:
    small = Small()
    found = (await small.ask('{ person(number: "1") { id } }'))["data"]["person"]["id"]
    calls = small.calls
    assert (await small.ask(NODE, {"id": found}, subject=OTHER))["data"] == {"node": None}
    theirs = (await small.ask('{ person(number: "1") { id } }', subject=OTHER))["data"]
    assert theirs["person"]["id"] != found
    assert small.calls == calls + 1

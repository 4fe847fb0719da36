"""Filters mean what their SQL-like reading says: three-valued, nulls never equal."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.memory import EVERYTHING
from connectors.spi import Capabilities
from tests.hub.query.small import Small

WEAK = Capabilities(predicates=frozenset(), max_keys=1)

CASES: list[tuple[str, list[str]]] = [
    ("{}", ["1", "2", "3", "4", "5"]),
    ("{name: {}}", ["1", "2", "3", "4", "5"]),
    ("{and: []}", ["1", "2", "3", "4", "5"]),
    ("{or: []}", []),
    ("{or: [{}]}", ["1", "2", "3", "4", "5"]),
    ("{not: {}}", []),
    ('{name: {eq: "Ann"}}', ["1", "4"]),
    ('{name: {ne: "Ann"}}', ["2", "3"]),
    ('{not: {name: {eq: "Ann"}}}', ["2", "3"]),
    ('{not: {not: {name: {eq: "Ann"}}}}', ["1", "4"]),
    ("{name: {isNull: true}}", ["5"]),
    ("{name: {isNull: false}}", ["1", "2", "3", "4"]),
    ("{name: {in: []}}", []),
    ("{not: {name: {in: []}}}", ["1", "2", "3", "4", "5"]),
    ('{name: {in: ["Bob", "Cid", "Cid"]}}', ["2", "3"]),
    ('{name: {in: "Bob"}}', ["2"]),
    ("{age: {gt: 20}}", ["1", "4"]),
    ("{age: {ge: 20, lt: 31}}", ["3", "5"]),
    ("{age: {between: [20, 31]}}", ["1", "3", "4", "5"]),
    ("{age: {between: [31, 20]}}", []),
    ("{not: {age: {gt: 20}}}", ["3", "5"]),
    ('{score: {eq: "1.5"}}', ["1", "4"]),
    ('{score: {in: ["1.500", "10"]}}', ["1", "4", "5"]),
    ("{score: {lt: 2}}", ["1", "2", "4"]),
    ('{born: {ge: "1990-01-01"}}', ["1", "3"]),
    ('{name: {startsWith: ""}}', ["1", "2", "3", "4"]),
    ('{name: {startsWith: "a"}}', []),
    ('{name: {contains: "n"}}', ["1", "4"]),
    ('{name: {contains: "%"}}', []),
    ('{name: {startsWith: "_"}}', []),
    ('{home: {street: {eq: "East"}}}', ["1", "2"]),
    ("{home: {street: {isNull: true}}}", ["4"]),
    ("{home: {}}", ["1", "2", "4"]),
    ("{not: {home: {}}}", ["3", "5"]),
    ('{jobs: {some: {title: {eq: "cook"}}}}', ["1", "4"]),
    ('{jobs: {none: {title: {eq: "cook"}}}}', ["2", "3", "5"]),
    ('{jobs: {every: {title: {eq: "cook"}}}}', ["2", "3", "4", "5"]),
    ("{jobs: {every: {pay: {gt: 5}}}}", ["2", "3", "4", "5"]),
    ("{jobs: {some: {}}}", ["1", "4"]),
    ('{jobs: {some: {title: {eq: "cook"}}, none: {title: {eq: "clerk"}}}}', ["4"]),
    ('{home: {people: {some: {name: {eq: "Bob"}}}}}', ["1", "2"]),
    ('{or: [{name: {eq: "Bob"}}, {jobs: {some: {pay: {ge: 30}}}}]}', ["2", "4"]),
    ("{income: {gt: 50}}", ["1"]),
    ('{not: {income: {gt: 50}}, name: {ne: "zz"}}', ["2"]),
]


@pytest.mark.asyncio
@pytest.mark.parametrize("capabilities", [EVERYTHING, WEAK], ids=["strong", "weak"])
@pytest.mark.parametrize(("given", "expected"), CASES)
async def test_filter(given: str, expected: list[str], capabilities: Capabilities) -> None:
    small = Small(capabilities=capabilities)
    told = await small.ask(f"{{ persons(filter: {given}) {{ totalCount nodes {{ number }} }} }}")
    assert "errors" not in told, told
    page = told["data"]["persons"]
    assert sorted(node["number"] for node in page["nodes"]) == expected
    assert page["totalCount"] == len(expected)


FILTER = "query($f: PersonFilter) { persons(filter: $f) { nodes { number } } }"
GIVEN: list[tuple[Any, list[str]]] = [
    (None, ["1", "2", "3", "4", "5"]),
    ({}, ["1", "2", "3", "4", "5"]),
    ({"name": {"eq": "Ann"}}, ["1", "4"]),
    ({"name": {"eq": "Bob"}}, ["2"]),
    ({"name": {"in": ["Bob"]}}, ["2"]),
    ({"name": {"in": ["Bob", "Ann"]}}, ["1", "2", "4"]),
    ({"name": {"in": []}}, []),
    ({"name": {"in": "Bob"}}, ["2"]),
    ({"name": {"isNull": True}}, ["5"]),
    ({"name": {"isNull": False}}, ["1", "2", "3", "4"]),
    ({"or": [{"age": {"eq": 31}}, {"age": {"eq": 20}}]}, ["1", "3", "4", "5"]),
    ({"or": {"age": {"eq": 31}}}, ["1", "4"]),
    ({"or": []}, []),
    ({"age": {"between": [20, 25]}}, ["3", "5"]),
    ({"age": {"between": [31, 35]}}, ["1", "4"]),
    ({"jobs": {"some": {"title": {"eq": "cook"}}}}, ["1", "4"]),
]


@pytest.mark.asyncio
async def test_whole_filter_as_variable() -> None:
    """One pipeline for all: plans kept from one shape of a variable do not answer another."""
    small = Small()
    for _ in range(2):
        for given, expected in GIVEN:
            told = await small.ask(FILTER, {"f": given})
            assert "errors" not in told, (given, told)
            numbers = sorted(node["number"] for node in told["data"]["persons"]["nodes"])
            assert numbers == expected, given


@pytest.mark.asyncio
async def test_null_part_of_a_variable_is_refused_after_a_good_one() -> None:
    small = Small()
    await small.ask(FILTER, {"f": {"name": {"eq": "Ann"}}})
    assert await small.code(FILTER, {"f": {"name": {"eq": None}}}) == "BAD_USER_INPUT"
    assert await small.code(FILTER, {"f": {"name": {"isNull": None}}}) == "BAD_USER_INPUT"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("$f: PersonFilter = {age: {in: 31}}", ["1", "4"]),
        ('$f: PersonFilter = {score: {lt: 2.0}, born: {ge: "1990-01-01"}}', ["1"]),
        ("$f: PersonFilter = {or: {age: {between: [20, 25]}}}", ["3", "5"]),
        ("$f: PersonFilter = null", ["1", "2", "3", "4", "5"]),
    ],
)
async def test_defaults(given: str, expected: list[str]) -> None:
    text = f"query({given}) {{ persons(filter: $f) {{ nodes {{ number }} }} }}"
    small = Small()
    for _ in range(2):
        told = await small.ask(text)
        assert "errors" not in told, told
        assert sorted(node["number"] for node in told["data"]["persons"]["nodes"]) == expected
    told = await small.ask(text, {"f": {"name": {"eq": "Bob"}}})
    assert told["data"]["persons"]["nodes"] == [{"number": "2"}]


@pytest.mark.asyncio
async def test_default_order_and_group() -> None:
    small = Small()
    for default in ("BORN_DESC", "[BORN_DESC]"):
        told = await small.ask(
            f"query($o: [PersonOrder!] = {default}) {{ persons(orderBy: $o, first: 3) "
            "{ nodes { number } } }"
        )
        assert told["data"]["persons"]["nodes"] == [{"number": n} for n in ("2", "5", "3")]
    told = await small.ask(
        "query($g: [PersonGroup!] = AGE) { personsAggregate(groupBy: $g) { count group { age } } }"
    )
    assert told["data"]["personsAggregate"] == [
        {"count": 2, "group": {"age": 20}},
        {"count": 2, "group": {"age": 31}},
        {"count": 1, "group": {"age": None}},
    ]

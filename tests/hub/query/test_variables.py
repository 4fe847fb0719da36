"""Variables: what of them decides a plan, numbers without loss, numbers that are none."""

from __future__ import annotations

from typing import Any

import pytest

from tests.hub.query.small import TABLES, Small

LONG = "12345678901234567.89"
SCORED = {
    **TABLES,
    "civil": {
        **TABLES["civil"],
        "persons": [{**row, "score": LONG} for row in TABLES["civil"]["persons"][:1]],
    },
}
ORDERED = "query($o: [PersonOrder!]) { persons(orderBy: $o) { nodes { number } } }"
BETWEEN = "query($r: [Int!]!) { persons(filter: {age: {between: $r}}) { totalCount } }"
FILTERED = "query($f: PersonFilter) { persons(filter: $f) { totalCount } }"
SECOND = [
    (ORDERED, {"o": ["AGE_ASC"]}, {"o": ["AGE_ASC"] * 100 + ["NUMBER_DESC"]}),
    (ORDERED, {"o": ["AGE_ASC"] * 100}, {"o": ["AGE_ASC"] * 100 + ["NO_SUCH"]}),
    (ORDERED, {"o": None}, {"o": "null"}),
    (ORDERED, {}, {"o": "absent"}),
    (BETWEEN, {"r": [20, 31]}, {"r": [20, 31, 40]}),
    (FILTERED, {"f": {"age": {"between": [20, 31]}}}, {"f": {"age": {"between": [20, 31, 40]}}}),
    (FILTERED, {"f": {"and": []}}, {"f": {"and": [5]}}),
    (FILTERED, {"f": {"and": [{"age": {"eq": 1}}]}}, {"f": {"and": [{"age": {"eq": 1}}, 5]}}),
]


@pytest.mark.asyncio
@pytest.mark.parametrize(("text", "good", "bad"), SECOND)
async def test_a_good_request_opens_no_way_for_a_bad_one(
    text: str, good: dict[str, Any], bad: dict[str, Any]
) -> None:
    small = Small()
    assert "errors" not in await small.ask(text, good)
    assert await small.code(text, bad) == "BAD_USER_INPUT"


@pytest.mark.asyncio
async def test_a_variable_that_no_type_of_the_caller_uses_is_checked_each_time() -> None:
    text = (
        'query($n: Int) { node(id: "x") { ... on Person { home { people(first: $n) { totalCount } }'
        " } } }"
    )
    small = Small()
    assert await small.ask(text, {"n": 1}) == {"data": {"node": None}}
    assert await small.code(text, {"n": "1"}) == "BAD_USER_INPUT"


@pytest.mark.asyncio
async def test_too_many_terms_in_the_document() -> None:
    orders = ", ".join(["AGE_ASC"] * 101)
    text = f"{{ persons(orderBy: [{orders}]) {{ totalCount }} }}"
    assert await Small().code(text) == "BAD_USER_INPUT"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "text",
    [
        f"query($s: Decimal = {LONG}) {{ persons(filter: {{score: {{eq: $s}}}}) "
        "{ totalCount } }",
        f"query($s: [Decimal!] = [{LONG}]) {{ persons(filter: {{score: {{in: $s}}}}) "
        "{ totalCount } }",
        f"{{ persons(filter: {{score: {{eq: {LONG}}}}}) {{ totalCount }} }}",
    ],
)
async def test_a_number_of_the_document_loses_nothing(text: str) -> None:
    """As a float it would be 12345678901234568."""
    told = await Small(tables=SCORED).ask(text)
    assert told == {"data": {"persons": {"totalCount": 1}}}
    other = text.replace(LONG, LONG[:-1] + "8")
    assert await Small(tables=SCORED).ask(other) == {"data": {"persons": {"totalCount": 0}}}


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "value",
    ["4_6540_000.00", "\uff11\uff12", "\u0661\u0662", " 12 ", "12\n", "1,5", "0x1", "NaN", "", "."],
)
async def test_text_that_is_no_plain_number(value: str) -> None:
    text = "query($s: Decimal) { persons(filter: {score: {eq: $s}}) { totalCount } }"
    small = Small()
    assert await small.code(text, {"s": value}) == "BAD_USER_INPUT"
    assert "errors" not in await small.ask(text, {"s": "12"})
    assert await small.code(text, {"s": value}) == "BAD_USER_INPUT"


@pytest.mark.asyncio
@pytest.mark.parametrize("value", ["1e99999999", "1e99999999999999999999999", "-1.5e-99999999999"])
async def test_exponents_that_would_stall(value: str) -> None:
    for text in (
        f"{{ persons(filter: {{score: {{eq: {value}}}}}) {{ totalCount }} }}",
        f"query($s: Decimal = {value}) {{ persons(filter: {{score: {{eq: $s}}}}) "
        "{ totalCount } }",
        f"query($s: Float = {value}) {{ caller {{ app @skip(if: false) }} }}",
    ):
        assert await Small().code(text) in ("BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED")

"""Documents and variables that cannot be carried out: each with its code, no source called."""

from __future__ import annotations

from typing import Any

import pytest

from hub.query.limits import Limits
from hub.query.request import Request
from tests.hub.query.small import SUBJECT, PlainEngine, Small

NESTED = "{ persons { nodes { home " + "{ people { nodes { home " * 3_300
DEEP_VALID = (
    "{ persons { nodes { home " + "{ people { nodes { home " * 6 + "{ code }" + " } } }" * 6
    + " } } }"
)  # fmt: skip


def aliases(count: int) -> str:
    return "{" + " ".join(f"a{n}: caller {{ app }}" for n in range(count)) + "}"


def directives(count: int) -> str:
    return "{caller @include(if: true) { app }" + (
        " caller {" + " ".join("app @skip(if: false)" for _ in range(count - 1)) + "}}"
    )


BAD_DOCUMENTS = [
    ("", "GRAPHQL_PARSE_FAILED"),
    ("{", "GRAPHQL_PARSE_FAILED"),
    ("{ persons { nodes { name }", "GRAPHQL_PARSE_FAILED"),
    ("{" * 10_000, "GRAPHQL_PARSE_FAILED"),
    ("{a" * 10_000 + "}" * 10_000, "TOO_DEEP"),
    ("{a" * 3_300 + "}" * 3_300, "TOO_DEEP"),
    (NESTED, "TOO_DEEP"),
    (DEEP_VALID, "TOO_DEEP"),
    ("query($a: " + "[" * 4_000 + "Int" + "]" * 4_000 + ") { caller { app } }", "TOO_DEEP"),
    ("{ persons(filter: " + "{not: " * 3_000 + "{}" + "}" * 3_000 + ") { totalCount } }",
     "TOO_DEEP"),
    ("{ " + "app " * 200_000 + "}", "TOO_MANY_TOKENS"),
    (aliases(101), "TOO_MANY_ALIASES"),
    ("{ caller { " + "app " * 51 + "} }", "TOO_MANY_ALIASES"),
    ("{ persons(first: " + "9" * 5_000 + ") { totalCount } }", "BAD_USER_INPUT"),
    ("{ persons(filter: {score: {eq: 1" + "0" * 5_000 + ".5}}) { totalCount } }",
     "BAD_USER_INPUT"),
    ("{ caller { app } } fragment A on Person { ...B } fragment B on Person { ...A }",
     "GRAPHQL_VALIDATION_FAILED"),
    ("{ persons { nodes { ...A } } } fragment A on Person { name ...A }",
     "GRAPHQL_VALIDATION_FAILED"),
    ("{ persons { nodes { nam } } }", "GRAPHQL_VALIDATION_FAILED"),
    ("{ persons(filter: {nam: {eq: \"a\"}}) { totalCount } }", "GRAPHQL_VALIDATION_FAILED"),
    ("{ persons(orderBy: [NUMBER_AS]) { totalCount } }", "GRAPHQL_VALIDATION_FAILED"),
    ("{ persons(filter: {age: {eq: \"a\"}}) { totalCount } }", "GRAPHQL_VALIDATION_FAILED"),
    ("{ persons(filter: {born: {eq: \"2001-02-30\"}}) { totalCount } }",
     "GRAPHQL_VALIDATION_FAILED"),
    ("mutation { caller { app } }", "GRAPHQL_VALIDATION_FAILED"),
    ("subscription { caller { app } }", "GRAPHQL_VALIDATION_FAILED"),
    ("{ caller { app } __schema { queryType { name } } }", "GRAPHQL_VALIDATION_FAILED"),
    ("{ __type(name: \"Person\") { name } ... on Query { persons { totalCount } } }",
     "GRAPHQL_VALIDATION_FAILED"),
    ("query A { caller { app } } query B { caller { app } }", "OPERATION_NOT_FOUND"),
    ("fragment A on Query { caller { app } }", "GRAPHQL_VALIDATION_FAILED"),
]  # fmt: skip
BAD_VALUES = [
    ("{ persons(first: -1) { totalCount } }", "BAD_USER_INPUT"),
    ("{ persons(last: -1) { totalCount } }", "BAD_USER_INPUT"),
    ("{ persons(first: 100000) { totalCount } }", "PAGE_TOO_LARGE"),
    ("{ persons(last: 1001) { totalCount } }", "PAGE_TOO_LARGE"),
    ("{ persons { nodes { jobs(first: 1001) { nodes { title } } } } }", "PAGE_TOO_LARGE"),
    ("{ persons(first: 1, last: 1) { totalCount } }", "BAD_USER_INPUT"),
    ("{ persons(filter: {name: {eq: null}}) { totalCount } }", "BAD_USER_INPUT"),
    ("{ persons(filter: {name: null}) { totalCount } }", "BAD_USER_INPUT"),
    ("{ persons(filter: {or: null}) { totalCount } }", "BAD_USER_INPUT"),
    ("{ persons(filter: {not: null}) { totalCount } }", "BAD_USER_INPUT"),
    ("{ persons(filter: {jobs: {some: null}}) { totalCount } }", "BAD_USER_INPUT"),
    ("{ persons(filter: {home: null}) { totalCount } }", "BAD_USER_INPUT"),
    ("{ persons(filter: {age: {in: [1, null]}}) { totalCount } }", "GRAPHQL_VALIDATION_FAILED"),
    ("{ persons(filter: {age: {between: [1]}}) { totalCount } }", "BAD_USER_INPUT"),
    ("{ persons(filter: {age: {in: [" + "1," * 1_001 + "]}}) { totalCount } }", "BAD_USER_INPUT"),
    ("{ persons(filter: {or: [" + "{age: {eq: 1}}," * 300 + "]}) { totalCount } }",
     "BAD_USER_INPUT"),
    ("{ persons(after: \"forged\") { totalCount } }", "BAD_CURSOR"),
    ("{ persons(after: \"\") { totalCount } }", "BAD_CURSOR"),
    ("{ persons(before: \"é\") { totalCount } }", "BAD_CURSOR"),
    ("{ persons(after: \"" + "A" * 9_000 + "\") { totalCount } }", "BAD_CURSOR"),
    ("{ persons(first: 1000) { nodes { jobs(first: 1000) { nodes { title } } } } }", "TOO_COSTLY"),
]  # fmt: skip


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("text", "code"), BAD_DOCUMENTS + BAD_VALUES, ids=lambda v: v[:40] if v.islower() else v[:60]
)
async def test_refused(text: str, code: str) -> None:
    small = Small()
    assert await small.code(text) == code
    assert await small.code(text) == code


@pytest.mark.asyncio
async def test_directives() -> None:
    small = Small(limits=Limits(max_repeats=1_000))
    assert "data" in await small.ask(directives(50))
    assert await small.code(directives(51)) == "TOO_MANY_DIRECTIVES"


@pytest.mark.asyncio
async def test_aliases_up_to_the_limit() -> None:
    assert len((await Small().ask(aliases(100)))["data"]) == 100


@pytest.mark.asyncio
async def test_nothing_is_suggested_or_named() -> None:
    """Neither messages nor hints name what the subject may not see."""
    hidden = frozenset({"Person.income", "Person.score"})
    small = Small(PlainEngine(hidden=hidden))
    for text in (
        "{ persons { nodes { incom } } }",
        "{ persons { nodes { income } } }",
        "{ persons(filter: {scor: {eq: 1}}) { totalCount } }",
        "{ persons(orderBy: SCORE_AS) { totalCount } }",
        "{ person { name } }",
    ):
        told = await small.ask(text)
        for error in told["errors"]:
            assert "did you mean" not in error["message"].lower()
            named = error["message"].replace(text, "")
            assert "score" not in named.replace("'scor'", "")
    there = await small.ask("{ persons { nodes { income } } }")
    nowhere = await small.ask("{ persons { nodes { zzzzzz } } }")
    assert str(there).replace("income", "zzzzzz") == str(nowhere)


BAD_VARIABLES: list[tuple[str, Any, str]] = [
    ("query($n: Int) { persons(first: $n) { totalCount } }", {"n": "1"}, "BAD_USER_INPUT"),
    ("query($n: Int) { persons(first: $n) { totalCount } }", {"n": [1]}, "BAD_USER_INPUT"),
    ("query($n: Int) { persons(first: $n) { totalCount } }", {"n": True}, "BAD_USER_INPUT"),
    ("query($n: Int) { persons(first: $n) { totalCount } }", {"n": 1.5}, "BAD_USER_INPUT"),
    ("query($n: Int) { persons(first: $n) { totalCount } }", {"n": -1}, "BAD_USER_INPUT"),
    ("query($n: Int) { persons(first: $n) { totalCount } }", {"n": 10**30}, "BAD_USER_INPUT"),
    ("query($n: Int) { persons(first: $n) { totalCount } }", {"n": 1_001}, "PAGE_TOO_LARGE"),
    ("query($n: Int!) { persons(first: $n) { totalCount } }", {}, "BAD_USER_INPUT"),
    ("query($n: Int!) { persons(first: $n) { totalCount } }", {"n": None}, "BAD_USER_INPUT"),
    ("query($d: Date) { persons(filter: {born: {eq: $d}}) { totalCount } }",
     {"d": "yesterday"}, "BAD_USER_INPUT"),
    ("query($d: Date) { persons(filter: {born: {eq: $d}}) { totalCount } }",
     {"d": None}, "BAD_USER_INPUT"),
    ("query($f: PersonFilter) { persons(filter: $f) { totalCount } }",
     {"f": {"nam": {"eq": "a"}}}, "BAD_USER_INPUT"),
    ("query($f: PersonFilter) { persons(filter: $f) { totalCount } }",
     {"f": {"name": {"eq": None}}}, "BAD_USER_INPUT"),
    ("query($f: PersonFilter) { persons(filter: $f) { totalCount } }",
     {"f": {"or": [{"age": {"eq": 1}}] * 3_000}}, "BAD_USER_INPUT"),
    ("query($f: PersonFilter) { persons(filter: $f) { totalCount } }",
     {"f": "name"}, "BAD_USER_INPUT"),
    ("query($i: [String!]) { persons(filter: {name: {in: $i}}) { totalCount } }",
     {"i": ["a"] * 1_001}, "BAD_USER_INPUT"),
    ("query($i: [String!]) { persons(filter: {name: {in: $i}}) { totalCount } }",
     {"i": ["a", None]}, "BAD_USER_INPUT"),
    ("query($i: [String!]) { persons(filter: {name: {in: $i}}) { totalCount } }",
     {"i": None}, "BAD_USER_INPUT"),
    ("query($o: [PersonOrder!]) { persons(orderBy: $o) { totalCount } }",
     {"o": ["NO_SUCH"]}, "BAD_USER_INPUT"),
    ("query($s: Boolean!) { caller { app @skip(if: $s) } }", {"s": "yes"}, "BAD_USER_INPUT"),
    ("query($c: String) { persons(after: $c) { totalCount } }", {"c": "zzzz"}, "BAD_CURSOR"),
    ("query($n: Int, $m: Int) { persons(first: $n) "
     "{ nodes { jobs(first: $m) { nodes { title } } } } }", {"n": 1_000, "m": 1_000},
     "TOO_COSTLY"),
]  # fmt: skip


@pytest.mark.asyncio
@pytest.mark.parametrize(("text", "variables", "code"), BAD_VARIABLES)
async def test_variables(text: str, variables: dict[str, Any], code: str) -> None:
    assert await Small().code(text, variables) == code


@pytest.mark.asyncio
async def test_bounds_hold_when_the_plan_is_known() -> None:
    """A first request with good variables opens no way for a later one with bad ones."""
    small = Small()
    text = (
        "query($n: Int, $m: Int, $i: [String!]) { persons(first: $n, filter: {name: {in: $i}}) "
        "{ nodes { jobs(first: $m) { nodes { title } } } } }"
    )
    good = {"n": 10, "m": 2, "i": ["Ann"]}
    assert "errors" not in await small.ask(text, good)
    for wrong, code in (
        ({"n": 1_001}, "PAGE_TOO_LARGE"),
        ({"m": 1_001}, "PAGE_TOO_LARGE"),
        ({"n": -1}, "BAD_USER_INPUT"),
        ({"n": "1"}, "BAD_USER_INPUT"),
        ({"n": 1_000, "m": 1_000}, "TOO_COSTLY"),
        ({"i": ["a"] * 1_001}, "BAD_USER_INPUT"),
        ({"i": ["a", 1]}, "BAD_USER_INPUT"),
        ({"i": ["a", None]}, "BAD_USER_INPUT"),
        ({"i": [["a"]]}, "BAD_USER_INPUT"),
    ):
        assert await small.code(text, {**good, **wrong}) == code


@pytest.mark.asyncio
async def test_messages_hold_no_value() -> None:
    small = Small()
    told = await small.ask(
        "query($d: Date) { persons(filter: {born: {eq: $d}}) { totalCount } }", {"d": "s3cret"}
    )
    assert "s3cret" not in str(told)


@pytest.mark.asyncio
async def test_named_operation() -> None:
    small = Small()
    text = "query A { caller { app } } query B { caller { tier } }"
    assert (await small.ask(text, operation_name="B"))["data"] == {"caller": {"tier": None}}
    told = await small.ask(text, operation_name="C")
    assert told["errors"][0]["extensions"]["code"] == "OPERATION_NOT_FOUND"


@pytest.mark.asyncio
async def test_introspection_calls_no_source() -> None:
    small = Small()
    told = await small.ask('{ __type(name: "Person") { fields { name } } __typename }')
    assert {"name": "income"} in told["data"]["__type"]["fields"]
    assert small.calls == 0


def test_refusals_raise_from_plan_too() -> None:
    with pytest.raises(Exception, match="negative"):
        Small().pipeline.plan_text(
            Request(text="{ persons(first: -1) { totalCount } }", subject=SUBJECT)
        )

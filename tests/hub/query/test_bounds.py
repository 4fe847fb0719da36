"""What a short document can come to is bounded while it is walked, before it has cost anything."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from connectors.memory import EVERYTHING
from hub.query.answer import Request
from hub.query.limits import Limits
from hub.query.steps import ListPlan, Node
from tests.hub.drafted import answers
from tests.hub.query.small import SUBJECT, Small

CHINOOK = Path(__file__).parents[2] / "data" / "chinook.sqlite"
SPREADS = "{ ...F0 } " + " ".join(
    f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(60)
) + " fragment F60 on Query { caller { app } }"  # fmt: skip


def doubling(levels: int, aliases: str = "abcde") -> str:
    """Each level is spread once for each alias of the one above."""
    levelled = " ".join(
        f"fragment F{n} on Person {{ "
        + " ".join(f"{a}{n}: home {{ people {{ nodes {{ ...F{n + 1} }} }} }}" for a in aliases)
        + " }"
        for n in range(levels)
    )
    last = f"fragment F{levels} on Person {{ name }}"
    return f"{{ persons {{ nodes {{ ...F0 }} }} }} {levelled} {last}"


def fragments(count: int, fields: str = "app") -> str:
    spreads = " ".join(f"...F{n}" for n in range(count))
    held = " ".join(f"fragment F{n} on Caller {{ {fields} }}" for n in range(count))
    return f"{{ caller {{ {spreads} }} }} {held}"


def managers(levels: int, aliases: str) -> str:
    """Relations to one, all of one source."""
    held = " ".join(
        f"fragment F{n} on Employee {{ employeeId "
        + " ".join(f"{a}{n}: reportsToEmployee {{ ...F{n + 1} }}" for a in aliases)
        + " }"
        for n in range(levels)
    )
    last = f"fragment F{levels} on Employee {{ firstName }}"
    return f"{{ employees {{ nodes {{ ...F0 }} }} }} {held} {last}"


@pytest.mark.asyncio
async def test_a_fragment_spread_twice_is_walked_once() -> None:
    """Without that, each of the 60 levels doubles the time."""
    assert (await Small().ask(SPREADS))["data"] == {"caller": {"app": "one"}}


@pytest.mark.asyncio
async def test_a_fragment_that_was_off_is_walked_again_when_it_is_on() -> None:
    text = (
        "query($no: Boolean!) { caller { ...A @include(if: $no) ...A } } "
        "fragment A on Caller { app tier }"
    )
    small = Small()
    assert (await small.ask(text, {"no": False}))["data"] == {
        "caller": {"app": "one", "tier": None}
    }


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("text", "code"),
    [
        (doubling(7), "TOO_COSTLY"),
        (fragments(101), "TOO_MANY_FRAGMENTS"),
        ("{ caller { " + "...F " * 501 + "} } fragment F on Caller { app }", "TOO_MANY_FRAGMENTS"),
        (fragments(100, "app " * 50), "TOO_MANY_ALIASES"),
        ("{ caller { " + "... { app } " * 2_400 + "} }", "TOO_MANY_ALIASES"),
        ("{ caller { app } } " + doubling(7)[len("{ persons { nodes { ...F0 } } }") :],
         "TOO_COSTLY"),
    ],
    ids=["aliases", "fragments", "spreads", "repeats", "inline repeats", "unused"],
)  # fmt: skip
async def test_refused_while_it_is_walked(text: str, code: str) -> None:
    began = time.perf_counter()
    assert await Small().code(text) == code
    assert time.perf_counter() - began < 20


@pytest.mark.asyncio
async def test_fragments_up_to_the_limit() -> None:
    assert (await Small().ask(fragments(100)))["data"] == {"caller": {"app": "one"}}


@pytest.mark.asyncio
async def test_the_budget_counts_what_a_face_makes_of_a_document() -> None:
    """`node` collects its fields once for each type that may come."""
    text = (
        '{ node(id: "x") { id '
        + " ".join(f"... on Person {{ a{n}: name }}" for n in range(30))
        + "}}"
    )
    assert await Small(limits=Limits(max_fields=80)).code(text) == "TOO_COSTLY"
    assert await Small(limits=Limits(max_fields=300)).ask(text) == {"data": {"node": None}}


@pytest.mark.asyncio
async def test_a_field_stands_where_it_first_was_on() -> None:
    small = Small()
    text = "{ caller { tier @skip(if: true) app tier } }"
    assert list((await small.ask(text))["data"]["caller"]) == ["app", "tier"]
    person = '{ person(number: "1") { number @include(if: false) ...A age number } } '
    person += "fragment A on Person { name }"
    assert list((await small.ask(person))["data"]["person"]) == ["name", "age", "number"]


def test_relations_past_the_cap_are_fetched_by_key() -> None:
    """Eighty relations to one in one statement are more than SQLite and SQLAlchemy carry."""
    wide = managers(4, "abc")
    few, many = managers(3, "abc"), {"max_joins": 10_000}
    assert answers(CHINOOK, [(few, {})], max_joins=5) == answers(CHINOOK, [(few, {})], **many)
    (found,) = answers(CHINOOK, [(wide, {})])
    assert len(found["employees"]["nodes"]) == 8
    least = {"employeeId": 1, "a0": None, "b0": None, "c0": None}
    assert found["employees"]["nodes"][0] == least


def test_joins_of_one_statement_are_counted_over_all_levels() -> None:
    small = Small(capabilities=EVERYTHING, limits=Limits(max_joins=2))
    text = (
        "{ persons { nodes { a: home { people { nodes { home { code } } } } b: home { code } } } }"
    )
    request = Request(text=text, subject=SUBJECT, purpose="p")
    (root,) = small.pipeline.plan(request).roots
    assert isinstance(root, ListPlan)
    assert joins(root.node) == 2
    (root,) = Small().pipeline.plan(request).roots
    assert isinstance(root, ListPlan)
    assert joins(root.node) == 4


def joins(node: Node) -> int:
    return sum((link.fetch is None) + joins(link.node) for link in node.links)


@pytest.mark.asyncio
async def test_fetches_of_one_plan_are_bounded() -> None:
    text = (
        "{ persons { nodes { "
        + " ".join(f"a{n}: jobs {{ nodes {{ pay }} }}" for n in range(9))
        + "}}}"
    )
    assert await Small(limits=Limits(max_fetches=9)).code(text) == "TOO_COSTLY"
    assert "errors" not in await Small(limits=Limits(max_fetches=10)).ask(text)

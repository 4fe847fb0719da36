"""Where a caller may not sort by a key, no order, page or cursor tells of it: rows come by a
digest that is another one for each subject."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from typing import Any

import msgspec
import orjson
import pytest

from connectors.memory import EVERYTHING
from connectors.spi import Capabilities
from hub.query.answer import Request
from policies.ruling import Allow, Masked, Outcome, Reject
from schema.model.catalogue import Catalogue
from schema.model.names import FieldName, TypeName
from schema.model.subject import Subject
from tests.hub.query.small import CATALOGUE, OTHER, SECRET, SUBJECT, TABLES, PlainEngine, Small

BLIND: dict[tuple[str, str], Outcome] = {
    ("Person.number", "project"): Masked("partial", (("keep_last", 1),)),
    ("Person.number", "sort"): Reject(),
    ("Job.jobId", "sort"): Reject(),
}
WEAK = [
    EVERYTHING,
    Capabilities(predicates=EVERYTHING.predicates, orders=True, limits=True, max_keys=100),
    Capabilities(max_keys=1),
]
SEEN = "{ persons { nodes { name number } } }"


def numbers(count: int) -> list[str]:
    """Keys whose masked form is the same."""
    return [f"{number:03}7" for number in range(count)]


def persons(keys: Sequence[str], names: Sequence[str] | None = None) -> list[dict[str, Any]]:
    named = names or [f"p{place}" for place in range(len(keys))]
    return [
        {"number": key, "name": name, "age": 1, "score": None, "born": None, "homeCode": "h1"}
        for key, name in zip(keys, named, strict=True)
    ]


def world(
    rows: list[dict[str, Any]],
    able: Capabilities = EVERYTHING,
    outcomes: dict[tuple[str, str], Outcome] | None = None,
    jobs: list[dict[str, Any]] | None = None,
    catalogue: Catalogue = CATALOGUE,
) -> Small:
    civil = {**TABLES["civil"], "persons": rows}
    hr = {"jobs": jobs} if jobs is not None else TABLES["hr"]
    return Small(
        PlainEngine(catalogue, outcomes=BLIND if outcomes is None else outcomes),
        tables={**TABLES, "civil": civil, "hr": hr},
        capabilities=able,
    )


def with_one_job() -> Catalogue:
    """Persons with a relation to one of their jobs, whichever the Hub takes."""
    person = CATALOGUE.types[TypeName("Person")]
    jobs = person.relations[FieldName("jobs")]
    one = msgspec.structs.replace(jobs, name=FieldName("job"), many=False)
    person = msgspec.structs.replace(person, relations={**person.relations, one.name: one})
    return msgspec.structs.replace(CATALOGUE, types={**CATALOGUE.types, person.name: person})


def digest(key: str, subject: Subject = SUBJECT, type_name: str = "Person") -> str:
    """The order's own account of itself, made without the Hub's code."""
    sealing = hmac.digest(SECRET, b"hub-seal-1:blind", "sha512")
    salt = hmac.digest(sealing, orjson.dumps([subject.id, type_name]), "sha256").hex()[:32]
    return hashlib.sha256(f"{salt}{len(key)}:{key}".encode()).hexdigest()


async def names_of(small: Small, text: str = SEEN, **more: Any) -> list[str]:
    told = await small.ask(text, **more)
    return [node["name"] for node in told["data"]["persons"]["nodes"]]


@pytest.mark.asyncio
@pytest.mark.parametrize("able", WEAK)
async def test_rows_come_by_digest_and_not_by_key(able: Capabilities) -> None:
    rows = persons(numbers(30))
    found = await names_of(world(rows, able))
    assert found == [row["name"] for row in sorted(rows, key=lambda row: digest(row["number"]))]
    assert found != [row["name"] for row in rows]


@pytest.mark.asyncio
async def test_a_sortable_key_is_the_order() -> None:
    rows = persons(numbers(30))
    allowed = {**BLIND, ("Person.number", "sort"): Allow()}
    assert await names_of(world(rows[::-1], outcomes=allowed)) == [row["name"] for row in rows]


@pytest.mark.asyncio
async def test_equal_masked_views_differ_in_nothing_that_the_key_decides() -> None:
    """The same people with other numbers: over many worlds each place is taken alike often by
    whoever has the least number, so nobody can tell who that is."""
    places = []
    for shift in range(60):
        keys = [f"{shift:02}{number}7" for number in range(4)]
        places.append((await names_of(world(persons(keys)))).index("p0"))
    assert all(5 <= places.count(place) <= 27 for place in range(4)), places


@pytest.mark.asyncio
async def test_another_subject_has_another_order() -> None:
    small = world(persons(numbers(30)))
    mine, theirs = await names_of(small), await names_of(small, subject=OTHER)
    assert sorted(mine) == sorted(theirs)
    assert mine != theirs
    assert mine == await names_of(small)
    assert len(small.pipeline._plans) == 1, "subjects of one class share the plan"


@pytest.mark.asyncio
async def test_types_with_the_same_keys_have_orders_of_their_own() -> None:
    """Else the n-th person would have the n-th job, although nobody may follow the relation."""
    keys = numbers(30)
    jobs = [{"jobId": key, "personNumber": None, "title": key, "pay": 1} for key in keys]
    small = world(persons(keys, keys), jobs=jobs)
    told = (await small.ask("{ jobs { nodes { title } } }"))["data"]["jobs"]["nodes"]
    by_job = [node["title"] for node in told]
    assert by_job == sorted(keys, key=lambda key: digest(key, type_name="Job"))
    assert by_job != await names_of(small)


WALK = """query($first: Int, $after: String, $last: Int, $before: String) {
  persons(first: $first, after: $after, last: $last, before: $before ORDER) {
    nodes { name } edges { cursor }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  } }"""


async def walk(small: Small, text: str, size: int, *, backward: bool) -> list[str]:
    count, cursor = ("last", "before") if backward else ("first", "after")
    at: str | None = None
    found: list[str] = []
    for _ in range(100):
        page = (await small.ask(text, {count: size, cursor: at}))["data"]["persons"]
        names = [node["name"] for node in page["nodes"]]
        found = names + found if backward else found + names
        info = page["pageInfo"]
        if not info["hasPreviousPage" if backward else "hasNextPage"]:
            return found
        assert len(names) == size
        at = info["startCursor" if backward else "endCursor"]
    raise AssertionError("the walk does not end")


@pytest.mark.asyncio
@pytest.mark.parametrize("able", WEAK)
@pytest.mark.parametrize("order", ["", ", orderBy: AGE_ASC", ", orderBy: [BORN_DESC, AGE_DESC]"])
@pytest.mark.parametrize("size", [1, 4, 7])
async def test_pages_give_every_row_once(able: Capabilities, order: str, size: int) -> None:
    rows = persons(numbers(13))
    for place, row in enumerate(rows):
        row["age"], row["born"] = place % 3, None if place % 2 else "2000-01-01"
    small = world(rows, able)
    text = WALK.replace("ORDER", order)
    whole = await names_of(small, text, variables={"first": 100})
    assert sorted(whole) == sorted(row["name"] for row in rows)
    assert await walk(small, text, size, backward=False) == whole
    assert await walk(small, text, size, backward=True) == whole


@pytest.mark.asyncio
async def test_ties_of_an_order_are_broken_by_digest() -> None:
    rows = persons(numbers(30))
    found = await names_of(world(rows), "{ persons(orderBy: AGE_DESC) { nodes { name } } }")
    assert found == [row["name"] for row in sorted(rows, key=lambda row: digest(row["number"]))]


@pytest.mark.asyncio
async def test_relations_and_the_one_of_several_come_by_digest() -> None:
    keys = numbers(20)
    jobs = [{"jobId": key, "personNumber": "1", "title": key, "pay": 1} for key in keys]
    small = world(persons(["1"]), jobs=jobs, catalogue=with_one_job())
    text = "{ persons { nodes { jobs(first: 3) { nodes { title } } job { title } } } }"
    (person,) = (await small.ask(text))["data"]["persons"]["nodes"]
    wanted = sorted(keys, key=lambda key: digest(key, type_name="Job"))
    assert [node["title"] for node in person["jobs"]["nodes"]] == wanted[:3]
    assert person["job"]["title"] == wanted[0]


@pytest.mark.asyncio
async def test_a_cursor_of_the_key_order_is_none_of_the_blind_one() -> None:
    small = world(persons(numbers(5)))
    small.engine.outcomes[("Person.number", "sort")] = Allow()
    text = WALK.replace("ORDER", "")
    told = await small.ask(text, {"first": 1})
    cursor = told["data"]["persons"]["edges"][0]["cursor"]
    strict = world(persons(numbers(5)))
    refused = await strict.ask(text, {"first": 1, "after": cursor})
    assert refused["errors"][0]["extensions"]["code"] == "BAD_CURSOR"


@pytest.mark.asyncio
async def test_the_salt_is_in_no_plan_and_the_order_is_no_use_of_the_caller() -> None:
    small = world(persons(numbers(3)))
    await names_of(small)
    text = small.pipeline.plan_text(Request(text=SEEN, subject=SUBJECT, purpose="p"))
    assert "order blind(number)" in text
    assert small.pipeline.world.seal.blind(SUBJECT.id, "Person") not in text
    uses = [tuple(row[:2]) for row in orjson.loads(bytes(small.recorder.entries[0].fields))]
    assert ("Person.number", "sort") not in uses
    assert ("Person.number", "project") in uses


@pytest.mark.asyncio
async def test_a_caller_who_sorts_by_the_key_is_still_refused() -> None:
    small = world(persons(numbers(3)))
    assert await small.code("{ persons(orderBy: NUMBER_ASC) { nodes { name } } }") == (
        "USE_FORBIDDEN"
    )


@pytest.mark.asyncio
async def test_ids_of_short_and_long_keys_look_alike() -> None:
    small = world(persons(["1", "20", "123456789"]))
    told = (await small.ask("{ persons { nodes { id } } }"))["data"]["persons"]["nodes"]
    assert len({len(node["id"]) for node in told}) == 1

"""Side channels, through HTTP; numbers are those of the table of side channels of the design.

What a caller may not read as it is, it may not learn by filters, order, counts, errors, ids or
whether something exists. Doors that are not built are shut.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.scenarios.world import HERE, WHO, World, running

pytestmark = pytest.mark.asyncio
BENEFIT = "benefits.eligibility"
INVALID = "GRAPHQL_VALIDATION_FAILED"
EXTRA = """---
policy: clerk-aids
effect: permit
subjects: {app: desk}
resources: {fields: [Person.aids]}
modes: [traverse]
---
policy: clerk-sorts-names
effect: permit
subjects: {app: desk}
resources: {fields: [Person.name]}
modes: [project, sort, filter]
rows: {region_within: [row.region, subject.region]}
---
policy: clerk-phones
effect: permit
subjects: {app: desk}
resources: {fields: [Person.phone]}
modes: [project, filter, sort, group, aggregate]
rows: {region_within: [row.region, subject.region]}
---
policy: phones-of-the-watched
effect: require
subjects: {app: desk}
resources: {fields: [Person.phone]}
when: {eq: [row.keyWatch, "yes"]}
outcome: redact
"""


@pytest_asyncio.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    rules = (HERE / "rules.yaml").read_text(encoding="utf-8") + EXTRA
    async with running(tmp_path, monkeypatch, {"rules.yaml": rules}) as held:
        yield held


async def same_as_misspelt(
    world: World, who: str, text: str, name: str, purpose: str | None = None
) -> None:
    """Using what exists but not for this caller reads like using what does not exist."""
    other = name[:-1] + ("X" if name[-1] != "X" else "Y")
    shut = await world.ask(who, text, purpose)
    absent = await world.ask(who, text.replace(name, other), purpose)
    assert "data" not in shut
    assert shut["errors"][0]["extensions"]["code"] == INVALID
    assert str(shut) == str(absent).replace(other, name)
    assert "mean" not in str(shut)


@pytest.mark.parametrize(
    "where",
    [
        '{birthDate: {eq: "1957-03-09"}}',
        '{not: {birthDate: {gt: "1950-01-01"}}}',
        '{or: [{name: {eq: "An"}}, {and: [{birthDate: {lt: "1960-01-01"}}]}]}',
        "{birthDate: {isNull: true}}",
    ],
)
async def test_1_and_2_filters_and_presence(world: World, where: str) -> None:
    text = f"{{ persons(filter: {where}) {{ nodes {{ name }} }} }}"
    await same_as_misspelt(world, "A", text, "birthDate", BENEFIT)
    assert world.entries()[-1].sources == []


async def test_1_filters_inside_relations(world: World) -> None:
    inside = '{ persons(filter: {aids: {some: {idNo: {eq: "p1"}}}}) { nodes { name } } }'
    await same_as_misspelt(world, "T", inside, "idNo")


async def test_3_order(world: World) -> None:
    text = "{ persons(orderBy: [BIRTH_DATE_ASC]) { nodes { name } } }"
    shut = await world.ask("A", text, BENEFIT)
    assert shut["errors"][0]["extensions"]["code"] == INVALID
    orders = set()
    for app in range(12):  # nobody's default order is that of the keys for all callers
        WHO["sorter"] = {**WHO["A"], "sub": f"aid-office-{app}", "user": f"u{app}"}
        told = await world.ask("sorter", "{ persons { nodes { name } } }", BENEFIT)
        orders.add(tuple(row["name"] for row in told["data"]["persons"]["nodes"]))
    assert len(orders) > 3


async def test_4_cursors(world: World) -> None:
    page = "{ persons(first: 1, orderBy: [NAME_ASC]) { pageInfo { endCursor } nodes { name } } }"
    told = await world.ask("A", page, BENEFIT)
    cursor = told["data"]["persons"]["pageInfo"]["endCursor"]
    following = page.replace("first: 1", f'first: 1, after: "{cursor}"')
    again = await world.ask("A", following, BENEFIT)
    assert again["data"]["persons"]["nodes"] == [{"name": "Bo"}]
    for forged in (cursor[:-2] + "AA", "QW4", ""):
        text = page.replace("first: 1", f'first: 1, after: "{forged}"')
        assert await world.code("A", text, BENEFIT) == "BAD_CURSOR"
    assert await world.code("T", following) == "BAD_CURSOR"
    other = following.replace("NAME_ASC", "NAME_DESC")
    assert await world.code("A", other, BENEFIT) == "BAD_CURSOR"


async def test_5_and_6_pages_and_counts(world: World) -> None:
    text = "{ aids(first: 1%s) { totalCount pageInfo { hasNextPage endCursor } nodes { number } } }"
    first = (await world.ask("T", text % ""))["data"]["aids"]
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"]) == (2, True)
    after = f', after: "{first["pageInfo"]["endCursor"]}"'
    second = (await world.ask("T", text % after))["data"]["aids"]
    assert (second["totalCount"], second["pageInfo"]["hasNextPage"]) == (2, False)
    assert {first["nodes"][0]["number"], second["nodes"][0]["number"]} == {"a1", "a2"}


async def test_9_keys_that_join_stay_inside(world: World) -> None:
    told = await world.ask("T", "{ persons { nodes { name aids { nodes { status } } } } }")
    found = {
        row["name"]: [aid["status"] for aid in row["aids"]["nodes"]]
        for row in told["data"]["persons"]["nodes"]
    }
    assert found == {"An": ["paid"], "Bo": ["open"]}
    assert "p1" not in str(told)
    told = await world.ask("T", "{ persons { nodes { aids { nodes { idNo } } } } }")
    aids = [aid for row in told["data"]["persons"]["nodes"] for aid in row["aids"]["nodes"]]
    assert aids == [{"idNo": None}] * 2


async def test_10_relations(world: World) -> None:
    shut = "{ persons { nodes { income { amount } } } }"
    await same_as_misspelt(world, "T", shut, "income")


async def test_11_node_ids(world: World) -> None:
    told = await world.ask("A", '{ persons(filter: {name: {eq: "An"}}) { nodes { id } } }', BENEFIT)
    (row,) = told["data"]["persons"]["nodes"]
    text = '{ node(id: "%s") { __typename ... on Person { name } } }'
    own = await world.ask("A", text % row["id"], BENEFIT)
    assert own["data"]["node"] == {"__typename": "Person", "name": "An"}
    shut = [await world.ask("T", text % ident) for ident in (row["id"], "cDE", row["id"][:-2])]
    assert [told["data"] for told in shut] == [{"node": None}] * 3
    assert shut[0] == shut[1] == shut[2]


async def test_12_and_28_errors_of_sources(world: World) -> None:
    with closing(sqlite3.connect(world.folder / "psb.sqlite")) as database:
        database.execute("ALTER TABLE person RENAME TO persons_of_interest")
    told = await world.ask(
        "A", "{ persons { nodes { name } } incomes { nodes { amount } } }", BENEFIT
    )
    (error,) = told["errors"]
    assert told["data"]["persons"] is None
    assert len(told["data"]["incomes"]["nodes"]) == 2
    assert error["path"] == ["persons"]
    assert error["extensions"]["department"] == "psb"
    assert not any(word in str(told) for word in ("person_", "table", "SELECT", "sqlite", "id_no"))


async def test_12_errors_of_callers(world: World) -> None:
    text = "query ($day: Date) { persons(first: 2) { nodes { name @include(if: $day) } } }"
    told = await world.ask("A", text, BENEFIT)
    assert told["errors"][0]["extensions"]["code"] == INVALID
    told = await world.ask(
        "A", '{ persons(first: "110101199003070000") { nodes { name } } }', BENEFIT
    )
    assert "data" not in told


TYPES = """{ __schema { types { name possibleTypes { name } enumValues { name } inputFields { name }
  fields { name args { name } type { kind name ofType { kind } } } } } }"""


async def types(world: World, who: str, purpose: str | None = None) -> dict[str, dict[str, Any]]:
    told = await world.ask(who, TYPES, purpose)
    return {held["name"]: held for held in told["data"]["__schema"]["types"]}


async def test_13_nothing_bubbles(world: World) -> None:
    held = await types(world, "A", BENEFIT)
    governed = [f for name in ("Person", "Income", "Firm") for f in held[name]["fields"]]
    named = [f for f in governed if f["name"] not in ("id", "__typename")]
    assert named
    assert {f["type"]["kind"] for f in named} <= {"SCALAR", "OBJECT"}


async def test_14_each_generated_type_is_the_callers_own(world: World) -> None:
    owner = str(await types(world, "Q", "case"))
    aid, clerk = str(await types(world, "A", BENEFIT)), str(await types(world, "T"))
    for word in ("keyWatch", "KEY_WATCH"):
        assert word in owner
        assert word not in aid
        assert word not in clerk
    for word in ("hiv", "HIV", "pipeline", "Pipe"):
        assert word not in aid
        assert word not in clerk
    assert "Income" in aid
    assert "Income" not in clerk
    shapes = await types(world, "T")
    for name in ("PersonFilter", "PersonOrder", "PersonGroup", "PersonAggregate"):
        told = str(shapes.get(name))
        assert "birthDate" not in told
        assert "BIRTH_DATE" not in told
        assert "phone" not in told
        assert "PHONE" not in told


async def test_15_interfaces_name_no_hidden_type(world: World) -> None:
    held = await types(world, "T")
    assert {one["name"] for one in held["Node"]["possibleTypes"]} <= {"Person", "Aid"}
    text = '{ node(id: "cDE") { ... on Pipe { __typename } } }'
    await same_as_misspelt(world, "T", text, "Pipe")


async def test_16_aliases_and_batches(world: World) -> None:
    many = " ".join(f"a{n}: persons(first: 1) {{ nodes {{ name }} }}" for n in range(500))
    assert await world.code("A", f"{{ {many} }}", BENEFIT) in ("TOO_MANY_ALIASES", "TOO_COSTLY")
    token = world.issuer.sign(WHO["A"])
    batch = [{"query": "{ caller { app } }"}] * 2
    answer = await world.client.post(
        "/graphql", json=batch, headers={"authorization": f"Bearer {token}"}
    )
    assert answer.json()["errors"][0]["extensions"]["code"] == "BATCHING_OFF"


@pytest.mark.parametrize(
    "text",
    [
        "query ($no: Boolean = false)"
        " { incomes(filter: {amount: {gt: 1}}) @include(if: $no) { nodes { amount } } }",
        "{ ...F } fragment F on Query { incomes(orderBy: [AMOUNT_ASC]) { nodes { amount } } }",
        "query ($f: IncomeFilter = {amount: {gt: 1}}) { incomes(filter: $f) { nodes { amount } } }",
        "query Q { persons { nodes { name } } } fragment Unused on Income { idNo hidden }",
    ],
)  # fmt: skip
async def test_17_fragments_variables_and_directives(world: World, text: str) -> None:
    told = await world.ask("A", text, BENEFIT)
    assert "data" not in told
    assert told["errors"][0]["extensions"]["code"] in (INVALID, "USE_FORBIDDEN")
    assert world.entries()[-1].sources == []


async def test_18_unknown_arguments_reach_no_source(world: World) -> None:
    for text in (
        '{ persons(where: "1=1") { nodes { name } } }',
        '{ persons(filter: {name: {eq: "An", sql: "x"}}) { nodes { name } } }',
    ):
        told = await world.ask("A", text, BENEFIT)
        assert told["errors"][0]["extensions"]["code"] == INVALID
        assert world.entries()[-1].sources == []


async def persisted(world: World, who: str, digest: str, text: str | None = None) -> Any:
    body: dict[str, Any] = {
        "extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}, "purpose": BENEFIT}
    }
    if who == "T":
        del body["extensions"]["purpose"]
    token = world.issuer.sign(WHO[who])
    answer = await world.client.post(
        "/graphql",
        json=body if text is None else {**body, "query": text},
        headers={"authorization": f"Bearer {token}"},
    )
    return answer.json()


async def test_19_hashes_of_others(world: World) -> None:
    text = "{ persons { nodes { name } } }"
    digest = hashlib.sha256(text.encode()).hexdigest()
    unknown = await persisted(world, "T", digest)
    assert unknown["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"
    assert len((await persisted(world, "A", digest, text))["data"]["persons"]["nodes"]) == 4
    assert len((await persisted(world, "A", digest))["data"]["persons"]["nodes"]) == 4
    assert await persisted(world, "T", digest) == unknown
    assert len((await persisted(world, "T", digest, text))["data"]["persons"]["nodes"]) == 2


async def test_20_22_and_25_answers_are_not_kept_and_tell_no_more(world: World) -> None:
    text = "{ persons { nodes { name birthDate } } }"
    high = await world.ask("A", text, BENEFIT)
    low = await world.ask("T", text.replace(" birthDate", ""))
    assert len(high["data"]["persons"]["nodes"]) == 4
    assert len(low["data"]["persons"]["nodes"]) == 2
    token = world.issuer.sign(WHO["T"])
    answer = await world.client.post(
        "/graphql", json={"query": "{ persons { nodes { name } } }"},
        headers={"authorization": f"Bearer {token}"},
    )  # fmt: skip
    assert "no-store" in answer.headers["cache-control"]
    assert set(answer.headers) <= {"cache-control", "content-type", "content-length",
                                   "x-content-type-options", "vary"}  # fmt: skip
    told = answer.json()
    assert set(told) == {"data", "extensions"}
    assert set(told["extensions"]["governance"]) == {"label"}


async def test_21_not_found_and_not_allowed_take_the_same_way(world: World) -> None:
    told = [
        await world.ask("T", f'{{ aid(number: "{number}") {{ status }} }}')
        for number in ("a3", "none")
    ]
    assert told[0] == told[1]
    assert told[0]["data"] == {"aid": None}
    first, second = world.entries()[-2:]
    assert first.sources == second.sources == [["civil", 1, 0, True]]
    assert first.rows == second.rows


@pytest.mark.parametrize(
    "text",
    [
        "subscription { persons { nodes { name } } }",
        'mutation { reportDoubt(field: "Person.name") }',
        '{ search(text: "An") { __typename } }',
        '{ explain(field: "Person.name") }',
        "{ _service { sdl } }",
        '{ _entities(representations: [{__typename: "Person", idNo: "p1"}]) { __typename } }',
        "{ persons { nodes { name @defer } } }",
    ],
)
async def test_9_23_24_27_28_and_31_doors_that_are_shut(world: World, text: str) -> None:
    told = await world.ask("A", text, BENEFIT)
    assert "data" not in told
    assert world.entries()[-1].sources == []


@pytest.mark.parametrize(
    "path", ["/export", "/rest/persons", "/admin", "/debug", "/mcp", "/control/graphql"]
)
async def test_32_and_34_doors_that_are_not_there(world: World, path: str) -> None:
    token = world.issuer.sign(WHO["A"])
    answer = await world.client.get(path, headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 404


async def test_26_masks_do_not_tell_of_rows(world: World) -> None:
    told = await world.ask("T", "{ persons { nodes { name phone } } }")
    phones = {row["name"]: row["phone"] for row in told["data"]["persons"]["nodes"]}
    assert phones == {"An": "****", "Bo": "****"}  # Bo alone is watched


async def test_33_metrics_hold_no_value(world: World) -> None:
    await world.ask("T", '{ aid(number: "a1") { status } }')
    page = (await world.client.get("/metrics")).text
    assert "hub_operation" in page
    assert not any(word in page for word in ('"a1"', "330102001", "desk", "paid"))


async def test_34_the_doors_answer_alike(world: World) -> None:
    text = "{ persons { nodes { name birthDate phone } } }"
    posted = await world.ask("A", text, BENEFIT)
    headers = {
        "authorization": f"Bearer {world.issuer.sign(WHO['A'])}",
        "hub-purpose": BENEFIT,
        "graphql-require-preflight": "1",
    }
    got = await world.client.get("/graphql", params={"query": text}, headers=headers)
    hashed = await persisted(world, "A", hashlib.sha256(text.encode()).hexdigest(), text)
    assert posted == got.json() == hashed

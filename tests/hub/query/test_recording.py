"""What is recorded: operations, callers and counts, and never a value."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from hub.query.recording import Recording, person_hash, person_key, subject_of
from hub.store.engine import migrate, open_engine
from hub.store.recorded import Recorded, StoredOperations, read_recorded
from policies.ruling import Reject
from tests.hub.query.small import CATALOGUE, SECRET, SUBJECT, PlainEngine, Small
from tests.postgres import postgres_url  # noqa: F401  # a fixture

LETTERS = st.characters(codec="utf-8", categories=["Lu", "Ll", "Lo", "Nd"])
WORDS = st.text(LETTERS, min_size=8).map("值{}".format)
"""No word of the hub's own, such as a column of its database, begins like these."""
NAMES = st.from_regex(re.compile(r"[a-z]{9,12}\d{4}", re.ASCII), fullmatch=True)


class Memory:
    """Keeps rows in memory, or fails."""

    def __init__(self) -> None:
        self.rows: list[Recorded] = []
        self.purged: list[float] = []
        self.broken = False

    def add(self, rows: Sequence[Recorded]) -> None:
        if self.broken:
            raise OSError("the disk is full")
        self.rows += rows

    def purge(self, now: float) -> None:
        self.purged.append(now)


def noted(small: Small, records: Any, *, persons: bool = False) -> Recording:
    """Have a small world's pipeline take notes."""
    recording = Recording(records, SECRET, clock=lambda: 1_000.0)
    notes = recording.under(CATALOGUE, 7, small.pipeline.limits, persons=persons)
    small.pipeline._notes = notes
    return recording


async def recorded(*asked: tuple[str, dict[str, Any]], **more: Any) -> list[Recorded]:
    """What is recorded of requests."""
    records = Memory()
    small = Small(more.pop("engine", None))
    recording = noted(small, records, persons=more.pop("persons", False))
    for text, variables in asked:
        await small.ask(text, variables, **more)
    await recording.close()
    return records.rows


async def texts(*asked: tuple[str, dict[str, Any]], **more: Any) -> list[str]:
    return [row.operation for row in await recorded(*asked, **more)]


@pytest.mark.asyncio
async def test_what_differs_in_values_alone_is_one_operation() -> None:
    by_name = "persons(filter: {name: {eq: %s}}) { nodes { name } }"
    row, other, last = await recorded(
        ('query One { persons(filter: {name: {eq: "Ann"}}) { nodes { name } } }', {}),
        ("query Two($n: String!) { " + by_name % "$n" + " }", {"n": "Bob"}),
        ("query Two($n: String!) { " + by_name % "$n" + " }", {"n": "Cid"}),
        (
            "query ($f: PersonFilter) { persons(filter: $f) { nodes { name } } }",
            {"f": {"name": {"eq": "Dan"}}},
        ),
    )
    assert row.operation == other.operation == last.operation
    assert row.operation == "query($v1:String!){persons(filter:{name:{eq:$v1}}){nodes{name}}}"
    assert (row.name, other.name, last.name) == ("One", "Two", None)
    assert (row.asked, other.asked) == (1, 2)
    assert row.key == other.key
    assert (row.epoch, row.first_seen, row.last_seen) == (7, 1_000.0, 1_000.0)


@pytest.mark.asyncio
async def test_what_decides_the_plan_stays() -> None:
    text = """
    query Q($on: Boolean!, $order: [PersonOrder!], $null: Boolean, $age: Int = 5) {
      persons(filter: {age: {isNull: $null, in: [1, 2, 3]}, or: [{age: {gt: $age}}]}
              orderBy: $order, first: 3) {
        nodes { number name @include(if: $on) zhang: born }
      }
    }"""
    given = {"on": False, "order": ["NAME_ASC", "AGE_DESC"], "null": False}
    assert await texts((text, given)) == [
        "query($v1:Int!$v2:Int!$v3:Int!$v4:Int!){persons(filter:{age:{isNull:false in:[$v1$v2]}"
        "or:[{age:{gt:$v3}}]}orderBy:[NAME_ASC AGE_DESC]first:$v4){nodes{number name@include(if:"
        "false)a1:born}}}"
    ]


@pytest.mark.asyncio
async def test_what_is_not_given_is_left_out_and_null_stays() -> None:
    text = """query ($f: PersonFilter, $o: [PersonOrder!]) {
      persons(filter: $f, orderBy: $o) { totalCount }
    }"""
    assert await texts((text, {"f": None})) == ["{persons(filter:null){totalCount}}"]


@pytest.mark.asyncio
async def test_only_the_operation_that_was_asked_is_recorded() -> None:
    text = """
    query Ann { persons { nodes { ...Ann330106 } } }
    query Bob { homes { nodes { ...Bob } } }
    fragment Ann330106 on Person { home { ...Bob } }
    fragment Bob on Home { code }
    """
    (row,) = await recorded((text, {}), operation_name="Ann")
    assert row.operation == (
        "{persons{nodes{...F1}}}fragment F1 on Person{home{...F2}}fragment F2 on Home{code}"
    )
    assert row.name == "Ann"


@pytest.mark.asyncio
async def test_equal_figures_stay_equal() -> None:
    figure = 'personsAggregate(filter: {name: {eq: "An"}}) { count }'
    one, two = figure, figure.replace("An", "Bo")
    (same,) = await texts((f"{{ a: {one} b: {one} }}", {}))
    (other,) = await texts((f"{{ a: {one} b: {two} }}", {}))
    assert same.count("$v1") == 3
    assert "$v2" in other


@pytest.mark.asyncio
async def test_who_asks_is_told_by_attributes() -> None:
    asker = structs.replace(
        SUBJECT, user="zhang", region="3301", roles=frozenset({"b", "a"}), acr="card",
        clearance={"l": "low"}, expires_at=5.0,
    )  # fmt: skip
    asked = ("{ persons { totalCount } }", {})
    (row,) = await recorded(asked, subject=asker, network_zone="office", case_id="case 330106")
    assert (row.purpose, row.network_zone, row.acr, row.case_stated) == (
        "p",
        "office",
        "card",
        True,
    )
    assert "zhang" not in row.caller
    assert "330106" not in repr(row)
    found = subject_of(row.caller, {})
    assert found == structs.replace(asker, id="app:one", user="*", acr=None, expires_at=0.0)
    (row,) = await recorded(asked, subject=asker, persons=True)
    assert "zhang" not in row.caller
    named = {person_hash(person_key(SECRET), "zhang"): "zhang"}
    assert subject_of(row.caller, named).user == "zhang"
    assert subject_of(row.caller, {}).user in named


@pytest.mark.asyncio
async def test_what_is_refused_by_rules_is_recorded() -> None:
    text = '{ persons(filter: {name: {eq: "Ann"}}) { totalCount } }'
    engine = PlainEngine(outcomes={("Person.name", "filter_eq"): Reject()})
    assert len(await texts((text, {}), engine=engine)) == 1
    hidden = PlainEngine(hidden=frozenset({"Person.name"}))
    assert await texts((text, {}), engine=hidden) == [
        "query($v1:String!){persons(filter:{name:{eq:$v1}}){totalCount}}"
    ]


@pytest.mark.asyncio
async def test_what_no_rule_decides_is_not_recorded() -> None:
    asked = ("{ persons { totalCount } }", {})
    assert await texts(asked, purpose="330106199001011234") == []
    assert await texts(("{ zhangwei }", {}), ("{ persons(", {}), ("{ __typename ...", {})) == []
    assert await texts(("{ __schema { queryType { name } } }", {})) == []


@pytest.mark.asyncio
async def test_a_full_queue_and_a_broken_store_harm_no_answer() -> None:
    small, records = Small(), Memory()
    recording = noted(small, records)
    for number in range(2_100):
        text = f"{{ persons {{ totalCount }} }} # {number}"
        assert "data" in await small.ask(text)
    assert recording.dropped == 100
    records.broken = True
    await recording.flush()
    assert recording.dropped == 2_100
    assert records.rows == []
    records.broken = False
    assert "data" in await small.ask("{ persons { totalCount } }")
    await recording.close()
    assert [row.asked for row in records.rows] == [1]
    assert records.purged == [1_000.0]


@pytest.mark.asyncio
async def test_a_caller_that_cannot_be_written_harms_no_other() -> None:
    small, records = Small(), Memory()
    recording = noted(small, records)
    for region in ("\ud800", "3301"):
        subject = structs.replace(SUBJECT, region=region)
        assert "data" in await small.ask("{ persons { totalCount } }", subject=subject)
    await recording.close()
    assert [subject_of(row.caller, {}).region for row in records.rows] == ["3301"]
    assert recording.dropped == 1


@pytest.mark.asyncio
async def test_refused_documents_take_a_small_part_of_a_batch() -> None:
    small, records = Small(), Memory()
    recording = noted(small, records)
    for number in range(60):
        await small.ask(f"{{ nothing{number} }}")
    assert recording.dropped == 10
    await recording.close()
    assert records.rows == []


@given(
    words=st.lists(WORDS, min_size=5, max_size=5, unique=True),
    names=st.lists(NAMES, min_size=4, max_size=4, unique=True),
    number=st.integers(10**8, 2**31 - 1),
)
@settings(max_examples=25, deadline=None)
def test_no_value_ends_in_the_database(words: list[str], names: list[str], number: int) -> None:
    one, two, three, four, five = words
    alias, variable, fragment, operation = names
    text = f"""
    # {one}
    query {operation}(${variable}: String! = "{two}", $f: PersonFilter!, $n: Int, $on: Boolean!) {{
      {alias}: persons(
        filter: {{
          or: [{{name: {{in: ["{one}", ${variable}, "{three}"]}}}}, $f]
          age: {{ge: {number}}}
        }}
        first: $n
      ) {{ nodes {{ ...{fragment} }} }}
      person(number: "{four}") {{
        jobs(filter: {{title: {{contains: ${variable}}}}}) {{ totalCount }}
      }}
      node(id: "{five}") {{ id }}
    }}
    fragment {fragment} on Person {{ name {alias}: number @skip(if: $on) }}"""
    given = {
        variable: five,
        "f": {"name": {"startsWith": two}, "not": {"age": {"between": [number, number]}}},
        "n": 3,
        "on": True,
    }
    asker = structs.replace(SUBJECT, user=one)
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{folder}/state.sqlite")
        migrate(engine)
        small = Small()
        recording = noted(small, StoredOperations(engine, days=1, most=10))

        async def ask() -> None:
            await small.ask(text, given, subject=asker, case_id=two)
            await small.ask("{ personen }", given, subject=asker)
            await recording.close()

        asyncio.run(ask())
        (row,) = read_recorded(engine)
        held = b"".join(file.read_bytes() for file in Path(folder).iterdir())
        engine.dispose()
    assert row.operation.encode() in held
    for value in (*words, *names, str(number)):
        assert value.encode() not in held
    assert recording.dropped == 0


def row(operation: str, at: float, **more: Any) -> Recorded:
    return Recorded(
        **{
            "operation": operation, "name": None, "caller": "{}", "purpose": None,
            "network_zone": None, "acr": None, "case_stated": False, "epoch": 1,
            "first_seen": at, "last_seen": at, "asked": 1, **more,
        }
    )  # fmt: skip


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_workers_share_counts_and_old_ones_go(
    dialect: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path / 'state.sqlite'}"
    if dialect == "postgresql":
        url = request.getfixturevalue("postgres_url")
    engine = open_engine(url)
    migrate(engine)
    workers = [StoredOperations(engine, days=2, most=3) for _ in range(2)]
    for worker, at in zip(workers, (50.0, 20.0), strict=True):
        worker.add([row("{a}", at, name="A"), row("{a}", at + 5, name="B")])
    (found,) = read_recorded(engine)
    assert (found.asked, found.first_seen, found.last_seen) == (4, 20.0, 55.0)
    workers[0].add([row(f"{{f{n}}}", 100.0 + n, asked=2) for n in range(150)])
    assert len(read_recorded(engine)) == 151
    assert [one.operation for one in read_recorded(engine, since=248.0)] == ["{f149}", "{f148}"]
    workers[1].purge(250.0)
    assert [one.operation for one in read_recorded(engine)] == ["{f149}", "{f148}", "{f147}"]
    workers[1].purge(2 * 86_400 + 248.5)
    assert [one.operation for one in read_recorded(engine)] == ["{f149}"]
    engine.dispose()

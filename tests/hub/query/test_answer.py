"""The pipeline: decisions before data, partial failures, the record, how long rulings hold."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson
import pytest

from policies.ruling import FieldError, Masked, Null, Reject
from schema.errors import SourceError
from schema.model.predicate import Compare, Const
from tests.hub.query.small import OTHER, SUBJECT, PlainEngine, Small

SHUT = PlainEngine
SORT = ("Person.age", "sort")


def shut(*uses: tuple[str, str], code: str = "USE_FORBIDDEN") -> Small:
    return Small(PlainEngine(outcomes={use: Reject(code) for use in uses}))


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("use", "text"),
    [
        (("Person", "list"), "{ persons { nodes { name } } }"),
        (("Person", "open"), '{ person(number: "1") { name } }'),
        (("Person.number", "filter_eq"), '{ person(number: "1") { name } }'),
        (("Person", "count"), "{ persons { totalCount } }"),
        (("Person", "count"), "{ personsAggregate { count } }"),
        (("Person.age", "filter_eq"), "{ persons(filter: {age: {eq: 1}}) { nodes { name } } }"),
        (("Person.age", "filter_eq"), "{ persons(filter: {age: {isNull: true}}) { totalCount } }"),
        (
            ("Person.age", "filter_range"),
            "{ persons(filter: {not: {or: [{age: {between: [1, 2]}}]}}) { nodes { name } } }",
        ),
        (
            ("Person.name", "filter_text"),
            '{ jobs(filter: {person: {name: {startsWith: "A"}}}) { nodes { title } } }',
        ),
        (
            ("Person.jobs", "traverse"),
            '{ persons(filter: {jobs: {some: {title: {eq: "x"}}}}) { nodes { name } } }',
        ),
        (("Person.age", "sort"), "{ persons(orderBy: AGE_ASC) { nodes { name } } }"),
        (("Person.age", "group"), "{ personsAggregate(groupBy: AGE) { count } }"),
        (("Person.age", "aggregate"), "{ personsAggregate { max { age } } }"),
        (("Person.jobs", "traverse"), "{ persons { nodes { jobs { nodes { title } } } } }"),
        (("Job.pay", "sort"), "{ persons { nodes { jobs(orderBy: PAY_ASC) { totalCount } } } }"),
    ],
)
async def test_forbidden_before_any_source(use: tuple[str, str], text: str) -> None:
    small = shut(use)
    told = await small.ask(text)
    assert "data" not in told
    assert told["errors"][0]["extensions"]["code"] == "USE_FORBIDDEN"
    assert small.calls == 0
    assert [entry.outcome for entry in small.recorder.entries] == ["refused"]
    assert small.recorder.entries[0].code == "USE_FORBIDDEN"
    assert "data" in await Small().ask(text)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("{ persons(orderBy: AGE_ASC) { nodes { name } } }", {}),
        ("{ other: persons(orderBy: [NAME_ASC, AGE_DESC]) { n: nodes { x: name } } }", {}),
        ("{ ...A } fragment A on Query { persons(orderBy: AGE_ASC) { nodes { name } } }", {}),
        ("{ ... on Query { ... { persons(orderBy: AGE_ASC) { nodes { name } } } } }", {}),
        ("{ caller { app } persons(orderBy: AGE_ASC) @include(if: false) { totalCount } }", {}),
        ("{ caller { app } persons(orderBy: AGE_ASC) @skip(if: true) { totalCount } }", {}),
        (
            "query($y: Boolean!) { caller { app } ... @include(if: $y) "
            "{ persons(orderBy: AGE_ASC) { totalCount } } }",
            {"y": False},
        ),
        ("query($o: [PersonOrder!]) { persons(orderBy: $o) { totalCount } }", {"o": "AGE_ASC"}),
        ("query($o: [PersonOrder!] = AGE_ASC) { persons(orderBy: $o) { totalCount } }", {}),
        ("{ homes { nodes { people(orderBy: AGE_ASC) @skip(if: true) { totalCount } } } }", {}),
    ],
)
async def test_spelling_changes_no_decision(text: str, variables: dict[str, Any]) -> None:
    small = shut(SORT)
    told = await small.ask(text, variables)
    assert "data" not in told
    assert told["errors"][0]["extensions"]["code"] == "USE_FORBIDDEN"
    assert small.calls == 0


@pytest.mark.asyncio
async def test_codes_of_rejections() -> None:
    codes = (
        "PURPOSE_REQUIRED", "PURPOSE_NOT_ALLOWED", "TIME_WINDOW", "NETWORK_ZONE",
        "STEP_UP_REQUIRED", "CASE_REQUIRED", "AGGREGATE_ONLY", "GRANT_EXPIRED",
    )  # fmt: skip
    for code in codes:
        told = await shut(("Person", "list"), code=code).ask("{ persons { nodes { name } } }")
        assert told["errors"][0]["extensions"]["code"] == code


@pytest.mark.asyncio
async def test_outcomes_follow_the_field_through_aliases() -> None:
    engine = PlainEngine(
        outcomes={
            ("Person.name", "project"): Masked("partial", (("keep_first", 1),)),
            ("Person.age", "project"): Null("NO_GRANT"),
            ("Person.born", "project"): FieldError(),
        }
    )
    told = await Small(engine).ask(
        '{ p: person(number: "1") { a: name ...F } } fragment F on Person { b: age c: born score }'
    )
    person = told["data"]["p"]
    assert person == {"a": person["a"], "b": None, "c": None, "score": "1.50"}
    assert person["a"] != "Ann"
    assert told["errors"][0]["path"] == ["p", "c"]
    assert told["errors"][0]["extensions"]["code"] == "FIELD_FORBIDDEN"
    fields = told["extensions"]["governance"]["fields"]
    assert fields["p.a"]["mask"] == "partial"
    assert fields["p.b"] == {"outcome": "null", "code": "NO_GRANT"}


@pytest.mark.asyncio
async def test_rows_outside_do_not_exist() -> None:
    engine = PlainEngine(rows={"Person": Compare("age", "eq", Const(20), "Int")})  # type: ignore[arg-type]
    small = Small(engine)
    told = await small.ask(
        '{ persons { totalCount nodes { number } } person(number: "1") { name } '
        "personsAggregate { count } homes { nodes { people { totalCount } } } "
        "jobs { nodes { person { name } } } }"
    )
    assert told["data"] == {
        "persons": {"totalCount": 2, "nodes": [{"number": "3"}, {"number": "5"}]},
        "person": None,
        "personsAggregate": [{"count": 2}],
        "homes": {"nodes": [{"people": {"totalCount": 0}}, {"people": {"totalCount": 0}}]},
        "jobs": {"nodes": [{"person": None}] * 3},
    }


WIDE = """{
  persons(first: 2) { nodes { number name income jobs { nodes { title } } } }
  homes { totalCount }
}"""


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (SourceError("SOURCE_UNAVAILABLE", "the source did not answer"), "SOURCE_UNAVAILABLE"),
        (SourceError("SOURCE_BAD_DATA", "the source sent bad data"), "SOURCE_BAD_DATA"),
        (SourceError("SOURCE_BUSY", "too many requests"), "SOURCE_BUSY"),
        (ZeroDivisionError("password=hunter2"), "SOURCE_UNAVAILABLE"),
        (TimeoutError(), "SOURCE_TIMEOUT"),
    ],
)
async def test_one_source_fails(failure: BaseException, code: str) -> None:
    small = Small()
    whole = (await small.ask(WIDE))["data"]
    for source, department in (("hr", "human-resources"), ("tax", "tax-bureau")):
        small = Small()
        small.sources[source].fails = failure
        told = await small.ask(WIDE)
        assert told["data"]["homes"] == whole["homes"]
        for ours, theirs in zip(
            told["data"]["persons"]["nodes"], whole["persons"]["nodes"], strict=True
        ):
            lost = "jobs" if source == "hr" else "income"
            assert ours == {**theirs, lost: None}
        assert told["errors"]
        for error in told["errors"]:
            assert error["extensions"]["code"] == code
            assert error["extensions"]["department"] == department
            assert error["path"][-1] == lost
        assert b"hunter2" not in orjson.dumps(told)
        entry = small.recorder.entries[-1]
        assert (entry.outcome, entry.code) == ("partial", code)
        assert [source, 1, 0, False] in entry.sources
        if isinstance(failure, ZeroDivisionError):
            assert small.failures == [(source, failure)]


@pytest.mark.asyncio
async def test_every_lost_field_is_told() -> None:
    small = Small()
    small.sources["tax"].fails = SourceError("SOURCE_UNAVAILABLE", "the source did not answer")
    told = await small.ask(
        '{ home(code: "h1") { people { nodes { x: income y: income } '
        "edges { node { z: income } } } } }"
    )
    assert told["data"]["home"]["people"]["nodes"] == [{"x": None, "y": None}] * 2
    at = ["home", "people"]
    assert [error["path"] for error in told["errors"]] == [
        [*at, "nodes", "x"], [*at, "nodes", "y"], [*at, "edges", "node", "z"]
    ]  # fmt: skip


@pytest.mark.asyncio
async def test_anchor_fails() -> None:
    small = Small()
    small.sources["civil"].fails = SourceError("SOURCE_UNAVAILABLE", "the source did not answer")
    told = await small.ask("{ persons { nodes { name } } jobs { nodes { title } } }")
    assert told["data"]["persons"] is None
    assert len(told["data"]["jobs"]["nodes"]) == 3
    assert told["errors"][0]["path"] == ["persons"]
    assert told["errors"][0]["extensions"]["department"] == "civil-affairs"


@pytest.mark.asyncio
async def test_slow_source_leaves_the_others() -> None:
    small = Small(deadline_s=0.1)
    small.sources["hr"].sleeps = 5
    told = await small.ask("{ persons(first: 1) { nodes { name jobs { nodes { title } } } } }")
    assert told["data"] == {"persons": {"nodes": [{"name": "Ann", "jobs": None}]}}
    assert told["errors"][0]["extensions"] == {
        "code": "SOURCE_TIMEOUT", "retryable": True, "department": "human-resources"
    }  # fmt: skip


@pytest.mark.asyncio
async def test_entry() -> None:
    small = Small()
    await small.ask("query Q { persons(filter: {age: {eq: 31}}) { nodes { name income } } }")
    (entry,) = small.recorder.entries
    assert (entry.outcome, entry.code, entry.operation_name) == ("ok", None, "Q")
    assert (entry.subject, entry.purpose, entry.epoch) == ("app:one", "p", 1)
    assert {(row[0], row[1]) for row in orjson.loads(bytes(entry.fields))} == {
        ("Person", "list"), ("Person.age", "filter_eq"), ("Person.name", "project"),
        ("Person.income", "project"),
    }  # fmt: skip
    assert entry.rows["Person"] == 2
    assert {source[0] for source in entry.sources} == {"civil", "tax"}
    assert "Ann" not in repr(entry)


@pytest.mark.asyncio
async def test_what_a_limit_refuses_is_on_record() -> None:
    small = Small()
    await small.code("query($n: Int) { persons(first: $n) { totalCount } }", {"n": 2_000})
    await small.ask("query($n: Int) { persons(first: $n) { totalCount } }", {"n": 2})
    await small.code("query($n: Int) { persons(first: $n) { totalCount } }", {"n": 2_000})
    assert [entry.outcome for entry in small.recorder.entries][-2:] == ["ok", "refused"]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{ persons { nodes { nmae } } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ persons ", "GRAPHQL_PARSE_FAILED"),
        ("{ persons(first: 100000) { totalCount } }", "PAGE_TOO_LARGE"),
        ("query A { caller { app } } query B { caller { app } }", "OPERATION_NOT_FOUND"),
    ],
)
async def test_what_cannot_be_asked_is_on_record_too(text: str, code: str) -> None:
    small = Small()
    assert await small.code(text) == code
    (entry,) = small.recorder.entries
    assert (entry.outcome, entry.code, entry.rows, entry.sources) == ("refused", code, {}, [])
    assert entry.operation == hashlib.sha256(text.encode()).hexdigest()
    small.recorder.broken = True
    assert await small.code(text) == "AUDIT_UNAVAILABLE"


@pytest.mark.asyncio
async def test_reading_the_schema_is_on_record() -> None:
    small = Small()
    text = "query Shape { __schema { types { name } } }"
    assert "data" in await small.ask(text, operation_name="Shape")
    (entry,) = small.recorder.entries
    assert (entry.outcome, entry.operation_name) == ("ok", "Shape")
    assert orjson.loads(bytes(entry.fields)) == [["Query", "see_metadata", "allow", []]]
    small.recorder.broken = True
    assert await small.code(text) == "AUDIT_UNAVAILABLE"


class Broken:
    """A mask with a defect of its own."""

    name = "partial"

    def output_kind(self, kind: Any, params: Any) -> Any:
        return kind

    def apply(self, column: Any, params: Any) -> Any:
        raise ZeroDivisionError(column)


@pytest.mark.asyncio
async def test_an_unforeseen_failure_tells_nothing_and_is_on_record_with_what_was_fetched() -> None:
    engine = PlainEngine(
        outcomes={("Person.name", "project"): Masked("partial", (("keep_first", 1),))}
    )
    small = Small(engine)
    small.pipeline.world.masks = {"partial": Broken()}
    told = await small.ask("{ persons { nodes { name } } }")
    assert told == {
        "errors": [{"message": "an internal error", "extensions": {"code": "INTERNAL"}}]
    }
    (entry,) = small.recorder.entries
    assert (entry.outcome, entry.code) == ("failed", "INTERNAL")
    assert [source[:2] for source in entry.sources] == [["civil", 1]]


@pytest.mark.asyncio
async def test_no_record_no_data() -> None:
    small = Small()
    small.recorder.broken = True
    told = await small.ask("{ persons { nodes { name } } }")
    assert "data" not in told
    assert told["errors"][0]["extensions"] == {"code": "AUDIT_UNAVAILABLE", "retryable": True}
    assert "Ann" not in str(told)


@pytest.mark.asyncio
async def test_no_record_of_a_refusal() -> None:
    small = shut(SORT)
    small.recorder.broken = True
    told = await small.ask("{ persons(orderBy: AGE_ASC) { nodes { name } } }")
    assert told["errors"][0]["extensions"]["code"] == "AUDIT_UNAVAILABLE"


@pytest.mark.asyncio
async def test_rulings_are_made_again_when_they_end() -> None:
    now = [1_000.0]
    engine = PlainEngine()
    engine.valid_until = 1_010.0
    small = Small(engine, clock=lambda: now[0])
    text = "{ persons(orderBy: AGE_ASC, first: 1) { nodes { name } } }"
    assert "data" in await small.ask(text)
    assert "data" in await small.ask(text)
    assert len(engine.asked) == 1
    engine.outcomes[SORT] = Reject("TIME_WINDOW")
    now[0] = 1_009.9
    assert "data" in await small.ask(text)
    now[0] = 1_010.0
    calls = small.calls
    assert (await small.ask(text))["errors"][0]["extensions"]["code"] == "TIME_WINDOW"
    assert small.calls == calls
    engine.outcomes.clear()
    engine.valid_until = 2_000.0
    now[0] = 1_020.0
    assert "data" in await small.ask(text)


@pytest.mark.asyncio
async def test_purposes_are_ruled_apart() -> None:
    engine = PlainEngine()
    small = Small(engine)
    text = "{ persons(first: 1) { nodes { name } } }"
    await small.ask(text, purpose="p")
    await small.ask(text, purpose="q")
    assert len(engine.asked) == 2


@pytest.mark.asyncio
async def test_sources_can_keep_callers_apart() -> None:
    small = Small(PlainEngine())
    for subject in (SUBJECT, OTHER):
        await small.ask("{ jobs(first: 1) { nodes { title } } }", subject=subject)
    assert small.sources["hr"].callers == [SUBJECT.id, OTHER.id]

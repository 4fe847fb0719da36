"""GraphQL over HTTP: methods, media types, statuses, both tables."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from hub.serve.media import GRAPHQL, JSON
from tests.hub.serve.asgi import calling, code_of
from tests.hub.serve.fakes import SUBJECT, TOKEN

pytestmark = pytest.mark.asyncio
VALID, INVALID, BROKEN_TEXT, PARTIAL = "{ hello }", "{ nobody }", "{ hello", "{ hello broken }"
WRONG_VARIABLE = {"query": "query($ms: Int) { slow(ms: $ms) }", "variables": {"ms": "x"}}


async def test_answers_in_the_media_type_asked_for() -> None:
    async with calling() as call:
        for accept, sent in ((GRAPHQL, GRAPHQL), (JSON, JSON), ("*/*", JSON), ("", JSON)):
            got = await call.query(VALID, accept=accept)
            assert got.status_code == 200
            assert got.headers["content-type"] == f"{sent}; charset=utf-8"
            assert got.json() == {"data": {"hello": "world"}}
            assert got.headers["cache-control"] == "no-store"
            assert got.headers["x-content-type-options"] == "nosniff"
        assert call.hub.pipeline.seen[0].subject is SUBJECT


@pytest.mark.parametrize(
    ("table", "accept", "partial", "refused"),
    [
        ("classic", GRAPHQL, 200, 400),
        ("classic", JSON, 200, 200),
        ("2026", GRAPHQL, 294, 422),
        ("2026", JSON, 294, 422),
    ],
)
async def test_status_tables(table: str, accept: str, partial: int, refused: int) -> None:
    async with calling(status_table=table) as call:
        got = await call.query(PARTIAL, accept=accept)
        assert (got.status_code, got.json()["data"]) == (
            partial,
            {"hello": "world", "broken": None},
        )
        got = await call.query(INVALID, accept=accept)
        assert (got.status_code, code_of(got)) == (refused, "GRAPHQL_VALIDATION_FAILED")
        got = await call.post(WRONG_VARIABLE, accept=accept)
        assert (got.status_code, code_of(got)) == (refused, "BAD_USER_INPUT")
        got = await call.post({"query": "query A {hello} query B {hello}"}, accept=accept)
        assert (got.status_code, code_of(got)) == (refused, "OPERATION_NOT_FOUND")
        got = await call.query(BROKEN_TEXT, accept=accept)
        parse = 200 if (table, accept) == ("classic", JSON) else 400
        assert (got.status_code, code_of(got)) == (parse, "GRAPHQL_PARSE_FAILED")
        if table == "2026":
            assert got.headers["content-type"].startswith(GRAPHQL)
        got = await call.post(content=b"{", accept=accept)
        assert (got.status_code, code_of(got)) == (400, "BAD_REQUEST")
        got = await call.post(content=b"{}", accept=accept)
        shape = 400 if table == "classic" else 422
        assert (got.status_code, code_of(got)) == (shape, "MALFORMED_REQUEST")


async def test_nothing_acceptable() -> None:
    async with calling() as call:
        got = await call.query(VALID, accept="text/csv")
        assert (got.status_code, code_of(got)) == (406, "NOT_ACCEPTABLE")
        assert call.hub.pipeline.seen == []


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
     "application/graphql", "application/json; charset=latin-1"],
)  # fmt: skip
async def test_other_bodies_are_refused(content_type: str) -> None:
    async with calling() as call:
        got = await call.query(VALID, content_type=content_type)
        assert (got.status_code, code_of(got)) == (415, "UNSUPPORTED_MEDIA_TYPE")
        assert call.hub.pipeline.seen == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD"])
async def test_other_methods(method: str) -> None:
    async with calling() as call:
        got = await call.client.request(method, "/graphql")
        assert got.status_code == 405
        assert got.headers["allow"] == "GET, POST, OPTIONS"


async def test_unknown_keys_and_nulls_are_ignored() -> None:
    async with calling() as call:
        body = {"query": VALID, "operationName": None, "variables": None, "extensions": None}
        got = await call.post({**body, "id": 7, "operation": {}})
        assert got.json() == {"data": {"hello": "world"}}


async def test_oneof_goes_through_validation() -> None:
    async with calling() as call:
        got = await call.query('{ echo(by: {name: "x"}) }')
        assert got.json() == {"data": {"echo": "name"}}
        got = await call.query('{ echo(by: {name: "x", id: 1}) }')
        assert code_of(got) == "GRAPHQL_VALIDATION_FAILED"
        text = "query($by: By!) { echo(by: $by) }"
        got = await call.post({"query": text, "variables": {"by": {"name": "x", "id": "1"}}})
        assert code_of(got) == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", TOKEN, "Bearer \xff",
     "Bearer " + "x" * 20_000],
)  # fmt: skip
async def test_who_is_not_known_gets_one_uniform_answer(header: str) -> None:
    async with calling() as call:
        kept = {"content-type": JSON, "accept": JSON}
        headers = [(k.encode(), v.encode()) for k, v in kept.items()]
        if header:
            headers.append((b"authorization", header.encode("latin-1")))
        got = await call.client.post("/graphql", content=b"{", headers=headers)
        assert got.status_code == 401
        assert got.headers["www-authenticate"].startswith("Bearer")
        error = {"message": "no valid credentials", "extensions": {"code": "UNAUTHENTICATED"}}
        assert got.json() == {"errors": [error]}
        assert call.hub.pipeline.seen == []


async def test_first_sight_of_a_token_asks_the_identifier() -> None:
    async with calling() as call:
        got = await call.query(VALID, authorization="bearer fresh-token")
        assert got.status_code == 200


async def test_two_authorization_headers() -> None:
    async with calling() as call:
        twice = [("Authorization", f"Bearer {TOKEN}")] * 2 + [("Content-Type", JSON)]
        got = await call.client.post("/graphql", json={"query": VALID}, headers=twice)
        assert (got.status_code, code_of(got)) == (401, "UNAUTHENTICATED")


async def test_purpose_by_header_or_extension() -> None:
    async with calling() as call:
        text = "{ purpose }"
        got = await call.query(text, hub_purpose="benefits")
        assert got.json()["data"] == {"purpose": "benefits"}
        body = {"query": text, "extensions": {"purpose": "benefits"}}
        assert (await call.post(body)).json()["data"] == {"purpose": "benefits"}
        assert (await call.post(body, hub_purpose="benefits")).status_code == 200
        assert code_of(await call.post(body, hub_purpose="taxes")) == "MALFORMED_REQUEST"
        assert code_of(await call.query(text, hub_purpose="x" * 200)) == "MALFORMED_REQUEST"
        body = {"query": text, "extensions": {"purpose": ["benefits"]}}
        assert code_of(await call.post(body)) == "MALFORMED_REQUEST"
        assert (await call.query(text)).json()["data"] == {"purpose": None}


async def test_an_unexpected_failure_says_nothing() -> None:
    async with calling() as call:
        got = await call.query("{ __crash }")
        assert (got.status_code, code_of(got)) == (500, "INTERNAL")
        assert "secret" not in got.text


async def test_batching_is_off_until_switched_on() -> None:
    batch = [{"query": VALID}, {"query": INVALID}, {"documentId": "sha256:" + "0" * 64}]
    async with calling() as call:
        got = await call.post(batch)
        assert (got.status_code, code_of(got)) == (400, "BATCHING_OFF")
    async with calling(batch_max=3) as call:
        got = await call.post(batch)
        assert got.status_code == 200
        one, two, three = got.json()
        assert one == {"data": {"hello": "world"}}
        assert two["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
        assert three["errors"][0]["extensions"]["code"] == "DOCUMENT_NOT_FOUND"
        assert code_of(await call.post([*batch, {"query": VALID}])) == "MALFORMED_REQUEST"
        assert code_of(await call.post([])) == "MALFORMED_REQUEST"
        assert code_of(await call.post([[{"query": VALID}]])) == "MALFORMED_REQUEST"


async def test_a_batch_is_bounded() -> None:
    async with calling(batch_max=2) as call:
        assert (await call.post([{"query": VALID}] * 2)).status_code == 200
        assert (await call.post([{"query": VALID}] * 3)).status_code == 400


async def test_too_many_in_flight() -> None:
    async with calling(in_flight_max=1) as call:
        first = asyncio.create_task(call.query("{ slow(ms: 200) }"))
        await call.hub.pipeline.entered.wait()
        got = await call.query(VALID)
        assert (got.status_code, code_of(got)) == (503, "OVERLOADED")
        assert got.headers["retry-after"] == "1"
        assert (await first).json() == {"data": {"slow": "done"}}
        assert (await call.query(VALID)).status_code == 200


async def test_cross_origin_is_off_unless_configured() -> None:
    asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    async with calling() as call:
        got = await call.query(VALID, origin="https://app.example")
        assert "access-control-allow-origin" not in got.headers
        got = await call.client.options("/graphql", headers=asked)
        assert "access-control-allow-origin" not in got.headers
        assert "access-control-allow-methods" not in got.headers
    async with calling(cors_origins=("https://app.example",)) as call:
        got = await call.query(VALID, origin="https://app.example")
        assert got.headers["access-control-allow-origin"] == "https://app.example"
        assert "access-control-allow-credentials" not in got.headers
        got = await call.query(VALID, origin="https://evil.example")
        assert "access-control-allow-origin" not in got.headers
        got = await call.client.options("/graphql", headers=asked)
        assert got.status_code == 204
        assert "hub-purpose" in got.headers["access-control-allow-headers"]


async def test_get_runs_queries_with_the_preflight_header() -> None:
    async with calling() as call:
        text = "query Q($by: By!) { echo(by: $by) }"
        params = {"query": text, "operationName": "Q", "variables": json.dumps({"by": {"id": 1}})}
        got = await call.get(params)
        assert (got.status_code, got.json()) == (200, {"data": {"echo": "id"}})
        for name in ("apollo-require-preflight", "x-apollo-operation-name"):
            got = await call.get({"query": VALID}, graphql_require_preflight="", **{name: "1"})
            assert got.status_code == 200
        got = await call.get({"query": VALID}, graphql_require_preflight="")
        assert (got.status_code, code_of(got)) == (403, "CSRF_REFUSED")
        got = await call.get({"query": VALID}, content_type="text/plain")
        assert (got.status_code, code_of(got)) == (403, "CSRF_REFUSED")
        got = await call.get({"query": VALID}, authorization="")
        assert got.status_code == 401


@pytest.mark.parametrize(
    "text",
    ["mutation { never }", "query A { hello } mutation B { never }", "subscription { hello }",
     "#\nmutation M { ...F } fragment F on Mutation { never }"],
)  # fmt: skip
async def test_get_is_for_queries(text: str) -> None:
    async with calling() as call:
        got = await call.get({"query": text})
        assert (got.status_code, code_of(got)) == (405, "METHOD_NOT_ALLOWED")
        assert got.headers["allow"] == "POST"
        assert call.hub.pipeline.seen == []


async def test_get_of_a_query_that_only_speaks_of_mutations() -> None:
    async with calling() as call:
        got = await call.get({"query": "query mutation { hello }"})
        assert got.json() == {"data": {"hello": "world"}}
        both = "query A { hello } mutation B { never }"
        got = await call.get({"query": both, "operationName": "A"})
        assert got.json() == {"data": {"hello": "world"}}


async def test_get_can_be_switched_off() -> None:
    async with calling(get=False) as call:
        got = await call.get({"query": VALID})
        assert (got.status_code, got.headers["allow"]) == (405, "POST, OPTIONS")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("query=%7Bhello%7D&query=%7Bhello%7D", "BAD_REQUEST"),
        ("query=%ff", "BAD_REQUEST"),
        ("query=%7Bhello%7D&variables=%7B", "BAD_REQUEST"),
        ("&".join(f"a{n}=1" for n in range(100)), "BAD_REQUEST"),
        ("query=%7Bhello%7D&variables=[1]", "MALFORMED_REQUEST"),
        ("", "MALFORMED_REQUEST"),
        ("operationName=Q", "MALFORMED_REQUEST"),
    ],
)
async def test_get_with_unreadable_parameters(query: str, code: str) -> None:
    async with calling() as call:
        headers = {"graphql-require-preflight": "1", "Authorization": f"Bearer {TOKEN}"}
        got = await call.client.get(f"/graphql?{query}", headers=headers)
        assert (got.status_code, code_of(got)) == (400, code)


async def test_long_address() -> None:
    async with calling() as call:
        got = await call.get({"query": "{ hello }" + " " * 20_000})
        assert (got.status_code, code_of(got)) == (414, "URI_TOO_LONG")


async def test_every_error_has_a_known_code_and_no_data() -> None:
    async with calling() as call:
        answers: list[httpx.Response] = [
            await call.query(VALID, accept="x/y"),
            await call.query(VALID, content_type="text/plain"),
            await call.query(VALID, authorization=""),
            await call.client.put("/graphql"),
            await call.post(content=b"[]"),
        ]
        codes = [code_of(answer) for answer in answers]
        wanted = ["NOT_ACCEPTABLE", "UNSUPPORTED_MEDIA_TYPE", "UNAUTHENTICATED"]
        assert codes == [*wanted, "METHOD_NOT_ALLOWED", "BATCHING_OFF"]

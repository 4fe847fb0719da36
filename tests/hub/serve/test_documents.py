"""Persisted documents: by id, trusted only, automatic."""

from __future__ import annotations

import json
from hashlib import md5, sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.serve.app import create_app
from hub.serve.documents import Document, Seen, load_documents
from hub.serve.options import DoorOptions
from schema.errors import HubError
from tests.hub.serve.asgi import calling, code_of
from tests.hub.serve.fakes import FakeHub

TEXT = "query Hello { hello }"
OTHER = "query Purpose { purpose }"
DIGEST = sha256(TEXT.encode()).hexdigest()
RELAY_ID = md5(TEXT.encode(), usedforsecurity=False).hexdigest()


def apollo(tmp_path: Path) -> Path:
    path = tmp_path / "manifest.json"
    operation = {"id": DIGEST, "name": "Hello", "type": "query", "body": TEXT}
    path.write_text(json.dumps({
        "format": "apollo-persisted-query-manifest", "version": 1, "operations": [operation],
    }))  # fmt: skip
    return path


def relay(tmp_path: Path) -> Path:
    path = tmp_path / "persisted_queries.json"
    path.write_text(json.dumps({RELAY_ID: TEXT}))
    return path


def hashed(text: str) -> dict[str, object]:
    digest = sha256(text.encode()).hexdigest()
    return {"persistedQuery": {"version": 1, "sha256Hash": digest}}


@pytest.mark.asyncio
@pytest.mark.parametrize("document_id", [f"sha256:{DIGEST}", RELAY_ID])
async def test_registered_document_by_id(tmp_path: Path, document_id: str) -> None:
    async with calling(manifests=(relay(tmp_path),)) as call:
        want = {"data": {"hello": "world"}}
        assert (await call.post({"documentId": document_id})).json() == want
        assert (await call.get({"documentId": document_id})).json() == want
        headers = {"graphql-require-preflight": "1", "authorization": "Bearer good-token"}
        got = await call.client.get(f"/graphql/{document_id}", headers=headers)
        assert got.json() == want
        got = await call.client.post(f"/graphql/{document_id}", json={}, headers=headers)
        assert got.json() == want


@pytest.mark.asyncio
async def test_unknown_id_is_one_graphql_error(tmp_path: Path) -> None:
    async with calling(manifests=(apollo(tmp_path),)) as call:
        for unknown in ("sha256:" + "0" * 64, "x-ours:7", "f" * 32, "md5:1", ""):
            got = await call.post({"documentId": unknown})
            assert (got.status_code, code_of(got)) == (200, "DOCUMENT_NOT_FOUND")
        for broken in ("sha256:", "sha256:" + DIGEST.upper(), f"sha256:{DIGEST}0"):
            got = await call.post({"documentId": broken})
            assert (got.status_code, code_of(got)) == (400, "MALFORMED_REQUEST")


@pytest.mark.asyncio
async def test_registered_mutation_does_not_run_by_get(tmp_path: Path) -> None:
    path = tmp_path / "persisted_queries.json"
    path.write_text(json.dumps({"m": "mutation { never }"}))
    async with calling(manifests=(path,)) as call:
        got = await call.get({"documentId": "m"})
        assert (got.status_code, got.headers["allow"]) == (405, "POST")


@pytest.mark.asyncio
async def test_trusted_documents_only(tmp_path: Path) -> None:
    options = {"manifests": (apollo(tmp_path),), "documents": "trusted"}
    async with calling(**options) as call:
        want = {"data": {"hello": "world"}}
        assert (await call.post({"documentId": f"sha256:{DIGEST}"})).json() == want
        assert (await call.post({"extensions": hashed(TEXT)})).json() == want
        assert (await call.query(TEXT)).json() == want
        for text in (OTHER, TEXT + " ", "{ __schema { queryType { name } } }"):
            got = await call.query(text)
            assert (got.status_code, code_of(got)) == (403, "DOCUMENT_NOT_TRUSTED")
            got = await call.get({"query": text})
            assert code_of(got) == "DOCUMENT_NOT_TRUSTED"
        got = await call.post({"query": OTHER, "extensions": hashed(OTHER)})
        assert code_of(got) == "DOCUMENT_NOT_TRUSTED"
        got = await call.post({"extensions": hashed(OTHER)})
        assert code_of(got) == "DOCUMENT_NOT_FOUND"
        page = await call.client.get("/graphql", headers={"accept": "text/html"})
        assert page.status_code == 406


def test_trusted_needs_documents() -> None:
    with pytest.raises(HubError) as caught:
        create_app(FakeHub(), DoorOptions(documents="trusted"))
    assert caught.value.code == "CONFIG_INVALID"


@pytest.mark.asyncio
async def test_automatic_persisting() -> None:
    async with calling() as call:
        got = await call.post({"extensions": hashed(TEXT)})
        assert (got.status_code, code_of(got)) == (200, "PERSISTED_QUERY_NOT_FOUND")
        assert got.json()["errors"][0]["message"] == "PersistedQueryNotFound"
        got = await call.post({"query": TEXT, "extensions": hashed(TEXT)})
        assert got.json() == {"data": {"hello": "world"}}
        assert (await call.post({"extensions": hashed(TEXT)})).json() == got.json()
        params = {"extensions": json.dumps(hashed(TEXT))}
        assert (await call.get(params)).json() == got.json()
        got = await call.post({"query": OTHER, "extensions": hashed(TEXT)})
        assert (got.status_code, code_of(got)) == (400, "MALFORMED_REQUEST")
        wrong = {"persistedQuery": {"version": 2, "sha256Hash": DIGEST}}
        assert code_of(await call.post({"extensions": wrong})) == "MALFORMED_REQUEST"


@pytest.mark.asyncio
async def test_automatic_persisting_switched_off() -> None:
    async with calling(apq=False) as call:
        for body in ({}, {"query": TEXT}):
            got = await call.post({**body, "extensions": hashed(TEXT)})
            assert code_of(got) == "PERSISTED_QUERY_NOT_SUPPORTED"
            assert got.json()["errors"][0]["message"] == "PersistedQueryNotSupported"


@given(st.lists(st.integers(0, 30), max_size=60))
def test_the_store_stays_bounded(sizes: list[int]) -> None:
    seen = Seen(max_documents=5, max_bytes=100)
    for number, size in enumerate(sizes):
        seen.add("app", Document("x" * size, str(number)))
        kept = [seen.get("app", str(n)) for n in range(number + 1)]
        held = [document for document in kept if document is not None]
        assert len(held) <= 5
        assert sum(len(document.text) for document in held) <= 100
        assert (seen.get("app", str(number)) is not None) == (size * 10 <= 100)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"id": 5}', '{"format": "apollo-persisted-query-manifest"}', "\xff",
     '{"format": "apollo-persisted-query-manifest", "operations": [{"id": "a"}]}'],
)  # fmt: skip
def test_unreadable_manifests(tmp_path: Path, text: str) -> None:
    path = tmp_path / "m.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(HubError) as caught:
        load_documents([path])
    assert caught.value.code == "CONFIG_INVALID"
    assert caught.value.where == str(path)
    with pytest.raises(HubError):
        load_documents([tmp_path / "absent.json"])


def test_one_id_for_two_texts(tmp_path: Path) -> None:
    one, two = tmp_path / "1.json", tmp_path / "2.json"
    one.write_text('{"a": "{ a }"}')
    two.write_text('{"a": "{ b }"}')
    with pytest.raises(HubError, match="two different texts"):
        load_documents([one, two])

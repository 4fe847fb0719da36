"""Whatever bytes come, the answer is one coded error and the process lives."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.serve.decode import read_json, read_parts
from hub.serve.guard import read_body
from schema.errors import HubError
from tests.hub.serve.asgi import calling, code_of

DEEP = 50_000
ABUSES = {
    "nothing": b"",
    "null": b"null",
    "a number": b"1",
    "a text": b'"{ hello }"',
    "not UTF-8": b'{"query": "\xff\xfe"}',
    "UTF-16": '{"query": "{ hello }"}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"query": "{ hello }"}',
    "deep lists": b"[" * DEEP + b"]" * DEEP,
    "deep objects": b'{"query":' * DEEP + b"1" + b"}" * DEEP,
    "deep variables": b'{"query": "{ a }", "variables": {"a":' + b"[" * 500 + b"]" * 500 + b"}}",
    "deep extensions": b'{"query": "{ hello }", "extensions": ' + b'{"a":' * 99 + b"1" + b"}" * 100,
    "a number of 5,000 digits": b'{"query": "{ hello }", "variables": {"n": ' + b"9" * 5000 + b"}}",
    "NaN": b'{"query": "{ hello }", "variables": {"n": NaN}}',
    "Infinity": b'{"query": "{ hello }", "variables": {"n": -Infinity}}',
    "a lone surrogate": b'{"query": "{ hello } # \\ud800"}',
    "a comment": b'{"query": "{ hello }"} // and more',
    "two values": b'{"query": "{ hello }"} {}',
    "no query": b"{}",
    "query is null": b'{"query": null}',
    "query is a list": b'{"query": ["{ hello }"]}',
    "query is a number": b'{"query": 1}',
    "variables is a list": b'{"query": "{ hello }", "variables": []}',
    "variables is a text": b'{"query": "{ hello }", "variables": "{}"}',
    "operationName is a number": b'{"query": "{ hello }", "operationName": 0}',
    "extensions is a text": b'{"query": "{ hello }", "extensions": "x"}',
    "documentId is a number": b'{"documentId": 5}',
    "documentId beside query": b'{"query": "{ hello }", "documentId": "x"}',
    "persistedQuery is a text": b'{"extensions": {"persistedQuery": "x"}}',
    "persistedQuery is empty": b'{"extensions": {"persistedQuery": {}}}',
}  # fmt: skip

MISSHAPEN = {
    name
    for name in ABUSES
    if name in ("null", "a number", "a text", "no query")
    or name.startswith(("query is", "variables is", "operationName is", "extensions is"))
    or name.startswith(("documentId", "persistedQuery"))
}
"""JSON, but no request."""


@pytest.mark.asyncio
@pytest.mark.parametrize("name", ABUSES)
async def test_unreadable_bodies(name: str) -> None:
    async with calling() as call:
        started = time.monotonic()
        got = await call.post(content=ABUSES[name])
        code = "MALFORMED_REQUEST" if name in MISSHAPEN else "BAD_REQUEST"
        assert (got.status_code, code_of(got)) == (400, code)
        assert time.monotonic() - started < 20
        assert call.hub.pipeline.seen == []
        assert (await call.query("{ hello }")).status_code == 200


@pytest.mark.asyncio
async def test_compressed_body() -> None:
    async with calling() as call:
        packed = gzip.compress(b'{"query": "{ hello }"}')
        got = await call.post(content=packed, content_encoding="gzip")
        assert (got.status_code, code_of(got)) == (415, "UNSUPPORTED_MEDIA_TYPE")
        assert got.headers["accept-encoding"] == "identity"
        got = await call.query("{ hello }", content_encoding="identity")
        assert got.status_code == 200


@pytest.mark.asyncio
async def test_length_and_chunks_together() -> None:
    async with calling() as call:
        got = await call.query("{ hello }", transfer_encoding="chunked", content_length="22")
        assert (got.status_code, code_of(got)) == (400, "BAD_REQUEST")


@pytest.mark.asyncio
async def test_stated_length_that_is_none() -> None:
    async with calling() as call:
        for length in ("-1", "1e3", "9" * 40, "0x10"):
            got = await call.query("{ hello }", content_length=length)
            assert (got.status_code, code_of(got)) == (400, "BAD_REQUEST")


@pytest.mark.asyncio
async def test_large_body_is_refused_by_its_stated_length() -> None:
    async with calling(max_body_bytes=100) as call:
        got = await call.query("{ hello }" + " " * 100)
        assert (got.status_code, code_of(got)) == (413, "PAYLOAD_TOO_LARGE")
        assert got.headers["connection"] == "close"


@pytest.mark.asyncio
@pytest.mark.parametrize("pieces", [[b"x" * 11], [b"x" * 6, b"x" * 6], [b"x"] * 11])
async def test_large_body_is_refused_while_it_comes(pieces: list[bytes]) -> None:
    left = list(pieces)

    async def receive() -> dict[str, Any]:
        piece = left.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(left)}

    with pytest.raises(HubError) as caught:
        await read_body(receive, 10, 1.0)
    assert caught.value.code == "PAYLOAD_TOO_LARGE"


@pytest.mark.asyncio
async def test_body_that_does_not_come() -> None:
    sent = [{"type": "http.request", "body": b"{", "more_body": True}]

    async def receive() -> dict[str, Any]:
        if sent:
            return sent.pop()
        await asyncio.sleep(60)
        raise AssertionError

    with pytest.raises(HubError) as caught:
        await read_body(receive, 10, 0.05)
    assert caught.value.code == "REQUEST_TIMEOUT"


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
ENVELOPES = st.dictionaries(
    st.sampled_from(["query", "documentId", "operationName", "variables", "extensions", "other"]),
    JSON_VALUES,
)


def coded(read: Callable[..., Any], *args: Any) -> Any:
    """What `read` gives; `None` for a coded refusal. Anything else it raises is a failure."""
    code = ""
    try:
        return read(*args)
    except HubError as error:
        code = error.code
    assert code in ("BAD_REQUEST", "MALFORMED_REQUEST")
    return None


@given(ENVELOPES | JSON_VALUES)
def test_parts_are_typed_or_refused(value: Any) -> None:
    parts = coded(read_parts, value)
    if parts is None:
        return
    assert isinstance(value, Mapping)
    for given_value in (parts.query, parts.document_id, parts.operation_name):
        assert given_value is None or isinstance(given_value, str)
    for given_value in (parts.variables, parts.extensions):
        assert given_value is None or isinstance(given_value, dict)


@given(st.binary(max_size=80))
@settings(max_examples=300)
def test_bytes_are_json_or_refused(data: bytes) -> None:
    coded(read_json, data, 4)


@pytest.mark.parametrize(("levels", "good"), [(4, True), (5, False)])
def test_depth_is_counted_below_the_envelope(levels: int, good: bool) -> None:
    body = b'{"variables":' + b"[" * levels + b"]" * levels + b"}"
    if good:
        assert "variables" in read_json(body, 3)
    else:
        with pytest.raises(HubError):
            read_json(body, 3)

"""`hub gateway`: files, plans, and the process with its endpoint."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from hub.cli.main import run
from hub.gateway.compose.compose import Subgraph, compose
from hub.gateway.serve import GatewayApp
from tests.conftest import Golden
from tests.hub.gateway.subgraphs import Service, listening
from tests.hub.gateway.test_gateway_answers import shop
from tests.hub.serve.live import free_port

OPERATION = """query Shop($id: ID!, $first: Int = 2, $more: Boolean!) {
  product(id: $id) { title cost reviews(first: $first) { stars author { name } }
    ... @include(if: $more) { kind } }
}
"""
STOCK = """type Product @key(fields: "id") { id: ID! title(lang: String = "en"): String! @external
  cost: Int @requires(fields: "title(lang: \\"de\\")") }"""
PEOPLE = """type User @key(fields: "id") { id: ID! name: String }"""
REVIEWS = """type Product @key(fields: "id") { id: ID! reviews(first: Int): [Review!]! }
  type Review { stars: Int! author: User } type User @key(fields: "id") { id: ID! }"""

JOINED = """\
schema @link(url: "https://specs.apollo.dev/link/v1.0") @link(url:
  "https://specs.apollo.dev/join/v0.3", for: EXECUTION) { query: Query }
directive @join__enumValue(graph: join__Graph!) repeatable on ENUM_VALUE
directive @join__field(graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet,
  type: String, external: Boolean, override: String, usedOverridden: Boolean) repeatable on
  FIELD_DEFINITION | INPUT_FIELD_DEFINITION
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT |
  INTERFACE
directive @join__type(graph: join__Graph!, key: join__FieldSet, extension: Boolean! = false,
  resolvable: Boolean! = true, isInterfaceObject: Boolean! = false) repeatable on OBJECT |
  INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR
directive @join__unionMember(graph: join__Graph!, member: String!) repeatable on UNION
directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable
  on SCHEMA
scalar join__FieldSet
enum join__Graph { A @join__graph(name: "a", url: "http://127.0.0.1:1/a") B @join__graph(name:
  "b", url: "http://127.0.0.1:1/b") }
scalar link__Import
enum link__Purpose { SECURITY EXECUTION }
type Query @join__type(graph: A) @join__type(graph: B) { one: P @join__field(graph: A) }
type P @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") { id: ID! name: String
  @join__field(graph: B) price: Int @join__field(graph: A) @join__field(graph: B, external:
  true) cost: Int @join__field(graph: B, requires: "price") }
"""


def written(folder: Path, services: dict[str, Service], base: str = "http://127.0.0.1:1") -> Path:
    """The file of subgraphs."""
    file = folder / "subgraphs.json"
    held = [{"name": n, "url": f"{base}/{n}", "sdl": s.sdl} for n, s in services.items()]
    file.write_text(json.dumps(held))
    return file


def test_a_plan(tmp_path: Path, golden: Golden, capsys: pytest.CaptureFixture[str]) -> None:
    services = {
        "products": shop()["products"], "reviews": Service(REVIEWS), "stock": Service(STOCK),
        "people": Service(PEOPLE),
    }  # fmt: skip
    file = tmp_path / "q.graphql"
    file.write_text(OPERATION)
    words = ["gateway", "--subgraphs", str(written(tmp_path, services)), "--plan", str(file)]
    assert run([*words, "--variables", '{"id": 1, "more": true}']) == 0
    golden("gateway/shop.txt", capsys.readouterr().out)
    assert run([*words, "--variables", '{"id": 1, "more": false}']) == 0
    assert "kind" not in capsys.readouterr().out
    assert run(words) == 1
    assert "[BAD_USER_INPUT]" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[", "not a list of subgraphs"),
        ('{"a": 1}', "not a list of subgraphs"),
        ('[{"name": "a", "url": "http://x"}]', "missing required field `sdl`"),
        ('[{"name": "a", "url": "/x", "sdl": "type Query { a: Int }"}]', "no absolute http"),
        ('[{"name": "", "url": "http://x", "sdl": ""}]', "a name of its own"),
        ('[{"name": "a", "url": "http://x", "sdl": "type"}]', "INVALID_GRAPHQL"),
        ('[{"name": "a", "url": "http://x", "sdl": "type A { a: Int }"}]', "NO_QUERIES"),
    ],
)
def test_files_that_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    file = tmp_path / "subgraphs.json"
    file.write_text(text)
    assert run(["gateway", "--subgraphs", str(file)]) == 1
    shown = capsys.readouterr()
    assert said in shown.err
    assert shown.out == ""
    assert "Traceback" not in shown.err


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])  # noqa: S104
def test_only_loopback_is_listened_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], host: str
) -> None:
    file = written(tmp_path, shop())
    assert run(["gateway", "--subgraphs", str(file), "--host", host]) == 1
    assert "loopback only" in capsys.readouterr().err


def test_one_source_of_types_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["gateway"]) == 1
    assert "either --subgraphs or --supergraph" in capsys.readouterr().err


@pytest.mark.asyncio
async def test_bodies_are_bounded() -> None:
    graphs = [Subgraph(name, "http://127.0.0.1:1", s.sdl) for name, s in shop().items()]
    app = httpx.ASGITransport(app=GatewayApp(compose(graphs)))
    async with httpx.AsyncClient(transport=app, base_url="http://127.0.0.1") as client:
        for content, status in (
            ("{" + " " * 5_000_000, 413),
            ('{"a":' * 100 + "1" + "}" * 100, 400),
        ):
            told = await client.post(
                "/graphql", content=content, headers={"content-type": "application/json"}
            )
            assert told.status_code == status


@contextmanager
def serving(file: Path, *more: str) -> Iterator[str]:
    """The process; its address once it says that it is ready, which it does once."""
    port = free_port()
    words = [sys.executable, "-m", "hub", "gateway", "--subgraphs", str(file), "--port", str(port)]
    words += more
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said == f"Gateway ready at http://127.0.0.1:{port}/graphql\n"
        yield f"http://127.0.0.1:{port}/graphql"
    finally:
        process.terminate()
        rest, _ = process.communicate(timeout=15)
    assert rest == ""
    assert process.returncode == 0


async def exchanges(url: str) -> None:
    """Requests of all kinds."""
    text = '{ product(id: "1") { title reviews(first: 1) { stars } } }'
    data = {"data": {"product": {"title": "1 en", "reviews": [{"stars": 5}]}}}
    async with httpx.AsyncClient(trust_env=False) as client:
        told = await client.post(url, json={"query": text})
        assert (told.status_code, told.json()) == (200, data)
        assert told.headers["content-type"] == "application/json; charset=utf-8"
        media = "application/graphql-response+json"
        told = await client.post(url, json={"query": text}, headers={"accept": media})
        assert told.json() == data
        assert told.headers["content-type"].startswith(media)
        params = {"query": text}
        assert (await client.get(url, params=params)).status_code == 403
        head = {"graphql-require-preflight": "1"}
        assert (await client.get(url, params=params, headers=head)).json() == data
        params = {"query": "mutation { a }"}
        told = await client.get(url, params=params, headers=head)
        assert (told.status_code, told.headers["allow"]) == (405, "POST")
        for query in ("{ nope }", "{", "subscription { a }"):
            told = await client.post(url, json={"query": query})
            assert told.status_code == 200
            assert "data" not in told.json()
            told = await client.post(url, json={"query": query}, headers={"accept": media})
            assert told.status_code == 400
        assert (await client.post(url, json={})).status_code == 400
        assert (await client.post(url, content="{}")).status_code == 415
        assert (await client.post(url, json=[])).json()["errors"]
        foreign = await client.post(url, json={"query": text}, headers={"host": "evil.example"})
        assert foreign.status_code == 403
        assert foreign.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        assert (await client.get(url.removesuffix("/graphql") + "/healthz")).text == "ok\n"
        assert (await client.get(url.removesuffix("/graphql") + "/x")).status_code == 404


def test_the_process(tmp_path: Path) -> None:
    async def all_of_it() -> None:
        services = shop()
        async with listening(services) as base:
            file = written(tmp_path, services, base)

            def ask() -> None:
                with serving(file, "--workers", "2") as url:
                    asyncio.run(exchanges(url))
                with serving(file, "--workers", "2"):
                    pass  # who is told that it is ready may end it at once

            await asyncio.to_thread(ask)

    asyncio.run(all_of_it())


def test_a_supergraph_that_was_composed_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, operation = tmp_path / "super.graphql", tmp_path / "q.graphql"
    file.write_text(JOINED)
    operation.write_text("{ one { name cost } }")
    assert run(["gateway", "--supergraph", str(file), "--plan", str(operation)]) == 0
    told = capsys.readouterr().out
    assert "w1  0 a\n      { one { id price } }\n" in told
    assert "for P by id price" in told
    file.write_text("type Query { a: Int }")
    assert run(["gateway", "--supergraph", str(file), "--plan", str(operation)]) == 1
    assert "Traceback" not in capsys.readouterr().err

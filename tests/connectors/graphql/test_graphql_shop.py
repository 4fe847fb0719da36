"""Subgraphs of a shop, on Node and on Strawberry, join the catalogue beside a database."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from click.testing import CliRunner

from hub.cli.source import source as source_command
from hub.query.request import Request
from hub.settings import read_settings
from hub.wiring import Hub, build_hub
from schema.model.names import DepartmentName
from schema.model.subject import Subject

pytestmark = [pytest.mark.slow, pytest.mark.asyncio]
CALLER = Subject(
    id="app:shop", app="shop", department=DepartmentName("trade"), clearance={"plain": "restricted"}
)
RULES = """\
policy: all
effect: permit
subjects: {app: shop}
resources: {types: ["*"]}
modes: [all]
---
policy: emails
effect: require
resources: {fields: [User.email]}
outcome: {mask: {partial: {keep_first: 1}}}
"""
SUPPLIERS = """\
hub: 1
source: {{name: register, department: trade, kind: sql, connect: {{url: "sqlite:///{db}"}}}}
types:
  Supplier:
    key: [supplierId]
    from: {{table: suppliers}}
    label: internal
    share: unconditional
    fields:
      supplierId: {{column: id, type: Int}}
      city: {{type: String}}
relations:
  Product.supplier: {{to: Supplier, match: {{supplierId: supplierId}}}}
  Supplier.products: {{to: "[Product]", match: {{supplierId: supplierId}}}}
"""


def drafted(name: str, url: str) -> str:
    """What `hub source draft` writes for a subgraph."""
    asked = ["draft", url, "--name", name, "--department", name, "--level", "internal"]
    result = CliRunner().invoke(source_command, asked)
    assert result.exit_code == 0, result.output
    return result.stdout


@asynccontextmanager
async def joined(shop: Mapping[str, str], folder: Path) -> AsyncIterator[Hub]:
    """A hub over the drafts as they are, and the database."""
    database = folder / "register.sqlite"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE suppliers (id INTEGER PRIMARY KEY, city TEXT)")
        connection.executemany("INSERT INTO suppliers VALUES (?, ?)", [(1, "Oslo"), (2, "Bonn")])
    connection.close()
    (folder / "register.yaml").write_text(SUPPLIERS.format(db=database), encoding="utf-8")
    (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
    (folder / "hub.yaml").write_text(
        'fragments: ["fragments/*.yaml", "register.yaml"]\npolicies: ["rules.yaml"]\n'
        "audit: {enabled: false}\ninstance: {mode: development}\n",
        encoding="utf-8",
    )
    hub = build_hub(read_settings(folder / "hub.yaml", {}))
    await hub.open()
    try:
        await counts(shop)
        yield hub
    finally:
        await hub.close()


async def counts(shop: Mapping[str, str]) -> dict[str, int]:
    """How many requests each subgraph had since the last look; those with none are left out."""
    made = {}
    async with httpx.AsyncClient(trust_env=False) as client:
        for name, url in shop.items():
            told = int((await client.get(httpx.URL(url).join("/count"))).text)
            if told:
                made[name] = told
    return made


async def answered(hub: Hub, text: str) -> Any:
    """The whole answer."""
    answer = await hub.pipeline.answer(Request(text=text, subject=CALLER))
    return orjson.loads(answer.body)


@pytest.fixture
def fragments(shop: Mapping[str, str], tmp_path: Path) -> Mapping[str, str]:
    """The drafts, written where the hub finds them."""
    (tmp_path / "fragments").mkdir()
    made = {name: drafted(name, url) for name, url in shop.items() if name != "contract"}
    for name, text in made.items():
        (tmp_path / "fragments" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return made


async def test_drafts_have_the_keys_the_relations_and_nothing_inaccessible(
    fragments: Mapping[str, str],
) -> None:
    assert "costPrice" not in fragments["products"]
    assert "passwordHash" not in fragments["accounts"]
    inventory = fragments["inventory"]
    assert "extend: true" in inventory
    assert "requires: [price, weight]" in inventory
    own = inventory[
        inventory.index("  Product:\n") : inventory.index("  ProductShippingEstimate:\n")
    ]
    assert "price" not in own  # external: another source's
    assert "title" not in fragments["reviews"]
    for line in (
        "  Review.product: {to: Product, match: {productUpc: upc}}",
        '  Product.reviews: {to: "[Review]", match: {upc: productUpc}}',
        "  Review.author: {to: User, match: {authorId: userId}}",
    ):
        assert line in fragments["reviews"].splitlines()


async def test_one_operation_over_four_subgraphs_and_a_database(
    shop: Mapping[str, str], fragments: Mapping[str, str], tmp_path: Path
) -> None:
    async with joined(shop, tmp_path) as hub:
        told = await answered(
            hub,
            """{ products(first: 10) { nodes {
              upc title shape sizeHeight inStock
              supplier { city }
              productShippingEstimate { shippingEstimate }
              reviews(first: 5) { nodes { stars author { name email } } }
            } } }""",
        )
        asked = await counts(shop)
    assert "errors" not in told, told
    ada = {"name": "Ada", "email": told["data"]["products"]["nodes"][0]["reviews"]["nodes"][0]
           ["author"]["email"]}  # fmt: skip
    assert ada["email"].startswith("a")
    assert "da@example" not in ada["email"]
    ben = told["data"]["products"]["nodes"][0]["reviews"]["nodes"][1]["author"]
    assert ben["name"] == "Ben"
    assert "en@example" not in ben["email"]
    assert told["data"]["products"]["nodes"] == [
        {
            "upc": "p1", "title": "Lamp", "shape": "ROUND", "sizeHeight": 10, "inStock": 7,
            "supplier": {"city": "Oslo"},
            "productShippingEstimate": {"shippingEstimate": 6},
            "reviews": {"nodes": [{"stars": 5, "author": ada}, {"stars": 2, "author": ben}]},
        },
        {
            "upc": "p2", "title": "Chair", "shape": "FLAT", "sizeHeight": 90, "inStock": 0,
            "supplier": {"city": "Bonn"},
            "productShippingEstimate": {"shippingEstimate": 0},
            "reviews": {"nodes": [{"stars": 4, "author": ada}]},
        },
        {
            "upc": "p3", "title": "Desk", "shape": "FLAT", "sizeHeight": None, "inStock": 2,
            "supplier": {"city": "Oslo"},
            "productShippingEstimate": {"shippingEstimate": 0},
            "reviews": {"nodes": []},
        },
    ]  # fmt: skip
    # one list of one page; of inventory the stock, and the estimates once prices are known
    assert asked == {"products": 1, "reviews": 1, "inventory": 2, "accounts": 1}


async def test_from_the_database_into_the_subgraphs(
    shop: Mapping[str, str], fragments: Mapping[str, str], tmp_path: Path
) -> None:
    async with joined(shop, tmp_path) as hub:
        told = await answered(
            hub,
            "{ supplier(supplierId: 1) { city products(first: 5) { nodes { title inStock } } } }",
        )
        asked = await counts(shop)
    assert told == {
        "data": {"supplier": {"city": "Oslo", "products": {"nodes": [
            {"title": "Lamp", "inStock": 7}, {"title": "Desk", "inStock": 2},
        ]}}}
    } | {key: held for key, held in told.items() if key != "data"}  # fmt: skip
    assert "errors" not in told
    assert asked == {"products": 1, "inventory": 1}


async def test_one_entity_by_its_key_and_one_that_is_not_there(
    shop: Mapping[str, str], fragments: Mapping[str, str], tmp_path: Path
) -> None:
    async with joined(shop, tmp_path) as hub:
        told = await answered(
            hub,
            '{ a: review(reviewId: "r2") { body product { title } } b: review(reviewId: "no") '
            "{ body } }",
        )
        asked = await counts(shop)
    assert told["data"] == {"a": {"body": "dim", "product": {"title": "Lamp"}}, "b": None}
    assert asked["products"] == 1


async def test_a_null_with_an_error_is_an_error_that_does_not_tell(
    shop: Mapping[str, str], fragments: Mapping[str, str], tmp_path: Path
) -> None:
    async with joined(shop, tmp_path) as hub:
        told = await answered(
            hub, '{ product(upc: "p2") { title reviews(first: 5) { nodes { stars body } } } }'
        )
    assert told["data"]["product"]["title"] == "Chair"
    (error,) = told["errors"]
    assert error["extensions"]["code"] == "SOURCE_UNAVAILABLE"
    assert "10.0.0.7" not in orjson.dumps(told).decode()

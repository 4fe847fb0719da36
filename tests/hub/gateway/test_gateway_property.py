"""A schema split over subgraphs at random answers as the whole does."""

from __future__ import annotations

from random import Random
from typing import Any

import orjson
import pytest
from graphql import execute_sync, parse, validate
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.gateway.compose.compose import Subgraph, compose
from hub.gateway.gateway import Gateway
from tests.hub.gateway.direct import Direct
from tests.hub.gateway.monolith import Split
from tests.hub.gateway.writing import Writer


def whole_answer(split: Split, text: str) -> tuple[Any, bool]:
    """What graphql-core says of the whole, and whether with errors."""
    result = execute_sync(
        split.schema, parse(text), root_value=split.data,
        type_resolver=lambda value, *_: value["__typename"],
    )  # fmt: skip
    return result.data, bool(result.errors)


def operations(split: Split, seed: int, count: int) -> list[str]:
    """Valid operations on the whole."""
    writer = Writer(split.schema, Random(seed))
    texts = [writer.operation() for _ in range(count * 3)]
    return [text for text in texts if not validate(split.schema, parse(text))][:count]


async def check(seed: int, count: int) -> None:
    """Compare the two on some operations."""
    split = Split(seed)
    graphs = [Subgraph(name, f"http://{name}/", s.sdl) for name, s in split.services.items()]
    gateway = Gateway(compose(graphs), Direct(split.services))
    for text in operations(split, seed, count):
        told = await gateway.answer(text)
        wanted, broken = whole_answer(split, text)
        if broken and any(name in text for name in ("qg", "dg", "label")):
            continue  # a null that is carried up takes along what a requirement reads beside it
        alike = orjson.dumps(told["data"]) == orjson.dumps(wanted)  # in the same order, too
        if not alike or ("errors" in told) != broken:
            sdl = "\n---\n".join(f"{n}: {s.sdl}" for n, s in split.services.items())
            pytest.fail(
                f"seed {seed}\n{sdl}\n{text}\n{gateway.plan_text(text, None, {})}\n"
                f"wanted {wanted}\ntold   {told}"
            )


@given(st.integers(0, 2**32))
@settings(max_examples=8)
def test_split_and_whole_answer_alike(seed: int) -> None:
    import asyncio

    asyncio.run(check(seed, 4))


@pytest.mark.slow
@given(st.integers(0, 2**32))
@settings(max_examples=300)
def test_split_and_whole_answer_alike_often(seed: int) -> None:
    import asyncio

    asyncio.run(check(seed, 6))

"""No request is treated differently because of what an earlier one had sent: a pipeline that has
answered others answers as a fresh one does."""

from __future__ import annotations

import asyncio
import os
from random import Random
from typing import Any

import pytest

from hub.query.answer import Pipeline
from tests.hub.query.small import Small

FIRST = int(os.environ.get("WARM_SEED", "0"))
DOCUMENTS = (
    "query($v: [PersonOrder!]) { persons(orderBy: $v) { nodes { number } } }",
    "query($v: [PersonOrder!] = [AGE_DESC]) { persons(orderBy: $v) { nodes { number } } }",
    "query($v: [Int!]!) { persons(filter: {age: {between: $v}}) { nodes { number } } }",
    "query($v: [Int!]) { persons(filter: {age: {in: $v}}) { nodes { number } } }",
    "query($v: [Int!]) { persons(filter: {or: [{age: {in: $v}}, {age: {between: $v}}]}) "
    "{ totalCount } }",
    "query($v: PersonFilter) { persons(filter: $v) { nodes { number } } }",
    "query($v: [PersonFilter!]) { persons(filter: {and: $v}) { nodes { number } } }",
    "query($v: Boolean!) { caller { app @include(if: $v) tier } }",
    "query($v: Decimal = 1.50) { persons(filter: {score: {eq: $v}}) { nodes { number score } } }",
    "query($v: String) { persons(filter: {name: {eq: $v}}) { nodes { number } } }",
    "query($v: Int) { persons(first: $v) { nodes { number jobs(first: $v) { totalCount } } } }",
    'query($v: Int) { person(number: "1") { number } '
    'node(id: "x") { ... on Node { ... on Job { title person { jobs(first: $v) { totalCount } } } '
    "} } }",
    "query($v: ID!) { node(id: $v) { __typename } }",
    "query($v: [PersonGroup!]) { personsAggregate(groupBy: $v) { count } }",
)  # fmt: skip
LEAVES: tuple[Any, ...] = (
    None, True, False, 0, 1, 2, 20, 31, 1.0, 1.5, -1, 1_001, 2**31, "", "1", "Ann", "AGE_ASC",
    "AGE_DESC", "NAME_ASC", "NO_SUCH", "NAME", "AGE", "null", "absent", "default", "wrong", "leaf",
    "value", "1.50", "1_0", " 1 ", "\uff11", "\u0661", "1e2", "1.5", [], {},
)  # fmt: skip
FIELDS = ("age", "name", "score", "born")
OPERATORS = ("eq", "in", "between", "isNull", "lt", "noSuch")


def leaf(chance: Random) -> Any:
    return chance.choice(LEAVES)


def many(chance: Random) -> Any:
    pool = chance.choice([(20, 31), ("AGE_ASC", "AGE_DESC", "NAME_ASC"), ("NAME", "AGE"), LEAVES])
    made = [chance.choice(pool) for _ in range(chance.choice([0, 1, 2, 2, 3, 4, 101]))]
    return made if chance.random() < 0.8 else [*made, leaf(chance)]


def wish(chance: Random, depth: int = 2) -> Any:
    made: dict[str, Any] = {}
    for _ in range(chance.randint(0, 2)):
        word = chance.choice(("and", "or", "not", "field", "field", "field", "home"))
        if word == "field":
            value = many(chance) if chance.random() < 0.5 else leaf(chance)
            made[chance.choice(FIELDS)] = {chance.choice(OPERATORS): value}
        elif not depth:
            made[word] = leaf(chance)
        elif word in ("and", "or"):
            parts = [wish(chance, depth - 1) for _ in range(chance.randint(0, 2))]
            made[word] = [*parts, leaf(chance)] if chance.random() < 0.3 else parts
        else:
            made[word] = wish(chance, depth - 1) if chance.random() < 0.8 else leaf(chance)
    return made


def variables(chance: Random) -> dict[str, Any]:
    if chance.random() < 0.05:
        return {}
    value = chance.choice((leaf, many, wish, lambda c: [wish(c), wish(c)]))(chance)
    return {"v": value, "other": 1} if chance.random() < 0.1 else {"v": value}


async def check(seed: int) -> None:
    chance = Random(seed)
    text = DOCUMENTS[seed % len(DOCUMENTS)]
    warm = Small()
    for _ in range(40):
        given = variables(chance)
        told = await warm.ask(text, given)
        assert told == await fresh(warm).ask(text, given), f"seed {seed}\n{text}\n{given}"


def fresh(like: Small) -> Small:
    """The same world, with a pipeline that has seen nothing but the caller's face."""
    held = like.pipeline
    made = Small()
    made.pipeline = Pipeline(
        catalogue=held.catalogue, engine=held.engine, world=held.world, recorder=made.recorder,
        limits=held.limits, clock=lambda: 1_000.0, ids=lambda: "op",
    )  # fmt: skip
    for digest, face in held._faces._held.items():
        made.pipeline._faces.put(digest, face)
    return made


def run_seeds(start: int, count: int) -> None:
    async def all_of_them() -> None:
        for seed in range(start, start + count):
            await check(seed)

    asyncio.run(all_of_them())


@pytest.mark.parametrize("start", range(FIRST, FIRST + 56, 14))
def test_an_earlier_request_changes_nothing(start: int) -> None:
    run_seeds(start, 14)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(FIRST + 56, FIRST + 756, 70))
def test_an_earlier_request_changes_nothing_in_many_sequences(start: int) -> None:
    run_seeds(start, 70)

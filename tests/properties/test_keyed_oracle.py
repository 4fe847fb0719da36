"""Random worlds with keyed masks: answers equal operations over the masked view, in which every
token and every draw of noise is made without the Hub's keys."""

from __future__ import annotations

import asyncio
import hmac
import json
import time
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import orjson
import pytest

from connectors.memory import MemoryConnector
from hub.query.answer import Pipeline
from hub.query.cursor import Seal
from hub.query.keys import Keyring
from hub.query.limits import Limits
from hub.query.request import Request
from hub.query.run import World as Sources
from policies.masks import KEYED, MASKS
from policies.meet import fitted
from policies.ruling import Masked, Rowwise
from schema.graph.build import build_face
from schema.model.scalar import NUMERIC, TEXTUAL, ScalarKind
from tests.properties.cases import KEYED_WORLDS
from tests.properties.operations import Writer
from tests.properties.oracle import Oracle, Row
from tests.properties.test_oracle import CHUNK, FIRST, OPERATIONS_PER_WORLD, SECRET, _same
from tests.properties.worlds import World

MASTER = b"m" * 48
FAST = KEYED_WORLDS
TEXTS = [
    {"key_scope": "app"}, {"key_scope": "app", "domain": "all", "version": 2},
    {"key_scope": "purpose", "domain": "all"}, {"key_scope": "department"},
    {"key_scope": "grant"}, {"key_scope": "grant", "grant": "g1"},
]  # fmt: skip


def keyed(kind: ScalarKind, chance: Random) -> Masked:
    """A mask with a key that fits, or one without where none does."""
    if kind in TEXTUAL and chance.random() < 0.8:
        return Masked("tokenise", tuple(sorted(chance.choice(TEXTS).items())))
    if kind in TEXTUAL:
        return Masked("hash")
    if kind in NUMERIC:
        scope = chance.choice(["app", "hub"])
        params = {"epsilon": "0.1", "bound": "50", "key_scope": scope, "kind": kind}
        return Masked("noise", tuple(sorted(params.items())))
    found = fitted(Masked("redact"), kind)
    assert isinstance(found, Masked)
    return found


def remasked(world: World, chance: Random) -> Counter[str]:
    """Put keyed masks where the world hides; gives how often each stands."""
    counted: Counter[str] = Counter()

    def other(outcome: Any, kind: ScalarKind) -> Any:
        if not isinstance(outcome, Masked):
            return outcome
        found = keyed(kind, chance)
        counted[found.mask] += 1
        return found

    for name, entity in world.catalogue.types.items():
        for field in entity.fields.values():
            at = f"{name}.{field.name}"
            outcome = world.engine.outcomes[at]
            if isinstance(outcome, Rowwise):
                cases = [(case, other(to, field.kind)) for case, to in outcome.cases]
                world.engine.outcomes[at] = Rowwise(tuple(cases))
            else:
                world.engine.outcomes[at] = other(outcome, field.kind)
    return counted


class KeyedOracle(Oracle):
    """The masked view with codes by the standard library alone."""

    def _cell(self, row: Row, field: str, outcome: Any) -> Any:
        if not isinstance(outcome, Masked) or outcome.mask not in KEYED:
            return super()._cell(row, field, outcome)
        mask, params = KEYED[outcome.mask], dict(outcome.params)
        code = self._code(outcome.mask, params, f"{row.entity.name}.{field}")
        if code is None:
            return mask.apply([row.raw[field]], params)[0]
        key = [row.raw[part] for part in row.entity.key]
        cell = json.dumps(key, separators=(",", ":"), ensure_ascii=False).encode()
        return mask.conceal([row.raw[field]], params, code, [cell])[0]

    def _code(self, use: str, params: dict[str, Any], at: str) -> Callable[[bytes], bytes] | None:
        scope = "hub" if use == "hash" else params.get("key_scope", "app")
        values = {
            "hub": None, "app": self.subject.app, "department": self.subject.department,
            "purpose": "p", "grant": params.get("grant"),
        }  # fmt: skip
        if scope != "hub" and not values[scope]:
            return None
        info = json.dumps(
            ["mask", use, scope, values[scope], params.get("version", 1)],
            separators=(",", ":"),
        )
        extracted = hmac.digest(b"hub-keys-1", MASTER, "sha256")
        key = hmac.digest(extracted, info.encode() + b"\x01", "sha256")
        domain = str(params.get("domain", at)).encode()
        bound = len(domain).to_bytes(4) + domain
        return lambda message: hmac.digest(key, bound + message, "sha256")


async def check(seed: int) -> Counter[str]:
    world = World(seed)
    counted = remasked(world, Random(seed))
    face = build_face(world.catalogue, world.engine.visible(world.subject))
    oracle = KeyedOracle(
        world.catalogue, world.tables, world.engine, MASKS, world.subject, face, secret=SECRET
    )
    connectors: dict[Any, Any] = {
        name: MemoryConnector(name, world.tables[name], world.capabilities[name])  # type: ignore[arg-type]
        for name in world.sources
    }
    pipeline = Pipeline(
        catalogue=world.catalogue,
        engine=world.engine,
        world=Sources(connectors, MASKS, Seal(SECRET, time.time), keys=Keyring(MASTER)),
        recorder=None,
        limits=Limits(max_cost=10_000_000),
        ids=lambda: "op",
    )
    for number in range(OPERATIONS_PER_WORLD):
        text, variables = Writer(world, Random(f"{seed}/{number}")).operation()
        if "caller" in text:
            continue
        answer = await pipeline.answer(
            Request(text=text, variables=variables, subject=world.subject, purpose="p")
        )
        told = orjson.loads(answer.body)
        assert "errors" not in told, f"seed {seed}\n{text}\n{variables}\n{told['errors']}"
        expected = orjson.loads(orjson.dumps(oracle.run(text, variables)))
        assert _same(told["data"], expected), (
            f"seed {seed}\n{text}\n{variables}\nhub    {told['data']}\noracle {expected}"
        )
    return counted


@pytest.mark.parametrize("start", range(FIRST, FIRST + FAST, CHUNK))
def test_answer_equals_masked_view_with_keys(start: int) -> None:
    async def all_of_them() -> Counter[str]:
        counted: Counter[str] = Counter()
        for seed in range(start, start + CHUNK):
            counted += await check(seed)
        return counted

    counted = asyncio.run(all_of_them())
    assert counted["tokenise"] > 10
    assert counted["noise"] > 5
    assert counted["hash"] > 0

"""No answer holds more than the bound of its operation, whatever the variables and conditions."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from random import Random
from typing import Any

import orjson
import pytest
from graphql import GraphQLObjectType, get_named_type, parse, value_from_ast_untyped
from graphql.language import FieldNode, InlineFragmentNode, parse_value

from hub.query.limits import Limits
from hub.query.parse import Document, build_operation, read_document
from hub.query.request import Request
from hub.query.reveal import Asked, Bound, bound_of
from hub.query.widest import widest
from policies.ruling import Allow
from schema.graph.build import Face, build_face
from schema.model.names import FieldName, TypeName
from schema.model.scalar import canonical
from schema.model.subject import Context
from tests.properties.operations import Writer
from tests.properties.test_oracle import MASKS, pipeline_of
from tests.properties.worlds import KEYS, VALUES, World

CHUNK, FAST, SLOW = 40, 160, 1_200
LIMITS = Limits(max_cost=10_000_000)


def bound(world: World, document: Document, text: str) -> Bound:
    name = "Q" if "query Q" in text else None
    asked = Asked(
        subject=world.subject,
        contexts=[Context(purpose="p")],
        widest=widest(document, name, text),
    )
    digest = hashlib.sha256(text.encode()).hexdigest()
    return bound_of(digest, name, [asked], world.engine, groups=LIMITS.max_groups)


class Seen:
    """What an answer holds: values and rows, counted."""

    def __init__(self, face: Face, text: str) -> None:
        self.face = face
        self.values: dict[str, list[Any]] = {}
        self.rows: Counter[str] = Counter()
        (self.definition,) = parse(text).definitions

    def read(self, data: dict[str, Any]) -> None:
        query = self.face.schema.query_type
        assert query is not None
        self._walk(query, self.definition.selection_set, data)  # type: ignore[attr-defined]

    def _walk(self, of: GraphQLObjectType, selections: Any, held: dict[str, Any]) -> None:
        if of.name in self.face.catalogue.types:
            self.rows[of.name] += 1
        self._fields(of, selections, held)

    def _fields(self, of: GraphQLObjectType, selections: Any, held: dict[str, Any]) -> None:
        for node in selections.selections:
            if isinstance(node, InlineFragmentNode):
                self._fields(of, node.selection_set, held)
                continue
            assert isinstance(node, FieldNode)
            key = node.alias.value if node.alias else node.name.value
            if key not in held or node.name.value.startswith("__"):
                continue
            inner = get_named_type(of.fields[node.name.value].type)
            value = held[key]
            if isinstance(inner, GraphQLObjectType):
                for one in value if isinstance(value, list) else [value]:
                    if one is not None:
                        self._walk(inner, node.selection_set, one)
            elif of.name in self.face.catalogue.types and value is not None:
                self.values.setdefault(f"{of.name}.{node.name.value}", []).append(value)


def masked_values(world: World, at: str, bounds: Bound) -> list[Any] | None:
    """The values that the bound's masks make of a field; ``None`` where it is shown raw."""
    (use,) = [one for one in bounds.uses if one.coordinate == at and one.mode == "project"]
    type_name, _, name = at.partition(".")
    kind = world.catalogue.types[TypeName(type_name)].fields[FieldName(name)].kind
    # keys come from their own texts
    texts = KEYS if kind == "String" else []
    raw = [canonical(kind, value) for value in (*VALUES[kind], *texts)]
    found: list[Any] = []
    for shown in use.shown:
        if isinstance(shown.outcome, Allow):
            return None
        found += MASKS[shown.outcome.mask].apply(raw, dict(shown.outcome.params))
    return found


async def check(seed: int) -> int:
    world = World(seed)
    face = build_face(world.catalogue, world.engine.visible(world.subject))
    pipeline = pipeline_of(world)
    looked_at = 0
    for number in range(2):
        text, variables = Writer(world, Random(f"reveal {seed}/{number}")).operation()
        if "caller" in text:
            continue
        bounds = bound(world, read_document(text, face, LIMITS), text)
        shown = {one.coordinate: one.rows for one in bounds.uses
                 if one.mode == "project" and one.shown}  # fmt: skip
        most = {one.type: one.rows for one in bounds.types}
        for flip in (False, True):
            given = {k: v is not flip if isinstance(v, bool) else v for k, v in variables.items()}
            request = Request(text=text, variables=given, subject=world.subject, purpose="p")
            told = orjson.loads((await pipeline.answer(request)).body)
            seen = Seen(face, text)
            seen.read(told["data"])
            where = f"seed {seed}\n{text}\n{given}\n{bounds}"
            for name, rows in seen.rows.items():
                # nodes and edges say the same rows twice
                assert rows <= 2 ** text.count("edges") * most[name], where
            for at, values in seen.values.items():
                looked_at += len(values)
                assert len(values) <= shown.get(at, 0), where
                allowed = masked_values(world, at, bounds)
                assert allowed is None or all(value in allowed for value in values), where
    return looked_at


def uses_within(seed: int) -> int:
    """Filters, orders and groups that come whole from variables."""
    world = World(seed)
    face = build_face(world.catalogue, world.engine.visible(world.subject))
    looked_at = 0
    for entity in world.catalogue.types.values():
        may = world.engine.visible(world.subject).may
        if not may(entity.name, "list") or f"{entity.name}Filter" not in face.schema.type_map:
            continue
        text = (
            f"query Q($f: {entity.name}Filter, $n: Int) "
            f"{{ {entity.plural}(filter: $f, first: $n) {{ nodes {{ key }} }} }}"
        )
        if f"{entity.name}.key" not in world.engine.visible(world.subject).selectable:
            continue
        document = read_document(text, face, LIMITS)
        most = widest(document, "Q", text)
        writer = Writer(world, Random(f"uses {seed}"))
        for _ in range(6):
            writer.chance.random()
            filtered = plain_filter(writer, entity)
            if not filtered:
                continue
            value = value_from_ast_untyped(parse_value(filtered))
            held = build_operation(document, "Q", {"f": value, "n": 3})
            looked_at += len(held.uses)
            assert set(most.certain) <= set(held.uses) <= set(most.uses), filtered
    return looked_at


def plain_filter(writer: Writer, entity: Any) -> str:
    """A filter without variables in it."""
    for _ in range(8):
        writer.variables, writer.declared = {}, []
        text = writer._filter(entity, 2)
        if not writer.variables:
            return text
    return ""


@pytest.mark.parametrize("start", range(0, FAST, CHUNK))
def test_answers_are_within_the_bound(start: int) -> None:
    print(f"seeds {start} to {start + CHUNK - 1}")  # noqa: T201 - a failure is repeated from it
    assert sum(asyncio.run(check(seed)) for seed in range(start, start + CHUNK)) > 0


@pytest.mark.slow
@pytest.mark.parametrize("start", range(FAST, FAST + SLOW, CHUNK))
def test_answers_are_within_the_bound_in_many_worlds(start: int) -> None:
    assert sum(asyncio.run(check(seed)) for seed in range(start, start + CHUNK)) > 0


@pytest.mark.parametrize("start", range(0, FAST, CHUNK))
def test_variables_use_nothing_beyond_the_widest(start: int) -> None:
    assert sum(uses_within(seed) for seed in range(start, start + CHUNK)) > 0

"""Compose and plan time at 90 departments x 20 types x 20 fields."""

from __future__ import annotations

import time
from typing import Any

from connectors.memory import MemoryConnector
from hub.query.limits import Limits
from hub.query.parse import build_operation, read_document
from hub.query.planner import plan_operation
from policies.engine import Engine
from policies.packs import load
from policies.syntax import read_bundle
from schema.compose.fragment import read_fragment
from schema.compose.merge import compose
from schema.graph.build import build_face
from schema.model.subject import Context, Subject

DEPARTMENTS, TYPES, FIELDS = 90, 20, 20
BUNDLE = """policy: some
version: 1
owner: bench
effect: permit
subjects: {app: [bench]}
resources: {types: [%s]}
modes: [all]
"""


def fragment(number: int) -> str:
    lines = [
        "hub: 1",
        f"source: {{name: s{number}, department: d{number}, kind: sql, connect: {{url: 'sqlite:///x'}}}}",
        "types:",
    ]
    for t in range(TYPES):
        lines += [
            f"  D{number}T{t}:",
            f"    plural: d{number}t{t}s",
            "    key: [code]",
            f"    from: {{table: t{t}}}",
            "    label: internal",
            "    share: unconditional",
            "    fields:",
            "      code: {type: String}",
        ]
        lines += [f"      f{f}: {{type: String, about: Field {f}}}" for f in range(FIELDS - 1)]
    lines.append("relations:")
    for t in range(TYPES):
        other = f"D{(number + 1) % DEPARTMENTS}T{t}"
        lines.append(f"  D{number}T{t}.next: {{to: {other}, match: {{f0: code}}}}")
    return "\n".join(lines) + "\n"


def measure() -> dict[str, float]:
    texts = [fragment(number) for number in range(DEPARTMENTS)]
    packs = load(["plain"])
    started = time.perf_counter()
    fragments = [read_fragment(text, f"d{n}.yaml") for n, text in enumerate(texts)]
    read = time.perf_counter()
    catalogue = compose(fragments, packs.scheme, ceiling={"plain": "restricted"})
    composed = time.perf_counter()
    wanted = [f"D{n}T{t}" for n in range(4) for t in range(2)]
    bundle = read_bundle(BUNDLE % ", ".join(wanted), "bench.yaml")
    engine = Engine(catalogue, [bundle], packs, epoch=1, ceiling={"plain": "restricted"})
    ruled = time.perf_counter()
    subject = Subject(id="bench", app="bench", clearance={"plain": "restricted"}, tier="city")
    face = build_face(catalogue, engine.visible(subject))
    faced = time.perf_counter()
    connectors: dict[Any, Any] = {
        name: MemoryConnector(name, {f"t{t}": [] for t in range(TYPES)})
        for name in catalogue.sources
    }
    text = "{ d0t0s(first: 10) { nodes { code f1 f2 next { code f3 next { code f4 } } } } }"
    _plan(text, face, engine, catalogue, connectors, subject)
    begun = time.perf_counter()
    _plan(text.replace("f1", "f5"), face, engine, catalogue, connectors, subject)
    planned = time.perf_counter()
    return {
        "departments": DEPARTMENTS,
        "fields": DEPARTMENTS * TYPES * FIELDS,
        "read_and_compose_s": round(composed - started, 3),
        "compose_s": round(composed - read, 3),
        "rules_s": round(ruled - composed, 3),
        "caller_schema_s": round(faced - ruled, 3),
        "fresh_plan_ms": round((planned - begun) * 1000, 2),
    }


def _plan(text: str, face: Any, engine: Any, catalogue: Any, connectors: Any, subject: Any) -> None:
    document = read_document(text, face, Limits())
    operation = build_operation(document, None, {})
    ruling = engine.rule(subject, operation.uses, Context())
    plan_operation(operation, catalogue, ruling, connectors)


if __name__ == "__main__":
    print(measure())

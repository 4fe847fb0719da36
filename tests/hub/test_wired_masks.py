"""Masks in hubs from settings: workers share keys, another state or profile has others."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import orjson
import pytest

from hub.query.request import Request
from hub.settings import read_settings
from hub.wiring import build_hub
from schema.model.names import DepartmentName
from schema.model.subject import Subject

FRAGMENT = """\
hub: 1
source: {{name: civil, department: civil-affairs, kind: sql, connect: {{url: "sqlite:///{db}"}}}}
types:
  Person:
    key: [idNumber]
    from: {{table: residents}}
    label: internal
    share: unconditional
    fields:
      idNumber: {{column: id_number, type: String}}
      salary: {{type: Int}}
"""
RULES = """\
policy: all
effect: permit
subjects: {app: benefits}
resources: {types: [Person]}
---
policy: tokens
effect: require
resources: {fields: [Person.idNumber]}
outcome: {mask: {tokenise: {key_scope: app, domain: person}}}
---
policy: noise
effect: require
resources: {fields: [Person.salary]}
outcome: {mask: {noise: {epsilon: 0.001, bound: 5000}}}
"""
CALLER = Subject(
    id="app:benefits",
    app="benefits",
    department=DepartmentName("civil-affairs"),
    clearance={"plain": "restricted"},
)


async def seen(home: Path, state: str, profile: str) -> list[dict[str, object]]:
    """What one worker answers."""
    config = home / "hub.yaml"
    config.write_text(
        'fragments: ["civil.yaml"]\npolicies: ["rules.yaml"]\naudit: {enabled: false}\n'
        f"state: {{directory: {state}}}\n"
        f"instance: {{mode: development, crypto_profile: {profile}}}\n",
        encoding="utf-8",
    )
    hub = build_hub(read_settings(config, {}))
    await hub.open()
    try:
        text = "{ persons(first: 100) { nodes { idNumber salary } } }"
        answer = await hub.pipeline.answer(Request(text=text, subject=CALLER))
    finally:
        await hub.close()
    rows: list[dict[str, object]] = orjson.loads(answer.body)["data"]["persons"]["nodes"]
    return sorted(rows, key=lambda row: str(row["idNumber"]))


@pytest.mark.asyncio
async def test_workers_share_keys_and_nobody_else_has_them(tmp_path: Path) -> None:
    database = tmp_path / "civil.sqlite"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE residents (id_number TEXT PRIMARY KEY, salary INTEGER)")
        connection.executemany(
            "INSERT INTO residents VALUES (?, ?)", [(f"id{n}", 5000 + n) for n in range(60)]
        )
    connection.close()
    (tmp_path / "civil.yaml").write_text(FRAGMENT.format(db=database), encoding="utf-8")
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    first = await seen(tmp_path, "one", "intl")
    assert len(first) == 60
    assert all(str(row["idNumber"]).startswith("t") for row in first)
    assert await seen(tmp_path, "one", "intl") == first
    for state, profile in (("one", "sm"), ("two", "intl")):
        other = await seen(tmp_path, state, profile)
        assert {row["idNumber"] for row in other}.isdisjoint({row["idNumber"] for row in first})
        assert sorted(str(row["salary"]) for row in other) != sorted(
            str(row["salary"]) for row in first
        )

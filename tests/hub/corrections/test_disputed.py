"""`extensions.disputed`: told of what the caller sees as it is, and of nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.corrections import disputes
from hub.store.corrections import unreadable
from tests.hub.corrections.registry_office import AIDS, registry

PATHS = [["aids", "nodes", 0, "status"]]


@pytest.mark.asyncio
async def test_only_while_it_is_taken_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with registry(tmp_path, monkeypatch) as at:
        name = await at.doubt()
        assert await at.disputed() == []
        await at.step("accept", name, 1)
        told = await at.ask()
        (path,) = told["extensions"]["disputed"]["paths"]
        row = told["data"]["aids"]["nodes"][path[2]]
        assert (row["number"], path[3]) == ("a1", "status")
        assert "disputed" not in (await at.ask(wants=False)).get("extensions", {})
        await at.step("resolve", name, 2, outcome="UNFOUNDED")
        assert await at.disputed() == []


@pytest.mark.asyncio
async def test_by_aliases_edges_look_ups_and_relations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with registry(tmp_path, monkeypatch) as at:
        await at.accepted()
        found = await at.disputed("{ x: aids { edges { node { n: number s: status } } } }")
        assert [(path[0], path[1], path[3:]) for path in found] == [("x", "edges", ["node", "s"])]
        assert await at.disputed('{ aid(number: "a1") { number status } }') == [["aid", "status"]]
        assert await at.disputed('{ aid(number: "a2") { number status } }') == []
        # without the key nothing tells which row it is
        assert await at.disputed("{ aids { nodes { status } } }") == []
        assert await at.disputed("{ aids { nodes { number district } } }") == []
        assert await at.disputed("{ aids { totalCount } }") == []


@pytest.mark.asyncio
async def test_not_to_who_sees_it_masked_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    masks = """
---
policy: tax-sees-less
effect: require
subjects: {app: tax-audit, role: trainee}
resources: {fields: [Aid.status]}
outcome: redact
---
policy: tax-doubts-aid
effect: permit
subjects: {app: tax-audit, purpose: tax.audit}
resources: {fields: [Aid.status]}
modes: [correct]
"""
    async with registry(tmp_path, monkeypatch, rules=masks) as at:

        async def bytes_of(who: str, purpose: str, text: str = AIDS) -> str:
            told = await at.ask(text, who, purpose)
            return str(told)

        monkeypatch.setattr(
            "tests.hub.corrections.registry_office.PEOPLE",
            {**_people(), "trainee": {**_people()["B-li"], "roles": ["trainee"]}},
        )
        cases = [("trainee", "tax.audit"), ("T", "grassroots")]
        before = [await bytes_of(*one) for one in cases]
        await at.accepted()
        after = [await bytes_of(*one) for one in cases]
        # T reads the field as it is, the trainee does not
        assert before[0] == after[0]
        assert "paid" not in before[0]
        assert before[1] != after[1]
        assert await at.disputed(AIDS, "T", "grassroots") == PATHS


def _people() -> dict[str, dict[str, object]]:
    from tests.hub.corrections import registry_office

    return dict(registry_office.PEOPLE)


@pytest.mark.asyncio
async def test_rows_of_others_tell_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with registry(tmp_path, monkeypatch) as at:
        before = await at.ask(AIDS, "T", "grassroots")
        await at.accepted(key={"number": "a3"})  # lies in another district
        await at.accepted(key={"number": "nobody"})
        await at.accepted(fields=[{"field": "district"}])
        assert await at.ask(AIDS, "T", "grassroots") == before


@pytest.mark.asyncio
async def test_where_doubts_cannot_be_looked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with registry(tmp_path, monkeypatch) as at:
        await at.accepted()

        def lost(*_: object) -> None:
            raise unreadable()

        monkeypatch.setattr(disputes, "accepted_marks", lost)
        told = await at.ask()
        assert len(told["data"]["aids"]["nodes"]) == 3
        assert told["extensions"]["disputed"] == {"complete": False, "paths": []}

"""The base scenarios of registration, 29 to 31, with a hub that runs; numbers are those of the
scenario table of the design."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import structlog

from hub.serve.reload import Reloader
from policies.packs import load
from schema.compose.fragment import read_fragment
from schema.compose.merge import compose_with_notes
from schema.errors import ManyErrors
from schema.model.names import TypeName
from tests.scenarios.world import HERE, World, running

pytestmark = pytest.mark.asyncio
CEILING = {"cn-gbt43697": "IMPORTANT", "cn-secrecy": "NONE"}
WATER = "departments/water.yaml"
PIPELINE = "pipeline: {type: String}"
FIRMS = "{ firms { nodes { creditCode } } }"


@pytest_asyncio.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    async with running(tmp_path, monkeypatch) as held:
        yield held


async def refused(world: World, pipeline: str, code: str) -> str:
    """What the hub says of a field; it goes on with what it has."""
    before = world.hub.pipeline
    with pytest.raises(ManyErrors) as held:
        await world.rewrite(WATER, PIPELINE, pipeline)
    assert held.value.code == code
    assert world.hub.pipeline is before
    assert "data" in await world.ask("B", FIRMS, "tax.audit")
    return str(held.value)


async def test_29_a_secret_is_refused_and_told(world: World) -> None:
    secret = "pipeline: {type: String, label: {levels: {cn-secrecy: CONFIDENTIAL}}}"
    told = await refused(world, secret, "COMPOSITION_FAILED")
    assert "water.yaml:18:" in told
    assert "ceiling" in told
    world.write(WATER, secret, PIPELINE)
    with structlog.testing.capture_logs() as logs:
        async with Reloader(world.hub, poll_s=0.05), asyncio.timeout(60):
            world.write(WATER, PIPELINE, secret)
            while not any(log["event"] == "reload.refused" for log in logs):
                await world.ask("B", FIRMS, "tax.audit")
                world.touch(WATER)
    alert = next(log for log in logs if log["event"] == "reload.refused")
    assert (alert["log_level"], alert["code"]) == ("error", "COMPOSITION_FAILED")
    assert "ceiling" in alert["problem"]


async def test_30_a_field_without_a_label_is_not_served(world: World) -> None:
    text = (HERE / WATER).read_text(encoding="utf-8")
    owner = {"department": "water", "app": "pipes", "sub": "pipes"}
    shown = "{ pipes { nodes { pipe pipeline } } }"
    assert "data" in await world.ask("Q", shown, "case", **owner)
    draft = text.replace("label: {level: IMPORTANT, categories: [infra]}", "about: Pipes")
    draft = draft.replace("pipe: {type: String}", "pipe: {type: String, label: G1}")
    await world.rewrite(WATER, text, draft)
    assert "data" in await world.ask("Q", shown.replace(" pipeline", ""), "case", **owner)
    assert world.rules("Pipe.pipe") == ["own-data@1"]
    told = await world.ask("Q", shown, "case", **owner)
    absent = await world.ask("Q", shown.replace("pipeline", "pipelinx"), "case", **owner)
    assert "data" not in told
    assert str(told) == str(absent).replace("pipelinx", "pipeline")
    # it is a draft, and its department is told what it lacks
    catalogue, notes = compose_with_notes(
        [read_fragment(draft, "water.yaml")], load(["cn"]).scheme, ceiling=CEILING
    )
    assert list(catalogue.types[TypeName("Pipe")].fields) == ["pipe"]
    assert any("Pipe.pipeline" in str(one) and "label" in str(one) for one in notes)


async def test_31_withheld_needs_a_legal_basis(world: World) -> None:
    told = await refused(world, "pipeline: {type: String, share: withheld}", "FRAGMENT_INVALID")
    assert "water.yaml:18:" in told
    assert "without a legal basis" in told
    based = "pipeline: {type: String, share: withheld, legal_basis: [Water Law]}"
    world.write(WATER, "pipeline: {type: String, share: withheld}", PIPELINE)
    await world.rewrite(WATER, PIPELINE, based)
    pipes = "{ pipes { nodes { pipeline } } }"
    owner = {"department": "water", "app": "pipes", "sub": "pipes"}
    assert "data" in await world.ask("Q", pipes, "case", **owner)
    assert world.rules("Pipe.pipeline") == ["own-data@1"]
    assert "data" not in await world.ask("Q", pipes, "case")
    assert await world.unseen("Q", "Pipe.pipeline", "case") == ("mandatory.withheld",)

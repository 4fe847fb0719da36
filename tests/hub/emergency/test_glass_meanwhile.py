"""What is closed while an operation is under way: nothing of it leaves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from hub.emergency.watch import GlassWatch
from hub.store import emergency as store
from tests.hub.emergency.brigade import ASK, Brigade, brigade


def between(at: Brigade, patch: pytest.MonkeyPatch, then: Callable[[], Awaitable[None]]) -> None:
    """Let something happen while the source is asked."""
    kind = type(at.world.hub.pipeline.world.reach["psb"])
    fetch = kind.fetch

    async def slow(self: Any, *given: Any, **named: Any) -> Any:
        batch = await fetch(self, *given, **named)
        await then()
        return batch

    patch.setattr(kind, "fetch", slow)


async def code(at: Brigade) -> str:
    told = await at.ask(ASK)
    assert "data" not in told, told
    return str(told["errors"][0]["extensions"]["code"])


@pytest.mark.asyncio
async def test_it_ends_while_the_source_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with brigade(tmp_path, monkeypatch) as at:
        await at.declare()
        opened = await at.broken()

        async def time_passes() -> None:
            at.now[0] += 3600

        between(at, monkeypatch, time_passes)
        assert await code(at) == "EMERGENCY_ENDED"
        last = at.log()[-1]
        assert getattr(last, "emergency", None) == [opened]
        assert getattr(last, "rows", None) == {}


@pytest.mark.asyncio
async def test_it_is_revoked_while_the_source_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with brigade(tmp_path, monkeypatch) as at:
        await at.declare()
        opened = await at.broken()
        hub = at.world.hub

        async def revoked() -> None:
            store.revoke(hub.database, opened, "li", at.now[0])
            await at.taken_up()

        between(at, monkeypatch, revoked)
        assert await code(at) == "EMERGENCY_ENDED"


@pytest.mark.asyncio
async def test_an_engine_that_does_not_know_of_a_revocation_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with brigade(tmp_path, monkeypatch) as at:
        await at.declare()
        opened = await at.broken()
        hub = at.world.hub
        store.revoke(hub.database, opened, "li", at.now[0])
        hub._glass.read()  # the pipeline is still the one that was made with it
        assert await code(at) == "EMERGENCY_ENDED"


@pytest.mark.asyncio
async def test_a_worker_that_cannot_look_keeps_nothing_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with brigade(tmp_path, monkeypatch) as at:
        await at.declare()
        await at.broken()
        assert "111" in await at.phones()
        watch = at.world.hub._glass

        def lost() -> None:
            raise store.unreadable()

        monkeypatch.setattr(watch, "read", lost)
        monkeypatch.setattr(watch, "_seen", watch._monotonic() - 11)
        assert await code(at) == "EMERGENCY_ENDED"
        # what has nothing to do with it is answered
        told = await at.ask("{ firms { nodes { name } } }", purpose="statistics")
        assert "data" in told


@pytest.mark.asyncio
async def test_what_could_not_be_taken_up_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with brigade(tmp_path, monkeypatch) as at:
        await at.declare()
        await at.tried()
        hub, tries = at.world.hub, 0

        async def fails() -> None:
            nonlocal tries
            tries += 1
            raise store.unreadable()

        watch = GlassWatch(hub.database, lambda: at.now[0])
        await watch.look(fails)
        await watch.look(fails)
        assert tries == 2

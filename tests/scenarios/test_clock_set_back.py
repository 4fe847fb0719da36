"""A ruling is good from the moment at which it was made, and not before."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.query.request import Request
from tests.scenarios.world import WHO, running


@pytest.mark.asyncio
async def test_what_was_ruled_on_is_not_known_at_an_earlier_hour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, monkeypatch) as world:
        office = await world.hub.identifier.identify("bearer", world.issuer.sign(WHO["office"]))
        request = Request(text="{ firms { nodes { name } } }", variables={}, subject=office)
        assert (await world.hub.pipeline.answer(request)).code is None
        world.now[0] -= 5 * 3600
        assert (await world.hub.pipeline.answer(request)).code == "TIME_WINDOW"
        world.now[0] += 5 * 3600
        assert (await world.hub.pipeline.answer(request)).code is None

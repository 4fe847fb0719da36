"""What subgraphs of every family answer together, from the tables of `families`."""

from __future__ import annotations

from typing import Any

import pytest

from hub.gateway.compose.compose import compose
from hub.gateway.compose.problems import CompositionError
from hub.gateway.gateway import Gateway
from tests.hub.gateway.direct import Direct
from tests.hub.gateway.scenes import Case, Scene, scenes

CASES = [
    pytest.param(scene, case, id=f"{name}: {number}")
    for name, scene in scenes()
    for number, case in enumerate(scene.cases)
]
REFUSED = [pytest.param(scene, id=name) for name, scene in scenes() if scene.refused]


@pytest.mark.asyncio
@pytest.mark.parametrize(("scene", "case"), CASES)
async def test_what_is_asked_is_answered_in_few_requests(scene: Scene, case: Case) -> None:
    services = scene.services()
    gateway = Gateway(compose(scene.listed()), Direct(services))
    told: dict[str, Any] = await gateway.answer(case.ask, None, case.variables)
    plan = gateway.plan_text(case.ask, None, case.variables)
    assert told["data"] == case.data, (told, plan)
    assert [error.get("path", []) for error in told.get("errors", ())] == case.errors, told
    if case.fetches is not None:
        assert sum(len(one.asked) for one in services.values()) <= case.fetches, plan


@pytest.mark.parametrize("scene", REFUSED)
def test_what_does_not_fit_together_is_refused(scene: Scene) -> None:
    with pytest.raises(CompositionError) as caught:
        compose(scene.listed())
    assert [one.code for one in caught.value.problems] == scene.refused

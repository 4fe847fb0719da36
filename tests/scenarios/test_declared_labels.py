"""Labels that rules declare of masked values, through HTTP: they count where many share them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenarios.world import BENEFIT, World, running

pytestmark = pytest.mark.asyncio
INITIALS = """---
policy: initials
effect: require
subjects: {app: aid-office}
resources: {fields: [Person.name]}
outcome: {mask: {partial: {keep_first: 1}}}
declassify: {level: G1, k: 2, reason: an initial is shared}
---
policy: township-people
"""


async def test_an_initial_that_one_person_has_keeps_its_label(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, monkeypatch) as world:
        await world.rewrite("rules.yaml", "---\npolicy: township-people\n", INITIALS)

        async def level(world: World) -> str:
            told = await world.ask("A", "{ persons { nodes { name } } }", BENEFIT)
            label = told["extensions"]["governance"]["label"]
            assert world.entries()[-1].label == label
            found: str = label["levels"]["cn-gbt43697"]
            return found

        alone = await level(world)
        again = [
            (f"{name}-2", f"{name}x", "1990-01-01", "1", None, "a", "330103001")
            for name in ("An", "Bo", "Ci", "Du")
        ]
        world.insert("psb", "person", again)
        assert (alone, await level(world)) == ("G2", "G1")

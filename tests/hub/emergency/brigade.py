"""The scenarios' city with an emergency centre that may break the glass, over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from hub.audit.entry import Act, Entry, read_body
from hub.control.door import PATH
from hub.store.ledger import open_ledger
from tests.scenarios.world import CONFIG, WHO, World, claims, running

LISTS = """
break_glass: rescue
about: {en: "Who lives there, and how to reach them", zh: 人员联络信息}
to: {app: emergency-desk, department: emergency}
purpose: emergency
fields:
  Person.idNo: allow
  Person.name: allow
  Person.phone: allow
  Person.birthDate: {mask: {generalise: {to: year}}}
  Person.keyWatch: allow
  Person.track: allow
rows: {region_within: [row.region, "3301"]}
minutes: 60
acr: [smart-card]
review: {hours: 48}
---
break_glass: care
to: {app: emergency-desk}
purpose: emergency
fields: {Health.idNo: allow, Health.diagnosis: allow, Health.hiv: allow}
minutes: 60
acr: [smart-card]
review: {hours: 48}
---
break_glass: firms
to: {app: emergency-desk}
purpose: emergency
fields: {Firm.arrears: allow}
minutes: 30
acr: [smart-card]
review: {hours: 48}
"""
MORE = """
emergency:
  lists: [lists.yaml]
"""
CASE = "2026-117"
DUTY = {"acr": "smart-card", "user": "zhou", "duties": ["break-glass"]}
PEOPLE: Mapping[str, dict[str, Any]] = {
    "E": claims("emergency-desk", "G3", "emergency", "statistics", department="emergency", **DUTY),
    "E2": claims("emergency-desk", "G3", "emergency", department="emergency",
                 **{**DUTY, "user": "wu"}),
    "E-officer": claims("console", "G1", "emergency", department="emergency", user="han",
                        duties=["emergency-officer"]),
    "S": claims("console", "G1", department="bureau", user="li", duties=["security-officer"]),
    "S-zhou": claims("console", "G1", department="bureau", user="zhou",
                     duties=["security-officer"]),
}  # fmt: skip
ASK = "{ persons { nodes { name phone } } }"
REFUSED = "... on StepRefused { code message }"
OPENED = f"{{ __typename ... on GlassStep {{ opening {{ id until outcome }} }} {REFUSED} }}"
DECLARED = f"{{ __typename ... on EmergencyStep {{ emergency {{ id until }} }} {REFUSED} }}"


class Brigade:
    """Staff of the emergency centre and the officers, before one hub."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.now = world.now

    async def control(self, who: str, query: str, **more: Any) -> Any:
        """The one field of an answer of the control door; `more`: other claims."""
        said = {"exp": self.now[0] + 600, "iat": self.now[0] - 1}
        token = self.world.issuer.sign({**WHO, **PEOPLE}[who] | said | more)
        got = await self.world.client.post(
            PATH, json={"query": query}, headers={"authorization": f"Bearer {token}"}
        )
        told = orjson.loads(got.content)
        assert "errors" not in told, told
        return next(iter(told["data"].values()))

    async def declare(
        self, name: str = "flood", *, opens: str = '["rescue"]', who: str = "E-officer", **more: Any
    ) -> Any:
        """An emergency, declared."""
        region = f', region: "{more.pop("region")}"' if "region" in more else ""
        hours = more.pop("hours", 72)
        return await self.control(
            who,
            f'mutation {{ declareEmergency(id: "{name}", title: "Flood", opens: {opens},'
            f" hours: {hours}{region}) {DECLARED} }}",
            **more,
        )

    async def tried(
        self,
        who: str = "E",
        *,
        name: str = "flood",
        which: str = "rescue",
        case: str = CASE,
        reason: str = "find residents",
        **more: Any,
    ) -> Any:
        """What becomes of breaking the glass; `more`: other claims."""
        return await self.control(
            who,
            f'mutation {{ breakGlass(emergency: "{name}", list: "{which}", caseId: "{case}",'
            f' reason: "{reason}") {OPENED} }}',
            **more,
        )

    async def broken(self, who: str = "E", **more: Any) -> str:
        """The id of what was opened, once this worker has taken it up."""
        told = await self.tried(who, **more)
        assert told["__typename"] == "GlassStep", told
        await self.taken_up()
        return str(told["opening"]["id"])

    async def taken_up(self) -> None:
        """What a worker does every half second."""
        hub = self.world.hub
        await hub._glass.look(hub._plan_anew)

    async def ask(self, query: str = ASK, who: str = "E", **more: Any) -> dict[str, Any]:
        """An answer of the governed endpoint, in the case."""
        given = {"hub_case": CASE, "purpose": "emergency", **more}
        return await self.world.ask(who, query, **given)

    async def phones(self, who: str = "E", **more: Any) -> list[str | None]:
        """What somebody sees of the telephones."""
        told = await self.ask(ASK, who, **more)
        if "data" not in told:
            return []
        return [row["phone"] for row in told["data"]["persons"]["nodes"]]

    def log(self) -> list[Entry | Act]:
        """What is on record."""
        ledger = open_ledger(self.world.hub.database)
        try:
            return [read_body(row.body) for row in ledger.rows()]
        finally:
            ledger.close()

    def acts(self) -> list[tuple[str, str, str]]:
        """Act, who, and what came of it."""
        acts = [one for one in self.log() if isinstance(one, Act)]
        return [(one.act, one.by, one.code or one.outcome) for one in acts]


@asynccontextmanager
async def brigade(
    folder: Path,
    patch: pytest.MonkeyPatch,
    *,
    lists: str = LISTS,
    more: str = MORE,
    replaced: Mapping[str, str] | None = None,
) -> AsyncIterator[Brigade]:
    """The city at noon, with lists of what may be opened."""
    patch.setattr("tests.scenarios.world.WHO", {**WHO, **PEOPLE})
    files = {"lists.yaml": lists, "hub.yaml": CONFIG + more, **(replaced or {})}
    async with running(folder, patch, files) as world:
        yield Brigade(world)


async def soon(found: Any) -> Any:
    """What comes about within a few seconds of real time."""
    for _ in range(100):
        if held := await found():
            return held
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come about")
